"""Read a page: its scenes and their cues, with their places in the source.

A scene is a ``code-block:: console`` of the class ``scene``.  The scanner works
on lines, not on a document tree, so that every cue keeps its place for reports
and for :mod:`stage.check.rehearsal` to promote.  The syntax is described in
``docs/contributing.rst``.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NAME = r'[A-Za-z][\w-]*'
DIRECTIVE = re.compile(r'^( *)\.\. +([\w:-]+)::(?: +(.*))?$')
COMMENT = re.compile(r'^( *)\.\.(?: +(?![_|\[]).*)?$')
OPTION = re.compile(r'^ +:([\w-]+):(?: +(.*))?$')
PROMPT = re.compile(rf'^(?:\(({NAME})\) )?([$#])(?: (.*))?$')
FOCUS = re.compile(rf'^\(({NAME})\)$')
NOTE = re.compile(r'^\[(.*)\]$')
KEY = re.compile(r'^\^([CDZ\\])$')
UNDERLINE = re.compile(r'^([=\-.~^"\'+*#])\1*$')
LABEL = re.compile(r'^\.\. _([\w-]+):\s*$')
MINUTES = re.compile(r'^:Minutes:\s*(.*?)\s*$')
ELLIPSIS = '...'
#: Directives whose body is shown as it is: what looks like a scene in there is not one.
LITERAL = {'code-block', 'code', 'sourcecode', 'parsed-literal', 'literalinclude', 'raw', 'math'}
#: Colours that terminals may have; docs/_static/course.css and the performance know them by number.
COLOURS = 6
#: A process in one of these wakes by itself: it is running, not blocked.
TIMED_SLEEPS = {'nanosleep', 'clock_nanosleep'}


class ScriptError(Exception):
    """A page that cannot be read; its text is ``page:line: what is wrong and what to do``."""

    def __init__(self, path: str, line: int, message: str) -> None:
        super().__init__(f'{path}:{line}: {message}')


@dataclass(frozen=True)
class End:
    """How a cue ends: at the prompt with a ``status``, ``blocked`` in a call, or ``running``."""

    kind: str
    status: int = 0
    call: str | None = None

    def to_json(self) -> dict[str, int | str | bool | None]:
        """Return ``{"status": N}``, ``{"blocked": CALL or null}`` or ``{"running": true}``."""
        values = {'status': self.status, 'blocked': self.call, 'running': True}
        return {self.kind: values[self.kind]}


@dataclass
class Cue:
    """One command (``run``), one key (``key``), or one terminal going on (``resume``)."""

    kind: str
    terminal: str
    root: bool
    line: int
    """Line of the page, counted from 1."""
    command: str
    """What is typed; a key as ``^C``; empty for ``resume``."""
    expect: list[str | None]
    """Lines of output; ``None`` is an ellipsis."""
    first: int
    """Index in the page's lines where the expected output begins."""
    last: int
    """Index of the line after it."""
    indent: str
    end: End

    def title(self) -> str:
        """Return the cue as a report names it."""
        return self.command.split('\n')[0] or f'({self.terminal}) goes on'


@dataclass
class Scene:
    """One console block."""

    number: int
    line: int
    section: str
    fresh: bool
    private: bool
    """Needs the private stage: a fixed /etc/passwd, mounts, nothing else in /dev/shm."""
    cues: list[Cue]


@dataclass
class Section:
    """A section, named by its title; the first one of a page is the page itself."""

    title: str
    line: int
    """Line of the title, counted from 1."""
    depth: int
    """0 for the page, 1 for a chapter."""
    label: str = ''
    """The name by which other pages refer to it, if it has one."""
    minutes: int = 0
    """Planned for it, without the sections below: the field ``:Minutes:`` under its title."""


