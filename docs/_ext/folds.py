"""What unfolds: in HTML, asides and answers are ``<details>``.

In the source they are an ``admonition`` of the class ``fold``, and a definition list of the class
``questions``, whose terms are the questions.  Elsewhere, and without this extension, they are just that.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator

from .labels import landing


class details(nodes.General, nodes.Element):  # noqa: N801  (as docutils names its nodes)
    """What unfolds: a summary, then the rest."""


class summary(nodes.General, nodes.TextElement):  # noqa: N801
    """What is seen of it before."""


def _visit_details(self: HTML5Translator, node: details) -> None:
    self.body.append(self.starttag(node, 'details'))


def _depart_details(self: HTML5Translator, node: details) -> None:
    self.body.append('</details>\n')


def _visit_summary(self: HTML5Translator, node: summary) -> None:
    self.body.append(self.starttag(node, 'summary', ''))


def _depart_summary(self: HTML5Translator, node: summary) -> None:
    self.body.append('</summary>\n')


def folded(title: nodes.Element, body: list[nodes.Node], classes: list[str]) -> details:
    """Return an element that shows ``title`` and unfolds to ``body``; its address is made of the title."""
    heading = summary('', '', *title.children)
    return details('', heading, *body, classes=classes, ids=[nodes.make_id(title.astext())])


class Fold(SphinxPostTransform):
    """Replaces admonitions and definition lists by what unfolds."""

    default_priority = 500  # when references have their targets
    formats = ('html',)

    def run(self, **kwargs: Any) -> None:
        """Do it; a book has all of it open."""
        if self.app.builder.name == 'epub':
            return
        for box in list(self.document.findall(nodes.admonition)):
            if 'fold' in box['classes']:
                box.replace_self(folded(box[0], box[1:], ['fold']))
        for questions in list(self.document.findall(nodes.definition_list)):
            if 'questions' in questions['classes']:
                place = questions.parent.index(questions)
                questions.parent[place:place + 1] = landing(questions['ids']) + [
                    folded(item[0], item[-1].children, ['fold', 'question']) for item in questions.children]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the nodes and the transform."""
    app.add_node(details, html=(_visit_details, _depart_details))
    app.add_node(summary, html=(_visit_summary, _depart_summary))
    app.add_post_transform(Fold)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
