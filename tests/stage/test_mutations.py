"""Change a page, a program or the machine in one place: the rehearsal must say what it was."""

import os
import re
import shutil
from pathlib import Path

import pytest
from mutations import ALL, ENVIRONMENT, PAGE, PROGRAM, SEM, SEM_LS, WAIT, Mutation, in_program, replaced
from play import compile_c, private_stage, read_with_docutils, rehearse, scenes_in_comments, scenes_of
from support import PROGRAMS, ROOT, SCREENPLAY

from stage.page.model import ScriptError
from stage.page.reader import parse

TEXT = SCREENPLAY.read_text()


def number_of(place: int) -> int:
    """The scene of the screenplay that this place in its text is in."""
    line = TEXT.count("\n", 0, place) + 1
    return max(scene.number for scene in parse("page.rst", TEXT).scenes if scene.line < line)


def last_scene(one: Mutation) -> int:
    """The scene up to which the page must be played."""
    places = [TEXT.index(one.until)] if one.until else []
    if one.page:
        places.append(TEXT.index(one.page[0][0], TEXT.index(one.after) + len(one.after)))
    return max(number_of(place) for place in places)


def mutated_programs(one: Mutation, folder: Path) -> Path:
    """The programs with the mutated one in its place; it must compile."""
    family = one.program.split("/")[0]
    folder.mkdir()
    for other in (ROOT / "code").iterdir():
        if other.name != family:
            (folder / other.name).symlink_to(PROGRAMS / other.name)
    shutil.copytree(PROGRAMS / family, folder / family)
    if not one.source:
        (folder / one.program).write_bytes(b"\x7fELF and nothing else\n")
        return folder
    sources = folder.parent / "code"
    shutil.copytree(ROOT / "code" / family, sources)
    file = next(sources.glob(f"{Path(one.program).name}*"))
    file.write_text(replaced(file.read_text(), "", one.source))
    for source in [file] if file.suffix == ".c" else sorted(sources.glob("*.c")):
        compile_c(source, folder / family / source.stem, "-D_DEFAULT_SOURCE", "-O0")
    return folder


def report_of(one: Mutation, page: Path) -> str:
    """What is said when the page is read, or else when it is played."""
    try:
        parse(str(page), page.read_text())
    except ScriptError as error:
        return str(error)
    programs = mutated_programs(one, page.parent / "programs") if one.program else PROGRAMS
    environment = {}
    for name, text in one.fakes.items():
        fake = page.parent / "bin" / name
        fake.parent.mkdir(exist_ok=True)
        fake.write_text(text)
        fake.chmod(0o755)
        environment["PATH"] = f"{fake.parent}:{os.environ['PATH']}"
    given = {"programs": programs, "prefix": one.prefix, "environment": environment}
    result = rehearse(page, scene=last_scene(one), deadline=2, **given)
    assert result.returncode in (1, 2), result
    assert "Traceback" not in result.stderr
    return result.stdout + result.stderr


@private_stage
@pytest.mark.thorough
@pytest.mark.parametrize("kind, one", ALL.values(), ids=ALL)
def test_a_mutation_is_caught_and_its_cause_is_named(
    kind: str, one: Mutation, tmp_path: Path
) -> None:
    page = tmp_path / "screenplay.rst"
    page.write_text(replaced(TEXT, one.after, one.page))
    assert (page.read_text() != TEXT) == bool(one.page)
    report = report_of(one, page)
    assert re.search(one.words, report), report
    assert re.match(rf"{re.escape(str(page))}:\d+: ", report)


# ------------------------------------------------------------- what playing cannot see

NEVER_REACHED = {
    "the class of a scene misspelt": (":class: scene\n", ":class: scnee\n"),
    "the option of a scene misspelt": (":class: scene\n", ":clas: scene\n"),
    "the class of a scene left out": ("   :class: scene\n", ""),
}


@pytest.mark.parametrize("pair", NEVER_REACHED.values(), ids=NEVER_REACHED)
def test_a_scene_that_is_never_reached_is_a_block_without_a_reason(
    pair: tuple[str, str],
) -> None:
    before, after = (sum(not block.is_scene for block in read_with_docutils(text))
                     for text in (TEXT, replaced(TEXT, WAIT, [pair])))
    assert after == before + 1


def test_a_scene_in_a_comment_is_never_reached_and_seen() -> None:
    place = TEXT.rindex(".. code-block", 0, TEXT.index(SEM_LS))
    end = TEXT.index("\n\n", TEXT.index(SEM_LS))
    block = TEXT[place:end].replace("\n   ", "\n      ")
    mutant = f"{TEXT[:place]}..\n   {block}{TEXT[end:]}"
    assert len(scenes_of(mutant)) == len(scenes_of(TEXT)) - 1
    assert (scenes_in_comments(TEXT), scenes_in_comments(mutant)) == (0, 1)


def test_a_scene_that_docutils_finds_and_the_scanner_does_not_is_seen() -> None:
    mutant = replaced(TEXT, "_mq-unlink:", [("code-block:: console", "Code-Block:: console")])
    blocks = [block for block in read_with_docutils(mutant) if block.is_scene]
    assert len(blocks) == len(scenes_of(TEXT))
    try:
        found = scenes_of(mutant)
    except ScriptError:
        return
    assert found != blocks


@private_stage
def test_an_object_that_is_not_removed_is_a_failure_at_the_end(tmp_path: Path) -> None:
    """The chapter of the queues as a page of its own, without its last scene."""
    page = tmp_path / "queues.rst"
    chapter = TEXT[TEXT.index(".. _mq:") :]
    last = chapter.rindex(".. code-block:: console")
    assert "$ ./mq/099-mq-unlink\n" in chapter[last:]
    page.write_text(chapter[:last])
    result = rehearse(page, deadline=2)
    assert result.returncode == 1, result
    assert "left behind: message queue /ipc-samples" in result.stdout


def test_the_mutations_are_counted(record_property: pytest.FixtureRequest) -> None:
    counts = {
        kind: sum(1 for other, _ in ALL.values() if other == kind)
        for kind in ("page", "program", "environment")
    }
    total = sum(counts.values())
    print(f"{total} mutations: {counts}")
    assert total == len(PAGE) + len(PROGRAM) + len(ENVIRONMENT)  # no two of one name
    assert total >= 45
    assert min(counts.values()) >= 10


def test_the_compiler_refuses_a_mutant_that_is_no_program(tmp_path: Path) -> None:
    bad = in_program("bad", "sem/125-sem-value", SEM, "", ("int value;", "int value"))
    with pytest.raises(AssertionError, match="error"):
        mutated_programs(bad, tmp_path / "programs")


def test_a_text_that_does_not_occur_is_no_mutation() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        replaced(TEXT, "", [("what nobody has written", "")])