@dataclass
class Page:
    """A page: its path as given, its text, its scenes and its sections in their order."""

    path: str
    text: str
    scenes: list[Scene]
    sections: list[Section]

    def minutes(self, section: Section) -> int:
        """Return the minutes of a section and all below it."""
        rest = self.sections[self.sections.index(section) + 1:]
        below = itertools.takewhile(lambda other: other.depth > section.depth, rest)
        return section.minutes + sum(other.minutes for other in below)

    def cues(self) -> Iterator[Cue]:
        """Yield all cues in their order."""
        for scene in self.scenes:
            yield from scene.cues

    def colours(self) -> dict[str, int]:
        """Return terminal -> number of its colour, from 1, the same throughout the page.

        Two terminals of one scene have different ones, as far as there are enough.
        """
        scenes = [{cue.terminal for cue in scene.cues} for scene in self.scenes]
        found: dict[str, int] = {}
        for cue in self.cues():
            if cue.terminal in found:
                continue
            near = {found.get(other) for scene in scenes if cue.terminal in scene for other in scene}
            turns = [(len(found) + step) % COLOURS + 1 for step in range(COLOURS)]
            found[cue.terminal] = next((colour for colour in turns if colour not in near), turns[0])
        return found

    def to_json(self) -> list[dict[str, object]]:
        """Return the cues for other stages; ``docs/contributing.rst`` has the schema."""
        return [
            {
                'scene': scene.number,
                'section': scene.section,
                'fresh': scene.fresh and cue is scene.cues[0],
                'line': cue.line,
                'kind': cue.kind,
                'terminal': cue.terminal,
                'root': cue.root,
                'command': cue.command,
                'expect': cue.expect,
                'end': cue.end.to_json(),
            }
            for scene in self.scenes
            for cue in scene.cues
        ]


def unescape(line: str) -> str:
    r"""Return the output that a line of a scene stands for: ``\[1]`` is ``[1]``.

    A backslash at the end makes blanks before it visible: they belong to the output.
    """
    if re.match(r'\\[\[($#>^.\\]', line):
        line = line[1:]
    return line.removesuffix('\\')


def escape(line: str) -> str:
    """Return the line that stands for this output: the inverse of :func:`unescape`."""
    if line != line.rstrip() or line[-1:] in ('', '\\'):
        line += '\\'
    looks_alike = (PROMPT, FOCUS, NOTE, KEY)
    if line == ELLIPSIS or line.startswith(('\\', '> ')) and line != '\\' \
            or any(form.match(line) for form in looks_alike):
        line = '\\' + line
    return line


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
        scene.cues = _Reader(path, lines).cues(start, body)
        page.scenes.append(scene)
    _follow(page)
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
        while index < len(lines) and (not lines[index].strip() or _depth(lines[index]) > depth):
            index += 1
        if literal and directive[2] != 'literalinclude' and directive[3] == 'console':
            yield start + 1, index, _options(path, lines, start, index)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _options(path: str, lines: list[str], start: int, stop: int) -> dict:
    """Return the options of a directive; ``first`` is the index of its body's first line."""
    found: dict = {}
    for index in range(start + 1, stop):
        if '\t' in lines[index][:_depth(lines[index])]:
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


