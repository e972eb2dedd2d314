"""The stage on which a page is played: its own folder, programs, objects, users and terminals."""

from __future__ import annotations

import contextlib
import functools
import grp
import os
import pwd
import re
import resource
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..page.model import AtPrompt, Page, Scene, ScriptError
from .mounts import empty_folder, furnish, remove_folder
from .namespaces import FOLDER, HOST, UID, USER, Order, caller, entrance, ordinary_user
from .objects import PREFIX, Objects
from .permissions import why_unseen, why_untraced
from .processes import Table, processes
from .programs import CODE, called
from .terminal import Terminal
from .view import View, Viewer

FIRST_PID = 4242
#: All of a shell's environment but PATH and HOME: nothing of the caller's gets in, nor the machine's
#: settings of readline; and strace(1) does not colour (6.19 and later do).
ENVIRONMENT = {'LC_ALL': 'C', 'TZ': 'UTC', 'INPUTRC': '/dev/null', 'NO_COLOR': '1'}


class Sandbox:
    """The place where the terminals of one page live; a context manager that leaves nothing.

    Made by :func:`open_sandbox`.
    """

    #: (uid, gid) of who types ordinary commands, if it is not who we are.
    user: tuple[int, int] | None = None
    #: What starts the shell of who types ordinary commands.
    entering: tuple[str, ...] = ()
    folder: str
    stock: Objects

    def __init__(self, page: Page, order: Order, calls: Mapping[int, str], kind: type[Terminal]) -> None:
        self.page, self.order, self.calls, self.kind = page, order, calls, kind
        self.level, self.why = order.level, order.why
        self.terminals: dict[tuple[str, bool], Terminal] = {}
        self.viewer = Viewer(calls)
        self.programs = self._wanted(order)
        os.umask(0o022)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # else "(core dumped)" comes and goes
        self._prepare()
        try:
            self._put_programs()
        except BaseException:
            self.__exit__()
            raise

    def _prepare(self) -> None:
        """Make the folder, and know the objects."""
        raise NotImplementedError

    def _wanted(self, order: Order) -> dict[str, bytes]:
        """Read the programs that the page's commands name, and their sources, which lie beside them."""
        found, programs = {}, order.programs
        for cue, name in called(self.page):
            if '..' in name.split('/'):
                raise ScriptError(self.page.path, cue.line, f'./{name} leads out of the stage: '
                                  'name a program as ./FAMILY/PROGRAM, and another file without "./"')
            there = re.sub(r'^exercises(?=/)', lambda _: order.exercises, name)
            try:
                found[name] = Path(programs, there).read_bytes()
                if (source := CODE / f'{there}.c').exists():
                    found[f'{name}.c'] = source.read_bytes()
            except OSError as error:
                raise ScriptError(self.page.path, cue.line, f'./{name}: {error.strerror}: '
                                  f'there is no such program in {programs}/') from None
        return found

    def _put_programs(self) -> None:
        for name, content in self.programs.items():
            target = Path(self.folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o444 if target.suffix == '.c' else 0o555)

    def words(self) -> dict[str, str]:
        """Return this machine's names, and the documented ones that stand for them."""
        return {}

    def left_out(self, scene: Scene) -> bool:
        """Whether a scene needs what is not to be had here, or goes on with one that does."""
        return scene.number in self.hindrances

    @functools.cached_property
    def hindrances(self) -> dict[int, str]:
        """Number of a scene that is left out -> why."""
        found, unseen = {}, ''
        for scene in self.page.scenes:
            unseen = ('' if scene.fresh else unseen) or self._unseen(scene)
            if why := self._forbidden(scene) or unseen:
                found[scene.number] = why
        return found

    def reasons(self) -> str:
        """Return why scenes are left out."""
        return '; '.join(dict.fromkeys(self.hindrances.values()))

    def _forbidden(self, scene: Scene) -> str:
        """Return why a scene cannot be played at this level, if so."""
        return ''

    def _unseen(self, scene: Scene) -> str:
        """Return why it cannot be seen what a scene is about, if so."""
        for cue in scene.cues:
            if not isinstance(cue.end, AtPrompt) and self._blind:
                return self._blind
            if re.search(r'\bstrace\b|/turns\b', cue.command) and self._untraced:
                return self._untraced
        return ''

    @functools.cached_property
    def _blind(self) -> str:
        return why_unseen(self.entering, self.user)

    @functools.cached_property
    def _untraced(self) -> str:
        return why_untraced(self.entering, self.user)

    def terminal(self, name: str, root: bool) -> Terminal:
        """Return a terminal; root's commands run in a shell of root's own, as with sudo."""
        if (name, root) not in self.terminals:
            environment = {**ENVIRONMENT, 'PATH': os.environ.get('PATH', os.defpath), 'HOME': self.folder}
            entering, user = ((), None) if root else (self.entering, self.user)
            self.terminals[name, root] = self.kind(name, [*entering, 'bash'], self.folder, environment,
                                                   self.calls, user)
        return self.terminals[name, root]

    def processes(self) -> Table:
        """Return the processes of all terminals."""
        return processes(terminal.job.shell for terminal in self.terminals.values())

    def pids(self) -> set[int]:
        """Return all PIDs seen in the terminals."""
        table = self.processes()
        for terminal in self.terminals.values():
            terminal.job.processes(table)
        return {pid for terminal in self.terminals.values() for pid in terminal.job.seen}

    def objects(self) -> set[str]:
        """Return what the play has put into /dev/shm and the queues."""
        return self.stock.there()

    def view(self) -> View:
        """Return what the kernel sees of the play now."""
        return self.viewer.look(self.objects(), {terminal.job.shell: terminal.name
                                                 for terminal in self.terminals.values()})

    def clear(self) -> None:
        """Close the terminals and remove the objects: an empty stage, as for a fresh scene."""
        for key, terminal in list(self.terminals.items()):
            terminal.close()
            del self.terminals[key]  # only now: what a signal interrupts is done once more, by __exit__()
        for name in self.objects():
            with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
                self.stock.remove(name)

    def begin_again(self) -> None:
        """Make everything as it was before the play, its folder too."""
        self.clear()
        empty_folder(self.folder)
        self._put_programs()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *exception: object) -> None:
        self.clear()


