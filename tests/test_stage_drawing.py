"""Scenes in HTML: the text is the transcript, and the columns say who waits and who wakes whom."""

import re
from html import unescape

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed: make installs it into build/venv")

from stage.script import parse  # noqa: E402
from stage.sphinx_scenes import Drawing  # noqa: E402

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
    html = re.sub(r'<span class="(names|wakes)".*?</span>', "", html)
    return unescape(re.sub(r"<[^>]+>", "", html))


def test_without_the_marks_a_scene_is_its_transcript() -> None:
    assert text(drawn()[0]) == "(waiter) $ ./wait <&1\n[blocked in futex]\n"
    assert text(drawn()[1]) == "(poster) $ ./post\n(waiter)\nwoken\n(poster) $ ./ask\n[1]\n[2]\n"
    assert text(drawn()[2]) == "$ seq 9\n1\n...\n9\n"


def test_one_terminal_needs_no_columns() -> None:
    assert "columns" not in drawn()[0]
    assert "bar" not in drawn()[0]


def test_a_terminal_left_blocked_by_an_earlier_scene_has_a_bar() -> None:
    assert re.search(r'id="scene-2-1"><i class="bar blocked in-2 colour-1 woken">', drawn()[1])


def test_who_wakes_whom_is_said_in_words_where_it_happens() -> None:
    first, _, rest = drawn()[1].partition('id="scene-2-2"')
    assert '<span class="wakes">wakes waiter</span>' in first
    assert "wakes" not in rest


def test_a_terminal_has_one_colour_throughout_the_page() -> None:
    for html in drawn()[:2]:
        assert re.search(r'says in-\d colour-1">[^/]*waiter', html)


def test_no_script_and_no_style_is_needed() -> None:
    for html in drawn():
        assert "<script" not in html and "style=" not in html and "onclick" not in html


def test_every_cue_has_an_anchor() -> None:
    ids = re.findall(r'id="(scene-[\d-]+)"', "".join(drawn()))
    assert len(ids) == len(set(ids)) == 3 + 5
