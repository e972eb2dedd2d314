"""What a page is: sections and scenes, each scene a list of cues."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

#: Colours that terminals may have; docs/_static/course.css and the performance know them by number.
COLOURS = 6
#: A process in one of these wakes by itself: it is running, not blocked.
TIMED_SLEEPS = {'nanosleep', 'clock_nanosleep'}


class ScriptError(Exception):
    """A page that cannot be read; its text is ``page:line: what is wrong and what to do``."""

    def __init__(self, path: str, line: int, message: str) -> None:
        super().__init__(f'{path}:{line}: {message}')


@dataclass(frozen=True)
class AtPrompt:
    """The terminal is back at its prompt, with this exit status."""

    status: int = 0

    def to_json(self) -> dict[str, object]:
        """Return it as ``scenes.json`` has it; so do the other two."""
        return {'status': self.status}


@dataclass(frozen=True)
class Blocked:
    """The program sleeps in this system call (``None``: in any) until somebody wakes it."""

    call: str | None = None

    def to_json(self) -> dict[str, object]:
        """As above."""
        return {'blocked': self.call}


@dataclass(frozen=True)
class Running:
    """The program goes on by itself."""

    def to_json(self) -> dict[str, object]:
        """As above."""
        return {'running': True}


#: How a cue ends.
End = AtPrompt | Blocked | Running


@dataclass
class Cue:
    """One command (``run``), one key (``key``), or one terminal going on (``resume``)."""

    kind: str
    terminal: str
    root: bool
    line: int
    """Line of the page, counted from 1."""
    command: str
    """What is typed; a key as ``^C``; empty for ``resume``."""
    expect: list[str | None]
    """Lines of output; ``None`` is an ellipsis."""
    first: int
    """Index in the page's lines where the expected output begins."""
    last: int
    """Index of the line after it."""
    indent: str
    end: End

    def title(self) -> str:
        """Return the cue as a report names it."""
        return self.command.split('\n')[0] or f'({self.terminal}) goes on'


@dataclass
class Scene:
    """One console block."""

    number: int
    line: int
    section: str
    fresh: bool
    private: bool
    """Needs the private stage: a fixed /etc/passwd, mounts, nothing else in /dev/shm."""
    cues: list[Cue]
    predict: bool = False
    """Asks what comes of its last command or key (:mod:`stage.page.bets`)."""
    exercise: str = ''
    """The program of ``./exercises/`` that somebody is to finish, if the scene tries one."""
    fails: str = ''
    """Why it does not hold with the start of that program."""


@dataclass
class Section:
    """A section, named by its title; the first one of a page is the page itself."""

    title: str
    line: int
    """Line of the title, counted from 1."""
    depth: int
    """0 for the page, 1 for a chapter."""
    label: str = ''
    """The name by which other pages refer to it, if it has one."""
    minutes: int = 0
    """Planned for it, without the sections below: the field ``:Minutes:`` under its title."""
    fails: str = ''
    """Why the start of its exercise does not hold: the field ``:fails:`` under its title."""


@dataclass
class Page:
    """A page: its path as given, its text, its scenes and its sections in their order."""

    path: str
    text: str
    scenes: list[Scene]
    sections: list[Section]

    def minutes(self, section: Section) -> int:
        """Return the minutes of a section and all below it."""
        rest = self.sections[self.sections.index(section) + 1:]
        below = itertools.takewhile(lambda other: other.depth > section.depth, rest)
        return section.minutes + sum(other.minutes for other in below)

    def section_of(self, line: int) -> Section | None:
        """Return the section that a line of the page, counted from 1, is in."""
        return next((one for one in reversed(self.sections) if one.line <= line), None)

    def cues(self) -> Iterator[Cue]:
        """Yield all cues in their order."""
        for scene in self.scenes:
            yield from scene.cues

    def colours(self) -> dict[str, int]:
        """Return terminal -> number of its colour, from 1, the same throughout the page.

        Two terminals of one scene have different ones, as far as there are enough.
        """
        scenes = [{cue.terminal for cue in scene.cues} for scene in self.scenes]
        found: dict[str, int] = {}
        for cue in self.cues():
            if cue.terminal in found:
                continue
            near = {found.get(other) for scene in scenes if cue.terminal in scene for other in scene}
            turns = [(len(found) + step) % COLOURS + 1 for step in range(COLOURS)]
            found[cue.terminal] = next((colour for colour in turns if colour not in near), turns[0])
        return found

    def to_json(self) -> list[dict[str, object]]:
        """Return the cues for other stages; ``docs/contributing.rst`` has the schema."""
        return [
            {
                'scene': scene.number,
                'section': scene.section,
                'fresh': scene.fresh and cue is scene.cues[0],
                'exercise': scene.exercise,
                'predict': scene.predict and cue is [one for one in scene.cues if one.kind != 'resume'][-1],
                'line': cue.line,
                'kind': cue.kind,
                'terminal': cue.terminal,
                'root': cue.root,
                'command': cue.command,
                'expect': cue.expect,
                'end': cue.end.to_json(),
            }
            for scene in self.scenes
            for cue in scene.cues
        ]


