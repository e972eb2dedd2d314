"""The site in a real browser: what a reader sees, what it loads, and what works without a script."""

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import browser
import pytest
from browser import axe
from support import DOCS, ROOT, SCREENPLAY

from stage.page.reader import Block, parts

SITE = ROOT / "build/html"
PAGES = sorted(str(page.relative_to(SITE)) for page in SITE.rglob("*.html") if "_static" not in page.parts)
PICTURES = ROOT / "build/screenshots"
WIDTHS = (360, 768, 1280)
FOUND = "search.html?q=lost+increments"
QUERIES = ("EEXIST", "mq_open", "lost increments")

pytestmark = pytest.mark.skipif(not browser.find(), reason="needs chromium")


# Thousands of words of code look alike. One of each look in each surrounding is enough, and half of the time.
ONE_OF_EACH = """{
    const seen = new Set();
    for (const word of document.querySelectorAll('pre span:not([id]):not(:has(*))')) {
        let look = '';
        for (let one = word; one.tagName !== 'PRE'; one = one.parentNode) look += one.className + '/';
        if (seen.has(look)) word.replaceWith(word.textContent);
        seen.add(look);
    }
    document.normalize();
}"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", [*PAGES, FOUND])
def test_each_page_fits_light_and_dark_and_axe_has_nothing_to_report(
        page: str, width: int, tab: browser.Tab, site: str) -> None:
    height = 720 if width == 1280 else 800
    tab.look(width, height)
    tab.go(site + page)
    if page == FOUND:  # what is found comes later, and the words of it later still
        tab.until("document.querySelector('.search-summary') && document.querySelectorAll('ul.search .context')"
                  ".length === document.querySelectorAll('ul.search li').length")
    for theme in ("light", "dark"):
        tab.look(width, height, dark=theme == "dark")
        assert tab.run("document.documentElement.scrollWidth") <= width
        assert tab.run("innerWidth < 1000 || document.querySelector('.side').getBoundingClientRect().right"
                       " <= document.querySelector('main').getBoundingClientRect().left")
        name = re.sub(r"\W+", "-", page.replace(".html", ""))
        tab.picture(PICTURES / f"{name}-{width}-{theme}.png")
    assert tab.complaints() == []
    assert [address for address in tab.requests() if not address.startswith((site, "data:"))] == []
    if width == 1280 and page != FOUND:  # the first visit is light: the tab has a cache of its own
        if page != "search.html":
            more = tab.run("document.querySelectorAll('.explorer').length && 1")
            assert sorted(kind for kind, _ in tab.received()) == ["html", "js", *["js"] * more]
        assert sum(size for _, size in tab.received()) < 60_000
    tab.run(f"{ONE_OF_EACH} {axe()}; 0")
    # What axe looks for has nothing to do with the theme but colours, and these take it most of the time:
    # a narrow page is seen dark, a wide one both ways, and one between is wide in all but its menu.
    colours = ["color-contrast", "link-in-text-block"]
    looks: dict[str, dict[str, Any]] = {
        360: {"dark": {}},
        768: {"light": {"rules": {name: {"enabled": False} for name in colours}}},
        1280: {"light": {}, "dark": {"runOnly": colours}}}[width]
    for theme, only in looks.items():
        tab.look(width, height, dark=theme == "dark")
        found = tab.run(f"axe.run({json.dumps({'resultTypes': ['violations'], **only})}).then(all => "
                        "all.violations.map(one => `${one.id}: ${one.nodes.length}: ${one.nodes[0].html}`))")
        assert found == [], theme


@pytest.mark.thorough
def test_scenes_listings_and_figures_are_pictured(tab: browser.Tab, site: str) -> None:
    for width in WIDTHS:
        for theme in ("light", "dark"):
            tab.look(width, 720 if width == 1280 else 800, dark=theme == "dark")
            tab.go(f"{site}screenplay.html")
            for name, selector in (("wait-and-post", "#scene-sem-post-1"), ("empty-and-full", "#scene-mq-consume-1"),
                                   ("two-producers", "#scene-shm-produce-4"), ("guard", "#scene-sem-produce-2"),
                                   ("figure", "figure"), ("listing", ".literal-block-wrapper")):
                tab.run(f"document.querySelector('{selector}').scrollIntoView()")
                tab.picture(PICTURES / f"{name}-{width}-{theme}.png")


def test_the_switch_is_kept(tab: browser.Tab, site: str) -> None:
    look = "getComputedStyle(document.body).backgroundColor"
    for dark in (False, True):
        tab.look(1280, dark=dark)
        tab.go(site)
        tab.run("localStorage.clear()")
        tab.go(f"{site}index.html")
        before = tab.run(look)
        tab.run("document.querySelector('.theme-button').click()")
        after = tab.run(look)
        assert after != before
        for page in ("screenplay.html", "code/index.html"):
            tab.go(site + page)
            assert tab.run(look) == after, page
        tab.run("document.querySelector('.theme-button').click()")
        assert tab.run(look) == before
        assert tab.run("localStorage.length") == 0  # the system has the word again


def test_what_was_chosen_since_holds_on_a_page_that_one_goes_back_to(tab: browser.Tab, site: str) -> None:
    """A browser shows such a page as it was left, and says so; one without windows keeps none, so the test says it."""
    seen = "[document.documentElement.dataset.theme, document.querySelector('button.directions').textContent]"
    tab.look(1280)
    tab.go(f"{site}screenplay.html")
    later = browser.Tab(tab.browser, tab)
    later.look(1280)
    later.go(f"{site}screenplay.html")
    for kept, theme, button in ((2, "dark", "Show the stage directions"), (0, None, "Hide the stage directions")):
        later.run("document.querySelectorAll('.theme-button, button.directions').forEach(one => one.click())")
        tab.until(f"localStorage.length === {kept}")
        tab.run("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
        assert tab.run(seen) == later.run(seen) == [theme, button]


def blocks(page: Path) -> list[tuple[set[str], str]]:
    """The classes and the lines of all console blocks of a page, as if none stood in an aside."""
    lines = page.read_text().split("\n")
    found = [one for one in parts(lines) if isinstance(one, Block) and one.argument == "console"]
    return [(one.classes, textwrap.indent(textwrap.dedent("\n".join(lines[line] for line in one.body)), "   ") + "\n")
            for one in found]


def typed(page: Path) -> list[list[str]]:
    """What the console blocks of a page say is typed; in a scene, in each of its terminals."""
    line = re.compile(r"^   (?:\((\w+)\) ?)?(?:([$#>]) (.*))?$", re.M)
    found = []
    for classes, block in blocks(page):
        terminals: dict[str, list[str]] = {}
        who = ""
        for name, prompt, command in line.findall(block):
            if "scene" in classes and (name or prompt in ("$", "#")):
                who = name or "main"
            if prompt or name:
                terminals.setdefault(who, []).extend([command] if prompt else [])
        found += filter(None, terminals.values())
    return found


@pytest.mark.parametrize("page", ["screenplay", "contributing"])
def test_copy_takes_what_is_typed_in_one_terminal_and_nothing_else(page: str, tab: browser.Tab, site: str) -> None:
    tab.go(f"{site}{page}.html")
    tab.run("window.copied = []; navigator.clipboard.writeText = async text => { copied.push(text); }; 0")
    tab.run("document.querySelectorAll('.highlight-console .copy').forEach(button => button.click())")
    # In the order of the columns, which is that of the section.
    assert sorted(text.split("\n") for text in tab.run("copied")) == sorted(typed(DOCS / f"{page}.rst"))


def test_copy_takes_the_whole_of_a_listing(tab: browser.Tab, site: str) -> None:
    tab.go(f"{site}screenplay.html")
    tab.run("window.copied = []; navigator.clipboard.writeText = async text => { copied.push(text); }; 0")
    tab.run("window.setTimeout = () => 0")  # it stays so
    tab.run("document.querySelectorAll('.highlight-c .copy').forEach(button => button.click())")
    files = re.findall(r"^\.\. literalinclude:: (\S+)", (DOCS / "screenplay.rst").read_text(), re.M)
    assert tab.run("copied") == [(DOCS / file).read_text() for file in files]
    tab.until("[...document.querySelectorAll('.highlight-c .copy')].every(one => one.textContent === 'Copied')")


@pytest.mark.parametrize("where", ["server", "disk"])
def test_the_search_finds(where: str, tab: browser.Tab, site: str) -> None:
    base = site if where == "server" else f"{SITE.as_uri()}/"
    for query in QUERIES:
        tab.go(f"{base}index.html")
        tab.run(f"document.querySelector('#menu input').value = '{query}'; 0")
        tab.browser.events.clear()
        tab.run("document.querySelector('#menu form').submit()")
        tab.browser.wait("Page.loadEventFired", tab.session)
        tab.until("/found/.test(document.querySelector('.search-summary')?.textContent)")
        links = tab.run("[...document.querySelectorAll('ul.search a')].map(one => one.href)")
        assert any(link.startswith(f"{base}screenplay.html") for link in links), query
        if where == "server":
            tab.until("document.querySelector('ul.search .context')")
        assert tab.complaints() == []


def test_what_the_search_has_found_is_shown(tab: browser.Tab, site: str) -> None:
    tab.look(1280)
    tab.go(f"{site}search.html?q=lost+increments")
    tab.until("document.querySelector('ul.search a[href$=\"screenplay.html\"]')")
    tab.browser.events.clear()
    tab.run("document.querySelector('ul.search a[href$=\"screenplay.html\"]').click()")
    tab.browser.wait("Page.loadEventFired", tab.session)
    tab.until("scrollY > 1000")


@pytest.mark.parametrize("page", PAGES)
def test_each_page_works_from_the_disk(page: str, tab: browser.Tab) -> None:
    tab.look(1280)
    tab.go((SITE / page).as_uri())
    assert tab.complaints() == []
    assert tab.run("document.styleSheets[0].ownerNode.sheet !== null && "
                   "getComputedStyle(document.body).display") == "grid"
    assert not tab.run("document.querySelector('.theme-button').hidden")


def test_without_a_script_all_but_switch_copy_and_search_works(tab: browser.Tab, site: str) -> None:
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    for width in (360, 1280):
        tab.look(width)
        tab.go(f"{site}screenplay.html")
        seen = "(one => one && one.checkVisibility({{visibilityProperty: true}}))(document.querySelector('{}'))"
        assert not tab.run(seen.format("button.copy")) and not tab.run(seen.format(".theme-button"))
        assert tab.run(seen.format("#menu")) == (width == 1280)
        if width == 360:
            left, top = tab.run("(box => [box.left, box.top])("
                                "document.querySelector('.menu-button').getBoundingClientRect())")
            for kind in ("mousePressed", "mouseReleased"):
                tab.send("Input.dispatchMouseEvent", type=kind, x=left + 5, y=top + 5, button="left", clickCount=1)
        assert tab.run(seen.format("#menu a"))
        tab.picture(PICTURES / f"without-script-{width}.png")


def test_the_keyboard_reaches_the_text_first(tab: browser.Tab, site: str) -> None:
    tab.look(1280)
    tab.go(f"{site}screenplay.html")
    tab.send("Input.dispatchKeyEvent", type="keyDown", key="Tab", windowsVirtualKeyCode=9)
    assert tab.run("document.activeElement.hash") == "#content"
    assert tab.run("document.activeElement.getBoundingClientRect().top") >= 0
    assert tab.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


# What the style sheet writes: axe does not look at it.
CONTRASTS = """(selector, pseudo) => [...document.querySelectorAll(selector)].map(one => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d'), grounds = [];
    for (let up = one; up; up = up.parentElement) grounds.unshift(getComputedStyle(up).backgroundColor);
    const luminance = colours => {
        for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map(part => part / 255)
            .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const style = getComputedStyle(one, pseudo);
    if (style.content === 'none') return 0;
    const both = [luminance(grounds), luminance([style.color])].sort((a, b) => b - a);
    return (both[0] + 0.05) / (both[1] + 0.05);
})"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("selector", "pseudo"), [
    (".columns .names b", "::after"), (".columns .bar[data-says]", "::after"),
    (".columns .says[data-says]", "::after"), ("pre > a[id]", "::before")])
