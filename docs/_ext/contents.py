"""The list of contents says which chapter a section is of: "mq: Create", not one more "Create".

The chapters are those of the screenplay, and a section whose label begins with theirs is of them,
on any page.  Without this extension the list has the bare titles.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from stage.page.model import ScriptError
from stage.page.reader import read

from .derived import SCREENPLAY


def chapters(docs: Path) -> list[str]:
    """Return the labels of the chapters; none, if the screenplay cannot be read, which drawing it reports."""
    try:
        page = read(str(docs / SCREENPLAY))
    except (ScriptError, OSError):
        return []
    return [section.label for section in page.sections if section.depth == 1 and section.label]


def outdated(app: Sphinx, env: BuildEnvironment, *changes: set[str]) -> set[str]:
    """Have all pages read again when the chapters are other ones."""
    before = getattr(env, 'course_chapters', None)
    env.course_chapters = chapters(Path(app.srcdir))
    return set() if before == env.course_chapters else env.found_docs


def name_chapters(app: Sphinx, document: nodes.document) -> None:
    """Put the chapters in front of the titles that Sphinx has collected."""
    docname = app.env.docname
    label = re.compile(rf'(?:{docname}-)?({"|".join(app.env.course_chapters)})-.')
    sections = {name: section for section in document.findall(nodes.section) for name in section['ids']}
    for entry in app.env.tocs[docname].findall(nodes.reference):
        section = sections.get(entry['anchorname'][1:])
        found = next(filter(None, map(label.match, section['names'])), None) if section else None
        if found:
            entry.insert(0, nodes.Text(f'{found[1]}: '))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both; the titles are collected before they get their chapters."""
    app.connect('env-get-outdated', outdated)
    app.connect('doctree-read', name_chapters, priority=900)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
