"""Drawings follow the theme: in HTML an SVG image becomes part of the page.

In a file of its own an SVG cannot see the colours of the page. Inside of the
page its currentColor is that of the text, light or dark. A drawing whose
outermost elements are <svg> is made of parts, which stand side by side where
there is room, and else below each other. Other builders get the image as it is.
Without this extension the pages are the same, except that the drawings stay
black, and as wide as they are.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from .labels import landing

SVG = 'http://www.w3.org/2000/svg'
XLINK = 'http://www.w3.org/1999/xlink'
ElementTree.register_namespace('', SVG)
ElementTree.register_namespace('xlink', XLINK)

logger = logging.getLogger(__name__)


def require_alt(app: Sphinx, document: nodes.document) -> None:
    """Every image says in words what it shows; a figure has the name of its file, if it has no other."""
    for image in document.findall(nodes.image):
        if isinstance(image.parent, nodes.figure) and not image.parent['names']:
            image.parent['ids'] = [nodes.make_id(f'figure-{Path(image["uri"]).stem}')]
        if not image.get('alt', '').strip():
            logger.warning('image %s has no text: add ":alt:" with what it shows',
                           image['uri'], location=image)


def inline(file: Path, alt: str) -> str:
    """Return the drawing as an element of a page, its ids unique there.

    Raises OSError, ElementTree.ParseError where it is no XML, or ValueError where it does not say how wide it is.
    """
    root = ElementTree.parse(file).getroot()
    prefix = nodes.make_id(file.stem) + '-'
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == 'id':
                value = prefix + value
            elif key in ('href', f'{{{XLINK}}}href') and value.startswith('#'):
                value = '#' + prefix + value[1:]
            element.set(key, re.sub(r'url\(#', f'url(#{prefix}', value))
    root.attrib.pop('aria-labelledby', None)
    for name in ('title', 'desc'):  # the page says what they say, and the title would come up as a tool tip
        for element in root.findall(f'{{{SVG}}}{name}'):
            root.remove(element)
    for element in root.iter():
        element.text, element.tail = (text if text and text.strip() else None for text in (element.text, element.tail))
    said = {'role': 'img', 'aria-label': alt, 'class': 'drawing'}
    if not (parts := root.findall(f'{{{SVG}}}svg')):
        return _sized(root, said)
    common = root.attrib | {'role': ''}
    for element in [one for one in root if one not in parts][::-1]:
        parts[0].insert(0, element)  # what they share is in the first
    for part in parts:
        box = part.get('viewBox', f'0 0 {part.get("width")} {part.get("height")}')
        part.attrib = {key: value for key, value in common.items() if value} | {'viewBox': box}
    drawn = ''.join(_sized(part, {}) for part in parts)
    return f'<div class="drawing parts" role="img" aria-label="{escape(alt)}">{drawn}</div>'


def _sized(drawing: ElementTree.Element, more: dict[str, str]) -> str:
    """Return a drawing as text; it is as wide as its units say, 16 to the size of the text."""
    try:
        width = float(re.split(r'[\s,]+', drawing.attrib['viewBox'].strip())[2])
    except (KeyError, IndexError, ValueError):
        raise ValueError('it needs viewBox="0 0 WIDTH HEIGHT"') from None
    drawing.attrib |= more | {'width': f'{width / 16:g}rem'}
    return ElementTree.tostring(drawing, encoding='unicode').replace(f' xmlns="{SVG}"', '', 1)  # known in a page


def replace_images(app: Sphinx, document: nodes.document, docname: str) -> None:
    """Put the drawings into a page of HTML."""
    if app.builder.name != 'html':
        return
    for image in list(document.findall(nodes.image)):
        if not image['uri'].endswith('.svg') or '://' in image['uri']:
            continue
        try:
            drawing = inline(Path(app.srcdir) / image['uri'], image.get('alt', ''))
        except (OSError, ElementTree.ParseError, ValueError) as error:
            logger.warning('cannot read %s: %s', image['uri'], error, location=image)
        else:
            image.parent.replace(image, [*landing(image['ids']), nodes.raw('', drawing, format='html')])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both."""
    app.connect('doctree-read', require_alt)
    app.connect('doctree-resolved', replace_images)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
