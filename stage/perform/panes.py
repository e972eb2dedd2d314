"""What is seen of a performance: a pane for each terminal of the scene, and one for the notes."""

from __future__ import annotations

from ..page.model import Cue, Page, Scene
from ..sandbox.sandbox import Sandbox
from .kernel import render
from .layout import Layout, layout
from .listing import pager
from .live import Live
from .screen import Pane, Screen, View
from .strip import Key, Strip

#: As in the style sheet of the site, by their numbers.
COLOURS = '#4477aa', '#cc6677', '#228833', '#b8860b', '#aa3377', '#3399aa'
#: Rows of what the kernel sees, where there is room and where there is little.
KERNEL = 6, 4


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
        self.others: dict[str, View] = {}  # what else is on the stage: the notes, what the kernel sees
        self.notes = screen.notes()
        self.page, self.strip = page, Strip(screen, sandbox, page)
        self.lengths: dict[Key, int] = {}
        self.layout, self.window, self.wanted = Layout(), (0, 0), (False, False)  # as last arranged
        self.sources: list[str] = []  # that are listed
        self.stale = True
        self.states: dict[Key, str] = {}  # that the borders show
        self.seen: list[str] = []  # by the kernel, as it is shown
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
        self.strip.put_on(scene, self.cast)

    def well_arranged(self) -> bool:
        """Whether the panes can stay as they are."""
        return [*self.views] == self.cast and self._layout() == self.layout

    def _layout(self) -> Layout:
        notes, kernel = self.wanted
        return layout(*self.window, [self.lengths.get(key, 0) for key in self.cast] or [0], notes,
                      KERNEL[not self.strip.roomy] if kernel else 0, listing=bool(self.sources))

    def arrange(self, notes: bool, kernel: bool, sources: list[str]) -> bytes:
        """Show the terminals.

        Args:
            notes: They are wanted; they are beside the stage unless it is a film, or somebody else has them.
            kernel: What it sees is wanted.
            sources: Paths of programs that are to be listed.

        Returns:
            What has been typed into the notes that were there before.
        """
        self.stale = False
        columns, rows = self.screen.room()
        self.strip.fit(rows)
        self.window = columns, rows - self.screen.lines
        self.wanted = notes and not self.film and 'notes' not in self.screen.attached(), kernel
        self.sources = sources
        self.layout = self._layout()
        panes = [Pane(name + (' #' if root else ''), self.colours[name]) for name, root in self.cast]
        views = self.screen.arrange(panes or [Pane('', 'default')], self.layout, pager(sources) if sources else ())
        for key, view in self.views.items():  # where keys have gone until now
            self.typed(key, view.rest())
            view.close()
        pressed = b''
        for view in self.others.values():
            pressed += view.rest()
            view.close()
        self.screen.leave()
        self.others = {name: view for name, view in views.items() if not name.isdecimal()}
        self.states, self.seen = {}, []
        self.views = {key: views[str(number)] for number, key in enumerate(self.cast) if str(number) in views}
        known = self.screen.sizes()
        for view in self.all():
            view.size = known.get(view.path, view.size)
        for key in self.views:
            self.fit(key, empty=True)
        self.strip.draw()
        return pressed

    def show(self, key: Key, data: bytes) -> None:
        """Show what a terminal has printed just now."""
        if key in self.views and not self.hidden:
            self.views[key].write(data)

    def show_kernel(self, seen: list[str]) -> None:
        """Say what the kernel sees, if that is wanted and something else than before."""
        if (view := self.others.get('kernel')) and seen != self.seen:
            rows, columns = view.size
            view.draw(render(seen, self.seen, columns, rows))
            self.seen = seen

    def tell(self, states: dict[Key, str]) -> None:
        """Say in the borders what happens in the terminals, where it is something else than before."""
        keys = [*self.views]
        new = {key: text for key, text in states.items() if key in keys and self.states.get(key) != text}
        if new and not self.hidden:
            self.screen.tell({keys.index(key): text for key, text in new.items()})
            self.states |= new

    def sheets(self) -> list[View]:
        """Return where the notes are seen."""
        return [self.notes, *(view for name, view in self.others.items() if name == 'notes')]

    def all(self) -> list[View]:
        """Return all that is seen and can be typed in."""
        return [*self.views.values(), self.notes, *self.others.values()]

    def typed(self, key: Key, data: bytes) -> None:
        """Pass on what somebody has typed into a terminal."""
        terminal = self.sandbox.terminals.get(key)
        if data and isinstance(terminal, Live) and not terminal.gone:
            terminal.touched = True
            terminal.write(data)

    def read(self, fd: int) -> bytes:
        """Pass on what has been typed into a pane; return what has been pressed where no terminal is."""
        for key, view in [*self.views.items()]:
            if view.fd == fd:
                data = view.read()
                if not data:
                    self.views.pop(key).close()
                    self.stale = True
                self.typed(key, data)
        for view in [self.notes, *self.others.values()]:
            if view.fd == fd:
                if data := view.read():
                    return data
                self._lost(view)
        return b''

    def _lost(self, view: View) -> None:
        """Open again what was not the pane of a terminal."""
        view.close()
        if view is self.notes:
            self.notes = self.screen.notes()
        else:
            self.others = {name: other for name, other in self.others.items() if other is not view}
            self.stale = True

    def fit(self, key: Key, empty: bool = False) -> None:
        """Give a terminal the size of its pane; show it, if it had another one, or if the pane is empty."""
        terminal = self.sandbox.terminals.get(key)
        if isinstance(terminal, Live) and key in self.views:
            if terminal.resize(*self.views[key].size) or empty:
                self.show(key, terminal.picture())

    def focus(self, cue: Cue) -> None:
        """Let the keys go to the terminal of a cue."""
        if not self.hidden and (cue.terminal, cue.root) in self.views:
            self.screen.focus([*self.views].index((cue.terminal, cue.root)))

    def entered(self, key: Key, command: str, text: str) -> None:
        """Note a command that has been entered; ``text`` is how the strip shows it."""
        self.strip.add(key, command, text)
        if self.strip.roomy:
            self.draw_strip()  # else when it can be told whether it is seen in its pane

    def draw_strip(self) -> None:
        """Show the last commands, and where on the page we are."""
        if not self.hidden:
            self.strip.draw()


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
