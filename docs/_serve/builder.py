"""The process that builds, as whoever serves sees it: orders go in, what is wrong comes out."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path


class Builder:
    """Builds in another process (:mod:`docs._serve.forkserver`), with a group of its own for all that it starts.

    That process begins with the first order, and anew after it has been ended or killed.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def build(self) -> str:
        """Have the programs and the site built; return what is wrong, or nothing."""
        answer = self._ask(b'b')
        if answer is None:  # it has not begun, or has been killed: while it built, or before
            self._begin()
            answer = self._ask(b'b')
        return self._last_words() if answer is None else answer

    def add_downloads(self) -> str:
        """Have the downloads added to the site that was built last; return what is wrong, or nothing."""
        answer = self._ask(b'd')
        return (self.build() or self._ask(b'd') or '') if answer is None else answer

    def _ask(self, order: bytes) -> str | None:
        """Return the answer; None if there is none, and the process with all that it has started has ended."""
        if not self._process:
            return None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(order)
            self._process.stdin.flush()
        if line := self._process.stdout.readline():
            return json.loads(line)
        self.end()
        return None

    def _last_words(self) -> str:
        self._said.seek(0)
        if words := self._said.read().decode(errors='replace'):
            return words
        how = f'was killed by signal {-self._status}' if self._status < 0 else f'has ended with status {self._status}'
        return f'the process that builds {how}; another one begins when you save again\n'

    def _begin(self) -> None:
        for file in [*Path('stage').rglob('*.py'), *Path('docs').rglob('*.py')]:
            # Python asks for its size and the second of its last change: another text may have both.
            Path(importlib.util.cache_from_source(str(file.resolve()))).unlink(missing_ok=True)
        self._said = tempfile.TemporaryFile()  # a pipe would fill up: nobody reads before the end
        self._process = subprocess.Popen([sys.executable, '-m', 'docs._serve.forkserver'], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=self._said, process_group=0)

    def end(self) -> None:
        """End it, and all that it has started."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # not waited for before: the number is still its own
            self._process.communicate()
            self._status, self._process = self._process.returncode, None
