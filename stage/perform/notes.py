"""The instructor's notes: the text of a page, and what comes next, made plain for a terminal."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from dataclasses import dataclass, field

from ..page.model import COMMENT, DIRECTIVE, LABEL, LITERAL, NOTE, OPTION, UNDERLINE, Cue

ROLE = re.compile(r'(?::[\w:+-]+:)?`([^`<]+?)(?:\s*<[^`>]*>)?`_{0,2}')
STRONG = re.compile(r'(?<![\w*])\*{1,2}(?=\S)([^*\n]+?)(?<=\S)\*{1,2}(?![\w*])')
FIELD = re.compile(r'^:[\w -]+:(?:\s|$)')
BULLET = re.compile(r'^(?:[*+-]|#\.|\d+\.) +')
#: Directives of whose body nothing is said.
UNSAID = LITERAL | {'figure', 'image', 'index', 'meta', 'contents', 'sidebar', 'toctree', 'only'}

BOLD, DIM, REVERSE, GREEN, RED, YELLOW = '1', '2', '7', '32', '31', '33'


@dataclass
class Sheet:
    """What the notes show just now."""

    title: str = ''
    clock: str = ''
    prose: list[str] = field(default_factory=list)
    """Paragraphs."""
    coming: list[str] = field(default_factory=list)
    """The next command and what is expected of it; the first line stands out."""
    held: bool = True
    result: str = ''
    """Of the last cue."""
    message: str = ''
    keys: str = ''


def plain(text: str) -> str:
    """Return a line of reStructuredText without its markup."""
    text = re.sub(r'``(.+?)``', lambda code: code[1].replace('*', '\0'), text)
    text = STRONG.sub(r'\1', ROLE.sub(r'\1', text))
    return re.sub(r'\\(\S)', r'\1', text.replace('\0', '*')).removesuffix('::')


def prose(lines: list[str]) -> list[str]:
    """Return the paragraphs of a part of a page, plain.

    A listing or a figure is only named; other blocks that are not text are left out.
    """
    found: list[str] = []
    open_, index = False, 0
    while index < len(lines) and NOTE.match(lines[index].strip()):
        index += 1  # what the cue before has ended with
    while index < len(lines):
        line = lines[index].rstrip()
        index += 1
        directive, depth = DIRECTIVE.match(line), len(line) - len(line.lstrip())
        if directive or COMMENT.match(line) or LABEL.match(line.strip()):
            open_ = False
            if directive and directive[2] in ('literalinclude', 'figure', 'image'):
                found.append(f'[{(directive[3] or "").removeprefix("../")}]')
            if not directive or directive[2] in UNSAID:
                while index < len(lines) and (not lines[index].strip() or len(lines[index])
                                              - len(lines[index].lstrip()) > depth):
                    index += 1
        elif not line or OPTION.match(line) or FIELD.match(line):
            open_ = False
        elif UNDERLINE.match(line) and found and open_:
            found[-1] = found[-1].upper()
            open_ = False
        elif bullet := BULLET.match(line.strip()):
            found.append('* ' + plain(line.strip()[bullet.end():]))
            open_ = True
        elif open_:
            found[-1] += ' ' + plain(line.strip())
        else:
            found.append(plain(line.strip()))
            open_ = True
    return found


def expected(cue: Cue, rest: list[Cue], waiting: list[str], most: int = 6) -> list[str]:
    """Return what is expected of a cue, and of the ``rest`` that follows by itself; claims first.

    Args:
        cue: To be played.
        rest: What goes with it.
        waiting: Names of blocked terminals.
        most: Lines of output that are shown.
    """
    output = ['  ' + ('...' if line is None else line) for line in cue.expect]
    if len(output) > most:
        output[most - 1:] = [f'  ... {len(output) - most + 1} more lines']
    lines = []
    if cue.end.kind == 'blocked':
        lines.append(f'-> blocks in {cue.end.call or "a system call"}')
    elif cue.end.kind == 'running':
        lines.append('-> goes on running')
    elif cue.end.status:
        lines.append(f'-> exit status {cue.end.status}')
    elif not output:
        lines.append('-> prints nothing')
    for other in rest:
        if other.kind == 'run':
            lines.append(f'-> and at once ({other.terminal}) {prompt(other)} {other.title()}')
            waiting = [*waiting, *([other.terminal] if other.end.kind == 'blocked' else [])]
        elif other.kind == 'key':
            lines.append(f'-> then {other.command} in {other.terminal}')
        else:
            deed = 'wakes' if other.terminal in waiting else 'then goes on:'
            said = ', '.join(line or '...' for line in other.expect[:3])
            lines.append(f'-> {deed} {other.terminal}' + (f': {said}' if said else ''))
    return lines + output


def prompt(cue: Cue) -> str:
    """Return the prompt at which a cue is typed."""
    return '#' if cue.root else '$'


def width(text: str) -> int:
    """Return how many columns a text takes up."""
    return sum(0 if unicodedata.combining(char) else
               2 if unicodedata.east_asian_width(char) in 'WF' else 1 for char in text)


def render(sheet: Sheet, columns: int, rows: int) -> list[str]:
    """Lay out the notes; return at most ``rows`` lines, each with its control sequences.

    When there is no room for all prose, the stage directions (the bullets) come first.
    """
    def styled(style: str, text: str, hang: int = 2) -> list[str]:
        lines = []
        for part in text.split('\n'):
            wrapped = textwrap.wrap(part, columns, subsequent_indent=' ' * hang,
                                    break_on_hyphens=False) or ['']
            lines += [f'\x1b[{style}m{line}\x1b[m' if style else line for line in wrapped]
        return lines

    space = columns - width(sheet.title) - width(sheet.clock)
    title = sheet.title if space > 0 else sheet.title[:columns - width(sheet.clock) - 2] + '… '
    head = f'{title}{" " * space}{sheet.clock}'[:columns]
    result = styled(GREEN if sheet.held else RED, sheet.result)[:4] if sheet.result else []
    message = styled(BOLD + ';' + YELLOW, sheet.message)[:4] if sheet.message else []
    keys = styled(DIM, sheet.keys, 0)
    coming = styled(BOLD, sheet.coming[0], 4)[:4] if sheet.coming else []
    for line in sheet.coming[1:]:
        coming += styled('', line, 4)[:3]
    room = rows - 1 - len(result) - len(message) - len(keys)
    coming = coming[:max(room - 2, 2)]
    room -= len(coming)
    parts = [styled(BOLD if part.startswith('*') else '', part) for part in sheet.prose]
    order = sorted(range(len(parts)), key=lambda part: not sheet.prose[part].startswith('*'))
    chosen: dict[int, list[str]] = {}
    for part in order:
        taken = sum(map(len, chosen.values()))
        if taken + len(parts[part]) > room:
            if room - taken > 0:
                chosen[part] = [*parts[part][:room - taken - 1], '…']
            break
        chosen[part] = parts[part]
    body = [line for part in sorted(chosen) for line in chosen[part]]
    body += [''] * (room - len(body))
    lines = [f'\x1b[{REVERSE}m{head}\x1b[m', *result, *body, *coming, *message]
    return [*lines[:max(rows - len(keys), 1)], *keys][:rows]
