"""make serve at its beginning and its end, on a full disk, and how it notices a save; a server of its own each."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from copies import make, replace
from serving import PROGRAM, SAYS, serving, until
from support import BOUND, ROOT

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "TERM"])
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "building"])
def test_the_end_leaves_no_process(copy: Path, number: int, busy: bool) -> None:
    if not busy:
        (copy / "conf.py").write_text("(\n")  # its first build is over soon
    with serving(copy) as server:
        if busy:
            server.halt_builds()
            until(server.halted, "a compiler that waits")
        else:
            until(lambda: server.state()["error"], "an error")
        server.end(number)


@pytest.mark.parametrize(("given", "address"), [
    ("", r"http://127\.0\.0\.1:\d+/"),
    ("HOST=127.0.0.2", r"http://127\.0\.0\.1:\d+/"),  # shells have such a variable, and mean nothing by it
    ("MAKEFLAGS= -- HOST=127.0.0.2", r"http://127\.0\.0\.2:\d+/"),
    ("MAKEFLAGS= -- HOST=0.0.0.0", r"http://(?!0\.0\.0\.0:)[\d.]+:\d+/"),
], ids=["nothing", "environment", "an address", "all addresses"])
def test_it_serves_this_machine_alone_if_nobody_asks_for_more(copy: Path, given: str, address: str) -> None:
    (copy / "conf.py").write_text("(\n")  # its first build is over soon
    with serving(copy, "env", given or "A=") as server:
        assert re.fullmatch(address, server.address)
        assert server.state()["built"] == "0"  # it answers there
        others = ["127.0.0.1", "127.0.0.2"] if "0.0.0.0" not in given else []
        for other in others:
            here = re.sub("//[^:]+", f"//{other}", server.address)
            if here != server.address:
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection((other, int(here.rstrip("/").rpartition(":")[2])))


def test_an_address_of_another_machine_is_refused_with_what_to_take(copy: Path) -> None:
    done = make(copy, "serve", "port=0", "HOST=192.0.2.1")
    assert done.returncode != 0
    assert "HOST=192.0.2.1: " in done.stdout and "take an address of this machine, or 0.0.0.0" in done.stdout


def in_name_space(script: str) -> list[str]:
    """What runs a command after a script, in a user and a mount name space; skips the test where that cannot be."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f'{script} && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("needs user name spaces in which one may do this")
    return command


def test_a_full_disk_is_said_and_the_next_save_is_built_when_there_is_room(copy: Path) -> None:
    site = copy / "build/serve"
    site.mkdir()
    small = f"mount -t tmpfs -o size=24m tmpfs '{site}' && {{ cat /dev/zero >'{site}/fill' 2>/dev/null || true; }}"
    with serving(copy, *in_name_space(small)) as server:
        until(lambda: server.state()["error"], "an error")
        assert server.state()["error"] == "the disk is full: make room, and save again\n"
        outer = next(number for number, command in server.processes().items() if "docs._serve\0" in command)
        Path(f"/proc/{outer}/root{site}/fill").unlink()
        replace(copy / PROGRAM, SAYS, '"first usage: ')
        until(lambda: server.shows("first usage: "), "the page")
        until(lambda: server.state()["error"] == "", "no error")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A folder like that of the course."""
    for folder in ("code/mq", "docs", "stage"):
        (tmp_path / "course" / folder).mkdir(parents=True)
    (tmp_path / "course/code/mq/one.c").write_text("one\n")
    return tmp_path / "course"


WATCHING = """
import sys
from docs._serve.watch import Watch
watch = Watch()
before = watch.files()
print("inotify" if watch.inotify >= 0 else "none", flush=True)
print(*{path for path, _ in watch.changed(before).items() ^ before.items()}, flush=True)
"""


@contextmanager
def watching(folder: Path, *before: str) -> Iterator[subprocess.Popen[str]]:
    """A process that waits for a change there, and prints what it is."""
    with subprocess.Popen([*before, sys.executable, "-c", WATCHING], cwd=folder, stdout=subprocess.PIPE, text=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT)}) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    until(lambda: "State:\tS" in Path(f"/proc/{process.pid}/status").read_text(), "it sleeps")
    return line


def test_a_save_is_seen_where_the_user_has_no_more_watches_of_inotify(course: Path) -> None:
    with watching(course, *in_name_space("echo 2 > /proc/sys/user/max_inotify_watches")) as process:
        assert first_line(process) == "none\n"
        (course / "code/mq/new.h").write_text("")
        assert process.communicate(timeout=BOUND)[0] == "code/mq/new.h\n"


def test_a_save_that_inotify_does_not_see_is_seen(course: Path, tmp_path: Path) -> None:
    """Through another name of the same file, as through another machine or another mount."""
    os.link(course / "code/mq/one.c", tmp_path / "other")
    with watching(course) as process:
        assert first_line(process) == "inotify\n"
        (tmp_path / "other").write_text("two\n\n")
        assert process.communicate(timeout=BOUND)[0] == "code/mq/one.c\n"


def test_a_save_from_outside_of_a_container_is_seen(course: Path, tmp_path: Path) -> None:
    """The folder is a layer of an overlay, where inotify sees only what comes from above."""
    for folder in ("lower", "work", "merged"):
        (tmp_path / folder).mkdir()
    mount = (f"mount -t overlay -o 'lowerdir={tmp_path}/lower,upperdir={course},workdir={tmp_path}/work'"
             f" overlay '{tmp_path}/merged' && cd '{tmp_path}/merged'")
    with watching(course, *in_name_space(mount)) as process:
        assert first_line(process) == "inotify\n"
        (course / "code/mq/one.c").write_text("two\n\n")
        assert process.communicate(timeout=BOUND)[0] == "code/mq/one.c\n"
