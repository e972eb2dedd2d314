"""Who has written what is in the machine, by which licence, and where the sources are."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

#: What Debian's packages say of themselves.
DOC = 'usr/share/doc'
HEAD = """\
What is inside of the machine of the pages, build/machine/state.zst, and what a page loads beside it.
Version and source are Debian's; a package has what its licences say in LICENCES, under its name.
"make machine-sources" collects the sources, for whoever publishes the machine.

"""


class Part(NamedTuple):
    """Something with a version, a source and licences of its own."""

    name: str
    version: str
    source: str
    licences: str
    text: str


def parts(machine: Path, used: set[str]) -> list[Part]:
    """Return all parts of the machine in this folder.

    Args:
        used: The packages of which a file is inside.
    """
    return [_kernel(machine), *_packages(machine, used | {'seabios'}), _emulator(machine), _course()]


def sources(machine: Path, used: set[str]) -> list[str]:
    """Return the sources of Debian's packages, NAME=VERSION each; the kernel's has been kept."""
    return sorted({part.source.replace(' ', '=') for part in _packages(machine, used | {'seabios'})})


def table(found: list[Part]) -> str:
    """Return what SOURCES is to be."""
    rows = [('part', 'version', 'source', 'licences'), *((*part[:3], part.licences) for part in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return HEAD + ''.join('  '.join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
                          + '\n' for row in rows)


def texts(found: list[Part]) -> str:
    """Return what LICENCES is to be."""
    return '\n'.join(f'{"=" * 72}\n{part.name}\n{"=" * 72}\n\n{part.text.strip()}\n' for part in found)


def _packages(machine: Path, used: set[str]) -> list[Part]:
    found = []
    for line in (machine / 'packages/list').read_text().splitlines():
        name, version, *source = line.split()
        if name in used:
            text = (machine / 'packages' / name / DOC / name / 'copyright').read_text()
            found.append(Part(name, version, ' '.join(source), _named(text), text))
    return found


def _named(text: str) -> str:
    """Return the licences that a copyright file names: by fields that are made for it, or by where their texts are."""
    names = (re.findall(r'^License: *(\S.*)$', text, re.M)
             or re.findall(r'/usr/share/common-licenses/([\w.-]*\w)', text))
    return ', '.join(sorted({part for name in names for part in re.split(r',? and |, ', name)}, key=str.lower))


def _kernel(machine: Path) -> Part:
    [archive] = machine.glob('linux-source-*.tar.xz')
    name, version = archive.name.removesuffix('.tar.xz').split('_')
    return Part(name, version, archive.name, 'GPL-2 with Linux-syscall-note',
                'GPL-2, see /usr/share/common-licenses/GPL-2 on Debian, and COPYING in the source.\n'
                'What it was configured with is kernel.config beside this file.')


def _emulator(machine: Path) -> Part:
    folder = machine / 'node_modules/v86'
    about = json.loads((folder / 'package.json').read_text())
    return Part('v86', about['version'], 'npm: v86', about['license'], (folder / 'LICENSE').read_text())


def _course() -> Part:
    version = subprocess.run(['git', 'describe', '--always', '--dirty'], capture_output=True, text=True)
    return Part('the course', version.stdout.strip() or '-', 'code/, stage/guest/', 'MIT', Path('LICENSE').read_text())
