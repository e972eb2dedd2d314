"""Where panes go: sizes only, nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

#: With at least so many columns, the notes stand beside the stage, and else below it.
WIDE = 140
#: The least that the notes get below the stage, and a terminal above another one.
NOTES_ROWS, STACKED_ROWS = 9, 3
#: What a listing needs: 80 columns, and its line numbers.
LISTING = 88


@dataclass(frozen=True)
class Split:
    """A pane that is made by splitting another one; terminals are called by their number, the first one is ``0``."""

    name: str
    of: str
    flag: str
    """Of tmux: ``-h`` is to the right of it, ``-v`` below."""
    size: int
    """Columns or rows of the new pane; a border takes one more of the other."""


@dataclass
class Layout:
    """How a window is divided, split by split; the first pane has a border above it."""

    splits: list[Split] = field(default_factory=list)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Rows and columns of each pane."""

    def split(self, name: str, of: str, flag: str, size: int) -> None:
        """Take a new pane from another one."""
        rows, columns = self.sizes[of]
        self.splits.append(Split(name, of, flag, size))
        if flag == '-h':
            self.sizes |= {of: (rows, columns - size - 1), name: (rows, size)}
        else:
            self.sizes |= {of: (rows - size - 1, columns), name: (size, columns)}


def layout(columns: int, rows: int, lengths: Sequence[int], notes: bool = False, kernel: int = 0,
           listing: bool = False) -> Layout:
    """Divide a window among the terminals and what else is to be seen.

    Args:
        columns: Of the window.
        rows: Of the window.
        lengths: Columns of the longest line of each terminal, of at least one. They stand side by side, equally
            wide, if all of these fit, or if they would be too low one above the other.
        notes: They have no screen of their own.
        kernel: Rows for what the kernel sees, or none.
        listing: A program is shown.
    """
    made = Layout(sizes={'0': (rows - 1, columns)})
    if notes and columns >= WIDE:
        made.split('notes', '0', '-h', columns * 2 // 5)
    elif notes:
        made.split('notes', '0', '-v', max(rows * 9 // 20, NOTES_ROWS))
    if kernel:
        made.split('kernel', '0', '-v', kernel)
    if listing and made.sizes['0'][1] >= LISTING * 3 // 2:
        made.split('listing', '0', '-h', LISTING)
    elif listing:
        made.split('listing', '0', '-v', made.sizes['0'][0] // 2)
    number, (height, width) = len(lengths), made.sizes['0']
    beside, above = (width - number + 1) // number, (height - number + 1) // number
    stacked = number > 1 and max(lengths) > beside and above >= STACKED_ROWS
    for terminal in range(number - 1, 0, -1):  # each is taken from the end of the first: the last one comes first
        made.split(str(terminal), '0', '-v' if stacked else '-h', above if stacked else max(beside, 2))
    return made