def test_what_the_style_sheet_writes_can_be_read(
        selector: str, pseudo: str, theme: str, tab: browser.Tab, site: str) -> None:
    tab.look(1280, dark=theme == "dark")
    tab.go(f"{site}screenplay.html")
    found = tab.run(f"({CONTRASTS})('{selector}', '{pseudo}')")
    assert found and min(found) >= 4.5


def test_in_columns_each_prompt_says_whose_it_is_to_those_who_hear_it(tab: browser.Tab, site: str) -> None:
    tab.look(1280)
    tab.go(f"{site}screenplay.html#scene-sem-post-1")
    nodes = {node["nodeId"]: node for node in tab.send("Accessibility.getFullAXTree")["nodes"]}

    def spoken(node: dict[str, Any]) -> str:
        if node["role"]["value"] == "StaticText":
            return str(node["name"]["value"])
        return "".join(spoken(nodes[child]) for child in node.get("childIds", ()) if child in nodes)
    assert "waiter is blocked in futex(poster)$ ./sem/120-sem-post" in spoken(next(iter(nodes.values())))


def test_no_two_texts_of_a_figure_lie_upon_each_other(tab: browser.Tab, site: str) -> None:
    tab.look(1280)
    tab.go(f"{site}screenplay.html")
    assert not tab.run("""[...document.querySelectorAll('.drawing')].flatMap(drawing => {
        const texts = [...drawing.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect()]);
        return texts.flatMap(([a, {left, right, top, bottom}], index) => texts.slice(index + 1)
            .filter(([, other]) => left < other.right && other.left < right &&
                Math.min(bottom, other.bottom) - Math.max(top, other.top) > (bottom - top) / 4)
            .map(([b]) => `${a} / ${b}`));
    })""")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_figure_fits_the_page_and_its_words_can_be_read(width: int, tab: browser.Tab, site: str) -> None:
    tab.look(width)
    tab.go(f"{site}screenplay.html")
    figures = tab.run("""[...document.querySelectorAll('figure')].map(figure => {
        const drawings = [...figure.querySelectorAll('svg')], words = [...figure.querySelectorAll('text')];
        const box = one => one.getBoundingClientRect();
        return {name: figure.id, scrolls: figure.scrollWidth > figure.clientWidth,
            outside: words.filter(word => box(word).left < box(word.ownerSVGElement).left ||
                box(word).right > box(word.ownerSVGElement).right).map(word => word.textContent),
            size: Math.min(...words.map(word => parseFloat(getComputedStyle(word).fontSize) *
                box(word.ownerSVGElement).width / word.ownerSVGElement.viewBox.baseVal.width))}; })""")
    assert len(figures) > 5
    for figure in figures:
        assert not figure["scrolls"] and not figure["outside"] and figure["size"] >= 10, figure


