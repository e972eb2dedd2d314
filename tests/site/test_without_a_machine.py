"""Without build/machine the site is as if there were no Linux for its pages."""

from pathlib import Path

import pytest
from copies import make, replace


def pages(folder: Path) -> dict[str, bytes]:
    """All files of the site, but what Sphinx notes of its settings."""
    site = folder / "build/html"
    return {str(file.relative_to(site)): file.read_bytes() for file in site.rglob("*")
            if file.is_file() and file.name != ".buildinfo"}


@pytest.mark.thorough
def test_without_a_machine_the_site_is_byte_for_byte_as_without_its_extension(made: Path) -> None:
    before = pages(made)
    assert not [name for name in before if "machine/" in name]
    assert b"wasm" not in before["screenplay.html"] and b"data-tries" not in before["screenplay.html"]
    replace(made / "conf.py", "'docs._ext.guest', ", "")
    done = make(made, "html")
    assert done.returncode == 0, done.stdout
    assert pages(made) == before
