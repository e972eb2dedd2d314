"""Exercises of a page: with the starts, exactly their scenes fail, and each for the reason that the page states."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ..page.model import Page, Scene
from ..page.prose import plain
from ..page.reader import by_section, definitions
from .player import Failure

#: The folder of the starts, below that of the programs and below code/.
STARTS = 'exercises'


def unstated(page: Page, failures: list[Failure], skipped: Mapping[int, str]) -> list[Failure]:
    """Return what with the starts is not as the page says.

    Args:
        page: All of it has been played with them.
        failures: What has failed.
        skipped: Numbers of the scenes that were left out.
    """
    found = []
    for scene in page.scenes:
        failed = [one for one in failures if any(one.cue is cue for cue in scene.cues)]
        if not scene.exercise:
            found += failed
        elif not failed and scene.number not in skipped:
            found.append(Failure(scene.cues[-1], f'holds with the start; the page says ":fails: {scene.fails}"'))
        found += [Failure(one.cue, f'with the start: {one.reason}; the page says ":fails: {scene.fails}"', one.real)
                  for one in failed if scene.exercise and one.reason != scene.fails]
    return found


def exercises(page: Page) -> list[Scene]:
    """Return the scenes of a page that are exercises."""
    return [scene for scene in page.scenes if scene.exercise]


def hints_of(page: Page, scene: Scene) -> list[str]:
    """Return the hints of an exercise: the definitions of its section."""
    lines = next(lines for section, lines in by_section(page.text)
                 if section and section.title == scene.section)
    return [f'{plain(question)} {plain(answer)}' for question, answer in definitions(lines)]


def one(page: Page, number: int) -> Page:
    """Return the page with one scene alone."""
    return dataclasses.replace(page, scenes=[scene for scene in page.scenes if scene.number == number])
