"""Read pages: every form of a line, and every mistake with its place."""

import random
import re
from pathlib import Path

import pytest
from play import page, scene, stage

from stage.page.model import AtPrompt, Blocked, Cue, Page, Running, ScriptError
from stage.page.reader import Block, Field, by_section, parse, parts
from stage.page.scenes import escape, unescape


def cues(*scenes: str) -> list[Cue]:
    return list(parse("page.rst", "\n".join(scenes)).cues())


def only(*scenes: str) -> Cue:
    """The cue of a page that has but one."""
    (cue,) = cues(*scenes)
    return cue


# -------------------------------------------------------------------- forms of line


def test_a_prompt_begins_a_command_of_the_main_terminal() -> None:
    cue = only(scene("$ echo hello\nhello\n"))
    assert (cue.kind, cue.terminal, cue.root) == ("run", "main", False)
    assert (cue.command, cue.expect, cue.end) == ("echo hello", ["hello"], AtPrompt())


def test_a_name_before_the_prompt_is_the_terminal() -> None:
    cue = only(scene("(a-b_1) $ true"))
    assert (cue.terminal, cue.command) == ("a-b_1", "true")


def test_a_hash_is_the_prompt_of_root() -> None:
    assert [cue.root for cue in cues(scene("# true\n(x) # true\n$ true"))] == [True, True, False]


def test_a_line_with_an_angle_directly_under_a_command_continues_it() -> None:
    cue = only(scene("$ for x in 1 2\n> do echo $x\n>   done\n1\n2\n"))
    assert cue.command == "for x in 1 2\ndo echo $x\n  done"
    assert cue.expect == ["1", "2"]


def test_a_line_with_an_angle_after_output_is_output() -> None:
    assert only(scene("$ cat\none\n> two\n")).expect == ["one", "> two"]


def test_a_number_in_brackets_is_the_exit_status() -> None:
    first, second = cues(scene("$ false\n[1]\n$ sh -c 'exit 255'\nsaid\n[255]\n"))
    assert (first.end, first.expect) == (AtPrompt(1), [])
    assert (second.end, second.expect) == (AtPrompt(255), ["said"])


def test_a_note_says_where_a_program_is_blocked() -> None:
    named, unnamed, *_ = cues(
        scene("(x) $ cat\n[blocked in read]\n(y) $ cat\n[blocked]\n"),
        scene("(x)\n^C\n[130]\n(y)\n^C\n[130]\n"),
    )
    assert named.end == Blocked("read")
    assert unnamed.end == Blocked()


def test_a_note_says_that_a_program_goes_on() -> None:
    first, key = cues(scene("(x) $ ticker\ntick\n[running]\n(x)\n^C\n[130]\n"))
    assert (first.end, first.expect) == (Running(), ["tick"])
    assert (key.kind, key.command, key.end.status) == ("key", "^C", 130)


def test_a_name_alone_is_a_terminal_that_goes_on() -> None:
    _, resumed = cues(scene("(x) $ cat fifo\n[blocked]\n(x)\nhello\n"))
    assert (resumed.kind, resumed.terminal, resumed.command) == ("resume", "x", "")
    assert (resumed.expect, resumed.end) == (["hello"], AtPrompt())


def test_a_name_directly_above_a_key_says_whose_key_it_is() -> None:
    _, key = cues(scene("(x) $ cat\n[blocked in read]\n(x)\n^D\n"))
    assert (key.kind, key.terminal, key.command, key.line) == ("key", "x", "^D", 6)


def test_a_key_after_output_ends_a_cue_that_goes_on() -> None:
    _, resumed, key = cues(scene("(x) $ ticker\n[running]\n(x)\ntick\n^C\n[130]\n"))
    assert (resumed.kind, resumed.expect, resumed.end) == ("resume", ["tick"], Running())
    assert (key.kind, key.command, key.terminal) == ("key", "^C", "x")


def test_a_key_after_a_command_leaves_it_running_until_then() -> None:
    run, key = cues(scene("$ ticker\ntick\n^C\n[130]\n"))
    assert (run.end, run.expect, key.expect) == (Running(), ["tick"], [])


@pytest.mark.parametrize("key", ["^C", "^D", "^Z", "^\\"])
def test_four_keys_are_known(key: str) -> None:
    assert cues(scene(f"$ cat\n[blocked in read]\n{key}\n"))[1].command == key


