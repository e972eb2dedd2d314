"""A scene of another page, drawn where a page refers to it; the other page has the only copy.

In the source it is a paragraph of the class ``scene`` (``.. class:: scene`` above it) with a link to a scene,
``:ref:`words <screenplay-scene-shm-produce-4>```.  Elsewhere, and without this extension, it is the link.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform

from stage.page.model import ScriptError
from stage.page.reader import read

from .anchors import targets
from .columns import Drawing


class Note(SphinxTransform):
    """Notes which scene is meant, and that this page is made anew when the other one has changed."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Do it; whether there is such a scene is seen when the reference is resolved."""
        for paragraph in self.document.findall(nodes.paragraph):
            link = paragraph.next_node(pending_xref)
            if 'scene' in paragraph['classes'] and link and '-scene-' in link['reftarget']:
                paragraph['scene'] = link['reftarget']
                docname = link['reftarget'].split('-scene-')[0]
                self.env.note_dependency(self.env.doc2path(docname))


class Quote(SphinxPostTransform):
    """Puts the drawing under the link."""

    default_priority = 400
    formats = ('html',)

    def run(self, **kwargs: Any) -> None:
        """Do it, in a page that can be read; drawing that page reports why it cannot."""
        if self.app.builder.name == 'epub':
            return
        for paragraph in list(self.document.findall(nodes.paragraph)):
            if target := paragraph.get('scene'):
                docname = target.split('-scene-')[0]
                try:
                    page = read(str(self.env.doc2path(docname)))
                except (ScriptError, OSError):
                    continue
                drawing, names = Drawing(page), targets(page, docname)
                # All of them, for who is busy before counts; with their outcome: the bet is in the other page.
                drawn = {names[scene.number]: drawing.html(replace(scene, predict=False)) for scene in page.scenes}
                if target in drawn:
                    paragraph['classes'].remove('scene')  # that is the drawing's
                    paragraph.parent.insert(paragraph.parent.index(paragraph) + 1,
                                            nodes.raw('', drawn[target], format='html'))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transforms."""
    app.add_transform(Note)
    app.add_post_transform(Quote)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
