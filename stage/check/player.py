"""Play cues in terminals and hold them against the page; rehearsal and performance share this."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import NoReturn

from ..page.model import AtPrompt, Blocked, Cue, Page, Running, Scene
from ..page.scenes import ELLIPSIS
from ..sandbox.clock import DEADLINE, Clock, Play
from ..sandbox.processes import Sleep
from ..sandbox.sandbox import Sandbox
from ..sandbox.terminal import Observation, Terminal
from .capture import Capture
from .comparing import decided, reached, why_not
from .renaming import Renaming

#: Lines of output that a report shows beyond those that were expected.
MOST = 40


@dataclass
class Failure:
    """A cue that did not hold.

    Attributes:
        cue: Which.
        reason: Why, in one line.
        real: What was printed; None if that is not the matter.
    """

    cue: Cue
    reason: str
    real: list[str] | None = None

    def report(self, path: str) -> str:
        """Return the report: place, terminal, command, reason, and the difference."""
        head = f'{path}:{self.cue.line}: terminal {self.cue.terminal}: {self.cue.title()}'
        lines = [head, f'    {self.reason}']
        if self.real is not None:
            documented = [ELLIPSIS if line is None else line for line in self.cue.expect]
            lines += [f'    {line}' for line in difflib.unified_diff(
                documented, self.real, 'documented', 'real', lineterm='', n=2)]
        return '\n'.join(lines)


class Failed(Exception):
    """A cue has failed; play on from the next fresh scene, if at all."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def left_behind(sandbox: Sandbox, capture: Capture) -> tuple[str, list[str] | None] | None:
    """Return what is there at the end and should not be, and what was printed, where that is the matter."""
    for terminal in sandbox.terminals.values():
        try:
            terminal.pump()
        except Observation as observed:
            return f'terminal {terminal.name}: {observed}', None
        if (lines := capture.printed(terminal)) and not terminal.busy:
            return f'terminal {terminal.name} has printed more after its last cue', lines
        if running := terminal.job.background():
            return f'left running in terminal {terminal.name}: {", ".join(running)}', None
    if left := sandbox.objects():
        return f'left behind: {", ".join(sorted(left))}: the page must remove what it creates', None
    return None


