"""What belongs to a step, and what the notes say of it."""

import re

import pytest
from play import scene
from show import performed

from stage.page.prose import prose, spoken
from stage.page.reader import parse
from stage.perform.keys import HELP
from stage.perform.notes import expected
from stage.perform.plan import Plan
from stage.perform.sheet import Sheet, render, width
from stage.perform.timing import Timing

pytestmark = performed


def lengths(text: str) -> list[int]:
    """How many cues each step of a scene has."""
    plan = Plan(parse("x.rst", scene(text)))
    return [len(plan.step(start)) for start in plan.starts]


def test_a_step_is_a_command_with_those_that_go_on_because_of_it() -> None:
    blocked = "(x) $ cat pipe\n[blocked]\n(y) $ cat pipe\n[blocked]\n"
    assert lengths(blocked + "$ echo > pipe\n(x)\n(y)\n$ true\n") == [1, 1, 3, 1]


def test_a_command_that_must_come_in_time_belongs_to_the_step() -> None:
    assert lengths("(x) $ a\n[running]\n(y) $ b\n[running]\n(x)\n(y)\n$ true\n") == [4, 1]


def test_all_that_comes_by_the_clock_of_a_program_that_ends_by_itself_is_one_step() -> None:
    ones = "(x) $ a\n[running]\n(y) $ a\n[running]\n"
    ticks = "(x)\n1\n[running]\n(y)\n1\n[running]\n(x)\n2\n(y)\n2\n"
    assert lengths(f"$ b\n{ones}{ticks}$ c\n") == [1, 6, 1]
    assert lengths("(x) $ a\n[running]\n$ kill 1\n(x)\nKilled\n[137]\n$ c\n") == [3, 1]
    assert lengths("(x) $ a\n[running]\n$ b\n(x)\n1\n[blocked]\n$ c\n(x)\n^C\n[130]\n") == [3, 1, 1]


def test_a_step_ends_with_its_scene() -> None:
    page = parse("x.rst", scene("(x) $ a\n[running]\n$ b\n") + "\n" + scene("(x)\n1\n$ c\n"))
    assert Plan(page).starts == [0, 2, 3]


def test_a_program_that_runs_until_it_is_interrupted_hurries_nobody() -> None:
    assert lengths("(x) $ a\n[running]\n$ b\n$ c\n(x)\n^C\n[130]\n") == [1, 1, 1, 1]


def test_a_key_that_is_pressed_when_its_lines_have_come_belongs_to_the_step() -> None:
    assert lengths("(x) $ a\n1\n2\n^C\n[130]\n") == [2]
    assert lengths("(x) $ a\n[running]\n$ b\n(x)\n...\n3\n^C\n[130]\n") == [1, 3]
    assert lengths("(x) $ cat\n[blocked]\n(x)\n^D\n") == [1, 1]


PROSE = {
    ".. literalinclude:: ../code/x.c\n   :language: c\n\nText\nof two lines.": [
        "Show: code/x.c",
        "Text of two lines.",
    ],
    "Title\n-----\n\n:Minutes: 3\n\n* Deed\n  of :ref:`this <that>`": ["TITLE", "- Deed of this"],
    ".. class:: direction\n\n* Do\n* Show\n\nText\n\n* entry": ["* Do", "* Show", "Text", "- entry"],
    ".. class:: direction\n\nShow this.\n\nText": ["* Show this.", "Text"],
    ".. note::\n\n   See :manpage:`open(2)`, ``a*b*c`` and *that*": ["See open(2), a*b*c and that"],
    ":manpage:`open(2)` opens::\n\n.. _label:\n\n.. comment\n\nEnd": ["open(2) opens", "End"],
    ".. figure:: f.svg\n   :alt: nothing\n      of that\n\n   Caption\n\n#. First": [
        "Draw: Caption",
        "- First",
    ],
    "   [blocked in read]\n\nText": ["Text"],
    ".. list-table::\n   :header-rows: 1\n\n   * - key\n     - what it\n       does\n   * - ``F5``\n     - again": [
        "key | what it does",
        "F5 | again",
    ],
}


@pytest.mark.parametrize("text, paragraphs", PROSE.items())
def test_the_notes_are_the_text_of_the_page_without_its_markup(
    text: str, paragraphs: list[str]
) -> None:
    assert prose(text.split("\n")) == paragraphs


