"""What an instructor does with a page: its steps, one key each."""

from __future__ import annotations

from ..page.model import Cue, Page, Scene
from ..page.steps import starts


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
