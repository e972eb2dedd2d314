"""The course to take away: ``python3 -m stage.archive TEXT FOLDER`` makes the archives.

TEXT is the screenplay as plain text.  FOLDER gets ``ipc-course.tar.gz`` with all
programs, a Makefile and the text, and ``ipc-FAMILY.tar.gz`` for each folder of code/.
The same input gives the same bytes.
"""

from __future__ import annotations

import gzip
import io
import sys
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


def main(text: str, folder: str) -> None:
    """Make all archives; see the top of this file."""
    common = {'Makefile': MAKEFILE, 'LICENSE': Path('LICENSE').read_bytes()}
    course = common | {'screenplay.txt': Path(text).read_bytes()}
    for family in sorted(path for path in Path('code').iterdir() if path.is_dir()):
        files = {path.name: path.read_bytes() for path in family.glob('*.[ch]')}
        archive(Path(folder, f'ipc-{family.name}.tar.gz'), common | files)
        course |= {f'{family.name}/{name}': content for name, content in files.items()}
    archive(Path(folder, 'ipc-course.tar.gz'), course)


if __name__ == '__main__':
    main(*sys.argv[1:])
