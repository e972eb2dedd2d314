"""The instructor's keys: which deed each asks for, and the two that need more than one press."""

from __future__ import annotations

import collections
import re

from .tmux import SEQUENCES

HELP = ('PgDn next  PgUp back  F4 pane  F5 retry  F6 skip  F7 jump  F8 reset  F9 fast  '
        'F10 quit')


class Keys:
    """Turns what is pressed into deeds, which wait here until they are taken."""

    def __init__(self, fast: bool) -> None:
        self.deeds: collections.deque[tuple[str, ...]] = collections.deque()  # with what each is about
        self.fast = fast
        self.asking: str | None = None
        """What has been typed after F7."""
        self.quitting = False
        self.resized = False
        """The screen has changed: its size, or who is attached."""

    def press(self, data: bytes) -> None:
        """Take the keys that have come to the notes."""
        for key in re.findall(r'\x1b\[\d+~|[\s\S]', data.decode(errors='replace')):
            self._press(key)

    def _press(self, key: str) -> None:
        deed = SEQUENCES.get(key)
        if deed == 'screen':
            self.resized = True
            return
        quitting, self.quitting = self.quitting, False
        if self.asking is not None and not deed:
            self._ask(self.asking, key)
        elif deed == 'jump':
            self.asking = ''
        elif deed == 'fast':
            self.fast = not self.fast
        elif deed == 'quit' and not quitting:
            self.quitting = True
        elif deed:
            self.asking = None
            self.deeds.append((deed,))

    def _ask(self, asked: str, key: str) -> None:
        """Type a letter of what F7 has asked for."""
        if key == '\r':
            self.asking = None
            self.deeds.append(('jump', asked))
        elif key == '\x7f':
            self.asking = asked[:-1]
        elif key == '\x1b':
            self.asking = None
        elif key.isprintable():
            self.asking = asked + key
