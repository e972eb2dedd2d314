"""What the instructor's keys do: a deed is a generator that yields while it waits.

PageDown goes a step on (:mod:`stage.perform.plan`), in two presses: the first types the command, a letter
at a time (pressed again meanwhile, it is there at once), the second presses Enter. With F9, *fast*,
one press does both. A key, and a terminal that goes on, need one press. If Enter has been pressed
by hand, that is fine, too.

All other keys go to the terminal that has the focus. Whatever is done there, the next step is
played when its terminal is at its prompt again; until then, the notes say why not.
"""

from __future__ import annotations

from ..check.player import Failed, Failure
from ..check.renaming import Renaming
from ..page.model import Scene
from ..sandbox.clock import Play, rest
from .film import Marks
from .keys import Keys
from .listing import sources_of
from .notes import Prompter
from .panes import Panes
from .performer import GivenUp, Performer
from .places import find
from .plan import Plan


class Director:
    """Knows where in the page we are, and goes elsewhere.

    Args:
        performer: Plays the cues.
        keys: Whether it goes fast.
        marks: For the film.
        pace: Seconds between two steps that nobody asks for; if not 0, their commands are typed visibly.
    """

    def __init__(self, performer: Performer, keys: Keys, marks: Marks, pace: float = 0) -> None:
        self.performer, self.keys, self.marks, self.pace = performer, keys, marks, pace
        self.plan: Plan = performer.plan
        self.panes: Panes = performer.panes
        self.prompter: Prompter = performer.prompter
        self.at = 0  # index of the next cue
        self.scene: Scene | None = None  # that is on stage
        self.goal: Scene | None = None  # that is being prepared
        self.skipped = 0

    def all(self) -> Play[None]:
        """Play to the end without a human."""
        failures = self.performer.failures
        while self.at < len(self.plan) and not failures:
            scene = self.plan.cues[self.at][0]
            if self.at == self.plan.of(scene)[0]:
                self.marks.begin(scene, self.prompter.directions(scene))
            yield from rest(self.pace)
            if not (yield from self.next()) and not failures:
                raise Failed(Failure(self.plan.cue(self.at), self.prompter.message))
        yield from rest(self.pace)
        if not failures:
            self.performer.finish(check=True)

    def next(self) -> Play[bool]:
        """Play a step, or type its command; return False if nothing has been done."""
        performer, typist = self.performer, self.performer.typist
        if self.at >= len(self.plan):
            self.prompter.message = 'That was the last step. F10 ends the performance.'
            return False
        self.prompter.message = ''
        scene = self.plan.cues[self.at][0]
        if performer.left_out(scene):
            rest_of_it = range(self.at, self.plan.of(scene).stop)
            self.skipped += len(rest_of_it)
            self.at = rest_of_it.stop
            self.prompter.message = f'Scene {scene.number} needs the private stage, and is left out.'
            return True
        yield from self._enter(scene)
        step = self.plan.step(self.at)
        if not typist.ready():
            if why := performer.busy(self.at):
                self.prompter.message = why
                return False
            slow = self.pace > 0 if performer.auto else not self.keys.fast
            yield from performer.type(step, slow)
            if typist.typed and not self.keys.fast:
                return True
        self.prompter.results = []
        for self.at in step:
            try:
                if not (yield from performer.perform(self.at)):
                    return False
            except GivenUp as given_up:
                self.at += given_up.by in ('back', 'retry')  # this step is meant, not the one before
                raise
        self.at = step.stop
        return True

    def back(self) -> Play[None]:
        """Go back a step; nothing is undone."""
        self.performer.typist.take_away()
        self.at, self.prompter.message = self.plan.before(self.at), ''
        yield from ()

    def skip(self) -> Play[None]:
        """Go on a step without playing it."""
        self.performer.typist.take_away()
        self.at, self.prompter.message = self.plan.step(self.at).stop, ''
        yield from ()

    def retry(self) -> Play[None]:
        """Play the last step again."""
        yield from self.back()
        if (yield from self.next()) and self.performer.typist.typed:
            yield from self.next()

    def jump(self, asked: str, chosen: str = '0') -> Play[None]:
        """Go to a scene, given by its number or by words; if several are meant, to the one that was chosen."""
        if scenes := find(self.plan.page, asked, self.plan.near(self.at)[0].number):
            yield from self.rewind(scenes[int(chosen) % len(scenes)])
        else:
            self.prompter.message = f'No scene "{asked}": give its number, or words of a title.'

    def reset(self) -> Play[None]:
        """Begin the scene again, on a stage as it was then."""
        yield from self.rewind(self.goal or self.scene or self.plan.near(self.at)[0])

    def rewind(self, scene: Scene) -> Play[None]:
        """Empty the stage, and play silently from the last fresh scene up to this one."""
        performer, self.goal = self.performer, scene
        performer.typist.take_away()
        performer.waiting.clear()
        performer.bound.clear()
        performer.sandbox.begin_again()
        performer.renaming = Renaming(performer.sandbox.words())
        self.panes.strip.commands.clear()
        self.scene, self.prompter.results = None, []
        self.panes.hidden, self.at = True, self.plan.of([*self.plan.to(scene), scene][0])[0]
        try:
            for other in self.plan.to(scene):
                if performer.left_out(other):
                    continue
                self.prompter.message = f'Replaying scene {other.number} of {scene.number - 1} ...'
                for cue in other.cues:
                    yield from performer.open(cue)
                for at in self.plan.of(other):
                    self.at = at
                    yield from performer.silently(at)
            self.at, self.prompter.message, self.goal = self.plan.of(scene)[0], '', None
        except GivenUp as given_up:
            self.goal = scene if given_up.by == 'reset' else None  # who asks again means the same scene
            raise
        except Failed:
            self.goal, self.prompter.message = None, f'Stopped on the way to scene {scene.number}.'
            raise
        finally:
            self.panes.hidden, self.scene = False, None
            shown = self.plan.cues[self.at][0]
            if not performer.left_out(shown):
                yield from self._enter(shown, cleared=True)

    def revive(self) -> Play[None]:
        """Open terminals again whose shells have been ended by hand."""
        terminals = self.performer.sandbox.terminals
        for key in [key for key, terminal in terminals.items() if terminal.ended()]:
            cue = next(cue for _, cue in self.plan.cues if (cue.terminal, cue.root) == key)
            yield from self.performer.open(cue)
            self.panes.fit(key, empty=True)

    def arrange(self) -> None:
        """Show the scene, with the focus where the next cue is."""
        self.keys.press(self.panes.arrange(not self.keys.hidden, self.keys.kernel, self._sources()))
        if self.at < len(self.plan) and self.plan.cues[self.at][0] is self.scene:
            self.panes.focus(self.plan.cue(self.at))

    def _sources(self) -> list[str]:
        """Return the paths of the programs that are to be listed, if any are."""
        if not self.keys.code:
            return []
        scene, cue = self.plan.near(self.at)
        sources = sources_of(self.performer.sandbox.folder, self.prompter.shown(scene), scene, scene.cues.index(cue))
        if not sources:
            self.keys.code, self.prompter.message = False, 'Here is no program to list.'
        return sources

    def _enter(self, scene: Scene, cleared: bool = False) -> Play[None]:
        """Put the terminals of a scene on stage."""
        if self.scene is scene:
            return
        if scene.fresh and self.at == self.plan.of(scene)[0] and not cleared:
            self.performer.finish(check=self.performer.auto)
            cleared = True
        for cue in scene.cues:
            yield from self.performer.open(cue)
        self.scene, self.keys.code = scene, False
        self.panes.put_on(scene)
        if cleared or self.panes.sources or not self.panes.well_arranged():
            self.arrange()
        self.panes.draw_strip()
