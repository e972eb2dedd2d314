"""Play a page and compare it with what it says."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..page.model import Cue, Page, Scene
from ..sandbox.clock import DEADLINE, run
from ..sandbox.sandbox import Sandbox
from .player import Failed, Failure, Player
from .trees import Trees, differs, printed


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

    def summary(self, programs: str = '') -> str:
        """Return the line that is printed for the page, played with other programs than usual."""
        line = (f'{self.page.path}{programs}: {self.cues} cues in {self.terminals} terminals, '
                f'{self.seconds - self.slept:.1f} s and {self.slept:.1f} s of their own sleeping')
        return line + (f', {self.skipped} cues skipped' if self.skipped else '')


class Rehearsal(Player):
    """Plays the scenes of one page on a stage.

    Args:
        page: What to play.
        sandbox: Where.
        deadline: Seconds beyond the programs' own sleeping.
        progress: Called with each cue before it is played.
        trees: Those that are kept beside the page.
    """

    def __init__(self, page: Page, sandbox: Sandbox, deadline: float = DEADLINE,
                 progress: Callable[[Cue], None] = lambda cue: None, trees: Trees | None = None) -> None:
        super().__init__(page, sandbox, deadline)
        self.progress, self.trees = progress, trees or {}
        self.result = Result(page)

    def play(self, last: int | None = None, keep_going: bool = False) -> Result:
        """Play all scenes, or up to the scene of number ``last`` from the fresh one before it.

        After a failure the rest of the page would be noise and is not played, but with
        ``keep_going`` from the next fresh scene on.
        """
        began = time.monotonic()
        held = True
        for scene in self._chosen(last):
            if scene.fresh and (held or keep_going):
                held = self._held(lambda: self.finish(check=held)) or keep_going
            if held:
                held = self._held(lambda: self._scene(scene))
        self._held(lambda: self.finish(check=held and last is None))
        self.result.terminals = len(self.names)
        self.result.seconds = time.monotonic() - began
        self.result.slept = self.clock.slept
        return self.result

    def _held(self, deed: Callable[[], None]) -> bool:
        """Do something; note what has failed, and return whether nothing has."""
        try:
            deed()
        except Failed as found:
            self.result.failures.append(found.failure)
            return False
        return True

    def _chosen(self, last: int | None) -> list[Scene]:
        scenes = self.page.scenes[:last]
        if last is None:
            return scenes
        start = max((index for index, scene in enumerate(scenes) if scene.fresh), default=0)
        return scenes[start:]

    def _compare(self, cue: Cue, lines: list[str]) -> None:
        super()._compare(cue, lines)
        if why := differs(self.trees, printed(self.page, cue, lines)):
            self._fail(cue, why)

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


def show_progress(cue: Cue) -> None:
    """Overwrite one line of the terminal with what is being played."""
    print(f'\r\033[K{cue.terminal}: {cue.title()[:60]}', end='', file=sys.stderr, flush=True)
