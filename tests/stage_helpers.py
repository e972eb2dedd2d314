"""What the tests of the stage share: pages, plays, and what a play may leave behind."""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / os.environ.get("PROGRAMS", "build")
SCREENPLAY = ROOT / "docs" / "screenplay.rst"
CONTRIBUTING = ROOT / "docs" / "contributing.rst"

sys.path.insert(0, str(ROOT))

from stage import isolation  # noqa: E402

# Not a pause: after this long, what a test waits for is held not to happen.
BOUND = 20.0

LEVEL, WHY = isolation.choose()
private_stage = pytest.mark.skipif(
    LEVEL == "bare", reason=f"needs a private stage: {WHY}"
)
as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="needs root, to become another user"
)
STRANGER = 65534


# -------------------------------------------------------------------------- pages


def scene(text: str, *classes: str) -> str:
    """One console block of a page."""
    head = f".. code-block:: console\n   :class: {' '.join(['scene', *classes])}\n\n"
    return head + textwrap.indent(textwrap.dedent(text).strip("\n"), "   ") + "\n"


def page(folder: Path, *scenes: str, name: str = "page.rst") -> Path:
    """A page of these console blocks."""
    path = folder / name
    path.write_text("\n".join(scenes), newline="")
    return path


# ------------------------------------------------------------------------- plays


class Stage:
    """``python3 -m stage`` with these arguments, in a process group of its own.

    PATH ends in a folder that does not exist, the mark by which all processes of
    this play are found again, also those that have left its process tree.
    """

    def __init__(
        self,
        *arguments: object,
        cwd: Path = ROOT,
        prefix: Sequence[str] = (),
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.mark = f"/mark-{uuid.uuid4().hex}"
        given = {"PYTHONPATH": str(ROOT), **os.environ, **(environment or {})}
        given["PATH"] = f"{given.get('PATH', os.defpath)}:{self.mark}"
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        self.process = subprocess.Popen(
            [*prefix, python, "-m", "stage", *map(str, arguments)],
            cwd=cwd,
            env=given,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            **options,
        )

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Wait for the end, and see to it that no process of the play is left."""
        try:
            output, errors = self.process.communicate(timeout=BOUND)
        except BaseException:
            self.end()
            raise
        left = self.left()
        self.end()
        assert left == [], (output, errors)
        return subprocess.CompletedProcess(
            self.process.args, self.process.returncode, output, errors
        )

    def left(self) -> list[str]:
        """The commands of the play's processes that do not end within two seconds."""
        found = []
        for pid, command in self._processes():
            with contextlib.suppress(ProcessLookupError):
                exit = os.pidfd_open(pid)
                if not select.select([exit], [], [], 2)[0]:
                    found.append(command)
                os.close(exit)
        return found

    def end(self) -> None:
        """End all that is left of the play."""
        for pid, _ in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def _processes(self) -> list[tuple[int, str]]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.mark.encode() in (folder / "environ").read_bytes():
                    words = (folder / "cmdline").read_bytes().split(b"\0")
                    found.append((int(folder.name), b" ".join(words).decode().strip()))
        return found


def stage(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run ``python3 -m stage`` to its end."""
    return Stage(*arguments, **options).finish()


def rehearse(
    page: Path, *arguments: object, programs: Path = PROGRAMS, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Play a page."""
    return stage("rehearse", page, "--programs", programs, *arguments, **options)


def promote(
    page: Path, *arguments: object, programs: Path = PROGRAMS, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Play a page, and write what came into it."""
    return stage("promote", page, "--programs", programs, *arguments, **options)


def green(result: subprocess.CompletedProcess[str]) -> str:
    """A play in which all cues hold; return the line that it prints."""
    assert (result.returncode, result.stderr) == (0, ""), result
    assert result.stdout.count("\n") == 1, result.stdout
    return result.stdout


def red(result: subprocess.CompletedProcess[str], *words: str) -> str:
    """A play with a cue that does not hold, for this reason; return the report."""
    assert (result.returncode, result.stderr) == (1, ""), result
    for word in words:
        assert word in result.stdout
    return result.stdout


# --------------------------------------------------------------- around the plays


@contextlib.contextmanager
def the_machine() -> Iterator[None]:
    """One at a time: plays whose objects have their names on the machine itself."""
    with open(ROOT / "stage" / "__init__.py") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that every user may use."""
    with tempfile.TemporaryDirectory(prefix="stage-test-") as name:
        os.chmod(name, 0o777)
        yield Path(name)


class Signal:
    """A FIFO: what happens on stage is known outside by a line that is written to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "signal"
        os.mkfifo(self.path)
        os.chmod(self.path, 0o666)
        self.fd = os.open(self.path, os.O_RDWR)  # never at its end

    def wait(self) -> str:
        """Wait for what somebody writes."""
        assert select.select([self.fd], [], [], BOUND)[0], "nobody has come so far"
        return os.read(self.fd, 1000).decode().strip()

    def close(self) -> None:
        os.close(self.fd)


def read_terminal(fd: int, stop: Callable[[], bool]) -> str:
    """Read what is printed on a terminal until its processes have closed it."""
    output, deadline = b"", time.monotonic() + BOUND
    while time.monotonic() < deadline:
        if select.select([fd], [], [], 0.05)[0]:
            try:
                output += os.read(fd, 65536)
            except OSError:  # the last of them has gone
                break
        elif stop():
            break
    return output.decode()


def compile_c(source: Path, target: Path, *flags: str) -> None:
    """Compile one program; it must compile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CC", "cc").split()
    made = subprocess.run(
        [*compiler, "-std=c11", "-O2", *flags]
        + ["-o", str(target), str(source), "-pthread", "-lrt"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr


def mounts() -> str:
    """What is mounted, where this process can see it."""
    return Path("/proc/self/mountinfo").read_text()


def close_all(*streams: IO[Any]) -> None:
    for stream in streams:
        stream.close()
