"""A terminal in the guest: what :mod:`stage.sandbox` finds in /proc, the guest's agent says."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..sandbox.namespaces import FOLDER
from ..sandbox.processes import Job, Sleep, Table, sleep_from
from ..sandbox.sandbox import ENVIRONMENT
from ..sandbox.terminal import TOO_MUCH, Observation, Terminal
from .machine import Machine

#: Speed of the guest's clock while what was typed has work to do: another program's own seconds must
#: not run out meanwhile, however slow the host is.
SLOW = 1 / 8
#: All of a shell's environment that is not the terminal's.
SURROUNDINGS = {**ENVIRONMENT, 'PATH': '/usr/bin:/bin', 'HOME': FOLDER}
#: What a 32-bit machine prints otherwise.
OTHERWISE = json.loads(Path(__file__).with_name('otherwise.json').read_text(encoding='utf-8'))


class GuestJob(Job):
    """What runs in a terminal of the guest, as the machine's picture shows it."""

    def __init__(self, shell: int, machine: Machine, calls: Mapping[int, str]) -> None:
        super().__init__(shell, -1, calls)
        self.machine = machine

    def _files(self, pid: int) -> Mapping[str, Any]:
        return self.machine.picture['proc'].get(str(pid)) or {}

    def _stat(self, pid: int) -> list[str]:
        """Return the fields of its ``stat`` from the state on; see proc_pid_stat(5)."""
        return self._files(pid).get('stat', '').rpartition(')')[2].split()

    def processes(self, table: Table | None = None) -> list[int]:
        shell = self._stat(self.shell)
        ours = {pid: stat for pid in map(int, self.machine.picture['proc'])
                if (stat := self._stat(pid)) and int(stat[3]) == self.shell}
        self.seen |= ours.keys()
        return [pid for pid, stat in ours.items()
                if shell and stat[2] == shell[5] and int(stat[2]) != self.shell and stat[0] != 'Z']

    def others(self) -> list[int]:
        self.processes()
        return [pid for pid in sorted(self.seen - {self.shell})
                if (stat := self._stat(pid)) and stat[0] != 'Z' and int(stat[3]) == self.shell]

    def background(self) -> list[str]:
        return [f'{pid} {os.path.basename(self._files(pid)["cmdline"].split(chr(0))[0])}' for pid in self.others()]

    def sleep(self, pid: int) -> Sleep | None:
        files = self._files(pid)
        return sleep_from(pid, files.get('syscall', ''), files.get('status', ''), self.calls)

    def computed(self, pid: int) -> float:
        stat = self._stat(pid)
        return (int(stat[11]) + int(stat[12])) / 100 if stat else 0.0

    def traced(self) -> bool:
        return any(re.search(r'^TracerPid:\s+[1-9]', self._files(pid).get('status', ''), re.MULTILINE)
                   for pid in self.processes())


class GuestTerminal(Terminal):
    """A shell in the guest: one that waits in the state already, or a new one.

    Args:
        number: Of the terminal, for the agent.
        shell: PID of the shell that waits there, or 0.
        machine: Where.
        others: As of :class:`stage.sandbox.terminal.Terminal`.
    """

    def __init__(self, number: int, shell: int, machine: Machine, *others: Any) -> None:
        self.number, self.waiting, self.machine = number, shell, machine
        self.typing = False  # and the command has not come to its end
        super().__init__(*others)
        self.starting = not shell

    def _start(self, shell: Sequence[str], folder: str, settings: Mapping[str, str],
               user: tuple[int, int] | None) -> tuple[int, int]:
        pid = self.waiting or self.machine.open(self.number, user[0] if user else 0, (int(self.ECHO), 24, 80),
                                                folder, list(shell), dict(settings))
        return pid, -1

    def _job(self, calls: Mapping[int, str]) -> Job:
        return GuestJob(self.pid, self.machine, calls)

    def wait_once(self, seconds: float = 0) -> bool:
        return self.machine.receive(seconds)

    def pump(self, seconds: float = 0) -> None:
        if seconds:
            self.machine.receive(seconds)
        self.machine.ask()
        if len(self.output) > TOO_MUCH:
            raise Observation('the output has no end')
        sleeps, awake = self.job.sleeps()
        self.typing &= not (self.output.endswith(b'\2') or self.gone)
        self.machine.run_at(SLOW if self.typing and (awake or not sleeps) else 1)

    def type(self, text: str) -> None:
        self.begin_lines(text.count('\n'))
        self.typing = True
        self.machine.run_at(SLOW)
        self.machine.send('I', self.number, text.encode())

    def ended(self) -> bool:
        return self.gone

    def woken(self) -> bool:
        self.machine.ask()
        return super().woken()

    def documented(self, lines: list[str]) -> list[str]:
        return [as_documented(line) for line in lines]

    def close(self) -> None:
        self.machine.send('C', self.number)


def as_documented(line: str) -> str:
    """Return a line as the pages have it, whose machine has 64 bits."""
    for other in OTHERWISE:
        if re.search(other['where'], line):
            line = line.replace(other['real'], other['page'], 1)
    return line
