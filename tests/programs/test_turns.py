"""Be the scheduler: one order, a crash, every order, every state."""

import re
from pathlib import Path

import pytest
from objects import shared_memory
from orders import COUNTS, Names, counted, left, line, numbers, seen, turns

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
    assert last[0].endswith(f"B {line('030-turns-locks-wrong', 2)}: blocked on {memory(names.one)}")
    assert last[1] == "deadlock"


def test_three_processes_have_more_orders(names: Names) -> None:
    options, command = names.counter("025-turns-add-atomic")
    three = [*command, "--", *command, "--", *command]
    assert numbers(turns("all", [*options, "-e", "3"], three)) == (6, 0, 0)


def test_a_judge_has_the_last_word(names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong")
    judge = f"od -A n -t u8 {shared_memory(names.one)} | grep -q 2"
    assert numbers(turns("all", [*options[:2], "-j", judge], command)) == (6, 4, 0)
    assert numbers(turns("all", [*options, "-j", "false"], command)) == (6, 6, 0)


def test_a_command_is_run_after_each_order(names: Names, tmp_path: Path) -> None:
    log = tmp_path / "log"
    options, command = names.counter("010-turns-add-wrong")
    turns("all", [*options, "-j", f"echo after >>{log}"], command)
    assert log.read_text().split() == ["after"] * 6


# ------------------------------------------------------------------------ one order


def rows(lines: list[str]) -> list[list[str]]:
    """The columns of processes and objects, without what has been done."""
    return [row.split()[:3] for row in lines]


def test_an_increment_is_lost_step_by_step(names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong")
    load, store = str(line("010-turns-add-wrong", 1)), str(line("010-turns-add-wrong", 2))
    shown = seen(turns("ABAB", options, command), 1)
    assert shown[0].split() == ["A", "B", names.one, "step"]
    assert rows(shown)[1:] == [[load, load, "0"], [store, load, "0"], [store, store, "0"],
                           ["ended", store, "1"], ["ended", "ended", "1"], ["wrong"]]
    done = [row.split("  ")[-1] for row in shown[1:6]]
    assert done == ["start",
                    f"A {load}: const uint64_t seen = atomic_load(counter);",
                    f"B {load}: const uint64_t seen = atomic_load(counter);",
                    f"A {store}: atomic_store(counter, seen + 1);",
                    f"B {store}: atomic_store(counter, seen + 1);"]


def memory(name: str) -> str:
    """The file in which a semaphore lies."""
    file = shared_memory(name)
    return str(file.with_name(f"sem.{file.name}"))


def test_a_word_is_played_as_far_as_it_goes(names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong")
    whole = seen(turns("ABAB", options, command), 1)
    for length in range(4):
        assert seen(turns("ABAB"[:length], options, command), 0) == whole[:length + 2]
    assert left(names) == []


def test_who_is_kept_out_is_shown_with_what_keeps_it_out(names: Names) -> None:
    options, command = names.guarded("020-turns-add")
    wait = line("020-turns-add", 1)
    shown = seen(turns("ABAAABBB", options, command), 0)
    assert shown[3].split()[1] == f"[{wait}]"
    assert shown[3].endswith(f"B {wait}: blocked on {memory(names.two)}")
    assert shown[-1] == "right"
    assert not any(row.endswith(" ") for row in shown)


def test_who_is_blocked_cannot_go(names: Names) -> None:
    options, command = names.guarded("020-turns-add")
    result = turns("ABB", options, command)
    assert (result.returncode, result.stderr) == (2, 'turns: after "AB": B cannot go\n')
    assert left(names) == []


def test_the_end_of_a_process_is_shown(names: Names) -> None:
    options, command = names.answer("055-turns-open-wrong")
    died = turns("ABB", options, command)
    assert died.stderr == f"turns: {command[-2]}: Bus error\n"
    assert died.stdout.splitlines()[-1].split()[:2] == [str(line("050-turns-create", 2)), "died"]
    result = turns("BAAAA", options, command)  # what the programs say is not kept back
    assert result.stderr == f"055-turns-open-wrong: shm_open {names.one}: No such file or directory\n"
    assert result.stdout.splitlines()[-2].split()[:2] == ["ended", "failed"]
    assert result.stdout.splitlines()[-1] == "wrong"


# ------------------------------------------------------------------------ a crash


@pytest.mark.parametrize(("word", "last", "end"), [
    ("aBBBB", ["died", "ended", "1", "1"], "wrong"), ("AaB", ["died", "[{}]", "0", "0"], "deadlock"),
    ("AAaB", ["died", "[{}]", "0", "0"], "deadlock"), ("AAAaB", ["died", "[{}]", "1", "0"], "deadlock")])
def test_who_dies_with_the_guard_leaves_the_other_waiting(word: str, last: list[str], end: str, names: Names) -> None:
    options, command = names.guarded("020-turns-add")
    shown = seen(turns(word, options, command), 1)
    assert shown[-2].split()[:4] == [cell.format(line("020-turns-add", 1)) for cell in last]
    assert shown[-1] == end


# --------------------------------------------------------------------- every state


@pytest.mark.parametrize(("kind", "program", "counts"), [
    ("counter", "010-turns-add-wrong", (6, 4, 0)), ("guarded", "020-turns-add", (8, 0, 0)),
    ("locks", "030-turns-locks-wrong", (14, 0, 4)), ("answer", "055-turns-open-wrong", (11, 4, 0))])
def test_the_tree_has_every_state_once_as_its_word_shows_it(
        kind: str, program: str, counts: tuple[int, ...], names: Names) -> None:
    options, command = getattr(names, kind)(program)
    result = turns("tree", options, command)
    heading, start, *shown = result.stdout.splitlines()
    assert counted(shown) == counts
    word, words, ends = "", {"": start}, {}
    for row in shown:
        if row in ("right", "wrong", "deadlock"):
            ends[word] = row
        elif step := re.search(r"  ([AB]+) \d+: ", row):
            word = step[1]
            assert word not in words and word[:-1] in words
            words[word] = row
    assert (len(ends), [*ends.values()].count("wrong"), [*ends.values()].count("deadlock")) == counts
    assert not any(word.startswith(end) for end in ends for word in words if word != end)
    for word in ("AB", next(iter(ends))):
        played = turns(word, options, command).stdout.splitlines()
        of_tree = [words[word[:length]] for length in range(1, len(word) + 1)]
        assert played == [heading, start, *(re.sub(r"  [AB]+(?=[AB] \d+: )", "  ", row) for row in of_tree),
                          *([ends[word]] if word in ends else [])]
