"""What ``/proc`` says of processes: which there are, and who sleeps in which call.

A process is *blocked* when ``/proc/PID/syscall`` shows it asleep in a system call that no timeout
ends, and *woken* when that is no longer the very same sleep.  See proc_pid_syscall(5), and
``task_current_syscall()`` in the kernel's lib/syscall.c: reading waits until the task is off the
processor.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..page.model import TIMED_SLEEPS
from .starting import is_held

#: Seconds of processor time after which a program is not just starting.
COMPUTED = 0.1
#: Index of the argument that holds the timeout, and its value for "for ever".
TIMEOUTS = {
    'futex': (3, 0), 'poll': (2, 0xffffffff), 'ppoll': (2, 0), 'select': (4, 0),
    'pselect6': (4, 0), 'epoll_wait': (3, 0xffffffff), 'epoll_pwait': (3, 0xffffffff),
    'mq_timedsend': (4, 0), 'mq_timedreceive': (4, 0), 'rt_sigtimedwait': (2, 0),
    'semtimedop': (3, 0),
}
#: PID -> (state, process group, session).
Table = dict[int, tuple[str, int, int]]


@dataclass(frozen=True)
class Sleep:
    """A process asleep in a system call; the same sleep compares equal."""

    pid: int
    call: str
    arguments: tuple[int, ...]
    switches: str
    """Voluntary context switches: one more, and it has been awake in between."""
    timed: bool
    """A timeout or a timer wakes it: the program is running, not blocked."""


class Job:
    """What runs in a terminal, above all its foreground job.

    Args:
        shell: PID of the terminal's shell, and so its session.
        fd: The master side of the terminal.
        calls: From :func:`system_calls`.
    """

    def __init__(self, shell: int, fd: int, calls: Mapping[int, str]) -> None:
        self.shell, self.fd, self.calls = shell, fd, calls
        self.seen: set[int] = set()  # PIDs of all processes seen in this terminal

    def processes(self, table: Table | None = None) -> list[int]:
        """Return the PIDs of the foreground job, and note all of this terminal's in ``seen``.

        ``table`` is from :func:`processes`, where several terminals are asked at once.
        """
        try:
            group = os.tcgetpgrp(self.fd)
        except OSError:
            return []
        found = []
        for pid, (state, process_group, session) in (table or processes([self.shell])).items():
            if session == self.shell:
                self.seen.add(pid)
                if process_group == group != self.shell and state != 'Z':
                    found.append(pid)
        return found

    def others(self) -> list[int]:
        """Return the PIDs of all that still runs in this terminal besides the shell."""
        self.processes()
        stats = {pid: stat_of(pid) for pid in sorted(self.seen - {self.shell})}
        return [pid for pid, stat in stats.items() if stat and stat[0] != 'Z' and stat[2] == self.shell]

    def background(self) -> list[str]:
        """Return what still runs in this terminal besides the shell, as ``PID name``."""
        return [f'{pid} {name_of(pid)}' for pid in self.others()]

    def sleeps(self, table: Table | None = None) -> tuple[list[Sleep], bool]:
        """Return the sleeping processes of the foreground job, and whether another is awake."""
        found = [self.sleep(pid) for pid in self.processes(table)]
        return [sleep for sleep in found if sleep], None in found

    def sleep(self, pid: int) -> Sleep | None:
        """Look at one process; None if it is not provably asleep in one and the same call.

        State and switches are read between two looks at the call, and again after them: a
        process under strace(1) stops on its way into a call, and shows it already.
        """
        try:
            before, status = read_file(f'/proc/{pid}/syscall'), read_file(f'/proc/{pid}/status')
            after, same = read_file(f'/proc/{pid}/syscall'), read_file(f'/proc/{pid}/status')
        except OSError:
            return None
        sleep = sleep_from(pid, before, status, self.calls)
        held = sleep and sleep.call == 'read' and is_held(self.shell, pid, sleep.arguments[0])
        return sleep if sleep == sleep_from(pid, after, same, self.calls) and not held else None

    def blocked(self, call: str | None) -> Sleep | None:
        """Return the sleep of a foreground process blocked in this call (or in any)."""
        sleeps, awake = self.sleeps()
        if awake or any(sleep.timed for sleep in sleeps):
            return None  # who waits for that one goes on by itself, too
        for sleep in sleeps:
            if (sleep.call == call or not call and sleep.call != 'wait4'):
                return sleep
        return None

    def sleeping(self, table: Table | None = None) -> bool:
        """Whether the foreground job sleeps by the clock."""
        return any(sleep.timed for sleep in self.sleeps(table)[0])

    def running(self) -> bool:
        """Whether the foreground job sleeps by the clock, or has computed for a while.

        One that is merely awake may be on its way into a sleep that nothing ends.
        """
        for pid in self.processes():
            sleep = self.sleep(pid)
            if sleep.timed if sleep else self.computed(pid) >= COMPUTED:
                return True
        return False

    def computed(self, pid: int) -> float:
        """Return the seconds of processor time that a process has used."""
        try:
            fields = read_file(f'/proc/{pid}/stat').rpartition(')')[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def traced(self) -> bool:
        """Whether somebody traces a process of the foreground job; see proc_pid_status(5)."""
        return any(re.search(r'^TracerPid:\s+[1-9]', status_of(pid), re.MULTILINE) for pid in self.processes())

    def state(self) -> str:
        """Say what the foreground job is doing, for a report."""
        sleeps, awake = self.sleeps()
        if awake:
            return 'running'
        for sleep in sorted(sleeps, key=lambda sleep: (not sleep.timed, sleep.call == 'wait4')):
            return f'{"asleep" if sleep.timed else "blocked"} in {sleep.call}'
        return 'between two commands'


def system_calls(compiler: str = 'cc') -> dict[int, str]:
    """Return number -> name of the system calls of this machine, from its headers.

    Raises:
        OSError: The C compiler is missing or fails.
    """
    command = [*compiler.split(), '-E', '-dM', '-x', 'c', '-']
    try:
        asked = subprocess.run(command, check=True, input='#include <sys/syscall.h>\n',
                               capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise OSError(f'asking the C compiler for the numbers of the system calls: {error}; '
                      'install gcc and the headers of the C library') from None
    return numbers(asked.stdout)


def numbers(defines: str) -> dict[int, str]:
    """Return number -> name of the system calls, from all that their header defines.

    A number may be a sum (``(__NR_SYSCALL_BASE + 322)`` on 32-bit ARM) or stand under another name
    (``__NR3264_mmap`` on 64-bit ARM). On 32 bits, ``futex_time64`` is the ``futex`` of today.
    """
    macros = dict(re.findall(r'^#define (__\w+) (.+)$', defines, re.MULTILINE))

    def value(text: str) -> int:
        return sum(value(macros[word]) if word in macros else int(word.rstrip('UL'), 0)
                   for word in re.findall(r'\w+', text))

    return {value(macro): macro.removeprefix('__NR_').removesuffix('_time64')
            for macro in macros if re.match('__NR_[a-z_]', macro)}


def processes(sessions: Iterable[int]) -> Table:
    """Return PID -> (state, process group, session) of all processes of these sessions.

    getsid(2) costs a thirtieth of reading ``/proc/PID/stat``, and a machine has many processes.
    """
    wanted, found = set(sessions), {}
    for pid in (int(entry) for entry in os.listdir('/proc') if entry.isdigit()):
        try:
            ours = os.getsid(pid) in wanted
        except OSError:  # it has ended, or a security module forbids it
            ours = True
        if ours and (stat := stat_of(pid)) and stat[2] in wanted:
            found[pid] = stat
    return found


def read_file(path: str) -> str:
    with open(path, errors='replace') as file:  # the kernel cuts a name after 15 bytes, even within a letter
        return file.read()


def sleep_from(pid: int, syscall: str, status: str, calls: Mapping[int, str]) -> Sleep | None:
    """Return the sleep that two texts of ``/proc/PID`` show, if any.

    See proc_pid_syscall(5): number, six arguments, and the stack pointer and program counter;
    "running", or "-1" for a process that waits in no system call. And proc_pid_status(5).
    """
    fields = syscall.split()
    found = re.search(r'^State:\s+S.*^voluntary_ctxt_switches:\s+(\d+)', status, re.MULTILINE | re.DOTALL)
    if not found or not fields or not fields[0].isdigit():
        return None
    call = calls.get(int(fields[0]), f'system call {fields[0]}')
    arguments = tuple(int(field, 16) for field in fields[1:7])
    timed = call in TIMED_SLEEPS
    if call in TIMEOUTS:
        argument, forever = TIMEOUTS[call]
        timed = arguments[argument] & (forever or -1) != forever  # -1 may have 32 bits (glibc) or 64 (musl)
    return Sleep(pid, call, arguments, found[1], timed)


def status_of(pid: int) -> str:
    """Return ``/proc/PID/status``, or nothing; see proc_pid_status(5)."""
    try:
        return read_file(f'/proc/{pid}/status')
    except OSError:
        return ''


def stat_of(pid: int) -> tuple[str, int, int] | None:
    """Return (state, process group, session) of a process, or None; see proc_pid_stat(5)."""
    try:
        return fields_of(read_file(f'/proc/{pid}/stat'))
    except OSError:
        return None


def fields_of(stat: str) -> tuple[str, int, int]:
    """Return (state, process group, session) from the text of ``/proc/PID/stat``."""
    fields = stat.rpartition(')')[2].split()
    return fields[0], int(fields[2]), int(fields[3])


def name_of(pid: int) -> str:
    """Return the name of a process, as much as the kernel keeps of it, or nothing; see proc_pid_comm(5)."""
    try:
        return read_file(f'/proc/{pid}/comm').strip()
    except OSError:
        return ''


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
