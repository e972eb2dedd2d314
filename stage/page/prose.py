"""A page as plain paragraphs, for the notes of a performance."""

from __future__ import annotations

import re

from .reader import COMMENT, DIRECTIVE, FIELD, LABEL, LITERAL, OPTION, UNDERLINE, end_of_body, is_comment
from .scenes import NOTE

ROLE = re.compile(r'(?::[\w:+-]+:)?`([^`<]+?)(?:\s*<[^`>]*>)?`_{0,2}')
STRONG = re.compile(r'(?<![\w*])\*{1,2}(?=\S)([^*\n]+?)(?<=\S)\*{1,2}(?![\w*])')
BULLET = re.compile(r'^(?:[*+-]|#\.|\d+\.) +')
#: A cell of a list-table, the first one of its row with a star.
CELL = re.compile(r'^(?: +(\* )| {5,})- (.*)$')
#: Directives of whose body nothing is said.
UNSAID = LITERAL | {'figure', 'image', 'index', 'meta', 'contents', 'sidebar', 'toctree', 'only'}


def plain(text: str) -> str:
    """Return a line of reStructuredText without its markup."""
    text = re.sub(r'``(.+?)``', lambda code: code[1].replace('*', '\0'), text)
    text = STRONG.sub(r'\1', ROLE.sub(r'\1', text))
    return re.sub(r'\\(\S)', r'\1', text.replace('\0', '*')).removesuffix('::')


def prose(lines: list[str]) -> list[str]:
    """Return the paragraphs of a part of a page, plain.

    A listing or a figure is only named; other blocks that are not text are left out.
    A stage direction, which has ``.. class:: direction`` above it, begins with ``*``,
    the entry of another list with ``-``.
    """
    found: list[str] = []
    open_, directed, index = False, '', 0
    while index < len(lines) and NOTE.match(lines[index].strip()):
        index += 1  # what the cue before has ended with
    while index < len(lines):
        line, start = lines[index].rstrip(), index
        index += 1
        directive = DIRECTIVE.match(line)
        if directive or COMMENT.match(line) or LABEL.match(line.strip()):
            open_ = False
            directed = 'next' if directive and directive[2] == 'class' and directive[3] == 'direction' else ''
            if directive and directive[2] in ('literalinclude', 'figure', 'image'):
                found.append(f'[{(directive[3] or "").removeprefix("../")}]')
            if is_comment(lines, start) or directive and directive[2] in UNSAID:
                index = end_of_body(lines, start)
        elif not line or OPTION.match(line) or FIELD.match(line):
            open_ = False
        elif UNDERLINE.match(line) and found and open_:
            found[-1] = found[-1].upper()
            open_ = False
        elif cell := CELL.match(line):
            if cell[1]:
                found.append('')
            found[-1] += plain(cell[2]) if cell[1] else ' | ' + plain(cell[2])
            open_ = True
        elif bullet := BULLET.match(line.strip()):
            found.append(('* ' if directed else '- ') + plain(line.strip()[bullet.end():]))
            open_, directed = True, directed and 'list'
        elif open_:
            found[-1] += ' ' + plain(line.strip())
        else:
            found.append(('* ' if directed == 'next' else '') + plain(line.strip()))
            open_, directed = True, ''
    return found
