"""make works in odd places and with odd settings, and where it cannot, it says so in a line."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from copies import alone, listing, make, outside
from support import BOUND

pytestmark = pytest.mark.thorough


def git(folder: Path, *arguments: str) -> None:
    """Run git there; skip where there is none."""
    if not shutil.which("git"):
        pytest.skip("needs git")
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)


def refused(folder: Path, mounts: str, *arguments: str) -> list[str]:
    """Return the lines that make says there, where these mounts have been made; it fails."""
    script = f'{mounts} && cd "$PWD" && exec "$@"'
    done = subprocess.run([*alone(), "sh", "-c", script, "sh", "make", *arguments], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 2, done.stdout
    return done.stdout.splitlines()


def test_a_folder_that_was_moved_is_made_anew_where_it_is(made: Path) -> None:
    there = made.rename(made.with_name("moved"))
    done = make(there)
    assert done.returncode == 0, done.stdout
    assert "Building the site" in done.stdout
    old = [name for name in listing(there / "build") if not name.startswith(("venv/", "pycache/"))
           and bytes(made) in (there / "build" / name).read_bytes()]
    assert [name for name in old if not (there / f"code/{name}.c").exists()] == []  # a debugger wants it in a program


def test_the_footer_follows_a_commit_where_git_is_a_file(made: Path) -> None:
    """As in a linked worktree, and in a submodule."""
    git(made, "init", "-q", "--separate-git-dir", "../the repository")
    git(made, "add", ".")
    for _ in range(2):
        git(made, "commit", "-q", "--allow-empty", "-m", "another one")
        done = make(made, "html", GIT_DIR="/nowhere")
        assert done.returncode == 0, done.stdout
        head = subprocess.run(["git", "describe", "--always"], cwd=made, capture_output=True, text=True).stdout.strip()
        assert head in (made / "build/html/index.html").read_text()
    assert "Building" not in make(made, "html").stdout


def test_a_commit_of_digits_alone_is_no_number(made: Path) -> None:
    git(made, "init", "-q")
    git(made, "add", ".")
    git(made, "commit", "-q", "-m", "one")
    git(made, "tag", "--annotate", "-m", "as the checksum of a commit may be, too", "0123456")
    assert make(made, "html").returncode == 0
    assert "<span>Version 0123456</span>" in (made / "build/html/index.html").read_text()


def test_a_checkout_has_no_carriage_returns_whatever_git_is_set_to(copy: Path) -> None:
    git(copy, "init", "-q")
    git(copy, "add", ".")
    git(copy, "commit", "-q", "-m", "all")
    git(copy, "-c", "core.autocrlf=true", "clone", "-q", ".", "../checkout")
    checkout = copy.with_name("checkout")
    assert outside(copy) - outside(checkout) <= {f".git/{name}" for name in listing(copy / ".git")}
    assert not [name for name in outside(checkout) if not name.startswith(".git/")
                and b"\r" in (checkout / name.rstrip("/")).read_bytes()]


@pytest.mark.parametrize("place", [".", "build", "build/html"])
def test_where_nothing_can_be_written_a_line_says_so_before_anything_starts(made: Path, place: str) -> None:
    with (made / "docs/index.rst").open("a") as file:
        file.write("\nOne more line.\n")
    [line] = refused(made, f"mount --bind {place} {place} && mount -o remount,bind,ro {place}", "html")
    assert f"cannot write to {made}/build" in line and "copy the folder to where you can" in line


def test_where_no_program_runs_or_no_socket_fits_a_line_says_so_before_the_show(made: Path, tmp_path: Path) -> None:
    (made / "tmp").mkdir()
    noexec = "mount -t tmpfs -o noexec tmpfs tmp && export TMPDIR=tmp"
    [line] = refused(made, noexec, "perform")
    assert "do not work in tmp" in line
    long = tmp_path / ("long" * 20)
    long.mkdir()
    assert f"do not work in {long}" in make(made, "perform", TMPDIR=str(long)).stdout
    assert make(made, TMPDIR=str(long)).returncode == 0  # that needs neither


def test_a_web_server_can_read_the_site_whatever_the_umask_is(copy: Path) -> None:
    done = make(copy, "html", umask=0o077)
    assert done.returncode == 0, done.stdout
    for path in (copy / "build/html").rglob("*"):
        wanted = 0o055 if path.is_dir() else 0o044
        assert path.stat().st_mode & wanted == wanted, path


# The tools: build/venv.


@pytest.fixture
def tools(copy: Path) -> Path:
    """A copy of the repository that asks for one tool, a small one; it is in the folder "wheels"."""
    (copy / "build/venv").unlink()
    (copy / "build/pycache" / copy.relative_to("/") / "build/venv").unlink()  # of other tools
    wheel = copy / "wheels/tools-1-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("a11y_pygments", "breathe", "pytest", "sphinx"):
            archive.writestr(f"{name}.py", "")
        archive.writestr("tools-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tools\nVersion: 1\n")
        archive.writestr("tools-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tools-1.dist-info/RECORD", "".join(f"{name},,\n" for name in archive.namelist()))
    hashed = sha256(wheel.read_bytes()).hexdigest()
    (copy / "docs/requirements.txt").write_text(f"tools==1 --hash=sha256:{hashed}\n")
    return copy


HERE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "wheels"}
TOOLS = "build/venv/.done"


def installed(folder: Path) -> bool:
    """Whether the tools are there, and run."""
    return subprocess.run(["sh", "docs/build.sh", "venv_works"], cwd=folder).returncode == 0


def test_without_a_network_a_line_says_so_at_once(tools: Path) -> None:
    nobody = socket.create_server(("127.0.0.1", 0))
    port = nobody.getsockname()[1]
    nobody.close()
    shutil.rmtree(tools / "build")
    done = make(tools, TOOLS, PIP_INDEX_URL=f"http://127.0.0.1:{port}/", PIP_RETRIES="3")
    assert done.returncode == 2
    fetching, network, _ = done.stdout.splitlines()
    assert "once" in fetching and "network" in network


def test_a_full_disk_is_not_taken_for_a_missing_network(tools: Path) -> None:
    fetching, full, _ = refused(tools, "mount -t tmpfs -o size=2m tmpfs build", TOOLS)
    assert "once" in fetching and "disk is full" in full


def test_the_tools_are_installed_again_after_an_interrupt(tools: Path) -> None:
    """The second time, where there are neither links nor locks."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(BOUND)
        first = subprocess.Popen(["make", TOOLS], cwd=tools, start_new_session=True, text=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT,
                                 env=os.environ | {"PIP_INDEX_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/"})
        silent.accept()  # pip asks, and waits for the answer
        os.killpg(first.pid, signal.SIGINT)
        said, _ = first.communicate()
    assert first.returncode != 0 and "Traceback" not in said
    assert not (tools / TOOLS).exists()
    done = make(tools, TOOLS, prefix=forbidden("?symlink", "symlinkat", "flock"), **HERE)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("run one make at a time") == 1
    assert not [path for path in (tools / "build/venv").rglob("*") if path.is_symlink()]
    assert installed(tools)


