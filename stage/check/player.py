"""Play cues in terminals and hold them against the page; rehearsal and performance share this."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import NoReturn

from ..page.model import Cue, Page, Scene
from ..sandbox.clock import DEADLINE, Clock, Play
from ..sandbox.processes import processes
from ..sandbox.sandbox import Sandbox
from ..sandbox.terminal import Observation, Terminal, as_lines, as_text
from .renaming import Renaming, plain

#: Lines of output that a report shows beyond those that were expected.
MOST = 40
#: Lines that were printed, and the exit status.
Ended = tuple[list[str], int]


@dataclass
class Failure:
    """A cue that did not hold."""

    cue: Cue
    reason: str
    documented: list[str]
    real: list[str]

    def report(self, path: str) -> str:
        """Return the report: place, terminal, command, reason, and the difference."""
        head = f'{path}:{self.cue.line}: terminal {self.cue.terminal}: {self.cue.title()}'
        lines = [head, f'    {self.reason}']
        lines += [f'    {line}' for line in difflib.unified_diff(
            self.documented, self.real, 'documented', 'real', lineterm='', n=2)]
        return '\n'.join(lines)


class Failed(Exception):
    """A cue has failed; play on from the next fresh scene, if at all."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


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
        self.waiting: dict[Terminal, Cue] = {}  # blocked terminals, and the cue that blocked them
        self.names: set[str] = set()
        self.last: Cue | None = None  # that has been played

    def _someone_sleeps(self) -> bool:
        table = processes()
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
            if not (yield from self.clock.wait(
                    terminal, lambda: terminal.at_prompt() or terminal.ended())):
                self._fail(cue, 'the shell does not get to its first prompt')
            terminal.take(status=True)
            terminal.starting = False

    def _fail(self, cue: Cue, reason: str, real: list[str] | None = None) -> NoReturn:
        """Give up a cue.

        ``real`` is what was printed instead, if not still in the terminal.
        """
        terminal = self.sandbox.terminals.get((cue.terminal, cue.root))
        if real is None:
            real = as_lines(as_text(terminal.output)) if terminal else []
        shown = [self.renaming.to_documented(line) for line in real[:len(cue.expect) + MOST]]
        raise Failed(Failure(cue, reason, plain(cue.expect), shown))

    def play_cue(self, cue: Cue) -> Play[None]:
        """Play a cue in its open terminal and compare.

        Raises:
            Failed: It does not hold.
        """
        self.last = cue
        try:
            yield from self._cue(cue)
        except Observation as observed:
            self._fail(cue, str(observed))

    def _cue(self, cue: Cue) -> Play[None]:
        terminal = self.sandbox.terminal(cue.terminal, cue.root)
        if cue.kind != 'resume':
            self._nobody_else_woken(cue)
        if cue.kind == 'run':
            yield from self._enter(terminal, self.renaming.to_real(cue.command))
        elif cue.kind == 'key':
            terminal.type(chr(ord(cue.command[1]) & 0x1f))
            terminal.asleep = None
        else:
            yield from self._goes_on(terminal)
        self.waiting.pop(terminal, None)
        end = {'status': self._until_prompt, 'blocked': self._until_blocked,
               'running': self._until_running}[cue.end.kind]
        lines, status = yield from end(terminal, cue)
        if cue.kind == 'key' and lines[:1] == [''] and cue.expect[:1] != ['']:
            del lines[0]  # the line that the key itself is on
        self.renaming.pids |= self.sandbox.pids()
        self._compare(cue, lines)
        if cue.end.kind == 'status' and status != cue.end.status:
            self._fail(cue, f'exit status {status}, documented {cue.end.status}', lines)

    def _enter(self, terminal: Terminal, command: str) -> Play[None]:
        terminal.type(command + '\n')
        yield from ()

    def _compare(self, cue: Cue, lines: list[str]) -> None:
        if not self.renaming.match(cue.expect, lines):
            self._fail(cue, self.renaming.reason(cue.expect, lines), lines)

    def _nobody_else_woken(self, cue: Cue) -> None:
        """Fail if a blocked process has been awake and the page goes on without it."""
        for terminal, blocked in self.waiting.items():
            if terminal.woken():
                self._fail(cue, f'terminal {terminal.name}, blocked since line {blocked.line}, '
                           'has been woken, but the page goes on without it: add '
                           f'"({terminal.name})" and what it prints before this line',
                           plain(cue.expect))

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

    def _until_prompt(self, terminal: Terminal, cue: Cue) -> Play[Ended]:
        if not (yield from self.clock.wait(terminal, terminal.at_prompt)):
            raise Observation(f'no end within {self.clock.deadline:g} s: {terminal.job.state()}')
        text, status = terminal.take(status=True)
        return as_lines(text), status

    def _until_blocked(self, terminal: Terminal, cue: Cue) -> Play[Ended]:
        call = cue.end.call
        if call and call not in self.sandbox.calls.values():
            raise Observation(f'this machine has no system call {call}')

        def ready() -> bool:
            if terminal.at_prompt():
                status = terminal.take(status=True)
                self._fail(cue, f'ended with exit status {status[1]} instead of blocking in '
                           f'{call or "a system call"}', as_lines(status[0]))
            terminal.asleep = terminal.job.blocked(call)
            # bash's child reads from bash for a moment, before it becomes the program
            come = len(as_lines(as_text(terminal.output))) >= len(cue.expect)
            return terminal.asleep is not None and come

        if not (yield from self.clock.wait(terminal, ready)) and terminal.asleep is None:
            raise Observation(f'{terminal.job.state()}, documented as blocked in '
                              f'{call or "a system call"}')
        terminal.pump()
        self.waiting[terminal] = cue
        return as_lines(terminal.take()[0]), 0

    def _until_running(self, terminal: Terminal, cue: Cue) -> Play[Ended]:
        taken = 0

        def ready() -> bool:
            nonlocal taken
            if terminal.at_prompt():
                status = terminal.take(status=True)
                self._fail(cue, f'ended with exit status {status[1]} instead of going on',
                           as_lines(status[0]))
            self.renaming.pids |= self.sandbox.pids()
            stop = self.renaming.reached(cue.expect, lines := terminal.lines())
            if stop is None and None not in cue.expect and len(lines) >= len(cue.expect):
                stop = len(cue.expect)  # these lines differ, and no more will make them equal
            taken = stop or 0
            return stop is not None and terminal.job.running()

        if not (yield from self.clock.wait(terminal, ready)):
            lines = terminal.lines()
            if self.renaming.reached(cue.expect, lines) is None:
                self._fail(cue, self.renaming.reason(cue.expect, lines)
                           + f'; {terminal.job.state()}', lines)
            raise Observation(f'{terminal.job.state()}, documented as running')
        rest = terminal.output.split(b'\n', taken)
        terminal.output = rest[taken]
        return as_lines(as_text(b'\n'.join(rest[:taken]))), 0

    def finish(self, check: bool) -> None:
        """Empty the stage, before a fresh scene and at the end; check first what must hold then."""
        if check and self.last:
            self._nobody_else_woken(self.last)
            for terminal in self.sandbox.terminals.values():
                terminal.pump()
                lines = as_lines(as_text(terminal.output))
                if lines and not terminal.busy:
                    self._fail(self.last, f'terminal {terminal.name} has printed more after its '
                               'last cue', lines)
                if running := terminal.job.background():
                    self._fail(self.last, f'left running in terminal {terminal.name}: '
                               f'{", ".join(running)}', plain(self.last.expect))
            if left := self.sandbox.objects():
                self._fail(self.last, f'left behind: {", ".join(sorted(left))}: the page must '
                           'remove what it creates', plain(self.last.expect))
        self.waiting.clear()
        self.sandbox.clear()
