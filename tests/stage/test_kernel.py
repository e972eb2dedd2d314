"""What the kernel sees of the play, as the class sees it."""

import json
import re
from pathlib import Path

import pytest
from play import page, scene
from show import Show, fast, focus_notes, performed, show
from support import ROOT

from stage.perform.kernel import NOTHING, lines, render
from stage.sandbox.view import Object, Process, View

CASES = {case["case"]: case["view"] for case in json.loads((ROOT / "tests/cases/view.json").read_text())}


def view(case: str) -> View:
    """The model that is made from these texts."""
    made = CASES[case]
    return View([Object(**one) for one in made["objects"]], [Process(**one) for one in made["processes"]])


@pytest.mark.parametrize("case, said", [
    ("objects without users", [
        "/ipc-samples   message queue  ■■■□□□□□□□ 3 of 10 messages",
        "/ipc-seven     semaphore      value 7",
        "/ipc-counter   shared memory  8 bytes"]),
    ("two wait for a semaphore; a third one, killed, is still counted in its file", [
        "/ipc-guard     semaphore      value 0, asleep: waiter second",
        "/ipc-counter   shared memory  8 bytes, mapped in producer"]),
    ("names are gone", [
        "/ipc-samples   message queue  name removed, open in reader, asleep: reader",
        "/ipc-guard     semaphore      name removed, open in waiter second, asleep: waiter second",
        "/ipc-counter   shared memory  name removed, mapped in producer"]),
])
def test_each_object_has_a_line(case: str, said: list[str]) -> None:
    assert [re.sub(r"^(\S+) +", r"\1 ", line) for line in lines(view(case))] == \
        [re.sub(r"^(\S+) +", r"\1 ", line) for line in said]


def test_no_object_is_said_to_be_there() -> None:
    assert lines(View([], [])) == [NOTHING]


def test_a_queue_with_room_for_many_messages_is_not_drawn() -> None:
    assert lines(View([Object("mq", "/x", False, messages=5, maximum=100)], [])) == [
        "/x  message queue  5 of 100 messages"]


def test_what_has_changed_stands_out_and_what_has_no_room_is_counted() -> None:
    assert render(["a 1", "b 2"], ["a 1", "b 1"], 80, 5) == ["\x1b[ma 1\x1b[m", "\x1b[1mb 2\x1b[m"]
    assert [re.sub(r"\x1b\[\d*m", "", line) for line in render(["abc", "b", "c", "d"], [], 2, 2)] == ["ab", "… 3 more"]


QUEUE = """
$ ./mq/010-mq-create /ipc-x
$ ./mq/020-mq-produce /ipc-x 10 >/dev/null
(producer) $ ./mq/020-mq-produce /ipc-x
[blocked in mq_timedsend]
$ ./mq/099-mq-unlink /ipc-x
(producer)
^C
[130]
"""


@performed[0]
@performed[1]
@pytest.mark.parametrize("size", [(160, 45), (80, 24)], ids=str)
def test_a_key_shows_what_the_kernel_sees_and_each_change_of_it(tmp_path: Path, size: tuple[int, int]) -> None:
    def seen(*words: str) -> None:
        on.wait(lambda: all(word in on.panes()["kernel"] for word in words))
        on.wait(lambda: all(word in on.screen() for word in words))

    with show(page(tmp_path, scene(QUEUE, "fresh")), size=size) as on:
        on.noted("010-mq-create")
        on.wait(lambda: on.screen().count("at its prompt") == 2)  # the panes are those that stay
        press(on, "k")
        seen(NOTHING)
        fast(on, "✓ ./mq/010-mq-create")
        seen("/ipc-x", "□□□□□□□□□□ 0 of 10 messages")
        fast(on, "✓ ./mq/020-mq-produce")
        seen("■■■■■■■■■■ 10 of 10 messages")
        fast(on, "✓ ./mq/020-mq-produce /ipc-x")
        seen("■■■■■■■■■■ 10 of 10 messages, asleep: producer")
        fast(on, "✓ ./mq/099-mq-unlink")
        seen("name removed, open in producer, asleep: producer")
        fast(on, "✓ ^C")
        seen(NOTHING)
        press(on, "k")
        on.wait(lambda: "kernel" not in on.panes())


@performed[0]
@performed[1]
def test_the_kernels_pane_comes_again_if_it_is_closed(on: Show) -> None:
    press(on, "k")
    for _ in range(2):
        on.wait(lambda: NOTHING in on.panes()["kernel"])
        found = on.inner("list-panes", "-t", "stage:", "-F", "#{pane_id} #{@name}").splitlines()
        (pane,) = [line.split()[0] for line in found if line.endswith(" kernel")]
        on.inner("kill-pane", "-t", pane)
        on.wait(lambda old=pane: old not in on.inner("list-panes", "-t", "stage:", "-F", "#{pane_id}").split())
    on.wait(lambda: NOTHING in on.panes()["kernel"])


def press(on: Show, letter: str) -> None:
    """Press a letter in the notes."""
    focus_notes(on)
    on.press(letter)