@pytest.mark.parametrize("text", ["^A", "^CC", "^", "C^C", "^c"])
def test_what_is_no_key_is_output(text: str) -> None:
    assert only(scene(f"$ cat file\n{text}\n")).expect == [text]


def test_three_dots_are_an_ellipsis_and_four_are_output() -> None:
    assert only(scene("$ seq 9\n1\n...\n9\n....\n")).expect == ["1", None, "9", "...."]


def test_blank_lines_between_lines_of_output_are_output() -> None:
    first, second = cues(scene("$ cat file\none\n\n\ntwo\n\n$ true\n"))
    assert first.expect == ["one", "", "", "two", ""]
    assert second.expect == []


def test_blank_lines_after_the_last_line_are_not_output() -> None:
    assert only(scene("$ echo one\none") + "\n\n\n").expect == ["one"]


def test_output_may_be_indented() -> None:
    assert only(scene("$ ls\n   one\n two\n")).expect == ["   one", " two"]


LOOK_ALIKES = ["[1]", "(x)", "$ x", "# x", "> x", ">", "...", "^C", "(x) $ x", "\\", "", "x "]


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_output_that_looks_like_syntax_is_escaped(text: str) -> None:
    line = escape(text)
    assert line != text
    assert only(scene(f"$ cat file\n{line}\n")).expect == [text]


def test_a_backslash_where_no_escape_begins_is_a_backslash() -> None:
    lines = [r"\begin", r"a\[1]", r"\n\t", r"C:\x"]
    assert only(scene("\n".join(["$ cat file", *lines]))).expect == lines


def _random_lines(seed: int) -> list[str]:
    chosen = random.Random(seed)
    letters = "\\\\[]()$#>^.. \t1aZäC\u00a0"
    return ["".join(chosen.choices(letters, k=chosen.randrange(7))) for _ in range(3000)]


@pytest.mark.parametrize("seed", range(4))
def test_escaping_is_undone_by_unescaping(seed: int) -> None:
    for text in [*LOOK_ALIKES, *_random_lines(seed)]:
        assert unescape(escape(text)) == text


@pytest.mark.parametrize("seed", range(4))
def test_every_output_can_be_written_in_a_page(seed: int) -> None:
    texts = [text for text in _random_lines(seed) if "\t" not in text]
    lines = ["$ cat file", *map(escape, texts), "last"]
    assert only(scene("\n".join(lines))).expect == [*texts, "last"]


# ------------------------------------------------------------------ blocks and places

PAGE = """\
First Title
===========

Text.

Second
------

.. code-block:: console
   :class: scene fresh

   $ echo one
   one
   $ sh -c 'exit 3'
   [3]

.. note::

   .. code-block:: console
      :name: named
      :class: private scene

      (x) $ echo two
      two

Third *one*
...........

*  In a list:

   .. sourcecode:: console
      :class: scene

      # echo three
      > four
      three

.. code-block:: console

   $ sudo apt-get install everything
"""


def test_every_scene_has_its_place_section_and_classes() -> None:
    found = parse("page.rst", PAGE).scenes
    assert [(one.number, one.line, one.section) for one in found] == [
        (1, 9, "Second"),
        (2, 19, "Second"),
        (3, 31, "Third *one*"),
    ]
    assert [(one.fresh, one.private) for one in found] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_every_cue_has_its_line_and_the_place_of_its_output() -> None:
    lines = PAGE.split("\n")
    found = list(parse("page.rst", PAGE).cues())
    assert [cue.line for cue in found] == [12, 14, 23, 34]
    shown = [lines[cue.first : cue.last] for cue in found]
    assert shown == [["   one"], [], ["      two"], ["      three"]]
    assert [len(cue.indent) for cue in found] == [3, 3, 6, 6]


def test_the_json_has_one_object_for_each_cue() -> None:
    found = parse("page.rst", PAGE).to_json()
    assert found[1] == {
        "scene": 1,
        "section": "Second",
        "fresh": False,
        "exercise": "",
        "predict": False,
        "line": 14,
        "kind": "run",
        "terminal": "main",
        "root": False,
        "command": "sh -c 'exit 3'",
        "expect": [],
        "end": {"status": 3},
    }
    assert [cue["fresh"] for cue in found] == [True, False, False, False]


