"""Which programs of the course a page calls, and where their sources are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..page.model import Cue, Page

#: What a command names as a program of the course.
PROGRAM = re.compile(r'(?<![\w./])\./([\w.-]+(?:/[\w.-]+)*)')
#: Their sources.
CODE = Path(__file__).parents[2] / 'code'


def called(page: Page) -> Iterator[tuple[Cue, str]]:
    """Yield the programs that a page's commands name, as ``shm/030-shm-produce``, each with its cue."""
    for cue in page.cues():
        for name in PROGRAM.findall(cue.command if cue.kind == 'run' else ''):
            yield cue, name


def sources(page: Page) -> Iterator[str]:
    """Yield the texts of those that are programs of ours, each once."""
    for name in {name for _, name in called(page)}:
        if (source := CODE / f'{name}.c').exists():
            yield source.read_text(errors='replace')
