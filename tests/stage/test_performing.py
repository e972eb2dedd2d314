"""The page for instructors: its table is the screenplay's, its commands and keys exist."""

import re
from html import unescape

import pytest
from support import ROOT

pytest.importorskip("sphinx", reason="Sphinx is not installed: make installs it into build/venv")

from docs._ext.timetable import timetable
from stage.page.reader import (
    parse,
    read,
)
from stage.perform.keys import HELP, KEYS, LETTERS, LETTERS_HELP
from stage.perform.tmux import CONFIGURATION

PERFORMING = (ROOT / "docs/performing.rst").read_text()
QUESTIONS = (ROOT / "docs/questions.rst").read_text()
SCREENPLAY = read(str(ROOT / "docs/screenplay.rst"))
SITE = ROOT / "build/html"


def rows(lines: list[str]) -> list[list[str]]:
    """The cells of a table, without its head."""
    found: list[list[str]] = []
    for line in lines:
        if cell := re.fullmatch(r" {3}([* ]) - (.*)", line):
            found += [[]] if cell[1] == "*" else []
            found[-1].append(cell[2])
    return found[1:]


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def planned(minutes: dict[str, int]) -> list[list[str]]:
    """The table of a page with these sections; chapters in capitals."""
    page = "Page\n====\n\n"
    for title, own in minutes.items():
        mark = "-" if title.isupper() else "."
        page += f".. _{title.lower()}:\n\n{title}\n{mark * 9}\n\n"
        page += f":Minutes: {own}\n\n" if own else ""
    return rows(timetable(parse("page.rst", page)))


def test_the_table_adds_up_chapters_and_says_when_each_section_begins_and_ends() -> None:
    assert planned({"ALONE": 25, "CHAPTER": 3, "one": 5, "two": 9, "BARE": 0, "three": 1}) == [
        [":ref:`alone`", "**25**", "0", "25"],
        [":ref:`chapter`", "**17**", "25", "42"],
        ["introduction", "3", "25", "28"],
        [":ref:`one`", "5", "28", "33"],
        [":ref:`two`", "9", "33", "42"],
        [":ref:`bare`", "**1**", "42", "43"],
        [":ref:`three`", "1", "42", "43"],
        ["all", "**43**", "0", "43"],
    ]


def test_the_table_sums_to_the_total_of_the_screenplay() -> None:
    total = SCREENPLAY.minutes(SCREENPLAY.sections[0])
    *table, last = rows(timetable(SCREENPLAY))
    chapters = [int(minutes.strip("*")) for _, minutes, _, _ in table if "*" in minutes]
    assert sum(chapters) == total
    assert last == ["all", f"**{total}**", "0", str(total)]
    assert [title for title, *_ in table if title != "introduction"] == [
        f":ref:`{section.label}`" for section in SCREENPLAY.sections[1:]]


def test_the_table_is_on_the_site_with_a_link_to_each_section() -> None:
    page = (SITE / "performing.html").read_text()
    table = page[page.index('id="timing"'):]
    for section in SCREENPLAY.sections[1:]:
        assert f'href="screenplay.html#{section.label}"' in table, section.title
    assert f"all {SCREENPLAY.minutes(SCREENPLAY.sections[0])} 0 " in text(table)


def test_the_site_says_in_words_how_long_each_section_takes() -> None:
    page = (SITE / "screenplay.html").read_text()
    lines = [text(line) for line in re.findall(r'<p class="minutes">(.*?)</p>', page, re.S)]
    wanted = []
    for section in SCREENPLAY.sections:
        total = SCREENPLAY.minutes(section)
        words = f"{total} minute{'s' if total > 1 else ''}"
        if 0 < section.minutes < total:
            words += f", {section.minutes} of them for the introduction"
        wanted.append(words)
    assert lines == wanted
    assert "Minutes:" not in text(page)


def test_each_section_with_questions_is_one_of_the_screenplay_in_its_order() -> None:
    asked = [section.title for section in parse("questions.rst", QUESTIONS).sections[1:]]
    assert len(asked) > 10
    assert [section.title for section in SCREENPLAY.sections if section.title in asked] == asked


