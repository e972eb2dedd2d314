"""The levels of isolation: on each, the same page holds, and nothing is left behind."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import faults
import pytest
from play import (
    BOUND,
    LEVEL,
    ORDINARY,
    WHY,
    Played,
    Signal,
    Stage,
    as_root,
    green,
    levels,
    mounts,
    page,
    private_stage,
    public_folder,
    red,
    rehearse,
    scene,
    stage,
)
from support import ROOT, STRANGER

from stage.sandbox import namespaces

# ------------------------------------------------------------------------ what holds

# Where a program is to block in reading, it is sed(1): cat(1) of uutils splices.
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
    "a command of several lines that prints nothing, and is ended by a key": """
        (x) $ while sleep 0.1
        > do :
        > done
        ^C
        [130]
        """,
    "a command with an empty line": "$ cat << END\n> one\n>\n> two\n> END\none\n\\\ntwo\n",
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
        (writer) $ echo hello > pipe; rm pipe
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
        $ rm one two
        """,
    "woken, and blocked again": """
        $ mkfifo pipe
        (reader) $ sed n pipe
        [blocked in openat]
        (writer) $ sed n > pipe
        [blocked in read]
        (reader)
        [blocked in read]
        (writer)
        ^D
        (reader)
        $ rm pipe
        """,
    "Ctrl-D": "(x) $ sed n\n[blocked in read]\n(x)\n^D\n",
    "Ctrl-C": "(x) $ sed n\n[blocked in read]\n(x)\n^C\n[130]\n",
    "Ctrl-\\": "(x) $ sed n\n[blocked in read]\n(x)\n^\\\nQuit\n[131]\n",
    "Ctrl-Z and fg": """
        (x) $ sed n
        [blocked in read]
        (x)
        ^Z
        ...
        [148]
        (x) $ fg
        sed n
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
        $ kill 4243; tail -s 0.01 --pid=4243 -f /dev/null; rm pipe
        """,
    "the same PID in two places": """
        (x) $ sh -c 'echo $$; exec sed n'
        4343
        [blocked in read]
        $ cat /proc/4343/comm
        sed
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


@levels
def test_on_every_level_a_page_that_is_right_is_green(
    tmp_path: Path, programs: Path, level: str
) -> None:
    path = page(tmp_path, *(scene(text, "fresh") for text in HOLDS.values()))
    line = green(rehearse(path, level=level, programs=programs))
    assert "skipped" not in line


@private_stage
def test_the_private_stage_is_always_the_same(check: Callable[..., Played]) -> None:
    green(
        check(
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


def test_no_terminal_has_a_descriptor_of_another_one(check: Callable[..., Played]) -> None:
    green(check("$ true\n(other) $ ls /proc/self/fd\n0  1  2  3\n"))


@private_stage
def test_signals_that_are_ignored_or_blocked_outside_are_not_on_stage(
    tmp_path: Path, programs: Path
) -> None:
    path = page(tmp_path, scene(HOLDS["Ctrl-C"]), scene(HOLDS["Ctrl-\\"]))
    for outside in ("--ignore-signal=INT,QUIT,HUP,CHLD", "--block-signal=INT,QUIT,CHLD"):
        green(rehearse(path, programs=programs, prefix=["env", outside]))


def test_a_failure_is_told_by_the_status_though_the_caller_ignores_the_end_of_children(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ false\n"))
    red(stage("check", path, "--programs", tmp_path, prefix=["env", "--ignore-signal=CHLD"]), "1 failed")


@private_stage
def test_a_play_that_is_to_survive_its_terminal_does(check: Callable[..., Played]) -> None:
    """As under nohup(1); on a stage of its own, the player has the PID 1."""
    green(check("# kill -HUP 1\n", prefix=["env", "--ignore-signal=HUP"]))


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
            $ touch /dev/shm{name}; mkdir folder; mkfifo pipe
            (job) $ cat pipe & true
            [1] 4243
            (x) $ cat pipe
            [blocked in openat]
            (y) $ (trap '' HUP INT TERM; cat pipe) & echo here > {outside.path}; sed n
            (x)
            ^C
            [130]
            """
        ),
    )
    mounted = mounts()
    playing = Stage(
        *("check", path, "--programs", programs, "--level", level),
        prefix=["env", "--default-signal=INT,TERM"],
        environment={"TMPDIR": str(outside.path.parent)},
    )
    try:
        assert outside.wait() == "here"
        number = getattr(signal, end.split()[0])
        (os.killpg if "all" in end else os.kill)(playing.process.pid, number)
        output, errors = playing.process.communicate(timeout=BOUND)
        assert playing.left() == []
    finally:
        playing.end()
    assert playing.process.returncode == (-9 if end == "SIGKILL" else 130)
    assert "Traceback" not in errors
    assert "failed" not in output
    assert mounts() == mounted
    assert not Path(f"/dev/shm{name}").exists()
    assert os.listdir(outside.path.parent) == ["signal"]


