"""What one process need not work out twice; the forks of ``make serve`` have it from the first build.

Three pure functions: the stem of a word, a block of code with its colours, a compiled template.
"""

from __future__ import annotations

import functools
from typing import Any

import snowballstemmer
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

_stem = functools.cache(snowballstemmer.stemmer('english').stemWord)
_blocks: dict[tuple[object, ...], str] = {}


class English(SearchEnglish):
    """Sphinx' own, which begins anew with each build."""

    def stem(self, word: str) -> str:
        """Return the word without its ending."""
        return _stem(word.lower())


class Templates(BytecodeCache):
    """Compiled templates, in memory; jinja2 compares their sources."""

    compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what is known."""
        if bucket.key in self.compiled:
            bucket.bytecode_from_string(self.compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what is new."""
        self.compiled[bucket.key] = bucket.bytecode_to_string()


def remember(app: Sphinx) -> None:
    """Have the builder of HTML keep blocks and templates."""
    if app.builder.format != 'html':
        return
    app.builder.templates.environment.bytecode_cache = Templates()
    highlighter = app.builder.highlighter
    colour, style = highlighter.highlight_block, app.config.pygments_style

    def remembered(source: str, lang: str, opts: dict[str, Any] | None = None, force: bool = False,
                   location: object = None, **options: Any) -> str:
        key = (style, source, lang, force, repr(opts), repr(options))
        if key not in _blocks:
            before = app._warncount
            block = colour(source, lang, opts, force, location, **options)
            if app._warncount != before:
                return block  # it warns again the next time
            _blocks[key] = block
        return _blocks[key]
    highlighter.highlight_block = remembered


def setup(app: Sphinx) -> dict[str, Any]:
    """Take the place of Sphinx' own."""
    app.add_search_language(English)
    app.connect('builder-inited', remember)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
