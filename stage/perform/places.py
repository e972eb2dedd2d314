"""Where in a page one can jump to: scenes, by their number, their section's title or its label."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..page.model import Page, Scene, Section
from ..page.prose import plain


def find(page: Page, asked: str, after: int = 0) -> list[Scene]:
    """Return the scenes that may be meant, the likeliest one first.

    A title comes before a label, a label before the words of chapter, label and title together
    (``mq create``), and these before a part of a title. Among equals, the next one on the page is first.

    Args:
        page: Where to look.
        asked: A number, or words.
        after: Number of the scene where we are.
    """
    if asked.isdecimal():
        return [scene for scene in page.scenes if scene.number == int(asked)]
    words = _words(asked)
    ranked: dict[int, tuple[tuple[int, bool, int], Scene]] = {}
    for section, chapter in _sections(page):
        scene = next((scene for scene in page.scenes if scene.line > section.line), None)
        title, all_words = _words(section.title), _words(f'{chapter} {section.label} {section.title}')
        ranks = (words == title, asked.strip().lower() == section.label,
                 all(any(word.startswith(part) for word in all_words) for part in words),
                 ' '.join(words) in ' '.join(title))
        if scene and words and any(ranks):
            rank = (ranks.index(True), scene.number <= after, scene.number)
            ranked[scene.number] = min(ranked.get(scene.number, (rank, scene)), (rank, scene), key=lambda one: one[0])
    return [scene for _, scene in sorted(ranked.values(), key=lambda one: one[0])]


def _words(text: str) -> list[str]:
    """Return the words of a text in small letters, without markup and punctuation."""
    return re.findall(r'\w+', plain(text).lower())


def _sections(page: Page) -> Iterator[tuple[Section, str]]:
    """Yield the sections below the page's own title, each with the title of its chapter."""
    chapter = ''
    for section in page.sections:
        if section.depth == 1:
            chapter = section.title
        if section.depth:
            yield section, chapter


def contents(page: Page) -> list[str]:
    """Return the sections that have scenes, with the numbers of these."""
    found: dict[str, list[int]] = {}
    for scene in page.scenes:
        found.setdefault(scene.section, []).append(scene.number)
    return [f'* {numbers[0]}-{numbers[-1]} {plain(title)}' if len(numbers) > 1
            else f'* {numbers[0]} {plain(title)}' for title, numbers in found.items()]
