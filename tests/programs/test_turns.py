"""Be the scheduler: one order, every order, a crash, questions and answers, and the tree."""

import itertools
import json
from pathlib import Path

import pytest
from objects import shared_memory
from orders import COUNTS, Names, line, numbers, seen, turns

pytestmark = pytest.mark.usefixtures("programs")  # those that watch themselves, too

# ---------------------------------------------------------------------- all orders

@pytest.mark.parametrize(("kind", "program", "rounds", "counts"), COUNTS.values(), ids=COUNTS)
def test_every_order_is_counted(kind: str, program: str, rounds: int | None, counts: tuple[int, ...],
                                names: Names) -> None:
    options, command = getattr(names, kind)(program, *[rounds] if rounds else [])
    assert numbers(turns("all", options, command)) == counts


def test_the_first_wrong_order_goes_wrong_when_it_is_played(names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong", 2)
    first = turns("all", options, command).stdout.splitlines()[1]
    assert first == "first wrong: AAABABBB"
    assert seen(turns(first.split()[-1], options, command), 1)[-1] == "wrong"


def test_the_first_deadlock_is_one_when_it_is_played(names: Names) -> None:
    options, command = names.locks("030-turns-locks-wrong")
    first = turns("all", options, command).stdout.splitlines()[1]
    assert first == "first deadlock: ABAB"
    last = seen(turns("ABAB", options, command), 1)[-2:]
    assert last[0].endswith(f"B {line('030-turns-locks-wrong', 2)}: blocked in futex on {names.one}")
    assert last[1] == "deadlock"


def test_three_processes_have_more_orders(names: Names) -> None:
    options, command = names.counter("025-turns-add-atomic")
    assert numbers(turns("all", [*options, "-n", "3", "-e", "3"], command)) == (6, 0, 0)


def test_a_judge_has_the_last_word(names: Names) -> None:
    _, command = names.counter("010-turns-add-wrong")
    judge = f"od -A n -t u8 {shared_memory(names.one)} | grep -q 2"
    assert numbers(turns("all", ["-m", names.one, "-j", judge], command)) == (6, 4, 0)
    assert numbers(turns("all", ["-m", names.one, "-j", "false"], command)) == (6, 6, 0)


def test_commands_are_run_before_and_after_each_order(names: Names, tmp_path: Path) -> None:
    log = tmp_path / "log"
    options, command = names.counter("010-turns-add-wrong")
    turns("all", [*options, "-b", f"echo before >>{log}", "-a", f"echo after >>{log}"], command)
    assert log.read_text().split() == ["before", "after"] * 6


# ------------------------------------------------------------------------ one order


def rows(lines: list[str]) -> list[list[str]]:
    """The columns of processes and objects, without what has been done."""
    return [row.split()[:3] for row in lines]


def test_an_increment_is_lost_step_by_step(names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong")
    load, store = str(line("010-turns-add-wrong", 1)), str(line("010-turns-add-wrong", 2))
    shown = seen(turns("ABAB", options, command), 1)
    assert rows(shown) == [["A", "B", names.one], [load, load, "0"], [store, load, "0"], [store, store, "0"],
                           ["ended", store, "1"], ["ended", "ended", "1"], ["wrong"]]
    done = [row.split("  ")[-1] for row in shown[1:6]]
    assert done == ["start",
                    f"A {load}: const uint64_t seen = atomic_load(counter)",
                    f"B {load}: const uint64_t seen = atomic_load(counter)",
                    f"A {store}: atomic_store(counter, seen + 1)",
                    f"B {store}: atomic_store(counter, seen + 1)"]


def test_what_a_word_leaves_runs_on_in_order(names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong")
    assert seen(turns("B", options, command), 1) == seen(turns("BAAB", options, command), 1)
    assert seen(turns("", options, command), 0)[-1] == "right"


def test_who_is_kept_out_is_shown_with_what_keeps_it_out(names: Names) -> None:
    options, command = names.guarded("020-turns-add")
    wait = line("020-turns-add", 1)
    shown = seen(turns("AB", options, command), 0)
    assert shown[3].split()[1] == f"[{wait}]"
    assert shown[3].endswith(f"B {wait}: blocked in futex on {names.two}")
    assert shown[-1] == "right"
    assert not any(row.endswith(" ") for row in shown)


def test_who_is_blocked_cannot_go(names: Names) -> None:
    options, command = names.guarded("020-turns-add")
    result = turns("ABB", options, command)
    assert result.returncode == 2
    assert result.stderr == (f"turns: B cannot go: [{line('020-turns-add', 1)}] blocked in futex on {names.two}; "
                             "the order so far: AB\n")


def test_the_end_of_a_process_is_shown(names: Names) -> None:
    options, command = names.answer("055-turns-open-wrong")
    died = seen(turns("ABB", options, command), 1)[4]
    assert died.split()[1] == "died" and died.endswith("!= 42), died of: Bus error")
    result = turns("B", options, command)  # what the programs say is not kept back
    assert result.stderr == f"055-turns-open-wrong: shm_open {names.one}: No such file or directory\n"
    assert "failed with 1" in result.stdout


# ------------------------------------------------------------------------ a crash


def test_who_dies_with_the_guard_leaves_the_others_waiting(names: Names) -> None:
    options, command = names.guarded("020-turns-add")
    marks = [line("020-turns-add", number) for number in (1, 2, 3, 4)]
    shown = seen(turns("crash", options, command), 1)
    wait = f"[{marks[0]}]"
    assert [row.split()[:4] for row in shown[1:5]] == [
        ["died", "ended", "1", "1"], ["died", wait, "0", "0"], ["died", wait, "0", "0"], ["died", wait, "1", "0"]]
    assert [row.split("  ")[-1].partition(":")[0] for row in shown[1:5]] == [
        f"A killed before {mark}" for mark in marks]
    assert shown[5:] == ["3 of 4 places leave somebody blocked for ever"]


def test_without_a_lock_a_crash_blocks_nobody(names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong")
    assert seen(turns("crash", options, command), 0)[-1] == "0 of 2 places leave somebody blocked for ever"


# ------------------------------------------------------------- questions and answers


def test_a_letter_a_step(names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong")
    asked = seen(turns("ask", options, command, input="ab\nAB\nq"), 0)
    assert asked == seen(turns("ABAB", options, command), 1)


def test_a_step_is_undone_by_playing_the_others_again(names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong")
    asked = seen(turns("ask", options, command, input="ABAu"), 0)
    assert rows(asked)[-1] == rows(asked)[-3]
    assert seen(turns("ask", options, command, input="uABABuuuuAABB"), 0)[-1] == "right"


def test_an_answer_that_is_none_is_asked_again(names: Names) -> None:
    options, command = names.guarded("020-turns-add")
    asked = seen(turns("ask", options, command, input="ABB?Cq"), 0)
    assert asked[-3:] == ["the letter of one that can go; u undoes, q quits"] * 3


# ------------------------------------------------------------------------- the tree


@pytest.mark.parametrize(("kind", "program", "counts"), [
    ("counter", "010-turns-add-wrong", (6, 4, 0)), ("guarded", "020-turns-add", (8, 0, 0)),
    ("locks", "030-turns-locks-wrong", (14, 0, 4)), ("answer", "055-turns-open-wrong", (11, 4, 0))])
def test_the_tree_has_every_state_by_the_word_that_leads_there(
        kind: str, program: str, counts: tuple[int, ...], names: Names) -> None:
    options, command = getattr(names, kind)(program)
    result = turns("tree", options, command)
    assert (result.returncode, result.stderr) == (0, "")
    tree = json.loads(result.stdout)
    states = tree["states"]
    assert [one["program"] for one in tree["processes"]][1] == program
    assert set(tree["processes"][1]["lines"]) == {
        str(line(program, number)) for number in range(1, 1 + len(tree["processes"][1]["lines"]))}
    ends = [state["end"] for state in states.values() if "end" in state]
    assert (len(ends), ends.count("wrong"), ends.count("deadlock")) == counts
    for word, state in states.items():
        assert not word or word[:-1] in states
        assert ("end" in state) != any(word + letter in states for letter in "AB")
        assert len(state["at"]) == 2 and len(state["values"]) == len(tree["objects"])
    assert states[""]["at"][1] == str(line(program, 1))


def test_the_tree_says_what_a_word_shows(names: Names) -> None:
    options, command = names.guarded("020-turns-add")
    states = json.loads(turns("tree", options, command).stdout)["states"]
    shown = seen(turns("ABAAABBB", options, command), 0)
    for row, word in zip(shown[1:-1], itertools.accumulate("ABAAABBB", initial=""), strict=True):
        places = [place.split()[0] for place in states[word]["at"]]
        assert row.split()[:4] == [*places, *map(str, states[word]["values"])]
    assert states["AB"]["at"][1] == f"[{line('020-turns-add', 1)}] blocked in futex on {names.two}"
