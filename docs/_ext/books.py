"""The pages as a book: EPUB and PDF have the same text, without what only a site can have.

The drawings stay images there; LaTeX, which cannot read SVG, gets them through rsvg-convert.
"""

from __future__ import annotations

import posixpath
import shutil
import subprocess
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms.images import ImageConverter


class Drawings(ImageConverter):
    """SVG becomes PDF; without the tool Sphinx warns that it has no image."""

    conversion_rules = [('image/svg+xml', 'application/pdf')]

    def is_available(self) -> bool:
        """Tell whether there is a converter."""
        return shutil.which('rsvg-convert') is not None

    def convert(self, _from: Any, _to: Any) -> bool:
        """Convert one file; the text of a drawing gets the size of the text of the page."""
        subprocess.run(['rsvg-convert', '--zoom=0.6', '--format=pdf', '--output', _to, _from], check=True)
        return True


def leave_pages(app: Sphinx) -> None:
    """A book has no page for what is not found."""
    if app.builder.name == 'epub':
        app.config.html_additional_pages = {}


def leave_site(app: Sphinx, document: nodes.document, docname: str) -> None:
    """A book has no files beside it, and contents of its own instead of a box with them."""
    if app.builder.name not in ('epub', 'latex'):
        return
    for link in list(document.findall(nodes.reference)):
        if not link.get('refuri', '').endswith('.tar.gz'):
            continue
        if app.config.html_baseurl:
            link['refuri'] = posixpath.join(app.config.html_baseurl, link['refuri'].removeprefix('../'))
        else:
            link.replace_self(nodes.literal('', link.astext()))
    for box in list(document.findall(nodes.sidebar)):
        box.parent.remove(box)
    for title in document.findall(nodes.title):
        title.attributes.pop('refid', None)  # it led back to the box


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what the other builders need."""
    app.add_post_transform(Drawings)
    app.connect('builder-inited', leave_pages)
    app.connect('doctree-resolved', leave_site)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
