"""A process that is not yet the program which it will be."""

from __future__ import annotations

import os


def is_held(shell: int, pid: int, descriptor: int) -> bool:
    """Return whether a child of the shell, which reads from a descriptor, waits for the shell to let it go.

    bash has a child read from a pipe until its process group is that of the terminal: ``make_child()`` in
    jobs.c. It is bash itself until then, and the shell has that pipe open, too.
    """
    try:
        pipe = os.readlink(f'/proc/{pid}/fd/{descriptor}')
        return pipe.startswith('pipe:') and _command(pid) == _command(shell) and pipe in _open(shell)
    except OSError:  # it has ended, or may not be looked at
        return False


def _command(pid: int) -> bytes:
    with open(f'/proc/{pid}/cmdline', 'rb') as file:
        return file.read()


def _open(pid: int) -> list[str]:
    folder = f'/proc/{pid}/fd'
    return [os.readlink(f'{folder}/{name}') for name in os.listdir(folder)]
