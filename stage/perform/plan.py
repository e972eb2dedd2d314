"""What an instructor does with a page: its steps, one key each, and where one can jump to.

A *step* is what one wants to show at once: a command or a key, with the terminals that go on
because of it. What has to come in time belongs to the step, too: a command after one that is
``[running]`` and will end by itself, and a key that is pressed when certain lines have come.
"""

from __future__ import annotations

from ..page.model import Cue, Page, Scene
from ..page.prose import plain


class Plan:
    """All cues of a page by their index, and the steps that they form."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.cues = [(scene, cue) for scene in page.scenes for cue in scene.cues]
        lengths = [length for scene in page.scenes for length in steps(scene)]
        self.starts = [sum(lengths[:number]) for number in range(len(lengths))]

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

    def to(self, scene: Scene) -> list[Scene]:
        """Return the scenes to be played before this one, from the last fresh one on."""
        start = max((other.number for other in self.page.scenes[:scene.number] if other.fresh), default=1)
        return self.page.scenes[start - 1:scene.number - 1]


def steps(scene: Scene) -> list[int]:
    """Return the length of each step of a scene, in cues."""
    found: list[int] = []
    hurried: set[str] = set()  # terminals whose programs will have ended soon
    for index, cue in enumerate(scene.cues):
        before = scene.cues[index - 1]
        in_time = hurried if cue.kind == 'run' else \
            before.terminal == cue.terminal and before.end.kind == 'running'
        if found and (cue.kind == 'resume' or in_time):
            found[-1] += 1
        else:
            found.append(1)
        hurried.discard(cue.terminal)
        later = [other for other in scene.cues[index + 1:] if other.terminal == cue.terminal]
        if cue.end.kind == 'running' and later and later[0].kind == 'resume' \
                and later[0].end.kind == 'status' and not later[0].end.status:
            hurried.add(cue.terminal)
    return found


def find(page: Page, asked: str) -> Scene | None:
    """Return the scene of this number, or the first in a section with these words in its title."""
    if asked.isdecimal():
        return page.scenes[int(asked) - 1] if 0 < int(asked) <= len(page.scenes) else None
    words = asked.lower().strip()
    return next((scene for scene in page.scenes
                 if words and words in plain(scene.section).lower()), None)


def contents(page: Page) -> list[str]:
    """Return the sections that have scenes, with the numbers of these."""
    found: dict[str, list[int]] = {}
    for scene in page.scenes:
        found.setdefault(scene.section, []).append(scene.number)
    return [f'* {numbers[0]}-{numbers[-1]} {plain(title)}' if len(numbers) > 1
            else f'* {numbers[0]} {plain(title)}' for title, numbers in found.items()]
