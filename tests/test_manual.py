"""Every call of the programs and every command of the sessions leads to its manual page."""

import re
from pathlib import Path

import pytest

from stage.script import read

ROOT = Path(__file__).resolve().parent.parent
SCREENPLAY = ROOT / "docs" / "screenplay.rst"
LINKED = set(re.findall(r":manpage:`(\w+)\(\d\w*\)`", SCREENPLAY.read_text()))

# What looks like a call and has no page of its own: C11's generic macros and C itself.
NO_PAGE = {"atomic_load", "atomic_store", "static_assert", "if", "for", "while", "sizeof", "return"}
SHELL = {"for", "do", "done", "ulimit"}


def calls(file: Path) -> set[str]:
    """Return the functions that a program calls and does not define."""
    code = re.sub(r'/\*.*?\*/|//[^\n]*|"(\\.|[^"\\])*"', "", file.read_text(), flags=re.DOTALL)
    defined = set(re.findall(r"^(?:static )?\w+ (\w+)\([^;]*\)\n\{", code, re.MULTILINE))
    return set(re.findall(r"\b([a-z]\w*)\(", code)) - defined - NO_PAGE


def commands() -> set[str]:
    """Return the commands of all sessions; not the programs of the course."""
    found = set()
    for cue in read(str(SCREENPLAY)).cues():
        if cue.kind == "run":
            unquoted = re.sub(r"'[^']*'", "", cue.command)
            for part in re.split(r"[|;()\n]|\bdo\b", unquoted):
                found.update(part.split()[:1])
    return {word for word in found if re.fullmatch(r"\w+", word)} - SHELL


@pytest.mark.parametrize("file", sorted((ROOT / "code").glob("*/*.c")), ids=lambda file: file.stem)
def test_the_screenplay_links_every_call_of_the_program(file: Path) -> None:
    assert len(calls(file)) > 1
    assert calls(file) <= LINKED, "write :manpage:`call(N)` where the page speaks of it"


def test_the_screenplay_links_every_command_of_its_sessions() -> None:
    assert {"strace", "cat", "mount"} <= commands()
    assert commands() <= LINKED, "write :manpage:`command(1)` where the page speaks of it"
