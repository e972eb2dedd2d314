"""Play a page, compare it with what it says, and report or promote the difference."""

from __future__ import annotations

import difflib
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .isolation import Stage
from .matching import Renaming, plain
from .script import ELLIPSIS, Cue, Page, Scene, escape
from .terminal import DEADLINE, Clock, Observation, Terminal, as_lines, as_text, processes

#: Lines of output that a report shows beyond those that were expected.
MOST = 40


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


class Rehearsal:
    """Plays the scenes of one page on a stage.

    Args:
        page: What to play.
        stage: Where.
        promote: Note what differs as an edit instead of a failure; a claim of the author
            (blocking, waking, exit status) fails all the same.
        deadline: Seconds beyond the programs' own sleeping.
        progress: Called with each cue before it is played.
    """

    def __init__(self, page: Page, stage: Stage, promote: bool = False,
                 deadline: float = DEADLINE, progress: Callable[[Cue], None] = lambda cue: None,
                 ) -> None:
        self.page, self.stage, self.promote, self.progress = page, stage, promote, progress
        self.renaming = Renaming(stage.words())
        self.clock = Clock(self._someone_sleeps, deadline)
        self.waiting: dict[Terminal, Cue] = {}  # blocked terminals, and the cue that blocked them
        self.result = Result(page)
        self.names: set[str] = set()
        self.last: Cue | None = None  # that has been played

    def _someone_sleeps(self) -> bool:
        table = processes()
        return any(terminal.sleeping(table) for terminal in self.stage.terminals.values())

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
                    self._finish(check=not failed)
                failed = False
                self._scene(scene)
            except _Failed:
                failed = True
        try:
            self._finish(check=not failed and last is None)
        except _Failed:
            pass
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
        bare = self.stage.level == 'bare'
        if bare and (scene.private or any(cue.root for cue in scene.cues)):
            self.result.skipped += len(scene.cues)
            return
        for cue in scene.cues:
            self._open(cue)
        for cue in scene.cues:
            self.progress(cue)
            self.last = cue
            self.result.cues += 1
            try:
                self._cue(cue)
            except Observation as observed:
                self._fail(cue, str(observed))

    def _open(self, cue: Cue) -> None:
        """Open the cue's terminal, before the scene begins.

        The start of a shell would otherwise come between two cues that belong together.
        """
        terminal = self.stage.terminal(cue.terminal, cue.root)
        self.names.add(cue.terminal)
        if terminal.starting:
            if not self.clock.wait(terminal, lambda: terminal.at_prompt() or terminal.ended()):
                self._fail(cue, 'the shell does not get to its first prompt')
            terminal.take(status=True)
            terminal.starting = False

    def _fail(self, cue: Cue, reason: str, real: list[str] | None = None) -> None:
        """Note a failure of a cue and give up.

        ``real`` is what was printed instead, if not still in the terminal.
        """
        terminal = self.stage.terminals.get((cue.terminal, cue.root))
        if real is None:
            real = as_lines(as_text(terminal.output)) if terminal else []
        shown = [self.renaming.to_documented(line) for line in real[:len(cue.expect) + MOST]]
        self.result.failures.append(Failure(cue, reason, plain(cue.expect), shown))
        raise _Failed

    def _cue(self, cue: Cue) -> None:
        terminal = self.stage.terminal(cue.terminal, cue.root)
        if cue.kind != 'resume':
            self._nobody_else_woken(cue)
        if cue.kind == 'run':
            terminal.type(self.renaming.to_real(cue.command) + '\n')
        elif cue.kind == 'key':
            terminal.type(chr(ord(cue.command[1]) & 0x1f))
            terminal.asleep = None
        else:
            self._goes_on(terminal)
        self.waiting.pop(terminal, None)
        end = {'status': self._until_prompt, 'blocked': self._until_blocked,
               'running': self._until_running}[cue.end.kind]
        lines, status = end(terminal, cue)
        if cue.kind == 'key' and lines[:1] == [''] and cue.expect[:1] != ['']:
            del lines[0]  # the line that the key itself is on
        self.renaming.pids |= self.stage.pids()
        self._compare(cue, lines)
        if cue.end.kind == 'status' and status != cue.end.status:
            self._fail(cue, f'exit status {status}, documented {cue.end.status}', lines)

    def _compare(self, cue: Cue, lines: list[str]) -> None:
        if self.renaming.match(cue.expect, lines):
            return
        if not self.promote:
            self._fail(cue, self.renaming.reason(cue.expect, lines), lines)
        new = self.renaming.promoted(cue.expect, lines)
        if not self.renaming.match(new, lines):
            self._fail(cue, 'cannot be promoted: a value of the page would have two meanings; '
                       'change it in the page by hand', lines)
        text = [cue.indent + (ELLIPSIS if line is None else escape(line)) for line in new]
        self.result.edits.append((cue.first, cue.last, text))

    def _nobody_else_woken(self, cue: Cue) -> None:
        """Fail if a blocked process has been awake and the page goes on without it."""
        for terminal, blocked in self.waiting.items():
            if terminal.woken():
                self._fail(cue, f'terminal {terminal.name}, blocked since line {blocked.line}, '
                           'has been woken, but the page goes on without it: add '
                           f'"({terminal.name})" and what it prints before this line',
                           plain(cue.expect))

    def _goes_on(self, terminal: Terminal) -> None:
        """Make sure that a blocked process has been woken; a running one may do it any time."""
        if terminal.asleep is None:
            return
        call = terminal.asleep.call
        others = [other for other in self.stage.terminals.values()
                  if other is not terminal and other.busy and other not in self.waiting]
        if not terminal.woken() and not (others and self.clock.wait(terminal, terminal.woken)):
            raise Observation(f'still blocked in {call}: nothing has woken it')
        terminal.asleep = None

    def _until_prompt(self, terminal: Terminal, cue: Cue) -> tuple[list[str], int]:
        if not self.clock.wait(terminal, terminal.at_prompt):
            raise Observation(f'no end within {self.clock.deadline:g} s: {terminal.state()}')
        text, status = terminal.take(status=True)
        return as_lines(text), status

    def _until_blocked(self, terminal: Terminal, cue: Cue) -> tuple[list[str], int]:
        call = cue.end.call
        if call and call not in self.stage.calls.values():
            raise Observation(f'this machine has no system call {call}')

        def ready() -> bool:
            if terminal.at_prompt():
                status = terminal.take(status=True)
                self._fail(cue, f'ended with exit status {status[1]} instead of blocking in '
                           f'{call or "a system call"}', as_lines(status[0]))
            terminal.asleep = terminal.blocked(call)
            # bash's child reads from bash for a moment, before it becomes the program
            come = len(as_lines(as_text(terminal.output))) >= len(cue.expect)
            return terminal.asleep is not None and come

        if not self.clock.wait(terminal, ready) and terminal.asleep is None:
            raise Observation(f'{terminal.state()}, documented as blocked in '
                              f'{call or "a system call"}')
        terminal.pump()
        self.waiting[terminal] = cue
        return as_lines(terminal.take()[0]), 0

    def _until_running(self, terminal: Terminal, cue: Cue) -> tuple[list[str], int]:
        taken = 0

        def ready() -> bool:
            nonlocal taken
            if terminal.at_prompt():
                status = terminal.take(status=True)
                self._fail(cue, f'ended with exit status {status[1]} instead of going on',
                           as_lines(status[0]))
            self.renaming.pids |= self.stage.pids()
            stop = self.renaming.reached(cue.expect, lines := terminal.lines())
            if stop is None and None not in cue.expect and len(lines) >= len(cue.expect):
                stop = len(cue.expect)  # these lines differ, and no more will make them equal
            taken = stop or 0
            return stop is not None and terminal.running()

        if not self.clock.wait(terminal, ready):
            lines = terminal.lines()
            if self.renaming.reached(cue.expect, lines) is None:
                self._fail(cue, self.renaming.reason(cue.expect, lines)
                           + f'; {terminal.state()}', lines)
            raise Observation(f'{terminal.state()}, documented as running')
        rest = terminal.output.split(b'\n', taken)
        terminal.output = rest[taken]
        return as_lines(as_text(b'\n'.join(rest[:taken]))), 0

    def _finish(self, check: bool) -> None:
        """Empty the stage, before a fresh scene and at the end; check first what must hold then."""
        if check and self.last:
            self._nobody_else_woken(self.last)
            for terminal in self.stage.terminals.values():
                terminal.pump()
                lines = as_lines(as_text(terminal.output))
                if lines and not terminal.busy:
                    self._fail(self.last, f'terminal {terminal.name} has printed more after its '
                               'last cue', lines)
                if running := terminal.background():
                    self._fail(self.last, f'left running in terminal {terminal.name}: '
                               f'{", ".join(running)}', plain(self.last.expect))
            if left := self.stage.objects():
                self._fail(self.last, f'left behind: {", ".join(sorted(left))}: the page must '
                           'remove what it creates', plain(self.last.expect))
        self.waiting.clear()
        self.stage.clear()


class _Failed(Exception):
    """A failure has been noted; play on from the next fresh scene, if at all."""


def write(path: str, text: str, folder: int) -> None:
    """Replace a file by a new text at once: a reader sees the old one or the new one.

    Args:
        path: The page.
        text: Its new text.
        folder: Descriptor of its folder, opened before anything was mounted over it.
    """
    name = os.path.basename(path)
    temporary = f'.{name}.{secrets.token_hex(4)}'  # our PID is 1, as everybody's on a stage
    mode = os.stat(name, dir_fd=folder).st_mode & 0o777
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=folder)
    try:
        with os.fdopen(fd, 'w', encoding='utf-8', newline='') as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise


def diff(result: Result) -> str:
    """Return what promoting changes."""
    return '\n'.join(difflib.unified_diff(
        result.page.text.split('\n'), result.promoted().split('\n'), result.page.path,
        f'{result.page.path} (promoted)', lineterm='', n=1))


def show_progress(cue: Cue) -> None:
    """Overwrite one line of the terminal with what is being played."""
    print(f'\r\033[K{cue.terminal}: {cue.title()[:60]}', end='', file=sys.stderr, flush=True)
