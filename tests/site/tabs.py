"""Fixtures: a browser for each file of tests, a page of it for each test, and the site at an address."""

from collections.abc import Iterator

import browser
import pytest
from support import ROOT


@pytest.fixture(scope="module")
def chromium() -> Iterator[browser.Browser]:
    running = browser.Browser()
    yield running
    running.end()


@pytest.fixture
def tab(chromium: browser.Browser) -> Iterator[browser.Tab]:
    new = browser.Tab(chromium)
    yield new
    new.close()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with browser.served(ROOT / "build/html") as (address, _):
        yield address
