"""The programs that a scene is about, as their sources: these lie beside the programs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from ..page.model import Scene
from ..sandbox.programs import PROGRAM
from .tmux import environment


def sources_of(folder: str, shown: Sequence[str], scene: Scene, at: int) -> list[str]:
    """Return the paths of the sources that belong to a cue: what the page shows, then what the scene runs.

    Args:
        folder: Of the stage.
        shown: What the page shows before the scene, as ``shm/030-shm-produce.c``.
        scene: Whose programs may be meant.
        at: Index of the cue in it; the programs run last come first.
    """
    cues = [*reversed(scene.cues[:at + 1]), *scene.cues[at + 1:]]
    run = [f'{name}.c' for cue in cues if cue.kind == 'run' for name in PROGRAM.findall(cue.command)]
    paths = [f'{folder}/{name}' for name in dict.fromkeys([*shown, *run])]
    return [path for path in paths if os.path.exists(path)]


def pager(sources: Sequence[str]) -> list[str]:
    """Return the command that shows sources, with the numbers of their lines as on the page; ``q`` ends it."""
    if shutil.which('less', path=environment().get('PATH')):
        return ['env', 'LESSSECURE=1', 'LESSCHARSET=utf-8', 'LESS=', 'less', '-N', '-S', *sources]
    return ['sh', '-c', 'cat -n "$@"; exec sleep 2147483647', 'sh', *sources]
