"""A line of output as tokens: what each piece of it is decides how it is compared."""

from __future__ import annotations

import re
from collections.abc import Sequence

MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
CLOCK = r'(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?'
#: ``more`` is what ls(1) puts behind a mode where there is more than the mode: a security context
#: (``.``) or an access control list (``+``).
TOKEN = re.compile(rf'''
    (?P<date>\b{MONTH}\ (?:\ [1-9]|[12]\d|3[01])\ (?:{CLOCK}|\ \d{{4}})(?![\w:])
           |\b\d{{4}}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[ T]{CLOCK})?Z?(?![\w:]))
  | (?P<range>\b[0-9a-f]{{8,16}}-[0-9a-f]{{8,16}}\b)
  | (?P<address>\b0x[0-9a-f]{{8,16}}\b|\b[0-9a-f]{{9,16}}\b)
  | (?P<inode>(?<=[0-9a-f]{{8}}\ )[0-9a-f]{{2,}}:[0-9a-f]{{2,}}\ \d+\b)
  | (?P<more>(?<=(?<!\S)[-bcdlps](?:[-r][-w][-xsS]){{2}}[-r][-w][-xtT])[.+](?=\ ))
  | (?P<number>\d+)
  | (?P<word>[A-Za-z_][\w-]*)
  | (?P<blanks>\ +)
  | (?P<other>.)
''', re.VERBOSE | re.DOTALL)
Token = tuple[str, str]


def tokens(line: str, names: Sequence[str] = ()) -> list[Token]:
    """Cut a line into (kind, text); the texts joined are the line. Each of the names is one word, whatever is in it.

    Nine or more decimal digits without ``0x`` are a number: numbers do not float.  With ``0x``, eight
    digits are an address already: of a 32-bit machine.
    """
    if names:  # every second piece is one
        pieces = re.split(rf'(?<![\w-])({"|".join(map(re.escape, names))})(?![\w-])', line)
        return [token for place, piece in enumerate(pieces)
                for token in ([('word', piece)] if place % 2 else tokens(piece))]
    found = []
    for match in TOKEN.finditer(line):
        kind = match.lastgroup or 'other'
        if kind == 'address' and match[0].isdecimal():
            kind = 'number'
        found.append((kind, match[0]))
    return found


def compared(line: str, names: Sequence[str] = ()) -> list[Token]:
    """Return the tokens without those that are the machine's business."""
    return [token for token in tokens(line, names) if token[0] != 'more']


def form_of(date: str) -> str:
    """Return how a date is written: ``M 00 00:00`` for ``Nov  5 17:25``."""
    return re.sub(r'\d', '0', re.sub(MONTH, 'M', date.replace('  ', ' 0')))
