"""The film of the show, in the page, in a real browser."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from copies import make
from play import page, stage
from show import PLAY, performed
from support import BOUND

pytestmark = [pytest.mark.thorough, *performed, pytest.mark.skipif(not browser.find(), reason="needs chromium")]

SEEN = "[...document.querySelectorAll('.film pre div')].map(row => row.textContent.trimEnd()).join('\\n').trimEnd()"
PLAYED = "document.querySelector('.film pre')"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of three sections."""
    folder = tmp_path_factory.mktemp("film")
    done = stage("perform", page(folder, "Play\n====\n", *PLAY), "--film", folder / "recording.cast", "--pace", "0.1")
    assert done.returncode == 0, done.stdout
    return folder / "recording.cast"


@pytest.fixture(scope="module")
def filmed(_template: Path, films: Path) -> Path:
    """The site with the film."""
    folder = _template.with_name("a copy")  # as it was called when it was made
    subprocess.run(["cp", "-a", "--reflink=auto", _template, folder], check=True)
    (folder / "build/recording.cast").write_bytes(films.read_bytes())
    done = make(folder, "html")
    assert done.returncode == 0, done.stdout
    site = (folder / "build/html").rename(films.with_name("html"))
    shutil.rmtree(folder)
    return site


@pytest.fixture
def address(filmed: Path) -> Iterator[str]:
    """The page with the film."""
    with browser.served(filmed) as (site, _):
        yield f"{site}performing.html"


def events(films: Path, code: str) -> list[tuple[float, str]]:
    lines = map(json.loads, films.read_text().splitlines()[1:])
    return [(when, text) for when, kind, text in lines if kind == code]


def last_picture(films: Path) -> str:
    """What a terminal shows at the end of the film, tmux being the terminal."""
    call = ["tmux", "-S", films.with_name("socket"), "-f", "/dev/null"]
    # Nothing but the rows is shown; the terminal answers (DSR, ECMA-48) when it has drawn them all.
    script = r"""python3 -c 'import json, sys, tty
tty.setcbreak(0)
for line in open(sys.argv[1]).readlines()[1:]:
    when, code, text = json.loads(line)
    if code == "o": sys.stdout.write(text)
print(end="\033[6n", flush=True); sys.stdin.read(1)' """
    command = [*call, "new-session", "-d", "-x", "120", "-y", "37",
               f"{script} {films}; {' '.join(map(str, call))} wait-for -S drawn; cat"]
    subprocess.run(command, check=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "screen"})
    try:
        subprocess.run([*call, "wait-for", "drawn"], check=True, timeout=BOUND)
        found = subprocess.run([*call, "capture-pane", "-p"], capture_output=True, text=True, check=True).stdout
    finally:
        subprocess.run([*call, "kill-server"])
    return "\n".join(line.rstrip() for line in found.rstrip().split("\n"))


def test_the_film_is_played_in_the_page_by_keys_and_nothing_else_is_asked_for(
        tab: browser.Tab, address: str, films: Path) -> None:
    def press(key: str) -> None:
        tab.send("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
        tab.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    tab.look(1280)
    tab.go(address)
    before = len(tab.requests())
    assert not any("film.js" in asked or "recording" in asked for asked in tab.requests())
    tab.run("document.querySelector('.film .play').click()")
    tab.until(f"{PLAYED} && ({SEEN}).includes('echo hello')")
    origin = address.removesuffix("performing.html")
    assert [re.sub(r"\?v=\w{8}$", "", asked) for asked in tab.requests()[before:]] == [
        f"{origin}_static/film.js", f"{origin}_static/recording.js"]
    assert tab.run("document.activeElement.textContent") == "Pause"
    tab.run(f"{PLAYED}.focus()")
    press(" ")
    assert tab.run("document.querySelector('.film .play').textContent") == "Play"
    titles = [title for _, title in events(films, "m")]
    assert tab.run("[...document.querySelector('.film select').options].map(one => one.text)") == titles
    for title, caption in zip(titles[1:], [text for _, text in events(films, "c")][1:], strict=True):
        press("]")
        assert tab.run("document.querySelector('.film select').selectedOptions[0].text") == title
        tab.run("document.querySelector('.film input').stepUp()")
        tab.run("document.querySelector('.film input').dispatchEvent(new Event('input'))")
        assert tab.run("document.querySelector('.captions').textContent") == caption
    press("]")
    assert tab.run(SEEN) == last_picture(films)
    press("[")
    assert tab.run("document.querySelector('.film select').selectedOptions[0].text") == titles[-1]
    assert tab.run(SEEN) != last_picture(films)
    press(">")
    assert tab.run("document.querySelectorAll('.film select')[1].value") == "2"
    press(" ")
    tab.until("document.querySelector('.film .play').textContent === 'Play'")  # it has come to its end
    assert tab.run(SEEN) == last_picture(films)
    assert tab.complaints() == []


def test_what_is_seen_of_the_film_can_be_read_by_all(tab: browser.Tab, address: str) -> None:
    for width, dark in ((1280, False), (390, True)):
        tab.look(width, dark=dark)
        tab.go(address)
        tab.run(browser.axe())
        tab.run("document.querySelector('.film .play').click()")
        tab.until(f"{PLAYED} && ({SEEN}).includes('echo hello')")
        tab.run("document.querySelector('.film .play').click()")
        found = tab.run("axe.run('.film').then(found => found.violations.map(one => "
                        "`${one.id} ${one.nodes.map(node => node.html)}`))")
        assert found == []
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")


def test_from_the_disk_it_is_played_too(tab: browser.Tab, filmed: Path) -> None:
    tab.look(1280)
    tab.go((filmed / "performing.html").as_uri())
    tab.run("document.querySelector('.film .play').click()")
    tab.until(f"{PLAYED} && ({SEEN}).includes('echo hello')")


def test_without_a_film_the_page_says_how_to_make_one(tab: browser.Tab, _template: Path) -> None:
    with browser.served(_template / "build/html") as (site, _):
        tab.go(f"{site}performing.html")
        assert not tab.run("document.querySelector('div.film')")
        assert "make recording" in tab.run("document.querySelector('p.film').textContent")
