"""What is at fault in a page, or missing beside it, is said in a warning, with what to do; and what is not is built."""

import re
from pathlib import Path

import pytest
from copies import make, replace
from play import private_stage

pytestmark = pytest.mark.thorough


def refused(folder: Path, *warnings: str) -> str:
    """The site is not built, for these reasons, and nothing has broken down; return all that is said."""
    done = make(folder, "html")
    assert done.returncode != 0
    assert "Traceback" not in done.stdout and "report" not in done.stdout, done.stdout
    for text in warnings:
        assert text in done.stdout, done.stdout
    return done.stdout


@private_stage
@pytest.mark.parametrize("broken", [None, "", "{"], ids=["missing", "empty", "half"])
def test_a_tree_that_is_none_or_of_a_program_with_another_name_is_made_by_promote_as_the_warning_says(
        broken: str | None, made: Path) -> None:
    tree = made / "docs/trees/turns-check.json"
    text = tree.read_text()
    if broken is None:
        tree.unlink()
    else:
        tree.write_text(broken)
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


def test_a_header_of_another_folder_is_said(made: Path) -> None:
    program = made / "code/shm/030-shm-produce.c"
    replace(program, "#include <fcntl.h>\n", '#include "../mq/sample.h"\n#include <fcntl.h>\n')
    beside = made / "code/mq/020-mq-produce.c"
    replace(beside, '#include "sample.h"\n', '#include "sample.h" // and/or others\n')
    said = refused(made, "code/shm/030-shm-produce.c:", "WARNING: a header lies beside the program that includes it")
    assert beside.name not in said


def test_a_label_before_what_the_site_draws_in_its_own_way_is_an_address(made: Path) -> None:
    page, added = made / "docs/screenplay.rst", {
        "scene": ".. code-block:: console\n   :class: scene\n\n   $ true\n",
        "image": ".. image:: figures/mapping.svg\n   :alt: One mapping\n",
        "questions": ".. class:: questions\n\nIs it?\n   Yes.\n\nAnd now?\n   No.\n",
        "film": ".. class:: film\n\nMake one.\n",
        "fold": ".. admonition:: Aside\n   :class: fold\n\n   More.\n"}
    (made / "build/recording.cast").write_text('{"version": 2, "width": 80, "height": 24}\n[1.0, "o", "$ "]\n')
    names = [*added, "listing"]
    listing = ".. literalinclude:: ../code/shm/030-shm-produce.c\n"
    replace(page, listing, f".. _to-listing:\n\n{listing}")
    page.write_text(page.read_text() + "".join(f"\n.. _to-{name}:\n\n{text}" for name, text in added.items()) +
                    "".join(f"\n:ref:`there <to-{name}>`\n" for name in names))
    done = make(made, "html")
    assert done.returncode == 0, done.stdout
    built = (made / "build/html/screenplay.html").read_text()
    found = {name: (built.count(f'href="#to-{name}"'), built.count(f'id="to-{name}"')) for name in names}
    assert found == dict.fromkeys(names, (1, 1))
    assert built.count('id="030-shm-produce.c"') == 1 and 'id="id1"' not in built


@pytest.mark.parametrize("box", ["", 'viewBox="0 0"', 'viewBox="0 0 wide 10"'])
def test_a_figure_that_does_not_say_how_wide_it_is_is_said(box: str, made: Path) -> None:
    figure = made / "docs/figures/queue.svg"
    figure.write_text(re.sub(r'viewBox="[^"]*"', box, figure.read_text(), count=1))
    refused(made, 'cannot read figures/queue.svg: it needs viewBox="0 0 WIDTH HEIGHT"')


def test_a_field_beside_the_minutes_of_a_section_stays(made: Path) -> None:
    page = made / "docs/screenplay.rst"
    first, second, more = page.read_text().split("\n:Minutes: ", 2)
    page.write_text(f"{first}\n:Needs: two terminals\n:Minutes: {second}\n:Minutes: " +
                    more.replace("\n", "\n:Likes: a blackboard\n", 1))
    done = make(made, "html")
    assert done.returncode == 0, done.stdout
    built = (made / "build/html/screenplay.html").read_text()
    for name, text in (("Needs", "two terminals"), ("Likes", "a blackboard")):
        assert re.search(rf'<p class="minutes">[^<]*</p>\s*<dl class="field-list[^>]*>\s*<dt[^>]*>{name}.*\s*<dd[^>]*>'
                         rf'<p>{text}', built), name
    assert "Minutes<" not in built
