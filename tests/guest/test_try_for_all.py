"""The Linux in the page is for all: by keyboard, by ear, on a telephone, and where it cannot be."""


import browser
import pytest
from panel import FIRST, MADE, PANEL, Panel, key
from support import ROOT

pytestmark = [pytest.mark.skipif(not browser.find(), reason="needs chromium"),
              pytest.mark.skipif(not MADE, reason="needs make machine, and then make")]
PICTURES = ROOT / "build/screenshots"


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_it_fits_and_axe_has_nothing_to_report(width: int, tab: browser.Tab, site: str) -> None:
    tab.look(width, 844 if width == 390 else 900)
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    panel.press("play")
    assert panel.press("play").startswith("✓")
    tab.until(f"{PANEL}.querySelector('.kernel table')")
    for theme in ("light", "dark"):
        tab.look(width, 844 if width == 390 else 900, dark=theme == "dark")
        tab.run(f"{PANEL}.querySelector('.scrolled').scrollTop = 0")
        assert tab.run("document.documentElement.scrollWidth") <= width
        assert tab.run(f"{PANEL}.scrollWidth <= {PANEL}.clientWidth")
        tab.picture(PICTURES / f"try-{width}-{theme}.png")
        tab.run(f"{browser.axe()}; 0")
        found = tab.run("axe.run('#try').then(all => all.violations.map(one => "
                        "`${one.id}: ${one.nodes.map(node => node.html)}`))")
        assert found == [], theme


def test_the_keyboard_opens_plays_and_closes(tab: browser.Tab, site: str) -> None:
    tab.look(1280)
    panel = Panel(tab, f"{site}screenplay.html#{FIRST}")  # which unfolds it
    tab.run(f"document.querySelector('#{FIRST} .try').focus()")
    key(tab, "Enter", 13, "\r")
    panel.done()
    assert tab.run(f"document.activeElement === {PANEL}.querySelector('h2')")
    reached = []
    for _ in range(9):
        key(tab, "Tab", 9)
        reached.append(tab.run("document.activeElement.className"))
    assert [name for name in reached if name in ("after", "close", "play", "whole", "again")] == [
        "after", "close", "play", "whole", "again"]
    tab.run(f"{PANEL}.querySelector('.play').focus()")
    tab.run(f"{PANEL}.querySelector('.said').textContent = ''")
    key(tab, "Enter", 13, "\r")
    assert panel.done().startswith("✓")
    assert tab.run("document.activeElement.className") == "play"
    tab.run(f"{PANEL}.querySelector('input').dispatchEvent("
            "new KeyboardEvent('keydown', { key: 'Escape', isComposing: true, bubbles: true }))")
    assert not tab.run(f"{PANEL}.hidden")  # that was for an input method
    key(tab, "Escape", 27)
    assert tab.run(f"{PANEL}.hidden && document.activeElement.matches('#{FIRST} .try')")


def test_those_who_hear_it_are_told_what_is_what(tab: browser.Tab, site: str) -> None:
    tab.look(1280)
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    nodes = tab.send("Accessibility.getFullAXTree")["nodes"]
    heard = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes}
    assert {("complementary", "Try: a Linux in the page"), ("group", "Play"), ("button", "Play the next cue"),
            ("log", "Output of main"), ("textbox", "Type into main"), ("region", "Terminal main"),
            ("button", "Control C in main: interrupt"), ("button", "Close")} <= heard
    assert "status" in {role for role, _ in heard}


def refused(tab: browser.Tab, script: str, address: str) -> None:
    """Load a page in which the browser has been changed before."""
    tab.send("Page.addScriptToEvaluateOnNewDocument", source=script)
    tab.go(address)


def test_without_webassembly_there_is_no_button(tab: browser.Tab, site: str) -> None:
    refused(tab, "delete globalThis.WebAssembly", f"{site}screenplay.html")
    assert tab.run("document.querySelectorAll('.try').length") == 0


@pytest.mark.parametrize("script", [
    "Object.defineProperty(navigator, 'deviceMemory', { get: () => 1 })",
    "WebAssembly.Memory = function () { throw new RangeError('could not allocate memory'); }"])
def test_a_device_with_too_little_memory_gets_a_sentence(script: str, tab: browser.Tab, site: str) -> None:
    refused(tab, script, f"{site}screenplay.html")
    tab.run("document.querySelector('.try').click()")
    tab.until(f"/too little memory/.test({PANEL}?.querySelector('.said').textContent)")
    assert tab.run(f"{PANEL}.querySelector('progress').hidden")


def test_from_the_disk_the_button_says_what_to_do(tab: browser.Tab) -> None:
    tab.go((ROOT / "build/html/screenplay.html").as_uri())
    tab.run("document.querySelector('.try').click()")
    tab.until("/make serve/.test(document.querySelector('.try').textContent)")


def test_where_the_machine_cannot_be_loaded_it_says_so_and_tries_again(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    tab.send("Network.setBlockedURLs", urls=["*state.zst*"])
    tab.run(f"document.querySelector('#{FIRST} .try').click()")
    tab.until(f"/does not start/.test({PANEL}?.querySelector('.said').textContent)")
    tab.send("Network.setBlockedURLs", urls=[])
    tab.run(f"{PANEL}.querySelector('.said').textContent = ''")
    panel.open(FIRST)
    assert panel.press("play").startswith("✓")


@pytest.mark.parametrize("button", ["play", "scrolled li button"])
def test_where_the_machine_was_not_loaded_any_press_tries_again(button: str, tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    tab.send("Network.setBlockedURLs", urls=["*state.zst*"])
    tab.run(f"document.querySelector('#{FIRST} .try').click()")
    panel.done()
    tab.send("Network.setBlockedURLs", urls=[])
    assert panel.press(button).startswith("Ready")
    assert panel.press("play").startswith("✓")


def test_where_nothing_of_it_can_be_loaded_the_button_says_so(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    tab.send("Network.setBlockedURLs", urls=["*screenplay.json*"])
    tab.run("document.querySelector('.try').click()")
    tab.until("document.querySelector('.try').textContent === 'Not loaded: try again'")
    tab.send("Network.setBlockedURLs", urls=[])
    panel.open(FIRST)
