"""The commands of the screenplay, by its sections: a sheet for those who follow, appended to docs/handout.rst.

It is derived from the sessions: what a page would list by hand goes stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from stage.page.model import Cue, Page, ScriptError
from stage.page.reader import read

from .derived import SCREENPLAY

PAGE = 'handout'


def handout(page: Page) -> list[str]:
    """Return the sheet as reST: for each section that has sessions their numbers, and what is typed in them."""
    lines: list[str] = []
    for section in page.sections:
        scenes = [scene for scene in page.scenes if page.section_of(scene.line) is section]
        typed = list(dict.fromkeys(line for scene in scenes for cue in scene.cues for line in _typed(cue)))
        if not typed:
            continue
        numbers = f'{scenes[0].number}' + (f' to {scenes[-1].number}' if len(scenes) > 1 else '')
        title = f':ref:`{section.label}`' if section.label else section.title
        lines += [f'{title}, {numbers}', '', '.. code-block:: console', '', *(f'   {line}' for line in typed), '']
    return lines


def _typed(cue: Cue) -> list[str]:
    """Return the lines of a command, the first one with its terminal and its prompt."""
    who = '' if cue.terminal == 'main' else f'({cue.terminal}) '
    if cue.kind == 'run':
        first, *more = cue.command.split('\n')
        return [f'{who}{"#" if cue.root else "$"} {first}', *(f'> {line}'.rstrip() for line in more)]
    return []


def append(app: Sphinx, docname: str, source: list[str]) -> None:
    """Complete the page, which is read again when the screenplay changes."""
    if docname == PAGE:
        screenplay = Path(app.srcdir, SCREENPLAY)
        app.env.note_dependency(str(screenplay))
        try:
            source[0] += '\n' + '\n'.join(handout(read(str(screenplay))))
        except ScriptError:
            pass  # drawing the screenplay reports it


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the hook."""
    app.connect('source-read', append)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
