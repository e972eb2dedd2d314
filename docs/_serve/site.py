"""The site twice: the good one, which is served, and the next one, in which Sphinx works.

A build may fail half-way.  Only what has succeeded as a whole is served and built upon.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from .._ext.mirror import mirror

GOOD = Path('build/serve')
NEXT = Path('build/serve/next')
HTML, DOCTREES = 'html', 'doctrees'


def accept() -> str:
    """Make the next one the good one; return what is wrong, or nothing."""
    try:
        for part in (DOCTREES, HTML):
            mirror(NEXT / part, GOOD / part)
    except OSError as error:
        forget()
        return f'cannot copy what was built: {error}\n'
    return ''


def restore() -> None:
    """Have the next build begin where the last good one ended."""
    try:
        for part in (DOCTREES, HTML):
            mirror(GOOD / part, NEXT / part)
    except OSError:  # there is none, or the disk is full
        forget()


def forget() -> None:
    """Have the next build begin with nothing; the good pages stay where they are served."""
    for folder in (GOOD / DOCTREES, NEXT):
        shutil.rmtree(folder, ignore_errors=True)
