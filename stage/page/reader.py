"""Read a page: its sections, labels and minutes, and its console blocks, with their places in the source.

A scene is a ``code-block:: console`` of the class ``scene``.  The scanner works on lines, not on a
document tree, so that every cue keeps its place for reports and for :mod:`stage.check.promoting`.
This is the only module that knows how reStructuredText is written.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from .model import Page, Scene, ScriptError, Section
from .scenes import Reader, depth_of, follow

DIRECTIVE = re.compile(r'^( *)\.\. +([\w:-]+)::(?: +(.*))?$')
COMMENT = re.compile(r'^( *)\.\.(?: +(?![_|\[]).*)?$')
OPTION = re.compile(r'^ +:([\w-]+):(?: +(.*))?$')
UNDERLINE = re.compile(r'^([=\-.~^"\'+*#])\1*$')
LABEL = re.compile(r'^\.\. _([\w-]+):\s*$')
MINUTES = re.compile(r'^:Minutes:\s*(.*?)\s*$')
#: Directives whose body is shown as it is: what looks like a scene in there is not one.
LITERAL = {'code-block', 'code', 'sourcecode', 'parsed-literal', 'literalinclude', 'raw', 'math'}


def text_of(path: str) -> str:
    """Return the text of a page or a program.

    Raises:
        ScriptError: It is not UTF-8.
        OSError: The file cannot be read.
    """
    data = Path(path).read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b'\n', 0, error.start) + 1
        raise ScriptError(path, line, 'not UTF-8: save the file as UTF-8') from None


def read(path: str) -> Page:
    """Read a page from a file.

    Raises:
        ScriptError: The page is not UTF-8 or its scenes break the syntax.
        OSError: The file cannot be read.
    """
    return parse(path, text_of(path))


@functools.lru_cache(maxsize=8)
def parse(path: str, text: str) -> Page:
    """Parse the text of a page; ``path`` is for messages only.

    The same text gives the same page, which is for reading only: one build asks several times.
    """
    lines = text.split('\n')
    page = Page(path, text, [], [])
    for start, stop, options in _console_blocks(path, lines, page.sections):
        classes = options.get('class', '').lower().split()
        if 'scene' not in classes:
            continue
        section = page.sections[-1].title if page.sections else ''
        scene = Scene(len(page.scenes) + 1, start, section, 'fresh' in classes,
                      'private' in classes, [])
        unknown = set(classes) - {'scene', 'fresh', 'private'}
        if unknown:
            raise ScriptError(path, start, f'unknown class "{unknown.pop()}": a scene may be '
                              '"fresh" and "private"')
        body = range(options['first'], stop)
        while body and not lines[body[-1]].strip():
            body = body[:-1]
        scene.cues = Reader(path, lines).cues(start, body)
        page.scenes.append(scene)
    follow(page)
    return page


def _console_blocks(path: str, lines: list[str],
                    sections: list[Section]) -> Iterator[tuple[int, int, dict]]:
    """Yield (line from 1, index after the body, options) of console blocks.

    Meanwhile ``sections`` gets all sections up to there.
    """
    depths: list[str] = []  # the characters that underline titles, the outermost first
    label, index = '', 0
    while index < len(lines):
        line = lines[index]
        if UNDERLINE.match(line) and index and len(line) >= len(lines[index - 1].rstrip()) > 0 \
                and lines[index - 1][0] != ' ':
            depths += [] if line[0] in depths else [line[0]]
            sections.append(Section(lines[index - 1].strip(), index, depths.index(line[0]), label))
            label = ''
        elif target := LABEL.match(line):
            label = target[1]
        elif sections and (planned := MINUTES.match(line)):
            if not re.fullmatch('[1-9][0-9]*', planned[1]):
                raise ScriptError(path, index + 1, f'":Minutes: {planned[1]}" is no number of '
                                  'minutes: write, for example, ":Minutes: 5"')
            sections[-1].minutes = int(planned[1])
        directive = DIRECTIVE.match(line.rstrip())
        comment = not directive and COMMENT.match(line.rstrip())
        if line.strip() == '..' and not ''.join(lines[index + 1:index + 2]).strip():
            comment = None  # an empty one: what is indented under it is not its text
        literal = directive and directive[2] in LITERAL
        paragraph = not directive and not comment and line.rstrip().endswith('::')
        if not (literal or comment or paragraph):
            index += 1
            continue
        start, depth = index, len(line) - len(line.lstrip(' '))
        index += 1
        while index < len(lines) and (not lines[index].strip() or depth_of(lines[index]) > depth):
            index += 1
        if literal and directive[2] != 'literalinclude' and directive[3] == 'console':
            yield start + 1, index, _options(path, lines, start, index)


def _options(path: str, lines: list[str], start: int, stop: int) -> dict:
    """Return the options of a directive; ``first`` is the index of its body's first line."""
    found: dict = {}
    for index in range(start + 1, stop):
        if '\t' in lines[index][:depth_of(lines[index])]:
            raise ScriptError(path, index + 1, 'a tab in the indentation: write blanks')
    index = start + 1
    while index < stop and (option := OPTION.match(lines[index].rstrip())):
        found[option[1]] = option[2] or ''
        index += 1
    if 'scene' in found.get('class', '').lower().split() and index < stop and lines[index].strip():
        raise ScriptError(path, index + 1, 'a blank line must separate the options from the scene')
    while index < stop and not lines[index].strip():
        index += 1
    return found | {'first': index}


def sections(page: Path) -> Iterator[tuple[int, str, str]]:
    """Yield (line from 1, label of its section, line) for the lines of a page."""
    label = ''
    for number, line in enumerate(text_of(str(page)).splitlines(), 1):
        if match := LABEL.match(line):
            label = match[1]
        yield number, label, line
