"""A file that is saved while Sphinx reads a page is newer than the page.

Sphinx notes the time at which it has read a page, and reads it again when a file that belongs to
it is newer than that.  What was saved in between would never be seen.  Here the time is that at
which the reading began.  Without this extension a save may be missed.
"""

from __future__ import annotations

import time
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


class Times:
    """When the pages of one build began to be read."""

    def begin(self, app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
        """Take the time, in microseconds as Sphinx does."""
        self.begun, self.docnames = time.time_ns() // 1000, docnames

    def end(self, app: Sphinx, env: BuildEnvironment) -> list[str]:
        """Note it, instead of Sphinx' own."""
        for docname in set(self.docnames) & env.all_docs.keys():
            env.all_docs[docname] = self.begun
        return []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both."""
    times = Times()
    app.connect('env-before-read-docs', times.begin)
    app.connect('env-updated', times.end)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
