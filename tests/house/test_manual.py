"""Every call of the programs and every command of the sessions leads to its manual page."""

import re
from pathlib import Path

import pytest
from support import DOCS, ROOT, SCREENPLAY, TOOLS

pytest.importorskip("sphinx", reason="Sphinx is not installed: make installs it into build/venv")

from docs._ext.indexes import calls
from stage.page.reader import read

LINKED = {name for page in DOCS.rglob("*.rst") for name in re.findall(r":manpage:`(\w+)\(\d\w*\)`", page.read_text())}

LESSONS = sorted(file for file in (ROOT / "code").glob("*/*.c") if file.name not in TOOLS)
SHELL = {"for", "do", "done", "ulimit"}


def commands() -> set[str]:
    """Return the commands of all sessions; not the programs of the course."""
    found = set()
    for cue in read(str(SCREENPLAY)).cues():
        if cue.kind == "run":
            unquoted = re.sub(r"'[^']*'", "", cue.command)
            for part in re.split(r"[|;()\n]|\bdo\b", unquoted):
                found.update(part.split()[:1])
    return {word for word in found if re.fullmatch(r"\w+", word)} - SHELL


@pytest.mark.parametrize("file", LESSONS, ids=lambda file: file.stem)
def test_the_pages_link_every_call_of_the_program(file: Path) -> None:
    # C11's generic macros have no page of their own.
    used = {call for call in calls(file.read_text()) if not call.startswith("atomic_")}
    assert "err" in used
    assert used <= LINKED, "write :manpage:`call(N)` where the page speaks of it"


def test_the_pages_link_every_command_of_its_sessions() -> None:
    assert {"strace", "cat", "mount"} <= commands()
    assert commands() <= LINKED, "write :manpage:`command(1)` where the page speaks of it"
