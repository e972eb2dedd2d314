"""The search index, with each word stemmed once: the forks of ``make serve`` know most of them."""

from __future__ import annotations

import functools
from typing import Any

import snowballstemmer
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

_stem = functools.cache(snowballstemmer.stemmer('english').stemWord)


class English(SearchEnglish):
    """Sphinx' own, which begins anew with each build."""

    def stem(self, word: str) -> str:
        """Return the word without its ending."""
        return _stem(word.lower())


def setup(app: Sphinx) -> dict[str, Any]:
    """Take the place of Sphinx' own."""
    app.add_search_language(English)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
