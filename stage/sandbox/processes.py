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
from dataclasses import dataclass

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
    switches: str
    """Voluntary context switches: one more, and it has been awake in between."""
    timed: bool
    """A timeout or a timer wakes it: the program is running, not blocked."""


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
    found = re.findall(r'^#define __NR_(\w+) (\d+)$', asked.stdout, re.MULTILINE)
    return {int(number): name for name, number in found}


def processes() -> Table:
    """Return PID -> (state, process group, session) of all processes that can be seen."""
    stats = {int(entry): stat_of(int(entry)) for entry in os.listdir('/proc') if entry.isdigit()}
    return {pid: stat for pid, stat in stats.items() if stat}


def read_file(path: str) -> str:
    with open(path) as file:
        return file.read()


def status_of(pid: int) -> tuple[str, str]:
    """Return (state, voluntary context switches) of a process; see proc_pid_status(5)."""
    text = read_file(f'/proc/{pid}/status')
    found = re.search(r'^State:\s+(\S).*^voluntary_ctxt_switches:\s+(\d+)', text,
                      re.MULTILINE | re.DOTALL)
    return (found[1], found[2]) if found else ('', '')


def stat_of(pid: int) -> tuple[str, int, int] | None:
    """Return (state, process group, session) of a process, or None; see proc_pid_stat(5)."""
    try:
        fields = read_file(f'/proc/{pid}/stat').rpartition(')')[2].split()
    except OSError:
        return None
    return fields[0], int(fields[2]), int(fields[3])


def computed(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    try:
        fields = read_file(f'/proc/{pid}/stat').rpartition(')')[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
