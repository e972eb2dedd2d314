"""The archives of the built site: complete, the same bytes everywhere, and they build."""

import gzip
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from html import unescape
from pathlib import Path

import pytest
from play import Stage, green, private_stage
from support import DOCS, ROOT

from docs._ext.archives import archive

CODE = ROOT / "code"
FAMILIES = sorted(path.name for path in CODE.iterdir() if path.is_dir() and path.name != "solutions")
PAGES = {"turns": "scheduler.rst", "exercises": "exercises.rst", "guest": "machine.rst"}


def unpack(name: str, folder: Path) -> Path:
    packed = ROOT / "build/html" / f"{name}.tar.gz"
    subprocess.run(["tar", "xzf", str(packed), "-C", str(folder)], check=True)
    return folder / name


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def built(folder: Path, *arguments: str) -> set[str]:
    """Run make in there; return what it has made."""
    before = names(folder)
    done = subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return names(folder) - before


def test_the_course_has_all_programs_and_the_page(tmp_path: Path) -> None:
    folder = unpack("ipc-course", tmp_path)
    files = {str(path.relative_to(CODE)) for path in CODE.glob("*/*.[ch]")}
    assert names(folder) == files | {"Makefile", "LICENSE", "screenplay.rst"}
    for name in files:
        assert (folder / name).read_bytes() == (CODE / name).read_bytes()
    assert (folder / "screenplay.rst").read_bytes() == (DOCS / "screenplay.rst").read_bytes()


@pytest.mark.parametrize("compiler", ["gcc", *(pytest.param(name, marks=pytest.mark.thorough)
                                               for name in ("clang", "musl-gcc"))])
def test_the_course_builds_with_the_compilers_and_libraries_that_it_names(compiler: str, tmp_path: Path) -> None:
    folder = unpack("ipc-course", tmp_path)
    assert compiler in (folder / "Makefile").read_text()
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    assert built(folder, f"CC={compiler}") == {str(path.relative_to(CODE).with_suffix(""))
                                               for path in CODE.glob("*/*.c")}


@pytest.mark.thorough
def test_a_changed_header_makes_those_programs_anew_that_include_it(tmp_path: Path) -> None:
    for name in ("ipc-course", "ipc-mq"):
        folder = unpack(name, tmp_path)
        users = {f"mq/{path.stem}" for path in (CODE / "mq").glob("*.c") if '"sample.h"' in path.read_text()}
        assert users
        built(folder)
        (folder / "mq/sample.h").touch()
        again = subprocess.run(["make"], cwd=folder, capture_output=True, text=True, check=True).stdout
        assert set(re.findall(r" -o (\S+)", again)) == users


@pytest.mark.parametrize("family", FAMILIES)
def test_a_chapter_has_what_its_sessions_run_and_its_makefile_finds_it(family: str, tmp_path: Path) -> None:
    page = (DOCS / PAGES.get(family, "screenplay.rst")).read_text()
    chapter = re.split(r"\n\.\. _\w+:\n\n.*\n-{3}", page.partition(f"\n.. _{family}:\n")[2] or page)[0]
    run = {f"{program}.c" for program in re.findall(r"(?<!\.)\./(\w+/[\w-]+)", chapter)}
    assert run or family == "guest"  # what no session runs
    files = run | {str(path.relative_to(CODE)) for path in (CODE / family).glob("*.[ch]")}
    files |= {"mq/sample.h" for file in run if '"sample.h"' in (CODE / file).read_text()}
    folder = unpack(f"ipc-{family}", tmp_path)
    assert names(folder) == files | {"Makefile", "LICENSE"}
    wanted = subprocess.run(["make", "-n"], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r" -o (\S+)", wanted)) == {file[:-2] for file in files if file.endswith(".c")}


@private_stage
@pytest.mark.parametrize("name", ["screenplay", "scheduler"])
def test_downloads_compiled_as_the_page_says_give_what_the_page_shows(name: str, tmp_path: Path) -> None:
    """From the site alone, in an empty folder: each file that a listing offers, and the line below it."""
    page = (ROOT / f"build/html/{name}.html").read_text()
    for place in set(re.findall(r'href="(_downloads/[^"]*\.[ch])"', page)):
        shutil.copy(ROOT / "build/html" / place, tmp_path)
    lines = [unescape(re.sub(r"<[^>]*>", "", line))
             for line in re.findall(r'<p class="compile"><code[^>]*>(.*?)</code>', page, re.S)]
    assert len(lines) == len(re.findall(r"literalinclude:: \S+\.c$", (DOCS / f"{name}.rst").read_text(), re.M))
    for line in lines:
        subprocess.run(["sh", "-e", "-c", line], cwd=tmp_path, check=True)
    green(Stage("check", DOCS / f"{name}.rst", "--programs", tmp_path).finish())


def test_the_same_files_give_the_same_bytes_with_every_python_and_zlib(tmp_path: Path) -> None:
    """Nothing in there is compressed, so that nothing depends on how."""
    target = tmp_path / "x.tar.gz"
    archive(target, {"b": b"2" * 100_000, "a": b"1"})
    packed = target.read_bytes()
    with gzip.open(target) as unpacked:
        assert len(packed) > len(unpacked.read()) > 100_000
    with tarfile.open(target) as tar:
        assert [(one.name, one.size, one.mode, one.mtime) for one in tar] == [
            ("x/a", 1, 0o644, 0), ("x/b", 100_000, 0o644, 0)]
    assert hashlib.sha256(packed).hexdigest() == "b8bf4122abdab3ab546ebf09a871745e46a49cb47324f8b45a8c2eb44470fc44"


def test_neither_rights_nor_times_nor_umask_change_an_archive(tmp_path: Path) -> None:
    digests = []
    for mode, umask in ((0o644, 0o022), (0o600, 0o077)):
        top = tmp_path / f"{mode}"
        shutil.copytree(CODE, top / "code", copy_function=shutil.copyfile)
        (top / "docs").mkdir()
        for file in (ROOT / "LICENSE", DOCS / "screenplay.rst"):
            shutil.copyfile(file, top / file.relative_to(ROOT))
        for file in filter(Path.is_file, top.rglob("*")):
            file.chmod(mode)
        (top / "made").mkdir()
        packing = f"import os, pathlib; from docs._ext.archives import course; os.umask({umask}); " \
                  f"course(pathlib.Path('{top}'), pathlib.Path('{top}/made'))"
        subprocess.run([sys.executable, "-c", packing], cwd=ROOT, check=True)
        digests.append({file.name: file.read_bytes() for file in (top / "made").iterdir()})
    assert digests[0] == digests[1] and len(digests[0]) == len(FAMILIES) + 1


def test_the_code_page_links_every_archive_and_the_front_page_that_of_the_course() -> None:
    page = (ROOT / "build/html/code/index.html").read_text()
    for name in ("course", *FAMILIES):
        assert f'href="../ipc-{name}.tar.gz"' in page
    assert 'href="ipc-course.tar.gz"' in (ROOT / "build/html/index.html").read_text()
