"""A documented run and a real one are equal up to a consistent renaming.

There are no wildcards: a page shows one real run.  Lines are cut into tokens;
most must be equal, a few kinds (addresses, inodes, observed PIDs) may differ as
long as the same value always stands for the same value, dates may differ freely.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
CLOCK = r'(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?'
TOKEN = re.compile(rf'''
    (?P<date>\b{MONTH}\ (?:\ [1-9]|[12]\d|3[01])\ (?:{CLOCK}|\ \d{{4}})(?![\w:])
           |\b\d{{4}}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[ T]{CLOCK})?Z?(?![\w:]))
  | (?P<range>\b[0-9a-f]{{8,16}}-[0-9a-f]{{8,16}}\b)
  | (?P<address>\b0x[0-9a-f]{{9,16}}\b|\b[0-9a-f]{{9,16}}\b)
  | (?P<inode>(?<=[0-9a-f]{{8}}\ )[0-9a-f]{{2,}}:[0-9a-f]{{2,}}\ \d+\b)
  | (?P<number>\d+)
  | (?P<word>[A-Za-z_][\w-]*)
  | (?P<blanks>\ +)
  | (?P<other>.)
''', re.VERBOSE | re.DOTALL)
Token = tuple[str, str]


def tokens(line: str) -> list[Token]:
    """Cut a line into (kind, text); the texts joined are the line.

    Nine or more decimal digits without ``0x`` are a number: numbers do not float.
    """
    found = []
    for match in TOKEN.finditer(line):
        kind = match.lastgroup or 'other'
        if kind == 'address' and match[0].isdecimal():
            kind = 'number'
        found.append((kind, match[0]))
    return found


class Renaming:
    """Which value of the page stands for which value of this run, for a whole page.

    Args:
        words: Declared constants, such as the documented user for the real one.
    """

    def __init__(self, words: dict[str, str] | None = None) -> None:
        self.words = dict(words or {})
        self.pids: set[int] = set()  # PIDs that the player itself has seen in its terminals
        self.real: dict[tuple[str, str], str] = {}
        self.documented: dict[tuple[str, str], str] = {}

    def match(self, documented: Sequence[str | None], real: Sequence[str]) -> bool:
        """Whether the lines are the same run; if so, remember what stands for what.

        ``None`` in ``documented`` is an ellipsis: one or more lines.
        """
        before = self.real, self.documented
        for index, line in enumerate(documented):
            if line is None:
                rest = documented[index + 1:]
                for hidden in range(index + 1, len(real) + 1):
                    if self.match(rest, real[hidden:]):
                        return True
                break
            if index >= len(real) or self.difference(line, real[index]):
                break
        else:
            if len(documented) == len(real):
                return True
        self.real, self.documented = before
        return False

    def forget(self, bound: Iterable[tuple[str, str]]) -> None:
        """Forget what stands for these values of the page: they come again."""
        self.real, self.documented = dict(self.real), dict(self.documented)
        for kind, text in bound:
            if (kind, text) in self.real:
                self.documented.pop((kind, self.real.pop((kind, text))), None)

    def reached(self, documented: Sequence[str | None], real: Sequence[str]) -> int | None:
        """Return how many real lines the documented ones take up, or None if they do not match yet.

        As :meth:`match`, but more real lines may follow.
        """
        for stop in range(len(documented), len(real) + 1):
            if self.match(documented, real[:stop]):
                return stop
        return None

    def reason(self, documented: Sequence[str | None], real: Sequence[str]) -> str:
        """Say in one line why :meth:`match` failed."""
        before = self.real, self.documented
        try:
            for index, line in enumerate(documented):
                if line is None:
                    if index >= len(real):
                        return 'an ellipsis that hides nothing'
                    rest = documented[index + 1:]
                    if not rest:
                        return 'the lines before the ellipsis differ'
                    if len(rest) >= len(real) - index:
                        return f'too few lines for the ellipsis and "{rest[0]}" after it'
                    return f'after the ellipsis, no "{rest[0]}" with what follows it'
                if index >= len(real):
                    return f'line missing: "{line}"'
                if why := self.difference(line, real[index]):
                    return f'"{real[index]}" instead of "{line}": {why}'
            return f'line too many: "{real[len(documented)]}"'
        finally:
            self.real, self.documented = before

    def difference(self, documented: str, real: str) -> str | None:
        """Compare two lines; return why they differ, or None, and then remember the renaming."""
        before = self.real, self.documented
        self.real, self.documented = dict(self.real), dict(self.documented)
        why = self._difference(tokens(documented), tokens(real))
        if why:
            self.real, self.documented = before
        return why

    def _difference(self, documented: list[Token], real: list[Token]) -> str | None:
        blanks_differ = width_changed = False
        for (kind, text), (real_kind, real_text) in zip(documented, real, strict=False):
            if kind == real_kind == 'blanks':
                blanks_differ |= text != real_text
                continue
            if why := self._token(kind, text, real_kind, real_text):
                return why
            width_changed |= len(text) != len(real_text)
        if len(documented) != len(real):
            at_end = [text for _, text in (*documented[len(real):], *real[len(documented):])]
            if not ''.join(at_end).strip():
                return 'blanks at the end'
            return 'more on the line' if len(real) > len(documented) else 'less on the line'
        if blanks_differ and not width_changed:
            return 'number of blanks'
        return None

    def _token(self, kind: str, text: str, real_kind: str, real_text: str) -> str | None:
        """Compare one token with another; None if they are equal or renamed consistently."""
        if {kind, real_kind} == {'number', 'address'} and min(len(text), len(real_text)) >= 9:
            kind = real_kind = 'address'  # an address may happen to have no letter
        if kind == real_kind == 'number' and text != real_text and int(real_text) not in self.pids:
            return f'number {real_text}, documented {text}'
        if kind != real_kind:
            return f'"{real_text}", documented "{text}"'
        if kind == 'date':
            return None if _form(text) == _form(real_text) \
                else f'"{real_text}", documented "{text}": a date of another form'
        if kind == 'range':
            return self._range(text, real_text)
        if kind == 'address':
            if text.startswith('0x') != real_text.startswith('0x'):
                return f'"{real_text}", documented "{text}": 0x on one side only'
            return self._bind('address', text.removeprefix('0x'), real_text.removeprefix('0x'))
        if kind == 'inode':
            return self._bind('inode', text, real_text)
        if kind == 'number':
            if int(real_text) in self.pids or ('PID', text) in self.real:
                return self._bind('PID', text, real_text)
            return None
        if text == real_text or (kind == 'word' and self.words.get(text) == real_text):
            return None
        return f'"{real_text}", documented "{text}"'

    def _range(self, text: str, real_text: str) -> str | None:
        begin, end = text.split('-')
        real_begin, real_end = real_text.split('-')
        size, real_size = int(end, 16) - int(begin, 16), int(real_end, 16) - int(real_begin, 16)
        if size != real_size:
            return f'a range of {real_size} bytes, documented {size}'
        return self._bind('address', begin, real_begin) or self._bind('address', end, real_end)

    def _bind(self, kind: str, text: str, real_text: str) -> str | None:
        if kind == 'inode' and '00:00 0' in (text, real_text) and text != real_text:
            return f'{real_text}, documented {text}: no file on one side only'
        known = self.real.setdefault((kind, text), real_text)
        if known != real_text:
            return f'{kind} {text} was {known} before and is {real_text} now'
        known = self.documented.setdefault((kind, real_text), text)
        if known != text:
            return f'two values of the page, {known} and {text}, are one {kind}, {real_text}'
        return None

    def to_real(self, command: str) -> str:
        """Put the values of this run into a documented command."""
        return self._translate(command, self.real)

    def to_documented(self, line: str) -> str:
        """Put the values of the page into a line of this run; what is not bound stays.

        An address near a bound one (in the same mapping, say) gets the same distance from it.
        """
        return self._translate(line, self.documented, near=True)

    def _translate(self, line: str, table: dict[tuple[str, str], str], near: bool = False) -> str:
        def address(text: str) -> str:
            bare = text.removeprefix('0x')
            found = table.get(('address', bare)) or (near and self._near(bare)) or bare
            return text[:len(text) - len(bare)] + found

        translated = []
        for kind, text in tokens(line):
            if kind == 'range':
                text = '-'.join(address(end) for end in text.split('-'))
            elif kind == 'address':
                text = address(text)
            elif kind == 'inode':
                text = table.get(('inode', text), text)
            elif kind == 'number':
                text = table.get(('PID', text)) or address(text)
            elif kind == 'word' and near:
                text = {real: word for word, real in self.words.items()}.get(text, text)
            translated.append(text)
        return ''.join(translated)

    def _near(self, real: str) -> str | None:
        """Return the address of the page at the distance that ``real`` has from a bound one."""
        value, close = int(real, 16), 1 << 24
        bound = [(int(key, 16), int(text, 16)) for (kind, key), text in self.documented.items()
                 if kind == 'address' and abs(value - int(key, 16)) < close]
        if len(real) < 9 or not bound:
            return None
        base, documented = min(bound, key=lambda pair: abs(value - pair[0]))
        near = f'{documented + value - base:0{len(real)}x}'
        return None if ('address', near) in self.real else near  # that is another one's already

    def promoted(self, documented: Sequence[str | None], real: Sequence[str]) -> list[str | None]:
        """Return the lines that the page should show for this run.

        A line that still holds stays as it is, byte for byte, and an ellipsis stays where
        lines are left for it; the rest is the real text with bound values mapped back.
        """
        shapes = ([_shape(line) for line in documented],
                  [_shape(self.to_documented(line)) for line in real])
        blocks = SequenceMatcher(None, *shapes, autojunk=False).get_opcodes()
        result: list[str | None | int] = []
        for _, first, last, begin, end in blocks:
            result += self._block(documented[first:last], real, range(begin, end))
        return [self.to_documented(real[line]) if isinstance(line, int) else line
                for line in result]

    def _block(self, documented: Sequence[str | None], real: Sequence[str],
               came: range) -> list[str | None | int]:
        """Return the lines that are kept; for each that is new, its index in ``real``."""
        if None in documented:
            head = list(documented).index(None)
            tail = len(documented) - head - 1
            if head + tail < len(came):
                stop = len(came) - tail
                return [*self._block(documented[:head], real, came[:head]), None,
                        *self._block(documented[head + 1:], real, came[stop:])]
        if len(documented) != len(came):
            return list(came)
        return [index if line is None or self.difference(line, real[index]) else line
                for line, index in zip(documented, came, strict=True)]


def plain(documented: Iterable[str | None]) -> list[str]:
    """Return expected lines with the ellipsis as the page shows it."""
    return ['...' if line is None else line for line in documented]


def _form(date: str) -> str:
    """Return how a date is written: ``M 00 00:00`` for ``Nov  5 17:25``."""
    return re.sub(r'\d', '0', re.sub(MONTH, 'M', date.replace('  ', ' 0')))


def _shape(line: str | None) -> tuple[Token, ...] | None:
    """Return the tokens of a line without the values that may differ."""
    floating = {'date', 'range', 'address', 'inode', 'blanks'}
    return None if line is None else tuple(
        (kind, '' if kind in floating else text) for kind, text in tokens(line))
