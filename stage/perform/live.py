"""A terminal that somebody looks at and types in: as ever observed from outside.

A rehearsed shell shows neither prompt nor command. This one does, as a reader knows it, and what
belongs to the output of a command is told from the rest by marks, which are not shown: bash
expands ``PS1`` and ``PS2`` where it waits for input, and ``PS0`` between reading a command and
executing it. (See "Controlling the Prompt" in bash(1).) Since the mark of the prompt is printed by
readline, the terminal is already in the mode in which it is typed in: nothing is echoed twice.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import termios
import time
from collections.abc import Callable

from ..sandbox.terminal import PROMPT2, TOO_MUCH, Terminal
from .echo import logical

#: Before a command is executed; where input is waited for, with the exit status at the prompt,
#: and the number of the prompt: readline draws one again when the window changes its size.
MARK = re.compile(rb'\x1d|\x1e(\d*);(\d+)\x1f')
UNFINISHED = re.compile(rb'\x1e[\d;]*$')
PROMPT = r'\[' + '\x1e%s;$((++_prompts))\x1f' + r'\]'
#: Keys that do something to a program, and that a terminal shows badly or not at all.
CONTROL = re.compile(rb'[\x03\x04\x1a\x1c]')
#: What is not text: control sequences (ECMA-48), and other controls but the end of a line.
CONTROLS = re.compile(r'\x1b\[[0-?]*[ -/]*[@-~]|\x1b.|[\x00-\x09\x0b-\x1f]')
#: Bytes that are shown again where a view is opened anew.
KEPT = 1 << 14
#: Deletes what has been typed at the prompt: Ctrl-E, Ctrl-U.
CLEAR_LINE = '\x05\x15'


class Live(Terminal):
    """A terminal on stage; arguments as for :class:`stage.sandbox.terminal.Terminal`."""

    # In the locale C, readline would take a letter beyond ASCII for a key with Meta.
    SHELL = ()
    SETTINGS = {'TERM': 'screen', 'PS0': '\x1d', 'PS1': PROMPT % '$?' + r'\$ ',
                'PS2': PROMPT % '' + '> ', 'IGNOREEOF': '100',
                'PROMPT_COMMAND': 'export -n PS0 PS1 PS2; '  # a shell within this one is a program like others
                                  'bind "set convert-meta off"; bind "set output-meta on"; '
                                  'bind "set enable-bracketed-paste off"; unset PROMPT_COMMAND'}
    ECHO = True

    #: Called with what is to be shown.
    show: Callable[[bytes], None] | None = None
    #: At the prompt: what is typed now is a command.
    prompted = False
    #: How many commands the shell has begun to execute.
    entered = 0
    #: The first one since a command was begun, its last line if it has several; '' if that could not be read.
    read: str | None = None
    #: How often it has asked for a line.
    prompts = 0
    #: Somebody has typed at this prompt.
    touched = False
    #: The exit status of the last command, if there has been one.
    status: int | None = None
    #: The last control key that was pressed, and when.
    pressed = '', -1e9
    #: Rows and columns.
    size = 24, 80

    _rest = _number = b''  # the beginning of a mark; the number of the last prompt
    _executing = False
    _past = b''  # what has been shown: lines of commands as one line each, however they were wrapped
    _line: bytes | None = None  # what readline has drawn since it began with the prompt, if it is at work
    _outdated = False  # that was for another size, and readline draws it again
    _echo, _echo_from = b'', 0

    def pump(self, seconds: float = 0) -> None:
        """Read; what is printed without end by somebody's own command must not keep us."""
        if self.busy:
            super().pump(seconds)
        else:
            self.wait_once(seconds)

    def arrived(self, data: bytes) -> None:
        """Show what the terminal has printed, and keep what belongs to a command."""
        data = self._rest + data
        rest = UNFINISHED.search(data)
        data, self._rest = (data[:rest.start()], rest[0]) if rest else (data, b'')
        shown, start = b'', 0
        for mark in MARK.finditer(data):
            shown += self._text(data[start:mark.start()])
            start = mark.end()
            if mark[0] == b'\x1d':
                line = self._end_line()
                self.read = line if self.read is None else self.read
                self.prompted, self._executing = False, True
                self.entered += 1
            else:
                self._prompt(mark[1], mark[2])
        shown += self._text(data[start:])
        self.output = self.output[-(TOO_MUCH + 1 if self.busy else KEPT):]
        if self.show and shown:
            self.show(shown)

    def _prompt(self, status: bytes, number: bytes) -> None:
        """A prompt comes: a new one, or the same one drawn again."""
        if number != self._number:
            self._end_line()
            self._number = number
            self.prompts += 1
            self.output += b'\x01' + status + b'\x02' if status else PROMPT2
            if self._executing:
                self.status = int(status)
            self.prompted, self._executing, self.touched = bool(status), False, False
        elif not self._outdated and self._line:
            self._past += self._line  # what a completion has listed, for example
        self._line, self._outdated = b'', False

    def _end_line(self) -> str:
        """What has been typed at the prompt is complete: return it, or nothing if it cannot be read."""
        lines = [''] if self._line is None else logical(self._line, self.size[1])
        if self._line is not None:
            self._past += ''.join(f'{line}\r\n' for line in lines).encode()
        outdated, self._line, self._outdated = self._outdated, None, False
        return '' if outdated else lines[-1][len('$ '):]

    def _text(self, data: bytes) -> bytes:
        """Keep what has been printed; return what is to be shown of it.

        What a program has printed until a key was echoed comes from talking longer than rehearsed.
        """
        if self._line is not None:
            self._line += data
            return b'' if self._outdated else data
        self._past += data
        if len(self._past) > 2 * KEPT:
            self._past = self._past[-KEPT:].partition(b'\n')[2]
        if self._executing:
            self.output += data
            at = self.output.find(self._echo, self._echo_from)
            if self._echo and at >= 0:
                self.output, self._echo = self.output[at + len(self._echo):], b''
        return data

    def resize(self, rows: int, columns: int) -> bool:
        """Give the terminal another size; return whether it has changed.

        Not while strace(1) is at work, which would show the signal SIGWINCH as the page does not; the terminal
        gets its size when it is at its prompt again.
        """
        if self.size == (rows, columns) or self.gone or self.job.traced():
            return False
        self.size, self._outdated = (rows, columns), self._line is not None
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
        return True

    def type(self, text: str) -> None:
        """Press a key, given as its control character, in a running program."""
        self._echo = b'^' + bytes([ord(text) ^ 0x40]) if text != '\x04' else b''
        self.begin_lines(0)
        self._echo_from = len(self.output)
        self.write(text.encode())

    def write(self, data: bytes) -> None:
        """Pass on what somebody types."""
        if control := CONTROL.search(data):
            self.pressed = f'^{chr(control[0][0] ^ 0x40)}', time.monotonic()
        while data:
            data = data[os.write(self.fd, data):]

    def begin(self, text: str) -> None:
        """Begin to type a command: from here on, all output is its own."""
        self.output, self.busy, self.touched, self.read = b'', True, False, None
        self.typed = text.count('\n') + 1

    def asks_for_line(self, number: int) -> bool:
        """Whether the shell waits for this line of a command, counted from 0."""
        return self.output.count(PROMPT2) >= number

    def enter(self) -> None:
        """Press Enter."""
        self.prompted = False
        self.write(b'\r')

    def picture(self) -> bytes:
        """Return what shows on a screen all that can be seen of this terminal, at its size."""
        line = b'' if self._outdated else self._line or b''
        return b'\x1b[m\x1b[H\x1b[2J\x1b[3J' + self._past + line

    def shows(self, command: str) -> bool:
        """Whether a command can still be read on its screen."""
        rows, columns = self.size
        text = CONTROLS.sub('', (self._past + (self._line or b'')).decode(errors='replace'))
        cut = [line[start:start + columns] for line in text.split('\n') for start in range(0, len(line) or 1, columns)]
        return command.split('\n')[0] in ''.join(cut[-rows:])
