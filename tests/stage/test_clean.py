"""``make clean-ipc``: the objects of the course go, and nothing else.

All in name spaces of its own, so that nobody's objects are touched.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from play import page, scene, stage
from support import PROGRAMS, ROOT

PREFIXES = ["unshare", "-U", "-r", "-m", "-i"], ["unshare", "-m", "-i"]
PREFIX = next((words for words in PREFIXES if not subprocess.run([*words, "true"], capture_output=True).returncode), [])
pytestmark = pytest.mark.skipif(not PREFIX, reason="neither user name spaces nor root's are allowed here")

MAKE = "shm/020-shm-create; sem/100-sem-create; sem/100-sem-create /ipc-guard 1; mq/010-mq-create"
OBJECTS = ["/dev/shm/ipc-counter", "/dev/shm/sem.ipc-guard", "/dev/shm/sem.ipc-seven", "message queue /ipc-samples"]
NO_MORE_THAN_ITS_OWNER = "setpriv --bounding-set=-dac_override,-dac_read_search,-fowner"


def clean(before: str, after: str = "", by: str = "") -> tuple[int, list[str], list[str]]:
    """Run ``stage clean`` between two scripts; return its status, and the lines of both outputs."""
    script = f"""
        set -e
        mount -t tmpfs tmpfs /dev/shm
        cd "$1"
        {{ {before}; }} >/dev/null
        status=0
        (cd "$2" && exec {by} "$3" -m stage clean docs/*.rst) || status=$?
        {after}
        exit $status
    """
    arguments = [str(PROGRAMS), str(ROOT), sys.executable]
    done = subprocess.run([*PREFIX, "sh", "-c", script, "sh", *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def test_what_a_program_makes_whose_page_does_not_name_it_is_found_too(tmp_path: Path) -> None:
    """By the name that stands in the program's source: that of another run on this machine is not touched."""
    path = page(tmp_path, scene("$ ./shm/020-shm-create\n...\n"))
    script = 'mount -t tmpfs tmpfs /dev/shm; touch /dev/shm/ipc-others; "$@"; ls /dev/shm'
    done = stage("check", path, "--level", "bare", "--programs", PROGRAMS, prefix=[*PREFIX, "sh", "-c", script, "sh"])
    assert "left behind: /dev/shm/ipc-counter: the page must remove" in done.stdout, done
    assert done.stdout.splitlines()[-1] == "ipc-others"


@pytest.fixture
def queues(tmp_path: Path) -> Path:
    """An empty folder, to mount the queues."""
    folder = tmp_path / "queues"
    folder.mkdir()
    return folder


def test_the_objects_of_the_course_go_and_no_others(queues: Path) -> None:
    others = "shm/020-shm-create /ipc-elsewhere; sem/100-sem-create /seven; mq/010-mq-create /ipc-others"
    look = f"ls /dev/shm; mount -t mqueue mqueue '{queues}'; ls '{queues}'"
    assert clean(f"{MAKE}; {others}", look) == (
        0, [*(f"removed {name}" for name in OBJECTS), "ipc-elsewhere", "sem.seven", "ipc-others"], [])


def test_where_nothing_is_left_nothing_is_said() -> None:
    assert clean(":") == (0, [], [])


def test_without_dev_shm_the_queues_go(tmp_path: Path) -> None:
    assert clean(f"mq/010-mq-create; mount --bind '{tmp_path}' /dev") == (0, [f"removed {OBJECTS[-1]}"], [])


def test_what_cannot_be_removed_is_said_and_the_rest_goes() -> None:
    status, said, complaints = clean(f"{MAKE}; mount -o remount,bind,ro /dev/shm")
    assert (status, said) == (1, [f"removed {OBJECTS[-1]}"])
    assert complaints == [f"stage: cannot remove {name}: Read-only file system" for name in OBJECTS[:-1]]


def test_a_queue_that_may_not_be_read_goes_too() -> None:
    assert clean("umask 777; mq/010-mq-create", by=NO_MORE_THAN_ITS_OWNER) == (0, [f"removed {OBJECTS[-1]}"], [])


def test_a_right_that_is_missing_is_never_passed_over(queues: Path) -> None:
    close = f"chmod 555 /dev/shm; mount -t mqueue mqueue '{queues}'; chmod 555 '{queues}'"
    assert clean(f"{MAKE}; {close}", by=NO_MORE_THAN_ITS_OWNER) == (
        1, [], [f"stage: cannot remove {name}: Permission denied: ask its owner, or root" for name in OBJECTS])