class _Reader:
    """Turns the body of one block into cues."""

    def __init__(self, path: str, lines: list[str]) -> None:
        self.path, self.lines = path, lines
        self.found: list[Cue] = []
        self.ended = False  # the last cue has its note: no more output may follow

    def fail(self, index: int, message: str) -> ScriptError:
        return ScriptError(self.path, index + 1, message)

    def cues(self, start: int, body: range) -> list[Cue]:
        if not body:
            raise ScriptError(self.path, start, 'a scene without a cue: indent its lines under '
                              'the directive, after a blank line')
        indent = ' ' * _depth(self.lines[body[0]])
        for index in body:
            raw = self.lines[index]
            if '\t' in raw:
                raise self.fail(index, 'a tab: write blanks, as the terminal shows them')
            if raw.endswith('\r'):
                raise self.fail(index, 'the line ends in CR LF: save the page with LF')
            if raw != raw.rstrip() and raw.strip():
                raise self.fail(index, 'blanks at the end of the line, which no reader can see: '
                                'remove them, or end the line with \\ if they are output')
            if raw.strip() and not raw.startswith(indent):
                raise self.fail(index, 'indented less than the first line of its scene')
            self.line(index, raw[len(indent):], indent)
        if self.found[-1].kind == 'resume-or-key':
            self.found[-1].kind = 'resume'
        return self.found

    def line(self, index: int, line: str, indent: str) -> None:
        cue = self.found[-1] if self.found else None
        prompt, focus, key = PROMPT.match(line), FOCUS.match(line), KEY.match(line)
        if cue and cue.kind == 'resume-or-key' and not key:
            cue.kind = 'resume'
        if prompt:
            if not prompt[3]:
                raise self.fail(index, 'a prompt without a command')
            self.add('run', index, indent, prompt[1] or 'main', prompt[2] == '#', prompt[3])
        elif focus:
            self.add('resume-or-key', index, indent, focus[1], False, '')
        elif cue is None:
            raise self.fail(index, 'output before any prompt: a scene begins with "$ command", '
                            '"# command" or "(terminal)"')
        elif key and cue.kind == 'resume-or-key' and not cue.expect:
            cue.kind, cue.command = 'key', line  # the line "(name)" only says whose key it is
            cue.first = cue.last = index + 1
        elif key:
            if self.ended and cue.end.kind == 'status':
                raise self.fail(index, f'a key, but terminal {cue.terminal} is at its prompt')
            if not self.ended:
                cue.end = End('running')
            self.add('key', index, indent, cue.terminal, cue.root, line)
        elif cue.kind == 'run' and not cue.expect and not self.ended and line.startswith('> '):
            cue.command += '\n' + line[2:]
            cue.first = cue.last = index + 1
        elif self.ended:
            raise self.fail(index, 'output after the note that ends the cue: name the terminal '
                            'that goes on, "(terminal)"')
        elif note := NOTE.match(line):
            cue.end = self.note(index, note[1])
            self.ended = True
        else:
            cue.expect.append(None if line == ELLIPSIS else unescape(line))
            cue.last = index + 1

    def add(self, kind: str, index: int, indent: str, terminal: str, root: bool,
            command: str) -> None:
        self.found.append(Cue(kind, terminal, root, index + 1, command, [], index + 1, index + 1,
                              indent, End('status')))
        self.ended = False

    def note(self, index: int, text: str) -> End:
        if re.fullmatch('0+', text):
            raise self.fail(index, 'exit status 0 is implied and never written')
        if re.fullmatch(r'\d{1,3}', text) and int(text) < 256:
            return End('status', status=int(text))
        if text == 'running':
            return End('running')
        if blocked := re.fullmatch(r'blocked(?: in (\w+))?', text):
            if blocked[1] in TIMED_SLEEPS:
                raise self.fail(index, f'a process in {blocked[1]} wakes by itself: write '
                                '[running]')
            return End('blocked', call=blocked[1])
        raise self.fail(index, f'unknown note [{text}]: [N], [blocked], [blocked in CALL] and '
                        f'[running] are known; if it is output, write \\[{text}]')


def _follow(page: Page) -> None:
    """Check what can be known without playing: who is busy, who is at a prompt.

    A terminal that goes on is root's if it was root's command that made it busy.

    Raises:
        ScriptError: A command in a busy terminal, a terminal that goes on though it is at its
            prompt, a terminal still busy at the end or before a fresh scene.
    """
    busy: dict[str, Cue] = {}
    for scene in page.scenes:
        if scene.fresh:
            _all_ended(page, busy, f'before the fresh scene in line {scene.line}')
        for cue in scene.cues:
            before = busy.pop(cue.terminal, None)
            if cue.kind == 'run' and before:
                raise ScriptError(page.path, cue.line, f'terminal {cue.terminal} is still busy '
                                  f'with "{before.title()}" from line {before.line}')
            if cue.kind != 'run' and not before:
                raise ScriptError(page.path, cue.line, f'terminal {cue.terminal} is at its prompt: '
                                  'only one that is [blocked] or [running] goes on')
            if before:
                cue.root = before.root
            if cue.end.kind != 'status':
                busy[cue.terminal] = cue
    _all_ended(page, busy, 'at the end of the page')


def _all_ended(page: Page, busy: dict[str, Cue], when: str) -> None:
    for terminal, cue in busy.items():
        raise ScriptError(page.path, cue.line, f'terminal {terminal} is still busy with '
                          f'"{cue.title()}" {when}: end it, for example with ^C')
