"""The repository keeps its own rules, and says what to do when one is broken."""

import ast
import importlib.util
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import CONTRIBUTING, DOCS, ROOT, TOOLS, version

PAGES = sorted(DOCS.rglob("*.rst"))
FILES = sorted(path for path in (ROOT / "code").rglob("*") if path.is_file())
C_FILES = [path for path in FILES if path.suffix in (".c", ".h")]

# What the text that the course was made from says, in its order: titles with
# their underline, bullets with their star, and its other sentences.
SEED = [
    ":description: This live-hacking screenplay is a guide for myself to repeatably, didactically, "
    "demonstrate how POSIX IPC (semaphores, shared memory, message queues) work on Linux",
    ":keywords: linux, systemnah, schulung, training, programming, ipc, shared memory, semaphore, "
    "message queue",
    "Screenplay: Sysprog: POSIX IPC =",
    ".. sidebar:: Contents",
    ".. contents::",
    ":local:",
    "**Code**: :doc:`code/index`",
    "Virtual Memory, ``mmap()`` -",
    "* First, read ``/etc/passwd`` using regular file IO",
    "* Discuss copy from/to kernel space",
    "* Basic ``mmap()`` demo: read ``/etc/passwd`` by creating a *mapping* and only using memory "
    "access.",
    "* Give explanation of mappings",
    "* Discuss copy -> whiteboard sketch",
    "* Show ``/proc/<pid>/maps``",
    "* ``strace`` to see how address space is prepared",
    "* File mappings vs. anonymous",
    "POSIX Shared Memory -",
    "Show how *POSIX Shared Memory* is nothing but ``mmap()`` with predefined filenames. "
    "Here we show three programs,",
    "* One creates a shared memory segment",
    "* One writes into that memory; *produces*",
    "* One reads from it; *consumes*",
    ".. note::",
    "Producer and consumer do *not* use any locking. If multiple producers are run, then this will "
    "lead to lost increments. (This is what semaphores are there for.)",
    "Create Shared Memory Segment .",
    "* Using ``shm_open()`` with ``O_CREAT``",
    "* Ends up as a file in ``/dev/shm/`` (a ``tmpfs`` instance)",
    "* Zero size after create.",
    "* Use ``ftruncate()`` to resize as appropriate",
    "Produce into Shared Memory .",
    "* Using ``MAP_SHARED`` (as opposed to ``MAP_PRIVATE`` which makes write operations "
    "*copy-on-write*)",
    "* Opens ``O_RDWR``: incrementing a counter requires reading it first.",
    "Consume from Shared Memory .",
    "POSIX Semaphores -",
    "Analogous to the shared memory demo above, this is a scenario where two parties use ``post`` "
    "and ``wait()`` on a semaphore.",
    "Create Semaphore .",
    "We create a semaphore with initial value 7 (7 ``wait`` operations without blocking).",
    "Wait .",
    "Post .",
    "POSIX Message Queues -",
    "Another three program scenario",
    "* Create",
    "* Produce",
    "* Consume",
    "Create .",
    "* Gotcha: names have to start with '/'",
    "* Think about messages. Common sense is to communicate flat C structs.",
    "* Measurement sample: (channel, timestamp, value). Think about sizes and datatypes. "
    "Alignment :-)",
    "* Create the queue",
    "* Mount the mqueue-fs, and look into it,",
    "# mkdir mqueue-mount",
    "# mount -t mqueue blah mqueue-mount",
    "Produce .",
    "Produce a number of items, and see what mqueue-fs says.",
    "Consume .",
    "Show how a read blocks when queue is empty.",
]


def listings() -> Iterator[tuple[Path, Path, dict[str, str]]]:
    """Page, file and options of every literalinclude."""
    for page in PAGES:
        for match in re.finditer(
            r"^ *\.\. literalinclude:: (\S+)\n((?:   +\S.*\n)*)", page.read_text(), re.M
        ):
            options = dict(re.findall(r"^ +:([\w-]+): *(.*)$", match[2], re.M))
            yield page, (page.parent / match[1]).resolve(), options


def test_each_file_of_code_is_shown_exactly_once() -> None:
    assert sorted(file for _, file, _ in listings()) == FILES


def test_each_listing_is_whole_and_has_its_download_as_caption() -> None:
    for page, file, options in listings():
        name = file.relative_to(ROOT)
        up = "../" * len(page.relative_to(ROOT).parent.parts)
        link = f":download:`{name} <{up}{name}>`"
        if '#include "sample.h"' in file.read_text():
            link += f" (with :download:`sample.h <{up}code/mq/sample.h>`)"
        assert options.pop("caption", None) == link, f"{page}: caption of {name}"
        assert options == {"language": "c"}, f"{page}: only the whole of {name} is shown"


@pytest.mark.parametrize("file", C_FILES, ids=lambda file: file.name)
def test_each_c_file_has_its_header_and_keeps_to_the_measure(file: Path) -> None:
    lines = file.read_text(encoding="ascii").split("\n")
    assert lines[0] == "// SPDX-License-Identifier: MIT"
    assert lines[1:3] == ["/**", " * @file"]
    assert re.fullmatch(r" \* @brief [A-Z].*\.", lines[3])
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "" and not any(line != line.rstrip() for line in lines)


