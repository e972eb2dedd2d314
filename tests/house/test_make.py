"""make makes what has changed, all of it, under build/, and nothing by half."""

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from copies import listing, make, outside, path_without, replace
from support import ROOT

pytestmark = pytest.mark.thorough


def test_the_makefile_is_short_and_what_old_makes_know() -> None:
    text = (ROOT / "Makefile").read_text()
    assert len(text.splitlines()) <= 120
    for new in ("!=", "::=", "&:", "$(file", "--output-sync", ".ONESHELL"):
        assert new not in text
    assert ".DELETE_ON_ERROR:" in text


def test_make_help_has_every_target_that_has_a_comment() -> None:
    said = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[0].split()
    for target in set(targets) - {"prune", "FORCE"}:
        assert re.search(rf"^  make {target} +\S", said, re.M), target


def clutter(copy: Path) -> None:
    """What an editor keeps beside a file that is being changed."""
    for file in ("docs/screenplay.rst", "docs/code/index.rst", "code/mmap/010-mmap.c"):
        path = copy / file
        path.with_name(f".#{path.name}").symlink_to("somebody@there.4711:1234567890")  # Emacs, unsaved
        for name in (f"#{path.name}#", f"{path.name}~", f".{path.name}.swp"):
            path.with_name(name).write_bytes(b"\xff not for anybody")
    (copy / "docs/.ipynb_checkpoints").mkdir()
    shutil.copy(copy / "docs/screenplay.rst", copy / "docs/.ipynb_checkpoints/screenplay-checkpoint.rst")


def test_nothing_is_made_outside_of_build_nor_of_what_an_editor_keeps(copy: Path, tmp_path: Path) -> None:
    clutter(copy)
    before = outside(copy)
    made = make(copy, "-j4")
    assert made.returncode == 0, made.stdout
    site = (copy / "build/html/index.html").as_uri()
    assert "%20" in site and made.stdout.endswith(f"\nTo read the course, open {site} or: make serve\n")
    assert "warning" not in made.stdout.lower()
    assert sorted(path.name for path in (copy / "build/mmap").iterdir()) == ["005-read", "010-mmap", "020-mmap-anon"]
    with tarfile.open(copy / "build/html/ipc-course.tar.gz") as archive:
        assert not [name for name in archive.getnames() if not re.fullmatch(r"[\w-]+(/[\w-]+)+(\.[a-z]+)?", name)]
    page = copy / "docs/index.rst"
    page.write_bytes(page.read_bytes() + b"\xff")  # where Sphinx leaves a file, elsewhere
    failed = make(copy, "html", TMPDIR=str(tmp_path))
    assert failed.returncode != 0 and "docs/index.rst" in failed.stdout and "UTF-8" in failed.stdout, failed.stdout
    assert list(tmp_path.iterdir()) == [copy]
    assert outside(copy) == before
    assert make(copy, "clean").returncode == 0
    assert not (copy / "build").exists()
    assert (ROOT / "build/venv/bin/python").exists()


def test_each_broken_rule_is_refused_with_what_to_do(made: Path) -> None:
    """All faults in one build, since each of them is a warning, and one warning is enough."""
    code, page = made / "code", made / "docs/screenplay.rst"
    shutil.copy(code / "shm/020-shm-create.c", code / "shm/025-shm-orphan.c")
    (code / "shm/040-shm-consume.c").unlink()
    (code / "sem/110-sem-wait.c").rename(code / "sem/115-sem-wait.c")
    create = ":download:`code/shm/020-shm-create.c <../code/shm/020-shm-create.c>`"
    produce = ":download:`code/shm/030-shm-produce.c <../code/shm/030-shm-produce.c>`"
    replace(page, create, create.replace("`code/shm/020", "`code/shm/999"))
    replace(page, produce, produce.replace("<../code/shm/030-shm-produce", "<../code/mmap/005-read"))
    replace(page, ".. _mmap-read:", "")
    replace(page, ":alt: One mapping", ":name: One mapping")
    replace(code / "shm/030-shm-produce.c", " * @brief ", " * @nonsense @brief ")
    before = listing(made / "build/html")
    done = make(made, "html")
    assert done.returncode != 0
    for text in (
        "no page shows code/shm/025-shm-orphan.c: remove the file, or show it in docs/screenplay",
        "the page shows code/shm/040-shm-consume.c, which is not there: bring the file back",
        "the page shows code/sem/110-sem-wait.c, which is not there: bring the file back",
        "no page shows code/sem/115-sem-wait.c: remove the file, or show it",
        f"the line under this one must be\n   :caption: {create}\n",
        f"the line under this one must be\n   :caption: {produce}\n",
        "the section that shows code/mmap/005-read.c has no label: put",
        'image figures/mapping.svg has no text: add ":alt:" with what it shows',
        "doxygen: code/shm/030-shm-produce.c:4: warning: Found unknown command",
    ):
        assert f"WARNING: {text}" in done.stdout
    assert listing(made / "build/html") == before


