"""What programs leave behind where no name space ends with them: it becomes ours, and is ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Iterator

from .namespaces import entrance
from .processes import read_file

PR_SET_CHILD_SUBREAPER = 36
#: Seconds in which all must have ended.
DEADLINE = 10.0


@contextlib.contextmanager
def none_left(level: str) -> Iterator[None]:
    """At the end, end all that has been started here, also what has a session of its own.

    At a level with name spaces these end with all that is in there, and nothing is to be done.
    """
    if entrance(level):
        yield
        return
    _adopt()
    try:
        yield
    finally:
        _end_all()


def _adopt() -> None:
    """Become the parent of all whose parent ends, below this process; see PR_SET_CHILD_SUBREAPER in prctl(2)."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def below(top: int) -> dict[int, str]:
    """Return PID -> state of all processes that have this one above them; see proc_pid_stat(5)."""
    parents, states = {}, {}
    for pid in (int(entry) for entry in os.listdir('/proc') if entry.isdigit()):
        try:
            states[pid], parent = read_file(f'/proc/{pid}/stat').rpartition(')')[2].split()[:2]
        except OSError:
            continue  # it has ended
        parents[pid] = int(parent)
    found, last = set(), {top}
    while last:
        last = {pid for pid, parent in parents.items() if parent in last} - found
        found |= last
    return {pid: states[pid] for pid in found}


def _end_all() -> None:
    """End all that is below this process: first all stop, so that nobody forks while the others are ended."""
    until = time.monotonic() + DEADLINE
    for number, done in ((signal.SIGSTOP, 'TtZX'), (signal.SIGKILL, '')):
        while (left := [pid for pid, state in below(os.getpid()).items() if state not in done]) \
                and time.monotonic() < until:
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            _reap()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
