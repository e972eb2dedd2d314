"""The show at the pace of a hand, on the pages themselves: what holds in a rehearsal holds in front of a class."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from show import by_hand, performed, show
from support import DOCS

from stage.page.model import Running
from stage.page.reader import read

pytestmark = performed

# Where a program runs by the clock, the time is not the instructor's.
CLOCKS = [
    (path, scene.number)
    for path in sorted(DOCS.glob("*.rst"))
    for scene in read(str(path)).scenes
    if any(cue.end == Running() for cue in scene.cues)
]


# Not a wait but an input: how long a hand takes, and the talking before it.
@pytest.mark.parametrize("pause", [1.3, *(pytest.param(pause, marks=pytest.mark.thorough) for pause in (0, 4))])
def test_scenes_that_run_by_the_clock_hold_at_a_hands_pace(pause: float) -> None:
    def crosses(where: tuple[Path, int]) -> list[str]:
        path, number = where
        with show(path, "--scene", number, size=(160, 45)) as on:
            return by_hand(on, path, number, pause)

    assert len(CLOCKS) > 8
    with ThreadPoolExecutor(len(CLOCKS)) as hands:
        found = list(hands.map(crosses, CLOCKS))
    assert [(*where, cross) for where, seen in zip(CLOCKS, found, strict=True) for cross in seen] == []
