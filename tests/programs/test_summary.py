"""The table at the end of the screenplay: what its cells say of the machine is seen here, cell by cell.

That an object does not survive a restart is seen by where it is: in a file system that has no disk.
What becomes of it at the last logout is systemd's affair, and cannot be seen without one.
"""

import ctypes
import mmap
import os
import re
import resource
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import faults
import objects
import pytest
from objects import Queue, shared_memory
from process import Running, good, mappings, run
from support import SCREENPLAY, STRANGER

PAGE = os.sysconf("SC_PAGESIZE")
ROWS = re.findall(r"^   \* - (.*)\n((?:     .*\n)+)",
                  SCREENPLAY.read_text().partition("   :class: summary\n")[2].partition("\nAnd which one")[0], re.M)
HEAD = re.findall(r"- (.*)", ROWS[0][1])
CELLS = {(mechanism, column): re.sub(r":ref:`(.*?) <[\w-]+>`", r"\1", cell)
         for mechanism, cells in ROWS[1:] for column, cell in zip(HEAD, re.findall(r"- (.*)", cells), strict=True)}


@dataclass
class Machine:
    """What a check has: a file, the names of two objects that are not there yet, and a place for a trace."""

    file: Path
    name: str
    other: str
    log: Path


SEEN: dict[tuple[str, str, str], Callable[[Machine], None]] = {}


def says(mechanism: str, column: str, cell: str) -> Callable[..., Callable[[Machine], None]]:
    """Mark what sees this cell on the machine."""
    def mark(check: Callable[[Machine], None]) -> Callable[[Machine], None]:
        SEEN[mechanism, column, cell] = check
        return check
    return mark


@pytest.mark.parametrize(("mechanism", "column"), CELLS)
def test_the_machine_does_what_the_table_says_of(
    mechanism: str, column: str, tmp_path: Path, new_name: Callable[[], str]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(PAGE))
    check = SEEN.get((mechanism, column, CELLS[mechanism, column]))
    assert check, f"no check sees this: {CELLS[mechanism, column]}"
    check(Machine(file, new_name(), new_name(), tmp_path / "log"))


def test_each_check_is_of_a_cell_that_is_there() -> None:
    assert {(*place, cell) for place, cell in CELLS.items()} == set(SEEN)


def kind(path: object, **options: object) -> str:
    """The type of the file system where something is."""
    return subprocess.run(["stat", "-Lfc", "%T", str(path)], capture_output=True, text=True, check=True,
                          **options).stdout.strip()


def mapped(file: Path, **options: int) -> mmap.mmap:
    with file.open("r+b") as opened:
        return mmap.mmap(opened.fileno(), 0, **options)


def in_child(deed: Callable[[], object]) -> int:
    """Do something in a process of its own; return its exit code, negative if a signal has ended it."""
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGBUS, signal.SIG_DFL)  # pytest has a handler
        try:
            deed()
        except OSError as error:
            os._exit(error.errno)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def is_told_of_a_write_only(file: Path) -> None:
    """Whoever asks the kernel for all changes of a file is told of a write, and of no store into memory."""
    watch = os.fdopen(objects.LIBC.inotify_init1(os.O_NONBLOCK), "rb", buffering=0)
    assert objects.LIBC.inotify_add_watch(watch.fileno(), os.fsencode(file), ctypes.c_uint32(2)) > 0  # IN_MODIFY
    with watch, mapped(file) as memory:
        memory[0] = 1
        assert watch.read() is None
        with file.open("r+b", buffering=0) as opened:
            opened.write(b"\2")
        assert watch.read()


def calls(machine: Machine, program: str, *arguments: object, subject: object = "") -> list[str]:
    run(program, *arguments, stdout=subprocess.DEVNULL, **faults.strace(machine.log))
    return [call.name for call in faults.own_calls(machine.log, str(subject or machine.name))]


def killed(running: Running, call: str) -> None:
    running.wait_until_blocked(call)
    running.send(signal.SIGKILL)
    assert running.finish().returncode == -signal.SIGKILL


# ------------------------------------------------------------- a mapping of a file


@says("mapping of a file", "copies", "none")
def mapping_copies(machine: Machine) -> None:
    assert "read" not in calls(machine, "010-mmap", machine.file, subject=machine.file)


@says("mapping of a file", "wakes", "nobody")
def mapping_wakes(machine: Machine) -> None:
    is_told_of_a_write_only(machine.file)


@says("mapping of a file", "keeps messages apart, in order", "no")
def mapping_apart(machine: Machine) -> None:
    with machine.file.open("wb", buffering=0) as opened:
        opened.write(b"one")
        opened.write(b"two")
    assert good("010-mmap", machine.file) == "onetwo"


