"""What a terminal has printed, as lines: what the shell says of a job is the same whichever bash it is."""

from pathlib import Path

import pytest
from play import LEVEL, green, page, private_stage, scene, stage

from stage.check.capture import settled

BUS = "sh -c 'kill -BUS $$'"
HERE = "unshare -m sh << END\nmount -t tmpfs x /mnt\n  exec ./x 1\nEND"

# What bash 5.2.15 and 5.3.15 have really printed, the command that was typed, and what is output of that.
SAID: dict[str, tuple[str, str, str, list[str]]] = {
    "a signal": (BUS, "Bus error\n", f"Bus error                  {BUS}\n", ["Bus error"]),
    "a signal, and a core": (
        BUS,
        "Bus error (core dumped)\n",
        f"Bus error                  (core dumped) {BUS}\n",
        ["Bus error"],
    ),
    "redirections are written anew": (
        "./x   >/dev/null 2>&1",
        "Segmentation fault\n",
        "Segmentation fault         ./x > /dev/null 2>&1\n",
        ["Segmentation fault"],
    ),
    "a command of several lines": (
        "./x one \\\n  two",
        "Aborted\n",
        "Aborted                    ./x one two\n",
        ["Aborted"],
    ),
    "a here-document": (
        HERE,
        "Bus error\nafter\n",
        "Bus error                  unshare -m sh << END\nmount -t tmpfs x /mnt\n  exec ./x 1\nEND\n\nafter\n",
        ["Bus error", "after"],
    ),
    "a part of what was typed": (
        "true; ./x 'a  b'; echo after",
        "Killed\nafter\n",
        "Killed                     ./x 'a  b'\nafter\n",
        ["Killed", "after"],
    ),
    "each turn of a loop": (
        "for n in 1 2\ndo ./x\ndone",
        "Killed\nKilled\n",
        "Killed                     ./x\nKilled                     ./x\n",
        ["Killed", "Killed"],
    ),
    "a pipeline": (
        "echo hi |\n ./x",
        "Terminated\n",
        "Terminated                 echo hi | ./x\n",
        ["Terminated"],
    ),
    "after output without a newline": (
        "./x",
        "partialFloating point exception\n",
        "partialFloating point exception   ./x\n",
        ["partialFloating point exception"],
    ),
    "a job that has been stopped": (
        "./x",
        "\n[1]+  Stopped                 ./x\n",
        "\n[1]+  Stopped                    ./x\n",
        ["", "[1]+  Stopped                 ./x"],
    ),
    "a job that a signal has ended": (
        "wait",
        "[1]-  Bus error               (core dumped) ./x\n[2]+  Done                    ./y\n",
        "[1]-  Bus error                  ./x\n[2]+  Done                       ./y\n",
        ["[1]-  Bus error               ./x", "[2]+  Done                    ./y"],
    ),
}


@pytest.mark.parametrize("typed, old, new, lines", SAID.values(), ids=SAID)
def test_what_the_shell_says_is_the_same_with_every_bash(
    typed: str, old: str, new: str, lines: list[str]
) -> None:
    assert settled(old, typed) == lines
    assert settled(new, typed) == lines


OUTPUT = {
    "another command": "Bus error                  ./y",
    "one blank": "Bus error ./x",
    "words before the command": "Bus error                  in ./x",
    "more after the command": "Bus error                  ./x!",
    "no signal": "bus error                  ./x",
    "a core of nobody": "It (core dumped)",
    "more after the core": "Killed (core dumped) twice",
    "a number in brackets": "[1]  two   words",
    "a job that has just been started": "[1] 4243",
    "blanks at the end": "Killed   ",
}


@pytest.mark.parametrize("line", OUTPUT.values(), ids=OUTPUT)
def test_all_else_is_output(line: str) -> None:
    assert settled(f"{line}\n", "./x") == [line]


def test_lines_under_a_here_document_that_are_not_of_it_are_output() -> None:
    said = f"Killed                     {HERE}\n\nEND\n\nafter\n"
    assert settled(said, HERE) == ["Killed", "END", "", "after"]


def test_other_lines_stay_as_they_are() -> None:
    text = "a\tb\nKilled                     ./x\n\n  c  \n"
    assert settled(text, "./x") == ["a       b", "Killed", "", "  c  "]
    assert settled("", "./x") == []


@private_stage
def test_what_this_machines_bash_says_is_known(tmp_path: Path) -> None:
    path = page(
        tmp_path,
        scene(
            """
            $ sh -c 'kill -BUS $$'
            Bus error
            [135]
            $ for n in 1 2
            > do sh  -c 'echo $0; kill -KILL $$' one  two 2>&1
            > done
            one
            Killed
            one
            Killed
            [137]
            $ sh << END
            > echo here
            > kill -TERM \\$\\$
            > END
            here
            Terminated
            [143]
            (x) $ sh -c 'read word'
            [blocked in read]
            (x)
            ^Z
            [1]+  Stopped                 sh -c 'read word'
            [148]
            (x) $ fg
            sh -c 'read word'
            [blocked in read]
            (x)
            ^\\
            Quit
            [131]
            (y) $ sh -c 'kill -SEGV $$'; sleep 0.3
            Segmentation fault
            [running]
            (y)
            """
        ),
    )
    green(stage("check", path, "--level", LEVEL, "--programs", tmp_path))
