"""The show at the pace of a hand, on the pages themselves: what holds in a rehearsal holds in front of a class."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from show import by_hand, performed, show
from support import DOCS, SCREENPLAY

from stage.page.model import Running
from stage.page.reader import read

pytestmark = performed

SCENES = read(str(SCREENPLAY)).scenes
FRESH = [scene.number for scene in SCENES if scene.fresh]
PARTS = [range(first, after) for first, after in pairwise([*FRESH, len(SCENES) + 1])]

# Where a program runs by the clock, the time is not the instructor's.
CLOCKS = [
    (path, scene.number)
    for path in sorted(DOCS.glob("*.rst"))
    for scene in read(str(path)).scenes
    if any(cue.end == Running() for cue in scene.cues)
]


# Not a wait but an input: how long a hand takes, and the talking before it. The longest one first.
@pytest.mark.thorough
def test_the_whole_screenplay_holds_at_a_hands_pace() -> None:
    def crosses(part: range) -> list[str]:
        with show(SCREENPLAY, "--scene", part[0], size=(160, 45)) as on:
            return [f"{number}: {cross}" for number in part for cross in by_hand(on, SCREENPLAY, number, 1.3)]

    with ThreadPoolExecutor(len(PARTS)) as hands:
        assert [cross for found in hands.map(crosses, PARTS) for cross in found] == []


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
