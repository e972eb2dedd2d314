"""What is made from the pages beside the site: scenes.json of each, the course as archives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from stage.page.model import ScriptError
from stage.page.reader import read

from .archives import course
from .derived import sources


def write(docs: Path, folder: Path) -> None:
    """Write the downloads into the folder of a finished site.  Raises OSError."""
    for source in sources(docs):
        try:
            page = read(str(source))
        except ScriptError:
            continue  # drawing the page reports it
        target = folder / source.relative_to(docs).with_suffix('.scenes.json')
        target.write_text(json.dumps(page.to_json(), indent=1) + '\n', encoding='utf-8')
    course(docs.parent, folder)


def complete(app: Sphinx, error: Exception | None) -> None:
    """Do it where somebody waits for them."""
    if not error and app.builder.name == 'html' and app.config.downloads:
        write(Path(app.srcdir), Path(app.outdir))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the end of the build, and a setting for who is in a hurry."""
    app.add_config_value('downloads', True, '', bool)
    app.connect('build-finished', complete)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
