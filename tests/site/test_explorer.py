"""The explorer in a real browser: what turns has printed is what is seen, by mouse, by key and by address."""

import json
from typing import Any

import browser
import pytest
from browser import axe
from support import DOCS

pytestmark = pytest.mark.skipif(not browser.find(), reason="needs chromium")

TREES = {file.stem: json.loads(file.read_text()) for file in sorted((DOCS / "trees").glob("*.json"))}
FIRST = "turns-order"  # on the page

# Play a word with the buttons; what is seen before and after each step.
CLICK = """(label, word) => {
    const box = document.querySelector(`#explorer-${label}`);
    const look = () => ({
        at: Object.fromEntries([...box.querySelectorAll('.who b')].map(pointer =>
            [pointer.textContent, [pointer.closest('.row').dataset.row, pointer.classList.contains('blocked')]])),
        values: [...box.querySelectorAll('.values b')].map(value => +value.textContent),
        said: box.querySelector('.said').textContent, end: box.dataset.end, address: location.hash});
    box.querySelector('[data-deed=again]').click();
    return [look(), ...[...word].map(letter => { box.querySelector(`[data-deed=${letter}]`).click(); return look(); })];
}"""


def opened(tab: browser.Tab, site: str, address: str = "", width: int = 1280) -> None:
    tab.look(width)
    tab.go("about:blank")
    tab.go(f"{site}scheduler.html{address}")
    assert tab.complaints() == []


def said(tab: browser.Tab, label: str = FIRST) -> str:
    return tab.run(f"document.querySelector('#explorer-{label} .said').textContent")


def press(tab: browser.Tab, key: str, code: int) -> None:
    text = {"text": "\r"} if key == "Enter" else {}
    tab.send("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
    tab.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)


def is_as_recorded(seen: dict[str, Any], tree: dict[str, Any], word: str) -> None:
    """What is seen of a state is what turns has printed of it."""
    state = tree["states"][word]
    programs = list(dict.fromkeys(one["program"] for one in tree["processes"]))
    pointers = {}
    for number, (place, process) in enumerate(zip(state["at"], tree["processes"], strict=True)):
        letter, line = chr(ord("A") + number), place.split()[0].strip("[]")
        if line.isdigit():
            pointers[letter] = [f"{programs.index(process['program'])}:{line}", place.startswith("[")]
        else:
            assert f"{letter} has {place}. " in seen["said"]
        if place.startswith("["):
            assert f"{letter} is {place.partition(' ')[2]}. " in seen["said"]
    assert (seen["at"], seen["values"], seen["end"]) == (pointers, state["values"], state.get("end", ""))


@pytest.mark.parametrize("label", TREES)
def test_every_order_that_is_clicked_through_is_the_one_that_turns_has_printed(
        label: str, tab: browser.Tab, site: str) -> None:
    opened(tab, site)
    tree = TREES[label]
    orders = [word for word, state in tree["states"].items() if "end" in state]
    assert label != "turns-all" or len(orders) == 70
    for order in orders:
        steps = tab.run(f"({CLICK})({json.dumps(label)}, {json.dumps(order)})")
        for length, seen in enumerate(steps):
            is_as_recorded(seen, tree, order[:length])
    if len(orders) < 20:  # a browser stops following the address where it changes hundreds of times a second
        assert steps[-1]["address"] == ("#" if label == FIRST else f"#{label}-") + orders[-1]


def test_an_address_opens_its_state(tab: browser.Tab, site: str) -> None:
    opened(tab, site, "#ABBA")
    assert said(tab).startswith("ABBA: A has done atomic_store(counter, seen + 1). ")
    assert said(tab).endswith("This end is wrong: /ipc-counter should be 2.")
    assert tab.run("document.querySelector('.explorer').getBoundingClientRect().top") < 800
    tab.run("location.hash = 'turns-guard-AB'")
    tab.until("document.querySelector('#explorer-turns-guard .said').textContent.startsWith('AB')")
    assert "B is blocked on /dev/shm/sem.ipc-guard. " in said(tab, "turns-guard")
    opened(tab, site, "#AZ")
    assert said(tab) == "2 of the 6 orders from here go right."


