"""Whoever reads does not lose the place: the contents, the terms, and what the search finds."""

import re
from html import unescape

import browser
import pytest
from support import DOCS, ROOT

from docs._ext.contents import chapters

SITE = ROOT / "build/html"

needs_browser = pytest.mark.skipif(not browser.find(), reason="needs chromium")


def menu(page: str) -> list[str]:
    """The entries of the list of contents below those of the pages."""
    text = (SITE / page).read_text().partition('<nav id="menu"')[2].partition("</nav>")[0]
    return [re.sub(r"<[^>]*>", "", entry) for entry in re.findall(r'<li class="toctree-l[23].*?>(<a .*?</a>)', text)]


def test_titles_in_the_contents_say_their_chapter_and_the_page_has_them_as_they_are() -> None:
    names = chapters(DOCS)
    assert names == ["mmap", "shm", "sem", "mq", "which"]
    for page in ("screenplay", "questions"):
        labelled = re.compile(rf"\n\.\. _(?:{page}-)?({'|'.join(names)})-[\w-]+:\n\n(.*)\n[.-]{{3}}")
        for chapter, title in labelled.findall((DOCS / f"{page}.rst").read_text()):
            assert f"{chapter}: {title}" in menu(f"{page}.html")
            assert f"{chapter}: {title}" not in (SITE / f"{page}.html").read_text().partition("<main")[2]
    assert not [entry for entry in menu("screenplay.html") if entry in ("Create", "Produce", "Remove")]


@needs_browser
def test_the_contents_mark_the_section_that_is_read(tab: browser.Tab, site: str) -> None:
    here = "[...document.querySelectorAll('#menu [aria-current]')].map(one => one.textContent)"
    for width in (1280, 360):
        tab.look(width)
        tab.go(f"{site}index.html")
        tab.go(f"{site}screenplay.html#mq-consume")
        tab.until(f"({here})[0] === 'mq: Consume'")
        if width == 1280:
            assert tab.run("(one => one.top >= 0 && one.bottom <= innerHeight)"
                           "(document.querySelector('#menu [aria-current]').getBoundingClientRect())")
        tab.run("document.querySelector('#shm-produce, #produce-into-shared-memory').scrollIntoView()")
        tab.until(f"({here})[0] === 'shm: Produce into Shared Memory'")
        tab.run("scrollTo(0, 0)")
        tab.until(f"!({here}).length")


LINK = "document.querySelector('a.term[href$=\"#term-page-fault\"]')"
SHOWN = "document.querySelector('#term:popover-open')?.textContent"


def test_without_a_script_a_term_is_a_link_whose_title_is_what_the_glossary_says() -> None:
    page = (SITE / "screenplay.html").read_text()
    used = re.findall(r'<a class="[^"]*" href="reference.html#term-[^>]*>', page)
    assert len(used) > 20
    assert all(re.search(r' title="[A-Z][^"]+\."', link) for link in used)
    reference = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", (SITE / "reference.html").read_text())))
    assert [title for link in used for title in re.findall(r'title="(.*?)"', link)
            if unescape(title) not in reference] == []


@needs_browser
def test_a_term_explains_itself_to_the_keyboard_and_to_the_mouse(tab: browser.Tab, site: str) -> None:
    tab.look(1280)
    tab.go(f"{site}screenplay.html")
    assert not tab.run(SHOWN)
    tab.run(f"{LINK}.focus({{focusVisible: true}})")
    assert tab.run(SHOWN).startswith("An access to an address for which the page table has no entry")
    assert tab.run(f"{LINK}.getAttribute('aria-describedby')") == "term"
    tab.send("Input.dispatchKeyEvent", type="keyDown", key="Escape", code="Escape", windowsVirtualKeyCode=27)
    tab.until(f"!({SHOWN})")
    assert tab.run("document.activeElement.matches('a.term')")
    tab.run("document.activeElement.blur()")
    for selector, seen in ((LINK, True), ("document.querySelector('h1')", False)):
        x, y = tab.run(f"(one => {{ one.scrollIntoView({{block: 'center'}}); const box = one.getBoundingClientRect(); "
                       f"return [box.left + 5, box.top + box.height / 2]; }})({selector})")
        tab.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        tab.until(SHOWN if seen else f"!({SHOWN})")