def test_one_warning_is_enough_and_is_not_forgotten(made: Path) -> None:
    with (made / "docs/index.rst").open("a") as file:
        file.write("\n:ref:`nowhere`\n")
    for _ in range(2):
        done = make(made, "html")
        assert done.returncode != 0
        assert done.stdout.count("WARNING") == 1
        assert "nowhere" not in (made / "build/html/index.html").read_text()


def test_what_has_another_name_leaves_nothing_behind(made: Path) -> None:
    assert (made / "build/sem/125-sem-value").exists()
    (made / "code/sem/125-sem-value.c").rename(made / "code/sem/126-sem-value.c")
    replace(made / "docs/screenplay.rst", "125-sem-value.c", "126-sem-value.c")
    (made / "docs/contributing.rst").rename(made / "docs/joining.rst")
    for page in ("index", "screenplay"):
        text = (made / f"docs/{page}.rst").read_text()
        (made / f"docs/{page}.rst").write_text(text.replace("contributing", "joining"))
    first = make(made)
    assert first.returncode == 0, first.stdout
    names = {Path(name).name for name in listing(made / "build")
             if not name.startswith(("venv/", "pycache/"))}
    assert "126-sem-value" in names and "joining.html" in names
    old = [name for name in names if re.search("125-sem|contributing", name)]
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


def test_a_site_that_is_interrupted_leaves_the_one_before_and_what_is_saved_meanwhile_is_read_the_next_time(
        made: Path) -> None:
    with (made / "conf.py").open("a") as file:
        file.write("\nimport os\n"
                   "def setup(app):\n"
                   "    def save(app, document):\n"
                   "        if 'SAVE' in os.environ and app.env.docname == 'screenplay':\n"
                   "            with open('code/shm/030-shm-produce.c', 'a') as file:\n"
                   "                file.write('// saved meanwhile\\n')\n"
                   "    app.connect('doctree-read', save)\n"
                   "    if 'DIE' in os.environ:\n"
                   "        app.connect('html-page-context', lambda *_: os.kill(os.getpid(), 9))\n")
    assert make(made, "html", SAVE="1").returncode == 0
    assert "saved meanwhile" not in (made / "build/html/screenplay.html").read_text()
    before = listing(made / "build/html")
    with (made / "docs/index.rst").open("a") as file:
        file.write("\nOne more line.\n")
    died = make(made, "html", DIE="1")
    assert died.returncode != 0
    assert listing(made / "build/html") == before
    assert make(made, "html").returncode == 0
    assert "One more line." in (made / "build/html/index.html").read_text()
    assert "saved meanwhile" in (made / "build/html/screenplay.html").read_text()


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


def test_programs_need_no_python_and_the_site_no_compiler(copy: Path, tmp_path: Path) -> None:
    path = path_without(tmp_path / "no python", "python3", "doxygen")
    made = make(copy, "programs", PATH=path)
    assert made.returncode == 0, made.stdout
    path = path_without(tmp_path / "no compiler", "cc", "gcc", "clang", "c99")
    made = make(copy, "html", PATH=path)
    assert made.returncode == 0, made.stdout
