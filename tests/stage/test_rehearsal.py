"""Play small pages, without the course's programs: what holds, what fails, what is left."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import play as helpers
import pytest
from play import (
    LEVEL,
    ORDINARY,
    Signal,
    Stage,
    as_root,
    green,
    levels,
    page,
    private_stage,
    public_folder,
    red,
    rehearse,
    scene,
    stage,
)
from support import CONTRIBUTING, ROOT, STRANGER

from stage.page.model import ScriptError
from stage.page.reader import parse
from stage.sandbox import namespaces


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with one program of our own."""
    folder = tmp_path / "programs"
    (folder / "own").mkdir(parents=True)
    (folder / "own" / "hello").write_text("#!/bin/sh\necho hello\n")
    return folder


@pytest.fixture
def play(tmp_path: Path, programs: Path) -> Callable[..., object]:
    """Plays a page of one scene with these lines."""

    def run(text: str, *arguments: object, **options: object) -> object:
        path = page(tmp_path, scene(text))
        given = ("--level", LEVEL, "--programs", programs, "--deadline", 1, *arguments)
        return stage("check", path, *given, **options)

    return run


@pytest.fixture
def outside() -> Iterator[Signal]:
    """A FIFO by which somebody on stage is heard outside."""
    with public_folder() as folder:
        made = Signal(folder)
        yield made
        made.close()


@pytest.fixture
def name() -> Iterator[str]:
    """The name of an object that nobody else uses."""
    made = f"stage-test-{uuid.uuid4().hex[:12]}"
    yield made
    Path("/dev/shm", made).unlink(missing_ok=True)


# ------------------------------------------------------------------------ what holds

HOLDS = {
    "output, status and error text": """
        $ echo hello
        hello
        $ cat nowhere
        cat: nowhere: No such file or directory
        [1]
        $ sh -c 'exit 255'
        [255]
        """,
    "a program": "$ ./own/hello\nhello\n",
    "a command of several lines": """
        $ for word in one two
        > do echo $word
        > done
        one
        two
        """,
    "a quoted newline": "$ echo 'one\n> two'\none\ntwo\n",
    "a comment and a list": "$ true # nothing\n$ echo a; echo b\na\nb\n",
    "output without a newline at the end": "$ printf 'a\\nb'\na\nb\n",
    "empty lines": "$ printf '\\na\\n\\n'\n\\\na\n\\\n",
    "tabs": "$ printf 'a\\tb\\n'\na       b\n",
    "umlauts": "$ echo grün\ngrün\n",
    "blocked, and woken": """
        $ mkfifo pipe
        (reader) $ cat pipe
        [blocked in openat]
        (writer) $ echo hello > pipe
        (reader)
        hello
        """,
    "two blocked, and woken one after the other": """
        $ mkfifo one two
        (x) $ cat one
        [blocked in openat]
        (y) $ cat two
        [blocked]
        $ echo first > two
        (y)
        first
        $ echo second > one
        (x)
        second
        """,
    "woken, and blocked again": """
        $ mkfifo pipe
        (reader) $ cat pipe
        [blocked in openat]
        (writer) $ cat > pipe
        [blocked in read]
        (reader)
        [blocked in read]
        (writer)
        ^D
        (reader)
        """,
    "Ctrl-D": "(x) $ cat\n[blocked in read]\n(x)\n^D\n",
    "Ctrl-C": "(x) $ cat\n[blocked in read]\n(x)\n^C\n[130]\n",
    "Ctrl-\\": "(x) $ cat\n[blocked in read]\n(x)\n^\\\nQuit\n[131]\n",
    "Ctrl-Z and fg": """
        (x) $ cat
        [blocked in read]
        (x)
        ^Z
        ...
        [148]
        (x) $ fg
        cat
        [blocked in read]
        (x)
        ^D
        """,
    "running, and ended by a key": """
        (x) $ sh -c 'i=0; while sleep 0.5; do i=$((i + 1)); echo $i; done'
        1
        [running]
        $ echo meanwhile
        meanwhile
        (x)
        ...
        3
        ^C
        [130]
        """,
    "running, and ended by itself": """
        (x) $ sleep 0.3; echo done
        [running]
        (x)
        done
        """,
    "a job in the background": """
        $ mkfifo pipe
        $ cat pipe &
        [1] 4243
        $ jobs -p
        4243
        $ disown
        $ kill 4243; tail -s 0.01 --pid=4243 -f /dev/null
        """,
    "the same PID in two places": """
        (x) $ sh -c 'echo $$; exec cat'
        4243
        [blocked in read]
        $ cat /proc/4243/comm
        cat
        (x)
        ^D
        """,
    "the default answer to SIGPIPE": """
        $ yes | head -n 1
        y
        $ sh -c 'kill -PIPE $$'
        [141]
        """,
    "the environment of the stage": """
        $ echo $LC_ALL $TZ
        C UTC
        $ umask
        0022
        $ ulimit -c
        0
        """,
}


