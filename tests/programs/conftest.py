"""The programs as the course builds them, and once more as ones that watch themselves."""

import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import process
import pytest
from orders import Names
from support import ROOT, STRANGER
from tools import SANITIZERS, sanitized


@pytest.fixture(scope="session")
def _sanitized_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of programs that end where memory or arithmetic goes wrong."""
    plain = sanitized(tmp_path_factory.mktemp("plain"), "int main(void) { return 0; }")
    assert plain.returncode == 0, plain.stdout
    folder = ROOT / "build/asan"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one builds, and the others find it built
        built = subprocess.run(
            ["make", "programs", "build=build/asan", f"CFLAGS={SANITIZERS}"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert built.returncode == 0, built.stdout
    assert all(b"__asan_init" in program.read_bytes() for program in folder.glob("*/[0-9]*-*"))
    # glibc's dprintf() leaves its buffer behind when the descriptor is none.
    (folder / "known-leaks").write_text("leak:_IO_file_doallocate\n")
    return folder


@pytest.fixture(params=["plain", "sanitized"])
def programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is run with both; tests of a family ask for it (pytestmark)."""
    if request.param == "sanitized":
        folder = request.getfixturevalue("_sanitized_programs")
        monkeypatch.setattr(process, "folder", folder)
        known = f"suppressions={folder}/known-leaks:print_suppressions=0"
        monkeypatch.setitem(process.ENVIRONMENT, "LSAN_OPTIONS", known)


@pytest.fixture(autouse=True)
def _end_of_test() -> Iterator[None]:
    """End the processes of the test."""
    yield
    for running in process.Running.started:
        running.end()
    process.Running.started.clear()


@pytest.fixture(autouse=True, scope="session")
def _end_of_session() -> Iterator[None]:
    """No process of ours is left."""
    yield
    assert _children() == []


def _children() -> list[str]:
    """The commands of this process' own children that run a program of ours."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        command = " ".join(process.command_of(int(folder.name)))
        if int(parent) == os.getpid() and str(ROOT) in command:
            found.append(command)
    return found


@pytest.fixture
def stranger() -> Iterator[Callable[..., process.Completed]]:
    """Runs a program as a user who owns nothing here.

    From memory: the repository may be in a folder that is closed to others.
    """
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    copies = []

    def run(program: str, *arguments: object) -> process.Completed:
        copies.append(os.memfd_create(program))
        os.write(copies[-1], process.path(program).read_bytes())
        return process.run(
            program,
            *arguments,
            executable=f"/proc/self/fd/{copies[-1]}",
            pass_fds=copies[-1:],
            user=STRANGER,
            group=STRANGER,
            extra_groups=(),
            cwd="/",
        )

    yield run
    for copy in copies:
        os.close(copy)


@pytest.fixture
def names(new_name: Callable[[], str]) -> Names:
    """Two names, and the commands of code/turns with them."""
    return Names(new_name)
