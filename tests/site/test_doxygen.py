"""The comments of the programs as XML."""

from pathlib import Path
from types import SimpleNamespace

from support import ROOT

from docs._ext.doxygen import Doxygen


def test_a_run_that_nobody_waits_for_is_not_in_the_way_of_the_next(tmp_path: Path) -> None:
    """Sphinx may fail before it waits, and what is wrong be mended while doxygen still writes."""
    projects = {"breathe_projects": {"code": str(tmp_path / "xml")}, "breathe_default_project": "code"}
    app = SimpleNamespace(confdir=ROOT, config=SimpleNamespace(**projects))
    left, next_one = Doxygen(app), Doxygen(app)
    next_one.end(app, None)
    assert "030-shm-produce.c" in (tmp_path / "xml/index.xml").read_text()
    left.end(app, None)
    assert "030-shm-produce.c" in (tmp_path / "xml/index.xml").read_text()
