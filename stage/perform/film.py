"""A film of a performance: an asciicast of version 2, shown by every player of asciinema; none is needed to make it.

Lines of JSON, see "asciicast v2" in asciinema's documentation: a head, then ``[seconds, code, text]``: ``o`` is
output, ``m`` a marker, one for each section. Ours alone is ``c``, a caption, which other players pass over.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from pathlib import Path

from ..page.model import Scene
from ..page.prose import plain
from . import tmux

COLUMNS, ROWS = 120, 36
#: Where the performance notes what happens when, in its folder.
MARKS = 'marks'
#: Seconds between two looks at the stage.
LOOK = 0.05
#: Colours and the like, see "Select Graphic Rendition" in ECMA-48.
STYLE = re.compile(r'\x1b\[[\d;:]*m')
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
    """Show the stage in another tmux, at which nobody looks; return what is seen there until it ends.

    What it draws is one form alone, so that a player needs no terminal: rows that have changed, each as a position,
    its text with colours, and an end of the line; then where the cursor is.
    """
    call = ['tmux', '-S', f'{folder}/film', '-f', '/dev/null']
    environment = {**tmux.environment(), 'LC_ALL': 'C.UTF-8'}
    attach = shlex.join(['tmux', '-T', 'RGB', *tmux.attach(f'{folder}/tmux', 'stage')[1:]])
    subprocess.run([*call, 'start-server', ';', 'set', '-g', 'status', 'off', ';', 'set', '-g', 'default-terminal',
                    'screen-256color', ';', 'new-session', '-d', '-x', str(COLUMNS), '-y', str(ROWS), f'exec {attach}'],
                   env=environment, check=True)
    look = [*call, 'capture-pane', '-e', '-p', ';', 'display-message', '-p', '#{cursor_y} #{cursor_x} #{cursor_flag}']
    events: list[Event] = []
    before: list[str] = []
    try:
        while (seen := subprocess.run(look, env=environment, capture_output=True, text=True)).returncode == 0:
            *rows, cursor = seen.stdout.splitlines()
            now = [*_drawn(rows), _cursor(*map(int, cursor.split()))]
            changed = [line for line in now[:-1] if line not in before] + now[-1:]
            if now != before:
                events.append((time.monotonic(), 'o', ''.join(changed)))
            before = now
            time.sleep(LOOK)
    finally:
        subprocess.run([*call, 'kill-server'], env=environment, stderr=subprocess.DEVNULL)
    marks = Path(folder, MARKS)
    noted = map(json.loads, marks.read_text().splitlines()) if marks.exists() else []
    return sorted([*events, *((when, code, text) for when, code, text in noted)], key=lambda event: event[0])


def _drawn(rows: list[str]) -> list[str]:
    """Return what draws each row; tmux says of a row only which colours are others than in the one before."""
    drawn, colours = [], ''
    for number, row in enumerate(rows, 1):
        drawn.append(f'\x1b[{number};1H{colours}{row}\x1b[m\x1b[K')
        for style in STYLE.findall(row):
            colours = '' if style in ('\x1b[m', '\x1b[0m') else colours + style
    return drawn


def _cursor(row: int, column: int, there: int) -> str:
    return f'\x1b[{row + 1};{column + 1}H\x1b[?25{"h" if there else "l"}'


def write(path: str, title: str, events: list[Event]) -> None:
    """Write a film, whole or not at all."""
    began = events[0][0] if events else 0.0
    lines = [json.dumps({'version': 2, 'width': COLUMNS, 'height': ROWS, 'title': title})]
    lines += [json.dumps([round(when - began, 3), code, text], ensure_ascii=False) for when, code, text in events]
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    Path(f'{path}.new').write_text('\n'.join(lines) + '\n', encoding='utf-8')
    os.replace(f'{path}.new', path)