@pytest.mark.parametrize("kill", [1, 2, 3, 4])
def test_a_signal_while_all_is_cleared_up_leaves_nothing(tmp_path: Path, outside: Signal, name: str, kill: int) -> None:
    """It comes with one of the calls that end a shell and what runs in its terminal."""
    if faults.why_no_strace():
        pytest.skip(faults.why_no_strace())
    path = page(tmp_path, scene(f"$ touch /dev/shm{name}; mkfifo pipe\n(x) $ cat pipe &\n[1] 4243\n(y) $ true\n"))
    done = rehearse(
        path, level="bare", environment={"TMPDIR": str(outside.path.parent)},
        prefix=["strace", "-qq", "-o", "/dev/null", "-e", "trace=kill", "-e", f"inject=kill:signal=TERM:when={kill}"])
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stage: interrupted\n")
    assert not Path(f"/dev/shm{name}").exists()
    assert os.listdir(outside.path.parent) == ["signal"]


@levels
def test_after_a_failure_nothing_is_left(
    check: Callable[..., Played], outside: Signal, name: str, level: str
) -> None:
    mounted = mounts()
    report = red(
        check(
            f"""
            $ touch /dev/shm{name}; mkfifo pipe
            (x) $ (trap '' HUP INT TERM; cat pipe) & cat pipe
            [1] 4243
            [blocked in openat]
            $ false
            (x)
            ^C
            [130]
            """,
            level=level,
            environment={"TMPDIR": str(outside.path.parent)},
        )
    )
    assert "exit status 1, documented 0" in report
    assert mounts() == mounted
    assert not Path(f"/dev/shm{name}").exists()
    assert os.listdir(outside.path.parent) == ["signal"]


@levels
def test_a_program_that_lies_above_the_stage_is_refused(
    tmp_path: Path, check: Callable[..., Played], outside: Signal, level: str
) -> None:
    (tmp_path / "secret").write_text("mine")
    for name in ("../secret", "own/../../secret"):
        result = check(f"$ cat ./{name}\n", level=level, environment={"TMPDIR": str(outside.path.parent)})
        assert (result.returncode, result.stdout) == (2, "")
        assert f"page.rst:4: ./{name} leads out of the stage: " in result.stderr
        assert os.listdir(outside.path.parent) == ["signal"]


@levels
def test_an_object_left_by_the_page_is_a_failure_and_removed(
    check: Callable[..., Played], name: str, level: str
) -> None:
    red(
        check(f"$ touch /dev/shm{name}\n", level=level),
        f"left behind: /dev/shm{name}",
    )
    assert not Path(f"/dev/shm{name}").exists()


# ---------------------------------------------------------------------------- levels


def test_bare_an_object_of_the_machine_is_not_touched(check: Callable[..., Played], name: str) -> None:
    Path(f"/dev/shm{name}").write_text("mine")
    result = check(f"$ rm /dev/shm{name}\n", level="bare")
    assert (result.returncode, result.stdout) == (2, "")
    assert f"/dev/shm{name} exists: another play may be running" in result.stderr
    assert Path(f"/dev/shm{name}").read_text() == "mine"


def test_bare_what_a_page_starts_ends_with_it_also_in_a_session_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "lines").touch()
    path = page(tmp_path, scene(f"$ setsid -f tail -f {tmp_path}/lines\n$ pgrep -c -f {tmp_path}/lines\n1\n"))
    assert stage("check", path, "--level=bare").returncode == 0  # which also looks for what is left


def test_bare_what_needs_more_is_skipped_and_counted(tmp_path: Path, programs: Path) -> None:
    path = page(
        tmp_path,
        scene("$ true\n$ true\n"),
        scene("$ cat /etc/passwd\nnobody\n$ true\n", "private"),
        scene("# id -un\nroot\n$ true\n$ true\n"),
    )
    line = green(rehearse(path, level="bare", programs=programs))
    assert ": 2 cues in 1 terminals" in line
    assert line.endswith(", 5 cues skipped (bare: asked for)\n")


def test_bare_the_documented_user_stands_for_the_real_one(check: Callable[..., Played]) -> None:
    """By name, or, if there is none, by number: ls(1) says either, where stat(1) says UNKNOWN."""
    green(check("$ touch x; ls -l x | cut -d ' ' -f 3\nstudent\n", level="bare"))


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


@pytest.mark.skipif(LEVEL != "user", reason=WHY)
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
            "environment": {
                "PYTHONPATH": str(folder),
                "PYTHONPYCACHEPREFIX": str(folder / "pycache"),
                "HOME": str(folder),
            },
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
