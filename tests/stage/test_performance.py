"""Perform pages, driven by keys from outside: what is typed, shown and noted, and what is left."""

import json
import os
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from play import BOUND, Signal, as_root, mounts, page, private_stage, public_folder, scene, stage, the_machine
from show import Show, show
from support import PROGRAMS, ROOT, SCREENPLAY, STRANGER

from stage.page.prose import prose
from stage.page.reader import parse, read
from stage.perform.keys import HELP
from stage.perform.notes import Sheet, render, width
from stage.perform.panes import COLOURS
from stage.perform.plan import steps
from stage.perform.screen import View
from stage.perform.tmux import CONFIGURATION
from stage.perform.typist import LETTER

needs_tmux = pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")


def titled(title: str, text: str, *blocks: str) -> str:
    """A section of a page."""
    return "\n".join([title, "-" * len(title), "", ":Minutes: 5", "", text, "", *blocks])


PLAY = [
    titled(
        "Say It",
        "* Say *hello*, see :manpage:`echo(1)`",
        scene("$ echo hello\nhello\n$ echo again\nagain\n", "fresh"),
    ),
    titled(
        "Wake It",
        "* Who wakes it?",
        scene("$ mkfifo pipe\n(reader) $ cat pipe\n[blocked in openat]\n"),
        scene("(writer) $ echo 42 > pipe\n(reader)\n42\n$ rm pipe\n"),
    ),
    titled(
        "Count It",
        "* It counts",
        scene(
            """
            (counter) $ sh -c 'while :; do echo $((i += 1)); sleep 0.1; done'
            1
            [running]
            $ echo meanwhile
            meanwhile
            (counter)
            ...
            3
            ^C
            [130]
            """
        ),
        scene("$ echo bye\nbye\n"),
    ),
]


@pytest.fixture
def play(tmp_path: Path) -> Path:
    """A page of three sections and five scenes."""
    return page(tmp_path, "Play\n====\n", *PLAY)


@pytest.fixture
def on(play: Path) -> Iterator[Show]:
    """A performance of it, at its beginning."""
    with show(play) as made:
        made.noted("Say hello", "echo hello", "Second screen")
        made.shown("main", "$")
        yield made


pytestmark = [needs_tmux, private_stage]


# ---------------------------------------------------------------------------- the keys


def test_next_types_the_command_and_then_presses_enter(on: Show) -> None:
    on.press("PageDown")
    on.noted("echo hello [Enter]")
    on.shown("main", "$ echo hello")
    on.press("PageDown")
    on.shown("main", "$ echo hello", "hello", "$")
    on.noted("✓ echo hello", "(main) $ echo again")
    on.quit()


def test_a_second_press_while_it_is_typed_completes_the_command(tmp_path: Path) -> None:
    words = "word " * 60
    with show(page(tmp_path, scene(f"$ : {words.strip()}; echo done\ndone\n"))) as on:
        on.noted("echo done")
        on.press("PageDown")
        on.wait(lambda: "word" in on.panes()["main"])
        began = time.monotonic()
        on.press("PageDown")
        on.noted("[Enter]")
        assert time.monotonic() - began < 300 * LETTER / 2
        on.shown("main", "echo done")


def test_enter_by_hand_is_as_good(on: Show) -> None:
    on.press("PageDown")
    on.noted("[Enter]")
    on.press("Enter")
    on.shown("main", "hello", "$")
    on.press("PageDown")
    on.noted("✓ echo hello")
    assert on.panes()["main"] == "$ echo hello\nhello\n$"


def test_fast_does_both_in_one_press(on: Show) -> None:
    on.press("F9")
    on.noted("[fast]")
    on.press("PageDown")
    on.noted("✓ echo hello")
    on.press("PageDown")
    on.shown("main", "$ echo hello", "hello", "$ echo again", "again", "$")
    on.press("F9", "PageDown")
    on.noted("mkfifo pipe [Enter]")


