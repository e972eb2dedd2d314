"""The strip below the stage: the last commands, for those who have fallen behind, and where on the page we are."""

from __future__ import annotations

from collections.abc import Collection

from ..page.anchors import anchors
from ..page.model import Page, Scene
from ..sandbox.sandbox import Sandbox
from .live import Live
from .screen import STRIP, Screen

#: With so many rows, the strip shows the last commands even if they can be read in a pane.
ROOMY = 30
Key = tuple[str, bool]


class Strip:
    """Knows which commands have been entered.

    Args:
        screen: Where it is.
        sandbox: Whose terminals they were entered in.
        page: Which is played.
    """

    def __init__(self, screen: Screen, sandbox: Sandbox, page: Page) -> None:
        self.screen, self.sandbox, self.page = screen, sandbox, page
        self.place = ''
        self.roomy = True
        self.cast: Collection[Key] = ()  # whose panes are seen
        self.commands: list[tuple[Key, str, str]] = []

    def put_on(self, scene: Scene, cast: Collection[Key]) -> None:
        """A scene begins, and these terminals are seen."""
        self.cast = cast
        self.place = f'{scene.number}/{len(self.page.scenes)} #{anchors(self.page)[scene.number]}'

    def fit(self, rows: int) -> None:
        """Take as many lines of a window of so many rows as are needed."""
        self.roomy = rows >= ROOMY
        self.screen.give_strip(STRIP if self.roomy else max(min(len(self._texts()), STRIP), 1))

    def add(self, key: Key, command: str, text: str) -> None:
        """Note a command that has been entered; ``text`` is how it is shown."""
        self.commands.append((key, command, text))

    def draw(self) -> None:
        """Show all this."""
        self.screen.strip(self._texts(), self.place)

    def _texts(self) -> list[str]:
        """Return the last commands; where there is little room, only those that cannot be read in a pane."""
        def seen(key: Key, command: str) -> bool:
            terminal = self.sandbox.terminals.get(key)
            return key in self.cast and isinstance(terminal, Live) and terminal.shows(command)

        return [text for key, command, text in self.commands[-STRIP:] if self.roomy or not seen(key, command)]
