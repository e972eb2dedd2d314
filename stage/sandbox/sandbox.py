"""The private stage on which a page is played: its own folder, objects, users and PIDs.

Three levels, the first that the machine allows is taken:

``user``
    a user namespace, no privilege needed;
``root``
    the same name spaces, made by the super-user where user namespaces are forbidden;
``bare``
    no name spaces: a temporary folder on the machine itself.  Scenes that need more
    are skipped, and counted.

A performance may ask for ``host``: the machine itself, as ``bare``, but nothing is skipped.

See namespaces(7), user_namespaces(7), ipc_namespaces(7).
"""

from __future__ import annotations

import os
import re
import resource
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..page.model import Page, ScriptError
from .namespaces import FOLDER, HOST, ON_THE_MACHINE, UID, USER, caller, ordinary_user
from .objects import Objects
from .processes import processes
from .terminal import Terminal

PASSWD = f"""\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
{USER}:x:{UID}:{UID}:Student:/home/{USER}:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = f'root:x:0:\n{USER}:x:{UID}:\nnogroup:x:65534:\n'
FIRST_PID = 4242
PROGRAM = re.compile(r'(?<![\w./])\./([\w.-]+(?:/[\w.-]+)*)')


class Sandbox:
    """The place where the terminals of one page live; a context manager that leaves nothing.

    Args:
        page: Its commands name the programs that are put on stage.
        programs: The folder that they come from; ``./shm/030-x`` is ``programs/shm/030-x``.
        level: One of :data:`LEVELS`, or ``host``; but for ``bare`` and ``host``, this process
            must be inside already.
        calls: From :func:`stage.sandbox.processes.system_calls`.
        kind: What a terminal is made of.

    Raises:
        ScriptError: A program that the page names is missing.
        FileExistsError: On the machine, and an object that the page names exists already.
    """

    def __init__(self, page: Page, programs: str, level: str, calls: Mapping[int, str],
                 kind: type[Terminal] = Terminal) -> None:
        self.page, self.level, self.calls, self.kind = page, level, calls, kind
        self.terminals: dict[tuple[str, bool], Terminal] = {}
        self.temporary: str | None = None
        self.all = Objects(page, calls, 'ipc-' if level == 'host' else '')
        self.user = caller() if level == 'host' else (UID, UID) if level == 'root' else None
        self.programs = self._wanted(programs)
        if level in ON_THE_MACHINE:
            self.before = self.all.there()
            if ours := self.all.left():
                raise FileExistsError(f'{ours[0]} exists: another play may be running; if not, '
                                      'remove it ("make clean-ipc") and play again')
            self.folder = self.temporary = tempfile.mkdtemp(prefix='stage-')
            if self.user:
                os.chown(self.folder, *self.user)
        else:
            self.before = set()
            self.folder = FOLDER
            self._furnish()
        self._put_programs()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # else "(core dumped)" comes and goes
        os.umask(0o022)

    def _wanted(self, programs: str) -> dict[str, bytes]:
        """Read the programs that the page's commands name."""
        found = {}
        for cue in self.page.cues():
            for name in PROGRAM.findall(cue.command if cue.kind == 'run' else ''):
                try:
                    found[name] = Path(programs, name).read_bytes()
                except OSError as error:
                    raise ScriptError(self.page.path, cue.line, f'./{name}: {error.strerror}: '
                                      f'there is no such program in {programs}/') from None
        return found

    def _put_programs(self) -> None:
        for name, content in self.programs.items():
            target = Path(self.folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o555)

    def _furnish(self) -> None:
        """Mount the stage over the machine's places; only this name space sees it."""
        def mount(kind: str, target: str, options: str) -> None:
            subprocess.run(['mount', '-t', kind, '-o', options, 'stage', target], check=True)

        mount('tmpfs', FOLDER, 'mode=755')
        for name, content in (('passwd', PASSWD), ('group', GROUP)):
            Path(FOLDER, name).write_text(content)
            subprocess.run(['mount', '--bind', f'{FOLDER}/{name}', f'/etc/{name}'], check=True)
        # Folders are made inside of a mount of our own only: in a private mount
        # name space, mkdir /dev/mqueue would still change the machine's /dev.
        queues = f'{FOLDER}/queues'
        os.mkdir(queues)
        mount('mqueue', queues, 'rw')
        keep = os.open(queues, os.O_RDONLY | os.O_DIRECTORY)
        self.all.queues = f'/proc/self/fd/{keep}'
        mount('tmpfs', FOLDER, 'mode=755')  # empty again: the first one is only under it
        if self.level == 'user':
            self.users = ordinary_user()
        else:
            os.chown(FOLDER, UID, UID)
        mount('tmpfs', os.path.realpath('/dev/shm'), 'mode=1777')
        socket.sethostname(HOST)
        Path('/proc/sys/kernel/ns_last_pid').write_text(str(FIRST_PID - 1))

    def words(self) -> dict[str, str]:
        """Return the documented names that stand for this machine's."""
        if self.level not in ON_THE_MACHINE:
            return {}
        import pwd  # the real one, read here and not before another is mounted over it
        user = pwd.getpwuid(self.user[0] if self.user else os.geteuid()).pw_name
        return {USER: user, HOST: socket.gethostname()}

    def terminal(self, name: str, root: bool) -> Terminal:
        """Return a terminal; root's commands run in a shell of root's own, as with sudo."""
        if (name, root) not in self.terminals:
            command, user = ['bash'], None
            if not root and self.level == 'user':
                command = ['nsenter', f'--user={self.users}', '--preserve-credentials', '--',
                           'bash']
            elif not root:
                user = self.user
            environment = {'PATH': os.environ.get('PATH', os.defpath), 'LC_ALL': 'C', 'TZ': 'UTC',
                           'HOME': self.folder}
            self.terminals[name, root] = self.kind(name, command, self.folder, environment,
                                                   self.calls, user)
        return self.terminals[name, root]

    def pids(self) -> set[int]:
        """Return all PIDs seen in the terminals."""
        table = processes()
        for terminal in self.terminals.values():
            terminal.job.processes(table)
        return {pid for terminal in self.terminals.values() for pid in terminal.job.seen}

    def objects(self) -> set[str]:
        """Return what the play has put into /dev/shm and the queues."""
        found = self.all.there() - self.before
        if self.level not in ON_THE_MACHINE:
            return found
        return {name for name in found if self.all.of_the_play(name)}

    def clear(self) -> None:
        """Close the terminals and remove the objects: an empty stage, as for a fresh scene."""
        for terminal in self.terminals.values():
            terminal.close()
        self.terminals.clear()
        for name in self.objects():
            self.all.remove(name)

    def begin_again(self) -> None:
        """Make everything as it was before the play, its folder too."""
        self.clear()
        empty_folder(self.folder)
        self._put_programs()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *exception: object) -> None:
        self.clear()
        if self.temporary:
            remove_folder(self.temporary)


def empty_folder(folder: str) -> None:
    """Remove what is in a folder; what is mounted there is taken away, not looked into."""
    lines = Path('/proc/self/mountinfo').read_text().splitlines()
    for place in reversed([line.split()[4] for line in lines]):
        if place.startswith(os.path.realpath(folder) + '/'):
            subprocess.run(['umount', place], capture_output=True)
    subprocess.run(['find', folder, '-xdev', '-mindepth', '1', '-delete'], capture_output=True)


def remove_folder(folder: str) -> None:
    """Remove a folder with all in it, unless something stays mounted there."""
    empty_folder(folder)
    try:
        os.rmdir(folder)
    except OSError:
        pass  # or somebody else is at it, too


