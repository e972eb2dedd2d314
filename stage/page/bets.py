"""What a reader may bet on before the outcome of a scene: the right answer and wrong ones, from the transcripts.

A scene of the class ``predict`` asks what comes of its last command or key.  The wrong answers are other
kinds of outcome, and other values, that occur in the same chapter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .model import AtPrompt, Blocked, Cue, Page, Running, Scene

#: Answers that are offered, the right one among them.
CHOICES = 4


@dataclass(frozen=True)
class Bet:
    """One answer."""

    text: str
    right: bool


def asked(scene: Scene) -> int:
    """Return the index of the cue whose outcome is asked for: the last command or key."""
    return max(index for index, cue in enumerate(scene.cues) if cue.kind != 'resume')


def bets(page: Page, scene: Scene) -> list[Bet]:
    """Return the answers in alphabetical order, so that the place of the right one says nothing."""
    place = asked(scene)
    cue, after = scene.cues[place], scene.cues[place + 1:]
    blocked = _blocked_before(page, cue)
    right = _outcome(cue, after, blocked)
    wrong: list[str] = []
    for text in _others(page, scene, cue, after, blocked, right):
        if text != right and text not in wrong:
            wrong.append(text)
    return sorted([Bet(right, True), *(Bet(text, False) for text in wrong[:CHOICES - 1])], key=lambda bet: bet.text)


def _blocked_before(page: Page, cue: Cue) -> list[str]:
    """Return the terminals that are blocked when a cue begins."""
    busy: dict[str, bool] = {}
    for other in page.cues():
        if other is cue:
            break
        busy[other.terminal] = isinstance(other.end, Blocked)
    return [name for name, still in busy.items() if still and name != cue.terminal]


def _outcome(cue: Cue, after: list[Cue], blocked: list[str]) -> str:
    """Return in a sentence what comes of a cue and of those that go on because of it."""
    if woken := [other.terminal for other in after if other.terminal in blocked]:
        return f'It wakes {" and ".join(woken)}.'
    for other in after:
        if isinstance(other.end, AtPrompt) and other.end.status:
            return f'The program of {other.terminal} dies: {_last(other)}.'
        if other.expect:
            return f'The program of {other.terminal} prints {_last(other)}.'
    match cue.end:
        case Blocked():
            return 'It blocks.'
        case AtPrompt(status) if status:
            return f'It fails: {_reason(cue)}.'
        case Running():
            return 'It goes on running.'
    if len(cue.expect) > 1:
        return f'It prints {len(cue.expect)} lines.'
    return f'It prints {_last(cue)}.' if cue.expect else 'It ends, and says nothing.'


def _last(cue: Cue) -> str:
    return (cue.expect[-1] or '...').strip() if cue.expect else ''


def _reason(cue: Cue) -> str:
    """Return why a program has failed, in its own words."""
    assert isinstance(cue.end, AtPrompt)
    return _last(cue).rpartition(': ')[2] if cue.expect else f'status {cue.end.status}'


def _others(page: Page, scene: Scene, cue: Cue, after: list[Cue], blocked: list[str], right: str) -> Iterator[str]:
    """Yield other outcomes, the most tempting first."""
    shown = next((one for one in [*after, cue] if one.expect), cue)
    if shown.expect and _last(shown).isdecimal():
        number = int(_last(shown))
        seen = {int(_last(one)) for one in _chapter(page, scene) if one.expect and _last(one).isdecimal()}
        for other in [2 * number, *sorted(seen - {number}, key=lambda one: (abs(one - number), one))][:2]:
            yield str(other).join(right.rsplit(_last(shown), 1))
    for name in blocked:
        yield f'It wakes {name}.'
    reasons = [_reason(one) for one in _chapter(page, scene)
               if isinstance(one.end, AtPrompt) and one.end.status and one.kind == 'run' and ': ' in _last(one)]
    if not isinstance(cue.end, AtPrompt) or cue.expect:  # else it does, whatever it does to others
        yield 'It ends, and says nothing.'
    yield 'It blocks.'
    yield from (f'It fails: {reason}.' for reason in reasons)
    yield 'It goes on running.'


def _chapter(page: Page, scene: Scene) -> Iterator[Cue]:
    """Yield the cues of the chapter that a scene is in."""
    starts = [section.line for section in page.sections if section.depth == 1]
    first = max((line for line in starts if line < scene.line), default=0)
    last = min((line for line in starts if line > scene.line), default=len(page.text))
    for other in page.scenes:
        if first < other.line < last:
            yield from other.cues
