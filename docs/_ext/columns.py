"""A scene as HTML: one column a terminal, time going down, a bar while one is blocked."""

from __future__ import annotations

import re
from html import escape

from stage.page.model import AtPrompt, Blocked, Cue, Page, Running, Scene

from .anchors import anchors

HYPHENATED = re.compile(r'[^\s-]+-\S+')


class Drawing:
    """Draws the scenes of one page, in their order; keeps who is busy between them."""

    def __init__(self, page: Page) -> None:
        self.colours = page.colours()
        self.busy: dict[str, Blocked | Running] = {}  # terminal -> what it does meanwhile
        self.anchors = anchors(page)

    def html(self, scene: Scene) -> str:
        """Return the element that stands for the block."""
        columns = list(dict.fromkeys(cue.terminal for cue in scene.cues))
        shape, head, anchor = '', '', self.anchors[scene.number]
        if 1 < len(columns) <= 4:  # for more there is no room: the transcript says it all
            shape = f' columns of-{len(columns)}'
            titles = ''.join(f'<b class="{self._place(columns, name)}" data-says="{escape(name)}"></b>'
                             for name in columns)
            head = f'<span class="names" aria-hidden="true">{titles}</span>'
        woken = self._woken(scene)
        labelled: set[str] = set()  # the bars that say already what they stand for
        body = ''
        for index, cue in enumerate(scene.cues):
            marks = self._bars(columns, cue, labelled)
            marks += ''.join(self._arrow(columns, cue, name) for name in woken.get(index, ()))
            self.busy.pop(cue.terminal, None)
            if not isinstance(cue.end, AtPrompt):
                self.busy[cue.terminal] = cue.end
                labelled.add(cue.terminal)
            wakes = ' and '.join(map(escape, woken.get(index, ())))
            wakes = f' data-says="wakes {wakes}"' if wakes else ''
            body += (f'<span class="cue" id="{anchor}-{index + 1}">{marks}'
                     f'<span class="says {self._place(columns, cue.terminal)}"{wakes}>'
                     f'{_transcript(scene, index)}</span></span>')
        return (f'<div class="highlight-console notranslate scene{shape}" id="{anchor}">'
                f'<div class="highlight"><pre tabindex="0">{head}{body}</pre></div></div>')

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

    def _bars(self, columns: list[str], cue: Cue, labelled: set[str]) -> str:
        """Return what stands in the columns of those who wait or run during a cue."""
        bars = ''
        for name in columns:
            if name == cue.terminal or name not in self.busy:
                continue
            says, label = _state(self.busy[name]), ''
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


def _transcript(scene: Scene, index: int) -> str:
    """Return the lines of a cue as the page has them."""
    cue = scene.cues[index]
    lines = [_speech(cue), *map(_output, cue.expect)]
    if note := _note(cue, scene.cues[index + 1:index + 2]):
        lines.append(f'<span class="note">{note}</span>')
    return '\n'.join(lines) + '\n'


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
    return f'<span class="go">{escape(line)}</span>'


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
