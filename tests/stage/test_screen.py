"""What is seen of a performance: panes, colours, the strip, a second screen."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from play import page, scene
from show import Show, fast, focus_notes, jump, performed, show
from support import ROOT

from stage.perform.panes import COLOURS
from stage.perform.screen import View
from stage.perform.tmux import CONFIGURATION

pytestmark = performed


def test_a_pane_for_each_terminal_of_the_scene_in_the_colours_of_the_page(on: Show) -> None:
    assert [*on.panes()] == ["main", "notes"]
    jump(on, "3")
    on.wait(lambda: [*on.panes()] == ["main", "reader", "writer", "notes"])
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
    for title in ("── writer ", "── reader ", "── main ", "── notes ─"):
        assert title in on.screen()


SLEEPERS = [
    scene("(mapper) $ cat\n[blocked]\n(looker) $ true\n", "fresh"),
    scene("$ test two\n"),
    scene("(looker) $ test three\n(mapper)\n^D\n"),
    scene("(looker) $ test four\n"),
    scene("(looker) $ test five\n(mapper) $ true\n"),
]


def test_whoever_sleeps_stays_on_stage_and_none_changes_sides(tmp_path: Path) -> None:
    with show(page(tmp_path, *SLEEPERS)) as on:
        on.noted("(mapper) $ cat")
        on.wait(lambda: [*on.panes()] == ["mapper", "looker", "notes"])
        fast(on, "✓ cat", "✓ true")
        fast(on, "✓ test two")  # in the second scene the looker has nothing to do, the mapper sleeps
        on.noted("3/5")
        on.wait(lambda: [*on.panes()] == ["mapper", "main", "notes"])
        fast(on, "✓ test three", "✓ ^D")
        on.wait(lambda: [*on.panes()] == ["mapper", "looker", "notes"])
        fast(on, "✓ test four")  # nobody sleeps in the fourth
        on.wait(lambda: [*on.panes()] == ["looker", "notes"])
        on.press("PageDown")
        on.wait(lambda: [*on.panes()] == ["mapper", "looker", "notes"])


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
    on.wait(lambda: on.inner("display", "-p", "-t", "stage:", form) == "80x23\n")
    on.wait(lambda: "── notes ─" in on.screen())
    on.press("PageDown")
    on.noted("✓ echo again")
    screen = on.screen()
    for words in ("✓ echo again", "(main) $ mkfifo pipe", "* Who wakes it?", "PgDn next"):
        assert words in screen
    assert "F10 quit" in " ".join(screen.split())
    assert on.panes()["main"].endswith("$ echo again\nagain\n$")


def attach(on: Show, what: str) -> str:
    """Look on in a second terminal, as "make notes" and "make projector" do; return its name."""
    command = [sys.executable, "-m", "stage", "attach", what]
    on.tmux("new-window", "-d", "-n", what, shlex.join(command) + "; echo [exit $?]; exec sleep 1000")
    return f":{what}"


def test_a_second_screen_takes_the_notes(on: Show) -> None:
    on.noted('Second screen: "make notes" there, or "make projector"')
    second = attach(on, "notes")
    on.wait(lambda: [*on.panes()] == ["main"])
    on.wait(lambda: "Say hello" in on.tmux("capture-pane", "-p", "-t", second))
    on.tmux("send-keys", "-t", second, "f")
    on.wait(lambda: "[fast]" in on.tmux("capture-pane", "-p", "-t", second))
    on.tmux("send-keys", "-t", second, "n")
    on.shown("main", "hello", "$")
    on.wait(lambda: "✓ echo hello" in on.tmux("capture-pane", "-p", "-t", second))
    on.tmux("send-keys", "-t", second, "PageDown")
    on.shown("main", "again", "$")
    on.tmux("send-keys", "-t", second, "q")
    on.tmux("kill-window", "-t", second)
    on.wait(lambda: [*on.panes()] == ["main", "notes"])


def test_a_projector_shows_the_stage(on: Show) -> None:
    second = attach(on, "stage")
    on.wait(lambda: "── main at its prompt ─" in on.tmux("capture-pane", "-p", "-t", second))
    fast(on, "✓ echo hello")
    on.wait(lambda: "$ echo hello" in on.tmux("capture-pane", "-p", "-t", second))


def test_who_looks_on_where_nothing_is_played_is_told_so(on: Show) -> None:
    on.quit()
    second = attach(on, "notes")
    on.wait(lambda: "[exit 2]" in on.tmux("capture-pane", "-p", "-t", second))
    said = "".join(on.tmux("capture-pane", "-p", "-t", second).split())  # a long TMPDIR breaks the line anywhere
    assert "stage:noperformanceofyoursisrunning" in said and "makeperform" in said


def test_nothing_beside_the_stage_betrays_the_answer(on: Show) -> None:
    fast(on, "✓ echo hello", "✓ echo again", "✓ mkfifo pipe", "✓ cat pipe")
    on.noted("-> wakes reader: 42")
    on.wait(lambda: "echo 42 > pipe" in on.panes()["notes"])
    beside = " ".join(on.panes()["notes"].split())
    assert "Ask: what comes of it?" in beside
    assert "wakes" not in beside and "reader: 42" not in beside
    fast(on, "✓ (reader) goes on")
    on.wait(lambda: "✓ (reader) goes on" in on.panes()["notes"])


def test_a_key_hides_the_notes_and_brings_them_back(on: Show) -> None:
    on.press("F2")
    on.wait(lambda: [*on.panes()] == ["main"])
    fast(on, "✓ echo hello")
    on.shown("main", "hello", "$")
    assert "notes" not in on.screen()
    on.press("F2")
    on.wait(lambda: [*on.panes()] == ["main", "notes"])
    on.wait(lambda: "echo again" in on.panes()["notes"])


def test_programs_are_listed_as_the_page_shows_them_until_the_listing_is_closed(tmp_path: Path) -> None:
    def window() -> str:
        return on.inner("display", "-p", "-t", "stage:", "#{window_id}")

    def listed(name: str) -> str:
        first = (ROOT / "code" / name).read_text().split("\n")[0]
        focus_notes(on)
        on.press("c")
        on.wait(lambda: f"1 {first}" in " ".join(on.panes()["listing"].split()))
        on.wait(lambda: on.inner("display", "-p", "-t", "stage:", "#{@name}") == "listing\n")
        return window()

    def closed(before: str) -> None:
        on.wait(lambda: window() != before)  # the pane goes sooner than the show knows of it
        on.wait(lambda: [*on.panes()] == ["main", "notes"])
        on.shown("main", "$")

    create = scene("$ ./sem/100-sem-create /ipc-x\n$ ./sem/199-sem-unlink /ipc-x\n")
    show_it = ".. literalinclude:: ../code/sem/199-sem-unlink.c\n"
    with show(page(tmp_path, create, show_it, scene("$ true\n"), scene("$ true\n")), size=(100, 60)) as on:
        on.noted("100-sem-create")
        listing = listed("sem/100-sem-create.c")
        on.press("q")
        closed(listing)
        listing = listed("sem/100-sem-create.c")
        focus_notes(on)
        on.press("c")
        closed(listing)
        fast(on, "✓ ./sem/100-sem-create", "✓ ./sem/199-sem-unlink")
        listing = listed("sem/199-sem-unlink.c")
        fast(on, "✓ true")  # the show goes on, and this is another session
        closed(listing)
        focus_notes(on)
        on.press("c")
        on.noted("no program to list")


def test_a_mode_of_tmux_does_not_keep_the_keys(on: Show) -> None:
    on.inner("copy-mode", "-t", "notes:")
    fast(on, "✓ echo hello")


def test_the_clock_stands_against_the_minutes_of_the_sections(on: Show) -> None:
    on.noted("0:00 planned 0-5 of 15")
    jump(on, "4")
    on.noted("0:00 planned 10-15 of 15")
    on.press("PageDown")
    on.noted("0:01 planned 10-15 of 15")


def test_it_runs_within_the_instructors_own_tmux_and_leaves_that_alone(on: Show) -> None:
    before = on.tmux("list-keys") + on.tmux("show-options", "-g")
    fast(on, "✓ echo hello")
    assert on.tmux("list-keys") + on.tmux("show-options", "-g") == before
    on.quit()
    assert on.tmux("list-sessions").count("\n") == 1


def test_what_is_typed_before_a_pane_is_looked_at_is_not_lost() -> None:
    keyboard, pane = os.openpty()
    os.write(keyboard, b"x\x1b[6~")
    view = View(os.ttyname(pane))
    assert (view.rest(), view.rest()) == (b"x\x1b[6~", b"")
    view.close()
    os.close(keyboard)
    os.close(pane)


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
