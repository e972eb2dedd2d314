"""Before and after a performance: what must be there, who enters, what is said at the end.

This side of the curtain is the instructor's own terminal. The performance itself is a child in the
name spaces of its stage (:mod:`stage.perform.performance`); tmux is a child of that.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time

from ..page.model import Page
from ..page.reader import read
from ..sandbox import namespaces
from ..sandbox.namespaces import Order
from ..sandbox.objects import PREFIX, Objects
from ..sandbox.processes import system_calls
from ..sandbox.sandbox import open_sandbox
from . import client, film, tmux
from .folder import private_folder, running_folders
from .live import Live
from .performance import Performance
from .places import find
from .screen import Screen

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
    tmux.check_version()
    auto = options.auto or bool(options.film)
    seen = not options.film and client.check(auto)
    if options.host:
        if os.geteuid() and any(cue.root for cue in page.cues()):
            return _as_root()
        if not _make_room(page, ask=seen and not auto):
            return 2
    level, why = ('host', '') if options.host else \
        (options.level, 'asked for') if options.level else namespaces.choose()
    with contextlib.ExitStack() as stack:
        drawing = stack.enter_context(client.kept()) if seen else None
        events: list[film.Event] = []
        folder = stack.enter_context(private_folder())
        order = Order(options.command, page.path, options.programs, level, why, options.deadline, scenes[0].number,
                      auto=auto, pace=options.pace, seen=seen or bool(options.film), film=bool(options.film),
                      folder=folder)
        child = stack.enter_context(namespaces.start(order, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                     stderr=subprocess.PIPE, env={'TMPDIR': folder}))
        try:
            if order.seen and _ready(folder, child):
                said = client.show(folder, drawing) if drawing else events.extend(film.shoot(folder)) or ''
                _ended(folder, child, level, said)
            output, errors = child.communicate()
        except BaseException:
            namespaces.end(child, level)
            raise
    if not output and child.returncode not in REFUSED:
        raise tmux.ScreenError(errors if 'Traceback' in errors else
                               'the performance has been killed: start it again')
    if options.film and child.returncode == 0:
        film.write(options.film, page.sections[0].title if page.sections else page.path, events)
        output += f'The film: {options.film}\n'
    sys.stderr.write(errors)
    sys.stdout.write(output)
    return child.returncode


def attach(what: str) -> int:
    """Show the stage or the notes of the running performance on this terminal, too.

    Args:
        what: ``stage`` or ``notes``.

    Raises:
        ScreenError: None is running, or the terminal is not good enough.
    """
    client.check(auto=False)
    if not (running := running_folders()):
        raise tmux.ScreenError(f'no performance of yours is running in {tempfile.gettempdir()}: begin it with '
                               '"make perform" (where TMPDIR is the same), or as root, with sudo, look on with sudo')
    return subprocess.run(tmux.attach(f'{running[-1]}/tmux', what), env=tmux.environment()).returncode


def play(order: Order) -> int:
    """Perform; this process is inside of the name spaces already."""
    page = read(order.page)
    calls = system_calls(os.environ.get('CC', 'cc'))
    sudo = 'sudo ' if 'SUDO_UID' in os.environ else ''
    hint = f'Second screen: "{sudo}make notes" there, or "{sudo}make projector"'
    with open_sandbox(page, order, calls, Live) as sandbox:
        if sandbox.user:
            os.chmod(order.folder, 0o711)  # the way to the folder of the programs
        screen = Screen(order.folder)
        try:
            performance = Performance(page, sandbox, screen, order, hint)
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


def _ready(folder: str, child: subprocess.Popen[str]) -> bool:
    """Wait until there is something to show; return False if the performance ends before."""
    while not os.path.exists(f'{folder}/ready'):
        if child.poll() is not None:
            return False
        time.sleep(0.01)
    return True


def _ended(folder: str, child: subprocess.Popen[str], level: str, said: str) -> None:
    """Nobody looks on any more: either the performance ends, tmux first, or the terminal has gone.

    Args:
        said: What tmux says against the terminal.
    """
    deadline = time.monotonic() + (0 if said else 5)
    while tmux.answers(folder) and child.poll() is None:
        if time.monotonic() > deadline:
            namespaces.end(child, level)
            raise tmux.ScreenError(said or 'the terminal has gone')
        time.sleep(0.01)


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
    objects = Objects([page], PREFIX)
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
