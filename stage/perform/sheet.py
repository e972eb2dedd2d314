"""The notes as they are laid out: what is said where, in so many columns and rows."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

BOLD, DIM, REVERSE, GREEN, RED, YELLOW = '1', '2', '7', '32', '31', '33'
#: How a cue went: as the page says, not so, or not so where it need not be.
HELD, FAILED, DIFFERS = '✓', '✗', '~'
MARKS = {HELD: GREEN, FAILED: RED, DIFFERS: YELLOW}


@dataclass
class Sheet:
    """What the notes show just now."""

    title: str = ''
    clock: str = ''
    prose: list[str] = field(default_factory=list)
    """Paragraphs."""
    coming: str = ''
    """The next command."""
    question: list[str] = field(default_factory=list)
    """What to ask before it is entered; with answers to choose from, if the page has some."""
    expected: list[str] = field(default_factory=list)
    """What is expected of it."""
    results: list[str] = field(default_factory=list)
    """Of the last step; each begins with one of :data:`MARKS`."""
    message: str = ''
    keys: str = ''
    scrolled: int = 0
    """Lines of the paragraphs that have been scrolled away."""


def width(text: str) -> int:
    """Return how many columns a text takes up."""
    return sum(0 if unicodedata.combining(char) else
               2 if unicodedata.east_asian_width(char) in 'WF' else 1 for char in text)


def render(sheet: Sheet, columns: int, rows: int, seen_by_all: bool = False) -> list[str]:
    """Lay out the notes; return at most ``rows`` lines, each with its control sequences.

    When there is no room for all prose, the stage directions come first.

    Args:
        sheet: What to say.
        columns: Of the screen.
        rows: Of the screen.
        seen_by_all: The class sees the notes, too: the question stands there instead of the answer.
    """
    def styled(style: str, text: str, hang: int = 2) -> list[str]:
        lines = []
        for part in text.split('\n'):
            wrapped = textwrap.wrap(part, columns, subsequent_indent=' ' * hang,
                                    break_on_hyphens=False) or ['']
            lines += [f'\x1b[{style}m{line}\x1b[m' if style else line for line in wrapped]
        return lines

    space = columns - width(sheet.title) - width(sheet.clock)
    title = sheet.title if space > 0 else sheet.title[:columns - width(sheet.clock) - 2] + '… '
    head = f'{title}{" " * space}{sheet.clock}'[:columns]
    result = [line for said in sheet.results for line in styled(MARKS[said[0]], said)[:4]]
    message = styled(BOLD + ';' + YELLOW, sheet.message)[:4] if sheet.message else []
    keys = styled(DIM, sheet.keys, 0)
    coming = styled(BOLD, sheet.coming, 4)[:4] if sheet.coming else []
    answers = len(sheet.question) > 1
    for line in sheet.question if seen_by_all else [*(sheet.question if answers else []), *sheet.expected]:
        coming += styled('', line, 4)[:3]
    room = rows - 1 - len(result) - len(message) - len(keys)
    coming = coming[:max(room - 2, 2)]
    room -= len(coming)
    body = _window(sheet, room, lambda part: styled(BOLD if part.startswith('*') else '', part))
    lines = [f'\x1b[{REVERSE}m{head}\x1b[m', *result, *body, *coming, *message]
    return [*lines[:max(rows - len(keys), 1)], *keys][:rows]


def _window(sheet: Sheet, room: int, layout: Callable[[str], list[str]]) -> list[str]:
    """Return so many lines of the paragraphs; if there is no room for all, stage directions come first."""
    parts = [layout(part) for part in sheet.prose]
    if sum(map(len, parts)) > room:
        order = sorted(range(len(parts)), key=lambda part: not sheet.prose[part].startswith('*'))
        parts = [parts[part] for part in order]
    lines = [line for part in parts for line in part]
    first = max(min(sheet.scrolled, len(lines) - room), 0)
    shown = lines[first:first + room]
    if len(lines) > first + room and shown:
        shown[-1] = '… (down: more)'
    return shown + [''] * (room - len(shown))
