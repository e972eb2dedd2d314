"""make serve: what is saved is built and shown, and what is wrong is said."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from browser import PATIENCE, until
from copies import make, outside, replace

PROGRAM = "code/shm/030-shm-produce.c"
BINARY = "build/shm/030-shm-produce"
SAYS = '"usage: '  # in the program, and so in its binary and on its page


def bare(page: str) -> str:
    """A page without what is put into it when it is served."""
    assert page.count("/-serve.js") == 1
    return re.sub("<script src=./-serve.*?</script>", "", page)


class Serving:
    """A make serve in a copy of the repository, in a process group as in a terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "build/log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(["make", "serve", "port=0"], cwd=folder, env=environment,
                                            stdout=log, stderr=log, start_new_session=True)
        try:
            until(lambda: self.said(r"http://\S+/") or self.process.poll() is not None, "an address")
            addresses = re.findall(r"http://\S+/", self.log.read_text())
            assert addresses, self.log.read_text()
            self.address = addresses[0]
            until(lambda: self.state()["built"] != "0" or self.state()["error"], "the first build")
        except BaseException:
            self.end()
            raise

    def said(self, pattern: str) -> bool:
        return bool(re.search(pattern, self.log.read_text()))

    def get(self, path: str) -> str:
        """A page, or what stands for it."""
        try:
            with urllib.request.urlopen(self.address + path) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except (OSError, http.client.HTTPException):  # it begins anew
            return ""

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
        try:
            with urllib.request.urlopen(self.address + "-serve", timeout=PATIENCE) as stream:
                data = next(line for line in stream if line.startswith(b"data:"))
        except (OSError, http.client.HTTPException, StopIteration):  # it begins anew
            return {"built": "0", "error": ""}
        return json.loads(data.removeprefix(b"data:"))

    def builds(self) -> int:
        return len(re.findall(r"built in", self.log.read_text()))

    def processes(self) -> list[str]:
        """All that have been started in the copy and are still there."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (entry / "cwd").resolve().is_relative_to(self.folder):
                    found.append((entry / "cmdline").read_text())
            except OSError:
                continue
        return found

    def end(self, number: int = signal.SIGINT) -> None:
        """Ctrl-C."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        self.process.wait(PATIENCE)


@pytest.fixture
def serving(copy: Path) -> Iterator[Serving]:
    server = Serving(copy)
    yield server
    server.end()
    until(lambda: not server.processes(), "the end of all its processes")


def test_a_saved_program_is_built_and_shown(serving: Serving) -> None:
    before = outside(serving.folder)
    for word in ("first", "second"):
        replace(serving.folder / PROGRAM, SAYS, f'"{word} usage: ')
        until(lambda: serving.shows(f"{word} usage: "), "the new text")
        assert f"{word} usage: ".encode() in (serving.folder / BINARY).read_bytes()
        replace(serving.folder / PROGRAM, f'"{word} usage: ', SAYS)
        until(lambda: not serving.shows(f"{word} usage: "), "the old text again")
    until(lambda: serving.shows(f'data-built="{serving.state()["built"]}"'), "the number of the page")
    assert outside(serving.folder) == before


def test_a_saved_comment_comes_to_the_code_page(serving: Serving) -> None:
    replace(serving.folder / PROGRAM, "@brief Increment", "@brief Really increment")
    until(lambda: serving.shows("Really increment", "code/index.html"), "the new sentence")
    replace(serving.folder / "code/mq/sample.h", "Degrees Celsius", "Kelvin")
    until(lambda: serving.shows("Kelvin; 8 bytes", "code/index.html"), "the new unit")


@pytest.mark.parametrize(("file", "old", "new", "error"), [
    (PROGRAM, "return EXIT_SUCCESS;", "return EXIT_SUCCESS", "error: expected .;. before"),
    ("docs/screenplay.rst", "\nPost\n", "\n:ref:`nowhere`\n\nPost\n", "undefined label: .{0,6}nowhere"),
    ("conf.py", "project = '", "project = ", "SyntaxError|unterminated string"),
], ids=["program", "page", "settings"])
def test_what_is_broken_says_so_above_the_last_good_page(
        serving: Serving, file: str, old: str, new: str, error: str) -> None:
    good = serving.get("screenplay.html")
    replace(serving.folder / file, old, new)
    until(lambda: re.search(error, serving.state()["error"]), error)
    until(lambda: serving.said(error), "the same in the terminal")
    assert bare(serving.get("screenplay.html")) == bare(good)
    # Another file does not hide the error, and is not shown before it is mended.
    replace(serving.folder / "docs/index.rst", "Three Ways to Use It", "Three Ways to Use IT")
    until(lambda: len(re.findall(error, serving.log.read_text())) > 1, "the error again")
    assert not serving.shows("Three Ways to Use IT", "index.html")
    replace(serving.folder / file, new, old)
    until(lambda: serving.shows("Three Ways to Use IT", "index.html"), "the other page")
    until(lambda: serving.state()["error"] == "", "no error")
    assert bare(serving.get("screenplay.html")) == bare(good)