def forbidden(*calls: str) -> list[str]:
    """Return a command that runs another one for which these calls are not implemented; skip without strace."""
    names = ",".join(calls)
    prefix = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", f"trace={names}",
              "-e", f"inject={names}:error=ENOSYS"]
    if not shutil.which("strace") or subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("needs an strace that is allowed to trace")
    return prefix


def test_tools_of_another_python_are_installed_anew_whatever_the_caller_has_set(tools: Path) -> None:
    """As after an upgrade of the system; in the shell of somebody who has made it his own."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tools / "build/venv"], check=True)
    (tools / "build/venv/lib" / f"python3.{sys.version_info[1]}").rename(tools / "build/venv/lib/python3.1")
    shutil.copy(tools / "docs/requirements.txt", tools / TOOLS)
    (tools / "odd").mkdir()
    for name in ("pip", "venv", "sphinx", "argparse"):
        (tools / "odd" / f"{name}.py").write_text("raise SystemExit('another module')\n")
    (tools / "odd/rc").write_text("echo rc; exit 1\n")
    odd = str(tools / "odd")
    done = make(tools, TOOLS, PYTHONPATH=odd, PYTHONHOME=odd, PYTHONSAFEPATH="1", PIP_USER="1", PIP_TARGET=odd,
                PIP_PREFIX=odd, PIP_CONSTRAINT="/nowhere", BASH_ENV=f"{odd}/rc", ENV=f"{odd}/rc", CDPATH="/",
                GIT_DIR=odd, GIT_WORK_TREE=odd, TMUX=odd, GREP_OPTIONS="-v", **HERE)
    assert done.returncode == 0, done.stdout
    assert installed(tools)
    assert sorted(os.listdir(odd)) == ["argparse.py", "pip.py", "rc", "sphinx.py", "venv.py"]
    assert make(tools, TOOLS).stdout == ""


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
