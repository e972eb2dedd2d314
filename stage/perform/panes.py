"""What is seen of a performance: a pane for each terminal of the scene, and one for the notes."""

from __future__ import annotations

from ..page.model import Cue, Page, Scene
from ..page.prose import plain
from ..sandbox.sandbox import Sandbox
from .layout import Layout, layout
from .listing import pager
from .live import Live
from .screen import STRIP, Pane, Screen, View

#: As in the style sheet of the site, by their numbers.
COLOURS = '#4477aa', '#cc6677', '#228833', '#b8860b', '#aa3377', '#3399aa'
#: With so many rows, the strip shows the last commands even if they can be read in a pane.
ROOMY = 30
Key = tuple[str, bool]


class Panes:
    """The views of the terminals of one scene and of the notes.

    Args:
        screen: Where they are.
        sandbox: Whose terminals are seen.
        page: Gives each terminal its colour.
        film: The notes are not seen.
    """

    def __init__(self, screen: Screen, sandbox: Sandbox, page: Page, film: bool) -> None:
        self.screen, self.sandbox, self.film = screen, sandbox, film
        self.colours = {name: COLOURS[number - 1] for name, number in page.colours().items()}
        self.order = list(dict.fromkeys((cue.terminal, cue.root) for cue in page.cues()))
        self.cast: list[Key] = []
        self.views: dict[Key, View] = {}
        self.beside: View | None = None  # the notes within the stage
        self.notes = screen.notes()
        self.page, self.place = page, ''
        self.lengths: dict[Key, int] = {}
        self.layout, self.window, self.with_notes = Layout(), (0, 0), False  # as last arranged
        self.sources: list[str] = []  # that are listed
        self.roomy = True  # there is room for a strip of several lines
        self.commands: list[tuple[Key, str, str]] = []  # that have been entered
        self.stale = True
        self.states: dict[Key, str] = {}  # that the borders show
        self.hidden = False  # what happens is not shown

    def put_on(self, scene: Scene) -> None:
        """Choose the terminals that are seen: those of a scene, and those where a program sleeps or runs.

        Their order is that of the page, so that none ever changes sides with another.
        """
        needed = {(cue.terminal, cue.root) for cue in scene.cues}
        needed |= {key for key, terminal in self.sandbox.terminals.items()
                   if isinstance(terminal, Live) and not terminal.prompted and not terminal.gone}
        self.cast = sorted(needed, key=self.order.index)
        self.lengths = longest_lines(self.page, scene)
        self.place = f'{scene.number}/{len(self.page.scenes)} {plain(scene.section)}'

    def well_arranged(self) -> bool:
        """Whether the panes can stay as they are."""
        return [*self.views] == self.cast and self._layout() == self.layout

    def _layout(self) -> Layout:
        return layout(*self.window, [self.lengths.get(key, 0) for key in self.cast] or [0], self.with_notes,
                      listing=bool(self.sources))

    def arrange(self, with_notes: bool, sources: list[str]) -> bytes:
        """Show the terminals.

        Args:
            with_notes: The notes are wanted; they are beside the stage unless it is a film, or somebody else has them.
            sources: Paths of programs that are to be listed.

        Returns:
            What has been typed into the notes that were there before.
        """
        self.stale = False
        columns, rows = self.screen.room()
        self.roomy = rows >= ROOMY
        self.screen.give_strip(STRIP if self.roomy else max(min(len(self._commands()), STRIP), 1))
        self.window = columns, rows - self.screen.lines
        self.with_notes = with_notes and not self.film and 'notes' not in self.screen.attached()
        self.sources = sources
        self.layout = self._layout()
        panes = [Pane(name + (' #' if root else ''), self.colours[name]) for name, root in self.cast]
        views = self.screen.arrange(panes or [Pane('', 'default')], self.layout, pager(sources) if sources else ())
        for key, view in self.views.items():  # where keys have gone until now
            self.typed(key, view.rest())
            view.close()
        pressed = b''
        if self.beside:
            pressed = self.beside.rest()
            self.beside.close()
        self.screen.leave()
        self.beside, self.states = views.get('notes'), {}
        self.views = {key: views[str(number)] for number, key in enumerate(self.cast) if str(number) in views}
        known = self.screen.sizes()
        for view in [*self.views.values(), *self.sheets()]:
            view.size = known.get(view.path, view.size)
        for key in self.views:
            self.begin(key)
        self.strip()
        return pressed

    def begin(self, key: Key) -> None:
        """Show a terminal in its pane, which is empty."""
        terminal = self.sandbox.terminals[key]
        if isinstance(terminal, Live):
            terminal.resize(*self.views[key].size)
            self.show(key, terminal.picture())

    def show(self, key: Key, data: bytes) -> None:
        """Show what a terminal has printed just now."""
        if key in self.views and not self.hidden:
            self.views[key].write(data)

    def tell(self, states: dict[Key, str]) -> None:
        """Say in the borders what happens in the terminals, where it is something else than before."""
        keys = [*self.views]
        new = {key: text for key, text in states.items() if key in keys and self.states.get(key) != text}
        if new and not self.hidden:
            self.screen.tell({keys.index(key): text for key, text in new.items()})
            self.states |= new

    def draw(self, view: View, lines: list[str]) -> None:
        """Show the notes."""
        text = '\x1b[K\r\n'.join(lines)
        view.write(f'\x1b[?25l\x1b[H{text}\x1b[K\x1b[J'.encode())

    def sheets(self) -> list[View]:
        """Return where the notes are seen."""
        return [view for view in (self.notes, self.beside) if view]

    def typed(self, key: Key, data: bytes) -> None:
        """Pass on what somebody has typed into a terminal."""
        terminal = self.sandbox.terminals.get(key)
        if data and isinstance(terminal, Live) and not terminal.gone:
            terminal.touched = True
            terminal.write(data)

    def read(self, fd: int) -> bytes:
        """Pass on what has been typed into a pane; return what has been pressed in the notes."""
        for key, view in [*self.views.items()]:
            if view.fd == fd:
                data = view.read()
                if not data:
                    self.views.pop(key).close()
                    self.stale = True
                self.typed(key, data)
        for view in self.sheets():
            if view.fd == fd:
                if data := view.read():
                    return data
                self._lost(view)
        return b''

    def _lost(self, view: View) -> None:
        """Open the notes again."""
        view.close()
        if view is self.notes:
            self.notes = self.screen.notes()
        else:
            self.beside, self.stale = None, True

    def fit(self, key: Key) -> None:
        """Give a terminal the size of its pane, if it could not have it before."""
        terminal = self.sandbox.terminals.get(key)
        if isinstance(terminal, Live) and key in self.views and terminal.resize(*self.views[key].size):
            self.show(key, terminal.picture())

    def focus(self, cue: Cue) -> None:
        """Let the keys go to the terminal of a cue."""
        if not self.hidden and (cue.terminal, cue.root) in self.views:
            self.screen.focus([*self.views].index((cue.terminal, cue.root)))

    def entered(self, key: Key, command: str, text: str) -> None:
        """Note a command that has been entered; ``text`` is how the strip shows it."""
        self.commands.append((key, command, text))
        if self.roomy:
            self.strip()  # else when it can be told whether it is seen in its pane

    def strip(self) -> None:
        """Show the last commands, and where on the page we are."""
        if not self.hidden:
            self.screen.strip(self._commands(), self.place)

    def _commands(self) -> list[str]:
        """Return the last commands; where there is little room, only those that cannot be read in a pane."""
        def seen(key: Key, command: str) -> bool:
            terminal = self.sandbox.terminals.get(key)
            return key in self.cast and isinstance(terminal, Live) and terminal.shows(command)

        return [text for key, command, text in self.commands[-STRIP:] if self.roomy or not seen(key, command)]


def longest_lines(page: Page, scene: Scene) -> dict[Key, int]:
    """Return how many columns each terminal needs, for the last scene up to this one in which it does something."""
    found: dict[Key, int] = {}
    for other in page.scenes[:scene.number]:
        here: dict[Key, int] = {}
        for cue in other.cues:
            lines = [f'$ {line}' for line in cue.command.split('\n')] + [line or '' for line in cue.expect]
            key = cue.terminal, cue.root
            here[key] = max([here.get(key, 0), *map(len, lines)])
        found |= here
    return found
