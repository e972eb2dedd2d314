"""What a terminal has printed, as the lines that are compared.

What the shell says of a job is not the program's output, and differs from one bash to the next.  Of a
program that a signal has ended, it says ``Bus error``.  Up to 5.2 it adds `` (core dumped)`` where the
kernel has made a core; from 5.3 on, blanks and the command, too.  Of a job with a number it has always
shown the command, in one column or another (``notify_of_job_status()`` and ``print_pipeline()`` in jobs.c).
"""

from __future__ import annotations

import re
import signal
from weakref import WeakKeyDictionary

from ..sandbox.terminal import Terminal, as_lines, as_text

#: What is said of a program that a signal has ended; the longer ones first.
SIGNALS = sorted(map(signal.strsignal, signal.Signals), key=len, reverse=True)
SIGNAL = '|'.join(map(re.escape, SIGNALS))
CORE = r'\(core dumped\)'
ENDED = re.compile(rf'(?P<said>.*?(?:{SIGNAL}))(?: {CORE}|  +(?:{CORE} )?(?P<command>\S.*))?')
JOB = re.compile(rf'(?P<number>\[\d+\][+ -]? +)(?P<state>{SIGNAL}|Running|Stopped(?: \(.*?\))?|Done(?:\(\d+\))?|'
                 rf'Exit \d+)  +(?:{CORE} )?(?P<command>.+)')
#: One of these is in each line that is meant.
WORDS = *SIGNALS, 'Running', 'Stopped', 'Done', 'Exit '
#: Columns that bash up to 5.2 gives to the state of a job.
WIDTH = 24


def settled(text: str, typed: str) -> list[str]:
    """Return the lines of a text; what the shell has said, in the one form that all its versions have in common.

    Behind the text of a signal, neither ``(core dumped)`` nor the command is output.  Behind the state
    of a numbered job the command is, in the column of bash 5.2.

    Args:
        text: What a terminal has printed.
        typed: The commands there; of one, bash shows what has ended, with blanks of its own.
    """
    lines = as_lines(text)
    if not any(word in text for word in WORDS):
        return lines
    found = []
    while lines:
        line = lines.pop(0)
        if job := JOB.fullmatch(line):
            line = f'{job["number"]}{job["state"]:{WIDTH}}{job["command"]}'
        elif (ended := ENDED.fullmatch(line)) and _within(command := ended['command'] or '', typed):
            line = ended['said']
            if '<<' in command:  # with its here-document, and an empty line
                while lines and lines[0] and _within(f'{command}\n{lines[0]}', typed):
                    command += f'\n{lines.pop(0)}'
                if lines[:1] == ['']:
                    del lines[0]
        found.append(line)
    return found


def _within(part: str, command: str) -> bool:
    """Whether one is a part of the other, whatever the blanks in them."""
    part, command = (re.sub(r'\\\n|\s', '', text) for text in (part, command))
    return part in command


class Capture:
    """Takes what the terminals have printed; knows what was typed in each."""

    def __init__(self) -> None:
        self.typed: WeakKeyDictionary[Terminal, str] = WeakKeyDictionary()  # one that is closed is forgotten

    def note(self, terminal: Terminal, command: str) -> None:
        """Note a command that is typed: the shell may show it, even much later."""
        self.typed[terminal] = f'{self.typed.get(terminal, "")}\n{command}'

    def _lines(self, terminal: Terminal, text: str) -> list[str]:
        return terminal.documented(settled(text, self.typed.get(terminal, '')))

    def printed(self, terminal: Terminal) -> list[str]:
        """Return what has been printed and not taken."""
        return self._lines(terminal, as_text(terminal.output))

    def complete(self, terminal: Terminal) -> list[str]:
        """Return the complete lines of that."""
        return self._lines(terminal, as_text(terminal.output[:terminal.output.rfind(b'\n') + 1]))

    def take(self, terminal: Terminal, status: bool = False) -> tuple[list[str], int]:
        """Take what has been printed, with ``status`` up to the prompt; return it and the exit status."""
        text, number = terminal.take(status)
        return self._lines(terminal, text), number

    def take_first(self, terminal: Terminal, count: int) -> list[str]:
        """Take so many complete lines."""
        printed = re.findall(rb'[^\n]*\n', terminal.output)

        def first(number: int) -> list[str]:
            return self._lines(terminal, as_text(b''.join(printed[:number])))

        taken = count
        while taken < len(printed) and len(first(taken + 1)) <= count:
            taken += 1  # the shell has said in several lines what counts as one
        terminal.output = terminal.output[sum(map(len, printed[:taken])):]
        return first(taken)
