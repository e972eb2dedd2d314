"""The keys of a performance: each does what the page for instructors says of it."""

import re
from pathlib import Path

import pytest
from play import BOUND, page, scene
from show import Show, fast, focus_notes, jump, performed, show

from stage.perform.typist import LETTER

pytestmark = performed


def test_next_types_the_command_and_then_presses_enter(on: Show) -> None:
    on.press("PageDown")
    on.noted("echo hello [Enter]")
    on.shown("main", "$ echo hello")
    on.press("PageDown")
    on.shown("main", "$ echo hello", "hello", "$")
    on.noted("✓ echo hello", "(main) $ echo again")
    on.quit()


def test_a_second_press_while_it_is_typed_completes_the_command(tmp_path: Path) -> None:
    words = "word " * int(2 * BOUND / LETTER / 5)  # letter by letter it would take twice as long as the test waits
    with show(page(tmp_path, scene(f"$ : {words.strip()}; echo done\ndone\n"))) as on:
        on.noted(": word")
        on.press("PageDown")
        on.wait(lambda: "word" in on.panes()["main"])
        on.press("PageDown")
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
        focus_notes(on)
        on.press("PageDown")
        on.shown("main", "$ cat")
        on.wait(lambda: "cat" in on.screen().rstrip("\n").split("\n")[-1])  # the strip
        on.press("r")
        on.noted("✗ cat: given up", "Nothing typed: terminal main is busy", "(main) $ cat")


def test_retry_plays_the_last_step_again(on: Show) -> None:
    fast(on, "✓ echo hello")
    focus_notes(on)
    on.press("r")
    on.shown("main", "$ echo hello", "hello", "$ echo hello", "hello", "$")
    on.noted("(main) $ echo again")


def test_retry_binds_the_values_that_come_now(tmp_path: Path) -> None:
    text = "(x) $ sh -c 'echo $$; exec sed n'\n4243\n[blocked in read]\n"
    with show(page(tmp_path, scene(text + "$ cat /proc/4243/comm\nsed\n(x)\n^D\n", "fresh"))) as on:
        on.noted("exec sed n")
        fast(on, "✓ sh -c")
        on.press("C-c")  # the focus is where the last cue was
        on.shown("x", "$")
        first = re.findall(r"^\d+$", on.panes()["x"], re.M)
        focus_notes(on)
        on.press("r")
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
        on.noted("Still waiting for terminal main (blocked in ", "). F6 gives up.")
        on.press("F6")
        on.noted("✗ cat: given up", "(main) $ echo next")
        on.press("C-c")
        on.shown("main", "$")
        fast(on, "✓ echo next")


def test_half_a_command_is_not_entered(tmp_path: Path) -> None:
    words = " ".join(map(str, range(60)))
    with show(page(tmp_path, scene(f"$ echo {words} | wc -w\n60\n"))) as on:
        on.noted("echo 0 1 2")
        on.press("PageDown")
        on.wait(lambda: "echo 0 1 2" in on.panes()["main"])
        on.press("F7")
        on.type("nowhere")
        on.press("Enter")
        on.noted('No scene "nowhere"')
        on.shown("main", "$")
        on.press("PageDown", "PageDown")
        on.noted("[Enter]")
        on.press("PageDown")
        on.noted("✓ echo 0 1 2")


@pytest.mark.parametrize("command", [": 0", "sleep 1"])  # another prompt comes at once, or while more is typed
def test_enter_pressed_while_a_command_is_typed_is_not_that_of_the_command(tmp_path: Path, command: str) -> None:
    with show(page(tmp_path, scene(f"$ {command}{60 * ' 0'}; echo done\ndone\n"))) as on:
        on.noted(command)
        on.press("PageDown")
        on.wait(lambda: f"{command} 0 0" in on.panes()["main"])
        on.press("Enter")
        on.shown("main", "$")
        on.wait(lambda: f"✓ {command}" in on.notes() or on.press("PageDown"))


def test_reset_pressed_again_while_it_resets_means_the_same_scene(tmp_path: Path) -> None:
    slow = scene("$ sleep 1\n", "fresh")
    with show(page(tmp_path, slow, scene("$ true\n"), scene("$ echo last\nlast\n")), "--scene", 3) as on:
        on.noted("3/3", "echo last")
        for _ in range(2):
            on.press("F8")
            on.noted("Replaying scene 1 of 2")
        on.noted("3/3", "echo last")
        fast(on, "✓ echo last")