@private_stage
@pytest.mark.parametrize("text", HOLDS.values(), ids=HOLDS)
def test_a_page_that_is_right_is_green(play: Callable, text: str) -> None:
    green(play(text))


@levels
def test_on_every_level_a_page_that_is_right_is_green(play: Callable, level: str) -> None:
    for form in ("output, status and error text", "a program", "blocked, and woken"):
        green(play(HOLDS[form], "--level", level))


@private_stage
def test_the_private_stage_is_always_the_same(play: Callable) -> None:
    green(
        play(
            """
            $ pwd; hostname; id -un; wc -l < /etc/passwd; ls; ls /dev/shm
            /mnt
            classroom
            student
            5
            # id -un; touch /dev/shm/x; ls -l /dev/shm; rm /dev/shm/x
            root
            total 0
            -rw-r--r-- 1 root root 0 Nov 22 17:25 x
            $ touch mine
            $ ls -l mine
            -rw-r--r-- 1 student student 0 Nov 22 17:25 mine
            $ rm /dev/shm/nothing
            rm: cannot remove '/dev/shm/nothing': No such file or directory
            [1]
            """
        )
    )


def test_no_terminal_has_a_descriptor_of_another_one(play: Callable) -> None:
    green(play("$ true\n(other) $ ls /proc/self/fd\n0  1  2  3\n"))


@private_stage
def test_signals_that_are_ignored_outside_are_not_on_stage(play: Callable) -> None:
    ignoring = ["env", "--ignore-signal=INT,QUIT,HUP"]
    green(play(HOLDS["Ctrl-C"], prefix=ignoring))
    green(play(HOLDS["Ctrl-\\"], prefix=ignoring))


# --------------------------------------------------------------------- what does not

PIPE = "$ mkfifo pipe\n(reader) $ cat pipe\n[blocked in openat]\n"

