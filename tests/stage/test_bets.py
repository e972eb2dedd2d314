"""What a reader may bet on: one right answer and tempting wrong ones, all from the sessions of the chapter."""

from textwrap import indent

import pytest
from support import SCREENPLAY

from stage.page.bets import asked, bets
from stage.page.model import Page, Scene
from stage.page.reader import parse, read

PAGE = read(str(SCREENPLAY))
PREDICTED = [scene for scene in PAGE.scenes if scene.predict]


def page(*sessions: str) -> tuple[Page, Scene]:
    """A page of these sessions, and the scene of the last one, which is a bet; below a line, what ends it."""
    last, *rest = sessions[-1].split("\n--\n")
    parts = [*((session, "") for session in sessions[:-1]), (last, " predict"), *((end, "") for end in rest)]
    blocks = [f".. code-block:: console\n   :class: scene{kind}\n\n{indent(session, '   ')}\n"
              for session, kind in parts]
    made = parse("page.rst", "Page\n====\n\nChapter\n-------\n\n" + "\n".join(blocks))
    return made, next(scene for scene in made.scenes if scene.predict)


def answers(*sessions: str) -> tuple[str, list[str]]:
    """The right one, and the wrong ones."""
    found = bets(*page(*sessions))
    (right,) = (bet.text for bet in found if bet.right)
    return right, [bet.text for bet in found if not bet.right]


OUTCOMES = {
    "$ ./x\n[blocked in futex]\n--\n(main)\n^C\n[130]": "It blocks.",
    "$ ./x": "It ends, and says nothing.",
    "$ ./x\n3": "It prints 3.",
    "$ ./x\n1\n2": "It prints 2 lines.",
    "$ ./x\nx: open /y: File exists\n[1]": "It fails: File exists.",
    "$ ./x\n[2]": "It fails: status 2.",
    "(a) $ ./wait\n[blocked]\n(b) $ ./post\n(a)": "It wakes a.",
    "(a) $ ./look\n5\n[running]\n$ ./set\n(a)\n42\n[running]\n--\n(a)\n^C\n[130]": "The program of a prints 42.",
    "(a) $ ./look\n[running]\n$ ./cut\n(a)\nBus error\n[135]": "The program of a dies: Bus error.",
    "(a) $ cat\n[blocked]\n(a)\n^D": "It ends, and says nothing.",
}


@pytest.mark.parametrize("session, outcome", OUTCOMES.items())
def test_the_right_answer_is_what_comes(session: str, outcome: str) -> None:
    assert answers(session)[0] == outcome


def test_what_is_asked_for_is_the_last_command_or_key() -> None:
    _, scene = page("(a) $ ./wait\n[blocked]\n(b) $ ./post\n(a)")
    assert scene.cues[asked(scene)].command == "./post"


def test_a_number_is_doubted_by_twice_as_much_and_by_its_neighbours() -> None:
    right, wrong = answers("$ ./x\n1\n$ ./x\n2\n$ ./x\n9", "$ ./x\n3")
    assert right == "It prints 3."
    assert {"It prints 6.", "It prints 2."} <= set(wrong)


def test_who_else_waits_might_have_been_woken() -> None:
    _, wrong = answers("(a) $ ./wait\n[blocked]\n(b) $ ./wait\n[blocked]", "$ ./post\n(a)\n--\n(b)\n^C\n[130]")
    assert "It wakes b." in wrong


def test_an_error_of_the_chapter_might_have_come() -> None:
    _, wrong = answers("$ ./x\nx: open /y: File exists\n[1]", "$ ./x")
    assert "It fails: File exists." in wrong


def test_the_place_of_the_right_answer_says_nothing() -> None:
    places = [[bet.right for bet in bets(PAGE, scene)].index(True) for scene in PREDICTED]
    assert len(set(places)) > 2


@pytest.mark.parametrize("scene", PREDICTED, ids=lambda scene: f"line {scene.line}")
def test_each_bet_of_the_screenplay_has_one_right_answer_and_three_others(scene: Scene) -> None:
    found = bets(PAGE, scene)
    assert sum(bet.right for bet in found) == 1
    assert len({bet.text for bet in found}) == len(found) == 4
    (right,) = (bet for bet in found if bet.right)
    assert "lines" not in right.text  # nobody bets on how many


def test_each_chapter_asks_three_times_or_more_and_five_at_most() -> None:
    chapters = [section for section in PAGE.sections if section.depth == 1][:4]
    for chapter, after in zip(chapters, [*chapters[1:], None], strict=True):
        end = after.line if after else len(PAGE.text)
        assert 3 <= sum(chapter.line < scene.line < end for scene in PREDICTED) <= 5, chapter.title
