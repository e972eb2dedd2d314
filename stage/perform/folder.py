"""The private folder of a performance; that of one that has been killed is removed by the next one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..sandbox.mounts import remove_folder
from .tmux import ScreenError, answers

PREFIX = 'ipc-stage-'
#: Bytes that the path of a socket may have, see unix(7), and those that we need behind TMPDIR.
LONGEST, OURS = 107, len(f'/{PREFIX}12345678/tmux')


@contextlib.contextmanager
def private_folder() -> Iterator[str]:
    """Make the folder, and remove it at the end.

    Raises:
        ScreenError: Its path would be too long.
    """
    top = tempfile.gettempdir()
    if len(os.fsencode(top)) + OURS > LONGEST:
        raise ScreenError(f'TMPDIR is too long for the socket of tmux, {top}: set it to a path of at most '
                          f'{LONGEST - OURS} bytes, for example TMPDIR=/tmp')
    here = os.open(Path(__file__).parents[1], os.O_RDONLY)
    try:
        fcntl.flock(here, fcntl.LOCK_EX)  # nobody takes a folder for left that is not locked yet
        _clean_up()
        folder = tempfile.mkdtemp(prefix=PREFIX)
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    finally:
        os.close(here)
    try:
        yield folder
    finally:
        remove_folder(folder)
        os.close(lock)


def running_folders() -> list[Path]:
    """Return the folders of the performances that are running and ours, the newest last."""
    found = [folder for folder in Path(tempfile.gettempdir()).glob(PREFIX + '*') if answers(str(folder))]
    return sorted(found, key=lambda folder: folder.stat().st_mtime)


def _clean_up() -> None:
    """Remove the folders of performances that have been killed: nobody holds their locks."""
    for folder in Path(tempfile.gettempdir()).glob(PREFIX + '*'):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # somebody else's, or gone meanwhile
        try:
            if os.fstat(lock).st_uid == os.geteuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_folder(str(folder))
        except BlockingIOError:
            pass  # it goes on
        finally:
            os.close(lock)