def test_paper_has_no_navigation(tab: browser.Tab, site: str) -> None:
    tab.look(800, dark=True, media="print")
    tab.go(f"{site}screenplay.html")
    tab.run("document.documentElement.dataset.theme = 'dark'")
    for selector in (".side", ".turn", ".copies", ".headerlink", "aside.sidebar", ".compile > :last-child"):
        assert tab.run(f"getComputedStyle(document.querySelector('{selector}')).display") == "none"
    assert tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.run("document.documentElement.scrollWidth") <= 800
    assert tab.run("[...document.querySelectorAll('pre')].every(one => one.scrollWidth <= one.clientWidth)")
    # The margin of a sheet is not printed: by its number a session is found.
    assert tab.run("""[...document.querySelectorAll('.scene > div')].every(one => {
        const number = one.querySelector('.number')?.getBoundingClientRect();
        return !number || number.left >= one.getBoundingClientRect().left; })""")


def test_on_a_phone_the_copy_buttons_cover_no_line(tab: browser.Tab, site: str) -> None:
    tab.look(360)
    tab.go(f"{site}screenplay.html")
    assert tab.run("""[...document.querySelectorAll('.highlight')].filter(one => {
        const lines = document.createRange();
        const all = [...one.querySelectorAll('.cue, pre:not(:has(.cue))')];
        if (!all.length) return false;
        lines.selectNodeContents(all.at(-1));
        const bottom = lines.getBoundingClientRect().bottom;
        return [...one.querySelectorAll('.copy')].some(copy => copy.getBoundingClientRect().top < bottom - 2);
    }).map(one => one.textContent)""") == []


