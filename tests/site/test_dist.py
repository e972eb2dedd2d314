"""What is published: all of the site, readable by everybody, and always the same bytes."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from copies import make
from support import ROOT

pytestmark = pytest.mark.thorough


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


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_version_that_the_changes_do_not_know_is_not_published(made: Path) -> None:
    def git(*command: str) -> None:
        subprocess.run(["git", "-C", made, "-c", "user.name=A", "-c", "user.email=a@example.org", *command], check=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "all")
    git("tag", "-a", "-m", "one", "v99")
    refused = make(made, "dist")
    assert refused.returncode != 0 and "changes.rst has nothing on v99: give what is new" in refused.stdout
    assert not (made / "build/dist").exists()
    changes = made / "docs/changes.rst"
    changes.write_text(changes.read_text().replace("Next Version\n------------\n", "v99\n---\n"))
    git("commit", "-q", "-a", "-m", "v99")
    git("tag", "-f", "-a", "-m", "one", "v99")
    done = make(made, "dist")
    assert done.returncode == 0, done.stdout
    assert "Version v99</span>" in (made / "build/dist/ipc-course-site/index.html").read_text()


def test_each_page_leads_to_what_has_changed() -> None:
    for page in (ROOT / "build/html").glob("*.html"):
        assert '<a href="changes.html">Changes</a>' in page.read_text() or page.name == "changes.html", page
