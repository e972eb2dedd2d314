"""python3 -m stage check|promote|perform|exercise|scenes|clean PAGE... (``--help`` says more)."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from types import FrameType

from .check.exercises import STARTS, exercises, one, unstated
from .check.learner import LIMITED, Attempt, Learner
from .check.promoting import Promotion, write
from .check.rehearsal import Rehearsal, show_progress
from .check.trees import kept
from .page.model import Page, ScriptError
from .page.reader import read
from .page.trees import FOLDER
from .sandbox import namespaces, orphans
from .sandbox.clock import DEADLINE
from .sandbox.namespaces import Order
from .sandbox.objects import clean
from .sandbox.permissions import elsewhere
from .sandbox.processes import system_calls
from .sandbox.sandbox import Sandbox, open_sandbox

#: Signals after which all is cleared up.
ENDS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
#: To choose from, and for a performance.
LEVELS = {'perform': (*namespaces.LEVELS, 'host'), 'check': (*namespaces.LEVELS, 'guest')}


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 if all cues hold, 1 if one does not, 2 if a page or the call is wrong,
        130 if interrupted.
    """
    _settle_streams()
    options = _options(arguments)
    _settle_signals()
    try:
        if options.command == 'scenes':
            pages = [read(path) for path in options.pages]
            json.dump(pages[0].to_json() if len(pages) == 1 else
                      {page.path: page.to_json() for page in pages}, sys.stdout, indent=1)
            print()
            return 0
        if options.command == 'clean':
            return clean(read(path) for path in options.pages)
        if options.command in ('perform', 'attach'):
            return _perform(options)
        if options.inside:
            return _play(options.inside)
        if options.command == 'exercise':
            return _exercise(options)
        return _send_inside(options)
    except ScriptError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f'stage: {error}', file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f'stage: {error.cmd[0]} failed: {(error.stderr or "").strip()}', file=sys.stderr)
    except KeyboardInterrupt:
        print('stage: interrupted', file=sys.stderr)
        return 130
    return 2


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser('stage', description='Play the scenes of a page.')
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for name, text in (('check', 'play the pages and compare'),
                       ('promote', 'play the pages and write into them what came'),
                       ('perform', 'play a page in front of a class, a key a step'),
                       ('exercise', 'compile and play a learner\'s program, or list them all'),
                       ('scenes', 'print the scenes as JSON'),
                       ('clean', 'remove the IPC objects of the pages from this machine')):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument('pages', nargs=1 if name in ('perform', 'exercise') else '+', metavar='PAGE')
        if name in ('scenes', 'clean'):
            continue
        command.add_argument('--programs', default='build', metavar='FOLDER',
                             help='where ./family/program is taken from (default: build)')
        if name == 'perform':
            _performing(command)
        elif name == 'exercise':
            command.add_argument('number', nargs='?', help='such as 110')
            command.add_argument('--compiler', default='cc -g -pthread -lrt', metavar='COMMAND',
                                 help='with its options (default: %(default)s)')
        else:
            command.add_argument('--scene', type=int, metavar='N', help='play up to scene N only, '
                                 'from the last fresh scene before it')
            command.add_argument('--keep-going', action='store_true',
                                 help='after a failure, go on with the next fresh scene')
        command.add_argument('--level', choices=LEVELS.get(name, namespaces.LEVELS),
                             help='isolation (default: the first that works here)')
        command.add_argument('--deadline', type=float, default=DEADLINE, metavar='SECONDS',
                             help='beyond the programs\' own sleeping (default: %(default)g)')
        command.add_argument('--inside', type=Order.from_json, help=argparse.SUPPRESS)
    text = 'show the stage or the notes of the running performance on this terminal, too'
    commands.add_parser('attach', help=text, description=text).add_argument('what', choices=['stage', 'notes'])
    return parser.parse_args(arguments)


def _performing(command: argparse.ArgumentParser) -> None:
    command.add_argument('--scene', metavar='NUMBER|TITLE', help='begin there')
    command.add_argument('--auto', action='store_true', help='play all of it without a human')
    command.add_argument('--pace', type=float, default=0, metavar='SECONDS', help='with --auto, '
                         'wait so long before each step, and type letter by letter')
    command.add_argument('--film', metavar='FILE', help='as --auto, with nobody looking on, and record an asciicast')
    command.add_argument('--host', action='store_true',
                         help='on the machine itself, not on a private stage')


def _settle_streams() -> None:
    """Have three standard streams: what the caller has closed leads nowhere, and any text can be written."""
    for name, mode in (('stdin', 'r'), ('stdout', 'w'), ('stderr', 'w')):
        if getattr(sys, name) is None:  # in this order, so that each gets its own descriptor
            setattr(sys, name, open(os.devnull, mode))
    sys.stdout.reconfigure(errors='backslashreplace')


