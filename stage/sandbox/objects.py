"""IPC objects: which are there, which belong to a play, and how they are removed."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import sys
from collections.abc import Iterable

from ..page.model import Page
from .programs import sources

#: Of the names that the course gives its objects: on the machine itself, no others are ours.
PREFIX = 'ipc-'
NAME = re.compile(r'/([\w.-]*\w)(?![\w/])')


class Objects:
    """The IPC objects of a machine or a stage, as far as pages are concerned.

    Args:
        pages: What they mention as ``/name`` belongs to the play, and of the names that the course gives its
            objects also those in the programs that they call: mostly, a name is the default of an argument.
        prefix: Of the names that belong to the play.
        queues: Where the message queues of the stage are mounted. Without it they are asked for by
            name: what the machine has mounted may be those of another name space.
    """

    def __init__(self, pages: Iterable[Page], prefix: str = '', queues: str | None = None) -> None:
        # Names without their slash.
        self.names: set[str] = set()
        for page in pages:
            self.names |= {name for name in NAME.findall(page.text) if name.startswith(prefix)}
            self.names |= {name for text in sources(page) for name in NAME.findall(text) if name.startswith(PREFIX)}
        self.queues = queues

    def there(self) -> set[str]:
        """Return what stands in /dev/shm and the queues."""
        queues = os.listdir(self.queues) if self.queues else filter(_is_queue, self.names)
        files = os.listdir('/dev/shm') if os.path.isdir('/dev/shm') else []
        return {f'/dev/shm/{name}' for name in files} | {f'message queue /{name}' for name in queues}

    def of_the_play(self, name: str) -> bool:
        """Whether the page names this object."""
        return name.rpartition('/')[2].removeprefix('sem.') in self.names

    def of_the_course(self, name: str) -> bool:
        """Whether an object is called as the course calls its own; a learner may make others than a page."""
        return name.rpartition('/')[2].removeprefix('sem.').startswith(PREFIX)

    def left(self) -> list[str]:
        """Return what is there though the play has not begun: of another one, or of a crashed."""
        return sorted(name for name in self.there() if self.of_the_play(name))

    def remove(self, name: str) -> None:
        """Remove an object, given as :meth:`there` returns it.

        Raises:
            OSError: It could not be removed, or has gone.
        """
        kind, _, base = name.rpartition('/')
        if kind == '/dev/shm':
            if os.path.isdir(name) and not os.path.islink(name):
                shutil.rmtree(name)
            else:
                os.unlink(name)
        elif self.queues:
            os.unlink(f'{self.queues}/{base}')
        elif _library().mq_unlink(f'/{base}'.encode()) == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)


def _library() -> ctypes.CDLL:
    """Return the library with mq_open(3); before glibc 2.34 it was one of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    return libc if hasattr(libc, 'mq_open') else ctypes.CDLL('librt.so.1', use_errno=True)


def _open_queue(name: str) -> int:
    return _library().mq_open(f'/{name}'.encode(), os.O_RDONLY | os.O_NONBLOCK)


def _is_queue(name: str) -> bool:
    """Whether there is a queue of this name; one that we must not read is there, too."""
    queue = _open_queue(name)
    if queue != -1:
        os.close(queue)
    return queue != -1 or ctypes.get_errno() == errno.EACCES


def attributes_of_queues(names: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return what mq_getattr(3) says of queues; nothing of one that may not be read or is not there."""
    found, attributes = {}, (ctypes.c_long * 8)()
    for name in names:
        queue = _open_queue(name)
        if queue == -1:
            continue
        _library().mq_getattr(queue, attributes)
        os.close(queue)
        _, maximum, size, messages, *_ = attributes
        found[name] = {'messages': messages, 'size': size, 'maximum': maximum}
    return found


def clean(pages: Iterable[Page]) -> int:
    """Remove the objects of the course from this machine, and say so.

    Args:
        pages: Whose names with the course's prefix are meant; nothing else is touched.

    Returns:
        0, or 1 if one could not be removed.
    """
    objects, status = Objects(pages, PREFIX), 0
    for name in objects.left():
        try:
            objects.remove(name)
            print(f'removed {name}')
        except FileNotFoundError:
            pass  # somebody else was faster
        except OSError as error:
            advice = ': ask its owner, or root' if isinstance(error, PermissionError) else ''
            print(f'stage: cannot remove {name}: {error.strerror}{advice}', file=sys.stderr)
            status = 1
    return status
