"""The course to take away: ``ipc-course.tar.gz``, and ``ipc-FAMILY.tar.gz`` for each folder of code/.

Programs, a Makefile, and the screenplay as text.  The same input gives the same bytes.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

MAKEFILE = b"""\
# make builds all programs; each can be compiled alone, too: cc FILE.c
LDLIBS = -pthread -lrt

all: $(basename $(wildcard *.c */*.c))
"""


def archive(target: Path, files: dict[str, bytes]) -> None:
    """Write a tar.gz with these files, in a folder of the archive's own name."""
    folder = target.name.removesuffix('.tar.gz')
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode='w', format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f'{folder}/{name}')
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    target.write_bytes(gzip.compress(packed.getvalue(), mtime=0))


def course(top: Path, text: str, folder: Path) -> None:
    """Make all archives in ``folder``, from the project at ``top`` and the screenplay as text."""
    common = {'Makefile': MAKEFILE, 'LICENSE': (top / 'LICENSE').read_bytes()}
    whole = common | {'screenplay.txt': text.encode()}
    for family in sorted(path for path in top.glob('code/[!.]*') if path.is_dir()):
        files = {path.name: path.read_bytes() for path in family.glob('[!.]*.[ch]')}
        archive(folder / f'ipc-{family.name}.tar.gz', common | files)
        whole |= {f'{family.name}/{name}': content for name, content in files.items()}
    archive(folder / 'ipc-course.tar.gz', whole)
