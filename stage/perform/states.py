"""What happens in each terminal, in a few words for the border of its pane: what a terminal itself does not show."""

from __future__ import annotations

import contextlib
import signal
import time

from ..sandbox.sandbox import Sandbox
from ..sandbox.terminal import Terminal
from ..sandbox.view import Process, View
from .live import Live

#: Seconds for which it is said that somebody has been woken, or that a key has been pressed.
SAID = 2.0
Key = tuple[str, bool]


class States:
    """Looks at the terminals again and again, and remembers who slept.

    Args:
        sandbox: Whose terminals they are.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.asleep: dict[int, Process] = {}  # by PID, as last seen
        self.woken: dict[Terminal, float] = {}  # when

    def look(self) -> tuple[View, dict[Key, str]]:
        """Return what the kernel sees, and what is to be said of each terminal."""
        view, now = self.sandbox.view(), time.monotonic()
        by_pid = {process.pid: process for process in view.processes}
        jobs = {key: [by_pid[pid] for pid in terminal.job.processes() if pid in by_pid]
                for key, terminal in self.sandbox.terminals.items()}
        for terminal in self.sandbox.terminals.values():
            before = [self.asleep[pid] for pid in terminal.job.seen if pid in self.asleep]
            if any(not _same_sleep(process, by_pid.get(process.pid)) for process in before):
                self.woken[terminal] = now
        self.asleep = {process.pid: process for job in jobs.values() for process in job
                       if process.state == 'blocked' and process.call != 'wait4'}
        self.woken = {terminal: when for terminal, when in self.woken.items() if now - when < SAID}
        return view, {key: self._said(terminal, jobs[key], now) for key, terminal in self.sandbox.terminals.items()}

    def _said(self, terminal: Terminal, job: list[Process], now: float) -> str:
        words = []
        if isinstance(terminal, Live):
            if now - terminal.pressed[1] < SAID:
                words.append(f'{terminal.pressed[0]} pressed')
            if terminal.prompted:
                return ', '.join([*words, ended(terminal.status)])
        if terminal in self.woken:
            words.append('woken')
        return ', '.join(words or [doing(job)])


def _same_sleep(before: Process, now: Process | None) -> bool:
    return now is not None and now.call == before.call and (now.since or 0) >= (before.since or 0)


def ended(status: int | None) -> str:
    """Say how the last command of a shell has ended; None: there has been none."""
    if not status:
        return 'at its prompt'
    with contextlib.suppress(ValueError):
        return f'ended by {signal.Signals(status - 128).name}'
    return f'exit {status}'


def doing(job: list[Process]) -> str:
    """Say what a foreground job does: it runs if any of its processes does."""
    if any(process.state == 'stopped' for process in job):
        return 'stopped'
    sleeping = [process for process in job if process.state == 'blocked']
    if not sleeping or len(sleeping) < len(job):
        return 'running'
    one = min(sleeping, key=lambda process: (process.call == 'wait4', not process.on))
    place = 'its terminal' if (one.on or '').startswith('/dev/pts/') else one.on
    seconds = int(one.since or 0)
    return f'asleep in {one.call}' + (f' on {place}' if place else '') + f' {seconds // 60}:{seconds % 60:02}'