def fast(on: Show, *words: str) -> None:
    """Go on until each of these cues has held."""
    if "[fast]" not in on.notes():
        on.press("F9")
        on.noted("[fast]")
    for word in words:
        on.press("PageDown")
        on.noted(word)


def test_what_goes_on_because_of_a_cue_needs_no_key_and_is_announced(on: Show) -> None:
    fast(on, "✓ echo hello", "✓ echo again", "✓ mkfifo pipe")
    on.noted("-> blocks in openat")
    fast(on, "✓ cat pipe")
    on.noted("-> wakes reader: 42")
    assert "✓" not in on.panes()["main"]
    fast(on, "✓ (reader) goes on")
    on.shown("reader", "42", "$")


def test_the_whole_page_can_be_played_by_pressing_one_key(on: Show) -> None:
    fast(on, "✓ echo hello", "✓ echo again", "✓ mkfifo pipe", "✓ cat pipe")
    fast(on, "✓ (reader) goes on", "✓ rm pipe", "✓ sh -c", "✓ ^C")
    fast(on, "✓ echo bye", "That was the last step")
    screen = "".join(on.quit().split("\n"))
    assert re.search(r": 12 cues in 4 terminals, [^\[]*\[exit 0\]", screen)


def test_back_goes_a_step_back_and_takes_away_what_was_typed(on: Show) -> None:
    fast(on, "✓ echo hello")
    on.press("F9", "PageDown")
    on.noted("echo again [Enter]")
    on.press("PageUp")
    on.noted("(main) $ echo hello")
    on.shown("main", "$ echo hello", "hello", "$")
    on.press("PageDown", "PageDown")
    on.noted("[Enter]")
    on.press("PageDown")
    on.shown("main", "hello", "$ echo hello", "hello", "$")


def test_back_into_a_fresh_scene_does_not_empty_the_stage(on: Show) -> None:
    fast(on, "✓ echo hello", "✓ echo again", "✓ mkfifo pipe", "✓ cat pipe")
    for words in ("(reader) $ cat", "(main) $ mkfifo", "(main) $ echo again"):
        on.press("PageUp")
        on.noted(words)
    fast(on, "✓ echo again")
    on.shown("main", "$ mkfifo pipe", "$ echo again", "again", "$")


def test_retry_while_waiting_means_this_step(tmp_path: Path) -> None:
    with show(page(tmp_path, scene("$ true\n$ cat\n"))) as on:
        on.noted("(main) $ true")
        fast(on, "✓ true")
        on.press("PageDown")
        on.shown("main", "$ cat")
        on.wait(lambda: "cat" in on.screen().rstrip("\n").split("\n")[-1])  # the strip
        on.press("F5")
        on.noted("✗ cat: given up", "Nothing typed: terminal main is busy", "(main) $ cat")


def test_retry_plays_the_last_step_again(on: Show) -> None:
    fast(on, "✓ echo hello")
    on.press("F5")
    on.shown("main", "$ echo hello", "hello", "$ echo hello", "hello", "$")
    on.noted("(main) $ echo again")


def test_retry_binds_the_values_that_come_now(tmp_path: Path) -> None:
    text = "(x) $ sh -c 'echo $$; exec cat'\n4243\n[blocked in read]\n"
    with show(page(tmp_path, scene(text + "$ cat /proc/4243/comm\ncat\n(x)\n^D\n", "fresh"))) as on:
        on.noted("exec cat")
        fast(on, "✓ sh -c")
        on.press("C-c")  # the focus is where the last cue was
        on.shown("x", "$")
        first = re.findall(r"^\d+$", on.panes()["x"], re.M)
        on.press("F5")
        on.wait(lambda: len(re.findall(r"^\d+$", on.panes()["x"], re.M)) == 2)
        second = re.findall(r"^\d+$", on.panes()["x"], re.M)[1]
        assert [second] != first
        on.noted(f"cat /proc/{second}/comm")
        fast(on, "✓ cat /proc/4243/comm", "✓ ^D")
        assert f"cat /proc/{second}/comm" in on.panes()["main"]


