"""What a page should say, and writing that at once."""

from __future__ import annotations

import difflib
import os
import secrets

from .rehearsal import Result


def write(path: str, text: str, folder: int) -> None:
    """Replace a file by a new text at once: a reader sees the old one or the new one.

    Args:
        path: The page.
        text: Its new text.
        folder: Descriptor of its folder, opened before anything was mounted over it.
    """
    name = os.path.basename(path)
    temporary = f'.{name}.{secrets.token_hex(4)}'  # our PID is 1, as everybody's on a stage
    mode = os.stat(name, dir_fd=folder).st_mode & 0o777
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=folder)
    try:
        with os.fdopen(fd, 'w', encoding='utf-8', newline='') as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise


def diff(result: Result) -> str:
    """Return what promoting changes."""
    return '\n'.join(difflib.unified_diff(
        result.page.text.split('\n'), result.promoted().split('\n'), result.page.path,
        f'{result.page.path} (promoted)', lineterm='', n=1))


