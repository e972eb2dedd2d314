"""A scene as HTML: one column a terminal, time going down, a bar while one is blocked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from stage.page.anchors import anchors
from stage.page.bets import Bet, asked, bets
from stage.page.model import AtPrompt, Blocked, Cue, Page, Running, Scene

HYPHENATED = re.compile(r'[^\s-]+-\S+')


class Drawing:
    """Draws the scenes of one page, in their order; keeps who is busy between them."""

    def __init__(self, page: Page) -> None:
        self.page, self.colours = page, page.colours()
        self.busy: dict[str, Blocked | Running] = {}  # terminal -> what it does meanwhile
        self.anchors = anchors(page)

    def html(self, scene: Scene) -> str:
        """Return the element that stands for the block; that of the class ``predict`` has its outcome covered."""
        columns = self._columns(scene)
        anchor, woken = self.anchors[scene.number], self._woken(scene)
        labelled: set[str] = set()  # the bars that say already what they stand for
        seen, covered = [], []
        for index, cue in enumerate(scene.cues):
            bars = self._bars(columns, cue, labelled)
            after = self._bars(columns, cue, labelled, woken.get(index, ()))
            arrows = ''.join(self._arrow(columns, cue, name) for name in woken.get(index, ()))
            self.busy.pop(cue.terminal, None)
            if not isinstance(cue.end, AtPrompt):
                self.busy[cue.terminal] = cue.end
                labelled.add(cue.terminal)
            wakes = ' and '.join(map(escape, woken.get(index, ())))
            wakes = f' data-says="wakes {wakes}"' if wakes else ''
            place, name = self._place(columns, cue.terminal), f' id="{anchor}-{index + 1}"'
            if not scene.predict or index < asked(scene):
                seen += _rows(bars + arrows, after, place, wakes, [_speech(cue), *_came(scene, index)], name)
                continue
            if index == asked(scene):
                seen.append(_row(bars, place, '', [_speech(cue)], name))
                name = ''
                if not (lines := _came(scene, index)) and not arrows:
                    continue
            else:
                lines = [_speech(cue), *_came(scene, index)]
            covered += _rows(bars + arrows, after, place, wakes, lines, name)
        drawn = self._framed(columns, seen, anchor, scene.number)
        return _covered(drawn, bets(self.page, scene), self._framed(columns, covered)) if scene.predict else drawn

    def _framed(self, columns: list[str], rows: list[str], anchor: str = '', number: int = 0) -> str:
        """Return rows as one element, with the anchor and the number of a scene; nothing, if there are none."""
        if not rows:
            return ''
        shape, head, name = '', '', ''
        if anchor:
            name = f' id="{anchor}"'
            head = f'<a class="number" href="#{anchor}" aria-label="Session {number}" data-says="{number}"></a>'
        head += '<pre tabindex="0">'
        if 1 < len(columns) <= 4:  # for more there is no room: the transcript says it all
            shape = f' columns of-{len(columns)}'
            titles = ''.join(f'<b class="{self._place(columns, column)}" data-says="{escape(column)}"></b>'
                             for column in columns)
            head += f'<span class="names" aria-hidden="true">{titles}</span>'
        return (f'<div class="highlight-console notranslate scene{shape}"{name}>'
                f'<div class="highlight">{head}{"".join(rows)}</pre></div></div>')

    def _columns(self, scene: Scene) -> list[str]:
        """Return the terminals of a scene: each keeps its place beside the others throughout a section."""
        section = self.page.section_of(scene.line)
        named = dict.fromkeys(cue.terminal for other in self.page.scenes
                              if self.page.section_of(other.line) is section for cue in other.cues)
        return [name for name in named if any(cue.terminal == name for cue in scene.cues)]

    def _place(self, columns: list[str], name: str) -> str:
        return f'in-{columns.index(name) + 1} colour-{self.colours[name]}'

    def _woken(self, scene: Scene) -> dict[int, list[str]]:
        """Return, for each cue that wakes somebody, the terminals that it wakes.

        A blocked terminal that goes on has been woken by the last one that did something:
        a command, a key, or a program that has been running.
        """
        busy = dict(self.busy)
        found: dict[int, list[str]] = {}
        waker = None
        for index, cue in enumerate(scene.cues):
            if cue.kind != 'resume' or not isinstance(busy[cue.terminal], Blocked):
                waker = index
            elif waker is not None:
                found.setdefault(waker, []).append(cue.terminal)
            busy[cue.terminal] = cue.end
        return found

    def _bars(self, columns: list[str], cue: Cue, labelled: set[str], woken: Sequence[str] = ()) -> str:
        """Return what stands in the columns of those who wait or run during a cue; who has been woken runs."""
        bars = ''
        for name in columns:
            if name == cue.terminal or name not in self.busy:
                continue
            says, label = 'running' if name in woken else _state(self.busy[name]), ''
            if name not in labelled:  # since an earlier scene
                labelled.add(name)
                label = f' data-says="{says}" data-of="{escape(name)}"'
            bars += f'<i class="bar {says.split()[0]} {self._place(columns, name)}"{label}></i>'
        return bars

    def _arrow(self, columns: list[str], cue: Cue, woken: str) -> str:
        """Return the line from the column of a cue to that of a terminal that it wakes."""
        here, there = columns.index(cue.terminal) + 1, columns.index(woken) + 1
        side = 'right' if here < there else 'left'
        return (f'<i class="arrow {side} from-{min(here, there)} to-{max(here, there)} '
                f'colour-{self.colours[cue.terminal]}"></i>')


def _rows(marks: str, after: str, place: str, wakes: str, lines: list[str], name: str) -> list[str]:
    """Return a cue.  What it does to others is drawn at the first line that comes of it, and not below them all."""
    first = len(lines) if not wakes else 2 if name else 1  # without a name, what is typed stands above
    rows = [_row(marks, place, wakes, lines[:first], name)]
    return [*rows, _row(after, place, '', lines[first:], '')] if lines[first:] else rows


def _row(marks: str, place: str, wakes: str, lines: list[str], name: str) -> str:
    """Return a cue: what stands in the columns of others, and what is said in its own."""
    text = ''.join(f'{line}\n' for line in lines)
    return f'<span class="cue"{name}>{marks}<span class="says {place}"{wakes}>{text}</span></span>'


def _covered(question: str, answers: list[Bet], outcome: str) -> str:
    """Return a scene whose outcome is seen when the reader has bet, or has looked without."""
    choices = ''.join(f'<li{" data-right" if bet.right else ""}>{escape(bet.text)}</li>' for bet in answers)
    right = next(escape(bet.text) for bet in answers if bet.right)
    return (f'<div class="predict">{question}<p>Bet before you look: what comes of the last command?</p>'
            f'<ul class="bets">{choices}</ul><details class="fold outcome"><summary>Look</summary>'
            f'<p>{right}</p>{outcome}</details></div>')


def _came(scene: Scene, index: int) -> list[str]:
    """Return what comes of a cue: its output, and its note."""
    cue = scene.cues[index]
    note = _note(cue, scene.cues[index + 1:index + 2])
    return [*map(_output, cue.expect), *([f'<span class="note">{note}</span>'] if note else [])]


def _speech(cue: Cue) -> str:
    """Return the first lines of a cue: prompt and command, or who goes on, or the key."""
    who = f'<span class="who">({escape(cue.terminal)})</span>'
    if cue.kind == 'resume':
        return who
    if cue.kind == 'key':
        key = f'<span class="key">{escape(cue.command)}</span>'
        return f'{who}\n{key}' if cue.first > cue.line else key  # the page says whose key it is
    prompt = '# ' if cue.root else '$ '
    if cue.terminal != 'main':
        prompt = f'<span class="who">({escape(cue.terminal)}) </span>{prompt}'
    lines = []
    for line in cue.command.split('\n'):
        # A line must not end at the hyphen of a name: one could not see whether a blank follows.
        words = HYPHENATED.sub(r'<span class="word">\g<0></span>', escape(line))
        lines.append(f'<span class="gp">{prompt}</span><span class="command">{words}</span>')
        prompt = '&gt; '
    return '\n'.join(lines)


def _output(line: str | None) -> str:
    """Return a line of output, or the ellipsis."""
    if line is None:
        return '<span class="note">...</span>'
    return escape(line)


def _note(cue: Cue, following: list[Cue]) -> str:
    """Return the note that ends a cue, as the page has it."""
    match cue.end:
        case AtPrompt(status):
            return f'[{status}]' if status else ''
        case Running() if any(next_.kind == 'key' and next_.terminal == cue.terminal for next_ in following):
            return ''
    return f'[{_state(cue.end)}]'


def _state(end: Blocked | Running) -> str:
    """Return what a terminal does that is not at its prompt."""
    match end:
        case Blocked(None):
            return 'blocked'
        case Blocked(call):
            return f'blocked in {call}'
    return 'running'
