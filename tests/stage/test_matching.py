"""Compare a documented run with a real one: equal up to a consistent renaming."""

import random
import re

import pytest
from support import SCREENPLAY

from stage.check.renaming import Renaming, plain, tokens
from stage.page.reader import read

A, B, C = "7f5e1c19d000", "7f5e1c19e000", "7f5e1c19f000"
X, Y, Z = "7e0000001000", "7e0000002000", "7e0000003000"

Lines = list[str | None]


def renaming(*pids: int, **words: str) -> Renaming:
    made = Renaming(words)
    made.pids |= set(pids)
    return made


# ---------------------------------------------------------------------------- tokens


@pytest.mark.parametrize(
    "line, kinds",
    [
        ("word", "word"),
        ("two words", "word blanks word"),
        ("010-mmap", "number other word"),
        ("_x-y2", "word"),
        ("Nov 22 17:25", "date"),
        ("Nov  5 07:25:59", "date"),
        ("Nov 22  2025", "date"),
        ("Nov 32 17:25", "word blanks number blanks number other number"),
        ("Nov 22 24:00", "word blanks number blanks number other number"),
        ("2026-11-22", "date"),
        ("2026-11-22 17:25:21", "date"),
        ("2026-11-22T17:25:21.123Z", "date"),
        ("2026-13-22", "number other number other number"),
        ("17:25:21", "number other number other number"),
        (f"{A}-{B}", "range"),
        (A, "address"),
        (f"0x{A}", "address"),
        ("0x1000", "number word"),
        ("123456789", "number"),
        ("00000000 00:27 2", "number blanks inode"),
        ("at 12:30 5", "word blanks number other number blanks number"),
        ("", ""),
    ],
)
def test_a_line_is_cut_into_tokens(line: str, kinds: str) -> None:
    assert [kind for kind, _ in tokens(line)] == kinds.split()


def test_the_tokens_joined_are_the_line() -> None:
    chosen = random.Random(1)
    letters = "0123456789abcdefx-: .\n\tNovZzäß\\\x07"
    for _ in range(3000):
        line = "".join(chosen.choices(letters, k=chosen.randrange(40)))
        assert "".join(text for _, text in tokens(line)) == line


# --------------------------------------------------------------- one run and another

# (documented, real): the same run
SAME: dict[str, tuple[Lines, list[str]]] = {
    "nothing": ([], []),
    "equal lines": (["a b", ""], ["a b", ""]),
    "an address that stays the same": ([f"0x{A}", f"at {A}"], [f"0x{X}", f"at {X}"]),
    "two addresses that stay two": ([A, B, A], [Y, X, Y]),
    "two addresses that change places": ([A, B], [B, A]),
    "an address of another length": ([f"0x{A}"], ["0x5589abcdef"]),
    "an address without a letter": ([A], ["712345678901"]),
    "a range and its ends": ([f"{A}-{B} r", f"0x{A}", B], [f"{X}-{Y} r", f"0x{X}", Y]),
    "neighbours": ([f"{A}-{B}", f"{B}-{C}"], [f"{X}-{Y}", f"{Y}-{Z}"]),
    "a device and inode": (
        ["00000000 00:27 2", "00000000 00:27 2", "00000000 00:27 3"],
        ["00000000 fd:01 91", "00000000 fd:01 91", "00000000 fd:01 4"],
    ),
    "no device": (["00000000 00:00 0"], ["00000000 00:00 0"]),
    "a date": (["-rw- 8 Nov 22 17:25 x"], ["-rw- 8 Feb  1 03:04 x"]),
    "a date of the other kind": (["2026-11-22 17:25:21 x"], ["2031-01-02 00:00:00 x"]),
    "an ellipsis for one line": ([None], ["a"]),
    "an ellipsis for many": (["1", None, "9"], ["1", "2", "3", "9"]),
    "an ellipsis at the end": (["1", None], ["1", "2", "3"]),
    "an ellipsis before a line that comes twice": ([None, "9"], ["9", "8", "9"]),
    "two ellipses": ([None, "5", None, "9"], ["1", "5", "5", "6", "9"]),
    "a renaming within an ellipsis' reach": ([A, None, A], [X, Y, X]),
    "blanks beside a renamed value of another width": (
        [f"{A}-{B} r 00000000 00:27 2      x"],
        [f"{X}-{Y} r 00000000 00:27 12345  x"],
    ),
}

