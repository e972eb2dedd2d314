"""What a page should say, and writing that at once."""

from __future__ import annotations

import contextlib
import datetime
import difflib
import os
import platform
import re
from collections.abc import Sequence
from typing import Any

from ..page.model import Cue
from ..page.scenes import CONTROL, escape
from .comparing import Documented, why_not
from .rehearsal import Rehearsal
from .renaming import Renaming
from .tokens import Token, compared, tokens
from .trees import Trees, differs, printed

#: The field of a page that says where and when its sessions were last written.
RECORDED = re.compile(r'^( *:Recorded: ).*$', re.MULTILINE)
#: Kinds of tokens whose values may differ.
FLOATING = {'date', 'range', 'address', 'inode', 'blanks'}


class Promotion(Rehearsal):
    """Plays a page and notes what it should say; a claim of the author (blocking, waking, exit status) fails.

    Attributes:
        edits: For each cue that differs: the first of its lines of output in the page, the one
            after the last (as indexes), and the lines that belong there.
        grown: The trees that differ from those that are kept beside the page.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.edits: list[tuple[int, int, list[str]]] = []
        self.grown: Trees = {}

    def _compare(self, cue: Cue, lines: list[str]) -> None:
        tree = printed(self.page, cue, lines)
        if '' in tree.values():
            self._fail(cue, 'what it has printed is no tree', lines)
        self.grown |= tree if differs(self.trees, tree) else {}
        if why_not(self.renaming, cue.expect, lines) is None:
            return
        new = promoted(self.renaming, cue.expect, lines)
        if why := self._refused(cue, new, lines):
            self._fail(cue, f'cannot be promoted: {why}', lines)
        own: dict[str | None, list[str]] = {}  # as the page writes them
        for line, written in zip(cue.expect, self.page.text.split('\n')[cue.first:cue.last], strict=True):
            own.setdefault(line, []).append(written)
        text = [own[line].pop(0) if own.get(line) else cue.indent + escape(line or '') for line in new]
        if text[-1:] == [''] and cue.expect[-1:] != ['']:
            text[-1] = cue.indent + escape('')  # as it is, it would be none of the scene's if that ends here
        self.edits.append((cue.first, cue.last, text))

    def _refused(self, cue: Cue, new: list[str | None], lines: list[str]) -> str | None:
        """Return why these lines cannot be written into the page, and what to do."""
        if why_not(self.renaming, new, lines):
            return 'a value of the page would have two meanings; change it in the page by hand'
        for line in filter(None, new):
            if control := CONTROL.search(line):
                return (f'a control character, {control[0]!r}, which no page can show: write a command that '
                        'prints none')
            words = self.renaming.words
            names = {*words, *words.values()}  # words, too: that of a user without a name is a number, and stays one
            if line not in cue.expect and {text for _, text in tokens(line)} & names:
                return (f'"{line}" has a name of this machine, or a word that looks like one, such as "root": '
                        'promote on a private stage, or change it in the page by hand')
        return None

    def text(self) -> str:
        """Return what the page should say."""
        lines = self.page.text.split('\n')
        for first, last, new in reversed(self.edits):
            lines[first:last] = new
        text = '\n'.join(lines)
        return RECORDED.sub(rf'\g<1>{machine()}', text) if self.edits else text

    def diff(self) -> str:
        """Return what that changes."""
        return '\n'.join(difflib.unified_diff(
            self.page.text.split('\n'), self.text().split('\n'), self.page.path,
            f'{self.page.path} (promoted)', lineterm='', n=1))


def machine() -> str:
    """Return what the sessions are recorded with, and today's date: the kernel, the C library, the processor."""
    kernel = '.'.join(platform.release().split('.')[:2])
    library = ' '.join(platform.libc_ver()).strip() or 'a C library other than glibc'
    return f'{platform.system()} {kernel}, {library}, {platform.machine()}, {datetime.date.today():%-d %B %Y}'


def promoted(renaming: Renaming, documented: Documented, real: Sequence[str]) -> list[str | None]:
    """Return the lines that the page should show for this run.

    A line that still holds stays as it is, byte for byte, and an ellipsis stays where
    lines are left for it; the rest is the real text with bound values mapped back.
    """
    shapes = ([_shape(line) for line in documented],
              [_shape(renaming.to_documented(line)) for line in real])
    blocks = difflib.SequenceMatcher(None, *shapes, autojunk=False).get_opcodes()
    kept: list[str | None | int] = []
    for _, first, last, begin, end in blocks:
        kept += _block(renaming, documented[first:last], real, range(begin, end))
    return [renaming.to_documented(real[line]) if isinstance(line, int) else line for line in kept]


def _block(renaming: Renaming, documented: Documented, real: Sequence[str],
           came: range) -> list[str | None | int]:
    """Return the lines that are kept; for each that is new, its index in ``real``."""
    if None in documented:
        head = list(documented).index(None)
        tail = len(documented) - head - 1
        if head + tail < len(came):
            stop = len(came) - tail
            return [*_block(renaming, documented[:head], real, came[:head]), None,
                    *_block(renaming, documented[head + 1:], real, came[stop:])]
    if len(documented) != len(came):
        return list(came)
    return [index if line is None or why_not(renaming, [line], [real[index]]) else line
            for line, index in zip(documented, came, strict=True)]


def _shape(line: str | None) -> tuple[Token, ...] | None:
    """Return the tokens of a line without the values that may differ."""
    return None if line is None else tuple(
        (kind, '' if kind in FLOATING else text) for kind, text in compared(line))


def write(name: str, text: str, folder: int, before: str | None = None) -> None:
    """Make a file, or replace it by a new text at once: a reader sees the old one or the new one.

    Args:
        name: Of the page, or of a tree.
        text: Its new text.
        folder: Descriptor of its folder, opened before anything was mounted over it.
        before: What stands there if nobody has changed it; None if that does not matter.

    Raises:
        OSError: It stands there no longer, or nothing can be written.
    """
    temporary = f'.{name}.{os.urandom(4).hex()}'  # our PID is 1, as everybody's on a stage
    owner, mode = None, 0o644
    with contextlib.suppress(FileNotFoundError):
        old = os.stat(name, dir_fd=folder)
        owner, mode = (old.st_uid, old.st_gid), old.st_mode & 0o777
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode, dir_fd=folder)
    try:
        with os.fdopen(fd, 'w', encoding='utf-8', newline='') as file:
            file.write(text)
            file.flush()
            if owner:
                with contextlib.suppress(OSError):  # to give it to somebody else takes root
                    os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        if before is not None and _read(name, folder) != before.encode():
            raise OSError(f'{name} has been changed meanwhile and is left as it is: promote it again')
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise


def _read(name: str, folder: int) -> bytes:
    with open(name, 'rb', opener=lambda path, flags: os.open(path, flags, dir_fd=folder)) as file:
        return file.read()
