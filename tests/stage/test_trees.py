"""The states that turns has shown are kept beside the page; they are compared, and promoted."""

import json
from pathlib import Path

import pytest
from play import Played, green, page, private_stage, promote, red, rehearse, scene

from stage.page.trees import recorded

pytestmark = private_stage

PAGE = ".. _some-label:\n\nTitle\n=====\n\n" + scene("""
    $ ./turns/turns -m /ipc-counter=0 -s /ipc-guard=1 -e 2 tree \\
    > ./turns/020-turns-add
    A       B       /ipc-counter  /ipc-guard  step
    ...
    8 orders, 0 wrong, 0 deadlocks
    """)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A page with the tree that it prints."""
    path = page(tmp_path, PAGE)
    (tmp_path / "trees").mkdir()
    written(promote(path))
    return path


def written(result: Played) -> None:
    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    assert result.stdout.startswith("trees/some-label.json: written\n")


def tree_of(path: Path) -> Path:
    return path.parent / "trees/some-label.json"


def test_a_tree_says_where_all_are_and_what_is_in_the_way(path: Path) -> None:
    tree = json.loads(tree_of(path).read_text())
    assert [one["program"] for one in tree["processes"]] == ["020-turns-add"] * 2
    assert [*tree["processes"][0]["lines"].values()] == [
        "sem_wait(guard)", "const uint64_t seen = atomic_load(counter)", "atomic_store(counter, seen + 1)",
        "sem_post(guard)"]
    assert tree["objects"] == [{"name": "/ipc-counter", "kind": "memory"}, {"name": "/ipc-guard", "kind": "semaphore"}]
    wait = next(iter(tree["processes"][0]["lines"]))
    states = tree["states"]
    assert states[""] == {"at": [wait, wait], "values": [0, 1]}
    in_the_way = f"[{wait}] blocked on /dev/shm/sem.ipc-guard"
    assert [states[word]["at"][1] for word in ("AB", "ABA", "ABAA")] == [in_the_way] * 3  # until it can go on
    assert states["ABAAABBB"] == {"at": ["ended", "ended"], "values": [2, 1], "end": "right"}


def test_a_tree_that_is_kept_holds_in_whatever_order_its_keys_are(path: Path) -> None:
    assert path.read_text() == PAGE
    tree = json.loads(tree_of(path).read_text())
    tree_of(path).write_text(json.dumps({**tree, "states": dict(reversed(tree["states"].items()))}, sort_keys=True))
    green(rehearse(path))


def test_a_state_that_is_another_one_is_named_and_promoted(path: Path) -> None:
    text = tree_of(path).read_text()
    tree = json.loads(text)
    tree["states"]["ABA"]["values"] = [7, 0]
    del tree["states"]["ABAA"]
    tree_of(path).write_text(json.dumps(tree))
    red(rehearse(path), 'not the tree in trees/some-label.json, from "ABA" on: "make promote" writes it anew')
    written(promote(path))
    assert tree_of(path).read_text() == text
    green(rehearse(path))


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_what_is_no_tree_is_replaced_by_one(text: str, path: Path) -> None:
    tree = tree_of(path).read_text()
    tree_of(path).write_text(text)
    red(rehearse(path), "not the tree in trees/some-label.json")
    written(promote(path))
    assert tree_of(path).read_text() == tree


def test_a_tree_that_is_not_there_yet_is_asked_for(path: Path) -> None:
    tree_of(path).unlink()
    red(rehearse(path), 'there is no trees/some-label.json: "make promote" writes it')


def test_a_tree_needs_the_label_of_its_section(tmp_path: Path) -> None:
    result = rehearse(page(tmp_path, PAGE.replace(".. _some-label:\n\n", "")))
    assert result.returncode == 2
    assert "a tree has the label of its section, and this one has none" in result.stderr


def test_two_trees_of_one_section_would_be_one_file(tmp_path: Path) -> None:
    result = rehearse(page(tmp_path, PAGE, PAGE.partition("=====\n\n")[2]))
    assert (result.returncode, result.stdout) == (2, "")
    assert "page.rst:18: a second tree in the section of some-label: " in result.stderr


def test_turns_that_fails_promotes_nothing(path: Path) -> None:
    before = tree_of(path).read_text()
    path.write_text(PAGE.replace("=0", "").replace("8 orders, 0 wrong, 0 deadlocks\n", ""))
    assert promote(path).returncode == 1
    assert tree_of(path).read_text() == before


def test_a_command_that_prints_no_tree_is_red_and_never_promoted(tmp_path: Path) -> None:
    path = page(tmp_path, PAGE.partition(".. code")[0] + scene("""
        $ ./turns/turns -m /ipc-counter=0 -s /ipc-guard=1 -e 2 tree ./turns/020-turns-add | tail -n 1
        8 orders, 0 wrong, 0 deadlocks
        """))
    (tmp_path / "trees").mkdir()
    red(rehearse(path), "what it has printed is no tree")
    red(promote(path), "what it has printed is no tree")
    assert list((tmp_path / "trees").iterdir()) == []


def test_what_fails_and_dies_is_told_from_what_stands() -> None:
    text = recorded("./turns/turns tree ./a -- ./turns/b 1", [
        "A       B       step",
        "1       2       start",
        "failed  2       A 1: x();",
        "failed  died    AB 2: if (y() == -1)",
        "wrong",
        "1 orders, 1 wrong, 0 deadlocks"])
    assert json.loads(text) == {
        "processes": [{"program": "a", "lines": {"1": "x()"}}, {"program": "b", "lines": {"2": "y()"}}], "objects": [],
        "states": {"": {"at": ["1", "2"], "values": []}, "A": {"at": ["failed", "2"], "values": []},
                   "AB": {"at": ["failed", "died"], "values": [], "end": "wrong"}}}


@pytest.mark.parametrize("lines", [[], ["turns: no such thing"], ["A  B  step", "x"]])
def test_what_is_no_table_is_no_tree(lines: list[str]) -> None:
    with pytest.raises(ValueError, match="no tree"):
        recorded("./turns/turns tree ./a", lines)
