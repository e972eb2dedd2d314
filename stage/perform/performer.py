"""Plays cues where somebody looks on, and may have typed, too; all else is as rehearsed."""

from __future__ import annotations

import contextlib

from ..check.player import Failed, Failure, Player
from ..page.model import Cue, Scene
from ..sandbox.clock import Play
from ..sandbox.sandbox import Sandbox
from ..sandbox.terminal import Observation, Terminal
from .live import Live
from .notes import Prompter, prompt
from .panes import Panes
from .plan import Plan
from .sheet import DIFFERS, FAILED, HELD
from .typist import Typist


class GivenUp(Exception):
    """A key has been pressed that ends what is being done."""

    def __init__(self, by: str) -> None:
        super().__init__('given up')
        self.by = by


class Performer(Player):
    """Plays the cues of a page in panes.

    Args:
        plan: Of the page.
        sandbox: Where; its terminals are :class:`stage.perform.live.Live`.
        panes: In which the terminals are seen.
        prompter: Is told how a cue went.
        auto: Nobody presses a key; then all must be as rehearsed.
        deadline: Seconds beyond the programs' own sleeping.
    """

    def __init__(self, plan: Plan, sandbox: Sandbox, panes: Panes, prompter: Prompter, auto: bool,
                 deadline: float) -> None:
        super().__init__(plan.page, sandbox, deadline)
        self.plan, self.panes, self.prompter, self.auto = plan, panes, prompter, auto
        self.typist = Typist(self.clock)
        self.index = 0  # of the cue that is being played
        self.bound: dict[int, set[tuple[str, str]]] = {}  # cue -> values that it has brought
        self.played = 0
        self.failures: list[Failure] = []

    def left_out(self, scene: Scene) -> bool:
        """On the machine itself, a private scene is shown, but cannot be compared."""
        return super().left_out(scene) or (
            self.sandbox.level == 'host' and self.auto and scene.private)

    def terminal(self, cue: Cue) -> Live:
        """Return the terminal of a cue."""
        terminal = self.sandbox.terminal(cue.terminal, cue.root)
        assert isinstance(terminal, Live)
        return terminal

    def open(self, cue: Cue) -> Play[None]:
        """Open a terminal, again if its shell has been ended by hand."""
        terminal = self.terminal(cue)
        if terminal.ended():
            terminal.close()
            del self.sandbox.terminals[cue.terminal, cue.root]
            terminal = self.terminal(cue)
        yield from super().open(cue)
        key = cue.terminal, cue.root
        terminal.show = lambda data: self.panes.show(key, data)

    def busy(self, index: int) -> str:
        """Return why a cue cannot be played now, if so."""
        cue = self.plan.cue(index)
        terminal = self.terminal(cue)
        with contextlib.suppress(Observation):  # it may print without end
            terminal.pump()
        if cue.kind != 'run' or terminal.prompted:
            return ''
        return (f'Nothing typed: terminal {cue.terminal} is busy ({terminal.job.state()}). '
                'Press Ctrl-C there, or F6 to skip.')

    def type(self, step: range, slow: bool) -> Play[None]:
        """Type the commands of a step, as far as their terminals are at their prompts."""
        busy: list[Terminal] = []
        for index in step:
            cue = self.plan.cue(index)
            terminal = self.terminal(cue)
            if cue.kind == 'run' and terminal not in busy and terminal.prompted:
                if not busy:
                    self.panes.focus(cue)
                try:
                    yield from self.typist.type(index, terminal, self.renaming.to_real(cue.command), slow)
                except GivenUp:
                    self.typist.take_away()  # half a command is none
                    raise
            busy.append(terminal)

    def perform(self, index: int) -> Play[bool]:
        """Play a cue in front of all; return False if the rest of its step cannot be."""
        cue, typed = self.plan.cue(index), index in self.typist.typed
        if not typed and (why := self.busy(index)):
            self.prompter.message = why
            return False
        if cue.kind != 'run' and not self.terminal(cue).busy:
            self.prompter.tell(FAILED, f'passed over: terminal {cue.terminal} is at its prompt already')
            return not self.auto
        if not typed:
            self.panes.focus(cue)
        self.played += 1
        try:
            differs = yield from self.silently(index)
            self.prompter.tell(DIFFERS if differs else HELD, f'{cue.title()}: may differ here: {differs}'
                               if differs else cue.title())
        except Failed as failed:
            self.prompter.tell(FAILED, f'{cue.title()}: {failed}')
            if self.auto:
                self.failures.append(failed.failure)
        except GivenUp as given_up:
            self.prompter.tell(FAILED, f'{cue.title()}: {given_up}')
            raise
        finally:
            self.typist.typed.pop(index, None)
        self.panes.fit((cue.terminal, cue.root))
        self.panes.draw_strip()
        return True

    def silently(self, index: int) -> Play[str]:
        """Play a cue, and note which values of the page it has brought.

        Returns:
            What differs from the page, where that is no failure: on the machine itself a private scene must differ.
        """
        self.index = index
        self.renaming.forget(self.bound.pop(index, ()))
        before = set(self.renaming.real)
        try:
            yield from self.play_cue(self.plan.cue(index))
        except Failed as failed:
            if self.sandbox.level != 'host' or not self.plan.cues[index][0].private:
                raise
            return str(failed)
        finally:
            self.bound[index] = set(self.renaming.real) - before
        return ''

    def _enter(self, terminal: Terminal, command: str) -> Play[None]:
        assert isinstance(terminal, Live)
        yield from self.typist.enter(self.index, terminal, command)
        cue, line = self.plan.cue(self.index), command.replace('\n', ' ⏎ ')
        self.panes.entered((cue.terminal, cue.root), command, f'({cue.terminal}) {prompt(cue)} {line}')

    def _nobody_else_woken(self, cue: Cue) -> None:
        """As rehearsed; but somebody may have woken one by hand."""
        if self.auto:
            super()._nobody_else_woken(cue)
        for terminal in [terminal for terminal in self.waiting if terminal.woken()]:
            del self.waiting[terminal]
            self.prompter.message = f'Terminal {terminal.name} has been woken, though not by the page.'