# id: (lines of the scene, line of the report within them, terminal, words)
FAILS: dict[str, tuple[str, int, str, str]] = {
    "another word": ("$ echo hello\nhullo\n", 1, "main", '"hello" instead of "hullo"'),
    "a line too many": ("$ echo hello\n", 1, "main", 'line too many: "hello"'),
    "a line missing": ("$ true\nhello\n", 1, "main", 'line missing: "hello"'),
    "another status": ("$ false\n[2]\n", 1, "main", "exit status 1, documented 2"),
    "a status that is not written": ("$ false\n", 1, "main", "exit status 1"),
    "a status that is only written": ("$ true\n[1]\n", 1, "main", "exit status 0"),
    "an unknown command": ("$ nowhere\n", 1, "main", "command not found"),
    "an ellipsis that hides nothing": (
        "$ echo a\na\n...\n",
        1,
        "main",
        "hides nothing",
    ),
    "blanks at the end": ("$ echo 'a '\na\n", 1, "main", "blanks at the end"),
    "a number that is no PID": ("$ echo 12\n13\n", 1, "main", "number 12"),
    "one PID for two": (
        "(x) $ sh -c 'echo $$; exec cat'\n77777\n[blocked in read]\n"
        "(y) $ sh -c 'echo $$; exec cat'\n77777\n[blocked in read]\n"
        "(x)\n^D\n(y)\n^D\n",
        4,
        "y",
        "PID 77777 was ",
    ),
    "two PIDs for one": (
        "(x) $ sh -c 'echo $$; echo $$; exec cat'\n77777\n88888\n[blocked in read]\n(x)\n^D\n",
        1,
        "x",
        "two values of the page, 77777 and 88888, are one PID",
    ),
    "a wake-up that is not mentioned": (
        PIPE + "(writer) $ echo hello > pipe\n$ true\n(reader)\nhello\n",
        5,
        "main",
        "terminal reader, blocked since line 5, has been woken",
    ),
    "a wake-up that is not mentioned, at the end": (
        PIPE + "(w) $ echo hello > pipe\n(x) $ cat\n[blocked in read]\n(x)\n^D\n(reader)\nhello\n",
        5,
        "x",
        "terminal reader, blocked since line 5, has been woken",
    ),
    "a wake-up that is invented": (
        PIPE + "$ true\n(reader)\nhello\n",
        5,
        "reader",
        "still blocked in openat: nothing has woken it",
    ),
    "a wake-up for another": (
        "$ mkfifo pipe other\n(x) $ cat pipe\n[blocked]\n(y) $ cat other\n[blocked]\n"
        "$ echo hello > pipe\n(y)\nhello\n(x)\nhello\n",
        7,
        "y",
        "still blocked in openat",
    ),
    "another system call": (
        PIPE.replace("openat", "read") + "(reader)\n^C\n[130]\n",
        2,
        "reader",
        "blocked in openat, documented as blocked in read",
    ),
    "a system call that does not exist": (
        PIPE.replace("openat", "opnat") + "(reader)\n^C\n[130]\n",
        2,
        "reader",
        "this machine has no system call opnat",
    ),
    "ended instead of blocking": (
        "(x) $ true\n[blocked in read]\n(x)\n^C\n[130]\n",
        1,
        "x",
        "ended with exit status 0 instead of blocking in read",
    ),
    "ended instead of going on": (
        "(x) $ echo a\na\n[running]\n(x)\n^C\n[130]\n",
        1,
        "x",
        "ended with exit status 0 instead of going on",
    ),
    "running instead of blocked": (
        "(x) $ sh -c 'while :; do :; done'\n[blocked in read]\n(x)\n^C\n[130]\n",
        1,
        "x",
        "running, documented as blocked in read",
    ),
    "a timed sleep instead of blocked": (
        "(x) $ sleep 1; sh -c 'while :; do :; done'\n[blocked]\n(x)\n^C\n[130]\n",
        1,
        "x",
        "documented as blocked in a system call",
    ),
    "a wait with a timeout instead of blocked": (
        "(x) $ bash -c 'read -t 0.5 word'\n[blocked]\n(x)\n^C\n[130]\n",
        1,
        "x",
        "ended with exit status 142 instead of blocking in a system call",
    ),
    "a child that sleeps instead of blocked": (
        "(x) $ sh -c 'sleep 1; :'; sh -c 'while :; do :; done'\n[blocked in wait4]\n"
        "(x)\n^C\n[130]\n",
        1,
        "x",
        "documented as blocked in wait4",
    ),
    "blocked instead of running": (
        "(x) $ cat\n[running]\n(x)\n^C\n[130]\n",
        1,
        "x",
        "blocked in read, documented as running",
    ),
    "blocked instead of ending": ("(x) $ cat\n", 1, "x", "no end within 1 s: blocked"),
    "running instead of ending": (
        "(x) $ sh -c 'while :; do :; done'\n",
        1,
        "x",
        "no end within 1 s: running",
    ),
    "a key that does nothing": (
        "(x) $ trap '' INT; cat\n[blocked in read]\n(x)\n^C\n[130]\n",
        3,
        "x",
        "no end within 1 s: blocked in read",
    ),
    "woken before the key": (
        PIPE + "$ echo hello > pipe\n(reader)\n^C\n[130]\n",
        5,
        "reader",
        "has been woken",
    ),
    "output that differs while it goes on": (
        "(x) $ sh -c 'while echo tick; do sleep 0.1; done'\ntack\n[running]\n(x)\n^C\n[130]\n",
        1,
        "x",
        '"tick" instead of "tack"',
    ),
    "an unfinished quotation": (
        "$ echo 'hello\n",
        1,
        "main",
        "the command is not complete",
    ),
    "an unfinished loop of two lines": (
        "$ for x in 1 2\n> do echo $x\n",
        1,
        "main",
        "the command is not complete",
    ),
    "the shell itself ends": ("$ exit 3\n", 1, "main", "the shell itself has ended"),
    "output in the wrong terminal": (
        "(x) $ echo a\n(y) $ true\na\n",
        1,
        "x",
        'line too many: "a"',
    ),
    "a job left in the background": (
        "$ mkfifo pipe\n$ cat pipe &\n[1] 4243\n",
        2,
        "main",
        "left running in terminal main: ",
    ),
    "an object left at the end": (
        "$ touch /dev/shm/left\n",
        1,
        "main",
        "left behind: /dev/shm/left: the page must remove what it creates",
    ),
}


