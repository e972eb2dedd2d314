"""A film of a performance: an asciicast of version 2, shown by every player of asciinema; none is needed to make it.

Lines of JSON, see "asciicast v2" in asciinema's documentation: a head, then ``[seconds, code, text]``: ``o`` is
output, ``m`` a marker, one for each section. Ours alone is ``c``, a caption, which other players pass over.
"""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import pty
import struct
import termios
import time
from pathlib import Path

from ..page.model import Scene
from ..page.prose import plain
from . import tmux

COLUMNS, ROWS = 120, 36
#: Where the performance notes what happens when, in its folder.
MARKS = 'marks'
Event = tuple[float, str, str]


class Marks:
    """Notes when sections and scenes begin; both sides have the same clock, CLOCK_MONOTONIC.

    Args:
        path: Of the file, or None: nobody films.
    """

    def __init__(self, path: str | None) -> None:
        self.path, self.section = path, ''

    def begin(self, scene: Scene, directions: list[str]) -> None:
        """A scene begins, with these stage directions."""
        if not self.path:
            return
        if scene.section != self.section:
            self.section = scene.section
            self._note('m', plain(scene.section))
        for text in directions:
            self._note('c', text)

    def _note(self, code: str, text: str) -> None:
        assert self.path
        with open(self.path, 'a') as file:
            file.write(json.dumps([time.monotonic(), code, text]) + '\n')


def shoot(folder: str) -> list[Event]:
    """Show the stage on a terminal that nobody looks at; return what has been drawn there until it ends."""
    pid, fd = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', ROWS, COLUMNS, 0, 0))
            attach = tmux.attach(f'{folder}/tmux', 'stage')
            os.execvpe(attach[0], attach, {**tmux.environment(), 'TERM': 'xterm-256color', 'LC_ALL': 'C.UTF-8'})
        finally:
            os._exit(127)
    events: list[Event] = []
    decoder = codecs.getincrementaldecoder('utf-8')('replace')
    try:
        while data := _read(fd):
            events.append((time.monotonic(), 'o', decoder.decode(data)))
    finally:
        os.close(fd)
        os.waitpid(pid, 0)
    marks = Path(folder, MARKS)
    noted = map(json.loads, marks.read_text().splitlines()) if marks.exists() else []
    return sorted([*events, *((when, code, text) for when, code, text in noted)], key=lambda event: event[0])


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except OSError:  # its last process has gone
        return b''


def write(path: str, title: str, events: list[Event]) -> None:
    """Write a film, whole or not at all."""
    began = events[0][0] if events else 0.0
    lines = [json.dumps({'version': 2, 'width': COLUMNS, 'height': ROWS, 'title': title})]
    lines += [json.dumps([round(when - began, 3), code, text], ensure_ascii=False) for when, code, text in events]
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    Path(f'{path}.new').write_text('\n'.join(lines) + '\n', encoding='utf-8')
    os.replace(f'{path}.new', path)