def test_skip_goes_on_without_playing(on: Show) -> None:
    on.press("F6")
    on.noted("(main) $ echo again")
    assert on.panes()["main"] == "$"


def test_skip_gives_up_waiting(tmp_path: Path) -> None:
    with show(page(tmp_path, scene("$ cat\n$ echo next\nnext\n"))) as on:
        on.noted("(main) $ cat")
        on.press("F9")
        on.press("PageDown")
        on.shown("main", "$ cat")
        on.wait(lambda: "cat" in on.screen().rstrip("\n").split("\n")[-1])  # the strip
        on.press("PageDown")
        on.noted("Still waiting for terminal main (blocked in read). F6 gives up.")
        on.press("F6")
        on.noted("✗ cat: given up", "(main) $ echo next")
        on.press("C-c")
        on.shown("main", "$")
        fast(on, "✓ echo next")


def jump(on: Show, asked: str, enter: str = "Enter") -> None:
    """Press F7, type, and press Enter, a key at a time."""
    on.press("F7")
    for number, letter in enumerate(asked):
        on.noted(f"Enter): {asked[:number]}_")
        on.type(letter)
    on.noted(f": {asked}_")
    on.press(enter)


@pytest.mark.parametrize("asked", ["3", "wake", "Wake It"])
def test_jump_goes_to_a_scene_by_its_number_or_its_title(on: Show, asked: str) -> None:
    on.press("F7")
    on.noted("Jump to scene", "2-3 Wake It", "4-5 Count It")
    on.press("Escape")
    on.wait(lambda: "Jump" not in on.notes())
    jump(on, asked)
    if asked == "3":
        on.noted("3/5", "-> wakes reader")
        on.shown("reader", "$ cat pipe")
    else:
        on.noted("2/5", "(main) $ mkfifo pipe")
        on.shown("main", "$ echo hello", "hello", "$ echo again", "again", "$")
    on.press("a")
    on.wait(lambda: any(text.endswith("a") for text in on.panes().values()))


def test_keys_that_come_at_once_are_not_lost(on: Show) -> None:
    on.press("F9", "x", "F9", "F9", "F6", "y", "F6", "PageUp")
    on.noted("(main) $ echo again [fast]")
    on.shown("main", "$ xy")


def test_what_is_typed_before_a_pane_is_looked_at_is_not_lost() -> None:
    keyboard, pane = os.openpty()
    os.write(keyboard, b"x\x1b[6~")
    view = View(os.ttyname(pane))
    assert (view.rest(), view.rest()) == (b"x\x1b[6~", b"")
    view.close()
    os.close(keyboard)
    os.close(pane)


def test_while_a_scene_is_asked_for_every_key_is_the_notes(on: Show) -> None:
    jump(on, "memory, µ;#x")
    on.noted('No scene "memory, µ;#x"')
    on.press("F7")
    on.noted("Jump")
    on.press(*"a,b", "Left", "M-x", "F4", "C-c", "Tab", "c")
    on.noted("Enter): a,bc_")
    on.press("Escape")
    on.wait(lambda: "Jump" not in on.notes())
    on.press("m")
    on.shown("main", "$ m")


def test_jump_can_be_left_and_says_what_does_not_exist(on: Show) -> None:
    jump(on, "9")
    on.noted('No scene "9"')
    jump(on, "9", "Escape")
    on.wait(lambda: "Jump" not in on.notes())
    on.press("F7")
    on.noted("Jump")
    on.press("PageDown")
    on.noted("[Enter]")


def test_reset_begins_the_scene_again(on: Show) -> None:
    fast(on, "✓ echo hello", "✓ echo again", "✓ mkfifo pipe", "✓ cat pipe")
    on.press("F8")
    on.noted("2/5", "(main) $ mkfifo pipe")
    on.shown("main", "again", "$")
    fast(on, "✓ mkfifo pipe", "✓ cat pipe")