@private_stage
@pytest.mark.parametrize("text, line, terminal, words", FAILS.values(), ids=FAILS)
def test_a_page_that_is_wrong_is_red_and_says_where_and_why(
    play: Callable, tmp_path: Path, text: str, line: int, terminal: str, words: str
) -> None:
    result = play(text)
    report = red(result, words)
    before = 3  # the lines of the directive
    assert report.startswith(f"{tmp_path}/page.rst:{before + line}: ")
    assert f": terminal {terminal}: " in report.split("\n")[0]
    assert words in report.split("\n")[1]
    assert report.rstrip("\n").endswith(", 1 failed")


@private_stage
def test_a_hang_ends_within_the_deadline(play: Callable) -> None:
    report = red(play("(x) $ cat\n(y) $ true\n", "--deadline", 0.2))
    assert "terminal x: cat\n    no end within 0.2 s: blocked in read\n" in report
    seconds = re.search(r", ([\d.]+) s and ", report)
    assert seconds and float(seconds[1]) < 5


@private_stage
def test_a_report_shows_what_came_with_the_values_of_the_page(
    play: Callable, tmp_path: Path
) -> None:
    text = """
        (x) $ sh -c 'echo $$; exec cat'
        77777
        [blocked in read]
        $ echo one; echo 77777 two; echo three
        one
        77777 too
        three
        (x)
        ^D
        """
    report = red(play(text))
    assert textwrap.dedent(
        """\
        --- documented
        +++ real
        @@ -1,3 +1,3 @@
         one
        -77777 too
        +77777 two
         three
        """
    ) in textwrap.dedent(report.split("\n", 2)[2].rpartition(f"{tmp_path}")[0])


# -------------------------------------------------------- scenes, and going on

THREE = [
    scene("$ echo one\none\n$ touch /dev/shm/one\n", "fresh"),
    scene("$ echo two\n2\n"),
    scene("$ echo never\n3\n"),
    scene("$ ls /dev/shm\n(x) $ echo $word\n\n$ cd /; word=kept\n", "fresh"),
    scene("$ pwd; echo $word\n/\nkept\n"),
    scene("$ pwd; echo $word\n/mnt\n\\\n", "fresh"),
]


@private_stage
def test_after_a_failure_the_rest_is_not_played(tmp_path: Path, programs: Path) -> None:
    path = page(tmp_path, *THREE)
    report = red(rehearse(path, programs=programs), ": 3 cues in 1 terminals", ", 1 failed")
    assert "echo never" not in report


@private_stage
def test_with_keep_going_the_next_fresh_scene_is_played(tmp_path: Path, programs: Path) -> None:
    path = page(tmp_path, *THREE)
    report = red(rehearse(path, "--keep-going", programs=programs), ", 1 failed\n")
    assert "echo never" not in report
    assert ": 8 cues in 2 terminals" in report


