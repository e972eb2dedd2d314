"""A make serve in a copy of the course, in a process group as in a terminal."""

import contextlib
import functools
import http.client
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import browser
from browser import PATIENCE

PROGRAM = "code/shm/030-shm-produce.c"
BINARY = "build/shm/030-shm-produce"
SAYS = '"usage: '  # in the program, and so in its binary and on its page


# A page is large, and the server is busy.
until = functools.partial(browser.until, pause=0.1)


def bare(page: str) -> str:
    """A page without what is put into it when it is served."""
    assert page.count("/-serve.js") == 1
    return re.sub("<script src=./-serve.*?</script>", "", page)


class Serving:
    """One that has begun; `before` is what starts it, as a name space of its own."""

    def __init__(self, folder: Path, *before: str) -> None:
        self.folder = folder
        self.sources = self._sources()
        self.log = folder.with_name(f"{folder.name}.log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen([*before, "make", "serve", "port=0"], cwd=folder,
                                            stdout=log, stderr=log, start_new_session=True)
        try:
            until(lambda: self.said(r"http://\S+/") or self.process.poll() is not None, "an address")
            addresses = re.findall(r"http://\S+/", self.log.read_text())
            assert addresses, self.log.read_text()
            self.address = addresses[0]
        except BaseException:
            self.end()
            raise

    def until_built(self) -> None:
        """Wait for the first build, and keep what it serves."""
        until(lambda: self.state()["built"] != "0" or self.state()["error"], "the first build")
        assert not self.state()["error"], self.state()["error"]
        self.good = self._pages()

    def put_back(self) -> None:
        """Have the sources be as they were, and wait until they are served."""
        there = self._sources()
        for file in there.keys() - self.sources.keys():
            file.unlink()
        for file, text in self.sources.items():
            if there.get(file) != text:
                file.write_bytes(text)
        self._let_go()
        try:
            until(lambda: self._pages() == self.good and not self.state()["error"], "the pages of before")
        finally:  # pytest shows it where that fails
            print(self.log.read_text(), {file for file, _ in self._pages().items() ^ self.good.items()}, sep="\n")

    def _sources(self) -> dict[Path, bytes]:
        files = [self.folder / "conf.py", *(file for top in ("code", "docs", "stage")
                                            for file in (self.folder / top).rglob("*") if file.is_file())]
        return {file: file.read_bytes() for file in files}

    def _pages(self) -> dict[Path, bytes]:
        """Each page that is served; asking the server for all of them again and again would keep it from building."""
        return {file: file.read_bytes() for file in (self.folder / "build/serve/html").rglob("*.html")}

    def said(self, pattern: str) -> bool:
        return bool(re.search(pattern, self.log.read_text()))

    def get(self, path: str) -> str:
        """A page, or what stands for it."""
        try:
            with urllib.request.urlopen(self.address + path) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def caching(self, path: str) -> str:
        """What a browser is told about keeping a file."""
        connection = http.client.HTTPConnection(self.address.split("/")[2], timeout=PATIENCE)
        connection.request("GET", f"/{path}")
        with contextlib.closing(connection):
            return connection.getresponse().headers["Cache-Control"]

    def shows(self, text: str, path: str = "screenplay.html") -> bool:
        return text in self.get(path)

    def state(self) -> dict[str, str]:
        """What a browser is told when it connects."""
        with urllib.request.urlopen(self.address + "-serve", timeout=PATIENCE) as stream:
            data = next(line for line in stream if line.startswith(b"data:"))
        return json.loads(data.removeprefix(b"data:"))

    def builds(self) -> int:
        return len(re.findall(r"built in", self.log.read_text()))

    def processes(self) -> dict[int, str]:
        """All that have been started in the copy and are still there, with their commands."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (entry / "cwd").resolve().is_relative_to(self.folder):
                    found[int(entry.name)] = (entry / "cmdline").read_text()
            except OSError:
                continue
        return found

    def halt_builds(self) -> None:
        """Save what no compiler comes to the end of: it reads from a pipe into which nobody writes."""
        pipe = self.folder / "build/endless.h"
        if not pipe.exists():
            os.mkfifo(pipe)
        program = self.folder / PROGRAM
        new = program.with_name(".halts")  # moved there: of a half of it, a compiler would come to the end
        new.write_text(program.read_text() + '#include "../../build/endless.h"\n')
        new.replace(program)

    def _let_go(self) -> None:
        """Have a compiler that still reads from there come to the end."""
        with contextlib.suppress(FileNotFoundError):
            end = os.open(pipe := self.folder / "build/endless.h", os.O_RDWR)
            pipe.unlink()
            os.close(end)

    def halted(self) -> int | None:
        """The process that builds, when a compiler has come to the program; one that has ended has none any more."""
        there = self.processes()
        number = next((number for number, command in there.items() if PROGRAM in command), None)
        with contextlib.suppress(OSError):  # it has gone on meanwhile
            while number in there and "docs._serve.forkserver" not in there[number]:
                number = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
            return number if number in there else None
        return None

    def end(self, number: int = signal.SIGINT) -> None:
        """Ctrl-C."""
        self._said = len(self.log.read_text())
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        self.process.wait(PATIENCE)

    def assert_gone(self) -> None:
        """It has left no process, and said nothing at its end."""
        until(lambda: not self.processes(), "the end of all its processes")
        assert "Traceback" not in self.log.read_text()[self._said:]


@contextlib.contextmanager
def serving(folder: Path, *before: str) -> Iterator[Serving]:
    """One that ends with Ctrl-C, and leaves no process."""
    server = Serving(folder, *before)
    try:
        yield server
    finally:
        print(server.log.read_text(), server.processes(), sep="\n")  # pytest shows it where a test has failed
        server.end()
    server.assert_gone()
