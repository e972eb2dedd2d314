"""Play a page, compare it with what it says, and report or promote the difference."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..page.model import Cue, Page, Scene
from ..page.scenes import ELLIPSIS, escape
from ..sandbox.clock import DEADLINE, run
from ..sandbox.sandbox import Sandbox
from .player import Failed, Failure, Player


@dataclass
class Result:
    """What a rehearsal of one page has shown."""

    page: Page
    cues: int = 0
    skipped: int = 0
    terminals: int = 0
    seconds: float = 0.0
    slept: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    edits: list[tuple[int, int, list[str]]] = field(default_factory=list)

    def summary(self) -> str:
        """Return the line that is printed for the page."""
        line = (f'{self.page.path}: {self.cues} cues in {self.terminals} terminals, '
                f'{self.seconds - self.slept:.1f} s and {self.slept:.1f} s of their own sleeping')
        return line + (f', {self.skipped} cues skipped' if self.skipped else '')

    def promoted(self) -> str:
        """Return the text of the page with the edits."""
        lines = self.page.text.split('\n')
        for first, last, new in reversed(self.edits):
            lines[first:last] = new
        return '\n'.join(lines)


class Rehearsal(Player):
    """Plays the scenes of one page on a stage.

    Args:
        page: What to play.
        sandbox: Where.
        promote: Note what differs as an edit instead of a failure; a claim of the author
            (blocking, waking, exit status) fails all the same.
        deadline: Seconds beyond the programs' own sleeping.
        progress: Called with each cue before it is played.
    """

    def __init__(self, page: Page, sandbox: Sandbox, promote: bool = False,
                 deadline: float = DEADLINE, progress: Callable[[Cue], None] = lambda cue: None,
                 ) -> None:
        super().__init__(page, sandbox, deadline)
        self.promote, self.progress = promote, progress
        self.result = Result(page)

    def play(self, last: int | None = None, keep_going: bool = False) -> Result:
        """Play all scenes, or up to the scene of number ``last`` from the fresh one before it.

        After a failure the rest of the page would be noise and is not played, but with
        ``keep_going`` from the next fresh scene on.
        """
        began = time.monotonic()
        scenes = self._chosen(last)
        failed = False
        for scene in scenes:
            if failed and not (keep_going and scene.fresh):
                continue
            try:
                if scene.fresh:
                    self.finish(check=not failed)
                failed = False
                self._scene(scene)
            except Failed as found:
                failed = True
                self.result.failures.append(found.failure)
        try:
            self.finish(check=not failed and last is None)
        except Failed as found:
            self.result.failures.append(found.failure)
        self.result.terminals = len(self.names)
        self.result.seconds = time.monotonic() - began
        self.result.slept = self.clock.slept
        return self.result

    def _chosen(self, last: int | None) -> list[Scene]:
        scenes = self.page.scenes[:last]
        if last is None:
            return scenes
        start = max((index for index, scene in enumerate(scenes) if scene.fresh), default=0)
        return scenes[start:]

    def _scene(self, scene: Scene) -> None:
        if self.left_out(scene):
            self.result.skipped += len(scene.cues)
            return
        for cue in scene.cues:
            run(self.open(cue))
        for cue in scene.cues:
            self.progress(cue)
            self.result.cues += 1
            run(self.play_cue(cue))

    def _compare(self, cue: Cue, lines: list[str]) -> None:
        if not self.promote or self.renaming.match(cue.expect, lines):
            super()._compare(cue, lines)
            return
        new = self.renaming.promoted(cue.expect, lines)
        if not self.renaming.match(new, lines):
            self._fail(cue, 'cannot be promoted: a value of the page would have two meanings; '
                       'change it in the page by hand', lines)
        text = [cue.indent + (ELLIPSIS if line is None else escape(line)) for line in new]
        self.result.edits.append((cue.first, cue.last, text))


def show_progress(cue: Cue) -> None:
    """Overwrite one line of the terminal with what is being played."""
    print(f'\r\033[K{cue.terminal}: {cue.title()[:60]}', end='', file=sys.stderr, flush=True)
