"""The private stage on which a page is played: its own folder, objects, users and PIDs.

Three levels, the first that the machine allows is taken:

``user``
    a user namespace, no privilege needed;
``root``
    the same name spaces, made by the super-user where user namespaces are forbidden;
``bare``
    no name spaces: a temporary folder on the machine itself.  Scenes that need more
    are skipped, and counted.

See namespaces(7), user_namespaces(7), ipc_namespaces(7).
"""

from __future__ import annotations

import ctypes
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .script import Page, ScriptError
from .terminal import Terminal, processes

LEVELS = ('user', 'root', 'bare')
FOLDER = '/mnt'
USER, UID, HOST = 'student', 1000, 'classroom'
PASSWD = f"""\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
{USER}:x:{UID}:{UID}:Student:/home/{USER}:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = f'root:x:0:\n{USER}:x:{UID}:\nnogroup:x:65534:\n'
FIRST_PID = 4242
PR_SET_PDEATHSIG = 1
UNSHARE = ('unshare', '--mount', '--ipc', '--pid', '--uts', '--fork', '--mount-proc',
           '--kill-child')
PROGRAM = re.compile(r'(?<![\w./])\./([\w.-]+(?:/[\w.-]+)*)')


def entrance(level: str) -> list[str]:
    """Return the command that runs another one in this level's name spaces."""
    if level == 'bare':
        return []
    return [*UNSHARE, *(['--user', '--map-root-user'] if level == 'user' else []), '--']


def choose() -> tuple[str, str]:
    """Try the levels; return the first that works here, and why those before it did not."""
    refusals = []
    for level in LEVELS[:-1]:
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


