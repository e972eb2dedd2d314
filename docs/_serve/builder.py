"""The process that builds, as whoever serves sees it: orders go in, what is wrong comes out."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
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
        if not self._alive():
            self.end()
            self._begin()
        return self._order(b'b')

    def add_downloads(self) -> str:
        """Have the downloads added to the site that was built last; return what is wrong, or nothing."""
        wrong = '' if self._alive() else self.build()
        return wrong or self._order(b'd')

    def _alive(self) -> bool:
        """Tell whether it can take an order: without one, it says nothing, but its output may have ended."""
        return self._process is not None and not select.select([self._process.stdout], [], [], 0)[0]

    def _order(self, letter: bytes) -> str:
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(letter)
            self._process.stdin.flush()
        if line := self._process.stdout.readline():
            return json.loads(line)
        status = self.end()
        self._said.seek(0)
        return self._said.read().decode(errors='replace') or (
            f'the process that builds has ended with status {status}; another one begins when you save again\n')

    def _begin(self) -> None:
        for file in [*Path('stage').rglob('*.py'), *Path('docs').rglob('*.py')]:
            # Python asks for its size and the second of its last change: another text may have both.
            Path(importlib.util.cache_from_source(str(file.resolve()))).unlink(missing_ok=True)
        self._said = tempfile.TemporaryFile()  # a pipe would fill up: nobody reads before the end
        self._process = subprocess.Popen([sys.executable, '-m', 'docs._serve.forkserver'], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=self._said, process_group=0)

    def end(self) -> int:
        """End it, and all that it has started; return its status."""
        if not self._process:
            return 0
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # not waited for before: the number is still its own
        self._process.communicate()
        status, self._process = self._process.returncode, None
        return status
