"""The listings of the pages: which page shows which file, and in which form."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass
from pathlib import Path

from stage.page.model import Section
from stage.page.reader import Block, parts, text_of

from .derived import sources

INCLUDE = re.compile(r'^#include "([^"/]*)"', re.MULTILINE)
ELSEWHERE = re.compile(r'#include "[^"]*/')

#: The folder of the solutions, which have the names of their starts: they are on their page alone.
SOLUTIONS = 'solutions'


@dataclass
class Listing:
    """A place in a page that shows a file."""

    page: Path
    line: int
    file: Path
    label: str  # of the section, if it has one
    caption: str
    """If it is the first of the options."""


def listings(docs: Path) -> list[Listing]:
    """Return the listings of all pages.  Raises ScriptError where one is not UTF-8."""
    found: list[Listing] = []
    for page in sources(docs):
        label = ''
        for part in parts(text_of(str(page)).split('\n')):
            match part:
                case Section():
                    label = part.label
                case Block(directive='literalinclude'):
                    file = Path(os.path.normpath(page.parent / part.argument))
                    option, text = next(iter(part.options.items()), ('', ''))
                    caption = text if option == 'caption' else ''
                    found.append(Listing(page, part.lines[0] + 1, file, label, caption))
    return found


def anchor(file: Path) -> str:
    """Return the name of a listing in addresses."""
    return f'solution-{file.name}' if file.parent.name == SOLUTIONS else file.name


def companions(file: Path) -> list[Path]:
    """Return the headers that have to lie beside a file.  Raises ScriptError where it is not UTF-8."""
    return [file.with_name(name) for name in INCLUDE.findall(text_of(str(file)))]


def caption(file: Path, top: Path, folder: Path) -> str:
    """The caption that a file has in a page of this folder."""
    def link(text: object, target: Path) -> str:
        return f':download:`{text} <{os.path.relpath(target, folder)}>`'
    links = link(file.relative_to(top), file)
    if others := [link(other.name, other) for other in companions(file)]:
        links += f' (with {", ".join(others)})'
    return links


def complaints(files: list[Path], shown: list[Listing], top: Path) -> list[tuple[str, str | None]]:
    """What is wrong with the listings, what to do, and where."""
    found: list[tuple[str, str | None]] = []
    for listing in shown:
        place = f'{listing.page}:{listing.line}'
        name = listing.file.relative_to(top) if listing.file.is_relative_to(top) else listing.file
        if not listing.file.exists():
            found.append((f'the page shows {name}, which is not there: '
                          'bring the file back, or change or remove this listing', place))
        elif listing.file in files:
            wanted = caption(listing.file, top, listing.page.parent)
            if listing.caption != wanted:
                found.append((f'the line under this one must be\n   :caption: {wanted}', place))
            if not listing.label:
                found.append((f'the section that shows {name} has no label: '
                              'put ".. _some-name:" and an empty line above its title', place))
    for file in files:
        for number, line in enumerate(text_of(str(file)).split('\n'), 1):
            if ELSEWHERE.match(line):
                found.append(('a header lies beside the program that includes it, or who downloads both gets an error: '
                              'bring it there', f'{file}:{number}'))
    for file in set(files) - {listing.file for listing in shown}:
        found.append((f'no page shows {file.relative_to(top)}: remove the file, or show it in '
                      'docs/screenplay.rst, in a section with a label, with\n'
                      f'   .. literalinclude:: {os.path.relpath(file, top / "docs")}\n'
                      f'      :caption: {caption(file, top, top / "docs")}\n'
                      '      :language: c', None))
    return sorted(found)
