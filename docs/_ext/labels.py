"""A label leads to what follows it, also where the site shows that in its own way."""

from __future__ import annotations

from docutils import nodes


def landing(ids: list[str]) -> list[nodes.Node]:
    """Return what stands, with these addresses, before something that replaces a node and has none."""
    return [nodes.target('', '', ids=ids)] if ids else []