def test_a_terminal_that_goes_on_is_roots_if_the_command_was() -> None:
    found = cues(scene("(x) # cat\n[blocked in read]\n(x)\n^D\n"))
    assert [cue.root for cue in found] == [True, True]


def test_a_page_is_sections_fields_and_blocks_in_their_order() -> None:
    text = ".. _label:\n\nTitle\n=====\n\n:Minutes: 5\n\n.. literalinclude:: x.c\n   :caption: X\n\n" \
        "Thus::\n\n   :Not: a field\n\n* item\n\n  .. code-block:: c\n     :name: n\n\n\n     int x;\n\n     x\n\n"
    lines = text.split("\n")
    section, field, listing, code = parts(lines)
    assert (section.title, section.line, section.label) == ("Title", 3, "label")
    assert field == Field(6, "Minutes", "5")
    assert listing == Block("literalinclude", "x.c", {"caption": "X"}, range(7, 10), range(9, 9))
    assert (code.directive, code.argument, code.options) == ("code-block", "c", {"name": "n"})
    assert [lines[index].strip() for index in code.body] == ["int x;", "", "x"]


def test_a_label_is_that_of_the_section_whose_title_comes_next() -> None:
    text = ".. _fig-one:\n\n.. figure:: one.svg\n\nOne\n===\n\n.. _two:\n.. _deux:\n\n\nTwo\n---\n\nThree\n-----\n"
    assert [section.label for section in parse("page.rst", text).sections] == ["", "deux", ""]


def test_a_page_is_taken_apart_by_its_sections() -> None:
    text = "Before.\n\nOne\n---\n\nFirst.\n\nTwo\n---\n\nSecond.\n"
    found = [(section and section.title, lines) for section, lines in by_section(text)]
    assert [title for title, _ in found] == [None, "One", "Two"]
    assert "\n".join(line for _, lines in found for line in lines) == text
    page = parse("page.rst", text)
    assert [page.section_of(line) for line in (1, 2, 3, 7, 8)] == [
        None, None, page.sections[0], page.sections[0], page.sections[1]]


NO_SCENES = {
    "in a comment": "..\n   .. code-block:: console\n      :class: scene\n\n      $ x\n",
    "in a comment with text": ".. a comment\n\n   .. code-block:: console\n"
    "      :class: scene\n\n      $ x\n",
    "in a literal block": "Thus::\n\n   .. code-block:: console\n"
    "      :class: scene\n\n      $ x\n",
    "in another code-block": ".. code-block:: rst\n\n   .. code-block:: console\n"
    "      :class: scene\n\n      $ x\n",
    "in raw HTML": ".. raw:: html\n\n   .. code-block:: console\n"
    "      :class: scene\n\n      $ x\n",
    "of another language": ".. code-block:: c\n   :class: scene\n\n   $ x\n",
    "of another class": ".. code-block:: console\n   :class: once\n\n   $ x\n",
    "without a class": ".. code-block:: console\n\n   $ x\n",
    "in an empty file": "",
    "in prose": "Write ``.. code-block:: console``, with ``:class: scene``.\n",
}


@pytest.mark.parametrize("text", NO_SCENES.values(), ids=NO_SCENES)
def test_what_is_shown_as_it_is_is_not_a_scene(text: str) -> None:
    found = parse("page.rst", f"{text}\n{scene('$ echo played')}").scenes
    assert [one.cues[0].command for one in found] == ["echo played"]


SCENES = {
    "after an empty comment": "..\n\n   .. code-block:: console\n"
    "      :class: scene\n\n      $ x\n",
    "after a target": ".. _here:\n\n" + scene("$ x"),
    "in a footnote": ".. [1] Text.\n\n" + "   .. code-block:: console\n"
    "      :class: scene\n\n      $ x\n",
    "in a directive": ".. note::\n\n   .. code-block:: console\n      :class: scene\n\n      $ x\n",
    "in a list item, after one": "* Thus::\n\n    y\n\n  .. code-block:: console\n     :class: scene\n\n     $ x\n",
    "at the end, without a newline": scene("$ x").rstrip("\n"),
    "with blanks after the options": scene("$ x").replace("scene\n", "scene  \n"),
    "with two blanks after the dots": scene("$ x").replace(".. code", "..  code"),
    "of the directive code": scene("$ x").replace("code-block", "code"),
    "in capital letters": scene("$ x").replace(":class: scene", ":class: Scene"),
}


