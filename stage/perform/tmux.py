"""The screen of a performance: a tmux of its own, in whose panes terminals and notes are seen.

No program runs in a pane but one that sleeps: the performer itself writes to the pane's terminal
and reads what is typed there. A pane that is closed is only a view that is lost.
"""

from __future__ import annotations

import re
import string
import subprocess

#: What tmux must know: server in the foreground (-D), send-keys -H, options of panes.
OLDEST = 3, 2
COLUMNS, ROWS = 80, 24
#: Keys that reach the performer wherever the focus is, as tmux calls them.
KEYS = 'NPage', 'PPage', 'F5', 'F6', 'F7', 'F8', 'F9', 'F10'
#: As they arrive in the pane of the notes, see terminfo(5); the last one is sent by our hooks.
SEQUENCES = {'\x1b[6~': 'next', '\x1b[5~': 'back', '\x1b[15~': 'retry', '\x1b[17~': 'skip',
             '\x1b[18~': 'jump', '\x1b[19~': 'reset', '\x1b[20~': 'fast', '\x1b[21~': 'quit',
             '\x1f': 'screen'}
#: Leaves a terminal as it was, where a killed server could not: mouse, cursor, screen.
RESTORE = (b'\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>\x1b[?25h'
           b'\x1b[m\x1b[?1049l')
ENDED = 'tmux has ended: start the performance again'
HOLD = 'exec sleep 2147483647'


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


def configuration() -> str:
    """Return the commands that set up the server."""
    lines = [
        'set -g default-shell /bin/sh', 'set -g exit-empty off', 'set -g mouse on',
        'set -g prefix None', 'set -g prefix2 None', 'set -g escape-time 10',
        'set -g assume-paste-time 0',  # else a key that comes with others is not ours
        'set -g set-titles on', 'set -g set-titles-string "#{session_name}"',
        'set -g status off', 'set -g status-style default', 'set -g bell-action none',
        'set -g detach-on-destroy off', 'set -g allow-rename off', 'set -g window-size latest',
        'set -g pane-border-format "#{?@name,#[fg=#{@colour}#,bold] #{@name} #[default],}"',
        'set -g pane-border-status top', 'set -g pane-active-border-style bold',
        'unbind -a -T prefix', 'unbind -a -T root',
        'bind -n MouseDown1Pane select-pane -t = \\; send-keys -M',
        'bind -n F4 select-pane -t :.+',
    ]
    # What is typed after F7 goes to the notes, wherever the focus is; the class sees nothing.
    again = '\\; switch-client -T jump'
    # (In a mode, as when tmux itself has something to show, a pane would not get its keys.)
    lines += [f'bind -n {key} copy-mode -q -t notes: \\; send-keys -t notes: {key} '
              + again * (key == 'F7') for key in KEYS]
    letters = [*string.ascii_letters, *string.digits, 'Space', 'BSpace', '-', '.']
    lines += [f'bind -T jump {key} send-keys -t notes: {key} {again}' for key in letters]
    lines += [f'bind -T jump {key} send-keys -t notes: {key}' for key in ('Enter', 'Escape')]
    lines += [f'set-hook -g {event} "send-keys -H -t notes: 1f"'
              for event in ('client-attached', 'client-detached', 'client-resized')]
    for session in ('notes', 'stage'):
        lines.append(f'new-session -d -s {session} -n spare -x 120 -y 40 "{HOLD}"')
    lines += ['set -w -t notes: pane-border-status off', f'set -t stage status {STRIP}']
    lines += [f'set -t stage status-format[{row}] " #{{@last{row}}}"' for row in range(STRIP)]
    return '\n'.join(lines) + '\n'


def attach(path: str, session: str) -> list[str]:
    """Return the command that shows a session on the terminal where it is run."""
    return ['tmux', '-u', '-S', path, 'attach-session', '-t', session]
#: Lines of the strip with the last commands.
STRIP = 5
