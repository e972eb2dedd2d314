"""What one process need not work out twice; the forks of ``make serve`` have it from the first build.

Three pure functions: the stem of a word, a block of code with its colours, a compiled template.
"""

from __future__ import annotations

import functools
from types import CodeType
from typing import Any

import snowballstemmer
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

_stem = functools.cache(snowballstemmer.stemmer('english').stemWord)
_blocks: dict[tuple[object, ...], str] = {}
_templates: dict[tuple[str | None, ...], CodeType] = {}


class English(SearchEnglish):
    """Sphinx' own, which begins anew with each build."""

    def stem(self, word: str) -> str:
        """Return the word without its ending."""
        return _stem(word.lower())


def remember(app: Sphinx) -> None:
    """Have the builder of HTML keep blocks and templates."""
    if app.builder.format != 'html':
        return
    environment = app.builder.templates.environment
    compile_template = environment.compile

    def compiled(source: str, name: str | None = None, filename: str | None = None) -> CodeType:
        if (key := (source, name, filename)) not in _templates:
            _templates[key] = compile_template(source, name, filename)
        return _templates[key]
    environment.compile = compiled

    highlighter = app.builder.highlighter
    colour, style = highlighter.highlight_block, app.config.pygments_style

    def coloured(source: str, lang: str, opts: dict[str, Any] | None = None, force: bool = False,
                   location: object = None, **options: Any) -> str:
        key = (style, source, lang, force, repr(opts), repr(options))
        if key not in _blocks:
            before = app._warncount
            block = colour(source, lang, opts, force, location, **options)
            if app._warncount != before:
                return block  # it warns again the next time
            _blocks[key] = block
        return _blocks[key]
    highlighter.highlight_block = coloured


def setup(app: Sphinx) -> dict[str, Any]:
    """Take the place of Sphinx' own."""
    app.add_search_language(English)
    app.connect('builder-inited', remember)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
