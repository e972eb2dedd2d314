"""Run the programs as a student does, and look at them from outside.

Nothing here sleeps. What a test waits for is an event: a line in a pipe, the
end of a process, or a process that is seen blocked in a system call.
"""

import ctypes
import functools
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import BOUND, PROGRAMS

# Where the programs of this test are; a fixture (conftest.py) puts others here.
folder = PROGRAMS

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

Completed = subprocess.CompletedProcess[str]

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def path(program: str) -> Path:
    """The built program, in whichever family it is."""
    found = next(filter(Path.is_file, folder.glob(f"*/{program}")), None)
    assert found, f"{program} is not in {folder}: run make programs"
    return found


def in_glibc_words(text: str) -> str:
    for musl, glibc in MUSL.items():
        text = re.sub(rf": {musl}(?=\n| \()", f": {glibc}", text)
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
    usage = f"{program}: usage: {path(program)}{synopsis}\n"
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
