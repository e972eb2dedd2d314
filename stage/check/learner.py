"""Somebody solves exercises: what they have made is compiled and played, and nothing that it does gets out or stays."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ..page.model import Cue, Page, Scene
from ..sandbox import namespaces, orphans
from ..sandbox.namespaces import Order
from ..sandbox.programs import CODE
from .exercises import STARTS, exercises, hints_of
from .rehearsal import Rehearsal

#: Seconds after which playing one exercise has no end: more than all deadlines of its cues.
PATIENCE = 300
#: Levels, those first in which there is a limit for processes: root has none, and ``user`` makes nobody else of it.
LIMITED = 'root', 'user', 'bare'
#: Processes that the programs of an exercise may have, and whatever else their user starts meanwhile.
CROWD = 256


class Attempt(Rehearsal):
    """Plays one exercise with somebody's program, and looks who sleeps where when it does not hold."""

    asleep: list[str] = []

    def _fail(self, cue: Cue, reason: str, real: list[str] | None = None) -> None:
        sleepers = [one for one in self.sandbox.view().processes if one.state == 'blocked' and one.call != 'wait4']
        self.asleep = [f'terminal {one.terminal}: {one.program} is blocked in {one.call}'
                       + (f' on {one.on}' if one.on else '') for one in sleepers[:5]]
        super()._fail(cue, reason.removesuffix(': the page must remove what it creates'), real)

    def verdict(self) -> str:
        """Return the reason in one line, and what to look at."""
        failure = self.result.failures[0]
        return '\n'.join([failure.reason, *failure.report(self.page.path).splitlines()[:1],
                          *failure.report('').splitlines()[2:], *(f'    {line}' for line in self.asleep)])


class Learner:
    """Somebody who solves exercises, in the folder ``exercises/`` of this repository.

    Its methods raise OSError: no compiler, a folder that cannot be written to, no end.

    Args:
        page: Has the exercises.
        compiler: The command that compiles a program, with all options.
    """

    def __init__(self, page: Page, compiler: str) -> None:
        self.page, self.compiler = page, shlex.split(compiler)
        self.top = CODE.parent
        #: Programs, their sources as compiled, and what came of them; beside it lead links to all other programs.
        self.tried = self.top / 'build/tried/exercises'

    def mine(self, name: str) -> Path:
        """Return the learner's own file."""
        return self.top / 'exercises' / f'{name}.c'

    def states(self) -> list[str]:
        """Return a line for each exercise: how far it is."""
        found = []
        for scene in exercises(self.page):
            name = scene.exercise
            said, mine, tried = self._said(name), self.mine(name), self.tried / f'{name}.c'
            if not mine.exists():
                state = 'not begun'
            elif not said or not tried.exists() or tried.read_bytes() != mine.read_bytes():
                state = 'changed since it was played' if said else 'begun'
            else:
                state = said['verdict']
            found.append(f'{name:24}{state}')
        return found

    def compile(self, name: str) -> bool:
        """Compile the learner's program, which is the start if there is none; what the compiler says is seen."""
        mine, program = self.mine(name), self.tried / name
        self.tried.mkdir(parents=True, exist_ok=True)
        for family in sorted(path.name for path in CODE.iterdir() if path.name != STARTS):
            with contextlib.suppress(OSError):  # it is there, or this file system has no links
                (self.tried.parent / family).symlink_to(f'../{family}')
        if not mine.exists():
            mine.parent.mkdir(exist_ok=True)
            shutil.copyfile(CODE / STARTS / mine.name, mine)
            self._note(name, 'begun', -1)  # the start itself is no attempt
            print(f'{mine.relative_to(self.top)}: this is where you work; the start has been copied there')
        program.unlink(missing_ok=True)
        shutil.copyfile(mine, self.tried / mine.name)
        libraries = [word for word in self.compiler if word.startswith('-l')]  # once more, for they follow the sources
        try:
            # Not optimized, so that turns finds each line where it is.
            done = subprocess.run([*self.compiler, '-O0', '-o', program, mine.relative_to(self.top), *libraries],
                                  cwd=self.top, stdin=subprocess.DEVNULL)
        except OSError as error:
            raise OSError(f'no compiler: {self.compiler[0]}: {error.strerror}') from None
        return done.returncode == 0

    def play(self, scene: Scene, level: str, why: str, deadline: float) -> int:
        """Compile and play an exercise, and say what came of it; return the exit status."""
        name = scene.exercise
        if not self.compile(name):
            self._note(name, 'does not compile', self._said(name).get('failed', 0))
            return 1
        _limit_processes(level)
        order = Order('exercise', self.page.path, str(self.top / 'build'), level, why, deadline, scene.number,
                      exercises=str(self.tried))
        with orphans.none_left(level):
            child, said = self._played(order, name)
        if child.returncode not in (0, 1) or child.returncode and not said:
            return child.returncode  # what is wrong has been said
        failed = self._said(name).get('failed', 0)
        if child.returncode == 0:
            print(f'{name} holds' + (f', as far as can be seen here ({said[0]})' if said else ''))
            print(*self._next(scene), sep='\n')
        else:
            print('\n'.join([f'{name}: {said[0]}', *said[1:]]))
            if failed >= 0 and (hints := hints_of(self.page, scene)):
                number = min(failed + 1, len(hints))
                print(f'Hint {number} of {len(hints)}: {hints[number - 1]}')
        self._note(name, f'fails: {said[0]}' if child.returncode else 'holds', failed + child.returncode)
        return child.returncode

    def _next(self, scene: Scene) -> list[str]:
        """Return what to do after an exercise that holds."""
        number = scene.exercise.partition('-')[0]
        others = [other.exercise.partition('-')[0] for other in exercises(self.page)]
        follow = others[others.index(number) + 1:][:1]
        return [f'To compare: solution {number} in build/html/solutions.html',
                *(f'The next one: make exercise N={other}' for other in follow)]

    def _played(self, order: Order, name: str) -> tuple[subprocess.Popen[str], list[str]]:
        """Have it played; return the process, which has ended, and its lines."""
        with namespaces.start(order, stdout=subprocess.PIPE) as child:
            try:
                return child, child.communicate(timeout=PATIENCE)[0].strip().splitlines()
            except KeyboardInterrupt:
                namespaces.end(child, order.level)
                raise
            except subprocess.TimeoutExpired:
                namespaces.end(child, order.level)
                raise OSError(f'{name}: no end within {PATIENCE} s') from None

    def _said(self, name: str) -> dict[str, object]:
        """Return what came of it the last time, if it has been played."""
        try:
            return json.loads((self.tried / f'{name}.json').read_text())
        except (OSError, ValueError):
            return {}

    def _note(self, name: str, verdict: str, failed: object) -> None:
        (self.tried / f'{name}.json').write_text(json.dumps({'verdict': verdict, 'failed': failed}))


def _limit_processes(level: str) -> None:
    """Allow so many processes more than there are of whoever runs the programs; see getrlimit(2)."""
    user = namespaces.UID if level == 'root' else os.getuid()
    threads = 0
    for entry in os.scandir('/proc'):
        if entry.name.isdigit():
            try:
                threads += len(os.listdir(f'{entry.path}/task')) if entry.stat().st_uid == user else 0
            except OSError:
                pass  # it has ended
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    limit = threads + CROWD if hard == resource.RLIM_INFINITY else min(threads + CROWD, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, hard))
    sys.stdout.flush()
