"""What the kernel sees of a play: which objects there are, who uses them, who sleeps on what.

:func:`view_from` makes it from texts of /proc alone (``tests/cases/view.json`` has some, and what
comes of them), :class:`Viewer` reads these.  Whoever else answers this answers the same JSON.

A named semaphore of glibc is a file ``sem.NAME`` (sem_open.c in nptl/).  Its value is the low half of
the first 64-bit word; on 32 bits, all but the lowest bit of the first word (``struct new_sem`` in
sysdeps/nptl/internaltypes.h).  Who sleeps is asked of /proc: the number of waiters that stands beside
the value stays when one is killed.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .objects import attributes_of_queues
from .processes import Sleep, processes, read_file, sleep_from

#: Calls that sleep on what a descriptor leads to: it is their first argument.
BY_DESCRIPTOR = {'read', 'readv', 'pread64', 'write', 'writev', 'pwrite64', 'splice', 'fcntl', 'fcntl64', 'flock',
                 'mq_timedsend', 'mq_timedreceive', 'accept', 'accept4', 'connect', 'recvfrom', 'recvmsg',
                 'sendto', 'sendmsg'}
#: Calls that sleep on what a path leads to, and which argument is its address.
BY_PATH = {'open': 0, 'openat': 1}
MAPPING = re.compile(r'^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \d+ +(/.*)$', re.MULTILINE)
#: Letters of proc_pid_stat(5); who sleeps is blocked only if nothing but another one wakes it.
STATES = {'T': 'stopped', 't': 'stopped', 'Z': 'ended', 'X': 'ended'}
#: Kind, name, and whether the name is gone.
Key = tuple[str, str, bool]


@dataclass
class Object:
    """Shared memory (``shm``), a semaphore (``sem``) or a message queue (``mq``)."""

    kind: str
    name: str
    unlinked: bool
    size: int | None = None
    """Bytes of the shared memory, or of a message."""
    value: int | None = None
    messages: int | None = None
    maximum: int | None = None
    """Messages for which there is room."""
    users: list[int] = field(default_factory=list)
    """PIDs that have it mapped or open."""
    sleepers: list[int] = field(default_factory=list)


@dataclass
class Process:
    """A process in a terminal, besides its shell."""

    pid: int
    terminal: str
    program: str
    state: str
    """``running``, also if a timer will wake it; ``blocked``, ``stopped`` or ``ended``."""
    call: str | None = None
    """The system call in which it sleeps."""
    on: str | None = None
    """The object on which it sleeps, or the path of another file."""
    since: float | None = None
    """Seconds since it was first seen asleep there."""


@dataclass
class View:
    """Objects by kind and name, processes by PID."""

    objects: list[Object]
    processes: list[Process]

    def to_json(self) -> dict[str, list[dict[str, object]]]:
        """Return it as JSON has it, without what does not apply."""
        return {name: [{key: value for key, value in vars(one).items() if value is not None} for one in found]
                for name, found in vars(self).items()}


@dataclass(frozen=True)
class Texts:
    """What a view is made from."""

    folder: str
    """/dev/shm, as ``maps`` shows it."""
    shm: Mapping[str, tuple[int, bytes]]
    """Name of a file there -> its size and first 8 bytes."""
    queues: Mapping[str, Mapping[str, int]]
    """Name of a queue -> ``messages``, ``size`` and ``maximum``, as far as it may be read."""
    terminals: Mapping[int, str]
    """PID of the shell -> name of the terminal."""
    proc: Mapping[int, Mapping[str, Any]]
    """PID -> name -> text of a file there; ``fd`` is descriptor -> link, ``path`` what is being opened.

    Of one that has just ended, only ``stat`` is there.
    """


#: Of a process that has just ended.
NOTHING: Mapping[str, Any] = {'cmdline': '', 'syscall': '', 'status': '', 'maps': '', 'fd': {}}


def view_from(texts: Texts, calls: Mapping[int, str]) -> View:
    """Make the model; ``calls`` is from :func:`stage.sandbox.processes.system_calls`."""
    objects: dict[Key, Object] = {}
    for name, (size, start) in texts.shm.items():
        key = _key(f'{texts.folder}/{name}', texts)
        assert key
        objects[key] = Object(*key, size=size) if key[0] == 'shm' else Object(*key, value=_value(size, start))
    for name, attributes in texts.queues.items():
        objects['mq', f'/{name}', False] = Object('mq', f'/{name}', False, **attributes)
    found = []
    for pid, told in sorted(texts.proc.items()):
        files = {**NOTHING, **told}
        for key in {_key(path, texts) for path in _paths(files)} - {None}:
            objects.setdefault(key, Object(*key)).users.append(pid)
        found.append(process := _process(pid, files, texts, calls))
        if process.on and (key := _key(process.on, texts)):
            process.on = key[1]
            objects.setdefault(key, Object(*key)).sleepers.append(pid)
    return View([objects[key] for key in sorted(objects)], found)


def _process(pid: int, files: Mapping[str, Any], texts: Texts, calls: Mapping[int, str]) -> Process:
    """Return a process, the place where it sleeps still as a path."""
    letter, _, _, session = files['stat'].rpartition(')')[2].split()[:4]
    name = os.path.basename(files['cmdline'].split('\0')[0]) or re.findall(r'\((.*)\)', files['stat'])[0]
    sleep = sleep_from(pid, files['syscall'], files['status'], calls)
    state = STATES.get(letter, 'blocked' if sleep and not sleep.timed else 'running')
    process = Process(pid, texts.terminals.get(int(session), ''), name, state)
    if sleep:
        process.call, process.on = sleep.call, _place(sleep, files)
    return process


def _place(sleep: Sleep, files: Mapping[str, Any]) -> str | None:
    """Return the path of what somebody sleeps on, as maps and descriptors show it."""
    if sleep.call == 'futex':
        return next((path for begin, end, path in MAPPING.findall(files['maps'])
                     if int(begin, 16) <= sleep.arguments[0] < int(end, 16)), None)
    if sleep.call in BY_DESCRIPTOR:
        return files['fd'].get(str(sleep.arguments[0]))
    return files.get('path')


def _paths(files: Mapping[str, Any]) -> Iterable[str]:
    return [*(path for _, _, path in MAPPING.findall(files['maps'])), *files['fd'].values()]


def _key(path: str, texts: Texts) -> Key | None:
    """Return the object that a path leads to, if it is one: a queue is ``/NAME`` in a mount of the kernel's own."""
    bare = path.removesuffix(' (deleted)')
    folder, _, name = bare.rpartition('/')
    if folder == texts.folder:
        return 'sem' if name.startswith('sem.') else 'shm', f'/{name.removeprefix("sem.")}', bare != path
    if bare == f'/{name}' and (bare != path or name in texts.queues) and not name.startswith('memfd:'):
        return 'mq', bare, bare != path
    return None


