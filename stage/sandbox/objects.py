"""IPC objects: which are there, which belong to a play, and how they are removed."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Mapping

from ..page.model import Page


class Objects:
    """The IPC objects of a machine or a stage, as far as a page is concerned.

    Args:
        page: What it mentions as ``/name`` belongs to the play.
        calls: From :func:`stage.sandbox.processes.system_calls`.
        prefix: Of the names that belong to the play.
    """

    def __init__(self, page: Page, calls: Mapping[int, str], prefix: str = '') -> None:
        # Names without their slash.
        self.names = {name for name in re.findall(r'/([\w.-]*\w)(?![\w/])', page.text)
                      if name.startswith(prefix)}
        self.calls = {call: number for number, call in calls.items()}
        self.queues = '/dev/mqueue' if os.path.ismount('/dev/mqueue') else None

    def there(self) -> set[str]:
        """Return what stands in /dev/shm and the queues."""
        found = {f'/dev/shm/{entry}' for entry in _list('/dev/shm')}
        if self.queues:
            return found | {f'message queue /{entry}' for entry in _list(self.queues)}
        return found | {f'message queue /{name}' for name in self.names if self._queue(name)}

    def of_the_play(self, name: str) -> bool:
        """Whether the page names this object."""
        return name.rpartition('/')[2].removeprefix('sem.') in self.names

    def left(self) -> list[str]:
        """Return what is there though the play has not begun: of another one, or of a crashed."""
        return sorted(name for name in self.there() if self.of_the_play(name))

    def remove(self, name: str) -> None:
        """Remove an object, given as :meth:`there` returns it."""
        if name.startswith('/dev/shm/'):
            os.unlink(name)
        elif self.queues:
            os.unlink(f'{self.queues}/{name.rpartition("/")[2]}')
        else:
            self._queue(name.rpartition('/')[2], remove=True)

    def _queue(self, name: str, remove: bool = False) -> bool:
        """Whether a queue exists, or could be removed; asked directly, nothing being mounted.

        The system calls, unlike :manpage:`mq_open(3)`, take the name without its slash.
        """
        libc = ctypes.CDLL(None)
        if remove:
            return libc.syscall(self.calls['mq_unlink'], name.encode()) == 0
        fd = libc.syscall(self.calls['mq_open'], name.encode(), os.O_RDONLY | os.O_NONBLOCK, 0,
                          None)
        if fd != -1:
            os.close(fd)
        return fd != -1


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
