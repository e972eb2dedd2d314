"""make exercise: what a learner makes is compiled and played, and nothing it does gets out or stays."""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from copies import copied, make, path_without
from play import Played, private_stage, stage, the_machine
from support import ROOT

START = (ROOT / "code/exercises/110-mmap-write.c").read_text()
SOLUTION = (ROOT / "code/solutions/110-mmap-write.c").read_text()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the programs; the exercises of these tests are its learner's."""
    folder = copied(tmp_path_factory.mktemp("learner") / "a copy")
    done = make(folder, "-j2", "programs")
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def learner(repository: Path) -> Iterator[Path]:
    """A repository in which nothing has been begun; one at a time, for all of them are one user with one limit."""
    for folder in ("exercises", "build/tried"):
        shutil.rmtree(repository / folder, ignore_errors=True)
    with open(ROOT / "stage/check/exercises.py") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield repository


def write(learner: Path, body: str) -> None:
    """As a solution of exercise 110, what does this and nothing else."""
    (learner / "exercises").mkdir()
    (learner / "exercises/110-mmap-write.c").write_text(
        "#define _GNU_SOURCE\n#include <fcntl.h>\n#include <semaphore.h>\n#include <signal.h>\n#include <stdio.h>\n"
        "#include <sys/mman.h>\n#include <unistd.h>\n"
        f"int main(int argc, char **argv)\n{{\n    (void)argc, (void)argv;\n{body}\n}}\n")


def exercise(learner: Path, deadline: float = 10, *options: str) -> Played:
    """Play exercise 110; this ends only when no process of it is left, for each would hold the output."""
    return stage("exercise", "docs/exercises.rst", "110", f"--deadline={deadline}", *options, cwd=learner,
                 stderr=subprocess.STDOUT)


@private_stage
def test_who_begins_gets_the_start_a_reason_and_one_hint_after_the_other_until_it_holds(learner: Path) -> None:
    begun, first, again = (make(learner, "-s", "exercise", "N=110") for _ in range(3))
    mine = learner / "exercises/110-mmap-write.c"
    assert mine.read_text() == START and begun.returncode != 0
    assert begun.stdout.startswith("exercises/110-mmap-write.c: this is where you work") and "Hint" not in begun.stdout
    for played, number in ((first, 1), (again, 2)):
        assert '\n110-mmap-write: "hello" instead of "Hello"' in "\n" + played.stdout
        assert f"\nHint {number} of 2: " in played.stdout and played.stdout.count("Hint") == 1
    mine.write_text(SOLUTION)
    done = make(learner, "-s", "exercise", "N=110")
    assert (done.returncode, done.stdout) == (
        0, "110-mmap-write holds\nTo compare: solution 110 in build/html/solutions.html\n"
        "The next one: make exercise N=120\n")
    by_hand = subprocess.run(["./exercises/110-mmap-write"], cwd=learner / "build/tried", capture_output=True)
    assert by_hand.returncode == 2 and (learner / "build/tried/sem/125-sem-value").exists()
    assert mine.read_text() == SOLUTION


@private_stage
def test_all_exercises_are_listed_with_how_far_they_are(learner: Path) -> None:
    def states() -> dict[str, str]:
        listed = make(learner, "-s", "exercise")
        assert listed.returncode == 0, listed.stdout
        return dict(re.split(r"  +", line, maxsplit=1) for line in listed.stdout.splitlines())

    assert set(states().values()) == {"not begun"} and len(states()) >= 14
    played = make(learner, "exercise", "N=110").stdout
    assert states()["110-mmap-write"] == 'fails: "hello" instead of "Hello": "hello", documented "Hello"', played
    (learner / "exercises/110-mmap-write.c").write_text(SOLUTION)
    assert states()["110-mmap-write"] == "changed since it was played"
    make(learner, "exercise", "N=110")
    assert states()["110-mmap-write"] == "holds"
    assert list(states().values()).count("not begun") == len(states()) - 1
    (learner / "exercises/110-mmap-write.c").write_text("int main(void) { return x; }\n")
    make(learner, "exercise", "N=110")
    assert states()["110-mmap-write"] == "does not compile"


def test_what_does_not_compile_is_the_compilers_own_text(learner: Path) -> None:
    write(learner, "    return nothing;")
    done = exercise(learner)
    assert done.returncode == 1
    assert "exercises/110-mmap-write.c:11:" in done.stdout and "nothing" in done.stdout
    assert "Hint" not in done.stdout


