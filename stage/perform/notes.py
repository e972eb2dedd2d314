"""The instructor's notes: the text before a scene, what comes next, how the last cue went."""

from __future__ import annotations

from collections.abc import Callable

from ..check.renaming import Renaming
from ..page.bets import asked, bets
from ..page.model import AtPrompt, Blocked, Cue, Running, Scene
from ..page.prose import plain, spoken
from .keys import HELP, LETTERS_HELP, Keys
from .places import contents, find
from .plan import Plan
from .sheet import HELD, Sheet
from .timing import Timing

#: What the notes say of a program.
SHOWN = 'Show: code/'


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
        return self.message, [*self.results], self.keys.state(), self.timing.seconds()

    def sheet(self, at: int, todo: str, waiting: list[str], renaming: Renaming) -> Sheet:
        """Return what is to be seen before the cue of this index; ``todo`` is what is to be pressed."""
        scene, cue = self.plan.near(at)
        page = self.plan.page
        sheet = Sheet(results=self.results, message=self.message, clock=self.timing.text(scene),
                      scrolled=self.keys.scrolled)
        sheet.keys = f'{HELP}\n{LETTERS_HELP}' if self.keys.help else f'{HELP}  ? letters'
        number, steps = self.plan.numbered(at)
        sheet.title = f'{scene.number}/{len(page.scenes)} {plain(scene.section)} {number}/{steps}'
        if self.keys.asking is not None:
            sheet.message = f'Jump to scene (number or words, Tab, Enter): {self.keys.asking}_'
            sheet.prose = self._places(self.keys.asking, scene.number)
        elif self.keys.quitting:
            sheet.message = 'Press it again to end the performance.'
        if at == len(self.plan):
            sheet.coming = 'THE END'
            return sheet
        if self.keys.asking is None:
            sheet.prose = self._prose(scene)
        rest = [self.plan.cue(index) for index in self.plan.step(at)[1:]]
        said = {'run': f'{prompt(cue)} {renaming.to_real(cue.command)}',
                'key': f'press {cue.command}', 'resume': 'goes on'}[cue.kind]
        sheet.coming = f'({cue.terminal}) {said}{todo}'
        sheet.question = ['Ask: what comes of it?']
        if scene.predict and cue is scene.cues[asked(scene)]:
            sheet.question += [f'- {bet.text}' for bet in bets(page, scene)]
        sheet.expected = expected(cue, rest, waiting, renaming.to_real)
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

    def shown(self, scene: Scene) -> list[str]:
        """Return the programs that are to be shown before a scene, as ``shm/030-shm-produce.c``."""
        return [text.removeprefix(SHOWN) for text in self._prose(scene) if text.startswith(SHOWN)]

    def _prose(self, scene: Scene) -> list[str]:
        """Return what is to be said between the last scene and this one."""
        if self.prose[0] != scene.number:
            first = self.plan.cue(self.plan.of(scene)[0] - 1).last if scene.number > 1 else 0
            self.prose = scene.number, spoken(self.plan.page.text, first, scene.line - 1)
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
