"""The steps of a page: what is one deed of whoever plays it.

A *step* is everything whose time is not the instructor's: a command or a key, with the terminals that go on
because of it, and all that comes while a program runs by the clock that will end by itself. A program that
somebody interrupts has no such end: it waits as long as the instructor talks.
"""

from __future__ import annotations

from collections.abc import Sequence

from .model import Cue, Running, Scene


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
