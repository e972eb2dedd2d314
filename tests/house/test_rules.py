"""The repository keeps its own rules, and says what to do when one is broken."""

import os
import re
import shutil
import statistics
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from copies import listing, make, outside, path_without, replace
from support import DOCS, ROOT, version

PAGES = sorted(DOCS.rglob("*.rst"))
FILES = sorted(path for path in (ROOT / "code").rglob("*") if path.is_file())
C_FILES = [path for path in FILES if path.suffix in (".c", ".h")]

# Blocks of the language console that are typed, not played.
NOT_PLAYED = {
    "cc -o 030-shm-produce 030-shm-produce.c -pthread -lrt":
        "the options for an old C library; the stage has a new one",
    "make doctor":
        "before class: what follows takes minutes and plays the pages itself; targets are tested",
    "make perform":
        "plays the pages itself; test_performing.py looks for its targets, titles and pages",
}

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
            r"^\.\. literalinclude:: (\S+)\n((?:   +\S.*\n)*)", page.read_text(), re.M
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
    sizes = {file.name: len(file.read_text().splitlines()) for file in C_FILES if file.suffix == ".c"}
    longest = {name: size for name, size in sizes.items() if size > (80 if name == "130-sem-produce.c" else 60)}
    assert longest == {}
    assert statistics.median(sizes.values()) <= 35


def test_no_comment_is_in_two_programs() -> None:
    """What is said once is said where it is first needed; an include or a licence is no comment."""
    comments = [(comment, file.name) for file in C_FILES
                for comment in re.findall(r"// (?!SPDX)(.*)", file.read_text())]
    twice = [comment for comment, count in Counter(text for text, _ in comments).items() if count > 1]
    assert twice == []


def test_the_python_is_clean_under_ruff() -> None:
    ruff = subprocess.run([ROOT / "build/venv/bin/ruff", "check", "--no-cache", "--output-format=concise", "."],
                          capture_output=True, text=True, cwd=ROOT)
    assert ruff.returncode == 0, ruff.stdout + ruff.stderr


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


def test_console_blocks_are_scenes_or_have_a_reason() -> None:
    typed = []
    for page in PAGES:
        for match in re.finditer(
            r"^( *)\.\. code-block:: console\n((?: +:.*\n)*)\n+ *(.*)", page.read_text(), re.M
        ):
            if not re.search(r":class: scene\b", match[2]):
                typed.append(match[3].removeprefix("$ "))
    assert typed == list(NOT_PLAYED)


def test_the_makefile_is_one_screen_of_what_old_makes_know() -> None:
    text = (ROOT / "Makefile").read_text()
    assert len(text.splitlines()) <= 100
    for new in ("!=", "::=", "&:", "$(file", "--output-sync", ".ONESHELL"):
        assert new not in text
    assert ".DELETE_ON_ERROR:" in text


def test_make_help_has_every_target_that_has_a_comment() -> None:
    said = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[0].split()
    for target in set(targets) - {"prune", "FORCE"}:
        assert re.search(rf"^  make {target} +\S", said, re.M), target


def readme_commands() -> list[str]:
    return re.findall(r"^ *[$#] (.*)$", (ROOT / "README.rst").read_text(), re.M)


def test_the_readme_is_one_screen_with_two_commands() -> None:
    assert len((ROOT / "README.rst").read_text().splitlines()) <= 60
    first, second = readme_commands()
    assert first.endswith("&& make")
    assert second.endswith("&& make check")


def test_nothing_is_made_outside_of_build(copy: Path, tmp_path: Path) -> None:
    before = outside(copy)
    made = make(copy, "-j4")
    assert made.returncode == 0, made.stdout
    assert made.stdout.endswith(f"{copy}/build/html/index.html\n")
    assert "warning" not in made.stdout
    page = copy / "docs/index.rst"
    page.write_bytes(page.read_bytes() + b"\xff")  # where Sphinx leaves a file, elsewhere
    failed = make(copy, "html", TMPDIR=str(tmp_path))
    assert failed.returncode != 0 and "docs/index.rst" in failed.stdout and "UTF-8" in failed.stdout, failed.stdout
    assert list(tmp_path.iterdir()) == [copy]
    assert outside(copy) == before
    assert make(copy, "clean").returncode == 0
    assert not (copy / "build").exists()
    assert (ROOT / "build/venv/bin/python").exists()


