"""What the kernel sees, as the class sees it: a line for each object of the play."""

from __future__ import annotations

from ..sandbox.view import Object, View
from .sheet import BOLD, DIM

KINDS = {'shm': 'shared memory', 'sem': 'semaphore', 'mq': 'message queue'}
NOTHING = 'no shared memory, no semaphore, no message queue'
#: Messages for which there is room are drawn one by one, up to so many.
DRAWN = 20


def lines(view: View) -> list[str]:
    """Return what is to be said of each object; of none, that there is none."""
    names = {process.pid: process.terminal or process.program for process in view.processes}
    width = max((len(one.name) for one in view.objects), default=0)
    return [f'{one.name:{width}}  {KINDS[one.kind]:13}  {", ".join(_said(one, names))}'
            for one in view.objects] or [NOTHING]


def _said(one: Object, names: dict[int, str]) -> list[str]:
    def who(pids: list[int]) -> str:
        return ' '.join(dict.fromkeys(names[pid] for pid in pids))

    words = []
    if one.value is not None:
        words.append(f'value {one.value}')
    if one.messages is not None and one.maximum is not None:
        boxes = '■' * one.messages + '□' * (one.maximum - one.messages) + ' '
        words.append((boxes if one.maximum <= DRAWN else '') + f'{one.messages} of {one.maximum} messages')
    if one.kind == 'shm' and one.size is not None:
        words.append(f'{one.size} bytes')
    if one.unlinked:
        words.append('name removed')
    if one.users and (one.kind == 'shm' or one.unlinked):
        words.append(f'{"mapped" if one.kind == "shm" else "open"} in {who(one.users)}')
    if one.sleepers:
        words.append(f'asleep: {who(one.sleepers)}')
    return words


def render(now: list[str], before: list[str], columns: int, rows: int) -> list[str]:
    """Lay it out; what has changed stands out.

    Args:
        now: From :func:`lines`.
        before: What was drawn before; it may have been of any size.
        columns: Of the screen.
        rows: Of the screen; lines for which there is no room are counted in the last one.
    """
    shown = [f'\x1b[{BOLD if before and line not in before else ""}m{line[:columns]}\x1b[m' for line in now[:rows]]
    if len(now) > rows:
        shown[-1] = f'\x1b[{DIM}m… {len(now) - rows + 1} more\x1b[m'
    return shown
