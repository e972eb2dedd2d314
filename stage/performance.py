"""Play a page in front of a class: the instructor presses a key a step, all else is as rehearsed.

PageDown goes a step on (:mod:`stage.plan`), in two presses: the first types the command, a letter
at a time (pressed again meanwhile, it is there at once), the second presses Enter. With F9, *fast*,
one press does both. A key, and a terminal that goes on, need one press. If Enter has been pressed
by hand, that is fine, too.

All other keys go to the terminal that has the focus. Whatever is done there, the next step is
played when its terminal is at its prompt again; until then, the notes say why not.
"""

from __future__ import annotations

import collections
import fcntl
import functools
import re
import select
import struct
import termios
import time
from collections.abc import Callable

from . import notes
from .isolation import Stage
from .live import CLEAR_LINE, Live
from .matching import Renaming
from .plan import contents, find, steps
from .player import Failed, Failure, Player
from .rehearsal import Result
from .script import Cue, Page, Scene
from .terminal import Observation, Terminal
from .tmux import SEQUENCES, Pane, Screen, View

#: As in the style sheet of the site, by their numbers.
COLOURS = '#4477aa', '#cc6677', '#228833', '#b8860b', '#aa3377', '#3399aa'
HELP = ('PgDn next  PgUp back  F4 pane  F5 retry  F6 skip  F7 jump  F8 reset  F9 fast  '
        'F10 quit')
#: Seconds between two letters that are typed.
LETTER = 0.03
Key = tuple[str, bool]


class Interrupted(Exception):
    """A key has been pressed that ends waiting."""