@private_stage
def test_a_scene_is_played_from_the_last_fresh_one_on(tmp_path: Path, programs: Path) -> None:
    path = page(tmp_path, *THREE)
    assert ": 2 cues in 1 " in green(rehearse(path, "--scene", 1, programs=programs))
    red(rehearse(path, "--scene", 2, programs=programs), "echo two")
    red(rehearse(path, "--scene", 3, programs=programs), "echo two")
    assert ": 4 cues in 2 " in green(rehearse(path, "--scene", 5, programs=programs))
    assert ": 1 cues in 1 " in green(rehearse(path, "--scene", 6, programs=programs))


@pytest.mark.parametrize("number", [0, -1, 7])
def test_a_scene_that_is_not_there_is_refused(tmp_path: Path, programs: Path, number: int) -> None:
    result = rehearse(page(tmp_path, *THREE), "--scene", number, programs=programs)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"there is no scene {number}" in result.stderr


@private_stage
def test_objects_left_before_a_fresh_scene_are_a_failure(tmp_path: Path, programs: Path) -> None:
    path = page(tmp_path, THREE[0], THREE[5])
    report = red(rehearse(path, programs=programs), "left behind: /dev/shm/one")
    assert f"{path}:6: terminal main: touch /dev/shm/one\n" in report


@private_stage
def test_every_page_has_its_line_and_the_worst_status_counts(
    tmp_path: Path, programs: Path
) -> None:
    good = page(tmp_path, scene("$ true"), name="good.rst")
    bad = page(tmp_path, scene("$ false"), name="bad.rst")
    last = page(tmp_path, scene("$ true"), name="last.rst")
    result = stage("check", good, bad, last, "--programs", programs)
    assert result.returncode == 1
    heads = [line.split(": ")[0] for line in result.stdout.split("\n")]
    assert heads[0] == str(good)
    assert heads[-3:] == [str(bad), str(last), ""]


def test_a_program_that_is_missing_is_reported_with_its_place(play: Callable) -> None:
    result = play("$ true\n$ ./own/hullo\n")
    assert (result.returncode, result.stdout) == (2, "")
    assert ":5: ./own/hullo: No such file or directory: " in result.stderr


def test_a_compiler_that_is_missing_is_reported(play: Callable) -> None:
    result = play("$ true\n", environment={"CC": "/nowhere/cc"})
    assert (result.returncode, result.stdout) == (2, "")
    assert "asking the C compiler" in result.stderr
    assert "Traceback" not in result.stderr


# ------------------------------------------------------------------ the form of output


def test_without_a_terminal_the_output_is_one_plain_line(play: Callable) -> None:
    line = green(play("$ echo hello\nhello\n(x) $ true\n"))
    form = r"\S+/page\.rst: 2 cues in 2 terminals, \d\.\d s and 0\.0 s of their own sleeping"
    assert re.fullmatch(form + "\n", line)


