"""What is made again when something changes that a page has from elsewhere: all of it that is in the page."""

import re
from hashlib import sha256
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


def test_the_film_and_its_player_are_followed_also_when_the_film_is_removed(made: Path) -> None:
    cast, player = made / "build/recording.cast", made / "docs/_theme/static/film.js"
    files = {"player": player, "film": cast}
    assert 'class="play"' not in page(made, "performing")
    for text in ("x", "y"):
        cast.write_text(f'{{"version": 2, "width": 80, "height": 24}}\n[0.5, "o", "{text}"]\n')
        for comment in ("", "// one more line\n"):
            player.write_text(player.read_text() + comment)
            sums = {name: sha256(file.read_bytes()).hexdigest()[:8] for name, file in files.items()}
            assert dict(re.findall(r'data-(\w+)="_static/[\w.]+[?]v=(\w+)"', page(made, "performing"))) == sums
    cast.unlink()
    assert 'class="play"' not in page(made, "performing")
    assert not list((made / "build/html/_static").glob("recording.*"))
