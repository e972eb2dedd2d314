"""What the caller has set does not get into a test, nor a test into what the caller has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT, SETTINGS, clean_environment


def sh(command: str, folder: Path, **environment: str) -> str:
    """Return what a command of the shell prints, as whoever starts it would see it."""
    return subprocess.run(["bash", "-c", command], cwd=folder, env={**os.environ, **environment},
                          capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a commit and with work that is not committed."""
    if not shutil.which("git"):
        pytest.skip("needs git")
    folder = tmp_path / "repository"
    folder.mkdir()
    sh("git init -q && echo 1 >work && git add work && echo 2 >work && "
       "git -c user.name=A -c user.email=a@example.org commit -qm one", folder)
    return folder


def test_what_a_test_starts_sees_only_what_is_meant(repository: Path) -> None:
    assert dict(os.environ) == clean_environment(PYTEST_CURRENT_TEST=os.environ["PYTEST_CURRENT_TEST"])
    assert sh("echo a | grep --color=auto a; ls", repository) == "a\nwork\n"
    assert sh("git rev-parse --show-toplevel", repository) == f"{repository}\n"
    assert sh(f"{sys.executable} -c 'import sys; print(sys.flags.safe_path)'", repository) == "False\n"


def test_nothing_of_the_callers_changes_a_run_of_the_tests(repository: Path) -> None:
    """As from a hook of git, in a tmux, with a shell that has been made one's own."""
    (repository / "rc").write_text("alias ls=false; cd /; echo rc\n")
    (repository / "support.py").write_text("raise SystemExit('another module')\n")
    sh("git add .", repository)
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    callers = {
        "GIT_DIR": f"{repository}/.git", "GIT_WORK_TREE": str(repository), "GIT_INDEX_FILE": f"{repository}/.git/index",
        "BASH_ENV": f"{repository}/rc", "ENV": f"{repository}/rc", "CDPATH": "/", "INPUTRC": f"{repository}/rc",
        "GREP_OPTIONS": "-v", "GREP_COLORS": "mt=1", "GREP_COLOR": "1", "LS_COLORS": "di=1", "TMUX": "/nowhere,1,0",
        "MAKEFLAGS": "n", "PYTHONPATH": str(repository), "PYTHONSAFEPATH": "1",
        "PIP_USER": "1", "LD_DEBUG": "unused", "PYTEST_ADDOPTS": "-n 1",
    }
    assert all(map(SETTINGS.fullmatch, callers))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-k", "only_what_is_meant", __file__],
        cwd=ROOT, env=os.environ | callers, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout
    assert {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()} == before