def test_the_c_files_are_laid_out_by_clang_format() -> None:
    answer = version("clang-format")
    if not answer:
        pytest.skip("needs clang-format")
    done = subprocess.run(["clang-format", "--dry-run", "--Werror", *C_FILES], capture_output=True, text=True, cwd=ROOT)
    newer = int(re.search(r"(\d+)\.", answer)[1]) > 21
    if done.returncode and newer:
        pytest.skip(f"{answer.strip()} lays out differently; 14, 18, 19 and 21 agree")
    assert done.returncode == 0, f"run make format\n{done.stderr}"


def test_the_lesson_is_most_of_a_program() -> None:
    sizes = {file: len(file.read_text().splitlines()) for file in C_FILES if file.suffix == ".c"}
    limits = {"130-sem-produce.c": 80} | dict.fromkeys(TOOLS, sys.maxsize)
    assert {file.name: size for file, size in sizes.items() if size > limits.get(file.name, 60)} == {}
    screenplay = [file for page, file, _ in listings() if page.name == "screenplay.rst"]
    assert statistics.median(size for file, size in sizes.items() if file in screenplay) <= 35


def test_no_comment_is_in_two_programs() -> None:
    """What is said once is said where it is first needed; a licence or a mark of turns is no comment."""
    starts = {file.name: file.read_text() for file in C_FILES if file.parent.name == "exercises"}
    comments = [(comment, file.name) for file in C_FILES
                for comment in re.findall(r"// (?!SPDX|TURN$)(.*)", file.read_text(), re.M)
                if file.parent.name != "solutions" or comment not in starts[file.name]]
    twice = [comment for comment, count in Counter(text for text, _ in comments).items() if count > 1]
    assert twice == []


def test_the_python_is_clean_under_ruff() -> None:
    ruff = subprocess.run([ROOT / "build/venv/bin/ruff", "check", "--no-cache", "--output-format=concise", "."],
                          capture_output=True, text=True, cwd=ROOT)
    assert ruff.returncode == 0, ruff.stdout + ruff.stderr


def modules() -> Iterator[tuple[Path, str, ast.Module]]:
    """File, name and syntax of each of our modules."""
    for folder in ("stage", "docs"):
        for file in (ROOT / folder).rglob("*.py"):
            name = file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            yield file, name, ast.parse(file.read_text())


def imported(name: str, tree: ast.Module) -> Iterator[str]:
    """The full names of what a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield importlib.util.resolve_name("." * node.level + (node.module or ""), name.rpartition(".")[0])


def room(module: str) -> str:
    """stage.check.player is of stage/check."""
    return "/".join(module.split(".")[:2])


def test_the_rooms_of_the_house_import_what_the_page_says() -> None:
    rows = re.findall(r"^   \* - ``((?:stage|docs)/\w+)``\n     - .*\n(?:       .*\n)*     - (.*)$",
                      CONTRIBUTING.read_text(), re.M)
    arrows: dict[str, set[str]] = {here: set() for here, _ in rows}
    for _, name, tree in modules():
        if room(name) in arrows:
            arrows[room(name)] |= {room(there) for there in imported(name, tree)} & arrows.keys() - {room(name)}
    assert {here: set(re.findall(r"``(.*?)``", there)) for here, there in rows} == arrows
    assert arrows.keys() == {room(name) for _, name, _ in modules() if name.count(".") > 1}


def test_the_stage_needs_the_standard_library_alone() -> None:
    for file, name, tree in modules():
        if name.startswith("stage."):
            strangers = {there.split(".")[0] for there in imported(name, tree)} - sys.stdlib_module_names
            assert strangers <= {"stage"}, file


@pytest.mark.parametrize(
    ("folder", "lines"), [("stage", 260), ("docs/_ext", 260), ("docs/_serve", 260), ("tests", 500)])
def test_no_file_is_longer_than_one_can_hold_in_the_head(folder: str, lines: int) -> None:
    assert not [f"{file}: {length}" for suffix in ("py", "sh", "js") for file in (ROOT / folder).rglob(f"*.{suffix}")
                if (length := len(file.read_text().splitlines())) > lines]


def test_no_class_is_longer_than_one_can_hold_in_the_head() -> None:
    assert not [f"{file}: {node.name}" for file, _, tree in modules() for node in ast.walk(tree)
                if isinstance(node, ast.ClassDef) and node.end_lineno - node.lineno >= 170]


def test_the_seed_is_all_there_in_its_order() -> None:
    # One line: the underline of a title shrinks to one character.
    page = re.sub(r"^(.+)\n(=|-|\.)\2{2,}$", r"\1 \2",
                  (DOCS / "screenplay.rst").read_text(), flags=re.M)
    text = re.sub(r"\s+", " ", page)
    place = 0
    for words in SEED:
        found = text.find(f" {words} ", max(place - 1, 0))
        assert found >= 0, f"missing, or not in its place: {words}"
        place = found + len(words) + 1


