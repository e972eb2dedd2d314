"""Which value of the page stands for which value of this run."""

from __future__ import annotations

from collections.abc import Iterable

from .tokens import tokens

#: A kind of token and its text.
Value = tuple[str, str]


class Renaming:
    """What stands for what, for a whole page: the same value always for the same value.

    Args:
        words: Declared constants: a name of this machine, such as that of its user, and the documented one.
    """

    def __init__(self, words: dict[str, str] | None = None) -> None:
        self.words = dict(words or {})
        self.names = sorted((name for name in self.words if len(tokens(name)) > 1), key=len, reverse=True)
        self.pids: set[int] = set()  # PIDs that the player itself has seen in its terminals
        self.real: dict[Value, str] = {}
        self.documented: dict[Value, str] = {}

    def copy(self) -> Renaming:
        """Return one that may be tried without consequences."""
        new = Renaming(self.words)
        new.pids, new.real, new.documented = self.pids, dict(self.real), dict(self.documented)
        return new

    def learn(self, tried: Renaming) -> None:
        """Remember what a copy has learned."""
        self.real, self.documented = tried.real, tried.documented

    def bind(self, kind: str, text: str, real_text: str) -> str | None:
        """Let a value of the page stand for one of this run; return why it cannot, or None."""
        known = self.real.setdefault((kind, text), real_text)
        if known != real_text:
            return f'{kind} {text} was {known} before and is {real_text} now'
        known = self.documented.setdefault((kind, real_text), text)
        if known != text:
            return f'two values of the page, {known} and {text}, are one {kind}, {real_text}'
        return None

    def forget(self, bound: Iterable[Value]) -> None:
        """Forget what stands for these values of the page: they come again."""
        for kind, text in bound:
            if (kind, text) in self.real:
                self.documented.pop((kind, self.real.pop((kind, text))), None)

    def to_real(self, command: str) -> str:
        """Put the values of this run into a documented command."""
        return self._translate(command, self.real)

    def to_documented(self, line: str) -> str:
        """Put the values of the page into a line of this run; what is not bound stays.

        An address near a bound one (in the same mapping, say) gets the same distance from it.
        """
        return self._translate(line, self.documented, near=True)

    def _translate(self, line: str, table: dict[Value, str], near: bool = False) -> str:
        def address(text: str) -> str:
            bare = text.removeprefix('0x')
            found = table.get(('address', bare)) or (near and self._near(bare)) or bare
            return text[:len(text) - len(bare)] + found

        translated = []
        for kind, text in tokens(line, self.names):
            if kind == 'range':
                text = '-'.join(address(end) for end in text.split('-'))
            elif kind == 'address':
                text = address(text)
            elif kind == 'inode':
                text = table.get(('inode', text), text)
            elif kind == 'number':
                text = table.get(('PID', text)) or address(text)
            elif kind == 'word' and near:
                text = self.words.get(text, text)
            elif kind == 'more' and near:
                text = ''
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
