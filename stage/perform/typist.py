"""Types the commands of the page at the prompts, a letter at a time, where somebody may type, too."""

from __future__ import annotations

import functools

from ..sandbox.clock import Clock, Play, rest
from .live import CLEAR_LINE, Live

#: Seconds between two letters that are typed.
LETTER = 0.03


class Typist:
    """Knows what stands at the prompts and has not been entered; ``clock`` waits for the shell."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.typed: dict[int, tuple[Live, str, int]] = {}  # cue -> where, what, and since when
        self.rush = False  # the rest of the command is to be there at once

    def type(self, index: int, terminal: Live, command: str, slow: bool = False) -> Play[None]:
        """Type a command, ``slow`` a letter at a time; Enter is still to be pressed."""
        if terminal.touched or index in self.typed:
            terminal.write(CLEAR_LINE.encode())
        terminal.begin(command)
        self.typed[index] = terminal, command, terminal.entered
        self.rush = False
        for number, line in enumerate(command.split('\n')):
            if number:
                terminal.write(b'\r')
                yield from self.clock.wait(terminal, functools.partial(terminal.asks_for_line, number))
            for letter in line if slow else [line]:
                terminal.write(letter.encode())
                if slow and not self.rush:
                    yield from rest(LETTER)

    def enter(self, index: int, terminal: Live, command: str) -> Play[None]:
        """Press Enter; type the command before, if it does not stand there."""
        _, text, entered = self.typed.get(index, (terminal, '', terminal.entered))
        if terminal.entered == entered:
            if text != command or terminal.touched:
                yield from self.type(index, terminal, command)
            terminal.enter()
        self.typed.pop(index, None)

    def take_away(self) -> None:
        """Take away what has been typed and not been entered."""
        for terminal, command, entered in self.typed.values():
            if terminal.entered == entered and not terminal.gone:
                terminal.write(b'\x03' if '\n' in command else CLEAR_LINE.encode())
                terminal.busy = False
        self.typed.clear()


