"""What is made from the pages beside the site: scenes.json of each, the course as archives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from stage.page.model import ScriptError
from stage.page.reader import read

from .archives import course


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the downloads into the finished site."""
    if error or app.builder.name != 'html' or not app.config.downloads:
        return
    for docname in app.env.found_docs:
        try:
            page = read(str(app.env.doc2path(docname)))
        except ScriptError:
            continue  # drawing the page reports it
        target = Path(app.outdir, f'{docname}.scenes.json')
        target.write_text(json.dumps(page.to_json(), indent=1) + '\n', encoding='utf-8')
    course(Path(app.confdir), Path(app.outdir))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the end of the build, and a setting for who is in a hurry."""
    app.add_config_value('downloads', True, '', bool)
    app.connect('build-finished', write)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
