"""Which lines of a listing its section is about: those with a call or a constant that the text there names.

Derived, so that no number of a line is kept by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes

CALL = re.compile(r'(\w+)\(\)')
CONSTANT = re.compile(r'\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\bE[A-Z]{3,}\b')
#: Texts, characters and comments: what stands in there is no code.
SPOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'|//[^\n]*|/\*.*?\*/', re.DOTALL)


def _own(section: nodes.Node) -> Iterator[nodes.Node]:
    """Yield what is in a section, without the sections below and what is shown as it is."""
    for child in section.children:
        if not isinstance(child, nodes.section | nodes.literal_block):
            yield child
            yield from _own(child)


def named(section: nodes.section) -> set[str]:
    """Return the calls and constants that the text of a section names: ``mmap``, ``MAP_SHARED``."""
    found: set[str] = set()
    for node in _own(section):
        if isinstance(node, addnodes.manpage) and re.search(r'\([23]\)$', node.astext()):
            found.add(node.astext().partition('(')[0])
        elif isinstance(node, nodes.literal):
            found |= {*CALL.findall(node.astext()), *CONSTANT.findall(node.astext())}
    return found


def _statements(code: str) -> Iterator[list[tuple[int, str]]]:
    """Yield the lines that belong together, with their numbers from 1: to the last parenthesis, or behind a ``=``."""
    together: list[tuple[int, str]] = []
    for number, line in enumerate(code.split('\n'), 1):
        together.append((number, line))
        text = ''.join(line for _, line in together)
        if text.count('(') <= text.count(')') and not line.rstrip().endswith('='):
            yield together
            together = []


def emphasised(text: str, names: set[str]) -> list[int]:
    """Return the lines of a C file, from 1, in whose code one of the names occurs: a call before its parenthesis.

    What goes on in further lines is emphasised as a whole.
    """
    code = SPOKEN.sub(lambda spoken: re.sub(r'[^\n]', ' ', spoken[0]), text)
    calls = '|'.join(name for name in names if not name.isupper()) or '(?!)'
    constants = '|'.join(name for name in names if name.isupper()) or '(?!)'
    wanted = re.compile(rf'\b(?:{calls})\(|\b(?:{constants})\b')
    return [number for lines in _statements(code)
            if any(wanted.search(line) and not line.startswith('#') for _, line in lines)
            for number, _ in lines]
