"""Before and after a performance: what must be there, who enters, what a crashed one has left.

This side of the curtain is the instructor's own terminal. The performance itself is a child in the
name spaces of its stage (:mod:`stage.perform.performance`); tmux is a child of that.
"""

from __future__ import annotations

import argparse
import fcntl
import locale
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..page.model import Page
from ..page.reader import read
from ..sandbox import namespaces
from ..sandbox.mounts import remove_folder
from ..sandbox.namespaces import Order
from ..sandbox.objects import Objects
from ..sandbox.processes import system_calls
from ..sandbox.sandbox import open_sandbox
from . import tmux
from .live import Live
from .performance import Performance
from .places import find
from .screen import Screen

PREFIX = 'ipc-stage-'
#: Bytes of the path of a socket.
LONGEST = 107
#: Exit statuses of a performance that has said on standard error why it ends without a summary.
REFUSED = 2, 130


def perform(options: argparse.Namespace) -> int:
    """Play a page in front of this terminal; with ``--auto``, one is not needed.

    Returns:
        0 if it has been played to its end or left by a key; 1 if a cue does not hold that must: any with ``--auto``,
        one of those that lead to where it is to begin without; 2 if something is missing.

    Raises:
        ScriptError: The page cannot be read.
        ScreenError: Something is missing; the text says what to do.
    """
    page = read(options.pages[0])
    if not page.scenes:
        raise tmux.ScreenError(f'{page.path} has no scenes')
    scenes = find(page, options.scene) if options.scene else page.scenes
    if not scenes:
        raise tmux.ScreenError(f'{page.path} has no scene "{options.scene}": give its number, '
                               f'1 to {len(page.scenes)}, or words of a title')
    seen = all(os.isatty(fd) for fd in range(3))
    tmux.check_version()
    check_terminal(seen, options.auto)
    if options.host:
        if os.geteuid() and any(cue.root for cue in page.cues()):
            return _as_root()
        if not _make_room(page, ask=seen and not options.auto):
            return 2
    level, why = ('host', '') if options.host else \
        (options.level, 'asked for') if options.level else namespaces.choose()
    folder, lock = new_folder()
    order = Order(options.command, page.path, options.programs, level, why, options.deadline, scenes[0].number,
                  auto=options.auto, pace=options.pace, seen=seen, folder=folder)
    try:
        with namespaces.start(order, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env={'TMPDIR': folder}) as child:
            try:
                if seen:
                    _watch(folder, child, level)
                output, errors = child.communicate()
            except BaseException:
                namespaces.end(child, level)
                raise
    finally:
        remove_folder(folder)
        os.close(lock)
    if not output and child.returncode not in REFUSED:
        if seen:
            os.write(1, tmux.RESTORE)
        raise tmux.ScreenError(errors if 'Traceback' in errors else
                               'the performance has been killed: start it again')
    sys.stderr.write(errors)
    sys.stdout.write(output)
    return child.returncode


def check_terminal(seen: bool, auto: bool) -> None:
    """Look at the terminal on which the performance is to be seen.

    Raises:
        ScreenError: There is none, it is too small, or has no UTF-8.
    """
    if not seen:
        if auto:
            return
        raise tmux.ScreenError('a performance needs a terminal; AUTO=1 (--auto) does without')
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


def play(order: Order) -> int:
    """Perform; this process is inside of the name spaces already."""
    page = read(order.page)
    calls = system_calls(os.environ.get('CC', 'cc'))
    hint = f'Second screen: {"sudo " if "SUDO_UID" in os.environ else ""}' \
           + ' '.join(tmux.attach(f'{order.folder}/tmux', 'notes'))
    with open_sandbox(page, order, calls, Live) as sandbox:
        if sandbox.user:
            os.chmod(order.folder, 0o711)  # the way to the folder of the programs
        screen = Screen(order.folder)
        try:
            performance = Performance(page, sandbox, screen, order.auto, order.deadline,
                                      order.pace, hint)
            result = performance.play(order.scene or 1, order.seen)
        finally:
            screen.close()
    for failure in result.failures:
        print(failure.report(page.path))
    line = result.summary() + (f' ({order.level}: {sandbox.reasons()})' if result.skipped
                               and sandbox.reasons() else '')
    if result.failures:
        line += f', {len(result.failures)} failed' if order.auto else \
            f': cannot begin with scene {order.scene or 1}, since this does not hold'
    print(line, flush=True)
    return 1 if result.failures else 0


def _watch(folder: str, child: subprocess.Popen[str], level: str) -> None:
    """Show the stage on this terminal until the performance ends."""
    while not os.path.exists(f'{folder}/ready'):
        if child.poll() is not None:
            return
        time.sleep(0.01)
    client = subprocess.run(tmux.attach(f'{folder}/tmux', 'stage'), env=tmux.environment(),
                            stderr=subprocess.PIPE, text=True)
    try:
        child.wait(0 if client.stderr else 5)
    except subprocess.TimeoutExpired:  # the terminal has gone, or was never good enough
        namespaces.end(child, level)
        raise tmux.ScreenError(client.stderr.strip() or 'the terminal has gone') from None


def _as_root() -> int:
    """Start again by sudo(8), which asks once; ordinary commands are still the caller's."""
    kept = [f'{name}={os.environ[name]}' for name in
            ('PATH', 'PYTHONPATH', 'PYTHONPYCACHEPREFIX', 'TERM', 'LANG', 'LC_ALL', 'LC_CTYPE',
             'CC', 'TMPDIR') if name in os.environ]
    command = ['sudo', 'env', *kept, sys.executable, '-m', 'stage', *sys.argv[1:]]
    try:
        return subprocess.run(command).returncode
    except FileNotFoundError:
        raise tmux.ScreenError('the page has commands of root, and there is no sudo: '
                               'start as root, or without STAGE=host') from None


def _make_room(page: Page, ask: bool) -> bool:
    """Offer to remove what a crashed performance has left; return whether all is free."""
    objects = Objects([page], 'ipc-')
    left = objects.left()
    if not left:
        return True
    said = f'left over on this machine: {", ".join(left)}'
    if not ask:
        print(f'stage: {said}; remove them ("make clean-ipc"), and start again', file=sys.stderr)
        return False
    try:
        answer = input(f'{said[0].upper()}{said[1:]}.\nRemove exactly these? [y/N] ')
    except EOFError:
        answer = ''
    if answer.strip().lower() not in ('y', 'yes'):
        return False
    for name in left:
        objects.remove(name)
    return True


def new_folder() -> tuple[str, int]:
    """Make the private folder of a performance; return it, and its lock, held until closed.

    Raises:
        ScreenError: Its path would be too long for the socket of tmux; see unix(7).
    """
    room = tempfile.gettempdir()
    if len(os.fsencode(f'{room}/{PREFIX}12345678/tmux')) > LONGEST:
        raise tmux.ScreenError(f'the path of the folder for temporary files is too long for tmux: {room}: '
                               'set TMPDIR to a shorter one')
    here = os.open(Path(__file__).parents[1], os.O_RDONLY)
    try:
        fcntl.flock(here, fcntl.LOCK_EX)  # nobody takes a folder for left that is not locked yet
        _clean_up()
        folder = tempfile.mkdtemp(prefix=PREFIX)
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    finally:
        os.close(here)
    return folder, lock


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
