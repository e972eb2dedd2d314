"""A headless Firefox, driven by its own protocol, Marionette: lengths and JSON over a socket."""

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from support import version

PATIENCE = 120  # seconds; only something that hangs takes them


def find() -> str | None:
    """The browser of this machine."""
    return next(filter(version, ("firefox-esr", "firefox")), None)


class Firefox:
    """One window. As browser.Tab, as far as it goes."""

    def __init__(self) -> None:
        self.profile = Path(tempfile.mkdtemp(prefix="ipc-test-firefox-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (self.profile / "user.js").write_text(f'user_pref("marionette.port", {port});\n')
        options = ["--headless", "--marionette", "--no-remote", "--profile", self.profile]
        self._process = subprocess.Popen([str(find()), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._begin(port)
        except BaseException:
            self._process.kill()
            self._process.wait()
            shutil.rmtree(self.profile, ignore_errors=True)
            raise

    def _begin(self, port: int) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < until and self._process.poll() is None, "Firefox does not start"
                time.sleep(0.1)
        self._rest, self._number = b"", 0
        self._message()  # its greeting
        self.send("WebDriver:NewSession", capabilities={})
        self.send("WebDriver:SetTimeouts", script=1000 * PATIENCE, pageLoad=1000 * PATIENCE)

    def _message(self) -> Any:
        while b":" not in self._rest or len(self._rest.partition(b":")[2]) < int(self._rest.partition(b":")[0]):
            more = self._socket.recv(1 << 16)
            assert more, "Firefox has ended"
            self._rest += more
        size, _, rest = self._rest.partition(b":")
        self._rest = rest[int(size):]
        return json.loads(rest[:int(size)])

    def send(self, command: str, **parameters: Any) -> Any:
        self._number += 1
        message = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._message()
        assert not error, error
        return result

    def go(self, address: str) -> None:
        """Load a page."""
        self.send("WebDriver:Navigate", url=address)

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self.send("WebDriver:ExecuteScript", script=f"return eval({json.dumps(script)})", args=[],
                         sandbox="default")["value"]

    def until(self, script: str) -> None:
        """Wait for an expression to become true."""
        until = time.monotonic() + PATIENCE
        while not self.run(f"!!({script})"):
            assert time.monotonic() < until, f"never: {script}"
            time.sleep(0.02)

    def end(self) -> None:
        with contextlib.suppress(Exception):
            self.send("Marionette:Quit", flags=["eForceQuit"])
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.close()
        shutil.rmtree(self.profile, ignore_errors=True)