# (documented, real, words of the reason): not the same run
DIFFERENT: dict[str, tuple[Lines, list[str], str]] = {
    "another word": (["a b"], ["a c"], '"a c" instead of "a b": "c", documented "b"'),
    "another sign": (["a-b!"], ["a-b?"], '"?", documented "!"'),
    "another number": (["x 7"], ["x 8"], "number 8, documented 7"),
    "a number with a zero before": (["x 7"], ["x 07"], "number 07, documented 7"),
    "a long number": (["123456789"], ["123456780"], "number 123456780"),
    "a number for a word": (["x y"], ["x 7"], '"7", documented "y"'),
    "a PID that nobody has seen": (["pid 4243"], ["pid 17"], "number 17"),
    "a date that is none": (["Nov 22 17:25"], ["Nov 22 17:65"], "documented"),
    "a date of another form": (
        ["2026-11-22 17:25:21"],
        ["2026-11-22"],
        "documented",
    ),
    "a date for a word": (["soon"], ["2026-11-22"], "documented"),
    "one address of the page, two real": (
        [A, A],
        [X, Y],
        f"address {A} was {X} before and is {Y} now",
    ),
    "two addresses of the page, one real": (
        [A, B],
        [X, X],
        f"two values of the page, {A} and {B}, are one address, {X}",
    ),
    "an address changed in a range only": (
        [f"0x{A}", f"{B}-{C}"],
        [f"0x{X}", f"{X}-{Y}"],
        "are one address",
    ),
    "a range of another size": (
        [f"{A}-{B}"],
        [f"{X}-{Z}"],
        "a range of 8192 bytes, documented 4096",
    ),
    "0x on one side only": ([f"0x{A}"], [X], "0x on one side only"),
    "0x on the other side only": ([A], [f"0x{X}"], "0x on one side only"),
    "a short number for an address": ([f"0x{A}"], ["0x1000"], "documented"),
    "one inode of the page, two real": (
        ["00000000 00:27 2", "00000000 00:27 2"],
        ["00000000 00:28 2", "00000000 00:29 2"],
        "inode 00:27 2 was 00:28 2 before",
    ),
    "two inodes of the page, one real": (
        ["00000000 00:27 2", "00000000 00:27 3"],
        ["00000000 00:28 2", "00000000 00:28 2"],
        "are one inode",
    ),
    "a file where the page has none": (
        ["00000000 00:00 0"],
        ["00000000 00:27 2"],
        "no file on one side only",
    ),
    "no file where the page has one": (
        ["00000000 00:27 2"],
        ["00000000 00:00 0"],
        "no file on one side only",
    ),
    "one blank more": (["a b"], ["a  b"], "number of blanks"),
    "a blank at the end": (["a"], ["a "], "blanks at the end"),
    "no blank at the end": (["a "], ["a"], "blanks at the end"),
    "a blank in front": (["a"], [" a"], "documented"),
    "blanks beside a renamed value of the same width": (
        [f"{A} x"],
        [f"{X}  x"],
        "number of blanks",
    ),
    "more on the line": (["a"], ["a b"], "more on the line"),
    "less on the line": (["a b"], ["a"], "less on the line"),
    "a line missing": (["a", "b"], ["a"], 'line missing: "b"'),
    "a line too many": (["a"], ["a", "b"], 'line too many: "b"'),
    "two lines in another order": (["a", "b"], ["b", "a"], '"b" instead of "a"'),
    "capital letters": (["Error"], ["error"], '"error", documented "Error"'),
    "an ellipsis that hides nothing, at the end": (
        ["a", None],
        ["a"],
        "an ellipsis that hides nothing",
    ),
    "an ellipsis that hides nothing, alone": ([None], [], "hides nothing"),
    "an ellipsis that hides nothing, in the middle": (
        ["a", None, "b"],
        ["a", "b"],
        'too few lines for the ellipsis and "b" after it',
    ),
    "what follows an ellipsis": (
        ["a", None, "c"],
        ["a", "b", "d"],
        'after the ellipsis, no "c"',
    ),
    "an address after an ellipsis": ([A, None, A], [X, "b", Y], "after the ellipsis"),
}