def test_reset_takes_away_processes_objects_mounts_and_files(tmp_path: Path) -> None:
    path = page(
        tmp_path,
        scene("$ touch /dev/shm/ipc-x file\n# mkdir there; mount -t tmpfs none there\n", "fresh"),
        scene("$ ls; ls /dev/shm; ps ax | grep -c '[s]leep 1234'\n"),
    )
    with show(path) as on:
        on.noted("touch")
        fast(on, "✓ touch", "✓ mkdir")
        on.type("sleep 12345 & exit")
        on.press("Enter")
        jump(on, "1")
        on.noted("1/2", "(main) $ touch")
        on.press("F6")
        on.press("F6")
        on.noted("2/2")
        on.press("PageDown")
        on.shown("main", "grep -c '[s]leep 1234'", "0", "$")


# ------------------------------------------------------------------------ taking over


def test_own_commands_in_between_do_no_harm(on: Show) -> None:
    fast(on, "✓ echo hello")
    on.type("echo mine; echo half")
    on.press("Enter")
    on.shown("main", "mine", "half", "$")
    on.type("typed by half")
    on.shown("main", "$ typed by half")
    fast(on, "✓ echo again")
    on.shown("main", "$ echo again", "again", "$")


def test_what_is_typed_is_replaced_if_it_has_been_changed(on: Show) -> None:
    on.press("PageDown")
    on.noted("[Enter]")
    on.type(" and more")
    on.shown("main", "echo hello and more")
    on.press("PageDown")
    on.noted("✓ echo hello")
    on.shown("main", "$ echo hello", "hello", "$")


def test_a_busy_terminal_is_left_alone_and_the_notes_say_why(on: Show) -> None:
    fast(on, "✓ echo hello")
    on.type("cat")
    on.press("Enter")
    on.shown("main", "$ cat")
    on.press("PageDown")
    on.noted("Nothing typed: terminal main is busy (blocked in read). Press Ctrl-C there")
    assert on.panes()["main"].endswith("$ cat")
    on.press("C-c")
    on.shown("main", "$ cat", "^C", "$")
    fast(on, "✓ echo again")


def test_ctrl_c_ends_a_producer_and_the_show_goes_on(on: Show) -> None:
    jump(on, "4")
    on.noted("(counter) $ sh -c")
    fast(on, "✓ sh -c")
    on.press("C-c")
    on.wait(lambda: re.search(r"\^C\n\$$", on.panes()["counter"]))
    on.noted("-> then ^C in counter")
    fast(on, "✗ passed over: terminal counter is at its prompt already", "✓ echo bye")


def test_somebody_woken_by_hand_is_mentioned(on: Show) -> None:
    fast(on, "✓ echo hello", "✓ echo again", "✓ mkfifo pipe", "✓ cat pipe")
    on.press("C-c")
    on.shown("reader", "^C", "$")
    on.press("F6")
    fast(on, "Terminal reader has been woken, though not by the page")


@pytest.mark.parametrize("words", ["exit", "sleep 12345 & exit", "exec sleep 0"])
def test_a_shell_that_was_ended_by_hand_is_replaced(on: Show, words: str) -> None:
    fast(on, "✓ echo hello")
    on.press("C-d")
    on.shown("main", 'Use "exit" to leave the shell.', "$")
    on.type(words)
    on.press("Enter")
    on.wait(lambda: on.panes()["main"] == "$")
    fast(on, "✓ echo again")
    on.shown("main", "$ echo again", "again", "$")


def test_output_without_end_by_hand_stops_neither_keys_nor_notes(on: Show) -> None:
    fast(on, "✓ echo hello")
    on.type("yes")
    on.press("Enter")
    on.shown("main", "y", "y")
    on.press("PageDown")
    on.noted("Nothing typed: terminal main is busy")
    on.press("C-c")
    on.wait(lambda: on.panes()["main"].endswith("\n$"))
    fast(on, "✓ echo again")


