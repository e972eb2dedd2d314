"""What a terminal has printed, as the lines that are compared.

What the shell says of a job is not the program's output, and differs from one bash to the next.  Of a
program that a signal has ended, it says ``Bus error``.  Up to 5.2 it adds `` (core dumped)`` where the
kernel has made a core; from 5.3 on, blanks and the command, too.  Of a job with a number it has always
shown the command, in one column or another (``notify_of_job_status()`` and ``print_pipeline()`` in jobs.c).
"""

from __future__ import annotations

import re
import signal

from ..sandbox.terminal import Terminal, as_lines, as_text

SIGNAL = '|'.join(sorted(filter(None, map(signal.strsignal, signal.valid_signals())), key=len, reverse=True))
CORE = r'\(core dumped\)'
ENDED = re.compile(rf'(?P<said>.*?(?:{SIGNAL}))(?: {CORE}|  +(?:{CORE} )?(?P<command>\S.*))?')
JOB = re.compile(rf'(?P<number>\[\d+\][+ -]? +)(?P<state>{SIGNAL}|Running|Stopped(?: \(.*?\))?|Done(?:\(\d+\))?|'
                 rf'Exit \d+)  +(?:{CORE} )?(?P<command>.+)')
#: Columns that bash up to 5.2 gives to the state of a job.
WIDTH = 24


def settled(line: str, typed: str) -> str:
    """Return a line; if the shell has said it, in the one form that all its versions have in common.

    Behind the text of a signal, neither ``(core dumped)`` nor the command is output.  Behind the state
    of a numbered job the command is, in the column of bash 5.2.

    Args:
        line: What a terminal has printed.
        typed: The command there; bash shows it, or the part that has ended, with blanks of its own.
    """
    if job := JOB.fullmatch(line):
        return f'{job["number"]}{job["state"]:{WIDTH}}{job["command"]}'
    ended = ENDED.fullmatch(line)
    return ended['said'] if ended and _squeezed(ended['command'] or '') in _squeezed(typed) else line


def _squeezed(command: str) -> str:
    return re.sub(r'\\\n|\s', '', command)


class Capture:
    """Takes what the terminals have printed; knows what was typed in each."""

    def __init__(self) -> None:
        self.typed: dict[Terminal, str] = {}

    def lines(self, terminal: Terminal, text: str) -> list[str]:
        """Return what a terminal has printed as lines."""
        typed = self.typed.get(terminal, '')
        return [settled(line, typed) for line in as_lines(text)]

    def printed(self, terminal: Terminal) -> list[str]:
        """Return what has been printed and not taken."""
        return self.lines(terminal, as_text(terminal.output))

    def complete(self, terminal: Terminal) -> list[str]:
        """Return the complete lines of that."""
        return self.lines(terminal, as_text(terminal.output[:terminal.output.rfind(b'\n') + 1]))

    def take(self, terminal: Terminal, status: bool = False) -> tuple[list[str], int]:
        """Take what has been printed, with ``status`` up to the prompt; return it and the exit status."""
        text, number = terminal.take(status)
        return self.lines(terminal, text), number

    def take_first(self, terminal: Terminal, count: int) -> list[str]:
        """Take so many complete lines."""
        lines = self.complete(terminal)[:count]
        terminal.output = terminal.output.split(b'\n', count)[count]
        return lines
