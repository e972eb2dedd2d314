"""Exercises: every solution holds, every start and every wrong attempt fails for the reason that must come."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from play import LEVEL, Played, compile_c, green, page, private_stage, red, rehearse, scene, stage
from support import DOCS, PROGRAMS, ROOT

from stage.check.exercises import hints_of
from stage.page.model import Scene, ScriptError
from stage.page.reader import parse, read
from stage.sandbox import namespaces
from stage.sandbox.namespaces import Order

PAGE = DOCS / "exercises.rst"
SCENES = {one.exercise: one for one in read(str(PAGE)).scenes if one.exercise}
CASES = {(name, what): case
         for name, cases in tomllib.loads((ROOT / "tests/cases/exercises.toml").read_text()).items()
         for what, case in cases.items()}


def attempt(name: str, source: str, folder: Path, deadline: float = 10) -> Played:
    """Play an exercise with this source."""
    (folder / f"{name}.c").write_text(source)
    compile_c(folder / f"{name}.c", folder / name, "-g", "-Wall")
    order = Order("exercise", str(PAGE), str(PROGRAMS), LEVEL, "asked for", deadline, SCENES[name].number,
                  exercises=str(folder))
    return stage(*order.arguments(), prefix=namespaces.entrance(LEVEL))


def changed(name: str, changes: list[list[str]]) -> str:
    """The solution with these changes."""
    source = (ROOT / f"code/solutions/{name}.c").read_text()
    for old, new in changes:
        assert old.strip("\n") in source, old
        source = source.replace(old.strip("\n"), new.strip("\n"), 1)
    return source


@private_stage
@pytest.mark.parametrize(("name", "what"), CASES, ids=[f"{name}: {what}" for name, what in CASES])
def test_what_people_make_of_it_holds_or_fails_for_its_reason(name: str, what: str, tmp_path: Path) -> None:
    case: dict[str, Any] = CASES[name, what]
    played = attempt(name, changed(name, case["change"]), tmp_path, 2 if "asleep" in case else 10)
    assert played.stderr == ""
    if case.get("right"):
        assert (played.returncode, played.stdout.strip()) == (0, "")
    else:
        assert played.returncode == 1
        assert played.stdout.startswith(case["wrong"]), played.stdout
        assert case.get("asleep", "") in played.stdout


@pytest.mark.parametrize("call", ["140-mmap-rest /etc/passwd ''", "210-shm-begin /ipc-none ''", "220-shm-pair '' 5",
                                  "210-shm-begin /ipc-none 99999999999999999999", "410-mq-alarm ''",
                                  "430-mq-version '' 1", "520-turns-best ''"])
def test_no_solution_takes_nothing_or_too_much_for_a_number(call: str) -> None:
    done = subprocess.run(["sh", "-c", f"exec ./{call}"], cwd=ROOT / "build/solutions", capture_output=True, text=True)
    assert done.returncode == 2 and ": usage: " in done.stderr


def test_each_exercise_has_two_wrong_attempts_and_another_right_one() -> None:
    for name in SCENES:
        mine = [case for (of, _), case in CASES.items() if of == name]
        assert sum("wrong" in case for case in mine) >= 2, name
        assert sum(case.get("right", False) for case in mine) >= 1, name
    assert {name for name, _ in CASES} == {*SCENES}


def test_each_exercise_is_a_start_a_task_with_hints_and_a_solution() -> None:
    for folder in ("exercises", "solutions"):
        assert {path.stem for path in (ROOT / "code" / folder).iterdir()} == {*SCENES}
    numbers = [name[:3] for name in SCENES]
    assert numbers == sorted(set(numbers)) and len(numbers) >= 14
    solutions = (DOCS / "solutions.rst").read_text()
    for name, one in SCENES.items():
        assert len(hints_of(read(str(PAGE)), one)) >= 2, name
        number = name[:3]
        assert f":ref:`The solution <solution-{number}>`" in PAGE.read_text()
        section = solutions.split(f".. _solution-{number}:")[1].split(".. _solution-")[0]
        assert re.search(rf":class: fold\n\n(.*\n)*   \.\. literalinclude:: \.\./code/solutions/{name}\.c", section)


def test_the_first_exercise_of_each_chapter_is_a_change_of_two_lines() -> None:
    for name in SCENES:
        if name[1:3] == "10":
            done = subprocess.run(["diff", ROOT / f"code/exercises/{name}.c", ROOT / f"code/solutions/{name}.c"],
                                  capture_output=True, text=True)
            assert len(re.findall(r"^>(?! *$)", done.stdout, re.M)) == 2, done.stdout


# --------------------------------------------------------------------- what the page claims

TASK = ("Title\n=====\n\n:fails: {}\n\n" + scene("$ ./exercises/110-mmap-write /dev/null\n"
        "110-mmap-write: mmap /dev/null: No such device\n[1]", "fresh", "exercise"))


def exercise(text: str) -> Scene:
    (found,) = parse("page.rst", text).scenes
    return found


def test_the_scene_of_an_exercise_has_its_program_and_why_the_start_fails() -> None:
    found = exercise(TASK.format("all wrong"))
    assert (found.exercise, found.fails) == ("110-mmap-write", "all wrong")


@pytest.mark.parametrize(("old", "new", "why"), [
    (":fails: all", ":reason: all", 'field ":fails:"'),
    ("scene fresh exercise", "scene exercise", 'must be "fresh"'),
    ("./exercises/", "./mmap/", "one program of ./exercises/"),
])
def test_an_exercise_that_says_too_little_is_refused(old: str, new: str, why: str) -> None:
    with pytest.raises(ScriptError, match=why):
        exercise(TASK.format("all wrong").replace(old, new))


@private_stage
def test_a_start_that_holds_is_no_exercise(tmp_path: Path) -> None:
    """Of /dev/null, solution and start say the same."""
    path = page(tmp_path, TASK.format("all wrong"))
    red(stage("check", path, "--programs", PROGRAMS), "holds with the start", ":fails: all wrong")


@private_stage
def test_a_start_must_fail_for_the_reason_that_the_page_states(tmp_path: Path) -> None:
    text = PAGE.read_text()
    first = text[:text.index(".. _exercise-120:")]
    good = page(tmp_path, first, name="good.rst")
    lines = stage("check", good, "--programs", PROGRAMS).stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(good), f"{good}, with the starts"]
    other = page(tmp_path, re.sub(r":fails: .*", ":fails: the weather", first), name="other.rst")
    red(stage("check", other, "--programs", PROGRAMS),
        'with the start: "hello" instead of "Hello": "hello", documented "Hello"; the page says ":fails: the weather"')


@private_stage
def test_with_the_starts_no_other_scene_may_fail(tmp_path: Path) -> None:
    text = PAGE.read_text()
    first = text[:text.index(".. _exercise-120:")]
    more = scene("$ echo hello > word\n$ ./exercises/110-mmap-write word\n$ cat word\nHello", "fresh")
    red(stage("check", page(tmp_path, first + "\n" + more), "--programs", PROGRAMS), '+hello')


@private_stage
def test_the_exercises_are_green_as_a_performance_plays_them() -> None:
    green(rehearse(PAGE))


