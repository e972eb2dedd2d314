"""Hold the trees that cues print against those that are kept beside the page."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from ..page.model import Cue, Page
from ..page.trees import FOLDER, label_of, recorded, trees

#: Label of a section -> the text of its tree.
Trees = dict[str, str]


def kept(page: Page, folder: int) -> Trees:
    """Read the trees of a page.

    Args:
        page: Whose.
        folder: Descriptor of the page's folder, opened before anything was mounted over it.
    """
    found = {}
    for _, label in trees(page):
        with contextlib.suppress(FileNotFoundError), open(
                f'{FOLDER}/{label}.json', encoding='utf-8',
                opener=lambda path, flags: os.open(path, flags, dir_fd=folder)) as file:
            found[label] = file.read()
    return found


def printed(page: Page, cue: Cue, lines: list[str]) -> Trees:
    """Return the tree that a cue has printed, if it is one that does; empty, if it has failed to."""
    label = label_of(page, cue)
    if not label:
        return {}
    try:
        return {label: recorded(cue.command, lines)}
    except (ValueError, LookupError):
        return {label: ''}


def differs(old: Trees, new: Trees) -> str | None:
    """Return why a tree is not the one that is kept, but for the order of keys; None if it is."""
    for label, text in new.items():
        if not text:
            return 'what it has printed is no tree'
        if label not in old:
            return f'there is no {FOLDER}/{label}.json: "make promote" writes it'
        was, now = _states(old[label]), _states(text)
        if was != now:
            words = sorted(word for word in {*was, *now} if was.get(word) != now.get(word))
            return (f'not the tree in {FOLDER}/{label}.json, from "{min(words, key=len)}" on: '
                    '"make promote" writes it anew')
    return None


def _states(text: str) -> dict[str, Any]:
    """Return the states of a tree by their words, and what else it has, by its name."""
    try:
        tree = json.loads(text)
        return {**tree.pop('states'), **tree}
    except (ValueError, LookupError, AttributeError, TypeError):
        return {'': text}
