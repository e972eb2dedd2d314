"""What an instructor does with a page: its steps, one key each, and where one can jump to.

A *step* is what one wants to show at once: a command or a key, with the terminals that go on
because of it. What has to come in time belongs to the step, too: a command after one that is
``[running]`` and will end by itself, and a key that is pressed when certain lines have come.
"""

from __future__ import annotations

from .notes import plain
from .script import Page, Scene


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
