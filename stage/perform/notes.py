"""The instructor's notes: the text before a scene, what comes next, how the last cue went; laid out for a terminal."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from ..check.renaming import Renaming
from ..page.bets import asked, bets
from ..page.model import AtPrompt, Blocked, Cue, Running, Scene
from ..page.prose import plain, prose
from .keys import HELP, Keys
from .places import contents, find
from .plan import Plan
from .timing import Timing

BOLD, DIM, REVERSE, GREEN, RED, YELLOW = '1', '2', '7', '32', '31', '33'
#: How a cue went: as the page says, not so, or not so where it need not be.
HELD, FAILED, DIFFERS = '✓', '✗', '~'
MARKS = {HELD: GREEN, FAILED: RED, DIFFERS: YELLOW}


@dataclass
class Sheet:
    """What the notes show just now."""

    title: str = ''
    clock: str = ''
    prose: list[str] = field(default_factory=list)
    """Paragraphs."""
    coming: list[str] = field(default_factory=list)
    """The next command and what is expected of it; the first line stands out."""
    results: list[str] = field(default_factory=list)
    """Of the last step; each begins with one of :data:`MARKS`."""
    message: str = ''
    keys: str = ''


class Prompter:
    """What the notes say.

    Args:
        plan: Of the page.
        keys: What is being asked there.
    """

    def __init__(self, plan: Plan, keys: Keys) -> None:
        self.plan, self.keys = plan, keys
        self.message = ''
        self.results: list[str] = []  # of the last step, see Sheet
        self.timing = Timing(plan.page)
        self.prose: tuple[int, list[str]] = 0, []

    def tell(self, mark: str, said: str) -> None:
        """Say how a cue went; what did not hold stays until the next step begins."""
        self.results = [result for result in self.results if result[0] != HELD]
        self.results.append(f'{mark} {said}')

    def state(self) -> tuple[object, ...]:
        """Return what the notes depend on, but for the place in the page."""
        keys = self.keys
        return (self.message, [*self.results], keys.asking, keys.chosen, keys.fast, keys.quitting,
                self.timing.seconds())

    def sheet(self, at: int, todo: str, waiting: list[str], renaming: Renaming) -> Sheet:
        """Return what is to be seen before the cue of this index; ``todo`` is what is to be pressed."""
        scene, cue = self.plan.near(at)
        page = self.plan.page
        sheet = Sheet(results=self.results, message=self.message, keys=HELP, clock=self.timing.text(scene))
        number, steps = self.plan.numbered(at)
        sheet.title = f'{scene.number}/{len(page.scenes)} {plain(scene.section)} {number}/{steps}'
        if self.keys.asking is not None:
            sheet.message = f'Jump to scene (number or words, Tab, Enter): {self.keys.asking}_'
            sheet.prose = self._places(self.keys.asking, scene.number)
        elif self.keys.quitting:
            sheet.message = 'Press F10 again to end the performance.'
        if at == len(self.plan):
            sheet.coming = ['THE END']
            return sheet
        if self.keys.asking is None:
            sheet.prose = self._prose(scene)
        rest = [self.plan.cue(index) for index in self.plan.step(at)[1:]]
        said = {'run': f'{prompt(cue)} {renaming.to_real(cue.command)}',
                'key': f'press {cue.command}', 'resume': 'goes on'}[cue.kind]
        sheet.coming = [f'({cue.terminal}) {said}{todo}']
        if scene.predict and cue is scene.cues[asked(scene)]:  # said after Enter, when it has come
            sheet.coming += ['Ask: what comes of it?', *(f'- {bet.text}' for bet in bets(page, scene))]
        else:
            sheet.coming += expected(cue, rest, waiting, renaming.to_real)
        return sheet

    def _places(self, asked: str, after: int) -> list[str]:
        """Return the scenes that may be meant, the chosen one marked; all sections, if nothing is asked for yet."""
        if not asked:
            return contents(self.plan.page)
        scenes = find(self.plan.page, asked, after)
        return [f'{"*" if number == self.keys.chosen % len(scenes) else " "} {scene.number} {plain(scene.section)}'
                for number, scene in enumerate(scenes)] or ['No such scene.']

    def directions(self, scene: Scene) -> list[str]:
        """Return the stage directions before a scene."""
        return [text.removeprefix('* ') for text in self._prose(scene) if text.startswith('* ')]

    def _prose(self, scene: Scene) -> list[str]:
        """Return the text between the last scene and this one."""
        if self.prose[0] != scene.number:
            first = self.plan.cue(self.plan.of(scene)[0] - 1).last if scene.number > 1 else 0
            lines = self.plan.page.text.split('\n')[first:scene.line - 1]
            self.prose = scene.number, prose(lines)
        return self.prose[1]


def expected(cue: Cue, rest: list[Cue], waiting: list[str], to_real: Callable[[str], str], most: int = 6) -> list[str]:
    """Return what is expected of a cue, and of the ``rest`` that follows by itself; claims first.

    Args:
        cue: To be played.
        rest: What goes with it.
        waiting: Names of blocked terminals.
        to_real: Puts the values of this run into a line of the page.
        most: Lines of output that are shown.
    """
    output = ['  ' + ('...' if line is None else to_real(line)) for line in cue.expect]
    if len(output) > most:
        output[most - 1:] = [f'  ... {len(output) - most + 1} more lines']
    lines = []
    match cue.end:
        case Blocked(call):
            lines.append(f'-> blocks in {call or "a system call"}')
        case Running():
            lines.append('-> goes on running')
        case AtPrompt(status) if status:
            lines.append(f'-> exit status {status}')
        case AtPrompt() if not output:
            lines.append('-> prints nothing')
    for other in rest:
        if other.kind == 'run':
            lines.append(f'-> and at once ({other.terminal}) {prompt(other)} {to_real(other.title())}')
            waiting = [*waiting, *([other.terminal] if isinstance(other.end, Blocked) else [])]
        elif other.kind == 'key':
            lines.append(f'-> then {other.command} in {other.terminal}')
        else:
            deed = 'wakes' if other.terminal in waiting else 'then goes on:'
            said = ', '.join(to_real(line) if line else '...' for line in other.expect[:3])
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

    When there is no room for all prose, the stage directions come first.
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
    result = [line for said in sheet.results for line in styled(MARKS[said[0]], said)[:4]]
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
