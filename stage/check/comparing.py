"""Why two runs differ: a documented run and a real one are equal up to a consistent renaming.

There are no wildcards: a page shows one real run.  Lines are cut into tokens;
most must be equal, a few kinds (addresses, inodes, observed PIDs) may differ as
long as the same value always stands for the same value, dates may differ freely.
``tests/cases/matching.json`` has a case for each rule.
"""

from __future__ import annotations

from collections.abc import Sequence

from .renaming import Renaming
from .tokens import compared, form_of

#: Expected lines; ``None`` is an ellipsis: one line or more.
Documented = Sequence[str | None]


def why_not(renaming: Renaming, documented: Documented, real: Sequence[str]) -> str | None:
    """Return in one line why the lines are not the same run.

    Returns:
        None if they are; then the renaming remembers what stands for what, and else nothing.
    """
    tried = renaming.copy()
    why = _walk(tried, documented, real)
    if why is None:
        renaming.learn(tried)
    return why


def reached(renaming: Renaming, documented: Documented, real: Sequence[str]) -> int | None:
    """Return how many real lines the documented ones take up, or None if they do not match yet.

    More real lines may follow.  Nothing is remembered.
    """
    last = len(real) if None in documented else min(len(documented), len(real))
    for stop in range(len(documented), last + 1):
        if _walk(renaming.copy(), documented, real[:stop]) is None:
            return stop
    return None


def decided(renaming: Renaming, documented: Documented, real: Sequence[str]) -> bool:
    """Whether the documented lines have come, or as many others, which no more will make equal."""
    enough = None not in documented and len(real) >= len(documented)
    return enough or reached(renaming, documented, real) is not None


def _walk(renaming: Renaming, documented: Documented, real: Sequence[str]) -> str | None:
    """As :func:`why_not`, but the renaming has learned something even where the lines differ."""
    for index, line in enumerate(documented):
        if line is None:
            return _ellipsis(renaming, documented[index + 1:], real[index:])
        if index >= len(real):
            return f'line missing: "{line}"'
        if why := _line(renaming, line, real[index]):
            return f'"{real[index]}" instead of "{line}": {why}'
    if len(real) > len(documented):
        return f'line too many: "{real[len(documented)]}"'
    return None


def _ellipsis(renaming: Renaming, rest: Documented, real: Sequence[str]) -> str | None:
    """Compare what follows an ellipsis with what is left, which begins with a hidden line."""
    for hidden in range(1, len(real) + 1):
        if why_not(renaming, rest, real[hidden:]) is None:
            return None
    if not real:
        return 'an ellipsis that hides nothing'
    if len(rest) >= len(real):
        return f'too few lines for the ellipsis and "{rest[0]}" after it'
    return f'after the ellipsis, no "{rest[0]}" with what follows it'


def _line(renaming: Renaming, documented: str, real: str) -> str | None:
    ours, theirs = compared(documented, renaming.names), compared(real, renaming.names)
    blanks_differ = width_changed = False
    for (kind, text), (real_kind, real_text) in zip(ours, theirs, strict=False):
        if kind == real_kind == 'blanks':
            blanks_differ |= text != real_text
            continue
        if why := _token(renaming, kind, text, real_kind, real_text):
            return why
        width_changed |= len(text) != len(real_text)
    if len(ours) != len(theirs):
        at_end = [text for _, text in (*ours[len(theirs):], *theirs[len(ours):])]
        if not ''.join(at_end).strip():
            return 'blanks at the end'
        return 'more on the line' if len(theirs) > len(ours) else 'less on the line'
    if blanks_differ and not width_changed:
        return 'number of blanks'
    return None


def _token(renaming: Renaming, kind: str, text: str, real_kind: str, real_text: str) -> str | None:
    """Compare one token with another; None if they are equal or renamed consistently."""
    differ = f'"{real_text}", documented "{text}"'
    if {kind, real_kind} == {'number', 'address'} and min(len(text), len(real_text)) >= 9:
        kind = real_kind = 'address'  # an address may happen to have no letter
    if kind == 'word' and renaming.words.get(real_text) == text:
        return None  # also a number: of a user who has no name
    if kind != real_kind:
        return differ
    match kind:
        case 'date':
            same = form_of(text) == form_of(real_text)
            return None if same else f'{differ}: a date of another form'
        case 'range':
            return _range(renaming, text, real_text)
        case 'address':
            if text.startswith('0x') != real_text.startswith('0x'):
                return f'{differ}: 0x on one side only'
            return renaming.bind('address', text.removeprefix('0x'), real_text.removeprefix('0x'))
        case 'inode':
            if '00:00 0' in (text, real_text) and text != real_text:
                return f'{real_text}, documented {text}: no file on one side only'
            return renaming.bind('inode', text, real_text)
        case 'number':
            return _number(renaming, text, real_text)
    return None if text == real_text else differ


def _range(renaming: Renaming, text: str, real_text: str) -> str | None:
    begin, end = text.split('-')
    real_begin, real_end = real_text.split('-')
    size, real_size = int(end, 16) - int(begin, 16), int(real_end, 16) - int(real_begin, 16)
    if size != real_size:
        return f'a range of {real_size} bytes, documented {size}'
    return renaming.bind('address', begin, real_begin) or renaming.bind('address', end, real_end)


def _number(renaming: Renaming, text: str, real_text: str) -> str | None:
    """A number stays the same, unless it is a PID that has been seen."""
    seen = len(real_text) < 20 and int(real_text) in renaming.pids  # int() refuses thousands of digits
    if text != real_text and not seen:
        return f'number {real_text}, documented {text}'
    return renaming.bind('PID', text, real_text) if seen or ('PID', text) in renaming.real else None
