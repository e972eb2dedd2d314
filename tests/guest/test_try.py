"""The Linux in the page, tried in a real browser: sessions are played by pressing, and come out as printed."""

import re

import browser
import pytest
from panel import FIRST, MADE, PANEL, Panel, key
from support import ROOT

pytestmark = [pytest.mark.skipif(not browser.find(), reason="needs chromium"),
              pytest.mark.skipif(not MADE, reason="needs make machine, and then make")]
#: Three of them: one sleeps on a semaphore, two produce at once, an empty queue.
THREE = ("scene-sem-post-1", "scene-shm-produce-4", "scene-mq-consume-1")


def test_nothing_of_it_is_loaded_before_the_press(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    assert tab.run("document.querySelectorAll('.try').length") == len(panel.page["scenes"])
    before = len(tab.requests())
    assert not [address for address in tab.requests() if "/machine/" in address]
    panel.open(FIRST)
    asked = [address for address in tab.requests()[before:] if not address.startswith("blob:")]
    assert asked and all(address.startswith(f"{site}_static/machine/") for address in asked)
    assert tab.complaints() == []


@pytest.mark.parametrize("name", ["screenplay", "scheduler", "exercises"])
def test_all_sessions_of_a_page_are_played_by_pressing_and_hold(name: str, tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}{name}.html")
    wrong = {}
    panel.open(panel.page["scenes"][0]["anchor"])
    for scene in panel.page["scenes"]:
        if scene["number"] > 1:
            panel.press("after")
        assert tab.run(f"{PANEL}.querySelector('h2').textContent").startswith(f"Session {scene['number']} ")
        said = panel.press("whole")
        if not said.startswith("✓") or set(panel.marks()) != {"✓"}:
            wrong[scene["anchor"]] = said
    assert wrong == {}
    assert tab.complaints() == []


def test_what_is_seen_is_what_is_printed_in_the_page(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    scene = next(one for one in panel.page["scenes"] if one["anchor"] == FIRST)
    assert panel.press("whole").startswith("✓")
    for _, cue in panel.cues(scene["number"]):
        seen = panel.printed()[f"{cue['terminal']}, root" if cue["root"] else cue["terminal"]]
        assert cue["command"].split("\n")[0] in seen
        assert all(line in seen for line in cue["expect"] if line), cue


def test_what_32_bits_make_another_is_said(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    for scene in panel.page["scenes"]:
        lines = [line for _, cue in panel.cues(scene["number"]) for line in cue["expect"] if line]
        if any("student student 32" in line for line in lines):
            panel.open(scene["anchor"])
            said = panel.press("whole")
            assert said == "✓ As the page says. But this machine has 32 bits: A semaphore has 16 bytes for 32."
            assert "student student 16" in panel.printed()["main"]
            return
    pytest.fail("no session lists a semaphore")


@pytest.mark.parametrize("anchor", THREE)
def test_back_and_forth_gives_the_same_output_at_every_cue(anchor: str, tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(anchor)
    scene = next(one for one in panel.page["scenes"] if one["anchor"] == anchor)
    for index, _ in panel.cues(scene["number"]):
        if tab.run(f"{PANEL}.querySelector('li[aria-current]')?.dataset.cue") != str(index):
            continue  # it has been played with the one before
        before = panel.printed()
        assert panel.press("play").startswith("✓")
        after, marks = panel.printed(), panel.marks()
        for _ in range(marks.count("✓") - sum(1 for other, _ in panel.cues(scene["number"]) if other < index)):
            panel.press("back")
        assert panel.printed() == before
        assert panel.press("play").startswith("✓")
        assert (panel.printed(), panel.marks()) == (after, marks)


def test_a_cue_that_is_given_up_in_the_middle_is_undone_before_it_is_played_again(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    index, cue = next((index, cue) for index, cue in enumerate(panel.page["cues"])
                      if not cue["fresh"] and re.match(r"\./(sem|shm)/\d+-\w+-produce", cue["command"]))
    scene = panel.page["scenes"][cue["scene"] - 1]
    panel.open(scene["anchor"])
    tab.run(f"{PANEL}.querySelector('li[data-cue=\"{index}\"] button').click()")
    typed = f"[...{PANEL}.querySelectorAll('.typed')]"
    shown = f"{typed}.filter(one => one.textContent.includes('{cue['command']}')).length"
    tab.until(f"{shown} === 1")
    tab.run(f"{PANEL}.querySelector('.close').click()")
    panel.open(scene["anchor"])
    assert panel.press("whole").startswith("✓")
    assert set(panel.marks()) == {"✓"} and tab.run(shown) == 1


def test_a_shell_whose_start_is_given_up_is_waited_for_the_next_time(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    tab.run(f"""new MutationObserver((changes, observer) => {{
        if (![...{PANEL}.querySelectorAll('.terminal b')].some(one => one.textContent === 'another')) return;
        observer.disconnect();
        {PANEL}.querySelector('.close').click();
    }}).observe({PANEL}.querySelector('.terminals'), {{ childList: true }});
    document.querySelector('#scene-shm-consume-1 .try').click()""")
    tab.until(f"{PANEL}.hidden")
    panel.open("scene-shm-consume-1")
    assert panel.press("whole").startswith("✓")


def test_a_hundred_times_back_and_it_never_hangs(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    panel.press("play")
    for _ in range(100):
        panel.press("back")
        assert panel.press("play").startswith("✓")


def test_it_is_not_ready_while_it_still_plays(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    tab.run(f"document.querySelector('#{panel.page['scenes'][-1]['anchor']} .try').click()")
    tab.until(f"{PANEL}?.dataset.busy")
    tab.run(f"""window.early = [];
    new MutationObserver(() => {{
        if ({PANEL}.dataset.busy) early.push({PANEL}.querySelector('.said').textContent);
    }}).observe({PANEL}.querySelector('.said'), {{ childList: true }});
    {PANEL}.querySelector('.before').click()""")
    panel.done()
    assert [said for said in tab.run("early") if said.startswith("Ready")] == []


def test_a_press_on_a_cue_in_the_page_plays_to_it(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    tab.run(f"{PANEL}.querySelector('.said').textContent = '';"
            f"document.querySelector('#{FIRST}-2 .command').click()")
    assert panel.done().startswith("✓")
    assert re.fullmatch("✓✓+▸?-*", panel.marks())


def test_one_types_freely_and_presses_the_keys(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    panel.type("main", "echo $((6 * 7)); false")
    tab.until(f"{PANEL}.querySelector('pre').textContent.includes('42\\n[1]')")
    panel.type("main", "cat")
    panel.type("main", "said")
    tab.until(f"{PANEL}.querySelector('pre').textContent.endsWith('said\\nsaid\\n')")
    tab.run(f"[...{PANEL}.querySelectorAll('.terminal button')].find(one => one.textContent === '^C').click()")
    tab.until(f"{PANEL}.querySelector('pre').textContent.endsWith('^C\\n[130]\\n')")
    panel.type("main", "cat")
    tab.until(f"{PANEL}.querySelector('.state').textContent === 'blocked in read'")
    key(tab, "d", 68, modifiers=2)
    tab.until(f"{PANEL}.querySelector('.state').textContent === 'at its prompt'")
    assert panel.press("play").startswith("✓")  # what was typed is no part of the cue
    panel.type("main", f"echo {'x' * 990}; echo too long")
    tab.until(f"{PANEL}.querySelector('pre').textContent.includes('\\n{'x' * 990}\\n')")
    assert "too long\n" not in panel.printed()["main"]  # of a line, 1000 letters are typed
    panel.press("again")
    assert "42" not in panel.printed()["main"]


def test_a_terminal_in_which_somebody_has_typed_ahead_is_not_at_its_prompt(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    panel.type("main", "sleep 1")
    panel.type("main", "cat")
    tab.until(f"{PANEL}.querySelector('.state').textContent === 'blocked in read'")


def test_a_terminal_whose_shell_was_left_has_ended(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    panel.type("main", "exit")
    tab.until(f"{PANEL}.querySelector('.state').textContent === 'ended'")


def test_the_end_of_the_output_is_seen_unless_somebody_has_scrolled_back(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    log = f"{PANEL}.querySelector('.terminal pre')"
    to_end = f"{log}.scrollHeight - {log}.clientHeight - {log}.scrollTop"
    panel.type("main", "seq 200")
    tab.until(f"{log}.textContent.includes('200') && {log}.scrollTop > 0 && {to_end} < 8")
    tab.run(f"{log}.scrollTop = 0; new Promise(requestAnimationFrame)")
    panel.type("main", "seq 201 300")
    tab.until(f"{log}.textContent.includes('300')")
    tab.run("new Promise(requestAnimationFrame)")
    assert tab.run(f"{log}.scrollTop") == 0


def test_what_is_not_as_the_page_says_is_told_and_mended(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    panel.press("play")
    panel.type("main", "./sem/120-sem-post /ipc-hello")
    tab.until(f"{PANEL}.querySelector('.kernel').textContent.includes('value 1')")
    why = "ended with exit status 0 instead of blocking in futex"
    assert panel.press("play") == f"✗ Not as the page says: {why}"
    assert panel.marks().startswith("✓✗▸")
    assert tab.run(f"{PANEL}.querySelector('li.failed .why').textContent") == why
    panel.press("again")
    assert panel.press("whole").startswith("✓")


def test_the_kernel_is_seen(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    cues = panel.cues(next(one["number"] for one in panel.page["scenes"] if one["anchor"] == FIRST))
    blocked = next(index for index, cue in cues if "blocked" in cue["end"])
    panel.press_cue(blocked)
    tab.until(f"/blocked in futex on \\/ipc-/.test({PANEL}.querySelector('.kernel').textContent)")
    assert "semaphore" in tab.run(f"{PANEL}.querySelector('.kernel').textContent")
    assert "blocked in futex" in tab.run(f"[...{PANEL}.querySelectorAll('.state')].map(one => one.textContent)")


def test_what_comes_of_a_bet_is_not_told_before_it_is_played(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    scene = next(one for one in panel.page["scenes"] if one["asked"] is not None and
                 one["asked"] < len(panel.cues(one["number"])) - 1)
    cues = panel.cues(scene["number"])
    panel.open(scene["anchor"])
    assert len(panel.marks()) == scene["asked"] + 1 < len(cues)
    panel.press("whole")
    assert panel.marks() == "✓" * len(cues)


def test_a_machine_is_stopped_where_nobody_looks_or_nothing_can_happen(tab: browser.Tab, site: str) -> None:
    panel = Panel(tab, f"{site}screenplay.html")
    panel.open(FIRST)
    tab.until(f"{PANEL}.dataset.machine === 'stopped'")
    panel.type("main", "while sleep 0.1; do echo here; done")
    tab.until(f"{PANEL}.querySelector('pre').textContent.endsWith('here\\nhere\\nhere\\n')")
    tab.until(f"{PANEL}.dataset.machine === 'running'")
    for hidden, state in (("true", "stopped"), ("false", "running")):  # as when another tab is in front of this one
        tab.run(f"Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }});"
                "document.dispatchEvent(new Event('visibilitychange'))")
        assert tab.run(f"{PANEL}.dataset.machine") == state
    tab.run(f"{PANEL}.querySelector('.close').click()")
    assert tab.run(f"{PANEL}.dataset.machine") == "stopped"
    seen = panel.printed()
    tab.run(f"document.querySelector('#{FIRST} .try').click()")
    tab.until(f"{PANEL}.dataset.machine === 'running'")
    tab.until(f"{PANEL}.querySelector('pre').textContent.length > {len(seen['main'])}")


def test_only_pages_with_the_button_may_compile(tab: browser.Tab, site: str) -> None:
    for page in (ROOT / "build/html").glob("*.html"):
        text = page.read_text()
        assert ("'wasm-unsafe-eval'" in text) == ("data-tries=" in text) == (
            (ROOT / "build/html/_static/machine" / page.with_suffix(".json").name).exists())
        policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
        assert not re.search(r"https?:|\*|'unsafe-inline'|'unsafe-eval'", policy)
