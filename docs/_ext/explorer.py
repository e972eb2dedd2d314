"""The explorer: after a scene that prints a tree, a box in which the reader chooses who goes next.

The states come from docs/trees, where ``make promote`` has recorded them from real processes, and are
a block of data in the page.  The box is hidden until the script of the theme has found it: without a
script, on paper and in books, the scenes say it all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from string import ascii_uppercase
from textwrap import dedent
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from stage.page.model import ScriptError
from stage.page.reader import read
from stage.page.trees import FOLDER, trees

MARK = re.compile(r'\s*// TURN$')
DEEDS = {'undo': 'Undo', 'again': 'Begin again', 'wrong': 'A wrong end from here'}

logger = logging.getLogger(__name__)


def listing(source: Path, number: int) -> str:
    """Return the lines of a program from the one above its first mark to the one below its last."""
    lines = source.read_text(encoding='utf-8').splitlines()
    marked = [index for index, line in enumerate(lines) if MARK.search(line)]
    shown = range(marked[0] - bool(lines[marked[0] - 1].strip()), marked[-1] + 2)
    texts = dedent('\n'.join(MARK.sub('', lines[index]) for index in shown)).split('\n')
    rows = ''
    for index, text in zip(shown, texts, strict=True):
        state = 'marked' if index in marked else 'between'
        rows += (f'<span class="row {state}" data-row="{number}:{index + 1}"><span class="who"></span>'
                 f'<span class="number">{index + 1}</span> {escape(text)}\n</span>')
    return f'<p class="name">{escape(source.name)}</p><pre class="lines" tabindex="0">{rows}</pre>'


def box(label: str, tree: str, code: Path) -> str:
    """Return the element in which the states of a tree are explored.

    Nothing, if it is no tree, but half of one, say, or one of its programs is not there.
    """
    try:
        recorded = json.loads(tree)
    except ValueError:
        return ''
    names = [one['program'] for one in recorded['processes']]
    programs = list(dict.fromkeys(names))
    sources = [next(code.glob(f'*/{name}.c'), None) for name in programs]
    if None in sources:
        return ''
    data = {'objects': recorded['objects'], 'states': recorded['states'],
            'processes': [programs.index(name) for name in names],
            'lines': [recorded['processes'][names.index(name)]['lines'] for name in programs]}
    buttons = ''.join(f'<button type="button" class="colour-{number}" data-deed="{letter}">{letter} goes</button>'
                      for number, letter in enumerate(ascii_uppercase[:len(names)], 1))
    buttons += ''.join(f'<button type="button" data-deed="{deed}">{name}</button>' for deed, name in DEEDS.items())
    listings = ''.join(listing(source, number) for number, source in enumerate(sources))
    text = json.dumps(data, separators=(',', ':')).replace('<', r'\u003c')
    return (f'<div class="explorer" id="explorer-{label}" role="group" aria-label="Choose the order: '
            f'{escape(" and ".join(programs))}" data-label="{label}" hidden>'
            f'<p class="deeds">{buttons}</p><p class="said" role="status"></p><ul class="values"></ul>{listings}'
            f'<script type="application/json">{text}</script></div>')


def _trees(app: Sphinx, docname: str) -> Iterator[tuple[int, str, Path]]:
    """Yield number of a scene, label and file of each tree of a page."""
    try:
        for scene, label in trees(read(str(app.env.doc2path(docname)))):
            yield scene.number, label, Path(app.env.doc2path(docname)).parent / FOLDER / f'{label}.json'
    except ScriptError:
        pass  # drawing the page reports it


def note(app: Sphinx, document: nodes.document) -> None:
    """A page is made anew when one of its trees is another one."""
    for _, _, file in _trees(app, app.env.docname):
        app.env.note_dependency(str(file))


class Explorers(SphinxPostTransform):
    """Puts the boxes behind the scenes, before these are drawn."""

    default_priority = 390
    formats = ('html',)

    def run(self, **kwargs: Any) -> None:
        """Do it; a tree that is not there, or is an old one, is a warning that says how to make it."""
        if self.app.builder.name == 'epub':
            return
        scenes = [block for block in self.document.findall(nodes.literal_block) if 'scene' in block['classes']]
        for number, label, file in _trees(self.app, self.env.docname):
            scene = scenes[number - 1]
            html = file.exists() and box(label, file.read_text(encoding='utf-8'), Path(self.app.confdir) / 'code')
            if not html:
                logger.warning('%s is not there, or is none, or a program that it names is not there: "make promote" '
                               'plays the scene and writes it', file, location=scene)
                continue
            scene.parent.insert(scene.parent.index(scene) + 1, nodes.raw('', html, format='html'))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both."""
    app.connect('doctree-read', note)
    app.add_post_transform(Explorers)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
