"""What the sessions of the screenplay use: the programs of a chapter, and what must be there before one can run."""

from __future__ import annotations

import re
from pathlib import Path

from stage.page.model import AtPrompt, Page
from stage.page.reader import text_of

RUN = re.compile(r'\./(\w+/[\w-]+)((?: +[^\s;&|<>()]+)*)')
NAME = re.compile(r'"(/ipc-[\w-]+)"')


def defaults(file: Path) -> list[str]:
    """Return the names of objects that a program takes if it is given none, in their order."""
    return NAME.findall(text_of(str(file)))


def creations(page: Page, code: Path) -> dict[str, str]:
    """Return object -> the first command of the page that creates it, as ``./sem/100-sem-create /ipc-guard 1``."""
    found: dict[str, str] = {}
    for cue in page.cues():
        run = RUN.match(cue.command)
        if not run or not run[1].endswith('-create') or cue.end != AtPrompt(0):
            continue
        given = run[2].split()[:1] or defaults(code / f'{run[1]}.c')[:1]
        for name in given:
            found.setdefault(name, run[0])
    return found


def needs(file: Path, made: dict[str, str]) -> list[str]:
    """Return the commands, of those that create objects, that come before a program can run with its default names.

    Raises ScriptError where it is not UTF-8.
    """
    if file.stem.endswith('-create'):
        return []
    return [made[name] for name in defaults(file) if name in made]


def programs(page: Page, family: str) -> set[str]:
    """Return the programs, as ``shm/020-shm-create``, that the chapter of a family runs: it has its label.

    A page without such a chapter is about the family as a whole.
    """
    chapter = next((one for one in page.sections if one.depth == 1 and one.label == family), page.sections[0])
    after = [one.line for one in page.sections if chapter.depth == one.depth == 1 and one.line > chapter.line]
    scenes = [scene for scene in page.scenes if chapter.line < scene.line < min(after, default=scene.line + 1)]
    return {run[1] for scene in scenes for cue in scene.cues for run in RUN.finditer(cue.command)}
