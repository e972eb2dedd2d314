"""What is published: all of the site, readable by everybody, and always the same bytes."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from copies import make, replace
from support import ROOT

pytestmark = pytest.mark.thorough

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


def modes(folder: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in [folder, *folder.rglob("*")]}


def test_the_folder_and_its_archive_have_the_whole_site_whatever_the_umask(made: Path, tmp_path: Path) -> None:
    (made / "build/recording.cast").write_text('{"version": 2, "width": 80, "height": 24}\n[0.5, "o", "x"]\n')
    for file in (made / "build/html").rglob("*.html"):
        file.chmod(0o600)
    done = make(made, "dist", umask=0o077)
    assert done.returncode == 0, done.stdout
    folder = made / "build/dist/ipc-course-site"
    assert f"{folder}/" in done.stdout
    site = {str(file.relative_to(made / "build/html")) for file in (made / "build/html").rglob("*") if file.is_file()}
    assert {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} == (
        site - {".done", ".buildinfo"} | {".nojekyll"})
    assert (folder / "_static/recording.cast").is_file()
    subprocess.run(["tar", "xzpf", f"{folder}.tar.gz", "-C", tmp_path], check=True, umask=0o077)
    unpacked = tmp_path / folder.name
    assert modes(folder) == modes(unpacked) == {(True, 0o755), (False, 0o644)}
    subprocess.run(["diff", "-r", folder, unpacked], check=True)


def test_the_same_course_gives_the_same_bytes(made: Path) -> None:
    """Whenever it is made, and whatever the umask."""
    archive = made / "build/dist/ipc-course-site.tar.gz"
    first = b""
    for umask in (0o022, 0o077):
        done = make(made, "dist", umask=umask)
        assert done.returncode == 0, done.stdout
        assert first in (b"", archive.read_bytes())
        first = archive.read_bytes()
        shutil.rmtree(archive.parent)
        for page in (made / "build/html").rglob("*.html"):
            page.touch()
    assert first


def git(folder: Path, *command: str) -> None:
    subprocess.run(["git", "-C", folder, "-c", "user.name=A", "-c", "user.email=a@example.org", *command], check=True)


@needs_git
def test_a_version_that_the_changes_do_not_know_is_not_published(made: Path) -> None:
    git(made, "init", "-q")
    git(made, "add", ".")
    git(made, "commit", "-q", "-m", "all")
    git(made, "tag", "-a", "-m", "one", "v99")
    refused = make(made, "dist")
    assert refused.returncode != 0 and "changes.rst has nothing on v99: give what is new" in refused.stdout
    assert not (made / "build/dist").exists()
    changes = made / "docs/changes.rst"
    changes.write_text(changes.read_text().replace("Next Version\n------------\n", "v99\n---\n"))
    git(made, "commit", "-q", "-a", "-m", "v99")
    git(made, "tag", "-f", "-a", "-m", "one", "v99")
    done = make(made, "dist")
    assert done.returncode == 0, done.stdout
    assert "Version v99</span>" in (made / "build/dist/ipc-course-site/index.html").read_text()


@needs_git
def test_a_tag_on_what_is_built_already_is_the_version_that_is_published(made: Path) -> None:
    replace(made / "docs/changes.rst", "Next Version\n------------\n", "v99\n---\n")
    git(made, "init", "-q")
    git(made, "add", ".")
    git(made, "commit", "-q", "-m", "v99")
    for version in (r"\w{7,}", "v99"):  # the commit, and the tag
        done = make(made, "dist")
        assert done.returncode == 0, done.stdout
        published = made / "build/dist/ipc-course-site"
        assert re.search(f"Version {version}</span>", (published / "index.html").read_text())
        assert [file.name for file in published.rglob(".*")] == [".nojekyll"]
        git(made, "tag", "-f", "-a", "-m", "one", "v99")


def test_each_page_leads_to_what_has_changed() -> None:
    for page in (ROOT / "build/html").glob("*.html"):
        assert '<a href="changes.html">Changes</a>' in page.read_text() or page.name == "changes.html", page
