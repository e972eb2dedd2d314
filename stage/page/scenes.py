"""A console block as cues: what its lines mean, and who is busy at its end.

The syntax is described in ``docs/contributing.rst``.
"""

from __future__ import annotations

import enum
import re

from .model import TIMED_SLEEPS, AtPrompt, Blocked, Cue, End, Page, Running, ScriptError

NAME = r'[A-Za-z][\w-]*'
PROMPT = re.compile(rf'^(?:\(({NAME})\) )?([$#])(?: (.*))?$')
FOCUS = re.compile(rf'^\(({NAME})\)$')
KEY = re.compile(r'^\^([CDZ\\])$')
NOTE = re.compile(r'^\[(.*)\]$')
MORE = re.compile(r'^>(?: (.*))?$')
ELLIPSIS = '...'
#: What nobody sees; some of these end a line for docutils, and with it the block.
CONTROL = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029]')
#: The forms of a line; all else is output.
FORMS = {'prompt': PROMPT, 'focus': FOCUS, 'key': KEY, 'note': NOTE, 'more': MORE}


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
    looks_alike = line == ELLIPSIS or any(form.match(line) for form in FORMS.values())
    if looks_alike or line.startswith('\\') and line != '\\':
        line = '\\' + line
    return line


class Above(enum.Enum):
    """What stands above a line, and decides what the line may be."""

    NOTHING = enum.auto()
    COMMAND = enum.auto()
    NAME = enum.auto()
    """``(name)``: it goes on, unless its key follows directly."""
    OUTPUT = enum.auto()
    """Or a key, after which output may come."""
    NOTE = enum.auto()
    """The cue is complete."""


class Reader:
    """Turns the body of one block into cues.

    Args:
        path: For messages only.
        lines: All lines of the page.
    """

    def __init__(self, path: str, lines: list[str]) -> None:
        self.path, self.lines = path, lines
        self.found: list[Cue] = []
        self.above, self.indent = Above.NOTHING, ''

    def fail(self, index: int, message: str) -> ScriptError:
        """Return the error for this line."""
        return ScriptError(self.path, index + 1, message)

    def cues(self, start: int, body: range) -> list[Cue]:
        """Return the cues of the block that begins in line ``start``.

        Raises:
            ScriptError: A line that no reader could see rightly, or that may not stand there.
        """
        if not body:
            raise ScriptError(self.path, start, 'a scene without a cue: indent its lines under '
                              'the directive, after a blank line')
        self.indent = ' ' * depth_of(self.lines[body[0]])
        for index in body:
            raw = self.lines[index]
            if '\t' in raw:
                raise self.fail(index, 'a tab: write blanks, as the terminal shows them')
            if raw.endswith('\r'):
                raise self.fail(index, 'the line ends in CR LF: save the page with LF')
            if control := CONTROL.search(raw):
                raise self.fail(index, f'a control character, {control[0]!r}, which no page can show: '
                                'write a command that prints none')
            if raw != raw.rstrip() and raw.strip():
                raise self.fail(index, 'blanks at the end of the line, which no reader can see: '
                                'remove them, or end the line with \\ if they are output')
            if raw.strip() and not raw.startswith(self.indent):
                raise self.fail(index, 'indented less than the first line of its scene')
            self.line(index, raw[len(self.indent):])
        return self.found

    def line(self, index: int, line: str) -> None:
        """Read a line: what it is by its form, and by what stands above it."""
        form, found = next(((form, found) for form, pattern in FORMS.items()
                            if (found := pattern.match(line))), ('output', None))
        match self.above, form:
            case _, 'prompt':
                if not found[3]:
                    raise self.fail(index, 'a prompt without a command')
                self.add('run', index, found[1] or 'main', found[3], root=found[2] == '#')
                self.above = Above.COMMAND
            case _, 'focus':
                self.add('resume', index, found[1])
                self.above = Above.NAME
            case Above.NOTHING, _:
                raise self.fail(index, 'output before any prompt: a scene begins with "$ command", '
                                '"# command" or "(terminal)"')
            case Above.NAME, 'key':
                self.found[-1].kind = 'key'
                self.more(index, line)
                self.above = Above.OUTPUT
            case _, 'key':
                self.key(index, line)
            case Above.COMMAND, 'more':
                self.more(index, f'{self.found[-1].command}\n{found[1] or ""}')
            case Above.NOTE, _:
                raise self.fail(index, 'output after the note that ends the cue: name the terminal '
                                'that goes on, "(terminal)"')
            case _, 'note':
                self.found[-1].end = self.end(index, found[1])
                self.above = Above.NOTE
            case _:
                self.found[-1].expect.append(None if line == ELLIPSIS else unescape(line))
                self.found[-1].last = index + 1
                self.above = Above.OUTPUT

    def add(self, kind: str, index: int, terminal: str, command: str = '', root: bool = False) -> None:
        """Begin a cue."""
        self.found.append(Cue(kind, terminal, root, index + 1, command, [], index + 1, index + 1,
                              self.indent, AtPrompt()))

    def more(self, index: int, command: str) -> None:
        """Make this the command of the cue; its output begins under this line."""
        cue = self.found[-1]
        cue.command, cue.first, cue.last = command, index + 1, index + 1

    def key(self, index: int, key: str) -> None:
        """Begin a cue with a key in the same terminal; without a note, the one before goes on till then."""
        before = self.found[-1]
        if self.above is not Above.NOTE:
            before.end = Running()
        elif isinstance(before.end, AtPrompt):
            raise self.fail(index, f'a key, but terminal {before.terminal} is at its prompt')
        self.add('key', index, before.terminal, key, before.root)
        self.above = Above.OUTPUT

    def end(self, index: int, note: str) -> End:
        """Return what a note says of the end of its cue."""
        if re.fullmatch('0+', note):
            raise self.fail(index, 'exit status 0 is implied and never written')
        if re.fullmatch(r'\d{1,3}', note) and int(note) < 256:
            return AtPrompt(int(note))
        if note == 'running':
            return Running()
        if blocked := re.fullmatch(r'blocked(?: in (\w+))?', note):
            if blocked[1] in TIMED_SLEEPS:
                raise self.fail(index, f'a process in {blocked[1]} wakes by itself: write '
                                '[running]')
            return Blocked(blocked[1])
        raise self.fail(index, f'unknown note [{note}]: [N], [blocked], [blocked in CALL] and '
                        f'[running] are known; if it is output, write \\[{note}]')


def follow(page: Page) -> None:
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
            if not isinstance(cue.end, AtPrompt):
                busy[cue.terminal] = cue
    _all_ended(page, busy, 'at the end of the page')


def _all_ended(page: Page, busy: dict[str, Cue], when: str) -> None:
    for terminal, cue in busy.items():
        raise ScriptError(page.path, cue.line, f'terminal {terminal} is still busy with '
                          f'"{cue.title()}" {when}: end it, for example with ^C')


def depth_of(line: str) -> int:
    """Return how many blanks a line is indented by."""
    return len(line) - len(line.lstrip())
