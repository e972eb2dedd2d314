"""What is derived from the pages and appended to one of them: its form."""

from __future__ import annotations

SCREENPLAY = 'screenplay.rst'


def table(head: tuple[str, ...], rows: list[tuple[str, ...]],
          widths: str = '20 50 30') -> list[str]:
    """Return a table as reST."""
    lines = ['.. list-table::', '   :header-rows: 1', f'   :widths: {widths}', '']
    for row in [head, *rows]:
        lines += [f'   {"*" if index == 0 else " "} - {cell}' for index, cell in enumerate(row)]
    return [*lines, '']