@needs_browser
def test_a_term_leaves_its_explanation_to_the_next_one(tab: browser.Tab, site: str) -> None:
    tab.look(1280)
    tab.go(f"{site}screenplay.html")
    for number in (0, 1, 0):
        tab.run(f"document.querySelectorAll('a.term')[{number}].focus({{focusVisible: true}})")
        assert tab.run("[...document.querySelectorAll('a.term')].flatMap("
                       "(link, number) => link.hasAttribute('aria-describedby') ? [number] : [])") == [number]


@needs_browser
def test_the_first_touch_of_a_term_explains_it_and_the_second_leads_to_it(tab: browser.Tab, site: str) -> None:
    tab.look(360)
    tab.send("Emulation.setTouchEmulationEnabled", enabled=True)
    tab.go(f"{site}screenplay.html")
    x, y = tab.run(f"{LINK}.scrollIntoView({{block: 'center'}}), "
                   f"(box => [box.left + 5, box.top + 5])({LINK}.getClientRects()[0])")

    def touch() -> None:
        tab.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        tab.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    touch()
    tab.until(SHOWN)
    assert tab.run("(box => box.left >= 0 && box.right <= innerWidth)"
                   "(document.querySelector('#term').getBoundingClientRect())")
    assert tab.run("location.pathname").endswith("screenplay.html")
    touch()
    tab.until("location.hash === '#term-page-fault'")


@needs_browser
@pytest.mark.parametrize(("words", "section"), [
    ("deadlock", "Produce under Guard"), ("mutex", "Produce under Guard"),
    ("RemoveIPC", "Remove Shared Memory Segment")])
def test_what_is_found_names_the_page_and_the_section(
        words: str, section: str, tab: browser.Tab, site: str) -> None:
    tab.go(f"{site}search.html?q={words}")
    tab.until("document.querySelector('.sections a[href*=\"screenplay.html\"]')")
    found = tab.run("[...document.querySelectorAll('li:has(> a[href$=\"screenplay.html\"]) .sections a')]"
                    ".map(one => [one.textContent, one.href])")
    assert section in [title for title, _ in found]
    assert all(f'id="{link.partition("#")[2]}"' in (SITE / "screenplay.html").read_text() for _, link in found)


@needs_browser
def test_lines_have_their_numbers_with_their_head_folded_open_and_on_paper(tab: browser.Tab, site: str) -> None:
    tab.look(1280)
    tab.go(f"{site}screenplay.html")
    listing = "document.getElementById('030-shm-produce.c')"
    begins = f"getComputedStyle({listing}.querySelector('pre')).counterReset"
    head = int(tab.run(f"{listing}.querySelector('.head-button').textContent.match(/to (\\d+)/)[1]"))
    assert tab.run(begins) == f"line {head}"
    tab.look(800, media="print")
    assert tab.run(begins) == "line 0"
    tab.look(1280)
    tab.run(f"{listing}.querySelector('.head-button').click()")
    assert tab.run(begins) == "line 0"
    assert tab.run("getComputedStyle(document.getElementById('030-shm-produce.c-2'), '::before').content") == \
        "counter(line)"


@needs_browser
def test_paper_says_what_a_program_needs(tab: browser.Tab, site: str) -> None:
    tab.look(800, media="print")
    tab.go(f"{site}screenplay.html")
    lines = tab.run("[...document.querySelectorAll('.compile')].map(one => one.innerText)")
    assert any("needs ./shm/020-shm-create and ./sem/100-sem-create /ipc-guard 1 first" in line for line in lines)


@needs_browser
@pytest.mark.parametrize("width", [360, 1280])
def test_what_is_seen_first_does_not_move_when_the_script_comes(width: int, tab: browser.Tab, site: str) -> None:
    places = "[...document.querySelectorAll('main > section > :not(section)')].map(one => one.offsetTop)"
    tab.look(width)
    tab.go(f"{site}screenplay.html")
    assert tab.run("!!document.querySelector('button.directions')")
    with_script = tab.run(places)
    tab.go(f"{site}index.html")
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    tab.go(f"{site}screenplay.html")
    assert tab.run(places) == with_script