@says("mapping of a file", "survives", "what is in the file: the process, and the restart")
def mapping_survives(machine: Machine) -> None:
    def store() -> None:
        mapped(machine.file)[0] = 42
        os.kill(os.getpid(), signal.SIGKILL)
    assert in_child(store) == -signal.SIGKILL
    with machine.file.open("r+b") as opened:
        os.fsync(opened.fileno())  # to the disk, if it is on one
    assert machine.file.read_bytes()[0] == 42


@says("mapping of a file", "is seen in", "/proc/PID/maps")
def mapping_seen(machine: Machine) -> None:
    mapper = Running("020-mmap-anon", machine.file, stdin=subprocess.PIPE)
    mapper.wait_until_blocked("read")
    assert len(mappings(mapper.pid, str(machine.file))) == 1


@says("mapping of a file", "is removed by", "munmap(); rm, for the file")
def mapping_removed(machine: Machine) -> None:
    memory = mapped(machine.file)
    subprocess.run(["rm", machine.file], check=True)
    assert mappings(os.getpid(), f"{machine.file} (deleted)")
    memory.close()  # munmap()
    assert not mappings(os.getpid(), str(machine.file))


@says("mapping of a file", "limit", "the file's size")
def mapping_limit(machine: Machine) -> None:
    machine.file.write_bytes(bytes(PAGE + 1))
    memory = mapped(machine.file)
    os.truncate(machine.file, PAGE)
    assert in_child(lambda: memory[PAGE - 1]) == 0
    assert in_child(lambda: memory[PAGE]) == -signal.SIGBUS


# ------------------------------------------------------------------- shared memory


@says("shared memory", "copies", "none")
def shm_copies(machine: Machine) -> None:
    good("020-shm-create", machine.name)
    made = calls(machine, "030-shm-produce", machine.name, 1)
    assert "mmap" in made and "read" not in made and made.count("write") == 1  # to standard output


@says("shared memory", "wakes", "nobody")
def shm_wakes(machine: Machine) -> None:
    good("020-shm-create", machine.name)
    is_told_of_a_write_only(shared_memory(machine.name))
    assert "futex" not in calls(machine, "030-shm-produce", machine.name, 1)


@says("shared memory", "keeps messages apart, in order", "no: one value, overwritten")
def shm_apart(machine: Machine) -> None:
    good("020-shm-create", machine.name)
    good("030-shm-produce", machine.name, 2)
    assert Running("040-shm-consume", machine.name).next_line() == "2"


@says("shared memory", "survives", "the process; not the restart, nor, under systemd, the last logout")
def shm_survives(machine: Machine) -> None:
    good("020-shm-create", machine.name)
    killed(Running("030-shm-produce", machine.name), "nanosleep")
    assert kind(shared_memory(machine.name)) == "tmpfs"


@says("shared memory", "is seen in", "/dev/shm")
def shm_seen(machine: Machine) -> None:
    good("020-shm-create", machine.name)
    assert Path("/dev/shm", machine.name[1:]).stat().st_size == 8


@says("shared memory", "is removed by", "shm_unlink(), rm")
def shm_removed(machine: Machine) -> None:
    good("020-shm-create", machine.name)
    good("099-shm-unlink", machine.name)
    good("020-shm-create", machine.name)
    shared_memory(machine.name).unlink()
    assert run("099-shm-unlink", machine.name).returncode == 1


@says("shared memory", "limit", "/dev/shm, its size")
def shm_limit(machine: Machine) -> None:
    place = os.statvfs(objects.SHM)
    if not place.f_blocks:
        pytest.skip("/dev/shm has no limit here")
    with shared_memory(machine.name).open("wb") as opened, pytest.raises(OSError, match="No space left on device"):
        os.posix_fallocate(opened.fileno(), 0, (place.f_blocks + 1) * place.f_frsize)


# ----------------------------------------------------------------------- semaphore


@says("semaphore", "copies", "nothing to copy: it only counts")
@says("semaphore", "keeps messages apart, in order", "no: it only counts")
def sem_counts(machine: Machine) -> None:
    good("100-sem-create", machine.name, 1)
    good("120-sem-post", machine.name)
    assert good("125-sem-value", machine.name) == "2\n"


@says("semaphore", "wakes", "one: of ordinary processes, the one that has waited longest")
def sem_wakes(machine: Machine) -> None:
    good("100-sem-create", machine.name, 0)
    waiters = []
    for _ in "abc":
        waiters.append(Running("110-sem-wait", machine.name))
        waiters[-1].wait_until_blocked("futex")
    for waiter in waiters:
        good("120-sem-post", machine.name)
        assert waiter.finish().returncode == 0


@says("semaphore", "survives", "as shared memory")
def sem_survives(machine: Machine) -> None:
    good("100-sem-create", machine.name, 0)
    killed(Running("110-sem-wait", machine.name), "futex")
    good("120-sem-post", machine.name)
    assert good("125-sem-value", machine.name) == "1\n"
    assert kind(objects.semaphore(machine.name)) == "tmpfs"


