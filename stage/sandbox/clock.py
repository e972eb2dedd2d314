"""Waiting for what must come, with the programs' own sleeping counted apart.

What is done bit by bit is a generator that yields where it has to wait: the rehearsal runs one to its
end (:func:`run`), the performance goes on with one between the keys that somebody presses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TypeVar

from .terminal import Observation, Terminal

#: Seconds beyond the programs' own sleeping after which waiting has failed.
DEADLINE = 10.0
#: Seconds that the programs may sleep during one cue.
OWN_SLEEP = 20.0
Result = TypeVar('Result')
#: While something is waited for: a terminal from which it may come, and seconds after which to look again.
Wait = tuple['Terminal | None', float]
#: What is done bit by bit: it yields where it has to wait, and returns its result.
Play = Generator[Wait, None, Result]


class Clock:
    """Waits for what must come, and counts the programs' own sleeping apart.

    Args:
        sleeping: Whether a program on the stage sleeps by the clock just now.
        deadline: Seconds beyond that sleeping.
    """

    def __init__(self, sleeping: Callable[[], bool], deadline: float = DEADLINE) -> None:
        self.sleeping, self.deadline, self.slept = sleeping, deadline, 0.0

    def wait(self, terminal: Terminal, ready: Callable[[], Result]) -> Play[Result | None]:
        """Read from the terminal until ``ready`` says something; return that, or None after the deadline."""
        began, slept, nap = time.monotonic(), 0.0, 0.0005
        while True:
            terminal.pump()
            if found := ready():
                return found
            now = time.monotonic()
            if now - began - slept > self.deadline or slept > OWN_SLEEP:
                return None
            yield terminal, nap
            if self.sleeping():
                pause = time.monotonic() - now
                slept += pause
                self.slept += pause
            nap = min(nap * 2, 0.05)  # output ends it early


def run(play: Play[Result]) -> Result:
    """Do it to the end, reading only from the terminal that is waited for.

    What is observed while reading is raised where it is waited for.
    """
    observed = None
    while True:
        try:
            terminal, seconds = play.throw(observed) if observed else next(play)
        except StopIteration as end:
            return end.value
        observed = None
        try:
            if terminal:
                terminal.pump(seconds)
        except Observation as what:
            observed = what


def rest(seconds: float) -> Play[None]:
    """Let time pass."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        yield None, left
