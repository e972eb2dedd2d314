"""Scenes in HTML: who speaks in which terminal, who waits, who wakes whom.

Each cue becomes one element with an anchor of its own.  A scene with several
terminals has a column for each, time flowing down, and a bar where a terminal is
blocked or running; the style sheet makes columns of it where there is room, and
leaves the transcript as it stands elsewhere.  No script is involved.  Other
builders, and a site without this extension, show the block as it is written.
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from .script import Cue, Page, Scene, ScriptError, read

#: Colours in the style sheet; terminal number N of a page has colour N modulo this.
COLOURS = 6

logger = logging.getLogger(__name__)


class Drawing:
    """Draws the scenes of one page, in their order; keeps who is busy between them."""

    def __init__(self, page: Page) -> None:
        names = dict.fromkeys(cue.terminal for cue in page.cues())
        self.colours = {name: number % COLOURS + 1 for number, name in enumerate(names)}
        self.busy: dict[str, str] = {}  # terminal -> blocked or running

    def html(self, scene: Scene) -> str:
        """Return the element that stands for the block."""
        columns = list(dict.fromkeys(cue.terminal for cue in scene.cues))
        shape = f' columns of-{len(columns)}' if len(columns) > 1 else ''
        head = ''
        if shape:
            titles = ''.join(
                f'<b class="in-{number} colour-{self.colours[name]}">{escape(name)}</b>'
                for number, name in enumerate(columns, 1))
            head = f'<span class="names" aria-hidden="true">{titles}</span>'
        body = ''.join(self._cue(scene, index, columns) for index in range(len(scene.cues)))
        return (f'<div class="highlight-console notranslate scene{shape}" '
                f'id="scene-{scene.number}"><div class="highlight">{head}'
                f'<pre tabindex="0">{body}</pre></div></div>')

    def _cue(self, scene: Scene, index: int, columns: list[str]) -> str:
        cue = scene.cues[index]
        woken = [other.terminal for other in _resumed_next(scene, index)
                 if self.busy.get(other.terminal) == 'blocked']
        bars = ''.join(
            f'<i class="bar {state} in-{number} colour-{self.colours[name]}'
            f'{" woken" if name in woken else ""}"></i>'
            for number, name in enumerate(columns, 1)
            if name != cue.terminal and (state := self.busy.get(name)))
        if cue.end.kind == 'status':
            self.busy.pop(cue.terminal, None)
        else:
            self.busy[cue.terminal] = cue.end.kind
        before = scene.cues[index - 1].terminal if index else None
        lines = [_speech(cue, cue.terminal != before), *map(_output, cue.expect)]
        if note := _note(cue, scene.cues[index + 1:index + 2]):
            lines.append(f'<span class="note">{note}</span>')
        text = '\n'.join(lines) + '\n'
        if woken:
            names = ' and '.join(escape(name) for name in woken)
            text += f'<span class="wakes">wakes {names}</span>'
        return (f'<span class="cue" id="scene-{scene.number}-{index + 1}">{bars}'
                f'<span class="says in-{columns.index(cue.terminal) + 1} '
                f'colour-{self.colours[cue.terminal]}">{text}</span></span>')


def _resumed_next(scene: Scene, index: int) -> list[Cue]:
    """Return the cues in which terminals go on because of this one: the page names them next."""
    found = []
    for cue in scene.cues[index + 1:]:
        if cue.kind != 'resume':
            break
        found.append(cue)
    return found if scene.cues[index].kind == 'run' else []


def _speech(cue: Cue, turn: bool) -> str:
    """Return the first lines of a cue: prompt and command, or who goes on, or the key.

    At a ``turn`` the terminal before was another one, and the page says whose key it is.
    """
    who = f'<span class="who">({escape(cue.terminal)})</span>'
    if cue.kind == 'resume':
        return who
    if cue.kind == 'key':
        key = f'<span class="key">{escape(cue.command)}</span>'
        return f'{who}\n{key}' if turn else key
    prompt = '# ' if cue.root else '$ '
    if cue.terminal != 'main':
        prompt = f'<span class="who">({escape(cue.terminal)}) </span>{prompt}'
    lines = []
    for line in cue.command.split('\n'):
        lines.append(f'<span class="gp">{prompt}</span><span class="command">{escape(line)}</span>')
        prompt = '&gt; '
    return '\n'.join(lines)


def _output(line: str | None) -> str:
    """Return a line of output, or the ellipsis."""
    if line is None:
        return '<span class="note">...</span>'
    return f'<span class="go">{escape(line)}</span>'


def _note(cue: Cue, following: list[Cue]) -> str:
    """Return the note that ends a cue, as the page has it."""
    if cue.end.kind == 'blocked':
        return f'[blocked in {cue.end.call}]' if cue.end.call else '[blocked]'
    if cue.end.kind == 'running':
        pressed = following and following[0].kind == 'key' and following[0].terminal == cue.terminal
        return '' if pressed else '[running]'
    return f'[{cue.end.status}]' if cue.end.status else ''


class Draw(SphinxPostTransform):
    """Replaces the blocks of the class ``scene`` by their drawing."""

    default_priority = 400
    formats = ('html',)

    def run(self, **kwargs: Any) -> None:
        blocks = [block for block in self.document.findall(nodes.literal_block)
                  if 'scene' in block['classes']]
        if not blocks or self.app.builder.name == 'epub':
            return
        path = str(self.env.doc2path(self.env.docname))
        try:
            page = read(path)
        except ScriptError as error:
            logger.warning('%s', error)
            return
        if len(page.scenes) != len(blocks):
            logger.warning('%s: %d blocks of the class "scene", but %d scenes can be played: see '
                           'docs/contributing.rst', path, len(blocks), len(page.scenes))
            return
        drawing = Drawing(page)
        for block, scene in zip(blocks, page.scenes, strict=True):
            block.replace_self(nodes.raw('', drawing.html(scene), format='html'))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_post_transform(Draw)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
