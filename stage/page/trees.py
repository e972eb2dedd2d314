"""Recorded states: a cue that runs ``turns`` with the order ``tree`` prints the tree of its section.

It is kept beside the page, as ``trees/LABEL.json``; LABEL is that of the section.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .model import Cue, Page, Scene, ScriptError

FOLDER = 'trees'
#: A command that prints one.
TREE = re.compile(r'/turns\s.*?\stree\s', re.DOTALL)


def label_of(page: Page, cue: Cue) -> str | None:
    """Return the label of the tree that a cue prints; None if it prints none.

    Raises:
        ScriptError: Its section has no label.
    """
    if not TREE.search(cue.command):
        return None
    section = page.section_of(cue.line)
    if not section or not section.label:
        raise ScriptError(page.path, cue.line, 'a tree has the label of its section, and this one has none: '
                          'put ".. _some-name:" and an empty line above its title')
    return section.label


def trees(page: Page) -> Iterator[tuple[Scene, str]]:
    """Yield the scenes of a page that print a tree, with its label."""
    for scene in page.scenes:
        for cue in scene.cues:
            if label := label_of(page, cue):
                yield scene, label