@says("semaphore", "is seen in", "/dev/shm/sem.NAME")
def sem_seen(machine: Machine) -> None:
    good("100-sem-create", machine.name)
    assert objects.semaphore(machine.name).exists()  # musl's, under the bare name


@says("semaphore", "is removed by", "sem_unlink(), rm")
def sem_removed(machine: Machine) -> None:
    good("100-sem-create", machine.name)
    good("199-sem-unlink", machine.name)
    good("100-sem-create", machine.name)
    objects.semaphore(machine.name).unlink()
    assert run("199-sem-unlink", machine.name).returncode == 1


@says("semaphore", "limit", "2147483647")
def sem_limit(machine: Machine) -> None:
    assert run("100-sem-create", machine.name, 2147483648).returncode == 1
    good("100-sem-create", machine.name, 2147483647)
    assert run("120-sem-post", machine.name).returncode == 1


# ------------------------------------------------------------------- message queue


@says("message queue", "copies", "two: in, and out")
def mq_copies(machine: Machine) -> None:
    with Queue(machine.name, os.O_CREAT | os.O_RDWR) as queue:
        mine = ctypes.create_string_buffer(b"mine", 24)
        assert objects.LIBC.mq_send(queue.fd, mine, ctypes.c_size_t(24), 0) == 0
        mine.value = b"changed"
        assert queue.receive()[0][:4] == b"mine"


@says("message queue", "wakes", "one receiver; a sender, when there is room again")
def mq_wakes(machine: Machine) -> None:
    good("010-mq-create", machine.name)
    consumers = []
    for _ in "ab":
        consumers.append(Running("030-mq-consume", machine.name))
        consumers[-1].wait_until_blocked("mq_timedreceive")
    good("020-mq-produce", machine.name)
    assert "channel 0" in consumers[0].next_line()
    for consumer in consumers:
        killed(consumer, "mq_timedreceive")
    good("020-mq-produce", machine.name, 10)
    producer = Running("020-mq-produce", machine.name)
    producer.wait_until_blocked("mq_timedsend")
    with Queue(machine.name) as queue:
        queue.receive()
        assert producer.finish().returncode == 0
        assert len(queue) == 10


@says("message queue", "keeps messages apart, in order", "yes: by priority, then by arrival")
def mq_apart(machine: Machine) -> None:
    with Queue(machine.name, os.O_CREAT | os.O_RDWR) as queue:
        for text, priority in ((b"one", 0), (b"four", 0), (b"alarm", 1), (b"another", 1)):
            queue.send(text, priority)
        assert [queue.receive()[0] for _ in range(4)] == [b"alarm", b"another", b"one", b"four"]


@says("message queue", "survives", "as shared memory")
def mq_survives(machine: Machine) -> None:
    good("010-mq-create", machine.name)
    good("020-mq-produce", machine.name, 10)
    killed(Running("020-mq-produce", machine.name), "mq_timedsend")
    with Queue(machine.name) as queue:
        assert len(queue) == 10


@says("message queue", "is seen in", "the mqueue file system")
def mq_seen(machine: Machine) -> None:
    with Queue(machine.name, os.O_CREAT | os.O_RDWR) as queue:
        os.set_inheritable(queue.fd, True)
        assert kind(f"/proc/self/fd/{queue.fd}", pass_fds=[queue.fd]) == "mqueue"


@says("message queue", "is removed by", "mq_unlink(), rm")
def mq_removed(machine: Machine) -> None:
    good("010-mq-create", machine.name)
    good("099-mq-unlink", machine.name)
    good("010-mq-create", machine.name)
    mount = ["unshare", "-m", "sh", "-c", 'mount -t mqueue none "$0" && exec "$@"', machine.file.parent]
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount; a session of the screenplay removes a queue by rm, too")
    subprocess.run([*mount, "rm", machine.file.with_name(machine.name[1:])], check=True)
    assert not objects.queue_exists(machine.name)


@says("message queue", "limit", "10 messages of 8192 bytes; ulimit -q")
def mq_limit(machine: Machine) -> None:
    """The numbers are those of a new IPC name space, where a session shows them; here may be others."""
    good("010-mq-create", machine.name)  # ten fit
    most, largest = (int(Path("/proc/sys/fs/mqueue", name).read_text()) for name in ("msg_max", "msgsize_max"))

    def create(messages: int, size: int) -> int:
        def deed() -> None:
            if not os.geteuid():
                os.setuid(STRANGER)
            shape = objects.Attributes(maxmsg=messages, msgsize=size)
            if objects.LIBC.mq_open(machine.other.encode(), os.O_CREAT | os.O_RDWR, 0o600, ctypes.byref(shape)) == -1:
                objects.fail()
        return in_child(deed)

    assert [create(most + 1, 8), create(1, largest + 1)] == [22, 22]  # EINVAL
    assert create(1, 8) == 0