def test_what_an_editor_keeps_beside_a_file_is_no_part_of_the_course(copy: Path) -> None:
    for file in ("docs/screenplay.rst", "docs/code/index.rst", "code/mmap/010-mmap.c"):
        path = copy / file
        path.with_name(f".#{path.name}").symlink_to("somebody@there.4711:1234567890")  # Emacs, unsaved
        for name in (f"#{path.name}#", f"{path.name}~", f".{path.name}.swp"):
            path.with_name(name).write_bytes(b"\xff not for anybody")
    made = make(copy, "-j4")
    assert made.returncode == 0, made.stdout
    assert "arning" not in made.stdout
    assert sorted(path.name for path in (copy / "build/mmap").iterdir()) == ["005-read", "010-mmap", "020-mmap-anon"]
    with tarfile.open(copy / "build/html/ipc-course.tar.gz") as archive:
        assert not [name for name in archive.getnames() if not re.fullmatch(r"[\w-]+(/[\w-]+)+(\.[a-z]+)?", name)]


def test_each_broken_rule_is_refused_with_what_to_do(copy: Path) -> None:
    """All faults in one build, since each of them is a warning, and one warning is enough."""
    code, page = copy / "code", copy / "docs/screenplay.rst"
    shutil.copy(code / "shm/020-shm-create.c", code / "shm/025-shm-orphan.c")
    (code / "shm/040-shm-consume.c").unlink()
    (code / "sem/110-sem-wait.c").rename(code / "sem/115-sem-wait.c")
    create = ":download:`code/shm/020-shm-create.c <../code/shm/020-shm-create.c>`"
    produce = ":download:`code/shm/030-shm-produce.c <../code/shm/030-shm-produce.c>`"
    replace(page, create, create.replace("`code/shm/020", "`code/shm/999"))
    replace(page, produce, produce.replace("<../code/shm/030-shm-produce", "<../code/mmap/005-read"))
    replace(page, ".. _mmap:", "")
    replace(page, ":alt: One mapping", ":name: One mapping")
    for _ in range(2):  # the second time, too
        made = make(copy, "html")
        assert made.returncode != 0
        for text in (
            "no page shows code/shm/025-shm-orphan.c: remove the file, or show it in docs/screenplay",
            "the page shows code/shm/040-shm-consume.c, which is not there: bring the file back",
            "the page shows code/sem/110-sem-wait.c, which is not there: bring the file back",
            "no page shows code/sem/115-sem-wait.c: remove the file, or show it",
            f"the line under this one must be\n   :caption: {create}\n",
            f"the line under this one must be\n   :caption: {produce}\n",
            "the section that shows code/mmap/005-read.c has no label: put",
            'image figures/mapping.svg has no text: add ":alt:" with what it shows',
        ):
            assert f"WARNING: {text}" in made.stdout
        assert not (copy / "build/html").exists()


def test_one_warning_is_enough_and_is_not_forgotten(copy: Path) -> None:
    assert make(copy, "html").returncode == 0
    with (copy / "docs/index.rst").open("a") as file:
        file.write("\n:ref:`nowhere`\n")
    for _ in range(2):
        made = make(copy, "html")
        assert made.returncode != 0
        assert made.stdout.count("WARNING") == 1
        assert "nowhere" not in (copy / "build/html/index.html").read_text()


def test_a_complaint_of_doxygen_is_a_warning(copy: Path) -> None:
    made = make(copy, "html")
    assert made.returncode == 0 and "WARNING" not in made.stdout
    replace(copy / "code/shm/030-shm-produce.c", " * @brief ", " * @nonsense @brief ")
    made = make(copy, "html")
    assert made.returncode != 0
    assert "WARNING: doxygen: code/shm/030-shm-produce.c:4: warning: Found unknown command" in made.stdout