def test_a_burst_of_saves_and_one_during_a_build_end_with_the_last(serving: Serving) -> None:
    until(serving.builds, "the first build, said")
    begun = serving.builds()
    for number in range(40):
        file = serving.folder / ("docs/index.rst" if number % 2 else PROGRAM)
        with file.open("a") as end:
            end.write(f"\n// burst {number}\n")
    until(lambda: serving.shows("burst 38") and serving.shows("burst 39", "index.html"), "the last ones")
    assert serving.builds() - begun <= 3
    for number in range(4):  # each in the middle of the build of the one before
        with (serving.folder / PROGRAM).open("a") as end:
            end.write(f"// single {number}\n")
        until(lambda: any("programs" in command for command in serving.processes()), "a build")
    until(lambda: serving.shows("single 3"), "the last one")


def test_pages_come_and_go(serving: Serving) -> None:
    page = serving.folder / "docs/more.rst"
    page.write_text(":orphan:\n\nOne More\n========\n")
    until(lambda: serving.shows("One More", "more.html"), "the new page")
    page.unlink()
    until(lambda: not serving.shows("One More", "more.html"), "its end")
    assert bare(serving.get("more.html")) == bare(serving.get("nowhere.html"))


def test_changed_machinery_begins_anew(serving: Serving) -> None:
    replace(serving.folder / "docs/_ext/programs.py", "'on the code page'", "'on the page of code'")
    until(lambda: serving.shows("on the page of code"), "the new text")
    assert serving.said("beginning anew")


def test_broken_machinery_is_said_and_begins_anew_when_it_is_mended(serving: Serving) -> None:
    file = serving.folder / "docs/_ext/times.py"
    text = file.read_text()
    file.write_text(text + "def (\n")
    until(lambda: "SyntaxError" in serving.state()["error"], "the error")
    file.write_text(text)
    until(lambda: serving.said("beginning anew"), "the beginning")
    until(lambda: serving.state()["built"] != "0" and not serving.state()["error"], "the next build")


def test_a_file_that_is_put_back_with_its_old_time_is_seen(serving: Serving) -> None:
    kept = serving.folder / "build/kept.c"
    shutil.copy2(serving.folder / PROGRAM, kept)
    replace(serving.folder / PROGRAM, SAYS, '"other usage: ')
    until(lambda: serving.shows("other usage: "), "the new text")
    os.replace(kept, serving.folder / PROGRAM)
    until(lambda: not serving.shows("other usage: "), "the old text")
    assert b"other usage: " not in (serving.folder / BINARY).read_bytes()


def test_what_is_not_utf_8_does_not_hide_what_the_compiler_says(serving: Serving) -> None:
    file = serving.folder / PROGRAM
    file.write_bytes(file.read_bytes().replace(b"return EXIT_SUCCESS;", b'puts("\xf6") return EXIT_SUCCESS;'))
    until(lambda: "error: expected" in serving.state()["error"], "the compiler's words")


def test_the_downloads_are_those_of_the_sources(serving: Serving) -> None:
    with (serving.folder / PROGRAM).open("a") as end:
        end.write("// one more line\n")
    archive = serving.folder / "build/serve/html/ipc-shm.tar.gz"

    def packed() -> bytes:
        return subprocess.run(["tar", "xzOf", archive, "ipc-shm/030-shm-produce.c"], capture_output=True).stdout
    until(lambda: packed() == (serving.folder / PROGRAM).read_bytes(), "the archive")


def test_the_browser_keeps_what_has_its_checksum_in_its_address_and_nothing_else(serving: Serving) -> None:
    sheet = re.findall(r'href="(_static/site.css\?v=\w+)"', serving.get("index.html"))[0]
    for path, kept in ((sheet, True), ("_static/site.css", False), ("index.html?v=1", False), ("-serve.js?v=1", False),
                       ("nowhere.css?v=1", False)):
        assert ("max-age" in serving.caching(path)) == kept, path


