"""Copies of the repository, to make and to break something in."""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support import ROOT


def copied(folder: Path) -> Path:
    """The repository in this folder, without what was made; the tools are shared, and what Python has compiled."""
    shutil.copytree(ROOT, folder, symlinks=True, ignore=shutil.ignore_patterns(
        "build", ".git", "__pycache__", ".*_cache", "soak-*"))
    (folder / "build").mkdir()
    venv = ROOT / "build/venv"
    if not (venv / ".done").exists():
        pytest.skip("build/venv is not there: run make")
    (folder / "build/venv").symlink_to(venv)
    library = Path(sysconfig.get_path("stdlib"))
    for path, same in ((library, library), (folder / "build/venv", venv)):
        cache = folder / "build/pycache" / path.relative_to("/")
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.symlink_to(ROOT / "build/pycache" / same.relative_to("/"))
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the repository, in a folder with a blank."""
    return copied(tmp_path / "a copy")


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, made, under another name: Sphinx begins anew where the path is another one than it was."""
    folder = copied(tmp_path_factory.mktemp("made") / "a copy")
    done = make(folder)
    assert done.returncode == 0, done.stdout
    return folder.rename(folder.with_name("as it was"))


@pytest.fixture
def made(_template: Path) -> Iterator[Path]:
    """A copy with all that make makes, each time in the same folder."""
    folder = _template.with_name("a copy")
    subprocess.run(["cp", "-a", "--reflink=auto", _template, folder], check=True)
    yield folder
    for path in folder.parent.iterdir():
        if path != _template:
            shutil.rmtree(path)


def make(folder: Path, *arguments: str, prefix: Sequence[str] = (), umask: int = -1,
         **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make there, apart from the make that runs the tests; errors are part of the output."""
    inherited = {name: value for name, value in os.environ.items()
                 if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES",
                                 "PYTHONPYCACHEPREFIX", "CFLAGS", "PROGRAMS", "SPHINXOPTS")}
    return subprocess.run([*prefix, "make", *arguments], cwd=folder, env=inherited | environment, text=True,
                          umask=umask, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def listing(folder: Path) -> dict[str, int]:
    """All files, with the time of the last change."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns
            for path in folder.rglob("*") if path.is_file()}


def outside(folder: Path) -> set[str]:
    return {f"{top.name}/{name}" for top in folder.iterdir() if top.name != "build"
            for name in ([""] if top.is_file() else listing(top))}


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def alone() -> list[str]:
    """Return a command that runs another one with mounts of its own; skip where that is not allowed."""
    for prefix in (["unshare", "-U", "-r", "-m"], ["unshare", "-m"]):
        if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
            return prefix
    pytest.skip("neither user name spaces nor root's are allowed here")


def path_without(folder: Path, *missing: str) -> str:
    """A PATH with all commands of this machine but these."""
    folder.mkdir()
    for name in ("/usr/bin", "/bin"):
        for command in Path(name).iterdir():
            if command.name not in missing and not (folder / command.name).is_symlink():
                (folder / command.name).symlink_to(command)
    return str(folder)
