"""Compare a documented run with a real one: equal up to a consistent renaming.

cases/matching.json has a case for each rule, as data, for every player of the pages. "tokens": a line, and the
kinds of its tokens. "runs": the steps of a case share one renaming, with the "words" that are declared; each step
may bring "pids" that have been seen, and has the documented lines (null is an ellipsis), the real ones, and why they
are not the same run (null: they are). After the steps, each of the "commands" is typed with the values of the run.
"reached": how many of the real lines the documented ones take up, if they have come. "said" and "printed" are for
test_capture.py.
"""

import json
import random
import re
from typing import Any

import pytest
from support import ROOT, SCREENPLAY

from stage.check.comparing import reached, why_not
from stage.check.promoting import promoted
from stage.check.renaming import Renaming
from stage.check.tokens import TOKEN, tokens
from stage.page.reader import read

A, B, C = "7f5e1c19d000", "7f5e1c19e000", "7f5e1c19f000"
X, Y, Z = "7e0000001000", "7e0000002000", "7e0000003000"

CASES = json.loads((ROOT / "tests/cases/matching.json").read_text())
RUNS = {case["name"]: case for case in CASES["runs"]}
# Those of one comparison, without PIDs and words.
PLAIN = {
    name: (step["documented"], step["real"], step["why"])
    for name, case in RUNS.items()
    for step in case["steps"]
    if len(case["steps"]) == 1 and "pids" not in step and "words" not in case
}
SAME = {name: run[:2] for name, run in PLAIN.items() if run[2] is None}
DIFFERENT = {name: run[:2] for name, run in PLAIN.items() if run[2] is not None}

Lines = list[str | None]


def renaming(*pids: int, **words: str) -> Renaming:
    made = Renaming(words)
    made.pids |= set(pids)
    return made


# ---------------------------------------------------------------------------- tokens


@pytest.mark.parametrize("line, kinds", CASES["tokens"])
def test_a_line_is_cut_into_tokens(line: str, kinds: str) -> None:
    assert [kind for kind, _ in tokens(line)] == kinds.split()


def test_the_tokens_joined_are_the_line() -> None:
    chosen = random.Random(1)
    letters = "0123456789abcdefx-: .\n\tNovZzäß\\\x07"
    for _ in range(3000):
        line = "".join(chosen.choices(letters, k=chosen.randrange(40)))
        assert "".join(text for _, text in tokens(line)) == line


def test_every_kind_of_token_has_its_cases() -> None:
    kinds = set(TOKEN.groupindex)
    assert {kind for _, kinds in CASES["tokens"] for kind in kinds.split()} == kinds
    for runs in (SAME, DIFFERENT):
        documented = [line for lines, _ in runs.values() for line in lines if line]
        assert kinds - {"more"} <= {kind for line in documented for kind, _ in tokens(line)}


# --------------------------------------------------------------- one run and another


@pytest.mark.parametrize("case", RUNS.values(), ids=RUNS)
def test_the_same_run_matches_and_of_another_one_the_reason_is_told(case: dict[str, Any]) -> None:
    made = renaming(**case.get("words", {}))
    for step in case["steps"]:
        made.pids |= set(step.get("pids", ()))
        before = dict(made.real), dict(made.documented)
        assert why_not(made, step["documented"], step["real"]) == step["why"]
        if step["why"]:
            assert (made.real, made.documented) == before  # nothing was learned from it
    for documented, real in case.get("commands", ()):
        assert made.to_real(documented) == real


def test_a_number_may_be_longer_than_python_reads() -> None:
    real = "1" * 5000
    assert why_not(renaming(17), ["1"], [real]) == f'"{real}" instead of "1": number {real}, documented 1'


@pytest.mark.parametrize("documented, real", SAME.values(), ids=SAME)
def test_what_is_the_same_run_is_so_in_the_other_direction(documented: Lines, real: list[str]) -> None:
    if None not in documented:
        assert why_not(renaming(), real, documented) is None


@pytest.mark.parametrize("case", CASES["reached"], ids=str)
def test_lines_that_are_still_coming_match_as_soon_as_they_are_there(case: dict[str, Any]) -> None:
    made = renaming()
    assert reached(made, case["documented"], case["real"]) == case["reached"]
    assert (made.real, made.documented) == ({}, {})  # what comes is compared when it has come