def transcripts(page: Path) -> list[str]:
    """The scenes of a page as a reader should see them: as they are written, without the escapes."""
    return [re.sub(r"(?m)^   (?:\\(?=[\[($#>^.\\]))?|\\$", "", block).strip("\n")
            for classes, block in blocks(page) if "scene" in classes]


@pytest.mark.parametrize("page", ["screenplay", "contributing"])
def test_a_scene_without_room_for_columns_is_the_transcript(page: str, tab: browser.Tab, site: str) -> None:
    for width, media in ((360, ""), (699, ""), (1280, "print")):
        tab.look(width, media=media)
        tab.go(f"{site}{page}.html")
        tab.run("document.querySelectorAll('.copies').forEach(one => one.remove())")  # what the script has added
        tab.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        shown = tab.run("""[...document.querySelectorAll('.scene pre')].reduce((found, one) => {
            const text = one.innerText.trimEnd();  // an outcome that was covered belongs to what was asked
            return one.closest('.outcome') ? [...found.slice(0, -1), found.at(-1) + '\\n' + text] : [...found, text];
        }, [])""")
        assert [text.strip("\n") for text in shown] == [text.rstrip() for text in transcripts(DOCS / f"{page}.rst")]


def test_a_scene_with_room_has_a_column_for_each_terminal_and_arrows_to_who_is_woken(
        tab: browser.Tab, site: str) -> None:
    for width in (768, 1280):
        tab.look(width)
        tab.go(f"{site}screenplay.html")
        boxes = """(scene => [...scene.querySelectorAll('.names b, .says, .bar, .arrow')].map(one => {
            const box = one.getBoundingClientRect(), cue = one.closest('.cue');
            return {kind: one.classList[0], classes: one.className, cue: cue ? cue.id : '', text: one.textContent,
                    left: box.left, right: box.right, top: box.top, bottom: box.bottom}; }))"""
        scenes = tab.run(f"[...document.querySelectorAll('.scene.columns')].map({boxes})")
        arrows = 0
        for scene in scenes:
            lefts = {re.search(r"in-\d", box["classes"])[0]: box["left"]
                     for box in scene if box["kind"].startswith("in")}
            assert sorted(lefts.values()) == list(lefts.values()) and len(set(lefts.values())) > 1
            for box in scene:
                if place := re.search(r"in-\d", box["classes"]):
                    assert box["left"] == pytest.approx(lefts[place[0]], abs=1)
                if box["kind"] == "bar":
                    spoken = next(one for one in scene if one["kind"] == "says" and one["cue"] == box["cue"])
                    assert box["bottom"] - box["top"] == pytest.approx(spoken["bottom"] - spoken["top"], abs=1)
                if box["kind"] == "arrow":  # its end is the edge of the one column, its beginning of the other
                    arrows += 1
                    side, start, end = re.search(r"(left|right) from-(\d) to-(\d)", box["classes"]).groups()
                    target = lefts[f"in-{end if side == 'right' else start}"]
                    assert box[side] == pytest.approx(target + 2, abs=2)
        assert arrows >= 5


