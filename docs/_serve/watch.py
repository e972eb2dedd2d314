"""What the site and the programs are made from, and when it changes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import time

CHANGES = 0x8 | 0x40 | 0x80 | 0x100 | 0x200  # closed, moved from and to, created, deleted: inotify(7)
QUIET = 0.01  # seconds without another save: a burst has ended
PAUSE = 0.15  # seconds that browsers need to show a page
AGAIN = 0.2  # seconds between two looks where there is no inotify
BESIDE = 1  # seconds between two looks where there is: it sees nothing of what another machine or container saves

Files = dict[str, tuple[int, int]]  # path -> time and size


class Watch:
    """Sees every save in code/ and docs/, of conf.py and of stage/*.py; the top folder is the current one."""

    def __init__(self) -> None:
        try:
            libc = ctypes.CDLL(None)
            self.inotify = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            self._add = libc.inotify_add_watch
        except AttributeError:
            self.inotify = -1

    def files(self) -> Files:
        """Return the files as they are; what comes into their folders wakes ``changed`` from then on."""
        found: Files = {}
        for folder in ['.', *(path for top in ('code', 'docs', 'stage') for path, _, _ in os.walk(top))]:
            if self.inotify >= 0:
                added = self._add(self.inotify, os.fsencode(folder), CHANGES)
                if added < 0 and os.path.isdir(folder):
                    os.close(self.inotify)
                    self.inotify = -1  # the user has no more watches: look again and again
            with contextlib.suppress(OSError):  # it is gone, or may not be read
                for entry in list(os.scandir(folder)):
                    with contextlib.suppress(FileNotFoundError):  # it is being replaced: that is a change, too
                        if self._counts(folder, entry.name) and entry.is_file():
                            state = entry.stat()
                            found[os.path.normpath(entry.path)] = (state.st_mtime_ns, state.st_size)
        return found

    @staticmethod
    def _counts(folder: str, name: str) -> bool:
        """Is it one of ours, and not what an editor keeps beside it?  As in the Makefile."""
        if folder == '.':
            return name == 'conf.py'
        return name[0] not in '.#' and name[-1] != '~' and (not folder.startswith('stage') or name.endswith('.py'))

    def wait(self, seconds: float = PAUSE) -> None:
        """Wait so long, or until something is saved."""
        if select.select([self.inotify] if self.inotify >= 0 else [], [], [], seconds)[0]:
            os.read(self.inotify, 1 << 16)

    def changed(self, before: Files) -> Files:
        """Return the files once they are others than before, and none was saved just now."""
        now = self.files()
        while now == before:
            self.wait(BESIDE if self.inotify >= 0 else AGAIN)
            now = self.files()
        while True:
            time.sleep(QUIET)
            last, now = now, self.files()
            if now == last:
                return now