def test_what_has_another_name_leaves_nothing_behind(copy: Path) -> None:
    assert make(copy, "programs").returncode == 0
    assert (copy / "build/sem/125-sem-value").exists()
    (copy / "code/sem/125-sem-value.c").rename(copy / "code/sem/126-sem-value.c")
    replace(copy / "docs/screenplay.rst", "125-sem-value.c", "126-sem-value.c")
    (copy / "docs/contributing.rst").rename(copy / "docs/joining.rst")
    for page in ("index", "screenplay"):
        text = (copy / f"docs/{page}.rst").read_text()
        (copy / f"docs/{page}.rst").write_text(text.replace("contributing", "joining"))
    first = make(copy)
    assert first.returncode == 0, first.stdout
    replace(copy / "docs/screenplay.rst", "126-sem-value.c", "127-sem-value.c")
    (copy / "code/sem/126-sem-value.c").rename(copy / "code/sem/127-sem-value.c")
    second = make(copy)
    assert second.returncode == 0, second.stdout
    names = {Path(name).name for name in listing(copy / "build")
             if not name.startswith(("venv/", "pycache/"))}
    assert "127-sem-value" in names and "joining.html" in names
    old = [name for name in names if re.search("12[56]-sem-value|12[56]-sem|contributing", name)]
    assert old == []


