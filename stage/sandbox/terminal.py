"""A terminal: bash on a pseudo-terminal; its prompt is observed from outside, nothing here waits by time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
from collections.abc import Mapping, Sequence

from .processes import Job, Sleep, kill

#: Bytes of output that no cue has.
TOO_MUCH = 1 << 20
#: What bash prints instead of a prompt: the exit status between two control characters.
PROMPT = re.compile(rb'\x01(\d+)\x02')
#: What bash prints when a command is not complete.
PROMPT2 = b'\x03'


class Observation(Exception):
    """The real run is not what the page claims; the text is the reason in one line."""


class Terminal:
    """A shell on a terminal of its own.

    Args:
        name: As in the page.
        command: The shell and what starts it, without arguments that this class adds.
        folder: Working directory.
        environment: All of the shell's environment.
        calls: From :func:`stage.sandbox.processes.system_calls`.
        user: (uid, gid) to become, or None.
    """

    #: Further arguments and environment of the shell, and whether what is typed is shown.
    SHELL: tuple[str, ...] = ('--noediting',)
    SETTINGS = {'TERM': 'dumb', 'PS1': '', 'PS2': '\x03',
                'PROMPT_COMMAND': r'printf "\001%s\002" $?'}
    ECHO = False

    def __init__(self, name: str, command: Sequence[str], folder: str,
                 environment: Mapping[str, str], calls: Mapping[int, str],
                 user: tuple[int, int] | None = None) -> None:
        self.name = name
        self.output = b''
        self.starting = True  # until the first prompt has been taken
        self.busy = False
        self.gone = False  # nobody is left who could print
        self.asleep: Sleep | None = None  # what a [blocked] note has found
        self.typed = 0  # lines of the command: bash asks for the rest less often than that
        shell, settings = self.invocation(command, environment)
        self.pid, self.fd = self._start(shell, folder, settings, user)
        self.job = self._job(calls)

    @classmethod
    def invocation(cls, command: Sequence[str], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """Return the shell with its arguments, and all of its environment."""
        return ([*command, '--norc', '--noprofile', *cls.SHELL, '-i'],
                {**environment, 'HISTFILE': '', **cls.SETTINGS})

    def _start(self, shell: Sequence[str], folder: str, settings: Mapping[str, str],
               user: tuple[int, int] | None) -> tuple[int, int]:
        """Start the shell; return its PID and the master side of its terminal."""
        pid, fd = pty.fork()
        if pid == 0:
            try:
                _set_modes(0, self.ECHO)
                os.chdir(folder)
                for number in signal.valid_signals():
                    if signal.getsignal(number) is signal.SIG_IGN:  # by Python: SIGPIPE
                        signal.signal(number, signal.SIG_DFL)
                if user:
                    os.setgroups([])
                    os.setgid(user[1])
                    os.setuid(user[0])
                os.execvpe(shell[0], shell, settings)
            finally:
                os._exit(127)
        os.set_inheritable(fd, False)  # the shells of other terminals do not get it
        return pid, fd

    def _job(self, calls: Mapping[int, str]) -> Job:
        return Job(self.pid, self.fd, calls)

    def pump(self, seconds: float = 0) -> None:
        """Read what has been printed, waiting for it up to ``seconds``.

        Polling the master side makes the kernel deliver first what is still on its way
        (``n_tty_poll()`` in drivers/tty/n_tty.c), so that nothing printed is missed.
        """
        while self.wait_once(seconds):
            seconds = 0

    def wait_once(self, seconds: float = 0) -> bool:
        """Read once; return False if nothing comes within ``seconds``."""
        return bool(select.select([self.fd], [], [], seconds)[0]) and self.read_file()

    def read_file(self) -> bool:
        """Read what is there; return False when the shell is gone."""
        try:
            self.arrived(os.read(self.fd, 65536))
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self.gone = True
            return False
        if len(self.output) > TOO_MUCH:
            raise Observation('the output has no end')
        return True

    def arrived(self, data: bytes) -> None:
        """Keep what the terminal has printed."""
        self.output += data

    def type(self, text: str) -> None:
        """Type a command, or a key given as its control character."""
        self.begin_lines(text.count('\n'))
        data = text.encode()
        while data:
            data = data[os.write(self.fd, data):]

    def begin_lines(self, count: int) -> None:
        """Note how many lines are typed; what the command before has asked for, it has got."""
        if self.typed > 1:
            self.pump()  # the command may run already, and what has asked for its lines not be read yet
        self.busy, self.typed, self.output = True, count, self.output.replace(PROMPT2, b'')

    def at_prompt(self) -> bool:
        """Whether the shell asks for the next command.

        Raises:
            Observation: The shell has ended or asks for the rest of a command.
        """
        if PROMPT.search(self.output):
            return True
        if self.output.count(PROMPT2) >= max(self.typed, 1):
            raise Observation('the command is not complete, the shell asks for its rest')
        if self.ended():
            raise Observation('the shell itself has ended')
        return False

    def ended(self) -> bool:
        """Whether the shell is no longer there."""
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def take(self, status: bool = False) -> tuple[str, int]:
        """Take the output up to the prompt (``status``) or all of it; return it and the status."""
        prompt = PROMPT.search(self.output) if status else None
        if prompt:
            text, self.output = self.output[:prompt.start()], self.output[prompt.end():]
            self.busy, self.asleep = False, None
        else:
            text, self.output = self.output, b''
        return as_text(text), int(prompt[1]) if prompt else 0

    def lines(self) -> list[str]:
        """Return what has been printed and not taken, complete lines only."""
        return as_lines(as_text(self.output[:self.output.rfind(b'\n') + 1]))

    def documented(self, lines: list[str]) -> list[str]:
        """Return lines as the machine that the pages know would have printed them."""
        return lines

    def woken(self) -> bool:
        """Whether the process that was found blocked has been awake since."""
        return self.asleep is not None and self.job.sleep(self.asleep.pid) != self.asleep

    def close(self) -> None:
        """End the shell and everything that runs in this terminal; where that was interrupted, call it again."""
        for pid in self.job.others():
            kill(pid)
        kill(self.pid)
        with contextlib.suppress(OSError):  # it is closed already
            os.close(self.fd)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _set_modes(fd: int, echo: bool) -> None:
    """Set up a terminal: 24 lines of 80 columns; without echo, lines end in LF alone.

    To be done before the shell starts: it notes the modes that it finds, and goes back to
    them when a signal has ended a job.
    """
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
    if not echo:
        modes = termios.tcgetattr(fd)
        modes[1] &= ~termios.ONLCR
        # What is under way is thrown away only after the signal of Ctrl-C has been sent, and with it perhaps what
        # the shell prints because of it: isig() in drivers/tty/n_tty.c.
        modes[3] = modes[3] & ~termios.ECHO | termios.NOFLSH
        termios.tcsetattr(fd, termios.TCSANOW, modes)


def as_text(output: bytes) -> str:
    """Decode what has been printed, without the marks of the prompts."""
    return PROMPT.sub(b'', output).replace(PROMPT2, b'').decode(errors='replace')


def as_lines(text: str) -> list[str]:
    """Cut output into lines as a terminal shows them: tabs are blanks."""
    lines = text.removesuffix('\n').split('\n') if text else []
    return [line.removesuffix('\r').expandtabs() for line in lines]
