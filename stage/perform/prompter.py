"""Fills in the instructor's notes: the text before a scene, what comes next, how the last cue went."""

from __future__ import annotations

import time

from . import notes
from .keys import HELP, Keys
from ..check.renaming import Renaming
from .plan import Plan, contents
from ..page.model import Scene


class Prompter:
    """What the notes say.

    Args:
        plan: Of the page.
        keys: What is being asked there.
    """

    def __init__(self, plan: Plan, keys: Keys) -> None:
        self.plan, self.keys = plan, keys
        self.message = ''
        self.held, self.said = True, ''  # of the last cue
        self.began: float | None = None
        self.prose: tuple[int, list[str]] = 0, []

    def tell(self, said: str, held: bool) -> None:
        """Say how a cue went."""
        self.held, self.said = held, f'{"✓" if held else "✗"} {said}'

    def begin(self) -> None:
        """The clock runs from the first key on."""
        self.began = self.began or time.monotonic()

    def seconds(self) -> int:
        """Return how long it has been going on."""
        return int(time.monotonic() - self.began) if self.began else 0

    def state(self) -> tuple[object, ...]:
        """Return what the notes depend on, but for the place in the page."""
        keys = self.keys
        return (self.message, self.said, keys.asking, keys.fast, keys.quitting, self.seconds())

    def sheet(self, at: int, todo: str, waiting: list[str], renaming: Renaming) -> notes.Sheet:
        """Return what is to be seen before the cue of this index; ``todo`` is what is to be pressed."""
        scene, cue = self.plan.near(at)
        page, seconds = self.plan.page, self.seconds()
        sheet = notes.Sheet(held=self.held, result=self.said, message=self.message, keys=HELP)
        before = [section for section in page.sections if section.line < scene.line]
        done = sum(section.minutes for section in before)
        planned = sum(section.minutes for section in page.sections)
        sheet.title = f'{scene.number}/{len(page.scenes)} {notes.plain(scene.section)}'
        sheet.clock = f'{seconds // 60}:{seconds % 60:02}' + (
            f' planned {done - before[-1].minutes}-{done} of {planned}' if planned else '')
        if self.keys.asking is not None:
            sheet.message = f'Jump to scene (number or title, Enter): {self.keys.asking}_'
            sheet.prose = contents(page)
        elif self.keys.quitting:
            sheet.message = 'Press F10 again to end the performance.'
        if at == len(self.plan):
            sheet.coming = ['THE END']
            return sheet
        if self.keys.asking is None:
            sheet.prose = self._prose(scene)
        rest = [self.plan.cue(index) for index in self.plan.step(at)[1:]]
        said = {'run': f'{notes.prompt(cue)} {renaming.to_real(cue.command)}',
                'key': f'press {cue.command}', 'resume': 'goes on'}[cue.kind]
        sheet.coming = [f'({cue.terminal}) {said}{todo}', *notes.expected(cue, rest, waiting)]
        return sheet

    def _prose(self, scene: Scene) -> list[str]:
        """Return the text between the last scene and this one."""
        if self.prose[0] != scene.number:
            first = self.plan.cue(self.plan.of(scene)[0] - 1).last if scene.number > 1 else 0
            lines = self.plan.page.text.split('\n')[first:scene.line - 1]
            self.prose = scene.number, notes.prose(lines)
        return self.prose[1]