def test_each_section_with_questions_is_linked_from_the_end_of_that_of_the_screenplay() -> None:
    """From the end of the chapter where its sections have no questions of their own."""
    for section in parse("questions.rst", QUESTIONS).sections[1:]:
        label = section.label.removeprefix("questions-")
        _, _, after = SCREENPLAY.text.partition(f"\n.. _{label}:\n")
        text = re.split(r"\n\.\. _[a-z-]+:\n\n.*\n" + ("-" if label == "mmap" else "[-.]") + "{4}", after)[0]
        assert f"`Questions after this {'chapter' if label == 'mmap' else 'section'} <{section.label}>`" in text


def test_ten_questions_or_more_are_asked_and_answered() -> None:
    answered = re.findall(r"^(\S.*\?)\n   \S", QUESTIONS, re.M)
    assert len(answered) >= 10
    assert answered == re.findall(r"^(\S.*\?)$", QUESTIONS, re.M)


def commands() -> set[str]:
    """What follows "make" in the commands of the page, typed or mentioned."""
    typed = re.findall(r"^   \$ make (.*)$", PERFORMING, re.M)
    mentioned = re.findall(r"``make ([^`]*)``", PERFORMING)
    assert len(typed) > 5 and len(mentioned) > 5
    return {*typed, *mentioned}


def missing_targets(makefile: str) -> set[str]:
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    return {command.split()[0] for command in commands()} - targets


def test_each_make_command_has_its_target() -> None:
    assert missing_targets((ROOT / "Makefile").read_text()) == set()


def test_make_perform_knows_each_variable_that_the_page_sets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    names = {name for command in commands() for name in re.findall(r"\b([A-Z]+)=", command)}
    assert {"PAGE", "SCENE", "AUTO", "STAGE"} <= names
    for name in names:
        assert re.search(rf"\$\({name}\b", makefile), name


def test_what_a_command_of_the_page_plays_exists() -> None:
    for command in commands():
        if page := re.search(r"PAGE=(\S+)", command):
            assert read(str(ROOT / page[1])).scenes
        if scene := re.search(r'SCENE="(.*)"', command):
            assert any(section.title == scene[1] for section in SCREENPLAY.sections)
        if number := re.search(r"SCENE=(\d+)", command):
            assert 0 < int(number[1]) <= len(SCREENPLAY.scenes)


NAMES = {"PPage": "PageUp", "NPage": "PageDown"}  # in tmux, and on the keyboard


def table(first: str) -> dict[str, str]:
    """Each key of one of the tables, and the first word of what it does."""
    start = PERFORMING.index(f"\n   * - {first}\n", PERFORMING.index("\nThe Keys\n"))
    rows = re.findall(r"^   \* - (.+)\n     - (\w+)", PERFORMING[start:].split("\n\n")[0], re.M)
    assert rows.pop(0) == (first, "what")
    return {key.strip("`"): word for keys, word in rows for key in keys.split(", ")}


def test_the_keys_of_the_page_are_those_that_the_performer_knows() -> None:
    assert table("key") == {NAMES.get(key, key): deed for key, (_, deed) in KEYS.items()}
    assert table("letter") == {{" ": "space"}.get(key, key): deed for key, deed in LETTERS.items()}


def test_the_notes_name_each_key_and_each_letter() -> None:
    for key, deed in [*((key, deed) for key, (_, deed) in KEYS.items() if key != "F12"), *LETTERS.items()]:
        name = {"NPage": "PgDn", "PPage": "PgUp", " ": "space", "n": "or n", "?": "?"}.get(key, key)
        assert re.search(rf"\B{re.escape(name)}|\b{re.escape(name)}\b", HELP + LETTERS_HELP), (key, deed)


def test_tmux_sends_each_key_of_the_performance_to_the_notes() -> None:
    sent = re.findall(r"^bind -n (\S+) .*send-keys -t notes: (\S+)", CONFIGURATION.read_text(), re.M)
    assert sent == [(key, key) for key in KEYS]


def test_each_key_that_the_page_mentions_is_bound() -> None:
    bound = {NAMES.get(key, key) for key in re.findall(r"^bind -n (\S+)", CONFIGURATION.read_text(), re.M)}
    mentioned = set(re.findall(r"\b(?:F\d+|Page(?:Up|Down))\b", PERFORMING))
    assert len(mentioned) > 8
    assert mentioned <= bound