# ------------------------------------------------------------------ there and back


def test_values_are_put_into_commands_and_back() -> None:
    made = renaming(17)
    documented = ["pid 4243", f"0x{A}", f"{B}-{C}", "00000000 00:27 2"]
    assert why_not(made, documented, ["pid 17", f"0x{X}", f"{Y}-{Z}", "00000000 00:28 3"]) is None
    command = f"grep {A} /proc/4243/maps; echo 0x{B} {B}-{C} 4244"
    assert made.to_documented(made.to_real(command)) == command


def test_real_words_become_the_documented_ones_in_reports_only() -> None:
    made = renaming(anna="student")
    assert made.to_documented("anna anna") == "student student"
    assert made.to_real("ls /home/student") == "ls /home/student"


def test_an_address_near_a_bound_one_gets_its_distance() -> None:
    made = renaming()
    assert why_not(made, [f"0x{A}"], [f"0x{X}"]) is None
    assert made.to_documented("0x7e0000001010") == "0x7f5e1c19d010"
    assert made.to_documented(f"{Y}-{Z}") == f"{B}-{C}"
    assert made.to_documented("0x550000001010") == "0x550000001010"
    assert made.to_documented("10") == "10"


# --------------------------------------------------------------------------- promote


@pytest.mark.parametrize("documented, real", SAME.values(), ids=SAME)
def test_lines_that_hold_are_promoted_to_themselves(documented: Lines, real: list[str]) -> None:
    made = renaming()
    assert why_not(made, documented, real) is None
    if None not in documented:
        assert promoted(made, documented, real) == documented


@pytest.mark.parametrize("documented, real", DIFFERENT.values(), ids=DIFFERENT)
def test_what_is_promoted_holds(documented: Lines, real: list[str]) -> None:
    made = renaming()
    assert why_not(made, promoted(made, documented, real), real) is None


def test_only_the_line_that_differs_is_promoted() -> None:
    documented: Lines = ["Nov 22 17:25 a", f"0x{A} b", "c 7"]
    real = ["Dec  1 03:04 a", f"0x{X} b", "c 8"]
    assert promoted(renaming(), documented, real) == [*documented[:2], "c 8"]


def test_lines_with_other_dates_around_a_new_one_are_kept() -> None:
    documented: Lines = ["2026-11-22 a", "2026-11-22 b"]
    real = ["2027-01-01 a", "2027-01-01 new", "2027-01-01 b"]
    assert promoted(renaming(), documented, real) == [
        "2026-11-22 a",
        "2027-01-01 new",
        "2026-11-22 b",
    ]


def test_lines_with_other_dates_around_a_missing_one_are_kept() -> None:
    documented: Lines = ["2026-11-22 a", "2026-11-22 gone", "2026-11-22 b"]
    real = ["2027-01-01 a", "2027-01-01 b"]
    assert promoted(renaming(), documented, real) == ["2026-11-22 a", "2026-11-22 b"]


def test_bound_values_are_promoted_as_those_of_the_page() -> None:
    made = renaming(17)
    assert why_not(made, ["pid 4243", f"0x{A}"], ["pid 17", f"0x{X}"]) is None
    assert promoted(made, ["old"], [f"17 has {X}-{Y}"]) == [f"4243 has {A}-{B}"]


def test_that_there_is_more_than_a_mode_is_not_promoted() -> None:
    documented: Lines = ["-rw------- 1 a", "-rw------- 7 b"]
    real = ["-rw-------. 1 a", "-rw-------. 8 b"]
    assert promoted(renaming(), documented, real) == ["-rw------- 1 a", "-rw------- 8 b"]


def test_an_ellipsis_stays_where_lines_are_left_for_it() -> None:
    made = renaming()
    assert promoted(made, ["1", None, "9"], ["1", "2", "3", "8"]) == ["1", None, "8"]
    assert promoted(made, ["0", None, "9"], ["1", "2", "3", "9"]) == ["1", None, "9"]
    assert promoted(made, ["1", None], ["0", "2", "3"]) == ["0", None]


