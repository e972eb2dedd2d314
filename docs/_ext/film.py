"""The film of the show, played in the page, where ``make recording`` has made one.

In the source it is a paragraph of the class ``film`` that says how to make it; that stays elsewhere, and
without a film.  Player and film are loaded when somebody presses play, as scripts: a page that is opened
from the disk may load nothing else.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform

CAST = 'build/recording.cast'
PLAYER = 'docs/_theme/static/film.js'


def checksum(app: Sphinx, name: str) -> str:
    """Return the checksum of a file, or nothing, if it is not there."""
    path = Path(app.confdir, name)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8] if path.exists() else ''


def version(app: Sphinx) -> str:
    """Return what the addresses of the film and of its player have of them, or nothing, if there is no film."""
    film = checksum(app, CAST)
    return film and film + checksum(app, PLAYER)


def films(document: nodes.document) -> list[nodes.paragraph]:
    """Return the paragraphs that stand for the film."""
    return [one for one in document.findall(nodes.paragraph) if 'film' in one['classes']]


def note(app: Sphinx, document: nodes.document) -> None:
    """Remember with which film and which player a page has been made."""
    if films(document):
        app.env.metadata[app.env.docname]['film'] = version(app)


def outdated(app: Sphinx, env: BuildEnvironment, *_: object) -> list[str]:
    """Return the pages that have been made with another film or player, or with none."""
    now = version(app)
    return [name for name, data in env.metadata.items() if data.get('film', now) != now]


class Film(SphinxPostTransform):
    """Puts the film where its paragraph is."""

    default_priority = 500
    formats = ('html',)

    def run(self, **kwargs: Any) -> None:
        """Do it, if there is a film."""
        found = films(self.document)
        if not found or self.app.builder.name == 'epub' or not checksum(self.app, CAST):
            return
        lines = Path(self.app.confdir, CAST).read_text(encoding='utf-8').splitlines()
        static = Path(self.app.outdir, '_static')
        static.mkdir(parents=True, exist_ok=True)
        (static / 'recording.cast').write_text('\n'.join(lines) + '\n', encoding='utf-8')
        (static / 'recording.js').write_text('film([' + ',\n'.join(lines) + ']);\n', encoding='utf-8')
        seconds, last = int(json.loads(lines[-1])[0]), checksum(self.app, CAST)
        top = self.app.builder.get_relative_uri(self.env.docname, 'index').removesuffix('index.html')
        for paragraph in found:
            paragraph.replace_self(nodes.raw('', (
                '<div class="film" role="group" aria-label="The film"><p>'
                f'<button type="button" class="play" data-player="{top}_static/film.js?v={checksum(self.app, PLAYER)}" '
                f'data-film="{top}_static/recording.js?v={last}" hidden>'
                f'Play the film ({seconds // 60}:{seconds % 60:02})</button>\n'
                f'<a href="{top}_static/recording.cast?v={last}" download="recording.cast">recording.cast</a>, '
                'for <code class="docutils literal notranslate">asciinema play</code></p></div>'), format='html'))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both."""
    app.connect('doctree-read', note)
    app.connect('env-get-outdated', outdated)
    app.add_post_transform(Film)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