class Performance(Player):
    """Plays a page on a screen.

    Args:
        page: What to play.
        stage: Where; its terminals are :class:`stage.live.Live`.
        screen: What is seen of it.
        auto: Nobody presses a key; what does not hold ends the performance.
        deadline: Seconds beyond the programs' own sleeping.
        pace: With ``auto``, seconds between two steps; if not 0, commands are typed visibly.
        hint: How the second screen is attached.
    """

    def __init__(self, page: Page, stage: Stage, screen: Screen, auto: bool, deadline: float,
                 pace: float = 0, hint: str = '') -> None:
        super().__init__(page, stage, deadline, self.turn)
        self.screen, self.auto, self.pace = screen, auto, pace
        self.fast = auto
        self.message, self.hint = '', hint
        self.cues = [(scene, cue) for scene in page.scenes for cue in scene.cues]
        self.colours = {name: COLOURS[number - 1] for name, number in page.colours().items()}
        lengths = [length for scene in page.scenes for length in steps(scene)]
        self.step_starts = [sum(lengths[:number]) for number in range(len(lengths))]
        self.at = 0  # index of the next cue
        self.scene: Scene | None = None  # that is on stage
        self.typed: dict[int, tuple[str, int]] = {}  # cue -> what stands at the prompt, since when
        self.bound: dict[int, set[tuple[str, str]]] = {}  # cue -> values that it has brought
        self.commands: list[str] = []  # that have been entered
        self.result = Result(page)
        self.held, self.said = True, ''  # of the last cue
        self.asking: str | None = None  # what has been typed after F7
        self.keys: collections.deque[str] = collections.deque()
        self.playing = self.silent = self.rush = self.quitting = False
        self.look_again = True  # at the screen: its size, and who is attached
        self.began: float | None = None
        self.views: dict[Key, View] = {}
        self.beside: View | None = None  # the notes within the stage
        self.notes = screen.notes()
        self.drawn: object = None
        self.prose: tuple[int, list[str]] = 0, []

    # ------------------------------------------------------------------ driving

    def play(self, scene: int = 1, wait_for_client: bool = False) -> Result:
        """Play from this scene on, to the end or until F10."""
        began = time.monotonic()
        while wait_for_client and not self.screen.attached():
            if time.monotonic() - began > self.clock.deadline:
                break
            self.turn(None, 0.05)
        try:
            self.rewind(self.page.scenes[scene - 1])
            self.message = self.hint
            if self.auto:
                self._all()
            else:
                self._as_told()
        except Failed as failed:
            self.result.failures.append(failed.failure)
        self.result.terminals = len(self.names)
        self.result.seconds = time.monotonic() - began
        self.result.slept = self.clock.slept
        return self.result

    def _all(self) -> None:
        while self.at < len(self.cues) and not self.result.failures:
            self.rest(self.pace)
            if not self.next() and not self.result.failures:
                raise Failed(Failure(self.cues[self.at][1], self.message, [], []))
        self.rest(self.pace)
        if not self.result.failures:
            self.finish(check=True)

    def _as_told(self) -> None:
        deeds: dict[str, Callable[[], object]] = {
            'next': self.next, 'back': self.back, 'retry': self.retry, 'skip': self.skip,
            'reset': self.reset}
        while True:
            self.turn(None, 1)
            while self.keys:
                key = self.keys.popleft()
                if key == 'quit':
                    return
                self.began = self.began or time.monotonic()
                try:
                    if key.startswith('scene '):
                        self.rewind(self.page.scenes[int(key[6:]) - 1])
                    else:
                        deeds[key]()
                except Interrupted:
                    pass  # by a key that comes next
                except Failed as failed:
                    self.held, self.said = False, f'✗ {failed}'

    def rest(self, seconds: float) -> None:
        """Let time pass."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.turn(None, left)

    # -------------------------------------------------------------------- deeds

    def next(self) -> bool:
        """Play a step, or type its command; return False if nothing has been done."""
        if self.at >= len(self.cues):
            self.message = 'That was the last step. F10 ends the performance.'
            return False
        self.message = ''
        scene, cue = self.cues[self.at]
        if self.left_out(scene):
            count = len(scene.cues) - scene.cues.index(cue)
            self.result.skipped += count
            self.at += count
            self.message = f'Scene {scene.number} needs the private stage, and is left out.'
            return True
        self.enter_scene(scene)
        step = range(self.at, self._end_of_step())
        if not self.typed:
            if why := self._busy(self.at):
                self.message = why
                return False
            self._type_step(step)
            if self.typed and not self.fast:
                return True
        return all(self._perform(index) for index in step)

    def back(self) -> None:
        """Go back a step; nothing is undone."""
        self._untype()
        self.at = max([start for start in self.step_starts if start < self.at], default=0)
        self.message = ''

    def skip(self) -> None:
        """Go on a step without playing it."""
        self._untype()
        self.at = self._end_of_step()
        self.message = ''

    def retry(self) -> None:
        """Play the last step again."""
        self.back()
        if self.next() and self.typed:
            self.next()

    def reset(self) -> None:
        """Begin the scene again, on a stage as it was then."""
        self.rewind(self.scene or self.cues[min(self.at, len(self.cues) - 1)][0])

    def rewind(self, scene: Scene) -> None:
        """Empty the stage, and play silently from the last fresh scene up to this one."""
        self._untype()
        self.waiting.clear()
        self.bound.clear()
        self.stage.begin_again()
        self.renaming = Renaming(self.stage.words())
        self.commands.clear()
        self.scene, self.said = None, ''
        start = max((other.number for other in self.page.scenes[:scene.number] if other.fresh),
                    default=1)
        self.silent = self.playing = True
        try:
            for other in self.page.scenes[start - 1:scene.number - 1]:
                if self.left_out(other):
                    continue
                self.message = f'Replaying scene {other.number} of {scene.number - 1} ...'
                for cue in other.cues:
                    self.open(cue)
                for index in range(self._first(other), self._first(other) + len(other.cues)):
                    self.at = index
                    self._play(index)
            self.at, self.message = self._first(scene), ''
        finally:
            self.silent = self.playing = False
            shown = self.cues[self.at][0]
            self.scene = None
            if not self.left_out(shown):
                self.enter_scene(shown, cleared=True)

    # -------------------------------------------------------------------- parts

    def _first(self, scene: Scene) -> int:
        return sum(len(other.cues) for other in self.page.scenes[:scene.number - 1])

    def _end_of_step(self) -> int:
        return min((start for start in self.step_starts if start > self.at),
                   default=len(self.cues))

    def left_out(self, scene: Scene) -> bool:
        """On the machine itself, a private scene is shown, but cannot be compared."""
        return super().left_out(scene) or (
            self.stage.level == 'host' and self.auto and scene.private)

    def enter_scene(self, scene: Scene, cleared: bool = False) -> None:
        """Put the terminals of a scene on stage."""
        if self.scene is scene:
            return
        if scene.fresh and self.at == self._first(scene) and not cleared:
            self.finish(check=self.auto)
            cleared = True
        for cue in scene.cues:
            self.open(cue)
        self.scene = scene
        if cleared or [*self.views] != self._cast():
            self.arrange()

    def _cast(self) -> list[Key]:
        """Return the terminals of the scene that is on stage."""
        cues = self.scene.cues if self.scene else []
        return list(dict.fromkeys((cue.terminal, cue.root) for cue in cues))

    def _terminal(self, cue: Cue) -> Live:
        terminal = self.stage.terminal(cue.terminal, cue.root)
        assert isinstance(terminal, Live)
        return terminal

    def open(self, cue: Cue) -> None:
        """Open a terminal, again if its shell has been ended by hand."""
        terminal = self._terminal(cue)
        if terminal.ended():
            terminal.close()
            del self.stage.terminals[cue.terminal, cue.root]
            terminal = self._terminal(cue)
        super().open(cue)
        key = cue.terminal, cue.root
        terminal.show = lambda data: self._show(key, data)

    def _show(self, key: Key, data: bytes) -> None:
        if key in self.views and not self.silent:
            self.views[key].write(data)

    def _busy(self, index: int) -> str:
        """Return why a cue cannot be played now, if so."""
        cue = self.cues[index][1]
        terminal = self._terminal(cue)
        terminal.pump()
        if cue.kind != 'run' or terminal.prompted:
            return ''
        return (f'Nothing typed: terminal {cue.terminal} is busy ({terminal.state()}). '
                'Press Ctrl-C there, or F6 to skip.')

    def _type_step(self, step: range) -> None:
        """Type the commands of a step, as far as their terminals are at their prompts."""
        busy: list[Terminal] = []
        for index in step:
            cue = self.cues[index][1]
            terminal = self._terminal(cue)
            if cue.kind == 'run' and terminal not in busy and terminal.prompted:
                if not busy:
                    self._focus(cue)
                self._type(terminal, index, self.renaming.to_real(cue.command))
            busy.append(terminal)

    def _type(self, terminal: Live, index: int, command: str) -> None:
        """Type a command; Enter is still to be pressed."""
        if terminal.touched or index in self.typed:
            terminal.write(CLEAR_LINE.encode())
        terminal.begin(command)
        self.typed[index] = command, terminal.entered
        slow = not self.silent and (self.pace > 0 if self.auto else not self.fast)
        self.rush, playing, self.playing = False, self.playing, True
        try:
            for number, line in enumerate(command.split('\n')):
                if number:
                    terminal.write(b'\r')
                    self.clock.wait(terminal, functools.partial(terminal.asks_for_line, number))
                for letter in line if slow else [line]:
                    terminal.write(letter.encode())
                    if slow and not self.rush:
                        self.rest(LETTER)
        finally:
            self.playing = playing

    def _untype(self) -> None:
        """Take away what has been typed and not been entered."""
        for index, (command, entered) in self.typed.items():
            terminal = self.stage.terminals.get(
                (self.cues[index][1].terminal, self.cues[index][1].root))
            if isinstance(terminal, Live) and terminal.entered == entered and not terminal.gone:
                terminal.write(b'\x03' if '\n' in command else CLEAR_LINE.encode())
                terminal.busy = False
        self.typed.clear()

    def _enter(self, terminal: Terminal, command: str) -> None:
        """Press Enter; type the command before, if it does not stand there."""
        assert isinstance(terminal, Live)
        text, entered = self.typed.get(self.at, ('', terminal.entered))
        if terminal.entered == entered:
            if text != command or terminal.touched:
                self._type(terminal, self.at, command)
            terminal.enter()
        self.typed.pop(self.at, None)
        cue = self.cues[self.at][1]
        self.commands.append(f'({cue.terminal}) {notes.prompt(cue)} '
                             + command.replace('\n', ' ⏎ '))
        if not self.silent:
            self.screen.strip(self.commands)

    def _play(self, index: int) -> None:
        """Play a cue, and note which values of the page it has brought."""
        self.renaming.forget(self.bound.pop(index, ()))
        before = set(self.renaming.real)
        try:
            self.play_cue(self.cues[index][1])
        finally:
            self.bound[index] = set(self.renaming.real) - before

    def _perform(self, index: int) -> bool:
        """Play a cue in front of all; return False if the rest of its step cannot be."""
        self.at, cue = index, self.cues[index][1]
        terminal = self._terminal(cue)
        if index not in self.typed and (why := self._busy(index)):
            self.message = why
            return False
        if cue.kind != 'run' and not terminal.busy:
            self.held, self.at = False, index + 1
            self.said = f'✗ passed over: terminal {cue.terminal} is at its prompt already'
            return not self.auto
        if index not in self.typed:
            self._focus(cue)
        self.playing = True
        self.result.cues += 1
        try:
            self._play(index)
            self.held, self.said = True, f'✓ {cue.title()}'
        except Failed as failed:
            self.held, self.said = False, f'✗ {cue.title()}: {failed}'
            if self.auto:
                self.result.failures.append(failed.failure)
        except Interrupted:
            self.held, self.said = False, f'✗ {cue.title()}: given up'
            self.at += self.keys[0] in ('back', 'retry')  # this step is meant, not the one before
            raise
        finally:
            self.playing = False
            self.typed.pop(index, None)
        self.at = index + 1
        self._fit((cue.terminal, cue.root))
        return True

    def _nobody_else_woken(self, cue: Cue) -> None:
        """As rehearsed; but somebody may have woken one by hand."""
        if self.auto:
            super()._nobody_else_woken(cue)
        for terminal in [terminal for terminal in self.waiting if terminal.woken()]:
            del self.waiting[terminal]
            self.message = f'Terminal {terminal.name} has been woken, though not by the page.'

    # ------------------------------------------------------- the screen, the keys

    def turn(self, terminal: Terminal | None, seconds: float) -> None:
        """Pass on what is printed and typed, waiting for it up to ``seconds``.

        Raises:
            Interrupted: A cue is being played, and a key ends that.
        """
        terminals = {other.fd: other for other in self.stage.terminals.values() if not other.gone}
        views = {view.fd: key for key, view in self.views.items()}
        sheets = {view.fd: view for view in (self.notes, self.beside) if view}
        if self.look_again and not self.silent:
            self.look_again = False
            self.arrange()
            return
        self.draw()
        for fd in select.select([*terminals, *views, *sheets], [], [], min(seconds, 1))[0]:
            if fd in terminals:
                try:
                    terminals[fd].pump()
                except Observation:
                    if self.playing:
                        raise
            elif fd in views:
                data = self.views[views[fd]].read()
                if not data:
                    self.views.pop(views[fd]).close()
                    self.look_again = True
                self._typed_in(views[fd], data)
            elif data := sheets[fd].read():
                self._pressed(data)
            else:
                self._lost(sheets[fd])
        if not self.playing:
            self._revive()
        self.draw()
        if self.auto and 'quit' in self.keys:
            raise KeyboardInterrupt
        while self.playing and self.keys:
            if self.keys[0] != 'next':
                raise Interrupted
            self.keys.popleft()
            self.rush = True
            if self.at not in self.typed:
                cue = self.cues[self.at][1]
                self.message = (f'Still waiting for terminal {cue.terminal} '
                                f'({self._terminal(cue).state()}). F6 gives up.')

    def _revive(self) -> None:
        """Open terminals again whose shells have been ended by hand."""
        for key in [key for key, terminal in self.stage.terminals.items() if terminal.ended()]:
            self.playing = True
            self.open(next(cue for _, cue in self.cues if (cue.terminal, cue.root) == key))
            self.playing, terminal = False, self.stage.terminals[key]
            if isinstance(terminal, Live):
                self._fit(key)
                self._show(key, terminal.last_screen())

    def _lost(self, view: View) -> None:
        """Open the notes again."""
        view.close()
        if view is self.notes:
            self.notes = self.screen.notes()
            self.drawn = None
        else:
            self.beside, self.look_again = None, True

    def _key(self, key: str) -> None:
        """Understand a key that has come to the notes."""
        deed = SEQUENCES.get(key)
        if deed == 'screen':
            self.look_again = True
            return
        quitting, self.quitting = self.quitting, False
        if self.asking is not None and not deed:
            if key == '\r':
                self._asked(self.asking)
            elif key == '\x7f':
                self.asking = self.asking[:-1]
            elif key == '\x1b':
                self.asking = None
            elif key.isprintable():
                self.asking += key
        elif deed == 'jump':
            self.asking = ''
        elif deed == 'fast':
            self.fast = not self.fast
        elif deed == 'quit' and not quitting:
            self.quitting = True
        elif deed:
            self.asking = None
            self.keys.append(deed)

    def _asked(self, asked: str) -> None:
        """Jump to a scene, given by its number or by words of its section's title."""
        self.asking = None
        scene = find(self.page, asked)
        if scene:
            self.keys.append(f'scene {scene.number}')
        else:
            self.message = f'No scene "{asked}": give its number, or a part of a title.'

    def _typed_in(self, key: Key, data: bytes) -> None:
        """Pass on what somebody has typed into a terminal."""
        terminal = self.stage.terminals.get(key)
        if data and isinstance(terminal, Live) and not terminal.gone:
            terminal.touched = True
            terminal.write(data)

    def _pressed(self, data: bytes) -> None:
        """Take the keys that have come to the notes."""
        for key in re.findall(r'\x1b\[\d+~|[\s\S]', data.decode(errors='replace')):
            self._key(key)

    def arrange(self) -> None:
        """Show the terminals of the scene, and, but for a film, the notes if nobody else does."""
        panes = [Pane(name + (' #' if root else ''), self.colours[name])
                 for name, root in self._cast()]
        film = self.auto and self.pace > 0
        views, beside = self.screen.arrange(
            panes or [Pane('', 'default')], not film and 'notes' not in self.screen.attached())
        for key, view in self.views.items():  # where keys have gone until now
            self._typed_in(key, view.rest())
            view.close()
        if self.beside:
            self._pressed(self.beside.rest())
            self.beside.close()
        self.screen.leave()
        self.beside = beside
        self.views = dict(zip(self._cast(), views, strict=False))
        for key, view in self.views.items():
            terminal = self.stage.terminals[key]
            self._fit(key)
            if isinstance(terminal, Live):
                view.write(terminal.last_screen())
        self.drawn = None
        self.screen.strip(self.commands)
        if self.at < len(self.cues) and self.cues[self.at][0] is self.scene:
            self._focus(self.cues[self.at][1])

    def _fit(self, key: Key) -> None:
        """Tell a terminal its size, but not while a cue goes on: strace(1) shows the signal."""
        terminal = self.stage.terminals.get(key)
        if terminal and key in self.views and not terminal.busy and not terminal.gone:
            size = struct.pack('HHHH', *self.views[key].size(), 0, 0)
            if fcntl.ioctl(terminal.fd, termios.TIOCGWINSZ, bytes(8)) != size:
                fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, size)

    def _focus(self, cue: Cue) -> None:
        if not self.silent and (cue.terminal, cue.root) in self.views:
            self.screen.focus([*self.views].index((cue.terminal, cue.root)))

    def draw(self) -> None:
        """Draw the notes, where something has changed."""
        seconds = int(time.monotonic() - self.began) if self.began else 0
        state = (self.at, bool(self.typed), self.playing, self.message, self.said, self.asking,
                 self.fast, self.quitting, seconds)
        if state == self.drawn:
            return
        self.drawn = state
        sheet = self._sheet(seconds)
        for view in (self.notes, self.beside):
            if view:
                rows, columns = view.size()
                lines = '\x1b[K\r\n'.join(notes.render(sheet, columns, rows))
                view.write(f'\x1b[?25l\x1b[H{lines}\x1b[K\x1b[J'.encode())

    def _sheet(self, seconds: int) -> notes.Sheet:
        scene, cue = self.cues[min(self.at, len(self.cues) - 1)]
        sheet = notes.Sheet(held=self.held, result=self.said, message=self.message, keys=HELP)
        before = [section for section in self.page.sections if section.line < scene.line]
        done = sum(section.minutes for section in before)
        planned = sum(section.minutes for section in self.page.sections)
        sheet.title = f'{scene.number}/{len(self.page.scenes)} {notes.plain(scene.section)}'
        sheet.clock = f'{seconds // 60}:{seconds % 60:02}' + (
            f' planned {done - before[-1].minutes}-{done} of {planned}' if planned else '')
        if self.asking is not None:
            sheet.message = f'Jump to scene (number or title, Enter): {self.asking}_'
            sheet.prose = contents(self.page)
        elif self.quitting:
            sheet.message = 'Press F10 again to end the performance.'
        if self.at == len(self.cues):
            sheet.coming = ['THE END']
            return sheet
        if self.asking is None:
            sheet.prose = self._prose(scene)
        waiting = [terminal.name for terminal in self.waiting]
        rest = [cue for _, cue in self.cues[self.at + 1:self._end_of_step()]]
        said = {'run': f'{notes.prompt(cue)} {self.renaming.to_real(cue.command)}',
                'key': f'press {cue.command}', 'resume': 'goes on'}[cue.kind]
        todo = ' [Enter]' if self.typed and not self.playing else ' [fast]' if self.fast else ''
        sheet.coming = [f'({cue.terminal}) {said}{todo}', *notes.expected(cue, rest, waiting)]
        return sheet

    def _prose(self, scene: Scene) -> list[str]:
        """Return the text between the last scene and this one."""
        if self.prose[0] != scene.number:
            first = self.cues[self._first(scene) - 1][1].last if scene.number > 1 else 0
            lines = self.page.text.split('\n')[first:scene.line - 1]
            self.prose = scene.number, notes.prose(lines)
        return self.prose[1]
