"""The Linux in the page, where ``make machine`` has made one: its files, and a button at each scene.

Nothing of it is loaded before somebody presses a button.  Without a machine, the site is the same as
without this extension.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

from stage.guest.machine import FOLDER
from stage.guest.sandbox import calls_of_i386
from stage.guest.terminal import SLOW, SURROUNDINGS, GuestTerminal
from stage.page.anchors import anchors
from stage.page.bets import asked
from stage.page.model import TIMED_SLEEPS, Page, ScriptError
from stage.page.reader import read
from stage.page.steps import starts
from stage.sandbox.processes import TIMEOUTS

from .derived import sources

MACHINE = Path(FOLDER)
PLAYER = Path('stage/guest/player')
OTHERWISE = Path('stage/guest/otherwise.json')
#: What the page loads of the machine; the last one is the list of what is inside.
MADE = {'state': 'state.zst', 'v86': 'node_modules/v86/build/libv86.mjs', 'wasm': 'node_modules/v86/build/v86.wasm',
        'sources': 'SOURCES'}
#: Of the player, what every page has got already.
BUTTON = 'button.js', 'button.css'
#: In a scene that is drawn.
SCENE = re.compile(r'<div class="[\w -]*\bscene\b[\w -]*" id="scene-')
IMPORT = re.compile(r"(?<=from ')\./[\w.]+(?=')")


def is_there(top: Path) -> bool:
    """Whether there is a machine."""
    return (top / MACHINE / 'state.zst').exists() and (top / MACHINE / 'state.json').exists()


def player(top: Path) -> dict[str, Path]:
    """Return the files of the player by their names."""
    return {file.name: file for file in sorted((top / PLAYER).glob('*.*s')) if file.name not in BUTTON}


def checksum(*files: Path) -> str:
    """Return the checksum of files, which is in their addresses: so they may be kept for ever."""
    return hashlib.sha256(b''.join(file.read_bytes() for file in files)).hexdigest()[:8]


def offer(app: Sphinx, config: Config) -> None:
    """Give the pages the button, and what it looks like."""
    top = Path(app.confdir)
    if is_there(top):
        script, sheet = ((top / PLAYER / name).read_text(encoding='utf-8') for name in BUTTON)
        version = checksum(*player(top).values())
        config.more_script, config.more_sheet = script.replace('/try.js', f'/try.js?v={version}'), sheet


def allow(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Let a page that has scenes compile what the processor of the machine does, and have v86's workers."""
    if is_there(Path(app.confdir)) and SCENE.search(context.get('body', '')) and scenes_of(app.env.doc2path(pagename)):
        context['tries'] = pagename


def scenes_of(source: str | Path) -> Page | None:
    """Return the page of this source, if it has scenes; what cannot be read is reported when it is drawn."""
    try:
        page = read(str(source))
    except ScriptError:
        return None
    return page if page.scenes else None


def told(top: Path, page: Page, files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what the player knows of a page, as JSON has it."""
    names = anchors(page)
    cues = [(scene, cue) for scene in page.scenes for cue in scene.cues]
    return {
        'cues': page.to_json(),
        'steps': starts(cues),
        'scenes': [{'number': scene.number, 'anchor': names[scene.number], 'section': scene.section,
                    'asked': asked(scene) if scene.predict else None} for scene in page.scenes],
        'colours': page.colours(),
        'known': {'calls': _calls(), 'timeouts': TIMEOUTS, 'timedSleeps': sorted(TIMED_SLEEPS)},
        'otherwise': json.loads((top / OTHERWISE).read_text(encoding='utf-8')),
        'shell': dict(zip(('command', 'environment'), GuestTerminal.invocation(['bash'], SURROUNDINGS), strict=True)),
        'slow': SLOW,
        'machine': json.loads((top / MACHINE / 'state.json').read_text(encoding='utf-8')),
        'files': files,
    }


@functools.cache
def _calls() -> dict[int, str]:
    try:
        return calls_of_i386('cc')
    except OSError as error:
        raise ExtensionError(f'{error}, or remove {MACHINE}/ for a site without it') from None


def put(app: Sphinx, error: Exception | None) -> None:
    """Put the machine, its player and what that knows of each page into the site."""
    if error or app.builder.name != 'html':
        return
    top, target = Path(app.confdir), Path(app.outdir, '_static/machine')
    if not is_there(top):
        shutil.rmtree(target, ignore_errors=True)
        return
    target.mkdir(parents=True, exist_ok=True)
    version = checksum(*player(top).values())
    for name, file in player(top).items():
        text = IMPORT.sub(rf'\g<0>?v={version}', file.read_text(encoding='utf-8'))
        (target / name).write_text(text, encoding='utf-8')
    files: dict[str, dict[str, Any]] = {}
    for name, place in MADE.items():
        file = top / MACHINE / place
        if file.exists():
            files[name] = {'name': f'{file.name}?v={checksum(file)}', 'size': file.stat().st_size}
            shutil.copyfile(file, target / file.name)
    for source in sources(Path(app.srcdir)):
        if page := scenes_of(source):
            told_in = target / source.relative_to(app.srcdir).with_suffix('.json')
            told_in.parent.mkdir(exist_ok=True)
            told_in.write_text(json.dumps(told(top, page, files)), encoding='utf-8')


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it; the style sheet and the script are written by docs/_ext/stylesheet.py."""
    app.connect('config-inited', offer)
    app.connect('html-page-context', allow)
    app.connect('build-finished', put)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
