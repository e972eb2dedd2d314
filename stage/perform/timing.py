"""The clock of the notes, against the minutes that the page plans."""

from __future__ import annotations

import time

from ..page.model import Page, Scene


class Timing:
    """Runs from the first step on; whoever begins in the middle of the page is not late for that."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.began: tuple[float, float] | None = None  # when, and at which minute of the plan

    def begin(self, scene: Scene) -> None:
        """The first step is played, in this scene."""
        if not self.began:
            first, last = self.planned(scene)
            same = [other.number for other in self.page.scenes if self.planned(other) == (first, last)]
            self.began = time.monotonic(), first + (last - first) * same.index(scene.number) / len(same)

    def seconds(self) -> int:
        """Return how long it has been going on."""
        return int(time.monotonic() - self.began[0]) if self.began else 0

    def planned(self, scene: Scene) -> tuple[int, int]:
        """Return between which minutes the section of a scene is planned."""
        before = [section.minutes for section in self.page.sections if section.line < scene.line]
        return sum(before[:-1]), sum(before)

    def text(self, scene: Scene) -> str:
        """Return what the clock shows, and how far it is from the plan."""
        seconds, total = self.seconds(), sum(section.minutes for section in self.page.sections)
        text = f'{seconds // 60}:{seconds % 60:02}'
        if not total:
            return text
        first, last = self.planned(scene)
        text += f' planned {first}-{last} of {total}'
        if self.began:
            now = self.began[1] + seconds / 60
            behind, ahead = int(now - last), int(first - now)
            text += f', {behind} min behind' if behind > 0 else f', {ahead} min ahead' if ahead > 0 else ''
        return text
