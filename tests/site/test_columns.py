"""Scenes in HTML: the text is the transcript, and the columns say who waits and who wakes whom."""

import re
from html import unescape
from textwrap import indent

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed: make installs it into build/venv")

from docutils import nodes
from support import DOCS, ROOT, SCREENPLAY

from docs._ext.columns import Drawing
from stage.page.anchors import anchors, slug
from stage.page.reader import parse, read

PAGE = r"""
.. code-block:: console
   :class: scene

   (waiter) $ ./wait <&1
   [blocked in futex]

.. code-block:: console
   :class: scene

   (poster) $ ./post
   (waiter)
   woken
   (poster) $ ./ask
   \[1]
   [2]

.. code-block:: console
   :class: scene

   $ seq 9
   1
   ...
   9
"""


def drawn() -> list[str]:
    page = parse("page.rst", PAGE)
    drawing = Drawing(page)
    return [drawing.html(scene) for scene in page.scenes]


def text(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


def test_to_a_text_browser_a_scene_is_its_transcript() -> None:
    assert text(drawn()[0]) == "(waiter) $ ./wait <&1\n[blocked in futex]\n"
    assert text(drawn()[1]) == "(poster) $ ./post\n(waiter)\nwoken\n(poster) $ ./ask\n[1]\n[2]\n"
    assert text(drawn()[2]) == "$ seq 9\n1\n...\n9\n"


def test_one_terminal_needs_no_columns() -> None:
    assert "columns" not in drawn()[0]
    assert "bar" not in drawn()[0]


def test_a_terminal_left_blocked_by_an_earlier_scene_has_a_bar_that_says_so() -> None:
    bar = '<i class="bar blocked in-1 colour-1" data-says="blocked in futex" data-of="waiter"></i>'
    assert f'id="scene-page-2-1">{bar}' in drawn()[1]


def test_who_wakes_whom_is_said_in_words_and_by_an_arrow_where_it_happens() -> None:
    first, _, rest = drawn()[1].partition('id="scene-page-2-2"')
    assert ' data-says="wakes waiter">' in first
    assert '<i class="arrow left from-1 to-2 colour-2"></i>' in first
    assert "wakes" not in rest and "arrow" not in rest


def columns(text: str) -> str:
    page = parse("page.rst", ".. code-block:: console\n   :class: scene\n\n" + indent(text, "   "))
    return Drawing(page).html(page.scenes[0])


def test_a_program_that_runs_may_wake_and_so_may_a_key() -> None:
    html = columns("(a) $ x\n[running]\n(b) $ y\n[blocked]\n(a)\n(b)\n(c) $ z\n^C\n[130]\n")
    assert re.search(r'id="scene-page-1-3">[^"]*"bar.*?<i class="arrow right from-1 to-2 [^>]*></i>.*?wakes b',
                     html, re.S)
    html = columns("(a) $ x\n[blocked]\n(b) $ y\n[blocked]\n(b)\n^C\n[130]\n(a)\n")
    assert re.search(r'<i class="arrow left from-1 to-2 [^>]*></i><span class="says[^>]*>.*\^C', html, re.S)


def test_one_command_may_wake_two() -> None:
    html = columns("(a) $ x\n[blocked]\n(b) $ y\n[blocked]\n$ z\n(b)\n(a)\n")
    assert ' data-says="wakes b and a">' in html
    assert re.findall(r"arrow (\w+ from-\d to-\d)", html) == ["left from-2 to-3", "left from-1 to-3"]


def test_who_is_woken_goes_on_at_the_first_line_that_comes_of_it() -> None:
    html = columns("(full) $ x\n[blocked in send]\n(taker) $ y\n1\n2\n3\n(full)\n")
    rows = re.findall(r'<span class="cue".*?</span></span>', html, re.S)
    assert [text(row) for row in rows][1:3] == ["(taker) $ y\n1\n", "2\n3\n"]
    assert 'class="arrow left' in rows[1] and 'class="bar blocked' in rows[1]
    assert 'class="arrow' not in rows[2] and 'class="bar running' in rows[2]
    assert text(html) == "(full) $ x\n[blocked in send]\n(taker) $ y\n1\n2\n3\n(full)\n"


def test_terminals_keep_their_places_beside_each_other_throughout_a_section() -> None:
    scene = "\n.. code-block:: console\n   :class: scene\n\n   ({}) $ true\n   ({}) $ true\n"
    page = parse("page.rst", "A\n-\n" + scene.format("b", "a") + scene.format("a", "b")
                 + "\nB\n-\n" + scene.format("a", "b"))
    drawing = Drawing(page)
    names = [re.findall(r'in-\d colour-\d" data-says="(\w)"', drawing.html(scene)) for scene in page.scenes]
    assert names == [["b", "a"], ["b", "a"], ["a", "b"]]


def test_a_terminal_has_one_colour_throughout_the_page() -> None:
    for html in drawn()[:2]:
        assert re.search(r'says in-\d colour-1">[^/]*waiter', html)


def test_no_script_and_no_style_is_needed() -> None:
    for html in drawn():
        assert "<script" not in html and "style=" not in html and "onclick" not in html


def test_every_cue_has_an_anchor() -> None:
    ids = re.findall(r'id="(scene-[\w-]+)"', "".join(drawn()))
    assert len(ids) == len(set(ids)) == 3 + 5


def test_an_anchor_is_named_after_its_section_and_stays_when_a_scene_is_added_elsewhere() -> None:
    before = "One\n---\n" + PAGE
    after = "\n.. _two:\n\nTwo Words\n---------\n" + PAGE + "\nThree Words\n-----------\n" + PAGE
    ids = [list(anchors(parse("page.rst", text)).values()) for text in (before + after, before + PAGE + after)]
    assert ids[0] == [f"scene-{name}-{number}" for name in ("one", "two", "three-words") for number in (1, 2, 3)]
    assert set(ids[1]) - set(ids[0]) == {f"scene-one-{number}" for number in (4, 5, 6)}


def test_each_scene_has_its_number_which_leads_to_it() -> None:
    number = (r'<div [^>]*id="(scene-[\w-]+)"><div class="highlight">'
              r'<a class="number" href="#(.*?)" aria-label="Session (\d)" data-says="(\d)"></a><pre ')
    found = [re.findall(number, text) for text in drawn()]
    assert found == [[(f"scene-page-{n}", f"scene-page-{n}", str(n), str(n))] for n in range(1, len(found) + 1)]


def test_the_anchor_of_a_section_without_a_label_is_that_of_docutils() -> None:
    titles = [section.title for file in DOCS.glob("**/*.rst") for section in read(str(file)).sections]
    for title in [*titles, "``sem_wait()``: Wait, -- and Post!", "2 of 3"]:
        assert slug(title) == nodes.make_id(title)


def test_more_terminals_than_there_is_room_for_columns_are_the_transcript() -> None:
    scene = "\n.. code-block:: console\n   :class: scene\n\n" + "".join(f"   (t{n}) $ true\n" for n in range(5))
    page = parse("page.rst", scene)
    assert "columns" not in Drawing(page).html(page.scenes[0])


def test_the_front_page_shows_the_very_scene_of_the_screenplay() -> None:
    front = (ROOT / "build/html/index.html").read_text()
    shown = re.findall(r'<div class="highlight-console notranslate scene.*?</pre></div></div>', front, re.S)
    assert len(shown) == 1
    both = [scene for scene in read(str(SCREENPLAY)).scenes
            if sum("030-shm-produce" in cue.command for cue in scene.cues) == 2]
    lines = SCREENPLAY.read_text().split("\n")[both[0].cues[0].line - 1:both[0].cues[-1].last]
    assert text(shown[0]).split("\n")[:-1] == [line.removeprefix("   ") for line in lines]


def test_a_scene_of_another_page_is_copied_nowhere() -> None:
    assert "030-shm-produce" not in (ROOT / "docs/index.rst").read_text()
    assert "030-shm-produce" not in (ROOT / "build/html/index.scenes.json").read_text()


BET = PAGE.replace("scene\n\n   (poster)", "scene predict\n\n   (poster)").replace("""   (poster) $ ./ask
   \\[1]
   [2]
""", "")


def test_a_bet_covers_what_comes_of_the_last_command_and_nothing_else() -> None:
    page = parse("page.rst", BET)
    drawing = Drawing(page)
    bet = [drawing.html(scene) for scene in page.scenes][1]
    seen, _, covered = bet.partition("<details")
    assert text(seen).startswith("(poster) $ ./post\n") and "woken" not in text(seen)
    assert "arrow" not in seen and "wakes" not in seen.partition("<p>")[0]
    assert text(covered).endswith("(waiter)\nwoken\n") and "arrow" in covered
    assert seen.count("data-right") == 1
    names = re.findall(r' id="([^"]*)"', bet)
    assert names == ["scene-page-2", "scene-page-2-1", "scene-page-2-2"]
