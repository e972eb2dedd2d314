"""Scenes in HTML: who speaks in which terminal, who waits, who wakes whom.

Each cue becomes one element with an anchor of its own.  A scene with several
terminals has a column for each, time flowing down, a bar where a terminal is
blocked or running, and an arrow to who is woken; the style sheet draws them where
there is room, and leaves the transcript as it stands elsewhere: what the drawing says
beyond it is in attributes (``data-says``), and so in no text browser.  No script is involved.  Other
builders, and a site without this extension, show the block as it is written.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from stage.page.anchors import anchors, targets
from stage.page.model import ScriptError
from stage.page.reader import read

from .columns import Drawing
from .labels import landing

logger = logging.getLogger(__name__)


def _scenes(document: nodes.document) -> list[nodes.literal_block]:
    return [block for block in document.findall(nodes.literal_block) if 'scene' in block['classes']]


class Name(SphinxTransform):
    """Gives each scene its anchor, and the name by which pages refer to it."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Do it; a page that cannot be read stays as it is, and drawing it reports why."""
        blocks = _scenes(self.document)
        if not blocks:
            return
        try:
            page = read(str(self.env.doc2path(self.env.docname)))
        except ScriptError:
            return
        names, labels = anchors(page), targets(page, self.env.docname)
        for block, scene in zip(blocks, page.scenes, strict=False):
            block['ids'].append(names[scene.number])
            self.env.domains['std'].note_hyperlink_target(
                labels[scene.number], self.env.docname, names[scene.number])


class Draw(SphinxPostTransform):
    """Replaces the blocks of the class ``scene`` by their drawing."""

    default_priority = 400
    formats = ('html',)

    def run(self, **kwargs: Any) -> None:
        """Do it; what cannot be drawn stays as it is, with a warning."""
        blocks = _scenes(self.document)
        if not blocks or self.app.builder.name == 'epub':
            return
        path = str(self.env.doc2path(self.env.docname))
        try:
            page = read(path)
        except ScriptError as error:
            logger.warning('%s', error)
            return
        if len(page.scenes) != len(blocks):
            logger.warning('%s: %d blocks of the class "scene", but %d scenes can be played: see '
                           'docs/contributing.rst', path, len(blocks), len(page.scenes))
            return
        drawing = Drawing(page)
        for block, scene in zip(blocks, page.scenes, strict=True):
            labels = block['ids'][:-1]  # the last one is the anchor, which the drawing has
            block.parent.replace(block, [*landing(labels), nodes.raw('', drawing.html(scene), format='html')])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transforms."""
    app.add_transform(Name)
    app.add_post_transform(Draw)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
