"""Where panes go: they fill the window, and what does not fit side by side stands one above the other."""

import itertools
from pathlib import Path

import pytest
from play import page, scene
from show import performed, show

from stage.page.reader import parse
from stage.perform.layout import LISTING, layout
from stage.perform.panes import longest_lines

WINDOWS = [(80, 19), (120, 36), (139, 45), (140, 45), (250, 70)]


@pytest.mark.parametrize("columns, rows", WINDOWS)
def test_panes_fill_the_window_and_do_not_overlap(columns: int, rows: int) -> None:
    for number, notes, kernel, listing, length in itertools.product(
        range(1, 6), [False, True], [0, 5], [False, True], [10, 300]
    ):
        made = layout(columns, rows, [length] * number, notes, kernel, listing)
        wanted = {str(terminal) for terminal in range(number)}
        wanted |= {name for name, there in (("notes", notes), ("kernel", kernel), ("listing", listing)) if there}
        assert set(made.sizes) == wanted
        area = sum((height + 1) * width for height, width in made.sizes.values())
        borders = sum(split.flag == "-h" for split in made.splits)
        assert area <= rows * columns < area + borders * rows + 1


@pytest.mark.parametrize("columns, rows", WINDOWS)
def test_terminals_are_equally_large(columns: int, rows: int) -> None:
    for lengths in ([20, 10], [20, 10, 30], [500, 10]):
        sizes = layout(columns, rows, lengths).sizes.values()
        for side in zip(*sizes, strict=True):
            assert max(side) - min(side) < len(lengths)


def test_terminals_stand_side_by_side_only_if_the_longest_line_fits() -> None:
    fits, wraps = layout(81, 40, [40, 40]), layout(81, 40, [40, 41])
    assert fits.sizes == {"0": (39, 40), "1": (39, 40)}
    assert wraps.sizes == {"0": (19, 81), "1": (19, 81)}


def test_terminals_that_would_be_too_low_stand_side_by_side_though_lines_wrap() -> None:
    assert {split.flag for split in layout(80, 11, [100, 100, 100]).splits} == {"-h"}


def test_the_notes_stand_beside_a_wide_stage_and_below_a_narrow_one() -> None:
    assert layout(140, 45, [0], notes=True).splits[0].flag == "-h"
    narrow = layout(139, 45, [0], notes=True)
    assert narrow.splits[0].flag == "-v" and 9 <= narrow.sizes["notes"][0] <= 45 // 2


def test_a_listing_has_room_for_80_columns_and_its_numbers_where_that_can_be() -> None:
    assert layout(140, 40, [0], listing=True).sizes["listing"][1] == LISTING
    assert layout(100, 40, [0], listing=True).sizes["listing"][1] == 100


def test_what_a_terminal_needs_is_its_longest_line_in_its_last_scene() -> None:
    text = scene("$ echo a; echo bcd\na\nlonger than that\n") + "\n" + scene("(x) $ cat << END\n> and so on\n> END\n")
    made = parse("x.rst", text)
    assert longest_lines(made, made.scenes[0]) == {("main", False): 18}
    assert longest_lines(made, made.scenes[1]) == {("main", False): 18, ("x", False): 12}


LONG = "echo " + "x" * 60


@performed[0]
@performed[1]
def test_on_stage_long_lines_stand_one_above_the_other(tmp_path: Path) -> None:
    short = scene("(a) $ true\n(b) $ true\n", "fresh")
    wide = scene(f"(a) $ {LONG}\n{'x' * 60}\n(b) $ true\n")
    with show(page(tmp_path, short, wide), size=(100, 50)) as on:
        def tops() -> set[str]:
            form = "#{?#{==:#{@name},notes},,#{pane_top}}"
            return set(on.inner("list-panes", "-t", "stage:", "-F", form).split())

        on.noted("(a) $ true")
        on.wait(lambda: [*on.panes()] == ["a", "b", "notes"] and len(tops()) == 1)
        on.press("F6", "F6", "PageDown")
        on.noted("2/2", "[Enter]")
        on.wait(lambda: [*on.panes()] == ["a", "b", "notes"] and len(tops()) == 2)
        on.shown("a", f"$ {LONG}")


@performed[0]
@performed[1]
def test_with_little_room_the_strip_shows_only_what_cannot_be_seen_elsewhere(tmp_path: Path) -> None:
    scenes = [
        scene("(a) $ true one\n(a) $ true two\n", "fresh"),
        scene("(b) $ seq 30\n...\n30\n(b) $ true three\n"),
        scene("(b) $ true four\n"),
    ]
    with show(page(tmp_path, *scenes), size=(80, 24)) as on:
        def strip() -> str:
            return "\n".join(on.inner("show", "-v", "-t", "stage", f"@last{row}").strip() for row in range(5)).strip()

        on.noted("true one")
        on.press("F9")
        for words in ("✓ true one", "✓ true two"):
            on.press("PageDown")
            on.noted(words)
        assert strip() == "" and on.inner("show", "-v", "-t", "stage", "status") == "on\n"
        for words in ("✓ seq 30", "✓ true three"):
            on.press("PageDown")
            on.noted(words)
        on.wait(lambda: strip().endswith("(a) $ true two\n(b) $ seq 30"))
        assert "true three" not in strip()
        assert on.screen().rstrip().split("\n")[-2].rstrip().endswith("2/3 #scene-page-2")  # where we are
