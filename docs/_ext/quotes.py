"""A scene of the screenplay, drawn where another page refers to it; the screenplay has the only copy.

In the source it is a paragraph with a link to the section, and with the scene's anchor as its class
(``.. class:: scene-shm-produce-4`` above it).  Elsewhere, and without this extension, it is the link.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from stage.page.anchors import anchors
from stage.page.model import ScriptError
from stage.page.reader import read

from .columns import Drawing
from .derived import SCREENPLAY

logger = logging.getLogger(__name__)


class Note(SphinxTransform):
    """Notes which scene is meant, and that this page is made anew when the other one has changed."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Do it."""
        for paragraph in self.document.findall(nodes.paragraph):
            if anchor := next((name for name in paragraph['classes'] if name.startswith('scene-')), ''):
                paragraph['scene'] = anchor
                paragraph['classes'].remove(anchor)
                self.env.note_dependency(str(Path(self.env.srcdir, SCREENPLAY)))


class Quote(SphinxPostTransform):
    """Puts the drawing under the link."""

    default_priority = 400
    formats = ('html',)

    def run(self, **kwargs: Any) -> None:
        """Do it, in a page that can be read; drawing that page reports why it cannot."""
        if self.app.builder.name == 'epub':
            return
        for paragraph in list(self.document.findall(nodes.paragraph)):
            if anchor := paragraph.get('scene'):
                try:
                    page = read(str(Path(self.env.srcdir, SCREENPLAY)))
                except (ScriptError, OSError):
                    continue
                drawing, names = Drawing(page), anchors(page)
                # All of them, for who is busy before counts; with their outcome: the bet is in the other page.
                drawn = {names[scene.number]: drawing.html(replace(scene, predict=False)) for scene in page.scenes}
                if anchor in drawn:
                    paragraph.parent.insert(paragraph.parent.index(paragraph) + 1,
                                            nodes.raw('', drawn[anchor], format='html'))
                else:
                    logger.warning('the screenplay has no scene %s: see the addresses of its scenes', anchor,
                                   location=paragraph)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transforms."""
    app.add_transform(Note)
    app.add_post_transform(Quote)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