def test_reset_at_the_end_may_be_pressed_twice(tmp_path: Path) -> None:
    with show(page(tmp_path, scene("$ true\n", "fresh"), scene("$ echo last\nlast\n"))) as on:
        fast(on, "✓ true", "THE END")
        on.press("F8", "F8", "F8")
        on.noted("(main) $ echo last")
        fast(on, "✓ echo last")


def test_who_could_not_wait_is_told_so_until_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    with show(page(tmp_path, scene("$ cat\n$ echo next\nnext\n"))) as on:
        on.noted("(main) $ cat")
        on.press("F9")
        on.press("PageDown")
        on.wait(lambda: "(main) $ cat" in on.screen().rstrip("\n").split("\n")[-1])  # the strip
        on.press("PageDown")
        on.noted("Still waiting for terminal main")
        on.press("C-d")
        on.noted("✓ cat", "(main) $ echo next")
        on.wait(lambda: "Still waiting" not in on.notes())


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


def test_what_may_be_meant_is_offered_and_chosen(on: Show) -> None:
    on.press("F7")
    on.noted("Jump")
    on.type("it")
    on.noted("Enter): it_", "* 2 Wake It", "4 Count It", "1 Say It")
    on.press("Tab")
    on.noted("* 4 Count It")
    on.press("Up", "Up")
    on.noted("* 1 Say It")
    on.press("Down", "Down", "Enter")
    on.noted("4/5", "(counter) $ sh")


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


def test_letters_do_all_while_the_notes_have_the_focus_and_keep_it(on: Show) -> None:
    focus_notes(on)
    on.press("Space")
    on.noted("echo hello [Enter]")
    on.press("n")
    on.noted("✓ echo hello")
    on.press("p")
    on.noted("(main) $ echo hello")
    on.press("s")
    on.noted("(main) $ echo again")
    on.press("f")
    on.noted("[fast]")
    on.press("n")
    on.noted("✓ echo again")
    on.press("r")
    on.wait(lambda: on.panes()["main"].count("$ echo again") == 2)
    on.press("j")
    on.noted("Jump")
    on.press(*"npsq", "BSpace", "BSpace", "BSpace", "BSpace", "2", "Enter")
    on.noted("2/5")
    on.press("n")
    on.noted("✓ mkfifo pipe")
    on.press("n")
    on.noted("✓ cat pipe")  # there are two panes now, and the notes still have the focus
    on.press("R")
    on.noted("2/5 Wake It 1/2", "mkfifo pipe")
    on.press("?")
    on.noted("space or n next")
    on.press("q", "n")
    on.noted("✓ mkfifo pipe")
    on.press("h")
    on.wait(lambda: [*on.panes()] == ["main", "reader"])
    on.press("x", "q")
    on.wait(lambda: any(text.endswith("xq") for text in on.panes().values()))


def test_letters_in_a_terminal_are_letters(on: Show) -> None:
    on.press("n", "q", "q", "?")
    on.shown("main", "$ nqq?")
    assert "(main) $ echo hello" in on.notes() and "[Enter]" not in on.notes()


def test_of_a_presenters_remote_two_keys_work_and_the_others_do_nothing(on: Show) -> None:
    focus_notes(on)
    for key in ("F5", "Escape", ".", "b"):
        on.press(key)
    on.press("PageDown")
    on.noted("echo hello [Enter]")
    for key in ("F5", "Escape", ".", "b"):
        on.press(key)
    on.press("PageDown")
    on.noted("✓ echo hello", "(main) $ echo again")
    on.press("PageUp")
    on.noted("(main) $ echo hello")
    on.shown("main", "$ echo hello", "hello", "$")
    on.press("F4")
    on.press("F5", "x")
    on.shown("main", "hello", "$ x")


@pytest.mark.parametrize("key", ["F10", "F12", "q"])
def test_quitting_asks_once_more(on: Show, key: str) -> None:
    focus_notes(on)
    on.press(key)
    on.noted("Press it again to end the performance.")
    on.press("PageDown")
    on.noted("[Enter]")
    on.press(key)
    on.noted("Press it again to end the performance.")
    on.press(key)
    assert "[exit 0]" in on.ended()
