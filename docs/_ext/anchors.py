"""The anchors of scenes, by which pages and addresses refer to them."""

from __future__ import annotations

from docutils import nodes

from stage.page.model import Page


def anchors(page: Page) -> dict[int, str]:
    """Return number of a scene -> its anchor: the name of its section, and which one there it is.

    A scene that is added elsewhere changes none of them.
    """
    found: dict[int, str] = {}
    in_section: dict[str, int] = {}
    for scene in page.scenes:
        section = page.section_of(scene.line)
        name = (section.label or nodes.make_id(section.title)) if section else 'page'
        in_section[name] = in_section.get(name, 0) + 1
        found[scene.number] = f'scene-{name}-{in_section[name]}'
    return found


def targets(page: Page, docname: str) -> dict[int, str]:
    """Return number of a scene -> what the role ``ref`` calls it, on any page and in any format."""
    return {number: f'{docname}-{anchor}' for number, anchor in anchors(page).items()}
