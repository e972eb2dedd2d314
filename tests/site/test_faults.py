"""What is at fault in a page, or missing beside it, is said in a warning, with what to do; and what is not is built."""

from pathlib import Path

import pytest
from copies import make, replace
from play import private_stage

pytestmark = pytest.mark.thorough


def refused(folder: Path, *warnings: str) -> None:
    """The site is not built, for these reasons, and nothing has broken down."""
    done = make(folder, "html")
    assert done.returncode != 0
    assert "Traceback" not in done.stdout and "report" not in done.stdout, done.stdout
    for text in warnings:
        assert text in done.stdout, done.stdout


@private_stage
def test_a_tree_that_is_missing_or_of_a_program_with_another_name_is_made_by_promote_as_the_warning_says(
        made: Path) -> None:
    tree = made / "docs/trees/turns-check.json"
    text = tree.read_text()
    tree.unlink()
    for name in ("040-turns-check-wrong", "041-turns-check-wrong"):
        refused(made, f"WARNING: {tree} is ", ': "make promote" plays the scene and writes it')
        done = make(made, "promote", "pages=docs/scheduler.rst")
        assert done.returncode == 0, done.stdout
        assert tree.read_text() == text.replace("040-turns-check-wrong", name)
        if name.startswith("040"):
            (made / f"code/turns/{name}.c").rename(made / "code/turns/041-turns-check-wrong.c")
            replace(made / "docs/scheduler.rst", name, "041-turns-check-wrong")


@pytest.mark.parametrize("page", ["screenplay", "exercises"])
def test_a_scene_that_cannot_be_read_is_said_and_ends_nothing_else(page: str, made: Path) -> None:
    source = made / f"docs/{page}.rst"
    source.write_text(source.read_text().replace(":class: scene", ":class: scene freshh", 1))
    refused(made, f'docs/{page}.rst:', 'WARNING: ', 'unknown class "freshh"')


def test_a_program_that_sessions_create_with_and_that_is_not_there_is_said(made: Path) -> None:
    (made / "code/shm/020-shm-create.c").rename(made / "code/shm/025-shm-create.c")
    refused(made, "the page shows code/shm/020-shm-create.c, which is not there: bring the file back")
