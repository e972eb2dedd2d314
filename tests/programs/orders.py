"""Play the programs of code/turns under turns, with objects of a test's own."""

import os
import re
from collections.abc import Callable
from typing import Any

import process
from objects import shared_memory
from process import Completed, Running, run
from support import ROOT

#: A sanitizer cannot look for leaks where somebody else traces; and a SIGBUS is the program's end.
SANITIZER = {"ASAN_OPTIONS": "detect_leaks=0:handle_sigbus=0"}


class Names:
    """Commands of the page, with objects of this test's own."""

    def __init__(self, new_name: Callable[[], str]) -> None:
        self.one, self.two = new_name(), new_name()

    def counter(self, program: str, rounds: int = 1) -> tuple[list[str], list[str]]:
        """The options, and the command, of a program that counts without a guard."""
        return ["-m", f"{self.one}=0", "-e", str(2 * rounds)], [path(program), self.one, str(rounds)]

    def guarded(self, program: str, rounds: int = 1) -> tuple[list[str], list[str]]:
        options, command = self.counter(program, rounds)
        return [*options, "-s", f"{self.two}=1"], [*command[:2], self.two, *command[2:]]

    def locks(self, program: str) -> tuple[list[str], list[str]]:
        return (["-s", f"{self.one}=1", "-s", f"{self.two}=1"],
                [path(program), self.one, self.two, "--", path(program), self.two, self.one])

    def room(self, program: str) -> tuple[list[str], list[str]]:
        return ["-m", f"{self.one}=1", "-e", "0"], [path(program), self.one]

    def answer(self, program: str) -> tuple[list[str], list[str]]:
        ready = [self.two] if program == "057-turns-open" else []
        return (["-s", f"{self.two}=0", "-j", f"rm {shared_memory(self.one)}"],
                [path("050-turns-create"), self.one, self.two, "--", path(program), self.one, *ready])


#: What is counted: which of the commands of Names, its program and rounds; how many orders, wrong, deadlocks.
COUNTS = {
    "load and store": ("counter", "010-turns-add-wrong", 2, (70, 64, 0)),
    "between wait and post": ("guarded", "020-turns-add", 2, (168, 0, 0)),
    "in one": ("counter", "025-turns-add-atomic", 2, (6, 0, 0)),
    "wait in the wrong place": ("guarded", "060-turns-wait-wrong", 1, (24, 18, 0)),
    "two locks, two orders": ("locks", "030-turns-locks-wrong", None, (14, 0, 4)),
    "two locks, one order": ("locks", "035-turns-locks", None, (8, 0, 0)),
    "check, then act": ("room", "040-turns-check-wrong", None, (6, 4, 0)),
    "check and act": ("room", "045-turns-check", None, (6, 0, 0)),
    "opened too early": ("answer", "055-turns-open-wrong", None, (11, 4, 0)),
    "opened when ready": ("answer", "057-turns-open", None, (5, 0, 0)),
}


def path(program: str) -> str:
    return str(process.path(program))


def turns(order: str, options: list[str], command: list[str], **more: Any) -> Completed:
    """Run turns where the name that the compiler was given leads to the source."""
    return run("turns", *options, order, *command, **{**surroundings(), **more})


def playing(order: str, options: list[str], command: list[str], **more: Any) -> Running:
    """Start it, and let the test do something meanwhile."""
    return Running("turns", *options, order, *command, **surroundings(), **more)


def surroundings() -> dict[str, Any]:
    return {"cwd": ROOT, "env": {**process.ENVIRONMENT, **SANITIZER}}


def seen(result: Completed, status: int) -> list[str]:
    assert (result.returncode, result.stderr) == (status, "")
    return result.stdout.splitlines()


def numbers(result: Completed) -> tuple[int, ...]:
    """How many orders, how many wrong, how many deadlocks; its status says whether all are right."""
    assert "orders, " in result.stdout, result.stderr
    counts = counted(result.stdout.splitlines())
    assert (result.returncode, result.stderr) == (int(counts[1] + counts[2] > 0), "")
    return counts


def counted(lines: list[str]) -> tuple[int, ...]:
    """The counts behind everything else that all and tree have printed."""
    found = next(filter(None, (re.fullmatch(r"(\d+) orders, (\d+) wrong, (\d+) deadlocks", line) for line in lines)))
    return tuple(map(int, found.groups()))


def line(program: str, number: int) -> int:
    """The line of a program that has its number-th mark."""
    source = next((ROOT / "code").glob(f"*/{program}.c"))
    marked = [place for place, text in enumerate(source.read_text().splitlines(), 1)
              if text.endswith("// TURN")]
    return marked[number - 1]


def left(names: Names) -> list[str]:
    """What is left of a play: objects, and processes with the name of one among their arguments."""
    found = [file.name for name in (names.one, names.two)
             for file in shared_memory(name).parent.glob(f"*{name[1:]}")]
    return found + [pid for pid in filter(str.isdigit, os.listdir("/proc"))
                    if names.one in process.command_of(int(pid))]