@pytest.mark.parametrize("documented, real", SAME.values(), ids=SAME)
def test_the_same_run_matches(documented: Lines, real: list[str]) -> None:
    assert renaming().match(documented, real)


@pytest.mark.parametrize("documented, real, words", DIFFERENT.values(), ids=DIFFERENT)
def test_another_run_does_not_match_and_the_reason_is_told(
    documented: Lines, real: list[str], words: str
) -> None:
    made = renaming()
    assert not made.match(documented, real)
    assert words in made.reason(documented, real)
    assert (made.real, made.documented) == ({}, {})  # nothing was learned from it


@pytest.mark.parametrize("documented, real", SAME.values(), ids=SAME)
def test_what_is_the_same_run_is_so_in_the_other_direction(
    documented: Lines, real: list[str]
) -> None:
    if None not in documented:
        assert renaming().match(real, plain(documented))


def test_what_was_bound_in_one_cue_holds_in_the_next() -> None:
    made = renaming()
    assert made.match([f"at 0x{A}"], [f"at 0x{X}"])
    assert not made.match([f"{A}-{B}"], [f"{Y}-{Z}"])
    assert made.match([f"{A}-{B}"], [f"{X}-{Y}"])


def test_a_line_that_fails_late_binds_nothing() -> None:
    made = renaming()
    assert not made.match([A, "one"], [X, "two"])
    assert made.match([A, "one"], [Y, "one"])


# ------------------------------------------------------------------ PIDs and constants


def test_a_pid_that_was_seen_may_differ() -> None:
    made = renaming(17, 18)
    assert made.match(["pid 4243", "pid 4244"], ["pid 17", "pid 18"])
    assert made.match(["4243"], ["17"])


def test_a_pid_stays_the_same() -> None:
    made = renaming(17, 18)
    assert made.match(["pid 4243"], ["pid 17"])
    assert not made.match(["pid 4243"], ["pid 18"])
    why = made.reason(["pid 4243"], ["pid 18"])
    assert "PID 4243 was 17 before and is 18 now" in why


def test_two_pids_of_the_page_are_two() -> None:
    made = renaming(17)
    assert not made.match(["4243 4244"], ["17 17"])
    assert "two values of the page" in made.reason(["4243 4244"], ["17 17"])


def test_a_number_that_was_bound_as_a_pid_is_not_free_afterwards() -> None:
    made = renaming(17)
    assert made.match(["4243"], ["17"])
    assert not made.match(["4243"], ["4243"])


def test_numbers_beside_a_pid_must_be_equal() -> None:
    assert renaming(17).match(["[1] 4243"], ["[1] 17"])
    assert not renaming(17).match(["[1] 4243"], ["[2] 17"])


def test_a_declared_word_stands_for_the_real_one() -> None:
    made = renaming(student="anna", classroom="pc7")
    assert made.match(["student student 8 x"], ["anna anna 8 x"])
    assert made.match(["student@classroom"], ["anna@pc7"])
    assert not made.match(["students"], ["anna"])
    assert not made.match(["root"], ["anna"])


def test_a_declared_word_of_another_width_moves_the_blanks() -> None:
    made = renaming(student="al")
    assert made.match(["student   8"], ["al        8"])
    assert not renaming().match(["al   8"], ["al  8"])


# ------------------------------------------------------------------ there and back


def test_values_are_put_into_commands_and_back() -> None:
    made = renaming(17)
    documented = ["pid 4243", f"0x{A}", f"{B}-{C}", "00000000 00:27 2"]
    assert made.match(documented, ["pid 17", f"0x{X}", f"{Y}-{Z}", "00000000 00:28 3"])
    command = f"grep {A} /proc/4243/maps; echo 0x{B} {B}-{C} 4244"
    assert made.to_real(command) == f"grep {X} /proc/17/maps; echo 0x{Y} {Y}-{Z} 4244"
    assert made.to_documented(made.to_real(command)) == command


def test_a_command_without_values_stays_as_it_is() -> None:
    command = "od -A n -t u8 /dev/shm/ipc-counter | grep '7  8'\n> x"
    assert renaming(8).to_real(command) == command


