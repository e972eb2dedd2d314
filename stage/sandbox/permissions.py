"""What the machine lets us see: in which call a process sleeps, what strace(1) prints; and what it is itself."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence

from .processes import read_file

#: Where the values of the pages are from.
REFERENCE = 'x86_64', 64, 'glibc'
User = tuple[int, int] | None


def why_unseen(entering: Sequence[str], user: User) -> str:
    """Return why it is not shown in which call a process sleeps, if so.

    Args:
        entering: What the command of such a process begins with.
        user: (uid, gid) that it becomes, or None.
    """
    with subprocess.Popen([*entering, 'cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **_as(user)) as cat:
        assert cat.stdin and cat.stdout
        cat.stdin.write(b'\n')
        cat.stdin.flush()
        cat.stdout.read(1)  # an echo: it has become cat(1)
        try:
            read_file(f'/proc/{cat.pid}/syscall')
        except OSError:
            return f'in which call a process sleeps is not shown ({_advice()})'
        finally:
            cat.stdin.close()
    return ''


def why_untraced(entering: Sequence[str], user: User) -> str:
    """Return why strace(1) may not trace its own child, if so. Arguments as for :func:`why_unseen`."""
    try:
        done = subprocess.run([*entering, 'strace', '-o', '/dev/null', 'true'], capture_output=True, text=True,
                              env={**os.environ, 'LC_ALL': 'C'}, **_as(user))
    except OSError:
        return ''  # there is none: its command will say so
    refused = done.returncode and 'Operation not permitted' in done.stderr
    return f'strace may not trace ({_advice()})' if refused else ''


def _as(user: User) -> dict[str, object]:
    return {'user': user[0], 'group': user[1], 'extra_groups': []} if user else {}


def _advice() -> str:
    """Say what to do about it; see ptrace(2) for the settings."""
    try:
        scope = read_file('/proc/sys/kernel/yama/ptrace_scope').strip()
    except OSError:
        scope = ''
    return {'2': 'as root: sysctl kernel.yama.ptrace_scope=1',
            '3': 'kernel.yama.ptrace_scope is 3 until the machine starts again',
            }.get(scope, 'the container or a security module forbids it')


def elsewhere() -> str:
    """Return a sentence for a machine on which a page may differ without anybody's fault, or nothing."""
    here = platform.machine(), 64 if sys.maxsize > 1 << 32 else 32, platform.libc_ver()[0] or 'another C library'
    if here == REFERENCE:
        return ''
    recorded, this = ('{}, {} bits, {}'.format(*which) for which in (REFERENCE, here))
    return f'recorded on {recorded}; this machine is {this}: what differs may be expected, and no fault of the course'
