"""The instructor's keys: which deed each asks for, and the two that need more than one press."""

from __future__ import annotations

import collections
import re

#: Keys that reach the notes wherever the focus is, as tmux calls them (tmux.conf binds them): what arrives there
#: (terminfo(5) of tmux), and the deed.
KEYS = {'NPage': ('\x1b[6~', 'next'), 'PPage': ('\x1b[5~', 'back'), 'F2': ('\x1bOQ', 'notes'),
        'F6': ('\x1b[17~', 'skip'), 'F7': ('\x1b[18~', 'jump'), 'F8': ('\x1b[19~', 'reset'),
        'F9': ('\x1b[20~', 'fast'), 'F10': ('\x1b[21~', 'quit'), 'F12': ('\x1b[24~', 'quit')}
#: Keys that do the same while the notes have the focus. What a presenter's remote sends besides PageDown and
#: PageUp is not among them: F5, Escape, the dot, ``b``.
LETTERS = {' ': 'next', 'n': 'next', 'p': 'back', 'r': 'retry', 's': 'skip', 'j': 'jump', 'R': 'reset', 'f': 'fast',
           'c': 'code', 'k': 'kernel', 'h': 'notes', 'q': 'quit', '?': 'help'}
DEEDS = {**dict(KEYS.values()), **LETTERS}
#: Sent by the hooks of tmux.conf: somebody has attached or detached, or a screen has another size.
SCREEN = '\x1f'
#: Sent when the listing has been closed in its pane.
CLOSED = '\x1d'
#: One key: a control sequence, a letter with Alt, or a character. See ECMA-48, 5.4.
KEY = re.compile(r'\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|[!-~])|[\s\S]')
#: Escape alone, and how tmux.conf sends it while something is asked.
CANCEL = '\x1b', '\x07'
#: The next or the one before of several scenes, a line of the notes down or up: Tab, and the arrows.
CHOICES = {'\t': 1, '\x1b[B': 1, '\x1bOB': 1, '\x1b[A': -1, '\x1bOA': -1}
HELP = 'PgDn next  PgUp back  F2 notes  F4 focus  F6 skip  F7 jump  F8 reset  F9 fast  F10 quit'
LETTERS_HELP = ('While the notes have the focus (F4, or a click): space or n next, p back, r retry, s skip, j jump, '
                'R reset, f fast, c code, k what the kernel sees, h hide the notes, q quit, ? these lines. '
                'A second screen: "make notes" shows these there, "make projector" the stage.')


class Keys:
    """Turns what is pressed into deeds, which wait here until they are taken."""

    def __init__(self, fast: bool) -> None:
        self.deeds: collections.deque[tuple[str, ...]] = collections.deque()  # with what each is about
        self.fast = fast
        self.asking: str | None = None
        """What has been typed after F7."""
        self.chosen = 0
        """Which of the scenes that it may mean."""
        self.quitting = False
        self.help = False
        """What the letters do is said."""
        self.code = False
        """The source of the scene's program is to be seen."""
        self.kernel = False
        """What the kernel sees is to be seen."""
        self.hidden = False
        """The notes are not to be seen beside the stage."""
        self.scrolled = 0
        """Lines of the notes."""
        self.resized = False
        """The screen has changed: its size, or who is attached."""

    def state(self) -> tuple[object, ...]:
        """Return what the notes depend on."""
        return self.fast, self.asking, self.chosen, self.quitting, self.help, self.scrolled

    def press(self, data: bytes) -> None:
        """Take the keys that have come to the notes."""
        for key in KEY.findall(data.decode(errors='replace')):
            self._press(key)

    def _press(self, key: str) -> None:
        if key in (SCREEN, CLOSED):
            self.resized = True
            self.code &= key != CLOSED
            return
        deed = DEEDS.get(key) if self.asking is None or key not in LETTERS else None
        quitting, self.quitting = self.quitting, False
        if self.asking is not None and not deed:
            self._ask(self.asking, key)
        elif key in CHOICES:
            self.scrolled = max(self.scrolled + CHOICES[key], 0)
        elif deed == 'jump':
            self.asking, self.chosen = '', 0
        elif deed == 'fast':
            self.fast = not self.fast
        elif deed == 'help':
            self.help = not self.help
        elif deed == 'code':
            self.code, self.resized = not self.code, True
        elif deed == 'kernel':
            self.kernel, self.resized = not self.kernel, True
        elif deed == 'notes':
            self.hidden, self.resized = not self.hidden, True
        elif deed:
            self.asking, self.scrolled = None, 0
            self.quitting = deed == 'quit' and not quitting
            if not self.quitting:
                self.deeds.append((deed,))

    def _ask(self, asked: str, key: str) -> None:
        """Type a letter of what F7 has asked for."""
        if key == '\r':
            self.asking = None
            self.deeds.append(('jump', asked, str(self.chosen)))
        elif key in CHOICES:
            self.chosen += CHOICES[key]
        elif key == '\x7f':
            self.asking, self.chosen = asked[:-1], 0
        elif key in CANCEL:
            self.asking = None
        elif key.isprintable():
            self.asking, self.chosen = asked + key, 0
