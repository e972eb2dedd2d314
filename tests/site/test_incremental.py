"""What is made again when something changes that a page has from elsewhere: all of it that is in the page."""

from pathlib import Path

import pytest
from copies import make, replace

pytestmark = pytest.mark.thorough


def page(folder: Path, name: str) -> str:
    """A page of the site, as make makes it."""
    done = make(folder, "html")
    assert done.returncode == 0, done.stdout
    return (folder / f"build/html/{name}.html").read_text()


def test_what_a_program_on_another_page_needs_follows_the_screenplay(made: Path) -> None:
    needs = ">./shm/020-shm-create{}</a> first"
    assert needs.format("") in page(made, "exercises")
    screenplay = made / "docs/screenplay.rst"
    screenplay.write_text(screenplay.read_text().replace(
        "   $ ./shm/020-shm-create\n", "   $ ./shm/020-shm-create /ipc-counter\n", 1))
    assert needs.format(" /ipc-counter") in page(made, "exercises")


def test_the_chapters_in_the_contents_of_another_page_follow_the_screenplay(made: Path) -> None:
    assert ">sem: Post<" in page(made, "questions")
    replace(made / "docs/screenplay.rst", ".. _sem:\n", ".. _sem:\n\n.. _semaphores:\n")
    assert ">sem: Post<" not in page(made, "questions")
