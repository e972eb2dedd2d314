"""Read a page: its sections, labels and fields, and the blocks that it shows, with their places in the source.

A scene is a ``code-block:: console`` of the class ``scene``.  The scanner works on lines, not on a
document tree, so that every cue keeps its place for reports and for :mod:`stage.check.promoting`.
This is the only module that knows how reStructuredText is written.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .model import Page, Scene, ScriptError, Section
from .scenes import Reader, depth_of, follow

DIRECTIVE = re.compile(r'^( *)\.\. +([\w:-]+)::(?: +(.*))?$')
COMMENT = re.compile(r'^( *)\.\.(?: +(?![_|\[]).*)?$')
OPTION = re.compile(r'^ +:([\w-]+):(?: +(.*))?$')
UNDERLINE = re.compile(r'^([=\-.~^"\'+*#])\1*$')
LABEL = re.compile(r'^\.\. _([\w-]+):\s*$')
FIELD = re.compile(r'^:([\w -]+):(?:\s+(.*?))?\s*$')
#: What stands before the text of an item of a list, which may begin with an item of its own.
BULLET = re.compile(r'^ *(?:(?:[*+-]|#\.|\d+\.) +)+')
#: Directives whose body is shown as it is: what looks like a scene in there is not one.
LITERAL = {'code-block', 'code', 'sourcecode', 'parsed-literal', 'literalinclude', 'raw', 'math'}
#: Those of them that a scene may be written with.
CODE = {'code-block', 'code', 'sourcecode'}
#: Classes of a scene.
CLASSES = {'scene', 'fresh', 'private', 'predict', 'exercise'}
#: What the scene of an exercise tries.
EXERCISE = re.compile(r'(?<![\w./])\./exercises/([\w-]+)')


@dataclass(frozen=True)
class Field:
    """A field such as ``:Minutes: 5``, and its line, counted from 1."""

    line: int
    name: str
    text: str


@dataclass(frozen=True)
class Block:
    """A directive whose body is shown as it is; its lines are indexes in the page's."""

    directive: str
    argument: str
    options: dict[str, str]
    lines: range
    """All of it, with the directive."""
    body: range
    """What follows the options, without blank lines around it."""

    @property
    def classes(self) -> set[str]:
        """The classes that the option ``class`` gives."""
        return set(self.options.get('class', '').lower().split())


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
    page, lines = Page(path, text, [], []), text.split('\n')
    for part in parts(lines):
        match part:
            case Section():
                page.sections.append(part)
            case Field(name='Minutes') if page.sections:
                page.sections[-1].minutes = _minutes(path, part)
            case Field(name='fails') if page.sections:
                page.sections[-1].fails = part.text
            case Block(argument='console') if part.directive in CODE:
                _no_tabs(path, lines, part)
                if 'scene' in part.classes:
                    page.scenes.append(_scene(page, lines, part))
    follow(page)
    return page


def parts(lines: list[str]) -> Iterator[Section | Field | Block]:
    """Yield what a page consists of, besides prose, in its order."""
    underlines: list[str] = []  # the characters that underline titles, the outermost first
    label, below, index = '', 0, 0
    while index < len(lines):
        line = lines[index].rstrip()
        above = lines[index - 1].rstrip() if index else ''
        if UNDERLINE.match(line) and len(line) >= len(above) > 0 and above[0] != ' ':
            underlines += [] if line[0] in underlines else [line[0]]
            between = ''.join(lines[below:index - 1]).strip()  # else the label is that of a figure, say
            yield Section(above, index, underlines.index(line[0]), '' if between else label)
            label = ''
        elif target := LABEL.match(line):
            label, below = target[1], index + 1
        elif field := FIELD.match(line):
            yield Field(index + 1, field[1], field[2] or '')
        directive = DIRECTIVE.match(line)
        literal = directive and directive[2] in LITERAL
        paragraph = not directive and line.endswith('::')
        start, index = index, index + 1
        if literal or paragraph or is_comment(lines, start):
            index = end_of_body(lines, start)
        if literal:
            yield _block(directive, lines, range(start, index))