def test_another_pane_gets_the_focus_by_f4_or_a_click(on: Show) -> None:
    jump(on, "2")
    on.wait(lambda: len(on.panes()) == 3)
    on.press("F4")
    on.type("echo here")
    on.shown("reader", "$ echo here")
    on.type("\x1b[<0;3;4M")
    on.type("\x1b[<0;3;4m")
    on.wait(lambda: on.inner("display", "-p", "-t", "stage:", "#{@name}") == "main\n")
    on.type("echo there")
    on.shown("main", "$ echo there")


# -------------------------------------------------------------------------- the screen


def test_a_pane_for_each_terminal_of_the_scene_in_the_colours_of_the_page(on: Show) -> None:
    assert [*on.panes()] == ["main", "notes"]
    jump(on, "3")
    on.wait(lambda: [*on.panes()] == ["writer", "reader", "main", "notes"])
    form = "#{@name} #{@colour}"
    colours = dict(
        line.split()
        for line in on.inner("list-panes", "-t", "stage:", "-F", form).splitlines()
        if "#" in line
    )
    sheet = (ROOT / "docs" / "_static" / "course.css").read_text()
    of_the_page = re.findall(r"\.colour-\d \{ --terminal: (#\w+); \}", sheet)
    assert list(COLOURS) == of_the_page
    assert colours == dict(zip(["main", "reader", "writer"], of_the_page, strict=False))
    for title in ("── writer ─", "── reader ─", "── main ─", "── notes ─"):
        assert title in on.screen()


def test_the_last_five_commands_stay_visible(on: Show) -> None:
    fast(on, "✓ echo hello", "✓ echo again", "✓ mkfifo pipe", "✓ cat pipe", "✓ (reader)", "✓ rm")
    last = ["echo again", "mkfifo pipe", "(reader) $ cat pipe", "echo 42 > pipe", "rm pipe"]
    strip = on.screen().rstrip("\n").split("\n")[-5:]
    for line, command in zip(strip, last, strict=True):
        assert command in line


def test_a_pane_that_is_closed_is_only_a_view(on: Show) -> None:
    fast(on, "✓ echo hello")
    for name in ("main", "notes"):
        form = "#{pane_id} #{@name}"
        panes = on.inner("list-panes", "-t", "stage:", "-F", form).splitlines()
        (pane,) = [line.split()[0] for line in panes if line.endswith(f" {name}")]
        on.inner("kill-pane", "-t", pane)
        on.wait(lambda: [*on.panes()] == ["main", "notes"])
        on.shown("main", "$ echo hello", "hello", "$")
    on.inner("kill-session", "-t", "notes")
    on.wait(lambda: "echo again" in on.notes())
    fast(on, "✓ echo again")
    on.shown("main", "again", "$")


def test_at_80x24_all_is_readable(on: Show) -> None:
    fast(on, "✓ echo hello")
    on.tmux("resize-window", "-x", "80", "-y", "24")
    form = "#{window_width}x#{window_height}"
    on.wait(lambda: on.inner("display", "-p", "-t", "stage:", form) == "80x19\n")
    on.wait(lambda: "── notes ─" in on.screen())
    on.press("PageDown")
    on.noted("✓ echo again")
    screen = on.screen()
    for words in ("✓ echo again", "(main) $ mkfifo pipe", "* Who wakes it?", "PgDn next"):
        assert words in screen
    assert "F10 quit" in " ".join(screen.split())
    assert on.panes()["main"].endswith("$ echo again\nagain\n$")


def test_a_second_screen_takes_the_notes(on: Show) -> None:
    on.noted("Second screen:", "-t notes")
    found = re.search(
        r"Second screen: (tmux -u -S \S+ attach-session -t notes)", "".join(on.notes().split("\n"))
    )
    assert found, on.notes()
    on.tmux("new-window", "-d", "-n", "second", *found[1].split())
    on.wait(lambda: [*on.panes()] == ["main"])
    second = "second"
    on.wait(lambda: "Say hello" in on.tmux("capture-pane", "-p", "-t", f":{second}"))
    on.tmux("send-keys", "-t", f":{second}", "F9", "PageDown")
    on.shown("main", "hello", "$")
    on.wait(lambda: "✓ echo hello" in on.tmux("capture-pane", "-p", "-t", f":{second}"))
    on.tmux("kill-window", "-t", f":{second}")
    on.wait(lambda: [*on.panes()] == ["main", "notes"])


