"""Scenes in HTML: who speaks in which terminal, who waits, who wakes whom.

Each cue becomes one element with an anchor of its own.  A scene with several
terminals has a column for each, time flowing down, a bar where a terminal is
blocked or running, and an arrow to who is woken; the style sheet draws them where
there is room, and leaves the transcript as it stands elsewhere: what the drawing says
beyond it is in attributes (``data-says``), and so in no text browser.  No script is involved.  Other
builders, and a site without this extension, show the block as it is written.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from stage.page.model import Cue, End, Page, Scene, ScriptError, read

logger = logging.getLogger(__name__)
HYPHENATED = re.compile(r'[^\s-]+-\S+')


class Drawing:
    """Draws the scenes of one page, in their order; keeps who is busy between them."""

    def __init__(self, page: Page) -> None:
        self.colours = page.colours()
        self.busy: dict[str, End] = {}  # terminal -> blocked or running
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
            if cue.end.kind != 'status':
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
        busy = {name: end.kind for name, end in self.busy.items()}
        found: dict[int, list[str]] = {}
        waker = None
        for index, cue in enumerate(scene.cues):
            if cue.kind != 'resume' or busy[cue.terminal] != 'blocked':
                waker = index
            elif waker is not None:
                found.setdefault(waker, []).append(cue.terminal)
            busy[cue.terminal] = cue.end.kind
        return found

    def _bars(self, columns: list[str], cue: Cue, labelled: set[str]) -> str:
        """Return what stands in the columns of those who wait or run during a cue."""
        bars = ''
        for name in columns:
            if name == cue.terminal or name not in self.busy:
                continue
            end, label = self.busy[name], ''
            if name not in labelled:  # since an earlier scene
                labelled.add(name)
                says = f'{end.kind} in {end.call}' if end.call else end.kind
                label = f' data-says="{says}" data-of="{escape(name)}"'
            bars += f'<i class="bar {end.kind} {self._place(columns, name)}"{label}></i>'
        return bars

    def _arrow(self, columns: list[str], cue: Cue, woken: str) -> str:
        """Return the line from the column of a cue to that of a terminal that it wakes."""
        here, there = columns.index(cue.terminal) + 1, columns.index(woken) + 1
        side = 'right' if here < there else 'left'
        return (f'<i class="arrow {side} from-{min(here, there)} to-{max(here, there)} '
                f'colour-{self.colours[cue.terminal]}"></i>')


def anchors(page: Page) -> dict[int, str]:
    """Return number of a scene -> its anchor: the name of its section, and which one there it is.

    A scene that is added elsewhere changes none of them.
    """
    found: dict[int, str] = {}
    in_section: dict[str, int] = {}
    for scene in page.scenes:
        section = next((one for one in reversed(page.sections) if one.line < scene.line), None)
        name = (section.label or nodes.make_id(section.title)) if section else 'page'
        in_section[name] = in_section.get(name, 0) + 1
        found[scene.number] = f'scene-{name}-{in_section[name]}'
    return found


def targets(page: Page, docname: str) -> dict[int, str]:
    """Return number of a scene -> what the role ``ref`` calls it, on any page and in any format."""
    return {number: f'{docname}-{anchor}' for number, anchor in anchors(page).items()}


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
    if cue.end.kind == 'blocked':
        return f'[blocked in {cue.end.call}]' if cue.end.call else '[blocked]'
    if cue.end.kind == 'running':
        pressed = following and following[0].kind == 'key' and following[0].terminal == cue.terminal
        return '' if pressed else '[running]'
    return f'[{cue.end.status}]' if cue.end.status else ''


def _scenes(document: nodes.document) -> list[nodes.literal_block]:
    return [block for block in document.findall(nodes.literal_block) if 'scene' in block['classes']]


class Name(SphinxTransform):
    """Gives each scene its anchor, and the name by which pages refer to it."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Do it; a page that cannot be read stays as it is, and drawing it reports why."""
        blocks = _scenes(self.document)
        if not blocks:
            return
        try:
            page = read(str(self.env.doc2path(self.env.docname)))
        except ScriptError:
            return
        names, labels = anchors(page), targets(page, self.env.docname)
        for block, scene in zip(blocks, page.scenes, strict=False):
            block['ids'].append(names[scene.number])
            self.env.domains['std'].note_hyperlink_target(
                labels[scene.number], self.env.docname, names[scene.number])


class Draw(SphinxPostTransform):
    """Replaces the blocks of the class ``scene`` by their drawing."""

    default_priority = 400
    formats = ('html',)

    def run(self, **kwargs: Any) -> None:
        """Do it; what cannot be drawn stays as it is, with a warning."""
        blocks = _scenes(self.document)
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
            block.parent.replace(block, nodes.raw('', drawing.html(scene), format='html'))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transforms."""
    app.add_transform(Name)
    app.add_post_transform(Draw)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