def by_section(text: str) -> Iterator[tuple[Section | None, list[str]]]:
    """Yield each section of a page with its lines, without the sections below; None before the first."""
    lines = text.split('\n')
    sections = [part for part in parts(lines) if isinstance(part, Section)]
    starts = [section.line - 1 for section in sections]
    for section, first, stop in zip([None, *sections], [0, *starts], [*starts, len(lines)], strict=True):
        yield section, lines[first:stop]


def definitions(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the terms of the definition lists among these lines, and the text of each in one line."""
    for index, line in enumerate(lines[:-1]):
        if line.strip() and not depth_of(line) and depth_of(lines[index + 1]) and not line.startswith('..'):
            body = itertools.takewhile(lambda text: not text or depth_of(text), lines[index + 1:])
            yield line, ' '.join(' '.join(body).split())


def is_comment(lines: list[str], index: int) -> bool:
    """Whether the line begins a comment, to which all belongs that is indented under it."""
    line = lines[index].rstrip()
    if line.strip() == '..' and not ''.join(lines[index + 1:index + 2]).strip():
        return False  # an empty one: what is indented under it is not its text
    return not DIRECTIVE.match(line) and bool(COMMENT.match(line))


def end_of_body(lines: list[str], index: int) -> int:
    """Return the index after all that is indented under a line, or under its text in the item of a list."""
    bullet = BULLET.match(lines[index])
    depth = bullet.end() if bullet else depth_of(lines[index])
    index += 1
    while index < len(lines) and (not lines[index].strip() or depth_of(lines[index]) > depth):
        index += 1
    return index


def _block(directive: re.Match[str], lines: list[str], place: range) -> Block:
    options: dict[str, str] = {}
    body = place[1:]
    while body and (option := OPTION.match(lines[body[0]].rstrip())):
        options[option[1]] = option[2] or ''
        body = body[1:]
    while body and not lines[body[0]].strip():
        body = body[1:]
    while body and not lines[body[-1]].strip():
        body = body[:-1]
    return Block(directive[2], directive[3] or '', options, place, body)


def _minutes(path: str, field: Field) -> int:
    """Return the minutes that are planned for a section."""
    if not re.fullmatch('[1-9][0-9]*', field.text):
        raise ScriptError(path, field.line, f'":Minutes: {field.text}" is no number of '
                          'minutes: write, for example, ":Minutes: 5"')
    return int(field.text)


def _no_tabs(path: str, lines: list[str], block: Block) -> None:
    """Refuse tabs in the indentation of a console block: its options could not be told."""
    for index in block.lines[1:]:
        if '\t' in lines[index][:depth_of(lines[index])]:
            raise ScriptError(path, index + 1, 'a tab in the indentation: write blanks')


def _scene(page: Page, lines: list[str], block: Block) -> Scene:
    start = block.lines[0] + 1
    if unknown := block.classes - CLASSES:
        raise ScriptError(page.path, start, f'unknown class "{unknown.pop()}": a scene may be '
                          '"fresh", "private", "predict" and "exercise"')
    if block.body and lines[block.body[0] - 1].strip():
        raise ScriptError(page.path, block.body[0] + 1,
                          'a blank line must separate the options from the scene')
    section = page.sections[-1].title if page.sections else ''
    scene = Scene(len(page.scenes) + 1, start, section, 'fresh' in block.classes, 'private' in block.classes,
                  Reader(page.path, lines).cues(start, block.body), 'predict' in block.classes)
    if scene.predict and all(cue.kind == 'resume' for cue in scene.cues):
        raise ScriptError(page.path, start, 'a scene of the class "predict" asks what comes of its last command or '
                          'key, and has none: write one, or drop the class')
    if 'exercise' in block.classes:
        _exercise(page, scene)
    return scene


def _exercise(page: Page, scene: Scene) -> None:
    """Note which program the scene of an exercise tries, and why its start fails."""
    tried = {name for cue in scene.cues for name in EXERCISE.findall(cue.command)}
    scene.fails = page.sections[-1].fails if page.sections else ''
    if not scene.fresh or len(tried) != 1:
        raise ScriptError(page.path, scene.line, 'the scene of an exercise must be "fresh", and run one program '
                          'of ./exercises/')
    if not scene.fails or any(other.exercise and other.section == scene.section for other in page.scenes):
        raise ScriptError(page.path, scene.line, 'an exercise is a section with one scene of that class, and with '
                          'the field ":fails:" under its title: why that does not hold with the start')
    scene.exercise = tried.pop()
