"""Types the commands of the page at the prompts, a letter at a time, where somebody may type, too."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from ..sandbox.clock import Clock, Play, rest
from .live import CLEAR_LINE, Live

#: Seconds between two letters that are typed.
LETTER = 0.03


@dataclass
class Line:
    """A command that has been typed, and not entered by us."""

    terminal: Live
    command: str
    entered: int
    """How many commands the terminal had executed before."""
    prompt: int
    """At which prompt it stands, the last one if the command has several lines."""
    whole: bool = False
    """All of it has been typed."""

    def is_entered(self) -> bool:
        """Whether somebody else has pressed Enter, at its end, and has not entered something else."""
        known = '', self.command.rpartition('\n')[2].rstrip()
        return self.whole and self.terminal.entered != self.entered and self.terminal.read in known

    def stands(self) -> bool:
        """Whether it is still there, as far as can be told: Ctrl-C would have brought another prompt."""
        return not self.terminal.gone and self.terminal.prompts == self.prompt


class Typist:
    """Knows what stands at the prompts and has not been entered; ``clock`` waits for the shell."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.typed: dict[int, Line] = {}  # by the index of the cue
        self.rush = False  # the rest of the command is to be there at once

    def ready(self) -> bool:
        """Whether a command has been typed, and Enter comes next, or has been pressed by hand."""
        return any(line.stands() or line.is_entered() for line in self.typed.values())

    def type(self, index: int, terminal: Live, command: str, slow: bool = False) -> Play[None]:
        """Type a command, ``slow`` a letter at a time; Enter is still to be pressed."""
        if terminal.touched or index in self.typed and self.typed[index].stands():
            terminal.write(CLEAR_LINE.encode())
        terminal.begin(command)
        lines = command.split('\n')
        line = self.typed[index] = Line(terminal, command, terminal.entered, terminal.prompts)
        self.rush = False
        for number, text in enumerate(lines):
            if number:
                terminal.write(b'\r')
                yield from self.clock.wait(terminal, functools.partial(terminal.asks_for_line, number))
                line.prompt += 1
            for letters in text if slow else [text]:
                if not line.stands():  # somebody has pressed Ctrl-C or Enter meanwhile
                    if not terminal.gone:
                        terminal.write(CLEAR_LINE.encode())  # of what was typed before that was seen
                    return
                terminal.write(letters.encode())
                if slow and not self.rush:
                    yield from rest(LETTER)
        line.whole = True

    def enter(self, index: int, terminal: Live, command: str) -> Play[None]:
        """Press Enter; type the command before, if it does not stand there."""
        line = self.typed.get(index)
        if not line or not line.is_entered():
            if not line or not line.stands() or line.command != command or terminal.touched:
                yield from self.type(index, terminal, command)
            terminal.enter()
        self.typed.pop(index, None)

    def take_away(self) -> None:
        """Take away what has been typed and not been entered."""
        for line in self.typed.values():
            if line.stands() and not line.is_entered():
                line.terminal.write(b'\x03' if '\n' in line.command else CLEAR_LINE.encode())
            if not line.is_entered():
                line.terminal.busy = False
        self.typed.clear()
