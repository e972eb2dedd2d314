"""What a machine lacks is said before anything is done; the doctor tries, and says what to do."""

import re
import shutil
import subprocess
from pathlib import Path

import browser
import pytest
from copies import alone, make, path_without


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
    path = path_without(tmp_path / "bin", "tmux")
    fake = tmp_path / "bin" / "tmux"
    for old in ("3.1c", "2.9a"):
        fake.write_text(f"#!/bin/sh\necho tmux {old}\n")
        fake.chmod(0o755)
        made = make(copy, "perform", PATH=path)
        assert made.returncode == 2
        assert "missing: tmux (3.2 or later)" in made.stdout
    for new in ("3.2", "3.3a", "next-3.5", "4.0"):
        fake.write_text(f"#!/bin/sh\necho tmux {new}\n")
        assert make(copy, "-n", "perform", PATH=path).returncode == 0
        assert make(copy, "-n", "recording", PATH=path).returncode == 0


def test_the_doctor_believes_no_name_and_leaves_nothing_behind(copy: Path, tmp_path: Path) -> None:
    path = path_without(tmp_path / "bin", *browser.NAMES)
    stub = tmp_path / "bin/chromium-browser"
    stub.write_text("#!/bin/sh\necho 'install the snap' >&2\nexit 1\n")
    stub.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    before = sorted(Path("/dev/shm").glob("*ipc-doctor-*"))
    said = make(copy, "doctor", PATH=path, TMPDIR=str(tmp_path / "tmp")).stdout
    assert re.search(r"^  without  chromium: ", said, re.M)
    assert re.search(r"^  ok       shared memory ", said, re.M), said
    assert list((tmp_path / "tmp").iterdir()) == []
    assert sorted(Path("/dev/shm").glob("*ipc-doctor-*")) == before


FORBIDDING = """
mount -t tmpfs tmpfs /dev/shm && mount -o remount,bind,ro /dev/shm && mount -t tmpfs tmpfs /proc || exit 9
exec strace -f -qq -o /dev/null -e trace=mq_open,unshare -e inject=mq_open:error=ENOSYS -e inject=unshare:error=EPERM \
    sh stage/doctor.sh
"""


def test_the_doctor_tries_and_says_what_will_not_work_and_what_to_do(copy: Path) -> None:
    """On a machine that forbids much; a traced process cannot trace."""
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    done = subprocess.run([*alone(), "sh", "-c", FORBIDDING], cwd=copy, capture_output=True, text=True)
    if done.returncode == 9 or not done.stdout:
        pytest.skip(f"nothing can be forbidden here: {done.stderr}")
    for thing, cause, cure in (
        ("shared memory", "Read-only file system", "mount -t tmpfs"),
        ("semaphores", "Read-only file system", "/dev/shm"),
        ("message queues", "Function not implemented", "CONFIG_POSIX_MQUEUE"),
        ("strace", "not permitted", "ptrace_scope"),
        ("which call a child waits in", "no session that says", "ptrace_scope"),
        ("name spaces", "not permitted", "unprivileged_userns"),
    ):
        assert re.search(rf"^  without  {thing}.*: .*{cause}.*: .*{cure}", done.stdout, re.M), done.stdout