def test_a_save_is_seen_where_the_user_has_no_more_watches_of_inotify(copy: Path) -> None:
    limited = ["unshare", "-Ur", "sh", "-c", 'echo 2 > /proc/sys/user/max_inotify_watches && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*limited, "true"], capture_output=True).returncode:
        pytest.skip("needs user name spaces")
    script = """if True:
        import os, sys
        from docs._serve.watch import Watch
        watch = Watch()
        before = watch.files()
        print("ready", flush=True)
        print(set(watch.changed(before)) - set(before))"""
    with subprocess.Popen([*limited, sys.executable, "-c", script], cwd=copy, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout and it.stdout.readline() == "ready\n"
        until(lambda: "State:\tS" in Path(f"/proc/{it.pid}/status").read_text(), "it sleeps")
        (copy / "code/mq/new.h").write_text("")
        try:
            assert it.communicate(timeout=PATIENCE)[0] == "{'code/mq/new.h'}\n"
        finally:
            it.kill()


def test_a_port_that_is_taken_is_said_in_one_line(serving: Serving, tmp_path: Path) -> None:
    port = int(serving.address.rstrip("/").rpartition(":")[2])
    for wrong in ("65536", "-1", "http", ""):
        done = make(serving.folder, "serve", f"port={wrong}")
        assert done.returncode != 0 and f"port {wrong}: a port is a number up to 65535\n" in done.stdout
    assert "Traceback" not in done.stdout
    done = make(serving.folder, "serve", f"port={port}")
    assert done.returncode != 0
    assert "this folder is served already" in done.stdout and "Traceback" not in done.stdout
    (serving.folder / "build/serve/.lock").unlink()  # as if it were another folder
    done = make(serving.folder, "serve", f"port={port}")
    assert done.returncode != 0
    assert f"port {port}: Address already in use; take another one, or any free one: make serve port=0\n" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "TERM"])
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "building"])
def test_the_end_leaves_no_process(serving: Serving, number: int, busy: bool) -> None:
    if busy:
        replace(serving.folder / PROGRAM, SAYS, '"more usage: ')
        until(lambda: any("programs" in command for command in serving.processes()), "a build")
    serving.end(number)
    until(lambda: not serving.processes(), "the end of all its processes")
    assert "Traceback" not in serving.log.read_text()


def test_the_browser_loads_the_page_again_and_shows_what_is_wrong(serving: Serving) -> None:
    if not browser.find():
        pytest.skip("no Chromium here")
    chromium = browser.Browser()
    try:
        tab = browser.Tab(chromium)
        tab.go(serving.address + "screenplay.html")
        tab.until("document.body.textContent.includes('usage: ')")

        def seen(script: str) -> bool:
            try:
                return bool(tab.run(script))
            except AssertionError:  # between two pages
                return False
        replace(serving.folder / PROGRAM, SAYS, '"other usage: ')
        until(lambda: seen("document.body.textContent.includes('other usage: ')"), "the new text")
        replace(serving.folder / PROGRAM, "return EXIT_SUCCESS;", "return EXIT_SUCCESS")
        error = "document.querySelector('#serve-error')?.textContent.includes('expected')"
        until(lambda: seen(error), "the compiler's words")
        assert tab.run("document.body.textContent.includes('other usage: ')")
        assert tab.run("getComputedStyle(document.querySelector('#serve-error')).position") == "fixed"
        replace(serving.folder / PROGRAM, "return EXIT_SUCCESS", "return EXIT_SUCCESS;")
        until(lambda: seen("!document.querySelector('#serve-error')"), "its end")
        assert "content-security-policy" in serving.get("screenplay.html").lower()
        assert tab.complaints() == []
    finally:
        chromium.end()


def test_more_pages_can_be_open_than_a_browser_has_connections(serving: Serving) -> None:
    if not browser.find():
        pytest.skip("no Chromium here")
    chromium = browser.Browser()
    try:
        tab = browser.Tab(chromium)
        tab.go(serving.address)
        for _ in range(7):
            tab.run("window.opened = window.open('index.html'); 0")
            tab.until("opened.document.readyState === 'complete' && opened.document.querySelector('footer')")
    finally:
        chromium.end()
