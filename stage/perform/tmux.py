"""The tmux of a performance: its configuration, its version, and the commands that look at it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

#: What tmux must know: server in the foreground (-D), send-keys -H, options of panes.
OLDEST = 3, 2
#: The smallest terminal in which stage and notes can be read.
COLUMNS, ROWS = 80, 24
CONFIGURATION = Path(__file__).with_name('tmux.conf')
ENDED = 'tmux has ended: start the performance again'


class ScreenError(Exception):
    """The screen cannot be used; the text is one line that says what to do."""


def check_version() -> None:
    """Look for tmux.

    Raises:
        ScreenError: It is missing or too old.
    """
    try:
        said = subprocess.run(['tmux', '-V'], capture_output=True, text=True).stdout.strip()
    except OSError:
        raise ScreenError('tmux is missing: install it ("make doctor" says how)') from None
    found = re.search(r'(\d+)\.(\d+)', said)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        raise ScreenError(f'{said} is too old: install tmux {OLDEST[0]}.{OLDEST[1]} or later')


def environment() -> dict[str, str]:
    """Return our environment without a tmux that we may run in: its name and its pane are not ours."""
    return {key: value for key, value in os.environ.items() if key not in ('TMUX', 'TMUX_PANE')}


def attach(path: str, session: str) -> list[str]:
    """Return the command that shows a session on the terminal where it is run."""
    return ['tmux', '-u', '-S', path, 'attach-session', '-t', session]


def answers(folder: str) -> bool:
    """Whether the server of the performance with this folder is there."""
    with socket.socket(socket.AF_UNIX) as asked:
        try:
            asked.connect(f'{folder}/tmux')
        except OSError:
            return False
    return True