class Private(Sandbox):
    """A stage of its own, in name spaces; this process is inside already."""

    def _prepare(self) -> None:
        self.folder = FOLDER
        self.stock = Objects([self.page], queues=furnish())
        if self.level == 'user':
            self.entering = 'nsenter', f'--user={ordinary_user()}', '--preserve-credentials', '--'
        else:
            self.user = UID, UID
            os.chown(FOLDER, UID, UID)
        socket.sethostname(HOST)
        with contextlib.suppress(FileNotFoundError):  # a kernel without CONFIG_CHECKPOINT_RESTORE
            Path('/proc/sys/kernel/ns_last_pid').write_text(str(FIRST_PID - 1))


class Machine(Sandbox):
    """A temporary folder on the machine itself, among its objects: ``bare`` or ``host``."""

    def _prepare(self) -> None:
        self.stock = Objects([self.page], PREFIX if self.level == 'host' else '')
        self.before = self.stock.there()
        self.user = caller() if self.level == 'host' else None
        if ours := self.stock.left():
            raise FileExistsError(f'{ours[0]} exists: another play may be running; if not, '
                                  'remove it ("make clean-ipc") and play again')
        self.folder = tempfile.mkdtemp(prefix='stage-')
        if os.statvfs(self.folder).f_flag & os.ST_NOEXEC:
            os.rmdir(self.folder)
            raise OSError(f'no program can be run in {tempfile.gettempdir()} (mounted noexec): '
                          'set TMPDIR to a folder where programs run')
        if self.user:
            os.chown(self.folder, *self.user)

    def words(self) -> dict[str, str]:
        uid, gid = self.user or (os.geteuid(), os.getegid())
        user, group = str(uid), str(gid)  # what is not listed is a number: ls(1), id(1)
        with contextlib.suppress(KeyError):
            user = pwd.getpwuid(uid).pw_name
        with contextlib.suppress(KeyError):
            group = grp.getgrgid(gid).gr_name
        return {user: USER, group: USER, socket.gethostname(): HOST}

    def _forbidden(self, scene: Scene) -> str:
        more = scene.private or any(cue.root for cue in scene.cues)
        return self.why if self.level == 'bare' and more else ''

    def objects(self) -> set[str]:
        return {name for name in self.stock.there() if self.stock.of_the_play(name)
                or self.order.command == 'exercise' and name not in self.before and self.stock.of_the_course(name)}

    def __exit__(self, *exception: object) -> None:
        try:
            super().__exit__(*exception)
        finally:
            remove_folder(self.folder)


def open_sandbox(page: Page, order: Order, calls: Mapping[int, str], kind: type[Terminal] = Terminal) -> Sandbox:
    """Make the stage for a page.

    Args:
        page: Its commands name the programs that are put on stage.
        order: Has the level, in whose name spaces this process is already, and the folder of the
            programs: ``./shm/030-x`` is ``programs/shm/030-x``.
        calls: From :func:`stage.sandbox.processes.system_calls`.
        kind: What a terminal is made of.

    Raises:
        ScriptError: A program that the page names is missing.
        OSError: On the machine, and an object that the page names exists already, or the folder for
            temporary files is of no use.
    """
    return (Private if entrance(order.level) else Machine)(page, order, calls, kind)