def _value(size: int, start: bytes) -> int:
    word = int.from_bytes(start[:4] if size == 16 else start, sys.byteorder)
    return word >> 1 if size == 16 else word & 0xffffffff


class Viewer:
    """Looks again and again, and so knows since when somebody sleeps.

    Args:
        calls: From :func:`stage.sandbox.processes.system_calls`.
    """

    def __init__(self, calls: Mapping[int, str]) -> None:
        self.calls = calls
        self.asleep: dict[Sleep, float] = {}  # and when it was first seen

    def look(self, objects: Collection[str], terminals: Mapping[int, str]) -> View:
        """Return what there is now.

        Args:
            objects: As :meth:`stage.sandbox.objects.Objects.there` names them; what processes use counts, too.
            terminals: PID of the shell -> name of the terminal.
        """
        folder = os.path.realpath('/dev/shm')
        files = [name.removeprefix('/dev/shm/') for name in objects if name.startswith('/dev/shm/')]
        queues = [name.rpartition('/')[2] for name in objects if not name.startswith('/dev/shm/')]
        inside = processes(terminals).keys() - terminals.keys()
        proc = {pid: read for pid in inside if (read := _read_process(pid, self.calls))}
        shm = {name: read for name in files if (read := _read_shm(f'{folder}/{name}'))}
        view = view_from(Texts(folder, shm, attributes_of_queues(queues), terminals, proc), self.calls)
        now, before, self.asleep = time.monotonic(), self.asleep, {}
        for process in view.processes:
            files = proc[process.pid]
            if sleep := sleep_from(process.pid, files['syscall'], files['status'], self.calls):
                self.asleep[sleep] = before.get(sleep, now)
                process.since = round(now - self.asleep[sleep], 1)
        return view


def _read_shm(path: str) -> tuple[int, bytes] | None:
    """Return size and first bytes of an object, if it is still there and may be read."""
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # as for a FIFO, which is none
        try:
            status = os.fstat(fd)
            return (status.st_size, os.read(fd, 8)) if stat.S_ISREG(status.st_mode) else None
        finally:
            os.close(fd)
    return None


def _read_process(pid: int, calls: Mapping[int, str]) -> dict[str, Any]:
    """Return what /proc says of a process; nothing, if it has ended meanwhile."""
    def text(name: str) -> str:
        with contextlib.suppress(OSError):
            return read_file(f'/proc/{pid}/{name}')
        return ''

    syscall, status = text('syscall'), text('status')
    sleep = sleep_from(pid, syscall, status, calls)
    if sleep != sleep_from(pid, text('syscall'), text('status'), calls):
        syscall = 'running'  # on its way, as in Job.sleep()
    found = {'syscall': syscall, 'status': status, 'fd': {}}
    found |= {name: text(name) for name in ('stat', 'cmdline', 'maps')}
    with contextlib.suppress(OSError):
        for number in os.listdir(f'/proc/{pid}/fd'):
            with contextlib.suppress(OSError):
                found['fd'][number] = os.readlink(f'/proc/{pid}/fd/{number}')
    if sleep and sleep.call in BY_PATH:
        found['path'] = _string(pid, sleep.arguments[BY_PATH[sleep.call]])
    return found if found['stat'] else {}


def _string(pid: int, address: int) -> str | None:
    """Return a string out of the memory of a process; see proc_pid_mem(5)."""
    with contextlib.suppress(OSError), open(f'/proc/{pid}/mem', 'rb', buffering=0) as memory:
        memory.seek(address)
        return os.fsdecode(memory.read(4096).split(b'\0')[0])
    return None
