"""A folder becomes like another one, and what is alike already is left alone."""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path


def mirror(source: Path, target: Path) -> None:
    """Make ``target`` have the files of ``source``, and no others.

    A file of the same content keeps its place and its time: who asks for the time of a file, as
    Sphinx and breathe do, sees only what has changed.  Others are replaced in one step.  Raises OSError.
    """
    target.mkdir(parents=True, exist_ok=True)
    wanted = {entry.name: entry for entry in os.scandir(source)}
    for entry in os.scandir(target):
        if entry.name not in wanted or entry.is_dir() != wanted[entry.name].is_dir():
            shutil.rmtree(entry) if entry.is_dir() else os.unlink(entry)
    for name, entry in wanted.items():
        there = target / name
        if entry.is_dir():
            mirror(Path(entry), there)
        elif not there.exists() or not filecmp.cmp(entry, there):
            shutil.copy2(entry, target / f'{name}.new')
            os.replace(target / f'{name}.new', there)