@pytest.mark.parametrize("text", SCENES.values(), ids=SCENES)
def test_what_docutils_reads_as_a_scene_is_one(text: str) -> None:
    assert [cue.command for cue in parse("page.rst", text).cues()] == ["x"]


# -------------------------------------------------------------------------- mistakes

HEAD = ".. code-block:: console\n   :class: scene\n\n"
BLOCKED = "   (x) $ cat\n   [blocked in read]\n"

# id: (page, line, words of the message)
MISTAKES: dict[str, tuple[str, int, str]] = {
    "an unknown note": (HEAD + "   $ x\n   [perhaps]\n", 5, "unknown note [perhaps]"),
    "an empty note": (HEAD + "   $ x\n   []\n", 5, "unknown note []"),
    "blocked in two words": (HEAD + "   $ x\n   [blocked in a b]\n", 5, "unknown note [blocked in a b]"),
    "a status that is none": (HEAD + "   $ x\n   [256]\n", 5, "unknown note [256]"),
    "status 0": (HEAD + "   $ x\n   [0]\n", 5, "exit status 0 is implied"),
    "status 00": (HEAD + "   $ x\n   [00]\n", 5, "exit status 0 is implied"),
    "blocked in a timed sleep": (
        HEAD + "   $ x\n   [blocked in clock_nanosleep]\n",
        5,
        "write [running]",
    ),
    "output before any prompt": (HEAD + "   hello\n", 4, "output before any prompt"),
    "a note before any prompt": (HEAD + "   [1]\n", 4, "output before any prompt"),
    "a key before any prompt": (HEAD + "   ^C\n", 4, "output before any prompt"),
    "a prompt without a command": (HEAD + "   $\n", 4, "a prompt without a command"),
    "output after the note": (
        HEAD + "   $ x\n   [1]\n   y\n",
        6,
        "output after the note",
    ),
    "two notes": (HEAD + "   $ x\n   [1]\n   [2]\n", 6, "output after the note"),
    "a terminal that never blocks but is continued": (
        HEAD + "   (x) $ true\n   (x)\n   hello\n",
        5,
        "terminal x is at its prompt",
    ),
    "a terminal that nobody has opened": (
        HEAD + "   (x)\n   hello\n",
        4,
        "terminal x is at its prompt",
    ),
    "a key at a prompt": (
        HEAD + "   $ true\n   [1]\n   ^C\n",
        6,
        "a key, but terminal main is at its prompt",
    ),
    "a command in a busy terminal": (
        HEAD + BLOCKED + "   (x) $ true\n",
        6,
        'terminal x is still busy with "cat" from line 4',
    ),
    "a busy terminal at the end": (
        HEAD + BLOCKED,
        4,
        "terminal x is still busy",
    ),
    "a busy terminal before a fresh scene": (
        HEAD + BLOCKED + "\n" + scene("$ true", "fresh"),
        4,
        "before the fresh scene in line 7",
    ),
    "a tab": (HEAD + "   $ x\n   a\tb\n", 5, "a tab"),
    "a tab for the indentation": (
        ".. code-block:: console\n\t:class: scene\n\n\t$ x\n",
        2,
        "a tab",
    ),
    "a tab for the indentation of the body": (HEAD + "\t$ x\n", 4, "a tab"),
    "CRLF": ((HEAD + "   $ x\n").replace("\n", "\r\n"), 4, "CR LF"),
    "CR LF in one line": (HEAD + "   $ x\n   y\r\n   z\n", 5, "CR LF"),
    "CR within a line": (HEAD + "   $ x\n   50%\r100%\n", 5, "a control character, '\\r', "),
    "a line break that is none of ours": (HEAD + "   $ x\n   y\u2028z\n", 5, "a control character, '\\u2028', "),
    "trailing blanks": (HEAD + "   $ x\n   y \n", 5, "blanks at the end of the line"),
    "an unclosed block": (HEAD + "\nText.\n", 1, "a scene without a cue"),
    "an unclosed block at the end": (HEAD.rstrip("\n"), 1, "a scene without a cue"),
    "no blank line after the options": (
        ".. code-block:: console\n   :class: scene\n   $ x\n",
        3,
        "a blank line must separate",
    ),
    "less indentation": (HEAD + "     $ x\n   y\n", 5, "indented less"),
    "an unknown class": (scene("$ x", "frsh"), 1, 'unknown class "frsh"'),
    "nothing to predict": (scene("(x)\nhello", "predict"), 1, 'a scene of the class "predict" asks what comes of'),
}


