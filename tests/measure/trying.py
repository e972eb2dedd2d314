"""How soon the Linux in the page obeys, in Chromium: seconds as a reader meets them."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import browser
from panel import FIRST, PANEL, Panel
from support import ROOT

#: Note when a terminal prints, or its shell asks for the next command, and at a tick how long that was ago.
WATCH = f"""
window.ticks = [];
const ticked = new Set(); // the marks are written anew again and again
let printed = 0;
new MutationObserver(changes => {{
  const now = performance.now();
  for (const {{ target }} of changes) {{
    if (target.className === 'mark' && target.textContent === '✓' && !ticked.has(target)) {{
      ticked.add(target);
      ticks.push(now - printed);
    }}
    if (target.role === 'log' || target.className === 'gp') printed = now;
  }}
}}).observe({PANEL}, {{ childList: true, subtree: true }});
"""


@contextmanager
def pages() -> Iterator[tuple[browser.Browser, str]]:
    """A browser, and the address of the screenplay in a site that has the machine."""
    chromium = browser.Browser()
    try:
        with browser.served(ROOT / "build/html") as (site, _):
            yield chromium, f"{site}screenplay.html"
    finally:
        chromium.end()


def fresh(chromium: browser.Browser, address: str) -> Panel:
    """The page in a tab of its own; nothing of the machine is loaded."""
    tab = browser.Tab(chromium)
    tab.look(1280, 900)
    return Panel(tab, address)


def opened(chromium: browser.Browser, address: str) -> Panel:
    """A panel that is ready in a tab of its own, at the first session."""
    panel = fresh(chromium, address)
    panel.open(FIRST)
    return panel


def button_to_prompt(rounds: int) -> float:
    """The seconds from pressing the button to being ready, the middle of some."""
    taken = []
    with pages() as (chromium, address):
        for _ in range(rounds):
            panel = fresh(chromium, address)
            began = time.monotonic()
            panel.open(FIRST)
            taken.append(time.monotonic() - began)
            panel.tab.close()
    return statistics.median(taken)


def jump_to_the_last_session() -> float:
    """The seconds from the first session to the last one, in a machine that has just started."""
    with pages() as (chromium, address):
        panel = opened(chromium, address)
        began = time.monotonic()
        panel.open(panel.page["scenes"][-1]["anchor"])
        return time.monotonic() - began


def end_to_tick() -> float:
    """The seconds from the end of a cue, the next prompt mostly, to its tick, the middle of a session's."""
    with pages() as (chromium, address):
        panel = opened(chromium, address)
        panel.tab.run(WATCH)
        panel.press("whole")
        return statistics.median(panel.tab.run("ticks")) / 1000


def at_rest(seconds: float) -> float:
    """The percentage of a core that all of the browser takes, with the panel open and nothing running."""
    with pages() as (chromium, address):
        opened(chromium, address).tab.until(f"{PANEL}.dataset.machine === 'stopped'")

        def used() -> float:
            return sum(one["cpuTime"] for one in chromium.send("SystemInfo.getProcessInfo")["processInfo"])
        before = used()
        time.sleep(seconds)
        return 100 * (used() - before) / seconds
