"""The machine of the page, headless in node, and the frames of its agent (code/guest/agent.c)."""

from __future__ import annotations

import json
import os
import select
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: What ``make machine`` has made.
FOLDER = 'build/machine'
HERE = Path(__file__).parent
V86 = f'{FOLDER}/node_modules/v86/build'
#: Seconds in which an answer must come, on whatever host.
PATIENCE = 120.0


class Machine:
    """A machine that runs; a context manager that ends it.

    Args:
        options: Of ``Machine.start()`` in ``player/machine.js``, with paths for buffers.

    Raises:
        OSError: There is no node, or the machine does not start; of each method: it has ended, or does not answer.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        everything = {'v86': Path(f'{V86}/libv86.mjs').resolve().as_uri(), 'wasm': f'{V86}/v86.wasm', **options}
        self.picture: dict[str, Any] = {'proc': {}, 'shm': {}, 'queues': {}}
        self.printed: Callable[[int, bytes], None] = lambda terminal, data: None
        self.ended: Callable[[int], None] = lambda terminal: None
        self._come, self._rate = b'', 1.0
        self._answers: list[tuple[str, bytes]] = []
        try:
            self._child = subprocess.Popen(['node', HERE / 'bridge.mjs', json.dumps(everything)],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except FileNotFoundError:
            raise OSError('node is not installed: the Linux in the page runs in it') from None
        try:
            self._answer('!')
        except BaseException:
            self.__exit__()
            raise

    def send(self, kind: str, terminal: int = 0, payload: bytes = b'') -> None:
        """Send a frame."""
        assert self._child.stdin
        try:
            self._child.stdin.write(kind.encode() + struct.pack('<BH', terminal, len(payload)) + payload)
            self._child.stdin.flush()
        except BrokenPipeError:
            raise OSError('the machine has ended') from None

    def receive(self, seconds: float = 0) -> bool:
        """Take what comes within so many seconds; return whether anything has."""
        if self._frame():
            return True
        assert self._child.stdout
        if not select.select([self._child.stdout], [], [], seconds)[0]:
            return False
        data = os.read(self._child.stdout.fileno(), 1 << 16)
        if not data:
            raise OSError('the machine has ended')
        self._come += data
        return True

    def _frame(self) -> bool:
        """Take one frame, if it is there: what is printed after an answer must not be seen before it."""
        if len(self._come) < 4 or len(self._come) < 4 + (size := struct.unpack('<H', self._come[2:4])[0]):
            return False
        kind, terminal, payload = chr(self._come[0]), self._come[1], self._come[4:4 + size]
        self._come = self._come[4 + size:]
        if kind in 'ar':
            self._see(json.loads(payload.decode(errors='replace')))
        if kind == 'o':
            self.printed(terminal, payload)
        elif kind == 'x':
            self.ended(terminal)
        elif kind != 'r':
            self._answers.append((kind, payload))
        return True

    def _see(self, told: dict[str, Any]) -> None:
        """Keep a picture; ``true`` stands for what was said of a process before."""
        before, self.picture = self.picture['proc'], told
        told['proc'] = {pid: before[pid] if process is True else process for pid, process in told['proc'].items()}

    def _answer(self, kind: str) -> bytes:
        until = time.monotonic() + PATIENCE
        while not self._answers:
            if not self.receive(max(0, until - time.monotonic())):
                raise OSError(f'the machine gives no answer within {PATIENCE:g} s')
        come, payload = self._answers.pop(0)
        assert come == kind, (come, kind)
        return payload

    def ask(self, what: str = '') -> dict[str, Any]:
        """Return the picture; what was printed before it was taken has come before it."""
        self.send('Q', 0, what.encode())
        self._answer('a')
        return self.picture

    def open(self, terminal: int, user: int, modes: tuple[int, int, int], folder: str,
             command: list[str], environment: dict[str, str]) -> int:
        """Open a terminal; return the PID of its shell.

        Args:
            terminal: Its number.
            user: User ID.
            modes: Echo, rows, columns.
            folder: Working directory.
            command: The shell, and its arguments.
            environment: All of it.
        """
        strings = [str(user), *map(str, modes), folder, *command, '', *(f'{k}={v}' for k, v in environment.items())]
        self.send('O', terminal, b''.join(text.encode() + b'\0' for text in strings))
        return int(self._answer('p'))

    def do(self, deed: str, argument: Any = True) -> dict[str, Any]:
        """Have the bridge do something: ``restore`` or ``save``; return what it says."""
        self.send('!', 0, json.dumps({deed: argument}).encode())
        return json.loads(self._answer('!'))

    def run_at(self, rate: float) -> None:
        """Set the speed of the guest's clock against ours."""
        if rate != self._rate:
            self._rate = rate
            self.send('!', 0, json.dumps({'rate': rate}).encode())

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._child.stdin and self._child.stdout
        self._child.stdout.close()
        try:
            self._child.stdin.close()
        except BrokenPipeError:
            pass
        self._child.kill()
        self._child.wait()


def state_of(folder: str = FOLDER) -> dict[str, Any]:
    """Return what ``state.json`` says of the state beside it.

    Raises:
        OSError: There is none.
    """
    try:
        return json.loads(Path(folder, 'state.json').read_text())
    except FileNotFoundError:
        raise OSError(f'{folder}/state.json is not there: "make machine" makes the Linux in the page') from None
