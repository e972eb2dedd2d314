"""A folder as the archive that Linux unpacks into its root: cpio, as "newc".

See Documentation/driver-api/early-userspace/buffer-format.rst in the kernel.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

#: Of every file: the same content makes the same archive, whenever it is made.
TIME = 1767225600  # 2026-01-01


def pack(folder: Path) -> bytes:
    """Return the archive of what is in a folder; all is root's."""
    paths = [folder, *sorted(folder.rglob('*'))]
    members = [_member(number, str(path.relative_to(folder)), path) for number, path in enumerate(paths, 1)]
    return b''.join([*members, b''.join(_entry(0, 'TRAILER!!!', 0, b''))])


def _member(number: int, name: str, path: Path) -> bytes:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        content = str(path.readlink()).encode()
    else:
        content = b'' if stat.S_ISDIR(mode) else path.read_bytes()
    return b''.join(_entry(number, name, mode, content))


def _entry(number: int, name: str, mode: int, content: bytes) -> Iterator[bytes]:
    """Yield a header, a name and a content, the latter two filled up to a multiple of four bytes."""
    links = 2 if stat.S_ISDIR(mode) else 1
    numbers = number, mode, 0, 0, links, TIME, len(content), 0, 0, 0, 0, len(name) + 1, 0
    head = b'070701' + b''.join(b'%08x' % number for number in numbers) + name.encode() + b'\0'
    for part in (head, content):
        yield part + b'\0' * (-len(part) % 4)
