"""The agent of the Linux in the page, not started by a kernel: it serves on its standard input and output."""

import json
import os
import re
import select
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from process import ENVIRONMENT, path
from support import BOUND

from stage.sandbox.processes import system_calls
from stage.sandbox.view import Texts, View, view_from

pytestmark = pytest.mark.usefixtures("programs")

SHELL = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
SETTINGS = {"PATH": "/usr/bin:/bin", "PS1": "", "PROMPT_COMMAND": r'printf "<%s>" $?', "LC_ALL": "C"}


def state(pid: int) -> str:
    """As proc_pid_stat(5) has it; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""


class Agent:
    """An agent, and what it has said; ``printed`` and ``picture`` are as the page would have them."""

    def __init__(self) -> None:
        self.child = subprocess.Popen([path("agent")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT)
        self.come = b""
        self.printed: dict[int, str] = {}
        self.picture: dict[str, Any] = {"proc": {}}
        self.told: dict[str, Any] = {}
        self.kinds = ""
        self.slower: list[int] = []  # than these; each waits, for whoever reads, before something is read

    def send(self, kind: str, terminal: int = 0, payload: bytes | str = b"") -> None:
        data = payload.encode() if isinstance(payload, str) else payload
        assert self.child.stdin
        self.child.stdin.write(kind.encode() + struct.pack("<BH", terminal, len(data)) + data)
        self.child.stdin.flush()

    def next(self) -> tuple[str, int, bytes]:
        """Return the next frame."""
        assert self.child.stdout
        while len(self.come) < 4 or len(self.come) < 4 + (size := struct.unpack("<H", self.come[2:4])[0]):
            assert select.select([self.child.stdout], [], [], BOUND)[0], f"nothing more is said: {self.printed}"[-500:]
            while any(state(pid) == "R" for pid in self.slower):
                pass
            more = os.read(self.child.stdout.fileno(), 1 << (12 if self.slower else 16))
            assert more, "the agent has ended"
            self.come += more
        kind, terminal, data = chr(self.come[0]), self.come[1], self.come[4:4 + size]
        self.come = self.come[4 + size:]
        self.kinds += kind
        if kind == "o":
            self.printed[terminal] = self.printed.get(terminal, "") + data.decode()
        if kind in "ar":
            self.told = json.loads(data)
            before, self.picture = self.picture["proc"], self.told
            self.picture = {**self.told, "proc": {pid: before[pid] if one is True else one
                                                  for pid, one in self.told["proc"].items()}}
        return kind, terminal, data

    def until(self, ready: Callable[[], object]) -> None:
        while not ready():
            self.next()

    def ask(self, what: str = "") -> dict[str, Any]:
        self.send("Q", 0, what)
        while self.next()[0] != "a":
            pass
        return self.told

    def open(self, terminal: int, *, command: list[str] = SHELL, folder: str = "/", rows: int = 24) -> int:
        strings = [str(os.getuid()), "0", str(rows), "80", folder, *command, "",
                   *(f"{name}={value}" for name, value in SETTINGS.items())]
        self.send("O", terminal, b"".join(text.encode() + b"\0" for text in strings))
        while (frame := self.next())[0] != "p":
            pass
        return int(frame[2])

    def run(self, terminal: int, command: str) -> str:
        """Type a command; return what it prints, with the status in angle brackets."""
        self.printed[terminal] = ""
        self.send("I", terminal, f"{command}\n")
        self.until(lambda: re.search(r"<\d+>$", self.printed[terminal]))
        return self.printed[terminal]

    def view(self, terminals: dict[int, str]) -> View:
        """The model that make check has of the machine, from this picture."""
        shm = {name: (one["size"], bytes.fromhex(one["start"])) for name, one in self.picture["shm"].items()}
        proc = {int(pid): one for pid, one in self.picture["proc"].items() if int(pid) not in terminals}
        return view_from(Texts("/dev/shm", shm, self.picture["queues"], terminals, proc), system_calls())


@pytest.fixture
def agent() -> Iterator[Agent]:
    one = Agent()
    yield one
    assert one.child.stdin and one.child.stdout
    one.child.stdin.close()
    try:
        while select.select([one.child.stdout], [], [], BOUND)[0] and os.read(one.child.stdout.fileno(), 1 << 16):
            pass
        assert one.child.wait(BOUND) == 0
    finally:
        one.child.kill()  # it may hear nothing any more
        one.child.stdout.close()


@pytest.fixture
def shell(agent: Agent) -> int:
    """The PID of a shell in terminal 1, at its prompt."""
    pid = agent.open(1)
    agent.until(lambda: agent.printed.get(1) == "<0>")
    return pid


def test_a_terminal_runs_what_is_typed_into_it(agent: Agent, shell: int) -> None:
    assert agent.run(1, "echo $$; false") == f"{shell}\n<1>"


def test_terminals_do_not_see_what_is_typed_into_others(agent: Agent, shell: int) -> None:
    agent.open(2)
    agent.until(lambda: agent.printed.get(2) == "<0>")
    agent.run(1, "here=one")
    assert agent.run(2, "echo -$here-") == "--\n<0>"


def test_a_terminal_is_as_large_as_is_said(agent: Agent, shell: int) -> None:
    assert agent.run(1, "stty size") == "24 80\n<0>"
    agent.send("R", 1, "30 100")
    assert agent.run(1, "stty size") == "30 100\n<0>"


def test_it_starts_in_its_folder(agent: Agent, tmp_path: os.PathLike[str]) -> None:
    agent.open(1, folder=str(tmp_path))
    agent.until(lambda: agent.printed.get(1) == "<0>")
    assert agent.run(1, "pwd") == f"{tmp_path}\n<0>"


@pytest.mark.parametrize(("folder", "command", "why"), [
    ("/nowhere", ["bash"], "agent: cannot start in /nowhere: No such file or directory"),
    ("/", ["nothing"], "agent: cannot run nothing: No such file or directory")])
def test_what_cannot_be_started_says_why(agent: Agent, folder: str, command: list[str], why: str) -> None:
    agent.open(1, folder=folder, command=command)
    agent.until(lambda: agent.kinds.endswith("x"))
    assert agent.printed[1] == f"{why}\n"


def test_frames_may_come_in_pieces(agent: Agent, shell: int) -> None:
    assert agent.child.stdin
    agent.printed[1] = ""
    for byte in b"I\1\7\0echo a\n" + b"I\1\7\0echo b\n":
        agent.child.stdin.write(bytes([byte]))
        agent.child.stdin.flush()
    agent.until(lambda: agent.printed[1] == "a\n<0>b\n<0>")


def test_a_frame_for_a_terminal_that_is_not_there_does_nothing(agent: Agent, shell: int) -> None:
    for kind, terminal in ("I7", "R7", "C7", "O9"):
        agent.send(kind, int(terminal), "x")
    agent.send("C", 200, "")
    assert agent.run(1, "echo still") == "still\n<0>"


def test_who_prints_without_end_does_not_keep_it_from_listening(agent: Agent, shell: int) -> None:
    agent.send("I", 1, "yes\n")
    agent.until(lambda: "y\n" in agent.printed[1])
    agent.slower = [agent.child.pid, *map(int, Path(f"/proc/{shell}/task/{shell}/children").read_text().split())]
    agent.send("I", 1, "\3")
    agent.until(lambda: agent.printed[1].endswith("<130>") or len(agent.printed[1]) > 1 << 20)
    assert agent.printed[1].endswith("<130>"), agent.printed[1][-500:]


def test_who_reads_nothing_does_not_keep_it_from_listening(agent: Agent, shell: int) -> None:
    agent.send("I", 1, "stty raw -echo && echo raw && exec sleep 1000\n")
    agent.until(lambda: "raw\n" in agent.printed[1])
    for _ in range(3):
        agent.send("I", 1, b"x" * 60000)
    assert agent.ask()


def test_it_says_when_the_shell_has_ended(agent: Agent, shell: int) -> None:
    end = os.pidfd_open(shell)
    agent.send("I", 1, "exit\n")
    agent.until(lambda: agent.kinds.endswith("x"))
    assert select.select([end], [], [], BOUND)[0]  # who closes its terminal has still some way to go
    os.close(end)
    assert str(shell) not in agent.ask()["proc"]


def test_a_closed_terminal_leaves_no_process(agent: Agent, shell: int) -> None:
    agent.run(1, "sleep 1000 &")
    agent.send("I", 1, "sleep 1000\n")
    agent.until(lambda: len(agent.picture["proc"]) == 3)
    pids = [int(pid) for pid in agent.picture["proc"]]
    ends = [os.pidfd_open(pid) for pid in pids]
    agent.send("C", 1)
    assert agent.ask()["proc"] == {}
    for end in ends:  # who is killed has still some way to go
        assert select.select([end], [], [], BOUND)[0]
        os.close(end)


def test_it_ends_all_when_nobody_is_there_any_more(agent: Agent, shell: int) -> None:
    end = os.pidfd_open(shell)
    assert agent.child.stdin
    agent.child.stdin.close()
    agent.child.wait(BOUND)
    assert select.select([end], [], [], BOUND)[0]
    os.close(end)


def test_it_tells_by_itself_who_has_gone_to_sleep_on_what(agent: Agent, shell: int, name: str) -> None:
    agent.run(1, f"{path('100-sem-create')} {name} 0")
    agent.send("I", 1, f"{path('110-sem-wait')} {name}\n")
    agent.until(lambda: [one for one in agent.view({shell: "waiter"}).processes if one.call == "futex"
                         and one.program == "110-sem-wait"] if "shm" in agent.picture else [])
    assert agent.kinds.endswith("r")
    view = agent.view({shell: "waiter"})
    [process] = [one for one in view.processes if one.program == "110-sem-wait"]
    assert (process.terminal, process.call, process.on) == ("waiter", "futex", name)
    [semaphore] = [one for one in view.objects if one.name == name]
    assert (semaphore.value, semaphore.users, semaphore.sleepers) == (0, [process.pid], [process.pid])


def test_it_tells_by_itself_that_it_has_woken_up(agent: Agent, shell: int, name: str) -> None:
    agent.run(1, f"{path('100-sem-create')} {name} 0")
    agent.send("I", 1, f"{path('110-sem-wait')} {name}\n")
    agent.until(lambda: "110-sem-wait" in json.dumps(agent.told) and "futex" in json.dumps(
        [one.call for one in agent.view({shell: ""}).processes]))
    agent.printed[1] = ""
    subprocess.run([path("120-sem-post"), name], check=True)
    agent.until(lambda: agent.printed[1] == "<0>" and list(agent.picture["proc"]) == [str(shell)])


def test_what_is_as_before_is_not_told_again_unless_all_is_asked_for(agent: Agent, shell: int) -> None:
    while state(shell) != "S" or agent.ask("all") != agent.ask("all"):
        pass  # the shell gets to where it waits for input
    assert agent.ask()["proc"] == {str(shell): True}
    assert "bash" in agent.ask("all")["proc"][str(shell)]["stat"]


def test_a_queue_is_told_with_what_is_in_it(agent: Agent, shell: int, name: str) -> None:
    agent.run(1, f"{path('010-mq-create')} {name} && {path('020-mq-produce')} {name} 3")
    queues = agent.ask()["queues"]
    if not queues:
        pytest.skip("needs the queues mounted on /dev/mqueue")
    assert queues[name[1:]] == {"messages": 3, "size": 24, "maximum": 10}


def test_what_opens_a_fifo_is_told_with_its_path(agent: Agent, shell: int, tmp_path: os.PathLike[str]) -> None:
    agent.run(1, f"cd {tmp_path}; mkfifo 'a \"fifo\"'")
    agent.send("I", 1, "cat 'a \"fifo\"'\n")
    agent.until(lambda: [one for one in agent.picture["proc"].values() if one.get("path") == 'a "fifo"'])


def test_control_characters_and_quotes_are_json(agent: Agent, shell: int) -> None:
    agent.send("I", 1, "(exec -a $'\\t\"\\\\' sleep 1000)\n")
    agent.until(lambda: [one for one in agent.picture["proc"].values() if one.get("cmdline", "").startswith('\t"\\\0')])


def test_more_objects_than_an_answer_has_room_for_are_left_out(
        agent: Agent, shell: int, new_name: Callable[[], str]) -> None:
    names = [new_name() for _ in range(900)]
    for one in names:
        with open(f"/dev/shm{one}{'x' * 60}", "wb") as file:
            file.write(b"12345678")
    try:
        told = agent.ask("all")
        assert 100 < len(told["shm"]) and str(shell) in told["proc"] and told["queues"] is not None
    finally:
        for one in names:
            os.unlink(f"/dev/shm{one}{'x' * 60}")