def test_real_words_become_the_documented_ones_in_reports_only() -> None:
    made = renaming(student="anna")
    assert made.to_documented("anna anna") == "student student"
    assert made.to_real("ls /home/student") == "ls /home/student"


def test_an_address_near_a_bound_one_gets_its_distance() -> None:
    made = renaming()
    assert made.match([f"0x{A}"], [f"0x{X}"])
    assert made.to_documented("0x7e0000001010") == "0x7f5e1c19d010"
    assert made.to_documented(f"{Y}-{Z}") == f"{B}-{C}"
    assert made.to_documented("0x550000001010") == "0x550000001010"
    assert made.to_documented("10") == "10"


# --------------------------------------------------------------------------- promote


@pytest.mark.parametrize("documented, real", SAME.values(), ids=SAME)
def test_lines_that_hold_are_promoted_to_themselves(documented: Lines, real: list[str]) -> None:
    made = renaming()
    assert made.match(documented, real)
    if None not in documented:
        assert made.promoted(documented, real) == documented


@pytest.mark.parametrize("documented, real", [row[:2] for row in DIFFERENT.values()], ids=DIFFERENT)
def test_what_is_promoted_holds(documented: Lines, real: list[str]) -> None:
    made = renaming()
    assert made.match(made.promoted(documented, real), real)


def test_only_the_line_that_differs_is_promoted() -> None:
    documented: Lines = ["Nov 22 17:25 a", f"0x{A} b", "c 7"]
    real = ["Dec  1 03:04 a", f"0x{X} b", "c 8"]
    assert renaming().promoted(documented, real) == [*documented[:2], "c 8"]


def test_lines_with_other_dates_around_a_new_one_are_kept() -> None:
    documented: Lines = ["2026-11-22 a", "2026-11-22 b"]
    real = ["2027-01-01 a", "2027-01-01 new", "2027-01-01 b"]
    assert renaming().promoted(documented, real) == [
        "2026-11-22 a",
        "2027-01-01 new",
        "2026-11-22 b",
    ]


def test_lines_with_other_dates_around_a_missing_one_are_kept() -> None:
    documented: Lines = ["2026-11-22 a", "2026-11-22 gone", "2026-11-22 b"]
    real = ["2027-01-01 a", "2027-01-01 b"]
    assert renaming().promoted(documented, real) == ["2026-11-22 a", "2026-11-22 b"]


def test_bound_values_are_promoted_as_those_of_the_page() -> None:
    made = renaming(17)
    assert made.match(["pid 4243", f"0x{A}"], ["pid 17", f"0x{X}"])
    assert made.promoted(["old"], [f"17 has {X}-{Y}"]) == [f"4243 has {A}-{B}"]


def test_an_ellipsis_stays_where_lines_are_left_for_it() -> None:
    made = renaming()
    assert made.promoted(["1", None, "9"], ["1", "2", "3", "8"]) == ["1", None, "8"]
    assert made.promoted(["0", None, "9"], ["1", "2", "3", "9"]) == ["1", None, "9"]
    assert made.promoted(["1", None], ["0", "2", "3"]) == ["0", None]


def test_an_ellipsis_goes_when_it_would_hide_nothing() -> None:
    assert renaming().promoted(["1", None, "9"], ["1", "9"]) == ["1", "9"]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_came_can_be_promoted(seed: int) -> None:
    chosen = random.Random(seed)
    some = ["a", "b", f"0x{A}", f"0x{B}", "Nov 22 17:25", "7", "", "  a"]
    for _ in range(400):
        documented: Lines = chosen.choices([*some, None], k=chosen.randrange(7))
        came = [*some[:2], f"0x{X}", f"0x{Y}", "Feb  1 03:04", *some[5:]]
        real = chosen.choices(came, k=chosen.randrange(7))
        promoted = renaming().promoted(documented, real)
        assert renaming().match(promoted, real), (documented, real, promoted)


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
        assert made.difference(line, came) is None
    assert made.promoted(documented, real) == documented
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
        assert not renaming(9000).match(documented, mutant), mutant[index]
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
        assert not renaming(9000).match(documented, mutant.split("\n"))
