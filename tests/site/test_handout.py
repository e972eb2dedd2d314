"""The sheet of commands: those of the screenplay, all of them, by sections, and no more than a sheet."""

import base64
import re
from html import unescape

import browser
import pytest
from support import ROOT, SCREENPLAY

from docs._ext.handout import handout
from stage.page.reader import parse, read

PAGE = """
Title
=====

.. code-block:: console
   :class: scene

   (waiter) $ ./wait
   [blocked in futex]
   $ cat <<end
   > text
   > end
   text

.. code-block:: console
   :class: scene

   # id
   (waiter)
   ^C
   [130]

.. _deed:

Deed
----

.. code-block:: console
   :class: scene

   $ true
   $ true

Nothing
-------
"""


def test_each_section_has_its_numbers_and_its_commands_once() -> None:
    said = [line.strip() for line in handout(parse("page.rst", PAGE)) if line]
    assert said == ["Title, 1 to 2", ".. code-block:: console", "(waiter) $ ./wait", "$ cat <<end", "> text", "> end",
                    "# id", ":ref:`deed`, 3", ".. code-block:: console", "$ true"]


def test_the_sheet_has_every_command_of_the_screenplay() -> None:
    page = (ROOT / "build/html/handout.html").read_text()
    text = unescape(re.sub("<[^>]*>", "", page))
    for cue in read(str(SCREENPLAY)).cues():
        if cue.kind == "run":
            assert all(line in text for line in cue.command.split("\n")), cue.command


@pytest.mark.skipif(not browser.find(), reason="needs chromium")
def test_it_is_one_sheet_of_paper(tab: browser.Tab, site: str) -> None:
    tab.go(f"{site}handout.html")
    printed = base64.b64decode(tab.send("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 2
