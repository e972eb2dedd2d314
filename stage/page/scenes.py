"""A console block as cues: what its lines mean, and who is busy at its end.

The syntax is described in ``docs/contributing.rst``.
"""

from __future__ import annotations

import re

from .model import TIMED_SLEEPS, Cue, End, Page, ScriptError

NAME = r'[A-Za-z][\w-]*'
PROMPT = re.compile(rf'^(?:\(({NAME})\) )?([$#])(?: (.*))?$')
FOCUS = re.compile(rf'^\(({NAME})\)$')
NOTE = re.compile(r'^\[(.*)\]$')
KEY = re.compile(r'^\^([CDZ\\])$')
ELLIPSIS = '...'


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


class Reader:
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
        indent = ' ' * depth_of(self.lines[body[0]])
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
            if cue.end.kind != 'status':
                busy[cue.terminal] = cue
    _all_ended(page, busy, 'at the end of the page')


def _all_ended(page: Page, busy: dict[str, Cue], when: str) -> None:
    for terminal, cue in busy.items():
        raise ScriptError(page.path, cue.line, f'terminal {terminal} is still busy with '
                          f'"{cue.title()}" {when}: end it, for example with ^C')


def depth_of(line: str) -> int:
    return len(line) - len(line.lstrip())
