"""The archives of the built site: complete, the same each time, and they build."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from support import ROOT

from docs._ext.archives import archive

CODE = ROOT / "code"
FAMILIES = sorted(path.name for path in CODE.iterdir() if path.is_dir())


def unpack(name: str, folder: Path) -> Path:
    packed = ROOT / "build/html" / f"{name}.tar.gz"
    subprocess.run(["tar", "xzf", str(packed), "-C", str(folder)], check=True)
    return folder / name


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def built(folder: Path) -> set[str]:
    """Run make in there; return what it has made."""
    before = names(folder)
    done = subprocess.run(["make"], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return names(folder) - before


def test_the_course_has_all_programs_and_the_page_as_text(tmp_path: Path) -> None:
    course = unpack("ipc-course", tmp_path)
    files = {str(path.relative_to(CODE)) for path in CODE.glob("*/*.[ch]")}
    assert names(course) == files | {"Makefile", "LICENSE", "screenplay.txt"}
    for name in files:
        assert (course / name).read_bytes() == (CODE / name).read_bytes()
    text = (course / "screenplay.txt").read_text()
    assert "Produce into Shared Memory" in text and "int main(int argc" in text
    assert built(course) == {str(Path(name).with_suffix("")) for name in files if name[-1] == "c"}


def test_the_text_is_what_sphinx_writes_by_itself(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "build/sphinx/doctrees", tmp_path / "trees")  # read for the site, as ours
    subprocess.run([sys.executable, "-m", "sphinx", "-q", "-b", "text", "-c", ".", "-d",
                    tmp_path / "trees", "docs", tmp_path / "text"], cwd=ROOT, check=True)
    text = unpack("ipc-course", tmp_path) / "screenplay.txt"
    assert text.read_text() == (tmp_path / "text/screenplay.txt").read_text()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_chapter_builds_alone(family: str, tmp_path: Path) -> None:
    chapter = unpack(f"ipc-{family}", tmp_path)
    assert built(chapter) == {path.stem for path in (CODE / family).glob("*.c")}


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "1" / "x.tar.gz", tmp_path / "2" / "x.tar.gz"
    for target in (one, two):
        target.parent.mkdir()
        archive(target, {"b": b"2", "a": b"1"})
    assert one.read_bytes() == two.read_bytes()
    with tarfile.open(one) as tar:
        assert tar.getnames() == ["x/a", "x/b"]


def test_the_code_page_links_every_archive() -> None:
    page = (ROOT / "build/html/code/index.html").read_text()
    for name in ("course", *FAMILIES):
        assert f'href="../ipc-{name}.tar.gz"' in page
