"""The anchors of scenes, by which pages and addresses refer to them."""

from __future__ import annotations

import re

from .model import Page


def anchors(page: Page) -> dict[int, str]:
    """Return number of a scene -> its anchor: the name of its section, and which one there it is.

    A scene that is added elsewhere changes none of them.
    """
    found: dict[int, str] = {}
    in_section: dict[str, int] = {}
    for scene in page.scenes:
        section = page.section_of(scene.line)
        name = (section.label or slug(section.title)) if section else 'page'
        in_section[name] = in_section.get(name, 0) + 1
        found[scene.number] = f'scene-{name}-{in_section[name]}'
    return found


def slug(title: str) -> str:
    """Return the address that docutils makes of a title: ``nodes.make_id``, for ASCII."""
    return re.sub(r'^[-0-9]+|-+$', '', re.sub(r'[^a-z0-9]+', '-', title.lower()))


def targets(page: Page, docname: str) -> dict[int, str]:
    """Return number of a scene -> what the role ``ref`` calls it, on any page and in any format."""
    return {number: f'{docname}-{anchor}' for number, anchor in anchors(page).items()}
