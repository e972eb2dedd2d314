"""Names of their own for each test, and nothing left behind."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import PROGRAMS, STRANGER, clean_environment

_clean = clean_environment()
os.environ.clear()
os.environ.update(_clean)

pytest.register_assert_rewrite("process", "play", "show", "browser")  # before it is first imported

import process  # noqa: E402

_numbers = itertools.count()
_given: list[str] = []


def _new_name() -> str:
    _given.append(f"/ipc-test-{os.getpid()}-{next(_numbers)}")
    return _given[-1]


@pytest.fixture(autouse=True)
def _end_of_test() -> Iterator[None]:
    """End the processes of the test and remove its objects."""
    first = len(_given)
    yield
    for running in process.Running.started:
        running.end()
    process.Running.started.clear()
    for name in _given[first:]:
        process.remove(name)


@pytest.fixture(autouse=True, scope="session")
def _end_of_session() -> Iterator[None]:
    """Nothing of ours is left: no object, no process."""
    yield
    mine = f"ipc-test-{os.getpid()}-"
    assert [file.name for file in process.SHM.iterdir() if mine in file.name] == []
    assert [name for name in _given if process.queue_exists(name)] == []
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
        if int(parent) == os.getpid() and str(PROGRAMS) in command:
            found.append(command)
    return found


@pytest.fixture
def new_name() -> Callable[[], str]:
    """Makes names that no other test uses; their objects go with the test."""
    return _new_name


@pytest.fixture
def name() -> str:
    """A name that no other test uses; its object goes with the test."""
    return _new_name()


@pytest.fixture
def guard() -> str:
    """Another one, for a semaphore."""
    return _new_name()


@pytest.fixture(scope="session")
def _public_programs() -> Iterator[Path]:
    """Copies for everybody: a repository below /root is closed to others."""
    with tempfile.TemporaryDirectory(prefix="ipc-test-") as folder:
        for program in PROGRAMS.glob("*/[0-9]*-*"):
            if program.is_file():
                os.chmod(shutil.copy(program, folder), 0o755)
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture
def stranger(_public_programs: Path) -> Callable[..., process.Completed]:
    """Runs a program as a user who owns nothing here."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")

    def run(program: str, *arguments: object) -> process.Completed:
        return process.run(
            program,
            *arguments,
            executable=_public_programs / program,
            user=STRANGER,
            group=STRANGER,
            extra_groups=(),
            cwd="/",
        )

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many of the mutations have been caught: a promise of the course."""
    seen = {
        result: sum("test_a_mutation_is_caught" in report.nodeid for report in reports)
        for result in ("passed", "failed", "skipped")
        if (reports := terminalreporter.getreports(result))
    }
    if any(seen.values()):
        missed = seen.get("failed", 0)
        left_out = seen.get("skipped", 0)
        terminalreporter.write_line(
            f"mutations: {seen.get('passed', 0)} caught, {missed} missed, {left_out} skipped"
        )
