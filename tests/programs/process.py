"""Run the programs as a student does, and look at them from outside.

Nothing here sleeps. What a test waits for is an event: a line in a pipe, the
end of a process, or a process that is seen blocked in a system call.
"""

import ctypes
import errno
import functools
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from support import PROGRAMS

SHM = Path("/dev/shm")

# Not a pause: after this long, what a test waits for is held not to happen.
BOUND = 30.0

# Texts of the C locale, and a time zone that is not UTC, which is printed.
ENVIRONMENT = {**os.environ, "LC_ALL": "C", "TZ": "XYZ-5:30"}

# The tests say errors in glibc's words; these are musl's for the same.
MUSL = {
    "Filename too long": "File name too long",
    "I/O error": "Input/output error",
    "Message too large": "Message too long",
    "No file descriptors available": "Too many open files",
    "Out of memory": "Cannot allocate memory",
    "Symbolic link loop": "Too many levels of symbolic links",
    "Value too large for data type": "Value too large for defined data type",
}

# Who is nobody in particular: no group, no file, no object of ours.

Completed = subprocess.CompletedProcess[str]

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def path(program: str) -> Path:
    """The built program, in whichever family it is."""
    found = next(PROGRAMS.glob(f"*/{program}"), None)
    assert found, f"{program} is not in {PROGRAMS}: run make programs"
    return found


def in_glibc_words(text: str) -> str:
    for musl, glibc in MUSL.items():
        text = text.replace(f": {musl}\n", f": {glibc}\n")
    return text


def command(program: str, arguments: Sequence[object]) -> list[str]:
    return [str(path(program)), *map(str, arguments)]