@pytest.mark.parametrize("address", ["#100%", "#turns-guard-%", "#toString", "#turns-guard-constructor"])
def test_an_address_that_leads_nowhere_stops_nothing(address: str, tab: browser.Tab, site: str) -> None:
    opened(tab, site, address)
    assert tab.run("[...document.querySelectorAll('.explorer')].every(one => one.checkVisibility())")
    assert said(tab) == "2 of the 6 orders from here go right."
    assert not tab.run("document.querySelector('.theme-button').hidden")
    listing = "document.querySelector('.literal-block-wrapper .folded')"
    assert tab.run(f"location.hash = `#${{{listing}.closest('[id]').id}}-1`")
    tab.until("document.querySelector(':target').checkVisibility()")  # the last thing that the script does


def test_a_deadlock_is_shown_as_one(tab: browser.Tab, site: str) -> None:
    opened(tab, site, "#turns-locks-ABAB")
    assert said(tab, "turns-locks").endswith("Nobody can go on: a deadlock.")
    buttons = "#explorer-turns-locks [aria-disabled=true]"
    assert tab.run(f"[...document.querySelectorAll('{buttons}')].map(one => one.dataset.deed)") == ["A", "B", "wrong"]


def test_undo_begin_again_and_one_that_goes_wrong(tab: browser.Tab, site: str) -> None:
    opened(tab, site)
    def click(deed: str) -> str:
        tab.run(f"document.querySelector('#explorer-{FIRST} [data-deed={deed}]').click()")
        return said(tab)
    assert said(tab) == "2 of the 6 orders from here go right."
    assert click("A").endswith("1 of the 3 orders from here goes right.")
    assert click("wrong").startswith("ABAB: ")
    assert click("undo").startswith("ABA: ")
    assert click("A").startswith("ABA: ")  # it has ended, and cannot go
    assert click("again") == "2 of the 6 orders from here go right."
    assert click("undo") == "2 of the 6 orders from here go right."


def test_the_keyboard_alone_is_enough(tab: browser.Tab, site: str) -> None:
    opened(tab, site)
    tab.run(f"document.querySelector('#explorer-{FIRST}').previousElementSibling.querySelector('.copy').focus()")
    for _ in range(9):
        press(tab, "Tab", 9)
        if tab.run("document.activeElement.dataset.deed ?? ''") == "A":
            break
    press(tab, "Enter", 13)
    assert said(tab).startswith("A: ")
    press(tab, "b", 66)
    press(tab, "b", 66)
    assert said(tab).startswith("ABB: ")
    press(tab, "u", 85)
    assert said(tab).startswith("AB: ")
    assert tab.run("document.activeElement.dataset.deed") == "A"  # a button that cannot be used keeps the focus


def test_without_a_script_the_scenes_say_it_all(tab: browser.Tab, site: str) -> None:
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    tab.go(f"{site}scheduler.html")
    assert tab.run("[...document.querySelectorAll('.explorer')].every(one => !one.checkVisibility())")


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1280, False)])
@pytest.mark.parametrize("address", ["#AB", "#turns-locks-ABAB", "#turns-check-ABAB"])
def test_axe_has_nothing_to_report_in_the_middle_of_it(
        address: str, width: int, dark: bool, tab: browser.Tab, site: str) -> None:
    opened(tab, site, address, width)
    assert tab.run("document.documentElement.scrollWidth") <= width
    tab.run(f"{axe()}; 0")
    tab.look(width, dark=dark)
    assert tab.run("axe.run('.explorer', {resultTypes: ['violations']}).then(all => all.violations.map("
                   "one => `${one.id}: ${one.nodes[0].html}`))") == []
