"""make serve: what is saved is built and shown, and what is wrong is said.

One server serves all of these tests that run in the same process: each begins with the sources put back.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import browser
import pytest
from copies import copied, make, outside, replace
from serving import BINARY, PROGRAM, SAYS, Serving, bare, serving, until

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(copied(tmp_path_factory.mktemp("serve") / "a copy")) as started:
        started.until_built()
        yield started


@pytest.fixture
def served(server: Serving) -> Serving:
    """The server, with the sources as they were, whatever the test before has done."""
    server.put_back()
    return server


@pytest.fixture(scope="module")
def chromium() -> Iterator[browser.Browser]:
    if not browser.find():
        pytest.skip("no Chromium here")
    running = browser.Browser()
    yield running
    running.end()


def opened(pipe: Path) -> int | None:
    """Return the end to write to, when somebody waits at the other one."""
    with suppress(OSError):  # ENXIO: fifo(7)
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    return None


def test_a_saved_program_is_built_and_shown(served: Serving) -> None:
    before = outside(served.folder)
    for word in ("first", "second"):
        replace(served.folder / PROGRAM, SAYS, f'"{word} usage: ')
        until(lambda: served.shows(f"{word} usage: "), "the new text")
        assert f"{word} usage: ".encode() in (served.folder / BINARY).read_bytes()
        replace(served.folder / PROGRAM, f'"{word} usage: ', SAYS)
        until(lambda: not served.shows(f"{word} usage: "), "the old text again")
    until(lambda: served.shows(f'data-built="{served.state()["built"]}"'), "the number of the page")
    assert outside(served.folder) == before


def test_a_saved_comment_comes_to_the_code_page(served: Serving) -> None:
    replace(served.folder / PROGRAM, "@brief Increment", "@brief Really increment")
    until(lambda: served.shows("Really increment", "code/index.html"), "the new sentence")
    replace(served.folder / "code/mq/sample.h", "Degrees Celsius", "Kelvin")
    until(lambda: served.shows("Kelvin; 8 bytes", "code/index.html"), "the new unit")


@pytest.mark.parametrize(("file", "old", "new", "error"), [
    (PROGRAM, "return EXIT_SUCCESS;", "return EXIT_SUCCESS", "error: expected .;. before"),
    ("docs/screenplay.rst", "\nPost\n", "\n:ref:`nowhere`\n\nPost\n", "undefined label: .{0,6}nowhere"),
    ("conf.py", "project = '", "project = ", "SyntaxError|unterminated string"),
], ids=["program", "page", "settings"])
def test_what_is_broken_says_so_above_the_last_good_page(
        served: Serving, file: str, old: str, new: str, error: str) -> None:
    good = served.get("screenplay.html")
    before = len(re.findall(error, served.log.read_text()))
    replace(served.folder / file, old, new)
    until(lambda: re.search(error, served.state()["error"]), error)
    said = len(re.findall(error, served.log.read_text()))
    assert said > before, "the same in the terminal"
    assert bare(served.get("screenplay.html")) == bare(good)
    # Another file does not hide the error, and is not shown before it is mended.
    with (served.folder / "docs/index.rst").open("a") as page:
        page.write("\nA line of another file.\n")
    until(lambda: len(re.findall(error, served.log.read_text())) > said, "the error again")
    assert not served.shows("A line of another file.", "index.html")
    replace(served.folder / file, new, old)
    until(lambda: served.shows("A line of another file.", "index.html"), "the other page")
    until(lambda: served.state()["error"] == "", "no error")
    assert bare(served.get("screenplay.html")) == bare(good)


def test_a_burst_of_saves_and_one_during_a_build_end_with_the_last(served: Serving) -> None:
    begun = served.builds()
    for number in range(40):
        file = served.folder / ("docs/index.rst" if number % 2 else PROGRAM)
        with file.open("a") as end:
            end.write(f"\n// burst {number}\n")
    until(lambda: served.shows("burst 38") and served.shows("burst 39", "index.html"), "the last ones")
    assert served.builds() - begun <= 3
    for number in range(4):  # each in the middle of the build of the one before
        with (served.folder / PROGRAM).open("a") as end:
            end.write(f"// single {number}\n")
        until(lambda: served.halted() or served.shows(f"single {number}"), "a build", pause=0.01)
    until(lambda: served.shows("single 3"), "the last one")


def test_pages_come_and_go(served: Serving) -> None:
    page = served.folder / "docs/more.rst"
    page.write_text(":orphan:\n\nOne More\n========\n")
    until(lambda: served.shows("One More", "more.html"), "the new page")
    page.unlink()
    until(lambda: not served.shows("One More", "more.html"), "its end")
    assert bare(served.get("more.html")) == bare(served.get("nowhere.html"))


@contextmanager
def at_the_beginning_of_a_build(served: Serving) -> Iterator[None]:
    """What is saved in here comes when the server has looked for changes, and before Sphinx looks for pages."""
    waited_for = served.folder / "build/waited-for"
    waited_for.unlink(missing_ok=True)
    os.mkfifo(waited_for)
    with (served.folder / "conf.py").open("a") as settings:
        settings.write("open('build/waited-for').close()\n")
    building = until(lambda: opened(waited_for), "a build that reads the settings")
    try:
        yield
    finally:  # or no build would come to its end any more
        waited_for.unlink()
        waited_for.touch()
        os.close(building)


def test_a_page_that_comes_during_a_build_and_goes_as_soon_as_it_is_shown_is_gone(served: Serving) -> None:
    page = served.folder / "docs/more.rst"
    with at_the_beginning_of_a_build(served):
        page.write_text(":orphan:\n\nOne More\n========\n")
    until(lambda: served.shows("One More", "more.html"), "the new page", pause=0.01)
    page.unlink()
    until(lambda: not served.shows("One More", "more.html"), "its end")


def test_a_file_that_is_saved_during_a_build_and_put_back_as_soon_as_it_is_shown_is_as_before(served: Serving) -> None:
    kept = served.folder / "build/kept.c"
    shutil.copy2(served.folder / PROGRAM, kept)
    with at_the_beginning_of_a_build(served):
        replace(served.folder / PROGRAM, SAYS, '"other usage: ')
    until(lambda: served.shows("other usage: "), "the new text", pause=0.01)
    os.replace(kept, served.folder / PROGRAM)
    until(lambda: not served.shows("other usage: "), "the old text")


def test_changed_machinery_begins_anew_and_broken_machinery_is_said(served: Serving) -> None:
    file = served.folder / "docs/_ext/programs.py"
    text = file.read_text()
    file.write_text(text + "def (\n")
    until(lambda: "programs.py" in served.state()["error"], "the error")  # and not that of the test before
    begun = len(re.findall("beginning anew", served.log.read_text()))
    assert "'on the code page'" in text
    file.write_text(text.replace("'on the code page'", "'on the page of code'"))
    until(lambda: served.shows("on the page of code"), "the new text")
    assert len(re.findall("beginning anew", served.log.read_text())) == begun + 1
    until(lambda: served.state()["error"] == "", "no error")


def test_a_file_that_is_put_back_with_its_old_time_is_seen(served: Serving) -> None:
    kept = served.folder / "build/kept.c"
    shutil.copy2(served.folder / PROGRAM, kept)
    replace(served.folder / PROGRAM, SAYS, '"other usage: ')
    until(lambda: served.shows("other usage: "), "the new text")
    os.replace(kept, served.folder / PROGRAM)
    until(lambda: not served.shows("other usage: "), "the old text")
    assert b"other usage: " not in (served.folder / BINARY).read_bytes()


def test_what_is_not_utf_8_does_not_hide_what_the_compiler_says(served: Serving) -> None:
    file = served.folder / PROGRAM
    file.write_bytes(file.read_bytes().replace(b"return EXIT_SUCCESS;", b'puts("\xf6") return EXIT_SUCCESS;'))
    until(lambda: "error: expected" in served.state()["error"], "the compiler's words")


def test_the_downloads_are_those_of_the_sources(served: Serving) -> None:
    with (served.folder / PROGRAM).open("a") as end:
        end.write("// one more line\n")
    archive = served.folder / "build/serve/html/ipc-shm.tar.gz"

    def packed() -> bytes:
        return subprocess.run(["tar", "xzOf", archive, "ipc-shm/shm/030-shm-produce.c"], capture_output=True).stdout
    until(lambda: packed() == (served.folder / PROGRAM).read_bytes(), "the archive")


def test_the_browser_keeps_what_has_its_checksum_in_its_address_and_nothing_else(served: Serving) -> None:
    script = re.findall(r'src="(_static/theme.js\?v=\w+)"', served.get("index.html"))[0]
    for path, kept in ((script, True), ("_static/theme.js", False), ("index.html?v=1", False), ("-serve.js?v=1", False),
                       ("nowhere.css?v=1", False)):
        assert ("max-age" in served.caching(path)) == kept, path


def test_what_builds_may_be_killed(served: Serving) -> None:
    """Another one does it; where that is killed, too, it is said, and the next save begins anew."""
    for number in [number for number, command in served.processes().items() if "forkserver" in command]:
        with suppress(ProcessLookupError):  # with the one before
            os.kill(number, signal.SIGKILL)
    replace(served.folder / PROGRAM, SAYS, '"first usage: ')
    until(lambda: served.shows("first usage: "), "the next save")
    served.halt_builds()
    for _ in range(2):
        building = until(served.halted, "a compiler that waits")
        os.kill(building, signal.SIGKILL)
        until(lambda: building not in served.processes(), "its end")
    until(lambda: "killed by signal 9" in served.state()["error"], "what has happened")
    assert served.shows("first usage: ")
    (served.folder / PROGRAM).write_bytes(served.sources[served.folder / PROGRAM])
    until(lambda: not served.shows("first usage: "), "the save after that")
    until(lambda: served.state()["error"] == "", "no error")


def test_a_port_that_is_taken_is_said_in_one_line(served: Serving) -> None:
    port = int(served.address.rstrip("/").rpartition(":")[2])
    for wrong in ("65536", "-1", "http", ""):
        done = make(served.folder, "serve", f"port={wrong}")
        assert done.returncode != 0 and f"port {wrong}: a port is a number up to 65535\n" in done.stdout
    assert "Traceback" not in done.stdout
    done = make(served.folder, "serve", f"port={port}")
    assert done.returncode != 0
    assert "this folder is served already" in done.stdout and "Traceback" not in done.stdout
    (served.folder / "build/serve/.lock").unlink()  # as if it were another folder
    done = make(served.folder, "serve", f"port={port}")
    assert done.returncode != 0
    assert f"port {port}: Address already in use; take another one, or any free one: make serve port=0\n" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_browser_loads_the_page_again_and_shows_what_is_wrong(served: Serving, chromium: browser.Browser) -> None:
    tab = browser.Tab(chromium)
    tab.go(served.address + "screenplay.html")
    tab.until("document.body.textContent.includes('usage: ')")

    def seen(script: str) -> bool:
        with suppress(AssertionError):  # between two pages
            return bool(tab.run(script))
        return False
    replace(served.folder / PROGRAM, SAYS, '"other usage: ')
    until(lambda: seen("document.body.textContent.includes('other usage: ')"), "the new text")
    replace(served.folder / PROGRAM, "return EXIT_SUCCESS;", "return EXIT_SUCCESS")
    error = "document.querySelector('#serve-error')?.textContent.includes('expected')"
    until(lambda: seen(error), "the compiler's words")
    assert tab.run("document.body.textContent.includes('other usage: ')")
    assert tab.run("getComputedStyle(document.querySelector('#serve-error')).position") == "fixed"
    replace(served.folder / PROGRAM, "return EXIT_SUCCESS", "return EXIT_SUCCESS;")
    until(lambda: seen("!document.querySelector('#serve-error')"), "its end")
    assert "content-security-policy" in served.get("screenplay.html").lower()
    assert tab.complaints() == []
    tab.close()


def test_more_pages_can_be_open_than_a_browser_has_connections(served: Serving, chromium: browser.Browser) -> None:
    first = tab = browser.Tab(chromium)
    for _ in range(8):
        tab.go(served.address)
        tab.until("document.querySelector('footer')")
        for state in ("frozen", "active"):  # hidden from then on, as by another tab of a window
            tab.send("Page.setWebLifecycleState", state=state)
        tab = browser.Tab(chromium, beside=first)
    first.close()