@pytest.mark.parametrize("text, line, words", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_reported_with_page_and_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ScriptError) as error:
        parse("page.rst", text)
    message = str(error.value)
    assert message.startswith(f"page.rst:{line}: ")
    assert words in message
    assert "\n" not in message


def test_a_page_with_a_mistake_is_not_played(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ true\n[perhaps]\n").replace("\n", "\r\n"))
    result = stage("check", path, "--programs", tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert re.fullmatch(rf"{path}:4: the line ends in CR LF: [^\n]+\n", result.stderr)


def test_a_page_that_is_not_utf8_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "page.rst"
    path.write_bytes(b"one\ntwo\nthr\xe4\n")
    result = stage("scenes", path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"{path}:3: not UTF-8: save the file as UTF-8\n"


def test_a_page_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    result = stage("check", tmp_path / "nowhere.rst")
    assert (result.returncode, result.stdout) == (2, "")
    assert re.fullmatch(r"stage: .*No such file or directory: '.*'\n", result.stderr)


def test_an_empty_page_has_no_scenes(tmp_path: Path) -> None:
    result = stage("check", page(tmp_path, ""))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{tmp_path}/page.rst: no scenes\n"


def _mangled(text: str, chosen: random.Random) -> str:
    """The text with a few characters and lines changed."""
    lines = text.split("\n")
    for _ in range(chosen.randrange(1, 6)):
        index = chosen.randrange(len(lines))
        line = lines[index]
        place = chosen.randrange(len(line) + 1)
        piece = chosen.choice(["\t", "\r", " ", "[", "]", "(x)", "$", "^C", "..", "::"])
        lines[index] = chosen.choice(
            [line[:place] + piece + line[place:], line[:place], piece, "   " + line]
        )
        if chosen.random() < 0.3:
            del lines[index]
    return "\n".join(lines)


def test_no_mangled_page_gives_a_traceback() -> None:
    chosen = random.Random(1)
    refused = 0
    for _ in range(2000):
        text = _mangled(PAGE, chosen)
        try:
            assert isinstance(parse("page.rst", text), Page)
        except ScriptError as error:
            assert re.match(r"page\.rst:\d+: \S", str(error))
            refused += 1
    assert 200 < refused < 1900  # else the test changes too little, or too much


def test_sections_have_their_minutes_and_a_chapter_is_the_sum() -> None:
    found = parse("page.rst", "Page\n====\n\n.. _one:\n\nOne\n---\n\n:Minutes: 3\n\n.. code-block:: rst\n\n"
                  "   :Minutes: 40\n\nA\n.\n\n:Minutes: 2\n\nTwo\n---\n")
    assert [(one.title, one.line, one.depth, one.label, one.minutes) for one in found.sections] == [
        ("Page", 1, 0, "", 0), ("One", 6, 1, "one", 3), ("A", 15, 2, "", 2), ("Two", 20, 1, "", 0)]
    assert [found.minutes(one) for one in found.sections] == [5, 5, 2, 0]


@pytest.mark.parametrize("text", ["", "0", "five", "5 min"])
def test_minutes_that_are_no_number_are_refused(text: str) -> None:
    with pytest.raises(ScriptError, match=f'page.rst:4: ":Minutes: {text}" is no number of minutes'):
        parse("page.rst", f"One\n---\n\n:Minutes: {text}\n")


def test_a_terminal_has_one_colour_and_its_neighbours_have_others() -> None:
    found = parse("page.rst", "\n".join(scene(f"({name}) $ x\n$ y") for name in "abcdefgh"))
    colours = found.colours()
    assert list(colours) == ["a", "main", *"bcdefgh"]
    assert all(colours[name] != colours["main"] for name in "abcdefgh")
    assert set(colours.values()) == {1, 2, 3, 4, 5, 6}