@pytest.mark.parametrize("text, colour", [("$ true\n", 32), ("$ false\n", 31)])
def test_on_a_terminal_there_are_colour_and_progress(
    tmp_path: Path, programs: Path, text: str, colour: int
) -> None:
    outer, inner = pty.openpty()
    playing = Stage(
        *("check", page(tmp_path, scene(text)), "--programs", programs),
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    output = helpers.read_terminal(outer, lambda: playing.process.poll() is not None)
    playing.finish()
    os.close(outer)
    command = text.removeprefix("$ ").strip()
    assert f"\r\x1b[Kmain: {command}" in output
    assert re.search(rf"\x1b\[{colour}m\S+/page\.rst: \d cues [^\n]*\x1b\[0m", output)


def test_the_programs_own_sleeping_is_counted_apart(play: Callable) -> None:
    line = green(play("$ sleep 1.2\n", "--deadline", 0.5))
    found = re.search(r"([\d.]+) s and ([\d.]+) s of their own", line)
    assert found and float(found[2]) >= 1.0
    assert float(found[1]) < 1.0


# ------------------------------------------------------------------ nothing is left


@levels
@pytest.mark.parametrize(
    "end",
    ["SIGINT to all", "SIGINT", "SIGTERM", "SIGTERM to all", "SIGKILL"],
)
def test_whatever_ends_a_play_nothing_is_left(
    tmp_path: Path,
    programs: Path,
    outside: Signal,
    name: str,
    level: str,
    end: str,
) -> None:
    path = page(
        tmp_path,
        scene(
            f"""
            $ touch /dev/shm/{name}; mkdir folder; mkfifo pipe
            (job) $ cat pipe & true
            [1] 4243
            (x) $ cat pipe
            [blocked in openat]
            (y) $ (trap '' HUP INT TERM; cat pipe) & echo here > {outside.path}; cat
            (x)
            ^C
            [130]
            """
        ),
    )
    mounted = helpers.mounts()
    playing = Stage(
        *("check", path, "--programs", programs, "--level", level),
        prefix=["env", "--default-signal=INT,TERM"],
        environment={"TMPDIR": str(outside.path.parent)},
    )
    try:
        assert outside.wait() == "here"
        number = getattr(signal, end.split()[0])
        (os.killpg if "all" in end else os.kill)(playing.process.pid, number)
        output, errors = playing.process.communicate(timeout=helpers.BOUND)
        assert playing.left() == []
    finally:
        playing.end()
    assert playing.process.returncode == (-9 if end == "SIGKILL" else 130)
    assert "Traceback" not in errors
    assert "failed" not in output
    assert helpers.mounts() == mounted
    assert not Path("/dev/shm", name).exists()
    assert os.listdir(outside.path.parent) == ["signal"]


@levels
def test_after_a_failure_nothing_is_left(
    play: Callable, outside: Signal, name: str, level: str
) -> None:
    mounted = helpers.mounts()
    report = red(
        play(
            f"""
            $ touch /dev/shm/{name}; mkfifo pipe
            (x) $ (trap '' HUP INT TERM; cat pipe) & cat pipe
            [1] 4243
            [blocked in openat]
            $ false
            (x)
            ^C
            [130]
            """,
            *("--level", level),
            environment={"TMPDIR": str(outside.path.parent)},
        )
    )
    assert "exit status 1, documented 0" in report
    assert helpers.mounts() == mounted
    assert not Path("/dev/shm", name).exists()
    assert os.listdir(outside.path.parent) == ["signal"]


@levels
def test_an_object_left_by_the_page_is_a_failure_and_removed(
    play: Callable, name: str, level: str
) -> None:
    red(
        play(f"$ touch /dev/shm/{name}\n", "--level", level),
        f"left behind: /dev/shm/{name}",
    )
    assert not Path("/dev/shm", name).exists()


# ---------------------------------------------------------------------------- levels


def test_bare_an_object_of_the_machine_is_not_touched(play: Callable, name: str) -> None:
    Path("/dev/shm", name).write_text("mine")
    result = play(f"$ rm /dev/shm/{name}\n", "--level", "bare")
    assert (result.returncode, result.stdout) == (2, "")
    assert f"/dev/shm/{name} exists: another play may be running" in result.stderr
    assert Path("/dev/shm", name).read_text() == "mine"


def test_bare_what_needs_more_is_skipped_and_counted(tmp_path: Path, programs: Path) -> None:
    path = page(
        tmp_path,
        scene("$ true\n$ true\n"),
        scene("$ cat /etc/passwd\nnobody\n$ true\n", "private"),
        scene("# id -un\nroot\n$ true\n$ true\n"),
    )
    line = green(rehearse(path, "--level", "bare", programs=programs))
    assert ": 2 cues in 1 terminals" in line
    assert line.endswith(", 5 cues skipped (bare: asked for)\n")


def test_bare_the_documented_user_stands_for_the_real_one(play: Callable) -> None:
    green(play("$ touch x; stat -c %U x\nstudent\n", "--level", "bare"))


@pytest.fixture
def no_unshare(tmp_path: Path) -> dict[str, str]:
    """An environment in which unshare(1) refuses."""
    fake = tmp_path / "bin" / "unshare"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'unshare: not today' >&2\nexit 1\n")
    fake.chmod(0o755)
    return {"PATH": f"{fake.parent}:{os.environ['PATH']}"}


def test_without_unshare_the_play_is_bare_and_says_why(
    tmp_path: Path, programs: Path, no_unshare: dict[str, str]
) -> None:
    path = page(tmp_path, scene("$ true\n"), scene("$ true\n", "private"))
    line = green(stage("check", path, "--programs", programs, environment=no_unshare))
    assert line.endswith(
        ", 1 cues skipped (bare: "
        + "; ".join(["unshare: not today"] * (2 if os.geteuid() == 0 else 1))
        + ")\n"
    )


@as_root
def test_where_user_namespaces_are_forbidden_root_makes_the_others(
    tmp_path: Path, programs: Path, no_unshare: dict[str, str]
) -> None:
    fake = Path(no_unshare["PATH"].split(":")[0], "unshare")
    fake.write_text(
        '#!/bin/sh\ncase "$*" in *--map-root-user*) echo no >&2; exit 1;; esac\n'
        f'exec {shutil.which("unshare")} "$@"\n'
    )
    path = page(tmp_path, scene("$ id -un; pwd\nstudent\n/mnt\n# id -un\nroot\n"))
    line = green(stage("check", path, "--programs", programs, environment=no_unshare))
    assert ": 2 cues in 1 terminals" in line
    assert "skipped" not in line


FORBID = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'


@private_stage
def test_in_a_namespace_that_forbids_others_the_page_is_green_or_skipped(
    tmp_path: Path, programs: Path
) -> None:
    path = page(tmp_path, scene("$ true\n"), scene("$ pwd\n/mnt\n", "private"))
    outer = ["unshare", "--user", "--map-root-user", "sh", "-c", FORBID, "sh"]
    line = green(stage("check", path, "--programs", programs, prefix=outer))
    skipped = re.search(r", 1 cues skipped \(bare: (.+)\)\n$", line)
    assert skipped or ": 2 cues" in line


def test_an_ordinary_user_can_play_and_promote() -> None:
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if not python:
        pytest.skip("needs a python3 that everybody may use")
    with public_folder() as folder:
        shutil.copytree(ROOT / "stage", folder / "stage")
        path = page(folder, scene("$ id -un\nsomebody\n# id -un\nroot\n"))
        if ORDINARY:
            for found in folder.rglob("*"):
                os.chown(found, STRANGER, STRANGER)
        given = {
            "python": python,
            "cwd": folder,
            "environment": {"PYTHONPATH": str(folder), "HOME": str(folder)},
            "prefix": ORDINARY,
        }
        probe = [*given["prefix"], *namespaces.entrance("user"), "true"]
        if subprocess.run(probe, capture_output=True, check=False).returncode:
            pytest.skip("needs user namespaces for ordinary users")
        red(stage("check", path, "--programs", folder, **given), '"student" instead')
        result = stage("promote", path, "--programs", folder, **given)
        assert result.returncode == 0, result
        assert path.read_text() == scene("$ id -un\nstudent\n# id -un\nroot\n")
        green(stage("check", path, "--programs", folder, **given))


# ----------------------------------------------------------------------------- alone


@private_stage
def test_the_package_alone_plays_a_page_of_another_repository(tmp_path: Path) -> None:
    folder = tmp_path / "another repository"
    shutil.copytree(ROOT / "stage", folder / "stage")
    source = folder / "own.c"
    source.write_text(
        "#include <unistd.h>\nint main(void)\n{\n    char c;\n"
        '    (void)!write(1, "hello\\n", 6);\n    return read(0, &c, 1);\n}\n'
    )
    helpers.compile_c(source, folder / "bin" / "own")
    page(folder, scene("(x) $ ./own\nhello\n[blocked in read]\n(x)\n^D\n"))
    green(
        stage(
            *("check", "page.rst", "--programs", "bin"),
            cwd=folder,
            environment={"PYTHONPATH": ""},
        )
    )


def test_the_package_needs_nothing_but_the_standard_library() -> None:
    files = sorted((ROOT / "stage").rglob("*.py"))
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    script = "; ".join(
        [
            f"import {', '.join(modules)}, sys",
            "names = {name.partition('.')[0] for name in sys.modules}",
            "print(*sorted(names - sys.stdlib_module_names - {'stage', '__main__'}))",
        ]
    )
    isolated = [sys.executable, "-S", "-c", script]
    made = subprocess.run(isolated, cwd=ROOT, capture_output=True, text=True, check=True)
    assert made.stdout == "\n"


# ------------------------------------------------------------------ what is documented


def _section(title: str) -> str:
    """A section of the contributing page."""
    text = CONTRIBUTING.read_text()
    begin = re.search(rf"^{re.escape(title)}\n([-.])\1+\n", text, re.MULTILINE)
    assert begin, title
    end = re.search(r"^\S[^\n]*\n([-.])\1{2,}$", text[begin.end() :], re.MULTILINE)
    return text[begin.end() :][: end.start() if end else None]


def _blocks(text: str, language: str) -> list[str]:
    found = re.findall(rf"^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(block).strip("\n") + "\n" for block in found]


def _without_seconds(text: str) -> str:
    return re.sub(r"\d+\.\d s", "# s", text)


@private_stage
def test_the_failure_that_is_documented_is_what_is_printed(tmp_path: Path) -> None:
    section = _section("Read a Failure")
    (source,) = _blocks(section, "rst")
    (report,) = _blocks(section, "text")
    (tmp_path / "page.rst").write_text(source)
    result = stage("check", "page.rst", "--programs", tmp_path, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (1, "")
    assert _without_seconds(result.stdout) == _without_seconds(report)


def test_the_scene_that_is_documented_is_one() -> None:
    (source,) = _blocks(_section("Write a Scene"), "rst")
    (cue,) = parse("page.rst", source).cues()
    assert (cue.command, cue.expect) == ("echo hello", ["hello"])


SCHEMA: dict[str, Callable[[object], bool]] = {
    "scene": lambda value: type(value) is int and value >= 1,
    "section": lambda value: isinstance(value, str),
    "fresh": lambda value: isinstance(value, bool),
    "line": lambda value: type(value) is int and value >= 1,
    "kind": lambda value: value in ("run", "resume", "key"),
    "terminal": lambda value: isinstance(value, str) and bool(value),
    "root": lambda value: isinstance(value, bool),
    "command": lambda value: isinstance(value, str),
    "expect": lambda value: (
        isinstance(value, list) and all(line is None or isinstance(line, str) for line in value)
    ),
    "end": lambda value: (
        isinstance(value, dict) and [*value] in (["status"], ["blocked"], ["running"])
    ),
}


def test_the_json_follows_the_documented_schema() -> None:
    documented = re.findall(r"^   \* - ``(\w+)``$", _section("scenes.json"), re.MULTILINE)
    assert documented == [*SCHEMA]
    result = stage("scenes", CONTRIBUTING)
    assert (result.returncode, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert {cue["kind"] for cue in found} == {"run", "resume", "key"}
    assert {next(iter(cue["end"])) for cue in found} == {"status", "blocked", "running"}
    for cue in found:
        assert [*cue] == [*SCHEMA]
        for key, value in cue.items():
            assert SCHEMA[key](value), (key, value)
        assert (cue["command"] == "") == (cue["kind"] == "resume")
    source = CONTRIBUTING.read_text().split("\n")
    for cue in found:
        assert (cue["command"].split("\n")[0] or cue["terminal"]) in source[cue["line"] - 1] or cue[
            "kind"
        ] == "key"


def test_the_json_of_several_pages_goes_by_their_names(tmp_path: Path) -> None:
    paths = [page(tmp_path, scene(f"$ echo {name}"), name=f"{name}.rst") for name in "ab"]
    found = json.loads(stage("scenes", *paths).stdout)
    assert [(path, cue["command"]) for path, (cue,) in found.items()] == [
        (str(paths[0]), "echo a"),
        (str(paths[1]), "echo b"),
    ]


def test_the_json_of_a_page_without_scenes_is_empty(tmp_path: Path) -> None:
    assert json.loads(stage("scenes", page(tmp_path, "")).stdout) == []


def test_what_is_wrong_is_an_error_of_its_own_type() -> None:
    with pytest.raises(ScriptError, match=r"^x\.rst:4: "):
        parse("x.rst", scene("hello"))
