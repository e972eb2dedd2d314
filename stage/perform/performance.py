"""A performance: one loop that takes what is printed, typed and pressed, and goes on with what is being done."""

from __future__ import annotations

import select
import time

from ..check.player import Failed
from ..check.rehearsal import Result
from ..page.model import Page
from ..sandbox.clock import Play
from ..sandbox.namespaces import Order
from ..sandbox.sandbox import Sandbox
from ..sandbox.terminal import Observation
from .director import Director
from .film import MARKS, Marks
from .kernel import lines
from .keys import Keys
from .notes import Prompter
from .panes import Panes
from .performer import GivenUp, Performer
from .plan import Plan
from .screen import Screen
from .sheet import FAILED, render
from .states import States

#: Seconds between two looks at what the kernel sees.
LOOK = 0.25


class Performance:
    """Plays a page on a screen.

    Args:
        page: What to play.
        sandbox: Where; its terminals are :class:`stage.perform.live.Live`.
        screen: What is seen of it.
        order: ``auto``: nobody presses a key, and what does not hold ends the performance; its ``pace``;
            whether it is a ``film``, in which the notes are not seen.
        hint: How the second screen is attached.
    """

    def __init__(self, page: Page, sandbox: Sandbox, screen: Screen, order: Order, hint: str = '') -> None:
        self.auto, self.hint, self.plan, self.keys = order.auto, hint, Plan(page), Keys(fast=order.auto)
        self.panes = Panes(screen, sandbox, page, order.film)
        self.prompter = Prompter(self.plan, self.keys)
        self.performer = Performer(self.plan, sandbox, self.panes, self.prompter, order.auto, order.deadline)
        marks = Marks(f'{order.folder}/{MARKS}' if order.film else None)
        self.director = Director(self.performer, self.keys, marks, order.pace)
        self.deed: Play[object] | None = None  # that is being done
        self.doing = ''  # which one it is
        self.hurried = ''  # what has been said to whoever could not wait
        self.begun = False  # the scene that was asked for is on stage
        self.drawn: object = None
        self.states, self.looked = States(sandbox), 0.0
        self.watched = order.seen  # somebody looks at the borders

    def play(self, scene: int = 1, wait_for_client: bool = False) -> Result:
        """Play from this scene on, to the end or until F10.

        Returns:
            What has been played; with failures if it could not begin, or, with ``auto``, if a cue did not hold.
        """
        began, performer = time.monotonic(), self.performer
        try:
            self.deed = self._begin(scene, wait_for_client)
            while self._obey():
                pass
        except Failed as failed:
            performer.failures.append(failed.failure)
        return Result(self.plan.page, performer.played, self.director.skipped, len(performer.names),
                      time.monotonic() - began, performer.clock.slept, performer.failures)

    def _begin(self, scene: int, wait_for_client: bool) -> Play[None]:
        until = time.monotonic() + self.performer.clock.deadline
        while wait_for_client and not self.panes.screen.attached() and time.monotonic() < until:
            yield None, 0.05
        yield from self.director.rewind(self.plan.page.scenes[scene - 1])
        self.begun, self.prompter.message = True, self.hint
        if self.auto:
            yield from self.director.all()

    def _obey(self) -> bool:
        """Do what has been asked for, or a bit of it; return False at the end."""
        deeds = self.keys.deeds
        asked = deeds[0][0] if deeds else ''
        if self.auto:
            if asked == 'quit':
                raise KeyboardInterrupt
            deeds.clear()
            self._go_on()
            return self.deed is not None
        if self.deed and asked == 'next':
            if self.doing == 'next':
                deeds.popleft()
                self._hurry()
            elif any(other != 'next' for other, *_ in deeds):
                deeds.popleft()  # whoever asks for something else does not mean that any more
        elif self.deed and asked:
            self.begun = True  # here, or elsewhere
            self._go_on(GivenUp(asked))
            return True
        elif asked == 'quit':
            return False
        elif asked:
            if asked == 'next':
                self.prompter.timing.begin(self.plan.near(self.director.at)[0])
            self.doing = asked
            self.deed = getattr(self.director, asked)(*deeds.popleft()[1:])
        elif not self.deed and any(terminal.ended() for terminal in self.performer.sandbox.terminals.values()):
            self.doing = 'revive'
            self.deed = self.director.revive()
        try:
            self._go_on()
        except Failed as failed:
            if not self.begun:
                raise
            self.deed = None
            self.prompter.tell(FAILED, str(failed))
        return True

    def _hurry(self) -> None:
        """The key for the next step has been pressed while one is being played."""
        self.performer.typist.rush = True
        at = self.director.at
        if at < len(self.plan) and at not in self.performer.typist.typed:
            cue = self.plan.cue(at)
            self.hurried = self.prompter.message = (f'Still waiting for terminal {cue.terminal} '
                                                    f'({self.performer.terminal(cue).job.state()}). F6 gives up.')

    def _go_on(self, thrown: Exception | None = None) -> None:
        """Go on with the deed until it has to wait, and take what comes meanwhile."""
        seconds = 1.0
        if self.deed:
            try:
                _, seconds = self.deed.throw(thrown) if thrown else next(self.deed)
            except (StopIteration, GivenUp):
                self.deed, seconds = None, 0
                if self.prompter.message == self.hurried:
                    self.prompter.message = ''
        self._take(seconds)

    def _take(self, seconds: float) -> None:
        """Pass on what is printed and typed, waiting for it up to ``seconds``."""
        panes = self.panes
        if (panes.stale or self.keys.resized) and not panes.hidden:
            self.keys.resized, self.drawn = False, None
            self.director.arrange()
            return
        self._draw()
        seconds = min(seconds, self._look())
        terminals = {other.fd: other for other in panes.sandbox.terminals.values() if not other.gone}
        seen = [view.fd for view in panes.all()]
        for fd in select.select([*terminals, *seen], [], [], min(seconds, 1))[0]:
            if fd not in terminals:
                self.keys.press(panes.read(fd))
                continue
            try:
                terminals[fd].pump()
            except Observation:
                pass  # whoever waits for this terminal sees it, too
        self._draw()

    def _look(self) -> float:
        """Look at the kernel's side, now and then; return after how many seconds to do so again."""
        if not self.watched:
            return 1
        if time.monotonic() - self.looked > LOOK and not self.panes.hidden:
            view, states = self.states.look()
            self.panes.tell(states)
            self.panes.show_kernel(lines(view))
            self.looked = time.monotonic()
        return LOOK

    def _draw(self) -> None:
        """Draw the notes, where something has changed."""
        at, typed = self.director.at, self.performer.typist.ready()
        state = (at, typed, bool(self.deed), self.prompter.state(), self.panes.sheets())
        if state == self.drawn:
            return
        self.drawn = state
        todo = ' [Enter]' if typed and not self.deed else ' [fast]' if self.keys.fast else ''
        waiting = [terminal.name for terminal in self.performer.waiting]
        sheet = self.prompter.sheet(at, todo, waiting, self.performer.renaming)
        for view in self.panes.sheets():
            rows, columns = view.size
            view.draw(render(sheet, columns, rows, seen_by_all=view is not self.panes.notes))