def _settle_signals() -> None:
    """Have signals as we need them, whatever the caller has set; nohup(1) and a shell's ``&`` are meant, and stay."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it leaves wait(2) without a status
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # the shells on stage would inherit what is blocked
    for number in ENDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> None:
    """End as after Ctrl-C, once: a second signal must not disturb the clearing up."""
    for other in ENDS:
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def _send_inside(options: argparse.Namespace) -> int:
    """Play each page in name spaces of its own; return the worst exit status."""
    pages = [read(path) for path in options.pages]
    for page in pages:
        if options.scene is not None and not 0 < options.scene <= len(page.scenes):
            raise OSError(f'there is no scene {options.scene}: {page.path} has {len(page.scenes)}')
    level, why = (options.level, 'asked for') if options.level else namespaces.choose()
    worst = 0
    with orphans.none_left(level):
        for page in pages:
            if not page.scenes:
                print(f'{page.path}: no scenes', flush=True)
                continue
            order = Order(options.command, page.path, options.programs, level, why, options.deadline,
                          options.scene, options.keep_going)
            worst = max(worst, namespaces.inside(order))
            if options.command == 'check' and options.scene is None and exercises(page) and level != 'guest':
                starts = dataclasses.replace(order, exercises=STARTS, keep_going=True)
                worst = max(worst, namespaces.inside(starts))
    return worst


def _exercise(options: argparse.Namespace) -> int:
    """Play what a learner has made of an exercise, or say how far all of them are."""
    page = read(options.pages[0])
    learner = Learner(page, options.compiler)
    if not options.number:
        print('\n'.join(learner.states()))
        return 0
    for scene in exercises(page):
        if options.number in (scene.exercise, scene.exercise.partition('-')[0]):
            level, why = (options.level, 'asked for') if options.level else namespaces.choose(LIMITED)
            return learner.play(scene, level, why, options.deadline)
    raise OSError(f'there is no exercise {options.number}: "make exercise" lists them')


def _perform(options: argparse.Namespace) -> int:
    """Perform, or look on; the other commands start sooner without importing this."""
    from .perform import launch
    from .perform.tmux import ScreenError
    try:
        if options.command == 'attach':
            return launch.attach(options.what)
        return launch.play(options.inside) if options.inside else launch.perform(options)
    except ScreenError as error:
        print(f'stage: {error}', file=sys.stderr)
    return 2


def _play(order: Order) -> int:
    """Play one page; this process is inside of its name spaces already."""
    page = one(read(order.page), order.scene) if order.command == 'exercise' else read(order.page)
    real = os.path.realpath(page.path)  # a link to the page stays one
    folder = os.open(os.path.dirname(real), os.O_RDONLY | os.O_DIRECTORY)
    trees = kept(page, folder)
    colour = sys.stdout.isatty()
    with _sandbox(page, order) as sandbox:
        kind = {'promote': Promotion, 'exercise': Attempt}.get(order.command, Rehearsal)
        rehearsal = kind(page, sandbox, order.deadline,
                         show_progress if sys.stderr.isatty() else lambda cue: None, trees)
        result = rehearsal.play(None if order.command == 'exercise' else order.scene, order.keep_going)
    if order.exercises == STARTS:
        result.failures = unstated(page, result.failures, sandbox.hindrances)
    if sys.stderr.isatty():
        print('\r\033[K', end='', file=sys.stderr, flush=True)
    if isinstance(rehearsal, Attempt):
        print(rehearsal.verdict() if result.failures else sandbox.reasons())
        return 1 if result.failures else 0
    for failure in result.failures:
        print(failure.report(page.path))
    if isinstance(rehearsal, Promotion):
        _promote(rehearsal, os.path.basename(real), folder)
    line = result.summary(', with the starts' if order.exercises == STARTS else '')
    line += f' ({order.level}: {sandbox.reasons()})' if result.skipped else ''
    if result.failures:
        line += f', {len(result.failures)} failed' + (f' ({what})' if (what := elsewhere()) else '')
    print(f'\033[{31 if result.failures else 32}m{line}\033[0m' if colour else line, flush=True)
    return 1 if result.failures else 0


def _sandbox(page: Page, order: Order) -> Sandbox:
    compiler = os.environ.get('CC', 'cc')
    if order.level == 'guest':
        from .guest.sandbox import open_guest

        return open_guest(page, order, compiler)
    return open_sandbox(page, order, system_calls(compiler))


def _promote(promotion: Promotion, name: str, folder: int) -> None:
    """Write what came into the page and its trees, and say so; nothing, if a claim has failed."""
    if promotion.result.failures:
        print(f'{promotion.page.path}: nothing is promoted: mend the page or the programs first')
        return
    if promotion.edits:
        print(promotion.diff())
        write(name, promotion.text(), folder, promotion.page.text)
    for label, text in promotion.grown.items():
        with contextlib.suppress(FileExistsError):
            os.mkdir(FOLDER, dir_fd=folder)
        inside = os.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        write(f'{label}.json', text, inside)
        os.close(inside)
        print(f'{FOLDER}/{label}.json: written')


if __name__ == '__main__':
    sys.exit(main())