def test_a_mode_of_tmux_does_not_keep_the_keys(on: Show) -> None:
    on.inner("copy-mode", "-t", "notes:")
    fast(on, "✓ echo hello")


def test_the_clock_stands_against_the_minutes_of_the_sections(on: Show) -> None:
    on.noted("0:00 planned 0-5 of 15")
    jump(on, "4")
    on.noted("planned 10-15 of 15")


def test_it_runs_within_the_instructors_own_tmux_and_leaves_that_alone(on: Show) -> None:
    before = on.tmux("list-keys") + on.tmux("show-options", "-g")
    fast(on, "✓ echo hello")
    assert on.tmux("list-keys") + on.tmux("show-options", "-g") == before
    on.quit()
    assert on.tmux("list-sessions").count("\n") == 1


# ----------------------------------------------------------- beginning, and being killed


@pytest.mark.parametrize("whom", [0, -1], ids=["outside", "inside"])
def test_a_killed_performance_leaves_no_process_and_the_next_begins(play: Path, whom: int) -> None:
    with show(play) as on:
        on.noted("echo hello")
        fast(on, "✓ echo hello", "✓ echo again", "✓ mkfifo pipe", "✓ cat pipe")
        (folder,) = on.folder.glob("ipc-stage-*")
        os.kill(on.performers()[whom], signal.SIGKILL)
        on.wait(lambda: not on.left())
        on.ended()
        if whom:
            assert "stage: the performance has been killed: start it again" in on.screen()
            assert not folder.exists()
        environment = {**on.environment, "TMPDIR": str(on.folder)}
        result = stage("perform", play, "--auto", environment=environment)
        assert (result.returncode, result.stderr) == (0, "")
        assert [path.name for path in on.folder.iterdir()] == ["outer"]


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


# one line of advice: (environment, size of the terminal, words)
REFUSED = {
    "without tmux": ({"PATH": "/nowhere"}, (80, 24), "tmux is missing: install it"),
    "no UTF-8": ({"LC_ALL": "C"}, (80, 24), "the locale is not UTF-8: put LC_ALL=C.UTF-8"),
    "too narrow": ({}, (79, 24), "the terminal has 79x24: make it at least 80x24"),
    "too low": ({}, (80, 23), "the terminal has 80x23: make it at least 80x24"),
    "a terminal that tmux does not know": ({"TERM": "dumb"}, (80, 24), "stage: open terminal"),
}


@pytest.mark.parametrize("environment, size, words", REFUSED.values(), ids=REFUSED)
def test_what_is_missing_is_said_in_one_line(
    play: Path, environment: dict[str, str], size: tuple[int, int], words: str
) -> None:
    inside = {key: value for key, value in environment.items() if key != "PATH"}
    call = "env " + " ".join(f"{key}={value}" for key, value in environment.items())
    with show(play, size=size, environment=inside, before=call) as on:
        screen = on.ended()
        lines = screen.replace("\n", "").partition("[exit")[0]
        assert words in lines
        assert screen.strip().endswith("[exit 2]")
        assert "Traceback" not in screen


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
    assert result.stderr == (
        "stage: a performance needs a terminal; AUTO=1 (--auto) does without\n"
    )


@pytest.mark.parametrize("asked", ["0", "6", "nowhere"])
def test_a_scene_that_is_not_there_is_refused(play: Path, asked: str) -> None:
    result = stage("perform", play, "--auto", "--scene", asked)
    assert result.returncode == 2
    assert f'has no scene "{asked}": give its number, 1 to 5' in result.stderr


# -------------------------------------------------------------------------------- AUTO