class Stage:
    """The place where the terminals of one page live; a context manager that leaves nothing.

    Args:
        page: Its commands name the programs that are put on stage.
        programs: The folder that they come from; ``./shm/030-x`` is ``programs/shm/030-x``.
        level: One of :data:`LEVELS`; but for ``bare``, this process must be inside already.
        calls: From :func:`stage.terminal.system_calls`.

    Raises:
        ScriptError: A program that the page names is missing.
        FileExistsError: Bare, and an object that the page names exists already.
    """

    def __init__(self, page: Page, programs: str, level: str, calls: Mapping[int, str]) -> None:
        self.page, self.level, self.calls = page, level, calls
        self.terminals: dict[tuple[str, bool], Terminal] = {}
        self.temporary: str | None = None
        self.queues: str | None = None
        wanted = self._wanted(programs)
        if level == 'bare':
            self.queues = '/dev/mqueue' if os.path.ismount('/dev/mqueue') else None
            self.before = self.objects(every=True)
            ours = sorted(name for name in self.before if self._named(name))
            if ours:
                raise FileExistsError(f'{ours[0]} exists: another play may be running; if not, '
                                      'remove it ("make clean-ipc") and play again')
            self.folder = self.temporary = tempfile.mkdtemp(prefix='stage-')
        else:
            self.before = set()
            self.folder = FOLDER
            self._furnish()
        for name, content in wanted.items():
            target = Path(self.folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o555)
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
        self.queues = f'{FOLDER}/queues'
        os.mkdir(self.queues)
        mount('mqueue', self.queues, 'rw')
        keep = os.open(self.queues, os.O_RDONLY | os.O_DIRECTORY)
        self.queues = f'/proc/self/fd/{keep}'
        mount('tmpfs', FOLDER, 'mode=755')  # empty again: the first one is only under it
        if self.level == 'user':
            self.users = _ordinary_user()
        else:
            os.chown(FOLDER, UID, UID)
        mount('tmpfs', os.path.realpath('/dev/shm'), 'mode=1777')
        socket.sethostname(HOST)
        Path('/proc/sys/kernel/ns_last_pid').write_text(str(FIRST_PID - 1))

    def words(self) -> dict[str, str]:
        """Return the documented names that stand for this machine's."""
        if self.level != 'bare':
            return {}
        import pwd  # the real one, read here and not before another is mounted over it
        user = pwd.getpwuid(os.geteuid()).pw_name
        return {USER: user, HOST: socket.gethostname()}

    def terminal(self, name: str, root: bool) -> Terminal:
        """Return a terminal; root's commands run in a shell of root's own, as with sudo."""
        if (name, root) not in self.terminals:
            command, user = ['bash'], None
            if not root and self.level == 'user':
                command = ['nsenter', f'--user={self.users}', '--preserve-credentials', '--',
                           'bash']
            elif not root and self.level == 'root':
                user = UID, UID
            environment = {'PATH': os.environ.get('PATH', os.defpath), 'LC_ALL': 'C', 'TZ': 'UTC',
                           'HOME': self.folder}
            self.terminals[name, root] = Terminal(name, command, self.folder, environment,
                                                  self.calls, user)
        return self.terminals[name, root]

    def pids(self) -> set[int]:
        """Return all PIDs seen in the terminals."""
        table = processes()
        for terminal in self.terminals.values():
            terminal.processes(table)
        return {pid for terminal in self.terminals.values() for pid in terminal.seen}

    def objects(self, every: bool = False) -> set[str]:
        """Return what stands in /dev/shm and the queues; bare, what the play has put there."""
        found = {f'/dev/shm/{entry}' for entry in _list('/dev/shm')}
        if self.queues:
            found |= {f'message queue /{entry}' for entry in _list(self.queues)}
        else:
            found |= {f'message queue /{name}' for name in self._names() if self._queue(name)}
        if every:
            return found
        return {name for name in found - self.before if self.level != 'bare' or self._named(name)}

    def _named(self, name: str) -> bool:
        """Whether the page names this object: then it belongs to the play."""
        return name.rpartition('/')[2].removeprefix('sem.') in self._names()

    def _names(self) -> set[str]:
        """Return what the page mentions as ``/name``, without the slash."""
        return set(re.findall(r'/([\w.-]*\w)(?![\w/])', self.page.text))

    def _queue(self, name: str, remove: bool = False) -> bool:
        """Whether a queue exists, or could be removed; asked directly, nothing being mounted.

        The system calls, unlike :manpage:`mq_open(3)`, take the name without its slash.
        """
        numbers = {call: number for number, call in self.calls.items()}
        libc = ctypes.CDLL(None)
        if remove:
            return libc.syscall(numbers['mq_unlink'], name.encode()) == 0
        fd = libc.syscall(numbers['mq_open'], name.encode(), os.O_RDONLY | os.O_NONBLOCK, 0, None)
        if fd != -1:
            os.close(fd)
        return fd != -1

    def clear(self) -> None:
        """Close the terminals and remove the objects: an empty stage, as for a fresh scene."""
        for terminal in self.terminals.values():
            terminal.close()
        self.terminals.clear()
        for name in self.objects():
            if name.startswith('/dev/shm/'):
                os.unlink(name)
            elif self.queues:
                os.unlink(f'{self.queues}/{name.rpartition("/")[2]}')
            else:
                self._queue(name.rpartition('/')[2], remove=True)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *exception: object) -> None:
        self.clear()
        if self.temporary:
            shutil.rmtree(self.temporary, ignore_errors=True)


def _ordinary_user() -> str:
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


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def inside(level: str, arguments: list[str]) -> int:
    """Run ``python3 -m stage`` with these arguments in this level's name spaces.

    Returns:
        Its exit status.
    """
    package = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, [package, os.environ.get('PYTHONPATH', '')]))
    command = [*entrance(level), sys.executable, '-m', __package__, *arguments]
    prctl, end = ctypes.CDLL(None).prctl, signal.SIGTERM if level == 'bare' else signal.SIGKILL

    def end_with_us() -> None:
        prctl(PR_SET_PDEATHSIG, end)

    with subprocess.Popen(command, env={**os.environ, 'PYTHONPATH': path},
                          preexec_fn=end_with_us) as child:
        try:
            status = child.wait()
        except KeyboardInterrupt:  # Ctrl-C has reached the child, too; anything else may not have
            child.terminate()
            try:
                child.wait(2 if level == 'bare' else 0.5)  # unshare(1) ignores SIGTERM
            except subprocess.TimeoutExpired:
                child.kill()  # with unshare(1) goes all that it has started: --kill-child
            raise
    return status if status >= 0 else 128 - status
