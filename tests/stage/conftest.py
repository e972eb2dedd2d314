"""A performance that has begun, for the tests of its keys, its screen and its notes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from play import page
from show import PLAY, Show, show


@pytest.fixture
def play(tmp_path: Path) -> Path:
    """A page of three sections and five scenes."""
    return page(tmp_path, "Play\n====\n", *PLAY)


@pytest.fixture
def on(play: Path) -> Iterator[Show]:
    """A performance of it, at its beginning."""
    with show(play) as made:
        made.noted("Say hello", "echo hello", "Second screen")
        made.shown("main", "$")
        yield made
