"""The course to take away: ``ipc-course.tar.gz``, and ``ipc-FAMILY.tar.gz`` for each folder of code/.

All have the same folders, as the sessions name them; that of a chapter has all that its sessions run.
Programs with their Makefile, and the screenplay.  The same files give the same bytes, whoever packs them
on whichever machine.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from stage.page.model import Page, ScriptError
from stage.page.reader import read

from .derived import SCREENPLAY
from .listings import SOLUTIONS, companions, listings
from .needs import programs

MAKEFILE = """\
# make builds all programs; each can be compiled alone, too: cc FILE.c
# Seen to build with glibc (gcc and clang) and with musl (make CC=musl-gcc).
CFLAGS = -g
LDLIBS = -pthread -lrt

all: $(basename $(wildcard *.c */*.c))

%: %.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< $(LDFLAGS) $(LDLIBS)
"""


def gzipped(data: bytes) -> bytes:
    """Return a gzip file, RFC 1952, in which nothing is compressed.

    Each zlib compresses in its own way; a stored block, RFC 1951 3.2.4, is what it is.
    """
    chunks = [data[start:start + 0xffff] for start in range(0, len(data), 0xffff)]
    parts = [b'\x1f\x8b\x08' + bytes(6) + b'\xff']  # deflate; no flags, no time; an unknown system
    for number, chunk in enumerate(chunks, 1):
        parts += [bytes([number == len(chunks)]), len(chunk).to_bytes(2, 'little'),
                  (len(chunk) ^ 0xffff).to_bytes(2, 'little'), chunk]
    return b''.join([*parts, zlib.crc32(data).to_bytes(4, 'little'), len(data).to_bytes(4, 'little')])


def archive(target: Path, files: dict[str, bytes], folders: bool = False) -> None:
    """Write a tar.gz with these files, in a folder of its own name; with ``folders``, these are entries, too."""
    folder = target.name.removesuffix('.tar.gz')
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode='w', format=tarfile.USTAR_FORMAT, encoding='utf-8') as tar:
        inner = {str(parent) for name in files for parent in PurePosixPath(folder, name).parents} - {'.'}
        for name in sorted(inner) if folders else ():
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f'{folder}/{name}')
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    target.write_bytes(gzipped(packed.getvalue()))


def makefile(files: dict[str, Path]) -> str:
    """Return the Makefile for files by their places in the archive: a program needs the headers it includes."""
    needs = [f'{PurePosixPath(place).with_suffix("")}: {PurePosixPath(place).with_name(header.name)}\n'
             for place, file in files.items() if file.suffix == '.c' for header in companions(file)]
    return MAKEFILE + ('\n' if needs else '') + ''.join(needs)


def with_makefile(top: Path, files: dict[str, Path]) -> dict[str, bytes]:
    """Return the content of an archive with these files of code/."""
    contents = {place: file.read_bytes() for place, file in files.items()}
    return contents | {'Makefile': makefile(files).encode(), 'LICENSE': (top / 'LICENSE').read_bytes()}


def _readable(sources: Iterable[Path]) -> Iterator[Page]:
    """Yield the pages of these files but those that cannot be read: drawing them reports it."""
    for source in sources:
        with contextlib.suppress(ScriptError):
            yield read(str(source))


def course(top: Path, folder: Path) -> None:
    """Make all archives in ``folder``, from the project at ``top``.  Raises ScriptError where a file is not UTF-8."""
    code = top / 'code'
    everything = {f'{file.parent.name}/{file.name}': file for file in sorted(code.glob('[!.]*/[!.]*.[ch]'))}
    shown = {(listing.file.parent.name, listing.page) for listing in listings(top / 'docs')}
    for family in sorted(path.name for path in code.glob('[!.]*') if path.is_dir() and path.name != SOLUTIONS):
        pages = _readable(page for name, page in sorted(shown) if name == family)
        used = {f'{program}.c' for page in pages for program in programs(page, family)}
        used |= {f'{header.parent.name}/{header.name}' for name in used & everything.keys()
                 for header in companions(everything[name])}
        files = {place: file for place, file in everything.items() if place in used or file.parent.name == family}
        archive(folder / f'ipc-{family}.tar.gz', with_makefile(top, files))
    screenplay = {SCREENPLAY: (top / 'docs' / SCREENPLAY).read_bytes()}
    archive(folder / 'ipc-course.tar.gz', with_makefile(top, everything) | screenplay)
