"""Which name spaces a page is played in: what the machine allows, and a process inside of them.

Three levels, the first that the machine allows is taken:

``user``
    a user namespace, no privilege needed;
``root``
    the same name spaces, made by the super-user where user namespaces are forbidden;
``bare``
    no name spaces: a temporary folder on the machine itself.  Scenes that need more
    are skipped, and counted.

A performance may ask for ``host``: the machine itself, as ``bare``, but nothing is skipped, and
root's commands are run.

See namespaces(7), user_namespaces(7), ipc_namespaces(7).
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LEVELS = ('user', 'root', 'bare')
FOLDER = '/mnt'
USER, UID, HOST = 'student', 1000, 'classroom'
PR_SET_PDEATHSIG = 1
UNSHARE = ['unshare', '--mount', '--ipc', '--pid', '--uts', '--fork', '--mount-proc', '--kill-child']
ENTRANCES = {'user': [*UNSHARE, '--user', '--map-root-user', '--'], 'root': [*UNSHARE, '--']}


@dataclass(frozen=True)
class Order:
    """What the process in the name spaces is told, by one argument: this as JSON."""

    command: str
    """``check``, ``promote``, ``exercise`` or ``perform``."""
    page: str
    programs: str
    level: str
    why: str
    """What speaks against a better level."""
    deadline: float
    scene: int | None
    keep_going: bool = False
    auto: bool = False
    pace: float = 0
    seen: bool = False
    """Somebody looks on, at a terminal."""
    film: bool = False
    """It is a camera."""
    folder: str = ''
    """Of the performance's own files."""
    exercises: str = 'solutions'
    """The folder of what is put on stage as ``./exercises/``, below that of the programs or of code/."""

    @classmethod
    def from_json(cls, text: str) -> Order:
        """Return the order that this argument is."""
        return cls(**json.loads(text))

    def arguments(self) -> list[str]:
        """Return the arguments for ``python3 -m stage``."""
        return [self.command, '--inside', json.dumps(asdict(self)), '--', self.page]


def entrance(level: str) -> list[str]:
    """Return the command that runs another one in this level's name spaces; nothing, if it has none."""
    return ENTRANCES.get(level, [])


def choose(levels: Sequence[str] = LEVELS) -> tuple[str, str]:
    """Try the levels; return the first that works here, and why those before it did not."""
    refusals = []
    for level in levels[:-1]:
        if level == 'root' and os.geteuid() != 0:
            continue
        trial = [*entrance(level), 'sh', '-c', f'mount -t tmpfs stage {FOLDER} && '
                 + (f'chown {UID}:{UID} {FOLDER} && ' if level == 'root' else '')
                 + f'mount -t tmpfs stage /dev/shm && mount -t mqueue stage {FOLDER}']
        try:
            asked = subprocess.run(trial, capture_output=True, text=True)
        except FileNotFoundError:
            return 'bare', 'unshare(1) is not installed'
        if asked.returncode == 0:
            return level, '; '.join(refusals)
        refusals.append((asked.stderr.strip().splitlines() or ['unshare failed'])[-1])
    return 'bare', '; '.join(refusals)


def caller() -> tuple[int, int] | None:
    """Return the (uid, gid) of who has called sudo(8), if anybody has."""
    if os.geteuid() == 0 and 'SUDO_UID' in os.environ:
        return int(os.environ['SUDO_UID']), int(os.environ['SUDO_GID'])
    return None


def ordinary_user() -> str:
    """Make a user name space within ours, in which we are not root but an ordinary user.

    All terminals of that user enter this one: two of them could not look at each
    other's processes from two name spaces (``cap_ptrace_access_check()``).

    Returns:
        Its path, valid as long as this process runs.
    """
    command = ['unshare', '--user', f'--map-user={UID}', f'--map-group={UID}', '--', 'cat']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin and holder.stdout
        holder.stdin.write(b'\n')
        holder.stdin.flush()
        holder.stdout.read(1)  # an echo: the name space is complete
        users = os.open(f'/proc/{holder.pid}/ns/user', os.O_RDONLY)
        holder.stdin.close()
    return f'/proc/{os.getpid()}/fd/{users}'


def start(order: Order, **options: Any) -> subprocess.Popen[str]:
    """Start a process that plays, in the name spaces of the order's level.

    It ends when this process ends. ``options`` are those of :class:`subprocess.Popen`.
    """
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get('PYTHONPATH', '')]))
    command = [*entrance(order.level), sys.executable, '-m', 'stage', *order.arguments()]
    end = signal.SIGKILL if entrance(order.level) else signal.SIGTERM
    environment = {**os.environ, 'PYTHONPATH': path, **options.pop('env', {})}
    return subprocess.Popen(command, env=environment, preexec_fn=end_with_us(end), text=True,
                            **options)


def end_with_us(number: int) -> Callable[[], object]:
    """Return what makes a child get this signal when its parent ends; see prctl(2)."""
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, number)


def end(child: subprocess.Popen[str], level: str) -> None:
    """End what :func:`start` has started, with all that it has started itself."""
    child.terminate()
    try:
        child.wait(0.5 if entrance(level) else 2)  # unshare(1) ignores SIGTERM
    except subprocess.TimeoutExpired:
        child.kill()  # with unshare(1) goes all that it has started: --kill-child
        child.wait()


def inside(order: Order) -> int:
    """Have this played in the name spaces of its level.

    Returns:
        The exit status.
    """
    with start(order) as child:
        try:
            status = child.wait()
        except KeyboardInterrupt:  # Ctrl-C has reached the child, too; anything else may not have
            end(child, order.level)
            raise
    return status if status >= 0 else 128 - status
