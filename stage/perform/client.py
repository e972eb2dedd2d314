"""The instructor's own terminal: what it must be, how the stage is shown on it, and how it is left as it was."""

from __future__ import annotations

import contextlib
import locale
import os
import select
import signal
import subprocess
import termios
from collections.abc import Callable, Iterator
from typing import NoReturn

from . import tmux

#: What the kind of a terminal must have, by its names in terminfo(5), and what that is.
NEEDED = {'cup': 'cursor that can be moved', 'clear': 'way to clear the screen', 'knp': 'key PageDown',
          'kpp': 'key PageUp', 'kf10': 'key F10'}
#: Restores the screen where tmux could not: mouse, cursor keys, cursor, colours, and what was on it before.
#: See the list of control sequences of xterm.
RESTORE = b'\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>\x1b[?25h\x1b[m\x1b[?1049l'
NAMES = 'input', 'output', 'error'
#: Says to the guard that it is not needed.
DONE = 'done'


def check(auto: bool) -> bool:
    """Look at the terminal on which the performance is to be seen.

    Args:
        auto: None is needed.

    Returns:
        Whether there is one.

    Raises:
        ScreenError: There is none, or it is not good enough; the text says what to do.
    """
    missing = [name for fd, name in enumerate(NAMES) if not os.isatty(fd)]
    if missing and auto:
        return False
    if missing:
        raise tmux.ScreenError(f'a performance needs a terminal, and standard {missing[0]} is none: call it without '
                               'redirection (and make without -O); AUTO=1 (--auto) does without')
    _check_kind(os.environ.get('TERM', ''))
    try:
        locale.setlocale(locale.LC_CTYPE, '')
        coding = locale.nl_langinfo(locale.CODESET)
    except locale.Error:
        coding = ''
    if coding.upper() != 'UTF-8':
        raise tmux.ScreenError('the locale is not UTF-8: put LC_ALL=C.UTF-8 in front')
    columns, rows = os.get_terminal_size(1)
    if columns < tmux.COLUMNS or rows < tmux.ROWS:
        raise tmux.ScreenError(f'the terminal has {columns}x{rows}: make it at least '
                               f'{tmux.COLUMNS}x{tmux.ROWS}, or its letters smaller')
    return True


def _check_kind(kind: str) -> None:
    advice = 'put TERM=xterm-256color in front, which nearly all terminals understand'
    if not kind:
        raise tmux.ScreenError(f'TERM is not set: {advice}')
    try:
        import curses
    except ImportError:
        return  # tmux itself will say what it misses
    try:
        curses.setupterm(kind)
    except curses.error:
        raise tmux.ScreenError(f'a terminal of the kind {kind} (TERM) is not known here: {advice}') from None
    if missing := [what for name, what in NEEDED.items() if not curses.tigetstr(name)]:
        raise tmux.ScreenError(f'a terminal of the kind {kind} (TERM) has no {missing[0]}: {advice}')


@contextlib.contextmanager
def kept() -> Iterator[Callable[[object], None]]:
    """Leave the terminal as it was, even if this process is killed: a child survives it, and does so.

    Yields:
        What is to be called with the PID of the process that draws there.
    """
    modes = termios.tcgetattr(0)
    heard, told = os.pipe()
    guard = os.fork()
    if guard == 0:
        os.close(told)
        _guard(heard, modes)
    os.close(heard)

    def tell(word: object) -> None:
        with contextlib.suppress(BrokenPipeError):  # somebody has killed the guard
            os.write(told, f'{word}\n'.encode())

    try:
        yield tell
    finally:
        with contextlib.suppress(termios.error):  # the terminal has gone
            termios.tcsetattr(0, termios.TCSADRAIN, modes)
        tell(DONE)
        os.close(told)
        os.waitpid(guard, 0)


def _guard(pipe: int, modes: list[object]) -> NoReturn:
    """Wait for the end of our parent; if it comes without a word, restore the terminal."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTTOU):
        signal.signal(number, signal.SIG_IGN)
    said = b''
    while data := os.read(pipe, 100):
        said += data
    with contextlib.suppress(OSError, termios.error):
        if DONE.encode() not in said.split():
            termios.tcsetattr(0, termios.TCSANOW, modes)  # at once: the shell that called us looks at them next
            for pid in said.split():
                select.select([os.pidfd_open(int(pid))], [], [], 2)  # it draws until it sees that its server has gone
            os.write(1, RESTORE)
    os._exit(0)


def show(folder: str, drawing: Callable[[object], None]) -> str:
    """Show the stage on this terminal until it ends.

    Args:
        folder: Of the performance.
        drawing: From :func:`kept`: is told who draws.

    Returns:
        What tmux says against this terminal.
    """
    with subprocess.Popen(tmux.attach(f'{folder}/tmux', 'stage'), env=tmux.environment(),
                          stderr=subprocess.PIPE, text=True) as client:
        drawing(client.pid)
        said = client.communicate()[1].strip()
    if client.returncode and not said:
        os.write(1, RESTORE)
    return said