class Player:
    """Plays cues on a stage.

    Args:
        page: What to play.
        sandbox: Where.
        deadline: Seconds beyond the programs' own sleeping.
    """

    def __init__(self, page: Page, sandbox: Sandbox, deadline: float = DEADLINE) -> None:
        self.page, self.sandbox = page, sandbox
        self.renaming = Renaming(sandbox.words())
        self.clock = Clock(self._someone_sleeps, deadline)
        self.capture = Capture()
        self.waiting: dict[Terminal, Cue] = {}  # blocked terminals, and the cue that blocked them
        self.names: set[str] = set()
        self.last: Cue | None = None  # that has been played

    def _someone_sleeps(self) -> bool:
        table = self.sandbox.processes()
        return any(terminal.busy and terminal.job.sleeping(table) for terminal in self.sandbox.terminals.values())

    def left_out(self, scene: Scene) -> bool:
        """Whether a scene needs more than the stage has."""
        return self.sandbox.left_out(scene)

    def open(self, cue: Cue) -> Play[None]:
        """Open the cue's terminal, before the scene begins.

        The start of a shell would otherwise come between two cues that belong together.
        """
        terminal = self.sandbox.terminal(cue.terminal, cue.root)
        self.names.add(cue.terminal)
        if terminal.starting:
            try:
                ready = yield from self.clock.wait(terminal, terminal.at_prompt)
            except Observation:  # it has ended
                ready = None
            if not ready:
                self._fail(cue, 'the shell does not get to its first prompt', self.capture.printed(terminal))
            terminal.take(status=True)
            terminal.starting = False

    def _fail(self, cue: Cue, reason: str, real: list[str] | None = None) -> NoReturn:
        """Give up a cue; ``real`` is what was printed, where that is the matter."""
        if real is not None:
            real = [self.renaming.to_documented(line) for line in real[:len(cue.expect) + MOST]]
        raise Failed(Failure(cue, reason, real))

    def play_cue(self, cue: Cue) -> Play[None]:
        """Play a cue in its open terminal and compare.

        Raises:
            Failed: It does not hold.
        """
        self.last = cue
        try:
            yield from self._cue(cue)
        except Observation as observed:
            terminal = self.sandbox.terminal(cue.terminal, cue.root)
            self._fail(cue, str(observed), self.capture.printed(terminal))

    def _cue(self, cue: Cue) -> Play[None]:
        terminal = self.sandbox.terminal(cue.terminal, cue.root)
        if cue.kind != 'resume':
            self._nobody_else_woken(cue)
        if cue.kind == 'run':
            command = self.renaming.to_real(cue.command)
            self.capture.note(terminal, command)
            yield from self._enter(terminal, command)
        elif cue.kind == 'key':
            terminal.type(chr(ord(cue.command[1]) & 0x1f))
            terminal.asleep = None
        else:
            yield from self._goes_on(terminal)
        self.waiting.pop(terminal, None)
        status = 0
        match cue.end:
            case AtPrompt():
                if not (yield from self.clock.wait(terminal, terminal.at_prompt)):
                    raise Observation(f'no end within {self.clock.deadline:g} s: {terminal.job.state()}')
                lines, status = self.capture.take(terminal, status=True)
            case Blocked(call):
                lines = yield from self._until_blocked(terminal, cue, call)
            case Running():
                lines = yield from self._until_running(terminal, cue)
        if cue.kind == 'key' and lines[:1] == [''] and cue.expect[:1] != ['']:
            del lines[0]  # the line that the key itself is on
        self.renaming.pids |= self.sandbox.pids()
        self._compare(cue, lines)
        if isinstance(cue.end, AtPrompt) and status != cue.end.status:
            self._fail(cue, f'exit status {status}, documented {cue.end.status}', lines)

    def _enter(self, terminal: Terminal, command: str) -> Play[None]:
        terminal.type(command + '\n')
        yield from ()

    def _compare(self, cue: Cue, lines: list[str]) -> None:
        if why := why_not(self.renaming, cue.expect, lines):
            self._fail(cue, why, lines)

    def _nobody_else_woken(self, cue: Cue) -> None:
        """Fail if a blocked process has been awake and the page goes on without it."""
        for terminal, blocked in self.waiting.items():
            if terminal.woken():
                self._fail(cue, f'terminal {terminal.name}, blocked since line {blocked.line}, '
                           'has been woken, but the page goes on without it: add '
                           f'"({terminal.name})" and what it prints before this line')

    def _goes_on(self, terminal: Terminal) -> Play[None]:
        """Make sure that a blocked process has been woken; a running one may do it any time."""
        if terminal.asleep is None:
            return
        call = terminal.asleep.call
        others = [other for other in self.sandbox.terminals.values()
                  if other is not terminal and other.busy and other not in self.waiting]
        if not terminal.woken() and not (
                others and (yield from self.clock.wait(terminal, terminal.woken))):
            raise Observation(f'still blocked in {call}: nothing has woken it')
        terminal.asleep = None

    def _until_blocked(self, terminal: Terminal, cue: Cue, call: str | None) -> Play[list[str]]:
        if call and call not in self.sandbox.calls.values():
            raise Observation(f'this machine has no system call {call}')

        def blocked() -> Sleep | None:
            # bash's child reads from bash for a moment, before it becomes the program
            come = len(self.capture.printed(terminal)) >= len(cue.expect)
            return terminal.job.blocked(call) if come else None

        found = yield from self.clock.wait(terminal, lambda: terminal.at_prompt() or blocked())
        where = call or 'a system call'
        if found is True:
            lines, status = self.capture.take(terminal, status=True)
            self._fail(cue, f'ended with exit status {status} instead of blocking in {where}', lines)
        terminal.asleep = found or terminal.job.blocked(call)
        if terminal.asleep is None:
            raise Observation(f'{terminal.job.state()}, documented as blocked in {where}')
        terminal.pump()
        self.waiting[terminal] = cue
        return self.capture.take(terminal)[0]

    def _until_running(self, terminal: Terminal, cue: Cue) -> Play[list[str]]:
        def ready() -> bool:
            self.renaming.pids |= self.sandbox.pids()  # the lines may have one of them
            return decided(self.renaming, cue.expect, self.capture.complete(terminal)) and terminal.job.running()

        held = yield from self.clock.wait(terminal, lambda: terminal.at_prompt() or ready())
        if terminal.at_prompt():
            lines, status = self.capture.take(terminal, status=True)
            self._fail(cue, f'ended with exit status {status} instead of going on', lines)
        lines = self.capture.complete(terminal)
        taken = reached(self.renaming, cue.expect, lines)
        if not held and taken is None:
            self._fail(cue, f'{why_not(self.renaming, cue.expect, lines)}; {terminal.job.state()}', lines)
        if not held:
            raise Observation(f'{terminal.job.state()}, documented as running')
        return self.capture.take_first(terminal, len(cue.expect) if taken is None else taken)

    def finish(self, check: bool) -> None:
        """Empty the stage, before a fresh scene and at the end; check first what must hold then."""
        try:
            if check and self.last:
                self._nobody_else_woken(self.last)
                if left := left_behind(self.sandbox, self.capture):
                    self._fail(self.last, *left)
        finally:
            self.waiting.clear()
            self.sandbox.clear()
