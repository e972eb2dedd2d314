"""Where panes go: sizes only, nothing is drawn here."""

from __future__ import annotations

from dataclasses import dataclass

#: With at least so many columns, the notes stand beside the stage, and else below it.
WIDE = 140
#: The least that the notes get below the stage.
NOTES_ROWS = 9


@dataclass(frozen=True)
class Layout:
    """The sizes of the panes of a window, in cells; a border is one cell more."""

    notes: tuple[str, int] | None
    """tmux's flag for the direction (``-h`` is beside, ``-v`` below) and the size, or no notes."""
    widths: list[int]
    """Of the terminals, from left to right."""


def layout(columns: int, rows: int, number: int, with_notes: bool) -> Layout:
    """Divide a window among terminals, side by side and equally wide, and the notes.

    Args:
        columns: Of the window.
        rows: Of the window.
        number: Of terminals, at least 1.
        with_notes: The notes have no screen of their own.
    """
    notes = None
    if with_notes and columns >= WIDE:
        notes = '-h', columns * 2 // 5
        columns -= notes[1] + 1
    elif with_notes:
        notes = '-v', max(rows * 9 // 20, NOTES_ROWS)
    each = max((columns - number + 1) // number, 2)
    return Layout(notes, [columns - (number - 1) * (each + 1), *[each] * (number - 1)])