@pytest.mark.parametrize("number", ["9", "11", "110-nothing"])
def test_a_number_that_is_none_creates_nothing(number: str, learner: Path) -> None:
    done = make(learner, "-s", "exercise", f"N={number}")
    assert done.returncode != 0
    assert f'stage: there is no exercise {number}: "make exercise" lists them' in done.stdout
    assert not (learner / "exercises").exists()


def test_without_a_compiler_a_line_says_so(learner: Path, tmp_path: Path) -> None:
    path = path_without(tmp_path / "no compiler", "cc", "gcc", "clang", "c99")
    done = make(learner, "-s", "exercise", "N=110", PATH=path)
    assert done.returncode != 0 and "missing: a C compiler (cc)" in done.stdout
    done = subprocess.run(["python3", "-m", "stage", "exercise", "docs/exercises.rst", "110"], cwd=learner, text=True,
                          env={**os.environ, "PATH": path}, capture_output=True)
    assert (done.returncode, done.stderr) == (2, "stage: no compiler: cc: No such file or directory\n")


def test_clean_leaves_what_is_the_learners_and_git_does_not_see_it(learner: Path) -> None:
    write(learner, "    return 0;")
    (learner / "build/tried").mkdir()
    assert "rm -rf build" in make(learner, "-n", "clean").stdout
    seen = subprocess.run(["git", "check-ignore", "--no-index", "exercises/110-mmap-write.c", "code/exercises/x.c"],
                          cwd=ROOT, text=True, capture_output=True).stdout
    assert seen == "exercises/110-mmap-write.c\n"


#: What a program does -> the reason that must come.
MISCHIEF = {
    "prints without end": ('    for (;;) puts("more");', "the output has no end"),
    "forks for ever": ("    for (;;) fork();", "no end within 2 s"),
    "computes for ever": ("    for (;;) ;", "no end within 2 s: running"),
    "waits for nobody": (
        '    sem_close(sem_open("/ipc-nobody", O_CREAT, 0600, 0));\n    return sem_wait(sem_open("/ipc-nobody", 0));',
                         "no end within 2 s: blocked in futex"),
    "ignores signals": (
        "    for (int i = 1; i < 64; i++) signal(i, SIG_IGN);\n    for (;;) pause();", "no end within 2 s"),
    "removes its own file": ("    unlink(argv[0]);\n    return 0;", '"hello" instead of "Hello"'),
    "dies": ("    return raise(SIGKILL);", 'line too many: "Killed"'),
    "kills its shell": ("    return kill(getppid(), SIGKILL);", "the shell itself has ended"),
    "stops itself": ("    return raise(SIGSTOP);", "line"),
    "leaves a process": ("    if (fork() == 0) for (;;) pause();\n    int fd = open(argv[1], O_WRONLY);\n"
                         '    return write(fd, "H", 1) != 1;', "left running in terminal main"),
    "leaves objects": ("    shm_open(\"/ipc-left\", O_CREAT | O_RDWR, 0600);\n    int fd = open(argv[1], O_WRONLY);\n"
                       '    return write(fd, "H", 1) != 1;', "left behind: /dev/shm/ipc-left"),
}


@private_stage
@pytest.mark.parametrize("deed", MISCHIEF)
def test_what_a_program_does_ends_with_a_line_and_leaves_nothing(deed: str, learner: Path) -> None:
    body, reason = MISCHIEF[deed]
    write(learner, body)
    done = exercise(learner, 2)
    assert done.returncode == 1 and f"110-mmap-write: {reason}" in done.stdout, done.stdout
    assert not {"ipc-left", "sem.ipc-nobody"} & set(os.listdir("/dev/shm"))
    assert sorted(path.name for path in (learner / "exercises").iterdir()) == ["110-mmap-write.c"]
    if "waits" in deed:
        assert "terminal main: 110-mmap-write is blocked in futex on /ipc-nobody" in done.stdout


def test_where_there_are_no_name_spaces_nobody_gets_away_either(learner: Path) -> None:
    """By a session of its own; who forks faster than anybody can look gets away there, and is not tried here."""
    write(learner, "    if (fork() > 0) return 0;\n    setsid();\n    fork();\n    for (;;) pause();")
    with the_machine():
        done = exercise(learner, 2, "--level=bare")
    assert done.returncode == 1 and "110-mmap-write: " in done.stdout


def test_where_there_are_no_name_spaces_objects_do_not_stay_either(learner: Path) -> None:
    write(learner, MISCHIEF["leaves objects"][0].replace("/ipc-left", "/ipc-left-bare"))
    with the_machine():
        done = exercise(learner, 10, "--level=bare")
    assert done.returncode == 1 and "110-mmap-write: left behind: /dev/shm/ipc-left-bare" in done.stdout
    assert "ipc-left-bare" not in os.listdir("/dev/shm")
