"""Whatever is typed by hand between two steps, the show goes on."""

import re
import shutil
from pathlib import Path

import pytest
from play import page, scene
from show import Show, fast, jump, performed, show

pytestmark = performed


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


def test_what_was_typed_and_taken_away_by_ctrl_c_is_typed_again(on: Show) -> None:
    on.press("PageDown")
    on.noted("[Enter]")
    on.press("C-c")
    on.shown("main", "$ echo hello^C", "$")
    on.wait(lambda: "[Enter]" not in on.notes())
    on.press("PageDown")
    on.shown("main", "$ echo hello^C", "$ echo hello")
    on.noted("[Enter]")
    on.press("PageDown")
    on.noted("✓ echo hello")
    on.shown("main", "$ echo hello^C", "$ echo hello", "hello", "$")


def test_a_command_of_several_lines_that_was_taken_away_is_typed_again(tmp_path: Path) -> None:
    with show(page(tmp_path, scene("$ cat << END\n> one\n> END\none\n$ true\n"))) as on:
        on.noted("cat << END")
        on.press("PageDown")
        on.shown("main", "$ cat << END", "> one", "> END")
        on.noted("[Enter]")
        on.press("C-c")
        on.wait(lambda: on.panes()["main"].endswith("\n$"))
        on.press("PageDown")
        on.noted("[Enter]")
        on.press("PageDown")
        on.noted("✓ cat << END")
        on.shown("main", "$ cat << END", "> one", "> END", "one", "$")


def test_an_empty_line_by_hand_is_no_command(on: Show) -> None:
    on.press("PageDown")
    on.noted("[Enter]")
    on.press("C-u", "Enter")
    on.shown("main", "$", "$")
    on.press("PageDown")
    on.noted("[Enter]")
    on.press("PageDown")
    on.noted("✓ echo hello")


@pytest.mark.parametrize("key", ["C-c", "C-u"])
def test_another_command_entered_by_hand_is_not_that_of_the_page(on: Show, key: str) -> None:
    on.press("PageDown")
    on.noted("[Enter]")
    on.press(key)
    on.shown("main", "$")  # a hand waits for it: Ctrl-C throws away what is typed too early
    on.type("echo mine")
    on.press("Enter")
    on.shown("main", "mine", "$")
    on.wait(lambda: "[Enter]" not in on.notes())
    on.press("PageDown")
    on.noted("[Enter]")
    on.press("PageDown")
    on.noted("✓ echo hello")
    on.shown("main", "mine", "$ echo hello", "hello", "$")


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_shell_within_the_shell_may_ask_for_the_rest_of_a_command(on: Show, shell: str) -> None:
    fast(on, "✓ echo hello")
    on.type(shell)
    on.press("Enter")
    on.type("echo 'be")
    on.press("Enter")
    on.type("gun'; exit")
    on.press("Enter")
    on.wait(lambda: "be\ngun" in on.panes()["main"])
    fast(on, "✓ echo again")


def test_a_busy_terminal_is_left_alone_and_the_notes_say_why(on: Show) -> None:
    fast(on, "✓ echo hello")
    on.type("cat")
    on.press("Enter")
    on.shown("main", "$ cat")
    on.press("PageDown")
    on.noted("Nothing typed: terminal main is busy (blocked in ", ". Press Ctrl-C there")
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


def goes_on_after_ctrl_c(on: Show, word: str) -> None:
    """The terminal is busy until then."""
    on.press("PageDown")
    on.noted("Nothing typed: terminal main is busy")
    on.press("C-c")
    on.wait(lambda: on.panes()["main"].endswith("\n$"))
    fast(on, word)


def test_output_without_end_by_hand_stops_neither_keys_nor_notes(on: Show) -> None:
    fast(on, "✓ echo hello")
    on.type("yes")
    on.press("Enter")
    on.shown("main", "y", "y")
    goes_on_after_ctrl_c(on, "✓ echo again")


def test_output_without_end_of_a_cue_is_a_cross_and_the_show_goes_on(tmp_path: Path) -> None:
    with show(page(tmp_path, scene("$ yes\ny\n$ echo last\nlast\n"))) as on:
        on.noted("yes")
        fast(on, "✗ yes: the output has no end")
        goes_on_after_ctrl_c(on, "✓ echo last")


def test_a_folder_left_in_dev_shm_does_not_end_the_show(on: Show) -> None:
    on.type("mkdir /dev/shm/mine")
    on.press("Enter")
    on.shown("main", "$ mkdir /dev/shm/mine", "$")
    on.press("F8")
    on.wait(lambda: on.panes()["main"] == "$")
    fast(on, "✓ echo hello")


def test_another_pane_gets_the_focus_by_f4_or_a_click(on: Show) -> None:
    jump(on, "2")
    on.wait(lambda: len(on.panes()) == 3)
    on.press("F9")
    on.noted("[fast]")  # the jump, which moves the focus, has come to its end
    on.press("F4")
    on.type("echo here")
    on.shown("reader", "$ echo here")
    on.type("\x1b[<0;3;4M")
    on.type("\x1b[<0;3;4m")
    on.wait(lambda: on.inner("display", "-p", "-t", "stage:", "#{@name}") == "main\n")
    on.type("echo there")
    on.shown("main", "$ echo there")


def test_settings_of_the_callers_shell_and_tmux_do_not_matter(play: Path, tmp_path: Path) -> None:
    (tmp_path / "inputrc").write_text('set show-mode-in-prompt on\nset editing-mode vi\n"e": "wrong"\n')
    (tmp_path / "bash").write_text("PS1=wrong; alias echo=wrong\n")
    (tmp_path / "tmux.conf").write_text("set -g status on\nset -g prefix F9\n")
    (tmp_path / "home").mkdir()
    shutil.copy(tmp_path / "tmux.conf", tmp_path / "home" / ".tmux.conf")
    environment = {
        "INPUTRC": str(tmp_path / "inputrc"),
        "HOME": str(tmp_path / "home"),
        "BASH_ENV": str(tmp_path / "bash"),
        "ENV": str(tmp_path / "bash"),
        "PROMPT_COMMAND": "echo wrong",
    }
    # (TMUX and TMUX_PANE as from a server that is gone; the outer tmux would set its own.)
    before = "env TMUX=/nowhere/tmux,1,2 TMUX_PANE=%77"
    with show(play, environment=environment, before=before) as on:
        on.noted("(main) $ echo hello")
        fast(on, "✓ echo hello", "✓ echo again", "✓ mkfifo pipe")
        on.wait(lambda: on.panes()["main"] == "$ echo hello\nhello\n$ echo again\nagain\n$ mkfifo pipe\n$")
        on.quit()