def run(
    program: str,
    *arguments: object,
    prefix: Sequence[str] = (),
    **options: Any,
) -> Completed:
    """Run a program to its end, by default with its output in pipes."""
    options = {"stdout": subprocess.PIPE, "env": ENVIRONMENT, **options}
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    result = subprocess.run(
        [*prefix, *command(program, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=BOUND,
        **options,
    )
    result.stderr = in_glibc_words(result.stderr)
    return result


def good(program: str, *arguments: object) -> str:
    """Run a program that must succeed silently; return what it prints."""
    result = run(program, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def refused(program: str, text: str, *arguments: object, **options: Any) -> None:
    """The program says just this on standard error and exits with status 1."""
    result = run(program, *arguments, **options)
    assert (result.stderr, result.returncode) == (f"{program}: {text}\n", 1)
    assert not result.stdout


def misused(program: str, synopsis: str, *arguments: object) -> None:
    """The program shows its synopsis and exits with status 2."""
    result = run(program, *arguments)
    usage = f"usage: {path(program)}{synopsis}\n"
    assert (result.stderr, result.returncode, result.stdout) == (usage, 2, "")


# ------------------------------------------------------------ running processes


def _start_of_process() -> None:
    """What a program started by a test needs, before it becomes that program."""
    # Even if the tests are killed, what they have started goes, too.
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # It is ignored if the tests run in the background of a shell's script.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Running:
    """A program that goes on while the test does something else."""

    started: list["Running"] = []  # of this test; conftest.py ends what is left

    def __init__(
        self,
        program: str,
        *arguments: object,
        prefix: Sequence[str] = (),
        **options: Any,
    ) -> None:
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "env": ENVIRONMENT,
            **options,
        }
        self.program = program
        self.process = subprocess.Popen(
            [*prefix, *command(program, arguments)],
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # so that end() reaches all of strace
            preexec_fn=_start_of_process,
            **options,
        )
        self.pid = self.process.pid
        self.exit = os.pidfd_open(self.pid)
        self._output = b""
        Running.started.append(self)

    def next_line(self) -> str:
        """The next line of output, when it comes."""
        assert self.process.stdout
        while b"\n" not in self._output:
            assert readable(self.process.stdout, BOUND), f"{self.program}: no line"
            some = os.read(self.process.stdout.fileno(), 65536)
            assert some, f"{self.program} ended: {self.process.communicate()[1]!r}"
            self._output += some
        line, self._output = self._output.split(b"\n", 1)
        return line.decode()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def finish(self) -> Completed:
        """Wait for the end; return what it printed since the last line read."""
        output, text = self.process.communicate(timeout=BOUND)
        return subprocess.CompletedProcess(
            self.process.args,
            self.process.returncode,
            (self._output + (output or b"")).decode(),
            in_glibc_words(text.decode()),
        )

    def end(self) -> None:
        """End the process and all it has started; more than once is no harm."""
        if self.process.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.communicate()
        if self.exit != -1:
            os.close(self.exit)
            self.exit = -1

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Look again and again; that the process ends is the other way out."""
        deadline = time.monotonic() + BOUND
        while not condition():
            # The millisecond bounds how long a look at the exit may take.
            if readable(self.exit, 0.001):
                pytest.fail(f"{self.program} ended, not {what}: {self.finish()}")
            if time.monotonic() > deadline:
                pytest.fail(f"{self.program} was never {what}")

    def wait_until_blocked(self, call: str) -> None:
        """Return once the process sleeps in that system call."""
        self.wait_until(lambda: blocked(self.pid, call), f"blocked in {call}")

    def tracee(self) -> int:
        """The process that a strace, which is this one, has started."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        if not children.exists():
            pytest.skip("needs a kernel with CONFIG_PROC_CHILDREN")
        found: list[int] = []

        def started() -> bool:
            # At first strace tries out on a child of its own what it may do.
            for child in map(int, children.read_text().split()):
                if command_of(child)[:1] == [str(path(self.program))]:
                    found.append(child)
            return bool(found)

        self.wait_until(started, "a tracer")
        return found[0]


def command_of(pid: int) -> list[str]:
    """The command line of a process, as far as there is one."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def readable(source: Any, seconds: float) -> bool:
    poller = select.poll()
    poller.register(source, select.POLLIN)
    return bool(poller.poll(seconds * 1000))


@functools.cache
def call_numbers(call: str) -> frozenset[int]:
    """The numbers of a system call here, from the header the compiler reads."""
    names = {
        "nanosleep": ["nanosleep", "clock_nanosleep", "clock_nanosleep_time64"],
        "open": ["open", "openat"],
    }.get(call, [call, f"{call}_time64"])
    lines = ["#include <sys/syscall.h>", *(f"= SYS_{name}" for name in names)]
    text = subprocess.run(
        [os.environ.get("CC", "cc"), "-E", "-P", "-x", "c", "-"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    numbers = frozenset(map(int, re.findall(r"^= (\d+)$", text, re.MULTILINE)))
    assert numbers, f"sys/syscall.h knows none of {names}"
    return numbers


def blocked(pid: int, call: str) -> bool:
    """Does the process sleep in this system call?"""
    try:
        number = Path(f"/proc/{pid}/syscall").read_text().split()[0]
        status = Path(f"/proc/{pid}/status").read_text()
    except ProcessLookupError:
        return False  # it has ended
    except PermissionError:
        pytest.skip("needs the right to see the system calls of its children")
    except FileNotFoundError:
        if not Path("/proc/self/syscall").exists():
            pytest.skip("needs /proc/PID/syscall")
        return False
    return (
        number.isdigit()
        and int(number) in call_numbers(call)
        and "\nState:\tS" in status
    )


def looks(pid: int) -> int:
    """How often the process has gone to sleep of its own will."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else 0


def mappings(pid: int, of: str) -> list[str]:
    """The lines of /proc/PID/maps for one file."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return [line for line in lines if of in line]


# ---------------------------------------------------------- standard output fails

# How standard output fails, and what a program has to say about it.
OUTPUTS = {
    "full": "No space left on device",
    "closed": "Bad file descriptor",
    "unread": "Broken pipe",
}


def run_into(
    output: str, program: str, *arguments: object, **options: Any
) -> Completed:
    """Run a program whose standard output fails in one of these ways."""
    if output == "closed":
        closing = ("sh", "-c", 'exec "$@" >&-', "sh")
        return run(program, *arguments, prefix=closing, stdout=None, **options)
    if output == "full":
        target = os.open("/dev/full", os.O_WRONLY)
    else:
        source, target = os.pipe()
        os.close(source)
        # Python ignores SIGPIPE, and so does then the program: EPIPE is left.
        options = {"restore_signals": False, **options}
    try:
        return run(program, *arguments, stdout=target, **options)
    finally:
        os.close(target)


def cannot_print(output: str, program: str, *arguments: object) -> None:
    """The program says that its output is lost and exits with status 1."""
    result = run_into(output, program, *arguments)
    text = f"{program}: write to standard output: {OUTPUTS[output]}\n"
    assert (result.stderr, result.returncode) == (text, 1)


def dies_of_the_pipe(program: str, *arguments: object) -> None:
    """With SIGPIPE as it is by default, the program ends like any other."""
    result = run_into("unread", program, *arguments, restore_signals=True)
    assert (result.stderr, result.returncode) == ("", -signal.SIGPIPE)


# ------------------------------------------------------------------------ strace


@functools.cache
def why_no_strace() -> str:
    if not shutil.which("strace"):
        return "needs strace"
    probe = ["strace", "-o", "/dev/null", "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        return "needs the right to trace a process (ptrace)"
    return ""


def strace(log: Path, *inject: str) -> dict[str, Any]:
    """The options of run() and Running() that trace the program into a log."""
    if why_no_strace():
        pytest.skip(why_no_strace())
    faults = [option for one in inject for option in ("-e", f"inject={one}")]
    # The leak check of a sanitizer needs to trace the process itself.
    return {
        "prefix": ["strace", "-o", str(log), *faults],
        "env": {**ENVIRONMENT, "ASAN_OPTIONS": "detect_leaks=0"},
    }


@dataclass(frozen=True)
class Call:
    """One line of a trace: the ordinal-th call of that name."""

    name: str
    ordinal: int
    text: str

    @property
    def result(self) -> str:
        return self.text.rpartition(" = ")[2]


def read_trace(log: Path) -> list[Call]:
    seen: dict[str, int] = {}
    calls = []
    for line in log.read_text(errors="replace").splitlines():
        if found := re.match(r"(\w+)\(", line):
            seen[found[1]] = seen.get(found[1], 0) + 1
            calls.append(Call(found[1], seen[found[1]], line))
    return calls


def own_calls(log: Path, subject: str) -> list[Call]:
    """The program's calls: from the first on that names what it works on.

    Before that, the loader is at work. Under a sanitizer some of the others
    are its allocator's, which always asks for fixed addresses; and what goes
    to standard error is the text that a test looks for.
    """
    calls = [call for call in read_trace(log) if call.name != "execve"]
    named = (i for i, call in enumerate(calls) if subject in call.text)
    others = re.compile(r"writev?\(2,|mmap\(.*MAP_FIXED\|MAP_ANONYMOUS")
    first = next(named, len(calls))
    return [call for call in calls[first:] if not others.match(call.text)]


# Errors that the manual pages document, and under which name the program knows
# the call. A futex is left out: every error but EINTR makes the C library
# abort the process, and EINTR is tested where a program waits.
FAULTS: dict[tuple[str, ...], tuple[str, str]] = {
    ("open", "openat"): ("EACCES EMFILE", "open shm_open sem_open"),
    ("mmap", "mmap2"): ("ENOMEM EAGAIN", "mmap sem_open"),
    ("fstat", "newfstatat", "fstat64"): ("EIO ENOMEM", "fstat sem_open"),
    ("ftruncate", "ftruncate64"): ("EIO EINTR", "ftruncate"),
    ("munmap",): ("EINVAL", "munmap sem_close"),
    ("close",): ("EIO ENOSPC", "close mq_close sem_open"),
    ("write", "writev"): ("ENOSPC EIO", "write sem_open"),
    ("read",): ("EIO EISDIR", "read"),
    ("link", "linkat"): ("EMLINK ENOSPC", "sem_open"),
    ("unlink", "unlinkat"): ("EACCES ENOENT EROFS", "shm_unlink sem_unlink"),
    ("rt_sigaction",): ("EINVAL", "sigaction"),
    ("mq_open",): ("EACCES ENFILE ENOSPC ENOSYS", "mq_open"),
    ("mq_timedsend",): ("EBADF EMSGSIZE", "mq_send"),
    ("mq_timedreceive",): ("EBADF EMSGSIZE", "mq_receive"),
    ("mq_unlink",): ("EACCES ENOENT", "mq_unlink"),
}


def faults_of(call: Call) -> Iterator[tuple[str, str]]:
    for names, (errors, words) in FAULTS.items():
        if call.name in names:
            for error in errors.split():
                yield error, words


def survives_faults(
    log: Path,
    program: str,
    *arguments: object,
    subject: str,
    prepare: Callable[[], object] = lambda: None,
    state: Callable[[], object] = lambda: None,
    ending: Sequence[str] = (),
    library: str = "no other",
    spared: str = "none",
) -> None:
    """Let each own call fail once with each documented error.

    Right is a text that names the call, and status 1. Where a call is the C
    library's (a pattern says which), it may also have gone unnoticed: then
    end, output and state are those of an undisturbed run. Never right are a
    signal, another text, or status 0 with another result.
    `ending` keeps a run short: no sleeping, or a signal where it would repeat.
    `spared` calls do not fail at all.
    """
    # Before it fills the buffer of a stream, it asks what the stream is.
    library = rf"\w*fstat\w*\([01],|{library}"

    def outcome(*inject: str) -> tuple[int, str, str, object]:
        prepare()
        result = run(program, *arguments, **strace(log, *ending, *inject))
        # Numbers differ from run to run where they are addresses or times.
        output = re.sub(r"0x[0-9a-f]+|\d{2,}", "#", result.stdout)
        return result.returncode, result.stderr, output, state()

    def own() -> list[Call]:
        calls = own_calls(log, subject)
        return [call for call in calls if not re.match(spared, call.text)]

    undisturbed = outcome()
    injected = 0
    for position, call in enumerate(own()):
        for error, words in faults_of(call):
            # The start of a sanitizer does not always take as many calls (84 for
            # 83, once in 200 runs): then another one's has failed instead, which
            # says nothing. This run or the one before may be the odd one: look anew.
            ordinal = call.ordinal
            for _ in range(20):
                happened = outcome(f"{call.name}:error={error}:when={ordinal}")
                if any(one.text.endswith("(INJECTED)") for one in own()[position:][:1]):
                    break
                outcome()
                ordinal = own()[position].ordinal
            else:
                pytest.fail(f"could not make this call fail: {call.text}")
            injected += 1
            unnoticed = happened == undisturbed and re.match(library, call.text)
            if not unnoticed:
                named = "|".join(words.split())
                reason = os.strerror(getattr(errno, error))
                wanted = rf"{program}: ({named}) [^\n]*: {reason}\n"
                about = (call.text, error, happened)
                assert re.fullmatch(in_glibc_words(wanted), happened[1]), about
                assert happened[0] == 1, about
    assert injected, "no call was found to fail"


# ------------------------------------------------------------------------ queues


class Attributes(ctypes.Structure):
    """struct mq_attr."""

    _fields_ = [
        ("flags", ctypes.c_long),
        ("maxmsg", ctypes.c_long),
        ("msgsize", ctypes.c_long),
        ("curmsgs", ctypes.c_long),
        ("reserved", ctypes.c_long * 4),
    ]


def fail() -> NoReturn:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Queue:
    """A message queue, held by the test itself; on Linux it is a descriptor."""

    def __init__(self, name: str, flags: int = os.O_RDWR, msgsize: int = 24) -> None:
        attributes = Attributes(maxmsg=10, msgsize=msgsize)
        self.fd: int = LIBC.mq_open(
            name.encode(),
            flags | os.O_NONBLOCK,
            ctypes.c_uint(0o600),
            ctypes.byref(attributes),
        )
        if self.fd == -1:
            fail()

    def __enter__(self) -> "Queue":
        return self

    def __exit__(self, *_: object) -> None:
        LIBC.mq_close(self.fd)

    def __len__(self) -> int:
        return self.attributes().curmsgs

    def attributes(self) -> Attributes:
        attributes = Attributes()
        if LIBC.mq_getattr(self.fd, ctypes.byref(attributes)) == -1:
            fail()
        return attributes

    def send(self, message: bytes, priority: int = 0) -> None:
        size = ctypes.c_size_t(len(message))
        if LIBC.mq_send(self.fd, message, size, ctypes.c_uint(priority)) == -1:
            fail()

    def receive(self) -> tuple[bytes, int]:
        buffer = ctypes.create_string_buffer(self.attributes().msgsize)
        priority = ctypes.c_uint()
        size = ctypes.c_size_t(len(buffer))
        LIBC.mq_receive.restype = ctypes.c_ssize_t
        length = LIBC.mq_receive(self.fd, buffer, size, ctypes.byref(priority))
        if length == -1:
            fail()
        return buffer.raw[:length], priority.value


def queue_exists(name: str) -> bool:
    try:
        Queue(name, os.O_RDONLY).__exit__()
    except FileNotFoundError:
        return False
    return True


# ----------------------------------------------------------------------- objects


def shared_memory(name: str) -> Path:
    return SHM / name.lstrip("/")


def semaphore(name: str) -> Path:
    """The file of a semaphore: glibc prefixes its name, musl does not."""
    files = [SHM / f"sem.{name.lstrip('/')}", SHM / name.lstrip("/")]
    return next((file for file in files if file.exists()), files[0])


def remove(name: str) -> None:
    """Remove what goes by this name, of whichever kind."""
    for file in (shared_memory(name), SHM / f"sem.{name.lstrip('/')}"):
        if file.is_dir() and not file.is_symlink():
            file.rmdir()
        else:
            file.unlink(missing_ok=True)
    LIBC.mq_unlink(name.encode())
