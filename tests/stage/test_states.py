"""The border of a pane says what the terminal itself does not show."""

import re
from pathlib import Path

import pytest
from play import page, scene
from show import Show, fast, performed, show

from stage.perform.states import doing, ended
from stage.sandbox.view import Process

pytestmark = performed


def border(on: Show, name: str) -> str:
    """What is said of a terminal."""
    form = "#{@name}: #{@state}"
    found = on.inner("list-panes", "-t", "stage:", "-F", form).splitlines()
    return dict(line.partition(": ")[::2] for line in found).get(name, "")


def says(on: Show, name: str, form: str) -> None:
    """Wait until it is said, and seen on the screen."""
    on.wait(lambda: re.fullmatch(form, border(on, name)))
    on.wait(lambda: re.search(rf"── {name} {form} ─", on.screen()))


def test_a_terminal_is_at_its_prompt_asleep_on_an_object_woken_and_at_its_prompt(on: Show) -> None:
    says(on, "main", "at its prompt")
    fast(on, "✓ echo hello", "✓ echo again", "✓ mkfifo pipe", "✓ cat pipe")
    says(on, "reader", r"asleep in openat on \S*pipe 0:0\d")
    fast(on, "✓ (reader) goes on")
    says(on, "reader", "at its prompt")


SEM = """
$ ./sem/100-sem-create /ipc-x 0
(waiter) $ ./sem/110-sem-wait /ipc-x; sh -c 'read x'
[blocked in futex]
$ ./sem/120-sem-post /ipc-x
(waiter)
[blocked in read]
$ ./sem/199-sem-unlink /ipc-x
(waiter)
^C
[130]
"""


def test_whoever_is_woken_is_said_to_be_though_it_sleeps_again(tmp_path: Path) -> None:
    with show(page(tmp_path, scene(SEM, "fresh"))) as on:
        on.noted("100-sem-create")
        fast(on, "✓ ./sem/100", "✓ ./sem/110")
        says(on, "waiter", r"asleep in futex on /ipc-x 0:0\d")
        on.press("PageDown")
        on.wait(lambda: border(on, "waiter") == "woken")
        says(on, "waiter", r"asleep in read on its terminal 0:0\d")


@pytest.mark.parametrize("command, form", [
    ("false", "exit 1"),
    ("sh -c 'exit 42'", "exit 42"),
    ("sh -c 'kill -BUS $$'", "ended by SIGBUS"),
    ("true", "at its prompt"),
])
def test_how_a_command_has_ended_is_said(on: Show, command: str, form: str) -> None:
    on.shown("main", "$")
    on.type("sh -c 'exit 7'")
    on.press("Enter")
    says(on, "main", "exit 7")
    on.type(command)
    on.press("Enter")
    says(on, "main", form)


def test_a_key_that_is_pressed_is_said(on: Show) -> None:
    on.shown("main", "$")
    on.type("sleep 1000")
    on.press("Enter")
    says(on, "main", "running")
    on.press("C-c")
    on.wait(lambda: border(on, "main") == "^C pressed, ended by SIGINT")
    says(on, "main", "ended by SIGINT")


def process(state: str, call: str | None = None, on: str | None = None, since: float | None = None) -> Process:
    """A process of a foreground job."""
    return Process(1, "main", "program", state, call, on, since)


@pytest.mark.parametrize("job, said", [
    ([], "running"),
    ([process("blocked", "futex", "/ipc-seven", 72.9)], "asleep in futex on /ipc-seven 1:12"),
    ([process("blocked", "wait4", None, 5), process("blocked", "futex", "/x", 3)], "asleep in futex on /x 0:03"),
    ([process("blocked", "pause", None, 0)], "asleep in pause 0:00"),
    ([process("blocked", "read", "/dev/pts/3", 0)], "asleep in read on its terminal 0:00"),
    ([process("blocked", "read", "pipe:[1]", 0), process("running", "clock_nanosleep")], "running"),
    ([process("stopped")], "stopped"),
])
def test_what_a_job_does_is_said_in_a_few_words(job: list[Process], said: str) -> None:
    assert doing(job) == said


def test_an_exit_status_is_a_number_or_a_signal() -> None:
    assert [ended(status) for status in (None, 0, 1, 135, 137, 255)] == [
        "at its prompt", "at its prompt", "exit 1", "ended by SIGBUS", "ended by SIGKILL", "exit 255"]
