"""The code page: every file under code/, found and not listed.

The page docs/code/index.rst has a title and an introduction; this extension
appends what can be known from the files and from the page that shows them.
A file that no page shows is a warning, and so (with -W) no site is built.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

PAGE = 'code/index'
LABEL = re.compile(r'\.\. _([^:]+):\s*$')
LISTING = re.compile(r'\.\. literalinclude:: (\S+)')

logger = logging.getLogger(__name__)


def listings(docs: Path) -> dict[Path, str | None]:
    """Which files the pages show, and under which label each of them."""
    found: dict[Path, str | None] = {}
    for page in sorted(docs.rglob('*.rst')):
        label = None
        for line in page.read_text(encoding='utf-8').splitlines():
            if match := LABEL.match(line):
                label = match[1]
            elif match := LISTING.match(line):
                found[(page.parent / match[1]).resolve()] = label
    return found


def section(path: Path, label: str) -> list[str]:
    """The section about one file; its path is relative to the top."""
    files = [path]
    if path.parent.name == 'mq' and path.suffix == '.c':
        files.append(path.with_name('sample.h'))
    downloads = ', '.join(f':download:`{file} </../{file}>`' for file in files)
    lines = [f'``{path}``', '.' * 80, '']
    # The members of a file get a name space of their own: all have a main().
    lines += [f'.. c:namespace:: {re.sub(r"[^a-z0-9]", "_", str(path))}', '',
              f'.. doxygenfile:: {path.relative_to("code")}',
              '   :sections: briefdescription', '   :no-link:', '', '.. c:namespace:: NULL', '']
    if path.suffix == '.c':
        lines += ['.. code-block:: console', '', f'   $ cc -o {path.stem} {path.name}', '']
    else:
        lines += [f'.. doxygenstruct:: {path.stem}', '   :members:', '']
    return lines + [f'Download {downloads}; shown in :ref:`{label}`.', '']


def derive(app: Sphinx, config: Config) -> None:
    """Make the list; as a setting, so that Sphinx sees when it changes."""
    docs = Path(app.srcdir)
    top = docs.parent
    shown = listings(docs)
    families = list(dict.fromkeys(file.parent for file in shown))  # in the order of the pages
    families += sorted({file.parent for file in top.glob('code/*/*')} - set(families))
    lines: list[str] = []
    for family in families:
        lines += ['', f'``code/{family.name}/``', '-' * 80, '']
        for file in sorted([*family.glob('*.c'), *family.glob('*.h')]):
            path = file.relative_to(top)
            if label := shown.get(file.resolve()):
                lines += section(path, label)
            else:
                complain(path, file.resolve() in shown)
    config.programs_list = '\n'.join(lines)


def complain(path: Path, is_shown: bool) -> None:
    """Say what is wrong with the listing of a file, and what to do."""
    if is_shown:
        logger.warning('the section that shows %s has no label: put ".. _some-name:" and a blank '
                       'line above the title of its section', path)
    else:
        logger.warning('no page shows %s: show it in docs/screenplay.rst with\n'
                       '   .. literalinclude:: ../%s\n'
                       '      :caption: :download:`%s <../%s>`\n'
                       '      :language: c\n'
                       'under a section with a label, or remove the file', *4 * [path])


def append(app: Sphinx, docname: str, source: list[str]) -> None:
    """Complete the code page."""
    if docname == PAGE:
        source[0] += '\n' + app.config.programs_list


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value('programs_list', '', 'env', str)
    app.connect('config-inited', derive)
    app.connect('source-read', append)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
