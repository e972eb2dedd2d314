"""Doxygen beside Sphinx: the comments of the programs as XML, as new as the programs.

Doxygen works while Sphinx starts, and is waited for before the first page is read.  It writes
all of its files anew; only what has changed gets a new time, since breathe has a page read again
when a file that it shows is newer.  Without this extension the XML stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

from .mirror import mirror

logger = logging.getLogger(__name__)


def folder(config: Config) -> Path:
    """Return the folder of the XML, from the top of the project."""
    return Path(config.breathe_projects[config.breathe_default_project])


class Doxygen:
    """One run of doxygen, in a folder of its own: where Sphinx fails early, it may still write when the next begins."""

    def __init__(self, app: Sphinx) -> None:
        """Start it.  Raises ExtensionError where there is none."""
        self.new = TemporaryDirectory(ignore_cleanup_errors=True)
        try:
            self.process = subprocess.Popen(
                ['doxygen', '-'], cwd=app.confdir, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True, errors='replace')
        except FileNotFoundError:
            raise ExtensionError('doxygen is missing: make doctor says how to install it') from None
        with contextlib.suppress(BrokenPipeError):  # its status says why
            new = os.path.relpath(self.new.name, app.confdir)  # the folder of the course may have any name
            self.process.stdin.write(f'@INCLUDE = docs/Doxyfile\nOUTPUT_DIRECTORY = "{new}"\n')
            self.process.stdin.close()
        self.process.stdin = None

    def end(self, app: Sphinx, env: BuildEnvironment, *changes: set[str]) -> list[str]:
        """Wait for it.  What it complains about is a warning of Sphinx', too."""
        for line in self.process.communicate()[1].splitlines():
            if '/.#' in line:
                continue  # a file that somebody edits in Emacs has a link beside it that leads nowhere
            logger.warning('doxygen: %s', line.removeprefix(f'{app.confdir}/'))
        if self.process.returncode:
            raise ExtensionError(f'doxygen failed with status {self.process.returncode}')
        Path(self.new.name, 'xml/Doxyfile.xml').unlink(missing_ok=True)  # names this folder: other each time
        mirror(Path(self.new.name, 'xml'), app.confdir / folder(app.config))
        self.new.cleanup()
        return []


def setup(app: Sphinx) -> dict[str, Any]:
    """Start the run, and have it waited for before anybody asks what is outdated."""
    app.setup_extension('breathe')  # whose settings say where the XML goes
    app.connect('env-get-outdated', Doxygen(app).end, priority=100)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
