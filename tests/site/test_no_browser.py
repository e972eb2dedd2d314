"""Where there is no browser, what needs one is skipped."""

from pathlib import Path

import browser
import pytest
from support import version


def test_a_stub_with_the_name_of_a_browser_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ubuntu's chromium-browser says how to install the real one."""
    stub = tmp_path / browser.NAMES[1]
    stub.write_text("#!/bin/sh\necho 'Install it with another tool'\nexit 1\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    version.cache_clear()
    try:
        assert browser.find() is None
        stub.write_text("#!/bin/sh\necho 'Chromium 150.0'\n")
        version.cache_clear()
        assert browser.find() == stub.name
    finally:
        version.cache_clear()
