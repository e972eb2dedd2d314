"""What is derived from the pages and appended to one of them: from which pages, and in which form."""

from __future__ import annotations

from pathlib import Path

SCREENPLAY = 'screenplay.rst'


def sources(docs: Path) -> list[Path]:
    """Return the pages, without what editors keep beside them, or in a folder there, as the settings exclude it."""
    return [page for page in sorted(docs.rglob('*.rst')) if '/.' not in f'/{page.relative_to(docs)}']


def table(head: tuple[str, ...], rows: list[tuple[str, ...]],
          widths: str = '20 50 30') -> list[str]:
    """Return a table as reST."""
    lines = ['.. list-table::', '   :header-rows: 1', f'   :widths: {widths}', '']
    for row in [head, *rows]:
        lines += [f'   {"*" if index == 0 else " "} - {cell}' for index, cell in enumerate(row)]
    return [*lines, '']
