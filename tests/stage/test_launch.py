"""How a performance begins and ends, also by force, and what it does on the machine itself."""

import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from play import ORDINARY, as_root, mounts, page, public_folder, scene, stage, the_machine
from show import Show, fast, jump, performed, show
from support import ROOT, STRANGER

pytestmark = performed


@pytest.mark.parametrize("whom", [0, 1], ids=["outside", "inside"])
def test_a_killed_performance_leaves_no_process_and_the_next_begins(play: Path, whom: int) -> None:
    with show(play) as on:
        on.noted("echo hello")
        fast(on, "✓ echo hello", "✓ echo again", "✓ mkfifo pipe", "✓ cat pipe")
        (folder,) = on.folder.glob("ipc-stage-*")
        os.kill(on.performers()[whom], signal.SIGKILL)
        on.wait(lambda: not on.left())
        if whom:
            on.ended()
            assert "stage: the performance has been killed: start it again" in on.screen()
            assert not folder.exists()
        environment = {**on.environment, "TMPDIR": str(on.folder)}
        result = stage("perform", play, "--auto", environment=environment)
        assert (result.returncode, result.stderr) == (0, "")
        assert [path.name for path in on.folder.iterdir()] == ["outer"]


def sanity(on: Show) -> str:
    """Modes and screen of the instructor's terminal."""
    modes = subprocess.run(
        ["stty", "-a", "-F", on.tmux("display", "-p", "#{pane_tty}").strip()],
        capture_output=True, text=True, check=True,
    ).stdout
    return modes + on.tmux("display", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{keypad_cursor_flag}")


@pytest.mark.parametrize("whom", [0, 1], ids=["outside", "inside"])
def test_a_killed_performance_leaves_the_terminal_as_it_was(play: Path, tmp_path: Path, whom: int) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    with show(play, before=f"read go < {begun};") as on:
        with begun.open("w") as go:  # which waits for a reader: the terminal is as it is to be then
            before = sanity(on)
            go.write("go\n")
        on.noted("echo hello")
        on.wait(lambda: "notes" in on.screen())
        assert sanity(on) != before
        os.kill(on.performers()[whom], signal.SIGKILL)
        try:
            on.wait(lambda: not on.left() and sanity(on) == before)
        finally:
            print(on.left(), before, sanity(on), sep="\n")  # pytest shows it where the test has failed
        assert "notes" not in on.screen()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_performance_that_is_ended_leaves_nothing(play: Path, number: int) -> None:
    with show(play) as on:
        on.noted("echo hello")
        os.kill(on.performers()[0], number)
        on.ended()
        on.wait(lambda: not on.left())
        assert [path.name for path in on.folder.iterdir()] == ["outer"]


def test_a_tmux_that_goes_away_ends_the_performance(play: Path) -> None:
    with show(play) as on:
        on.noted("echo hello")
        on.inner("kill-server")
        screen = on.ended()
        assert "stage: tmux has ended: start the performance again" in screen
        assert "Traceback" not in screen
        on.wait(lambda: not on.left())
        assert [path.name for path in on.folder.iterdir()] == ["outer"]


def test_a_terminal_that_goes_away_ends_the_performance(play: Path) -> None:
    with show(play) as on:
        on.noted("echo hello")
        on.tmux("kill-server")
        on.wait(lambda: not on.left())
        assert [path.name for path in on.folder.iterdir() if path.name != "outer"] == []


def test_it_begins_with_the_scene_that_is_asked_for(play: Path) -> None:
    with show(play, "--scene", "wake") as on:
        on.noted("2/5", "(main) $ mkfifo pipe")
        on.shown("main", "again", "$")


def test_a_scene_that_cannot_be_reached_is_no_silent_end(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ echo two\n2\n", "fresh"), scene("$ true\n"))
    with show(path, "--scene", "2") as on:
        said = "".join(on.ended().split())  # however it has wrapped
    assert f"{path}:4:terminalmain:echotwo" in said
    assert '"two"insteadof"2"' in said
    assert said.endswith("cannotbeginwithscene2,sincethisdoesnothold[exit1]")


def test_a_jump_that_does_not_arrive_says_where_it_has_stopped(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ true\n$ echo two\n2\n", "fresh"), scene("$ true\n"))
    with show(path) as on:
        on.noted("(main) $ true")
        jump(on, "2")
        on.noted('✗ "two" instead of "2"', "Stopped on the way to scene 2", "1/2", "(main) $ echo two")
        assert re.search(r"\[exit 0\]", on.quit())


def test_a_jump_while_it_begins_may_fail_later_without_ending_the_show(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ sleep 3\n$ echo two\n2\n", "fresh"), scene("$ true\n"))
    with show(path, "--scene", "2") as on:
        on.noted("Replaying")
        jump(on, "1")
        on.noted("1/2", "(main) $ sleep 3")
        jump(on, "2")
        on.noted("Stopped on the way to scene 2")


def test_quit_is_obeyed_while_it_replays_whatever_was_pressed_before(tmp_path: Path) -> None:
    with show(page(tmp_path, scene("$ sleep 1000\n", "fresh"), scene("$ true\n")), "--scene", "2") as on:
        on.noted("Replaying")
        on.press("PageDown")
        assert "[exit 0]" in on.quit()  # else the replay has come to its own end


def test_a_performance_that_fails_inside_says_so(play: Path, tmp_path: Path) -> None:
    (tmp_path / "tmux").write_text('#!/bin/sh\n[ "$1" = -V ] && echo tmux 3.4 || exit 1\n')
    (tmp_path / "tmux").chmod(0o755)
    with show(play, before=f"env PATH={tmp_path}:{os.environ['PATH']}") as on:
        screen = on.ended()
    assert "stage: tmux does not start" in screen
    assert screen.strip().endswith("[exit 2]")


KIND = "(TERM)", "put TERM=xterm-256color in front"
LONG = "x" * 108
# one line of advice: (environment, size of the terminal, words)
REFUSED = {
    "without tmux": ({"PATH": "/nowhere"}, (80, 24), ["tmux is missing: install it"]),
    "no UTF-8": ({"LC_ALL": "C"}, (80, 24), ["the locale is not UTF-8: put LC_ALL=C.UTF-8"]),
    "too narrow": ({}, (79, 24), ["the terminal has 79x24: make it at least 80x24"]),
    "too low": ({}, (80, 23), ["the terminal has 80x23: make it at least 80x24"]),
    "without a cursor": ({"TERM": "dumb"}, (80, 24), ["dumb", "has no cursor that can be moved", *KIND]),
    "without PageDown": ({"TERM": "vt100"}, (80, 24), ["vt100", "has no key PageDown", *KIND]),
    "of unknown kind": ({"TERM": "xterm-ghastly"}, (80, 24), ["xterm-ghastly", "is not known here", *KIND]),
    "of no kind": ({"TERM": ""}, (80, 24), ["TERM is not set", "put TERM=xterm-256color in front"]),
    "a long TMPDIR": ({"TMPDIR": LONG}, (80, 24), ["TMPDIR is too long for", LONG, "TMPDIR=/tmp"]),
}


@pytest.mark.parametrize("environment, size, words", REFUSED.values(), ids=REFUSED)
def test_what_is_missing_is_said_in_one_line(
    play: Path, tmp_path: Path, environment: dict[str, str], size: tuple[int, int], words: list[str]
) -> None:
    if "TMPDIR" in environment:
        environment = {"TMPDIR": str(tmp_path / LONG)}
        (tmp_path / LONG).mkdir()
    call = "env " + " ".join(f"{key}={value}" for key, value in environment.items())
    with show(play, size=size, before=call) as on:
        said = "".join(on.ended().split())
    assert [word for word in words if "".join(word.split()) not in said] == []
    assert said.startswith("stage:") and said.endswith("[exit2]")


def test_a_redirection_is_named_as_what_stands_in_the_way(play: Path) -> None:
    with show(play, before="f() { \"$@\" | cat; }; f") as on:
        said = " ".join(on.ended().split())
    assert "a performance needs a terminal, and standard output is none" in said
    assert "make without -O" in said


def test_an_old_tmux_is_refused(play: Path, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "tmux"
    fake.parent.mkdir()
    for version, status in (("3.1c", 2), ("2.9", 2)):
        fake.write_text(f"#!/bin/sh\necho tmux {version}\n")
        fake.chmod(0o755)
        path = f"{fake.parent}:{os.environ['PATH']}"
        result = stage("perform", play, "--auto", environment={"PATH": path})
        assert result.returncode == status
        assert result.stderr == f"stage: tmux {version} is too old: install tmux 3.2 or later\n"


def test_without_a_terminal_only_auto_is_played(play: Path) -> None:
    result = stage("perform", play)
    assert (result.returncode, result.stdout) == (2, "")
    assert "a performance needs a terminal, and standard input is none" in result.stderr
    assert "AUTO=1 (--auto) does without" in result.stderr


def test_a_path_that_is_too_long_for_a_socket_is_refused(play: Path, tmp_path: Path) -> None:
    temporary = tmp_path / ("long" * 25)
    temporary.mkdir()
    result = stage("perform", play, "--auto", environment={"TMPDIR": str(temporary)})
    assert (result.returncode, result.stdout) == (2, "")
    assert re.fullmatch(rf"stage: TMPDIR is too long for the socket of tmux, {re.escape(str(temporary))}: "
                        r"set it to a path of at most \d+ bytes, for example TMPDIR=/tmp\n", result.stderr)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("asked", ["0", "6", "nowhere"])
def test_a_scene_that_is_not_there_is_refused(play: Path, asked: str) -> None:
    result = stage("perform", play, "--auto", "--scene", asked)
    assert result.returncode == 2
    assert f'has no scene "{asked}": give its number, 1 to 5' in result.stderr


@pytest.fixture
def name() -> Iterator[str]:
    """The name of an object that nobody else uses, as those of the course."""
    made = f"ipc-test-{uuid.uuid4().hex[:12]}"
    yield made
    Path("/dev/shm", made).unlink(missing_ok=True)
    Path("/dev/shm", f"{made}-other").unlink(missing_ok=True)


def made(name: str) -> bool:
    """Whether the object exists on this machine."""
    return Path("/dev/shm", name).exists()


def test_on_the_host_objects_are_everybodys_and_removed_at_the_end(
    tmp_path: Path, name: str
) -> None:
    path = page(
        tmp_path,
        scene(f"$ touch /dev/shm/{name} /dev/shm/{name[4:]}\n$ mkfifo pipe\n"),
        scene("$ true\n"),
    )
    other = Path("/dev/shm", name[4:])
    with the_machine(), show(path, "--host", level=False) as on:
        try:
            on.noted("touch")
            fast(on, "✓ touch", "✓ mkfifo")
            assert made(name)
            on.quit()
            assert not made(name)
            assert other.exists()
        finally:
            other.unlink(missing_ok=True)


def test_on_the_host_a_private_scene_may_differ_and_is_no_failure(tmp_path: Path) -> None:
    path = page(
        tmp_path,
        scene("$ echo one; false\ntwo\n$ echo same\nsame\n", "private"),
        scene("$ echo three\n3\n$ true\n"),
    )
    with the_machine(), show(path, "--host", level=False) as on:
        on.noted("echo one")
        fast(on, '~ echo one; false: may differ here: "one" instead of "two"', "✓ echo same")
        fast(on, '✗ echo three: "three" instead of "3"')
        jump(on, "2")
        on.noted("2/2", "(main) $ echo three")
        assert "[exit 0]" in on.quit()


@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_the_host_what_was_left_over_is_named_and_removed_if_wanted(
    tmp_path: Path, name: str, answer: str
) -> None:
    Path("/dev/shm", name).write_text("old")
    Path("/dev/shm", f"{name}-other").write_text("not of this page")
    path = page(tmp_path, scene(f"$ ls /dev/shm/{name}\n"))
    with the_machine(), show(path, "--host", level=False) as on:
        on.wait(lambda: "Remove exactly these? [y/N]" in on.screen())
        assert f"Left over on this machine: /dev/shm/{name}." in "".join(on.screen().split("\n"))
        on.type(answer)
        on.press("Enter")
        if answer == "y":
            on.noted("(main) $ ls")
            on.quit()
        else:
            assert "[exit 2]" in on.ended()
    assert made(name) == (answer == "n")
    assert made(f"{name}-other")


def test_on_the_host_auto_refuses_what_was_left_over(tmp_path: Path, name: str) -> None:
    Path("/dev/shm", name).write_text("old")
    path = page(tmp_path, scene(f"$ ls /dev/shm/{name}\n"))
    with the_machine():
        result = stage("perform", path, "--host", "--auto")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        f"stage: left over on this machine: /dev/shm/{name}; "
        'remove them ("make clean-ipc"), and start again\n'
    )
    assert made(name)


def test_on_the_host_root_is_asked_for_once_at_the_start(tmp_path: Path) -> None:
    with public_folder() as folder:
        shutil.copytree(ROOT / "stage", folder / "stage")
        path = page(folder, scene("$ true\n# true\n"))
        fake = folder / "sudo"
        fake.write_text('#!/bin/sh\necho "sudo: $*"\n')
        fake.chmod(0o755)
        result = stage(
            *("perform", path, "--host", "--auto"),
            cwd=folder,
            python=shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable,
            prefix=ORDINARY,
            environment={"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(folder)},
        )
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(
        rf"sudo: env PATH=.* -m stage perform {path} --host --auto\n", result.stdout
    )


@as_root
def test_on_the_host_ordinary_commands_stay_those_of_the_caller_of_sudo(tmp_path: Path) -> None:
    lines = f"$ id -u; touch mine\n{STRANGER}\n# id -u; stat -c %u mine\n0\n{STRANGER}\n"
    path = page(tmp_path, scene(lines))
    environment = {"SUDO_UID": str(STRANGER), "SUDO_GID": str(STRANGER)}
    result = stage("perform", path, "--host", "--auto", environment=environment)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout


@as_root
def test_on_the_host_nothing_stays_mounted(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("needs the right to mount")
    path = page(
        tmp_path, scene("# mkdir there; mount -t tmpfs none there\n# df there > /dev/null\n")
    )
    before = mounts()
    result = stage("perform", path, "--host", "--auto", environment={"TMPDIR": str(tmp_path)})
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    assert mounts() == before
    assert [path.name for path in tmp_path.iterdir()] == ["page.rst"]