def test_two_makes_at_once_both_succeed(copy: Path) -> None:
    command = ["make", "-j3"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    both = [subprocess.Popen(command, cwd=copy, env=environment, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    for running in both:
        output, _ = running.communicate()
        assert running.returncode == 0, output
    assert make(copy).stdout.count("\n") == 1


def test_a_compiler_that_dies_leaves_no_program(copy: Path) -> None:
    compiler = copy / "cc-that-dies"
    compiler.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\n'
                        'printf half >"$2"\nkill -9 $$\n')
    compiler.chmod(0o755)
    made = make(copy, "programs", "CC=./cc-that-dies")
    assert made.returncode != 0
    assert not (copy / "build/mmap/005-read").exists()
    assert make(copy, "build/mmap/005-read").returncode == 0
    assert subprocess.run([copy / "build/mmap/005-read", "/dev/null"]).returncode == 0


def test_a_site_that_is_interrupted_leaves_the_one_before(copy: Path) -> None:
    with (copy / "conf.py").open("a") as file:
        file.write("\nimport os\n"
                   "def setup(app):\n"
                   "    if 'DIE' in os.environ:\n"
                   "        app.connect('html-page-context', lambda *_: os.kill(os.getpid(), 9))\n")
    assert make(copy, "html").returncode == 0
    before = listing(copy / "build/html")
    with (copy / "docs/index.rst").open("a") as file:
        file.write("\nOne more line.\n")
    died = make(copy, "html", DIE="1")
    assert died.returncode != 0
    assert listing(copy / "build/html") == before
    assert make(copy, "html").returncode == 0
    assert "One more line." in (copy / "build/html/index.html").read_text()


def test_what_is_saved_while_sphinx_reads_is_read_the_next_time(copy: Path) -> None:
    with (copy / "conf.py").open("a") as file:
        file.write("\nimport os\n"
                   "def setup(app):\n"
                   "    def save(app, document):\n"
                   "        if 'SAVE' in os.environ and app.env.docname == 'screenplay':\n"
                   "            with open('code/shm/030-shm-produce.c', 'a') as file:\n"
                   "                file.write('// saved meanwhile\\n')\n"
                   "    app.connect('doctree-read', save)\n")
    assert make(copy, "html", SAVE="1").returncode == 0
    assert "saved meanwhile" not in (copy / "build/html/screenplay.html").read_text()
    assert make(copy, "html").returncode == 0
    assert "saved meanwhile" in (copy / "build/html/screenplay.html").read_text()


def test_other_options_make_the_programs_anew(copy: Path) -> None:
    program = "build/mmap/005-read"
    assert make(copy, program).returncode == 0
    first = (copy / program).read_bytes()
    assert make(copy, program).stdout == ""
    assert make(copy, program, "CFLAGS=-O0").returncode == 0
    assert (copy / program).read_bytes() != first


def test_a_colon_in_the_path_is_refused_with_a_reason(copy: Path) -> None:
    there = copy.rename(copy.with_name("a:b"))
    made = make(there)
    assert made.returncode != 0
    assert 'whose path has a ":" in it: move or rename' in made.stdout


def test_a_missing_tool_is_named_before_anything_is_done(copy: Path, tmp_path: Path) -> None:
    path = path_without(tmp_path / "bin", "doxygen", "cc", "python3")
    shutil.rmtree(copy / "build")
    made = make(copy, PATH=path)
    assert made.returncode == 2
    assert "missing: a C compiler (cc), doxygen, python3 (3.11 or later, with venv)" in made.stdout
    assert not (copy / "build").exists()
    for goal, tool in (("html", "doxygen"), ("programs", "C compiler")):
        made = make(copy, goal, PATH=path)
        assert made.returncode == 2 and tool in made.stdout
    assert make(copy, "help", PATH=path).returncode == 0
    assert make(copy, "clean", PATH=path).returncode == 0
    doctor = make(copy, "doctor", PATH=path)
    assert doctor.returncode != 0
    assert len(re.findall(r"^  MISSING ", doctor.stdout, re.M)) == 3


def test_performing_needs_a_tmux_that_is_not_too_old(copy: Path, tmp_path: Path) -> None:
    path = path_without(tmp_path / "bin", "tmux", "asciinema")
    fake = tmp_path / "bin" / "tmux"
    for old in ("3.1c", "2.9a"):
        fake.write_text(f"#!/bin/sh\necho tmux {old}\n")
        fake.chmod(0o755)
        made = make(copy, "perform", PATH=path)
        assert made.returncode == 2
        assert "missing: tmux (3.2 or later)" in made.stdout
    for new in ("3.2", "3.3a", "next-3.5", "4.0"):
        fake.write_text(f"#!/bin/sh\necho tmux {new}\n")
        assert "  ok       tmux (3.2 or later)" in make(copy, "doctor", PATH=path).stdout
    made = make(copy, "recording", PATH=path)
    assert made.returncode == 2 and "missing: asciinema" in made.stdout


def test_programs_need_no_python_and_the_site_no_compiler(copy: Path, tmp_path: Path) -> None:
    path = path_without(tmp_path / "no python", "python3", "doxygen")
    made = make(copy, "programs", PATH=path)
    assert made.returncode == 0, made.stdout
    path = path_without(tmp_path / "no compiler", "cc", "gcc", "clang", "c99")
    made = make(copy, "html", PATH=path)
    assert made.returncode == 0, made.stdout


def test_a_virtual_environment_that_was_not_finished_is_made_again(copy: Path) -> None:
    (copy / "build/venv").unlink()
    (copy / "build/venv").mkdir()
    python = copy / "python-that-dies"
    python.write_text('#!/bin/sh\n[ "$1" = -c ] || { mkdir -p build/venv/bin; exit 1; }\n')
    python.chmod(0o755)
    made = make(copy, "html", "PYTHON=./python-that-dies")
    assert made.returncode != 0
    assert not (copy / "build/venv/.done").exists()
    python.write_text('#!/bin/sh\n[ "$1" = -c ] || echo made anew; exit 1\n')
    made = make(copy, "html", "PYTHON=./python-that-dies")
    assert "missing: ./python-that-dies (3.11 or later, with venv)" in made.stdout


def test_ci_runs_the_commands_of_the_readme_and_nothing_else(copy: Path, tmp_path: Path) -> None:
    fakes = Path(path_without(tmp_path / "bin", "apt-get", "make", "sudo"))
    for name in ("apt-get", "make", "sudo"):
        fake = fakes / name
        fake.write_text(f'#!/bin/sh\necho "{name} $*" >>log\n')
        if name == "sudo":
            fake.write_text(fake.read_text() + 'exec "$@"\n')
        fake.chmod(0o755)
    done = subprocess.run(["bash", ".ci/run"], cwd=copy, env=os.environ | {"PATH": str(fakes)},
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wanted = [part.strip() for line in readme_commands() for part in re.split(r"&&|\(|\)|\|\| true", line)
              if part.strip()]
    if os.geteuid() == 0:
        wanted = [part.removeprefix("sudo ") for part in wanted]
    ran = [line.strip() for line in (copy / "log").read_text().splitlines()]
    if os.geteuid() != 0:
        ran = [line for line in ran if not line.startswith("apt-get")]
    assert ran == wanted
