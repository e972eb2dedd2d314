"""The reference page: complete against the programs and the sessions."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

pytest.importorskip("sphinx", reason="Sphinx is not installed: make installs it into build/venv")

from docs._ext.indexes import by_call, by_symptom, calls, symptoms
from stage.page.anchors import anchors
from stage.page.model import AtPrompt
from stage.page.reader import parse, read

PAGE = ROOT / "build/html/reference.html"


def test_every_call_of_every_program_is_in_the_index() -> None:
    rows = "\n".join(by_call(ROOT / "docs"))
    for file in {*(ROOT / "code").glob("*/*.c")} - {*(ROOT / "code/solutions").glob("*.c")}:
        for call in calls(file.read_text()):
            row = re.search(rf"\* - :?\S*`{call}\(.*\n.*", rows)
            assert row and f":ref:`{file.stem} " in row[0], (call, file)


def test_a_call_is_spoken_of_where_the_screenplay_names_it() -> None:
    rows = dict(re.findall(r"\* - (\S+)\n.*\n     - (.*)", "\n".join(by_call(ROOT / "docs"))))
    assert ":ref:`sem-post`" in rows[":manpage:`sem_post(3)`"]
    assert ":ref:`mq-consume`" in rows[":manpage:`mq_receive(3)`"]
    assert ":doc:`the code page <code/index>`" in rows[":manpage:`strtoll(3)`"]
    for call, places in rows.items():
        assert places != "\\" or not call.startswith(":manpage:"), call


def test_a_command_is_not_the_call_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "code/x").mkdir(parents=True)
    (tmp_path / "code/x/010-x.c").write_text("int main(void)\n{\n    printf();\n}\n")
    (tmp_path / "docs/code").mkdir(parents=True)
    (tmp_path / "docs/code/index.rst").write_text("Code\n====\n")
    (tmp_path / "docs/screenplay.rst").write_text(
        "Page\n====\n\n.. _one:\n\nOne\n---\n\n:manpage:`printf(1)`\n\n.. _two:\n\nTwo\n---\n\n:manpage:`printf(3)`\n")
    rows = "\n".join(by_call(tmp_path / "docs"))
    assert ":ref:`two`" in rows and ":ref:`one`" not in rows


@pytest.mark.parametrize("page", ["screenplay", "questions"])
def test_what_a_session_shows_is_in_the_index_with_a_link_to_that_session(page: str) -> None:
    rows = re.findall(r"<tr.*?</tr>", PAGE.read_text(), re.DOTALL)
    script = read(str(ROOT / f"docs/{page}.rst"))
    names = anchors(script)
    found = set()
    for scene in script.scenes:
        for name, _ in (one for cue in scene.cues for one in symptoms(cue)):
            link = f'href="{page}.html#{names[scene.number]}"'
            assert any(f">{name}</" in row and link in row for row in rows), (name, link)
            found.add(name)
    assert found >= {"screenplay": {"EEXIST", "ENOENT", "EINVAL", "EMFILE", "ENODEV", "SIGBUS", "SIGINT"},
                     "questions": {"EOVERFLOW", "SIGKILL"}}[page]


@pytest.mark.parametrize("page", ["screenplay", "questions"])
def test_every_error_line_of_the_sessions_is_found(page: str) -> None:
    """A line of a program that has failed, "program: call object: text", has an errno."""
    for cue in read(str(ROOT / f"docs/{page}.rst")).cues():
        if cue.end == AtPrompt(1):
            for line in filter(None, cue.expect):
                if re.match(r"\d{3}-\S+: \w+ \S+: [A-Z]", line):
                    assert list(symptoms(cue)), line


def test_the_index_is_about_programs_of_the_course() -> None:
    assert "nowhere" not in "\n".join(by_symptom(ROOT / "docs"))  # cat nowhere, an example of the notation


def test_a_program_that_fails_in_an_indented_line_of_a_command_is_named_in_the_index(tmp_path: Path) -> None:
    (tmp_path / "screenplay.rst").write_text(
        "Page\n====\n\n.. code-block:: console\n   :class: scene\n\n   $ if true; then\n   >     ./x\n   > fi\n"
        "   x: open /y: File exists\n   [1]\n")
    assert "     - ``./x``: ``x: open /y: File exists``" in by_symptom(tmp_path)


def test_an_error_and_a_signal_are_told_apart() -> None:
    page = parse("page.rst", ".. code-block:: console\n   :class: scene\n\n"
                 "   $ ./x\n   x: open /y: File exists\n   [1]\n"
                 "   $ ./z\n   Bus error\n   [135]\n   $ cat\n   ^C\n   [130]\n")
    found = [name for cue in page.cues() for name, _ in symptoms(cue)]
    assert found == ["EEXIST", "SIGBUS", "SIGINT"]


def test_calls_in_comments_and_texts_and_own_functions_are_not_calls() -> None:
    source = ('static int own(int x)\n{\n    return x;\n}\n/* a() */ // b()\n'
              'int main(void)\n{\n    if (own(1)) printf("c()");\n}\n')
    assert calls(source) == {"printf"}


def test_own_functions_of_any_type_are_not_calls_and_a_quotation_mark_as_a_character_begins_no_text() -> None:
    source = ("static char *own(int x)\n{\n    return x == '\"' ? first() : second('\\'', \"a()\");\n}\n"
              "static _Noreturn void fail(const char *text,\n                           int x)\n{\n    exit(x);\n}\n"
              "int declared(int x);\nint main(void)\n{\n    fail(own(1), declared(2));\n}\n")
    assert calls(source) == {"first", "second", "exit", "declared"}


def test_no_program_calls_what_another_one_of_the_course_defines_itself() -> None:
    rows = re.findall(r"\* - :?\S*`(\w+)\(", "\n".join(by_call(ROOT / "docs")))
    assert "iscntrl" in rows
    for file in (ROOT / "code").glob("*/*.c"):
        for own in re.findall(r"(?m)^\w[^;=\n]*?(\w+)\([^;]*?\)\n\{$", file.read_text()):
            assert own not in rows, file


def test_the_index_by_symptom_is_the_same_in_another_language(tmp_path: Path) -> None:
    if not shutil.which("localedef"):
        pytest.skip("needs localedef")
    subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", tmp_path / "de_DE.UTF-8"], capture_output=True)

    def printed(value: str) -> str:
        script = f"import locale, os; locale.setlocale(locale.LC_ALL, ''); print({value})"  # as Sphinx does
        return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True,
                              env=os.environ | {"LOCPATH": str(tmp_path), "LC_ALL": "de_DE.UTF-8"}).stdout

    if printed("os.strerror(17)") in ("", "File exists\n"):
        pytest.skip("needs German, of the package locales")
    names = "__import__('docs._ext.indexes', fromlist=['said']).said()"
    assert printed(f"[known.get(text) for known in {names} for text in ('File exists', 'Bus error')]") == (
        "['EEXIST', None, None, 'SIGBUS']\n")


# Words of the glossary that the screenplay uses before in another meaning.
OTHER_MEANINGS = {"name": "of a file, a program, a terminal", "page": "of this site"}


def glossary() -> list[str]:
    """The terms, without the symptoms."""
    text = (ROOT / "docs/reference.rst").read_text()
    return re.findall(r"^   (\w[^\n]*)$", text[text.index("Terms\n"):text.index("Symptoms\n")], re.M)


def prose() -> list[str]:
    """The paragraphs of the screenplay, without titles, stage directions, sessions and listings."""
    text = re.sub(r"(?m)^\.\. .*\n(?:(?: .*)?\n)*", "\n", (ROOT / "docs/screenplay.rst").read_text())
    return [block for block in re.split(r"\n\s*\n", text) if not re.search(r"^(\*|:Minutes)|^[-=.]{3,}$", block, re.M)]


@pytest.mark.parametrize("term", glossary())
def test_a_term_is_linked_where_the_screenplay_first_uses_it(term: str) -> None:
    text = "\n".join(prose())
    links = [match.start() for match in re.finditer(rf":term:`{term}`", text)]
    assert len(links) == 1
    longer = "".join(f"|{other}s?" for other in glossary() if term in other and term != other)
    plain = re.sub(rf"``.*?``|:(?!term)\w+:`.*?`{longer}", lambda other: " " * len(other[0]), text)
    first = re.search(rf"(?i)\b{term}s?\b", plain)
    assert first and (first.start() == links[0] + len(":term:`") or term in OTHER_MEANINGS), (
        text[first.start() - 40:first.start() + 40] if first else None)
