"""What an instructor does with a page: its steps, one key each.

A *step* is everything whose time is not the instructor's: a command or a key, with the terminals that go on
because of it, and all that comes while a program runs by the clock that will end by itself. A program that
somebody interrupts has no such end: it waits as long as the instructor talks.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..page.model import Cue, Page, Running, Scene


class Plan:
    """All cues of a page by their index, and the steps that they form."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.cues = [(scene, cue) for scene in page.scenes for cue in scene.cues]
        self.starts = starts(self.cues)

    def __len__(self) -> int:
        return len(self.cues)

    def cue(self, at: int) -> Cue:
        """Return the cue of this index."""
        return self.cues[at][1]

    def near(self, at: int) -> tuple[Scene, Cue]:
        """Return the cue of this index, or the last one, and its scene."""
        return self.cues[min(at, len(self) - 1)]

    def of(self, scene: Scene) -> range:
        """Return the indexes of the cues of a scene."""
        first = sum(len(other.cues) for other in self.page.scenes[:scene.number - 1])
        return range(first, first + len(scene.cues))

    def step(self, at: int) -> range:
        """Return the indexes of this cue and of those that belong to the same step."""
        return range(at, min((start for start in self.starts if start > at), default=len(self)))

    def before(self, at: int) -> int:
        """Return where the step before this cue begins."""
        return max((start for start in self.starts if start < at), default=0)

    def numbered(self, at: int) -> tuple[int, int]:
        """Return which step of its scene a cue belongs to, counted from 1, and how many there are."""
        inside = [start for start in self.starts if start in self.of(self.near(at)[0])]
        return sum(start <= at for start in inside), len(inside)

    def to(self, scene: Scene) -> list[Scene]:
        """Return the scenes to be played before this one, from the last fresh one on."""
        start = max((other.number for other in self.page.scenes[:scene.number] if other.fresh), default=1)
        return self.page.scenes[start - 1:scene.number - 1]


def starts(cues: Sequence[tuple[Scene, Cue]]) -> list[int]:
    """Return the index of the first cue of each step of a page."""
    found: list[int] = []
    in_time = 0  # the cues before this index come by somebody's clock
    for at, (scene, cue) in enumerate(cues):
        before = cues[at - 1]
        # A key directly after lines is pressed when they have come, and before more of them do.
        at_once = cue.kind == 'key' and before[1].terminal == cue.terminal and before[1].end == Running()
        if not (at < in_time or cue.kind == 'resume' or at_once) or before[0] is not scene:
            found.append(at)
        if cue.end == Running():
            in_time = max(in_time, _until(cues, at))
    return found


def _until(cues: Sequence[tuple[Scene, Cue]], at: int) -> int:
    """Return the index after the last cue of the scene that the clock of the program started here can reach."""
    scene, start = cues[at]
    later = [index for index in range(at + 1, len(cues)) if cues[index][1].terminal == start.terminal]
    end = next((index for index in later if cues[index][1].kind == 'key' or cues[index][1].end != Running()), at)
    if cues[end][1].kind == 'key':
        return at + 1  # it runs until then, however long that is
    return next((index for index in range(at, end) if cues[index][0] is not scene), end + 1)
