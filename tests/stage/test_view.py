"""What the kernel sees: from texts of /proc, and of real processes."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from play import BOUND
from support import PROGRAMS, ROOT

from stage.sandbox.processes import system_calls
from stage.sandbox.view import Process, Texts, View, Viewer, view_from

CASES = json.loads((ROOT / "tests/cases/view.json").read_text())


def _files(recorded: dict[str, Any]) -> dict[str, Any]:
    return {name: "\n".join(text) if isinstance(text, list) else text for name, text in recorded.items()}


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_view_is_made_from_texts(case: dict[str, Any]) -> None:
    texts = Texts(
        case["folder"],
        {name: (file["size"], bytes.fromhex(file["start"])) for name, file in case["shm"].items()},
        case["queues"],
        {int(shell): name for shell, name in case["terminals"].items()},
        {int(pid): _files(files) for pid, files in case["proc"].items()},
    )
    view = view_from(texts, {int(number): call for number, call in case["calls"].items()})
    assert view.to_json() == case["view"]


class Stage:
    """A shell with programs of the course, and a look at them."""

    def __init__(self, script: str, arguments: list[str], objects: list[str]) -> None:
        self.objects = objects
        self.viewer = Viewer(system_calls(os.environ.get("CC", "cc")))
        self.shell = subprocess.Popen(["sh", "-c", script, "sh", *arguments], cwd=PROGRAMS, start_new_session=True,
                                      stdout=subprocess.PIPE, text=True)

    def wait(self, ready: Callable[[View], bool]) -> View:
        """Look until it is so."""
        deadline = time.monotonic() + BOUND
        while not ready(view := self.viewer.look(self.objects, {self.shell.pid: "here"})):
            assert time.monotonic() < deadline, view
        return view

    def end(self) -> None:
        os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.communicate()


@pytest.fixture
def play(name: str, guard: str, new_name: Callable[[], str]) -> Iterator[tuple[Stage, list[str]]]:
    """A producer, somebody who waits for a semaphore, and a reader of an empty queue."""
    queue = new_name()
    made = Stage(
        'exec >/dev/null; shm/020-shm-create "$1"; sem/100-sem-create "$2" 0; mq/010-mq-create "$3"; '
        'shm/030-shm-produce "$1" & sem/110-sem-wait "$2" & mq/030-mq-consume "$3" & wait',
        [name, guard, queue], [f"/dev/shm{name}", f"/dev/shm/sem.{guard[1:]}", f"message queue {queue}"])
    yield made, [name, guard, queue]
    made.end()


def _named(view: View, program: str) -> Process | None:
    return next((process for process in view.processes if process.program == program), None)


def _blocked(view: View) -> bool:
    waiter, reader = _named(view, "110-sem-wait"), _named(view, "030-mq-consume")
    producer = _named(view, "030-shm-produce")
    return bool(waiter and waiter.state == "blocked" and waiter.on and reader and reader.state == "blocked"
                and producer and producer.call == "clock_nanosleep")


def test_who_sleeps_on_what_is_seen(play: tuple[Stage, list[str]]) -> None:
    stage, (name, guard, queue) = play
    view = stage.wait(_blocked)
    waiter, reader = _named(view, "110-sem-wait"), _named(view, "030-mq-consume")
    producer = _named(view, "030-shm-produce")
    assert [(one.terminal, one.state, one.call, one.on) for one in (producer, waiter, reader)] == [
        ("here", "running", "clock_nanosleep", None), ("here", "blocked", "futex", guard),
        ("here", "blocked", "mq_timedreceive", queue)]
    assert view.to_json()["objects"] == [
        {"kind": "mq", "name": queue, "unlinked": False, "size": 24, "messages": 0, "maximum": 10,
         "users": [reader.pid], "sleepers": [reader.pid]},
        {"kind": "sem", "name": guard, "unlinked": False, "value": 0, "users": [waiter.pid], "sleepers": [waiter.pid]},
        {"kind": "shm", "name": name, "unlinked": False, "size": 8, "users": [producer.pid], "sleepers": []}]


def test_what_is_unlinked_is_there_as_long_as_somebody_uses_it(play: tuple[Stage, list[str]]) -> None:
    stage, (name, guard, queue) = play
    stage.wait(_blocked)
    for program, object_ in (("shm/099-shm-unlink", name), ("sem/199-sem-unlink", guard), ("mq/099-mq-unlink", queue)):
        subprocess.run([PROGRAMS / program, object_], check=True)
    view = stage.wait(lambda view: all(found.unlinked for found in view.objects))
    assert [(found.name, len(found.users)) for found in view.objects] == [(queue, 1), (guard, 1), (name, 1)]
    os.kill(_named(view, "110-sem-wait").pid, signal.SIGKILL)
    stage.wait(lambda view: [found.name for found in view.objects] == [queue, name])


def test_a_sleep_is_as_old_as_when_it_was_first_seen(play: tuple[Stage, list[str]]) -> None:
    stage, _ = play
    stage.wait(_blocked)

    def since(view: View, program: str) -> float:
        found = _named(view, program)
        return found.since if found and found.since is not None else -1.0

    view = stage.wait(lambda view: since(view, "110-sem-wait") > 0 and since(view, "030-shm-produce") > 0)
    slept, produced = since(view, "110-sem-wait"), since(view, "030-shm-produce")
    view = stage.wait(lambda view: 0 <= since(view, "030-shm-produce") < produced)  # its next sleep
    assert since(view, "110-sem-wait") >= slept


def test_what_is_no_object_is_not_looked_into(name: str) -> None:
    """To open a FIFO without a writer would block."""
    os.mkfifo(f"/dev/shm{name}")
    assert Viewer({}).look([f"/dev/shm{name}", f"/dev/shm{name}-gone", "message queue /gone"], {}) == View([], [])
