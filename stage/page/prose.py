"""A page as plain paragraphs, for the notes of a performance."""

from __future__ import annotations

import re

from .reader import BULLET, COMMENT, DIRECTIVE, FIELD, LABEL, LITERAL, OPTION, UNDERLINE, end_of_body, is_comment
from .scenes import NOTE

ROLE = re.compile(r'(?::[\w:+-]+:)?`([^`<]+?)(?:\s*<[^`>]*>)?`_{0,2}')
STRONG = re.compile(r'(?<![\w*])\*{1,2}(?=\S)([^*\n]+?)(?<=\S)\*{1,2}(?![\w*])')
#: A cell of a list-table, the first one of its row with a star.
CELL = re.compile(r'^(?: +(\* )| {5,})- (.*)$')
#: Directives of whose body nothing is said.
UNSAID = LITERAL | {'figure', 'image', 'index', 'meta', 'contents', 'sidebar', 'toctree', 'only'}


#: What to do with what is not text; of a listing, the name of the file says most.
SHOWN = {'literalinclude': 'Show:', 'figure': 'Draw:', 'image': 'Draw:'}
#: Paragraphs that are said as they are.
SAID_WHOLE = ('* ', '- ', *SHOWN.values())
#: Where the first sentence of a paragraph ends.
SENTENCE = re.compile(r'(?<=[.!?])\s+(?=[A-Z(])')
#: A line that only refers to another place of the site.
REFERENCE = re.compile(r'^ *:(?:ref|doc):`[^`]*`\.?$')
#: A box that unfolds.
FOLD = re.compile(r'^ +:class:.*\bfold\b')


def plain(text: str) -> str:
    """Return a line of reStructuredText without its markup."""
    text = re.sub(r'``(.+?)``', lambda code: code[1].replace('*', '\0'), text)
    text = STRONG.sub(r'\1', ROLE.sub(r'\1', text))
    return re.sub(r'\\(\S)', r'\1', text.replace('\0', '*')).removesuffix('::')


def spoken(text: str, first: int, stop: int) -> list[str]:
    """Return what can be said in front of a class: stage directions, and of other paragraphs the first sentences.

    What a reader is told in boxes that unfold, in brackets, or by a reference alone, is not for the class.

    Args:
        text: Of the page.
        first: Index of the first line of the part that is asked for.
        stop: Index after its last one.
    """
    lines = text.split('\n')
    for index, line in enumerate(lines):
        if REFERENCE.match(line):
            lines[index] = ''
        if FOLD.match(line):
            depth, start = len(line) - len(line.lstrip()), index
            while start and len(lines[start]) - len(lines[start].lstrip()) >= depth:
                start -= 1  # up to its directive
            stretch = range(start, end_of_body(lines, start))
            lines[start:stretch.stop] = [''] * len(stretch)
    found = prose(lines[first:stop])
    return [text if text.startswith(SAID_WHOLE) else SENTENCE.split(text)[0] for text in found
            if not text.startswith('(')]


def prose(lines: list[str]) -> list[str]:
    """Return the paragraphs of a part of a page, plain.

    A listing is named, and of a figure the caption; other blocks that are not text are left out.
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
            if directive and directive[2] in SHOWN:
                file = (directive[3] or '').removeprefix('../')
                found.append(f'{SHOWN[directive[2]]} {_caption(lines, start) or file}')
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


def _caption(lines: list[str], start: int) -> str:
    """Return the caption of a figure: the first paragraph of its body."""
    body = lines[start + 1:end_of_body(lines, start)]
    while body and body[0].strip():
        body = body[1:]  # the options, and what they go on in
    text = ' '.join(line.strip() for line in body).strip()
    return plain(SENTENCE.split(text)[0]) if 'figure' in lines[start] else ''