SPOKEN = """
.. class:: direction

* Create *it*

This is said. What follows is read. (So is this.)

(This is only read.)

.. admonition:: Type along
   :class: fold

   Open a terminal. Then another one.

   .. code-block:: console
      :class: scene

      $ true

   This is still in the box.

:ref:`Questions <questions>`

.. figure:: figures/x.svg
   :alt: Long. Very
      long.

   How it is lost. And found.

.. literalinclude:: ../code/x.c
   :language: c

"""


def test_the_notes_can_be_spoken() -> None:
    lines = SPOKEN.split("\n")
    assert spoken(SPOKEN, 0, len(lines)) == [
        "* Create it", "This is said.", "Draw: How it is lost.", "Show: code/x.c"]
    after = lines.index("      $ true") + 1
    assert spoken(SPOKEN, after, len(lines)) == ["Draw: How it is lost.", "Show: code/x.c"]


def test_long_notes_scroll_and_say_that_there_is_more() -> None:
    sheet = Sheet(prose=[f"Paragraph {number}" for number in range(30)] + ["* Deed"], keys="keys")
    seen = set()
    for sheet.scrolled in range(40):
        lines = render(sheet, 80, 12)
        assert len(lines) == 12
        seen |= set(lines)
    assert {f"Paragraph {number}" for number in range(30)} <= seen
    sheet.scrolled = 0
    assert "* Deed" in render(sheet, 80, 12)[1] and "down: more" in render(sheet, 80, 12)[-2]
    sheet.scrolled = 1000
    assert "Paragraph 29" in render(sheet, 80, 12)[-2]


@pytest.mark.parametrize("columns, rows", [(80, 24), (80, 9), (40, 12), (120, 40)])
def test_the_notes_fit_their_screen(columns: int, rows: int) -> None:
    sheet = Sheet(
        title="1/2 " + "long title " * 12,
        clock="0:00 planned 0-5 of 15",
        prose=["Paragraph " * 40, "* Deed", "word " * 300, "x" * 300],
        coming="(main) $ " + "command " * 30,
        expected=["expected " * 20] * 5,
        results=["✗ " + "reason " * 50],
        message="message " * 20,
        keys=HELP,
    )
    lines = render(sheet, columns, rows)
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]
    assert len(lines) <= rows
    assert max(map(width, plain)) <= columns
    assert "planned" in plain[0]
    assert "quit" in plain[-1]


def test_the_values_of_this_run_are_expected_not_those_of_the_page() -> None:
    page = parse("x.rst", scene("(x) $ sh -c 'echo $$'\n4243\n[running]\n$ kill 4243\n(x)\nof 4243\n[143]\n"))
    run, kill, resume = page.scenes[0].cues
    said = expected(run, [kill, resume], [], lambda line: line.replace("4243", "77"))
    assert said == ["-> goes on running", "-> and at once (main) $ kill 77", "-> then goes on: x: of 77", "  77"]


TIMED = "Page\n====\n\nA\n-\n\n:Minutes: 10\n\n" + scene("$ a\n") + "\n" + scene("$ b\n") + (
    "\nB\n-\n\n:Minutes: 20\n\n" + scene("$ c\n"))


@pytest.mark.parametrize("start, now, minutes, said", [
    (0, 0, 4, "4:00 planned 0-10 of 30"),
    (0, 0, 14, "14:00 planned 0-10 of 30, 4 min behind"),
    (1, 1, 5, "5:00 planned 0-10 of 30"),
    (1, 1, 7, "7:00 planned 0-10 of 30, 2 min behind"),
    (2, 2, 1, "1:00 planned 10-30 of 30"),
    (0, 2, 3, "3:00 planned 10-30 of 30, 7 min ahead"),
])
def test_the_clock_says_how_far_it_is_from_the_plan_from_where_it_began(
    start: int, now: int, minutes: int, said: str
) -> None:
    page = parse("page.rst", TIMED)
    timing = Timing(page)
    assert timing.text(page.scenes[now]).startswith("0:00 planned")
    timing.begin(page.scenes[start])
    assert timing.began
    timing.began = timing.began[0] - 60 * minutes, timing.began[1]
    assert timing.text(page.scenes[now]) == said