def test_each_line_of_a_listing_has_a_number_that_is_its_address(tab: browser.Tab, site: str) -> None:
    tab.look(1280)
    tab.go(f"{site}screenplay.html#030-shm-produce.c-42")
    line = "document.getElementById('030-shm-produce.c-42')"
    assert tab.run(f"{line}.matches(':target')")
    assert tab.run(f"{line}.getBoundingClientRect().top") < 800
    for number, touched in ((44, False), (46, True)):
        left, top = tab.run("(box => [box.left + 5, box.top + 5])("
                            f"document.getElementById('030-shm-produce.c-{number}').getBoundingClientRect())")
        if touched:
            tab.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": left, "y": top}])
            tab.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        else:
            for kind in ("mousePressed", "mouseReleased"):
                tab.send("Input.dispatchMouseEvent", type=kind, x=left, y=top, button="left", clickCount=1)
        tab.until(f"location.hash === '#030-shm-produce.c-{number}'")
    for file in [file for file in ROOT.glob("code/*/*.[ch]") if f"/{file.name}\n" in SCREENPLAY.read_text()]:
        lines = len(file.read_text().splitlines())
        assert tab.run(f"document.querySelectorAll('pre a[id^=\"{file.name}-\"]').length") == lines


def test_what_scrolls_sideways_is_a_stop_for_the_keyboard_also_when_it_was_folded(tab: browser.Tab, site: str) -> None:
    tab.look(360)
    tab.go(f"{site}solutions.html")
    boxes = "[...document.querySelectorAll('details pre')].filter(box => box.scrollWidth > box.clientWidth)"
    assert tab.run("document.querySelectorAll('pre[tabindex]').length") == 0
    tab.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    tab.until(f"{boxes}.length && {boxes}.every(box => box.tabIndex === 0)")