def test_auto_plays_all_and_says_so_in_one_line(play: Path, tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path), "LC_ALL": "C", "TERM": ""}
    results = [stage("perform", play, "--auto", environment=environment) for _ in range(3)]
    assert {result.returncode for result in results} == {0}
    said = {re.sub(r"\d+\.\d s", "N s", result.stdout + result.stderr) for result in results}
    assert said == {f"{play}: 12 cues in 4 terminals, N s and N s of their own sleeping\n"}
    assert [path.name for path in tmp_path.iterdir()] == ["page.rst"]


def test_auto_ends_at_the_first_cue_that_does_not_hold(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ echo one\none\n$ echo two\n2\n$ echo three\nthree\n"))
    result = stage("perform", path, "--auto")
    assert (result.returncode, result.stderr) == (1, "")
    assert f"{path}:6: terminal main: echo two\n" in result.stdout
    assert ": 2 cues in 1 terminals" in result.stdout
    assert result.stdout.endswith(", 1 failed\n")


def test_auto_fails_if_something_is_left(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ touch /dev/shm/left\n"))
    result = stage("perform", path, "--auto")
    assert result.returncode == 1
    assert "left behind: /dev/shm/left" in result.stdout


def test_auto_plays_the_whole_screenplay() -> None:
    result = stage("perform", SCREENPLAY, "--auto", "--programs", PROGRAMS)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    cues = len([*read(str(SCREENPLAY)).cues()])
    assert f": {cues} cues in " in result.stdout
    assert result.stdout.count("\n") == 1


def test_on_stage_is_what_the_documented_syntax_says() -> None:
    result = stage("perform", ROOT / "docs" / "contributing.rst", "--auto")
    assert (result.returncode, result.stderr) == (0, ""), result.stdout


@pytest.mark.skipif(not shutil.which("asciinema"), reason="needs asciinema")
def test_a_recording_shows_the_stage_and_no_notes(play: Path, tmp_path: Path) -> None:
    call = [sys.executable, "-m", "stage", "perform", str(play), "--auto", "--pace", "0.01"]
    film = tmp_path / "film.cast"
    command = ["asciinema", "rec", "-q", "--cols", "120", "--rows", "36", str(film)]
    environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    environment["ASCIINEMA_CONFIG_HOME"] = str(tmp_path)
    done = subprocess.run(
        [*command, "-c", shlex.join(call)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=BOUND,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 0, done
    head, *events = film.read_text().splitlines()
    assert json.loads(head)["width"] == 120
    text = "".join(json.loads(event)[2] for event in events)
    assert "reader" in text and "12 cues" in text
    assert "Who wakes it?" not in text


# ------------------------------------------------------------------ on the machine itself


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


@as_root
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
            prefix=["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"],
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


# ------------------------------------------------------------------------------ how fast


def test_from_the_key_to_enter_it_takes_less_than_a_tenth_of_a_second(tmp_path: Path) -> None:
    with public_folder() as folder:
        heard = Signal(folder)
        lines = "".join(f"$ echo {number} > {heard.path}\n" for number in range(9))
        with show(page(tmp_path, scene(lines)), size=(120, 40)) as on:
            on.noted("echo 0")
            on.press("F9")
            on.noted("[fast]")
            taken = []
            for number in range(9):
                on.noted(f"$ echo {number}")
                began = time.monotonic()
                on.press("PageDown")
                assert heard.wait() == str(number)
                taken.append(time.monotonic() - began)
        heard.close()
    print(f"from key to Enter: {statistics.median(taken):.3f} s")
    assert statistics.median(taken) < 0.1


def test_a_jump_to_the_last_scene_takes_no_longer_than_its_programs_sleep() -> None:
    last = len(read(str(SCREENPLAY)).scenes)
    with show(SCREENPLAY, size=(160, 50)) as on:
        on.noted("cat /etc/passwd")
        jump(on, str(last))
        began = time.monotonic()
        on.noted(f"{last}/{last}")
        on.wait(lambda: "Replaying" not in on.notes() and "$" in str(on.panes()))
        taken = time.monotonic() - began
        print(f"jump to the last scene: {taken:.2f} s")
        fast(on, f"✓ {read(str(SCREENPLAY)).scenes[-1].cues[0].title()}")
        assert taken < 3 + 2
        screen = on.quit()
        slept = re.search(r"([\d.]+) s of their own", screen)
        assert slept and taken < 3 + float(slept[1])


# --------------------------------------------------------------------- steps and notes


def lengths(text: str) -> list[int]:
    """The steps of a scene."""
    return steps(parse("x.rst", scene(text)).scenes[0])


def test_a_step_is_a_command_with_those_that_go_on_because_of_it() -> None:
    blocked = "(x) $ cat pipe\n[blocked]\n(y) $ cat pipe\n[blocked]\n"
    assert lengths(blocked + "$ echo > pipe\n(x)\n(y)\n$ true\n") == [1, 1, 3, 1]


def test_a_command_that_must_come_in_time_belongs_to_the_step() -> None:
    assert lengths("(x) $ a\n[running]\n(y) $ b\n[running]\n(x)\n(y)\n$ true\n") == [4, 1]


def test_a_program_that_runs_until_it_is_interrupted_hurries_nobody() -> None:
    assert lengths("(x) $ a\n[running]\n$ b\n$ c\n(x)\n^C\n[130]\n") == [1, 1, 1, 1]


def test_a_key_that_is_pressed_when_its_lines_have_come_belongs_to_the_step() -> None:
    assert lengths("(x) $ a\n1\n2\n^C\n[130]\n") == [2]
    assert lengths("(x) $ a\n[running]\n$ b\n(x)\n...\n3\n^C\n[130]\n") == [1, 3]
    assert lengths("(x) $ cat\n[blocked]\n(x)\n^D\n") == [1, 1]


PROSE = {
    ".. literalinclude:: ../code/x.c\n   :language: c\n\nText\nof two lines.": [
        "[code/x.c]",
        "Text of two lines.",
    ],
    "Title\n-----\n\n:Minutes: 3\n\n* Deed\n  of :ref:`this <that>`": ["TITLE", "* Deed of this"],
    ".. note::\n\n   See :manpage:`open(2)`, ``a*b*c`` and *that*": ["See open(2), a*b*c and that"],
    ":manpage:`open(2)` opens::\n\n.. _label:\n\n.. comment\n\nEnd": ["open(2) opens", "End"],
    ".. figure:: f.svg\n   :alt: nothing\n      of that\n\n   Caption\n\n#. First": [
        "[f.svg]",
        "* First",
    ],
    "   [blocked in read]\n\nText": ["Text"],
}


@pytest.mark.parametrize("text, paragraphs", PROSE.items())
def test_the_notes_are_the_text_of_the_page_without_its_markup(
    text: str, paragraphs: list[str]
) -> None:
    assert prose(text.split("\n")) == paragraphs


@pytest.mark.parametrize("columns, rows", [(80, 24), (80, 9), (40, 12), (120, 40)])
def test_the_notes_fit_their_screen(columns: int, rows: int) -> None:
    sheet = Sheet(
        title="1/2 " + "long title " * 12,
        clock="0:00 planned 0-5 of 15",
        prose=["Paragraph " * 40, "* Deed", "word " * 300, "x" * 300],
        coming=["(main) $ " + "command " * 30, *["expected " * 20] * 5],
        result="✗ " + "reason " * 50,
        message="message " * 20,
        keys=HELP,
    )
    lines = render(sheet, columns, rows)
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]
    assert len(lines) <= rows
    assert max(map(width, plain)) <= columns
    assert "planned" in plain[0]
    assert "quit" in plain[-1]


def test_the_configuration_is_understood_by_tmux(tmp_path: Path) -> None:
    socket = tmp_path / "socket"
    call = ["tmux", "-S", str(socket), "-f", "/dev/null"]
    try:
        subprocess.run([*call, "new-session", "-d"], check=True)
        said = subprocess.run(
            [*call, "source-file", str(CONFIGURATION)], capture_output=True, text=True, check=False
        )
        assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    finally:
        subprocess.run([*call, "kill-server"], check=False)
