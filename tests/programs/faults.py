"""Trace a program, and let its system calls fail."""

import errno
import functools
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from process import ENVIRONMENT, in_glibc_words, run
from support import version


@functools.cache
def why_no_strace() -> str:
    if not version("strace"):
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
