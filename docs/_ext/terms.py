"""A term explains itself where it is used: what the glossary says first is the title of its link.

Browsers show that to the mouse; the script shows it to the keyboard and to a finger, too.  Without this
extension the link leads to the glossary, and that is all.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from .indexes import PAGE

ANCHOR = '#term-'


def depend(app: Sphinx, document: nodes.document) -> None:
    """Have a page that uses terms made anew when the glossary has changed."""
    if any(link['reftype'] == 'term' for link in document.findall(addnodes.pending_xref)):
        app.env.note_dependency(str(app.env.doc2path(PAGE)))


def definitions(document: nodes.document) -> dict[str, str]:
    """Return the anchor of each term of a glossary -> the first paragraph of what is said of it."""
    return {f'#{name}': item[-1][0].astext().replace('\n', ' ')
            for glossary in document.findall(addnodes.glossary)
            for item in glossary.findall(nodes.definition_list_item)
            for term in item.findall(nodes.term) for name in term['ids']}


class Explain(SphinxPostTransform):
    """Gives the links their titles."""

    default_priority = 20  # when references have their targets
    formats = ('html',)

    def run(self, **kwargs: Any) -> None:
        """Do it, but not in the glossary's own page."""
        links = [link for link in self.document.findall(nodes.reference) if ANCHOR in link.get('refuri', '')]
        if not links or self.env.docname == PAGE or self.app.builder.name == 'epub':
            return
        explained = definitions(self.env.get_doctree(PAGE))
        for link in links:
            link['reftitle'] = explained.get(link['refuri'][link['refuri'].index(ANCHOR):], '')
            link['classes'].append('term')


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both."""
    app.connect('doctree-read', depend)
    app.add_post_transform(Explain)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
