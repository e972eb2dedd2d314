"""The Linux in the page runs in another browser, too."""

from collections.abc import Iterator

import firefox
import pytest
from panel import MADE, Panel

pytestmark = [pytest.mark.skipif(not firefox.find(), reason="needs firefox"),
              pytest.mark.skipif(not MADE, reason="needs make machine, and then make")]


@pytest.fixture
def window() -> Iterator[firefox.Firefox]:
    new = firefox.Firefox()
    yield new
    new.end()


def test_all_sessions_of_the_screenplay_hold_in_firefox(window: firefox.Firefox, site: str) -> None:
    panel, wrong = Panel(window, f"{site}screenplay.html"), {}
    panel.open(panel.page["scenes"][0]["anchor"])
    for scene in panel.page["scenes"]:
        if scene["number"] > 1:
            panel.press("after")
        said = panel.press("whole")
        if not said.startswith("✓") or set(panel.marks()) != {"✓"}:
            wrong[scene["anchor"]] = said
    assert wrong == {}
