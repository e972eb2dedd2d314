"""What readline has drawn at a prompt, as lines: how often one has wrapped depends on the terminal's width."""

from __future__ import annotations

import re

#: What readline sends to a terminal of the kind "screen" (terminfo(5)): a control function or one letter.
PIECE = re.compile(r'\x1b\[(?P<count>\d*)(?P<deed>[A-Za-z@])|\x1b(?P<up>M)|\x1b[ -/]*[0-~]|(?P<letter>[\s\S])')
Cell = str | None  # None: nothing has been written there


def logical(echo: bytes, columns: int) -> list[str]:
    """Return the lines that this echo shows on a terminal of so many columns, without blanks at their ends.

    Args:
        echo: From the beginning of the prompt on.
        columns: Of the terminal; a row that is full goes on in the next one.
    """
    cells: list[Cell] = []  # row after row
    at, full, inserting = 0, False, False  # full: the last column has been written, the cursor still stands there
    for piece in PIECE.finditer(echo.decode(errors='replace')):
        letter, deed = piece['letter'], 'A' if piece['up'] else piece['deed']
        count = int(piece['count'] or 1)
        end = at - at % columns + columns  # of this row
        cells += [None] * (end - len(cells))
        if letter == '\r':
            at -= columns if full else at % columns
        elif letter == '\b':
            at -= 2 if full else 1
        elif letter == '\n':
            at += columns
        elif letter and letter.isprintable():
            cells[at:end] = [letter, *(cells[at:end - 1] if inserting else cells[at + 1:end])]
            at += 1
        elif deed == 'C':
            at += count
        elif deed == 'A':
            at -= count * columns
        elif deed == 'K':
            cells[at:end] = [None] * (end - at)
        elif deed == 'J':
            del cells[at:]
        elif deed == 'P':
            cells[at:end] = [*cells[at + count:end], *[None] * count][:end - at]
        elif deed == '@':
            cells[at:end] = [*[None] * count, *cells[at:end]][:end - at]
        elif deed in ('h', 'l') and count == 4:
            inserting = deed == 'h'
        at = max(at, 0)
        full = bool(letter and letter.isprintable()) and at % columns == 0
    return _lines([cells[start:start + columns] for start in range(0, len(cells), columns)])


def _lines(rows: list[list[Cell]]) -> list[str]:
    """Join each row that is full with the next one."""
    text = ''
    for row in rows:
        text += ''.join(cell or ' ' for cell in row)
        if row[-1] is None:
            text = text.rstrip() + '\n'
    return [line.rstrip() for line in text.rstrip().split('\n')]
