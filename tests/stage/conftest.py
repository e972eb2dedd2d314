"""Pages of our own that are rehearsed, and a performance that has begun."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from play import Played, Signal, page, public_folder, rehearse, scene
from show import PLAY, Show, show


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with one program of our own."""
    folder = tmp_path / "programs"
    (folder / "own").mkdir(parents=True)
    (folder / "own" / "hello").write_text("#!/bin/sh\necho hello\n")
    return folder


@pytest.fixture
def check(tmp_path: Path, programs: Path) -> Callable[..., Played]:
    """Rehearses a page of one scene with these lines."""

    def run(text: str, **options: object) -> Played:
        given = {"programs": programs, "deadline": 1, **options}
        return rehearse(page(tmp_path, scene(text)), **given)

    return run


@pytest.fixture
def outside() -> Iterator[Signal]:
    """A FIFO by which somebody on stage is heard outside."""
    with public_folder() as folder:
        made = Signal(folder)
        yield made
        made.close()


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