def test_an_ellipsis_goes_when_it_would_hide_nothing() -> None:
    assert promoted(renaming(), ["1", None, "9"], ["1", "9"]) == ["1", "9"]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_came_can_be_promoted(seed: int) -> None:
    chosen = random.Random(seed)
    some = ["a", "b", f"0x{A}", f"0x{B}", "Nov 22 17:25", "7", "", "  a"]
    for _ in range(400):
        documented: Lines = chosen.choices([*some, None], k=chosen.randrange(7))
        came = [*some[:2], f"0x{X}", f"0x{Y}", "Feb  1 03:04", *some[5:]]
        real = chosen.choices(came, k=chosen.randrange(7))
        new = promoted(renaming(), documented, real)
        assert why_not(renaming(), new, real) is None, (documented, real, new)


# ------------------------------------------------------------ the screenplay's own lines


def _screenplay() -> list[str]:
    return [line for cue in read(str(SCREENPLAY)).cues() for line in cue.expect if line is not None]


def _renamed(lines: list[str], seed: int) -> list[str]:
    """The lines as another run of the same programs would print them."""
    chosen = random.Random(seed)
    shift = chosen.randrange(-(1 << 24), 1 << 16) << 12
    inodes: dict[str, str] = {}

    def moved(address: str) -> str:
        bare = address.removeprefix("0x")
        return address[: len(address) - len(bare)] + f"{int(bare, 16) + shift:x}"

    def renamed(kind: str, text: str) -> str:
        if kind in ("address", "range"):
            return "-".join(moved(end) for end in text.split("-"))
        if kind == "inode" and text != "00:00 0":
            return inodes.setdefault(
                text,
                f"fd:{16 + len(inodes):x} {chosen.random():.9}"[:7] + str(len(inodes)),
            )
        if kind == "date" and text[0].isalpha():
            return f"Jan {chosen.randrange(10, 28)} 0{chosen.randrange(10)}:07"
        if kind == "date":
            return re.sub(r"\d", "1", text)
        return str(9000) if (kind, text) == ("number", "4243") else text

    return ["".join(renamed(*token) for token in tokens(line)) for line in lines]


@pytest.mark.parametrize("seed", range(5))
def test_a_renamed_screenplay_is_the_same_run(seed: int) -> None:
    documented = _screenplay()
    real = _renamed(documented, seed)
    assert real != documented
    made = renaming(9000)
    for line, came in zip(documented, real, strict=True):
        assert why_not(made, [line], [came]) is None
    assert promoted(made, documented, real) == documented
    assert [made.to_documented(made.to_real(line)) for line in documented] == documented


@pytest.mark.parametrize("seed", range(5))
def test_a_screenplay_with_one_character_changed_is_another_run(seed: int) -> None:
    documented = _screenplay()
    real = _renamed(documented, seed)
    chosen = random.Random(seed)
    changed = 0
    while changed < 40:
        index = chosen.randrange(len(real))
        rigid = [
            (place, kind, text)
            for place, (kind, text) in enumerate(tokens(real[index]))
            if (kind in ("word", "number", "other") and text != "9000")
            or (kind == "blanks" and "inode" not in dict(tokens(real[index])))
        ]
        if not rigid:
            continue
        place, kind, text = chosen.choice(rigid)
        pieces = [text for _, text in tokens(real[index])]
        pieces[place] = {"number": "77777", "blanks": text + " "}.get(kind, text + "q")
        mutant = [*real[:index], "".join(pieces), *real[index + 1 :]]
        assert why_not(renaming(9000), documented, mutant), mutant[index]
        changed += 1


@pytest.mark.parametrize("seed", range(5))
def test_an_address_changed_in_one_of_its_places_is_another_run(seed: int) -> None:
    documented = _screenplay()
    real = _renamed(documented, seed)
    text = "\n".join(real)
    again = [
        found for found in re.finditer(r"[0-9a-f]{12}", text) if len(re.findall(found[0], text)) > 1
    ]
    assert len(again) >= 6
    for found in again:
        other = f"{int(found[0], 16) + 0x3000:x}"
        mutant = text[: found.start()] + other + text[found.end() :]
        assert why_not(renaming(9000), documented, mutant.split("\n"))
