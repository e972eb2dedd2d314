"""A headless Chromium, driven through a pipe (its DevTools protocol), and a server for the site."""

import base64
import contextlib
import fcntl
import functools
import gzip
import importlib.util
import itertools
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from support import version

# The first is the same browser without windows, and takes half as long.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = ["--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--hide-scrollbars",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage", "--no-sandbox"]
Answer = TypeVar("Answer")
PATIENCE = 90  # seconds; only something that hangs takes them


def find() -> str | None:
    """The browser of this machine: one that answers, for Ubuntu has a stub of that name."""
    return next(filter(version, NAMES), None)


@functools.cache
def axe() -> str:
    """axe-core, which lies in a package of build/venv."""
    found = importlib.util.find_spec("axe_playwright_python")
    assert found and found.origin, "build/venv is not that of docs/requirements.txt: run make"
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


def until(condition: Callable[[], Answer], what: str, pause: float = 0.02) -> Answer:
    """Wait for a condition, by asking again and again; return its answer."""
    begun = time.monotonic()
    while not (answer := condition()):
        assert time.monotonic() - begun < PATIENCE, f"never: {what}"
        time.sleep(pause)  # asking takes time from those who are asked
    return answer


class Browser:
    """Sends commands, and keeps the events that come meanwhile."""

    def __init__(self) -> None:
        self.profile = tempfile.mkdtemp(prefix="ipc-test-browser-")
        inner_in, self._out = os.pipe()
        self._in, inner_out = os.pipe()
        # Chromium reads from 3 and writes to 4; first out of the way, for these may be 3 or 4.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (inner_in, inner_out)]

        def place() -> None:
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            [str(find()), *OPTIONS, f"--user-data-dir={self.profile}", "about:blank"],
            preexec_fn=place, pass_fds=(3, 4), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in (inner_in, inner_out, *ends):
            os.close(end)
        self._numbers = itertools.count(1)
        self._rest = b""
        self.events: list[dict[str, Any]] = []

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._in], [], [], PATIENCE)[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self._in, 1 << 20)
            if not more:
                raise EOFError("the browser has ended")
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def wait(self, method: str, session: str) -> dict[str, Any]:
        """The first event of this kind, from those that have come, or that come."""
        while True:
            for event in self.events:
                if event.get("method") == method and event.get("sessionId") == session:
                    return event["params"]
            self.events.append(self._read())

    def end(self) -> None:
        with contextlib.suppress(Exception):
            self.send("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self.profile, ignore_errors=True)


class Tab:
    """One page, with storage of its own, or with that of the one beside it."""

    def __init__(self, browser: Browser, beside: "Tab | None" = None) -> None:
        self.browser = browser
        self._scripted = True
        self._context = (beside._context if beside else
                         browser.send("Target.createBrowserContext")["browserContextId"])
        self.target = browser.send("Target.createTarget", url="about:blank",
                                   browserContextId=self._context)["targetId"]
        self.session = browser.send("Target.attachToTarget", targetId=self.target,
                                    flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        if method == "Emulation.setScriptExecutionDisabled":
            self._scripted = not parameters["value"]
        return self.browser.send(method, self.session, **parameters)

    def close(self) -> None:
        self.browser.send("Target.disposeBrowserContext", browserContextId=self._context)

    def look(self, width: int, height: int = 800, dark: bool = False, media: str = "") -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.send("Emulation.setEmulatedMedia", media=media, features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def go(self, address: str) -> None:
        """Load a page; what it does while it loads can be asked for afterwards."""
        self.browser.events.clear()
        self.send("Page.navigate", url=address)
        self.browser.wait("Page.loadEventFired", self.session)
        # The script of the theme begins when the page has been drawn, and looks at it when it is drawn again.
        for _ in range(2 if self._scripted else 0):
            self.run("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True,
                           returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, script: str) -> None:
        """Wait for an expression to become true, here or in the page that comes next."""
        def true() -> bool:
            try:
                return bool(self.run(f"!!({script})"))
            except AssertionError as error:
                if "navigated" in str(error):  # in the middle of the question
                    return False
                raise
        until(true, script)

    def _mine(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.browser.events
                if event.get("method") == method and event.get("sessionId") == self.session]

    def complaints(self) -> list[str]:
        """Errors and warnings since the page began to load."""
        self.run("new Promise(requestAnimationFrame)")
        return [*(event["entry"]["text"] + " " + event["entry"].get("url", "")
                  for event in self._mine("Log.entryAdded")),
                *(str(event["args"]) for event in self._mine("Runtime.consoleAPICalled")),
                *(str(event["exceptionDetails"]) for event in self._mine("Runtime.exceptionThrown"))]

    def requests(self) -> list[str]:
        """What has been asked for since the page began to load."""
        return [event["request"]["url"] for event in self._mine("Network.requestWillBeSent")]

    def received(self) -> list[tuple[str, int]]:
        """The kind of each file that has come since the page began to load, and its bytes on the way."""
        names = {event["requestId"]: event["request"]["url"] for event in self._mine("Network.requestWillBeSent")}
        return [(re.sub(r".*\.|[?].*", "", names[event["requestId"]]), event["encodedDataLength"])
                for event in self._mine("Network.loadingFinished")
                if not names[event["requestId"]].startswith("data:")]

    def picture(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))


class _Handler(SimpleHTTPRequestHandler):
    """Compresses, and counts what it sends."""

    protocol_version = "HTTP/1.1"
    sent: list[tuple[str, int]]

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        status = 200
        if path.is_dir():
            path /= "index.html"
        if not path.is_file():
            path, status = Path(self.directory) / "404.html", 404
        body = gzip.compress(path.read_bytes(), 6)
        self.sent.append((self.path, len(body)))
        self.send_response(status)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        # What has its checksum in its address never changes.
        self.send_header("Cache-Control", "max-age=31536000, immutable" if "?v=" in self.path else "max-age=600")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    """Says nothing of those who go away in the middle of a page, as a browser does that has seen enough."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """A server for the folder: its address, and what it has sent, with the compressed size."""
    sent: list[tuple[str, int]] = []
    handler = type("Handler", (_Handler,), {"sent": sent})
    server = _Server(("127.0.0.1", 0), partial(handler, directory=folder))
    serving: Callable[[], None] = partial(server.serve_forever, 0.05)
    threading.Thread(target=serving, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", sent
    finally:
        server.shutdown()
        server.server_close()
