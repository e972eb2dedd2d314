"""A performance as its instructor meets it: in a terminal, by keys, on a screen.

The terminal is a pane of an outer tmux; keys are pressed there, and what is seen is read there.
"""

import collections
import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from play import BOUND, LEVEL, private_stage, scene
from support import PROGRAMS, ROOT

from stage.page.prose import plain
from stage.page.reader import read
from stage.perform.plan import Plan

needs_tmux = pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")
performed = [needs_tmux, private_stage]


def titled(title: str, text: str, *blocks: str) -> str:
    """A section of a page."""
    return "\n".join([title, "-" * len(title), "", ":Minutes: 5", "", ".. class:: direction\n", text, "", *blocks])


PLAY = [
    titled(
        "Say It",
        "* Say *hello*, see :manpage:`echo(1)`",
        scene("$ echo hello\nhello\n$ echo again\nagain\n", "fresh"),
    ),
    titled(
        "Wake It",
        "* Who wakes it?",
        scene("$ mkfifo pipe\n(reader) $ cat pipe\n[blocked in openat]\n"),
        scene("(writer) $ echo 42 > pipe\n(reader)\n42\n$ rm pipe\n"),
    ),
    titled(
        "Count It",
        "* It counts",
        scene(
            """
            (counter) $ sh -c 'while :; do echo $((i += 1)); sleep 0.1; done'
            1
            [running]
            $ echo meanwhile
            meanwhile
            (counter)
            ...
            3
            ^C
            [130]
            """
        ),
        scene("$ echo bye\nbye\n"),
    ),
]


class Show:
    """``python3 -m stage perform`` with these arguments.

    Args:
        page: What is played.
        size: Columns and rows of the instructor's terminal.
        environment: In addition, for the performer.
        level: Name the isolation, which need not be looked for then.
        before: What the command begins with.
    """

    def __init__(
        self,
        page: Path,
        *arguments: object,
        size: tuple[int, int] = (100, 40),
        environment: dict[str, str] | None = None,
        level: bool = True,
        before: str = "",
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="show-"))
        self.socket = self.folder / "outer"
        columns, rows = map(str, size)
        given = ["--programs", str(PROGRAMS), *(["--level", LEVEL] if level else [])]
        call = ["-m", "stage", "perform", str(page), *given, *map(str, arguments)]
        script = f'{before} {shlex.quote(sys.executable)} "$@"; echo "[exit $?]"; exec sleep 1000'
        self.environment = {
            **{key: value for key, value in os.environ.items() if key != "TMUX"},
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.folder),
            "LC_ALL": "C.UTF-8",
            **(environment or {}),
        }
        self.tmux("new-session", "-d", "-x", columns, "-y", rows, "sh", "-c", script, "sh", *call)

    def tmux(self, *command: str, socket: Path | None = None) -> str:
        """Run a command of tmux, of the outer one if no other is named."""
        words = ["tmux", "-u", "-S", str(socket or self.socket), "-f", "/dev/null", *command]
        done = subprocess.run(
            words, env=self.environment, capture_output=True, text=True, cwd=ROOT, check=False
        )
        return done.stdout

    def inner(self, *command: str) -> str:
        """Run a command of the performance's own tmux."""
        sockets = list(self.folder.glob("ipc-stage-*/tmux"))
        return self.tmux(*command, socket=sockets[0]) if sockets else ""

    def press(self, *keys: str) -> None:
        """Press keys on the instructor's keyboard."""
        self.tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type letters there."""
        # (At the end of a word, tmux takes a semicolon for the end of a command.)
        self.tmux("send-keys", "-l", re.sub(";$", r"\\;", text))

    def screen(self) -> str:
        """What the instructor sees."""
        return self.tmux("capture-pane", "-p")

    def notes(self) -> str:
        """What the notes say."""
        return self.inner("capture-pane", "-p", "-t", "notes:")

    def panes(self) -> dict[str, str]:
        """Name and content of the panes on stage."""
        form = "#{pane_id} #{@name}"
        found = self.inner("list-panes", "-t", "stage:", "-F", form).splitlines()
        named = [line.partition(" ")[::2] for line in found]
        content = {
            name: self.inner("capture-pane", "-p", "-t", pane).rstrip("\n") for pane, name in named
        }
        return collections.defaultdict(str, content)

    def wait(self, ready: Callable[[], object], bound: float = BOUND) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + bound
        while not ready():
            assert time.monotonic() < deadline, self.screen() + self.notes()
            time.sleep(0.02)

    def noted(self, *words: str) -> None:
        """Wait until the notes say this."""
        self.wait(lambda: all(word in " ".join(self.notes().split()) for word in words))

    def shown(self, pane: str, *lines: str) -> None:
        """Wait until a pane ends in these lines."""
        text = "\n".join(lines)
        self.wait(lambda: self.panes().get(pane, "").endswith(text))

    def performers(self) -> list[int]:
        """The processes that perform: the outer one, the inner one; then others' that have not become a program yet."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if (
                    b"perform" in words
                    and words[0].endswith(os.path.basename(sys.executable).encode())
                    and str(self.folder).encode() in (folder / "environ").read_bytes()
                ):
                    found.append((b"--inside" in words, int(folder.name)))
        outer, inner = (sorted(pid for side, pid in found if side == inside) for inside in (False, True))
        return [*outer[:1], *inner[:1], *outer[1:], *inner[1:]]

    def left(self) -> list[str]:
        """The commands of its processes, the outer tmux' not counted."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if str(self.folder).encode() in (folder / "environ").read_bytes():
                    found.append(b" ".join(words).decode())
        mine = str(self.socket)
        return [text for text in found if mine not in text and "sleep 1000" not in text]

    def ended(self) -> str:
        """Wait for its end; return what is then on the terminal."""
        self.wait(lambda: re.search(r"\[exit \d+\]", self.screen()))
        return self.screen()

    def quit(self) -> str:
        """Quit by the keys, and see to it that nothing is left."""
        self.press("F10")
        self.press("F10")
        screen = self.ended()
        self.wait(lambda: not self.left())
        assert [path.name for path in self.folder.iterdir()] == ["outer"]
        return screen

    def close(self) -> None:
        """End all of it."""
        for pid in self.performers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.tmux("kill-server")
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def show(page: Path, *arguments: object, **options: object) -> Iterator[Show]:
    """A performance that has begun."""
    made = Show(page, *arguments, **options)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close()


def fast(on: Show, *words: str) -> None:
    """Go on until each of these cues has held."""
    if "[fast]" not in on.notes():
        on.press("F9")
        on.noted("[fast]")
    for word in words:
        on.press("PageDown")
        on.noted(word)


def jump(on: Show, asked: str, enter: str = "Enter") -> None:
    """Press F7, type, and press Enter, a key at a time."""
    on.press("F7")
    for number, letter in enumerate(asked):
        on.noted(f"Enter): {asked[:number]}_")
        on.type(letter)
    on.noted(f": {asked}_")
    on.press(enter)


def focus_notes(on: Show) -> None:
    """Give the notes beside the stage the focus."""
    def focus() -> str:
        return on.inner("display", "-p", "-t", "stage:", "#{pane_id} #{@name}").strip()

    on.wait(lambda: "notes" in on.panes())
    while not focus().endswith(" notes"):
        before = focus()
        on.press("F4")
        on.wait(lambda: focus() != before)


def by_hand(on: Show, path: Path, number: int, pause: float) -> list[str]:
    """Play a scene as an instructor does, two keys a step, with a pause before each; return the crosses."""
    page = read(str(path))
    plan, scene = Plan(page), page.scenes[number - 1]
    crosses = []
    for at in (start for start in plan.starts if start in plan.of(scene)):
        on.noted(place(plan, at))
        if plan.cue(at).kind == "run":
            time.sleep(pause)
            on.press("PageDown")
            on.noted("[Enter]")
        time.sleep(pause)
        on.press("PageDown")
        on.noted(place(plan, plan.step(at).stop))
        crosses += re.findall("✗.*", on.notes())
    return crosses


def place(plan: Plan, at: int) -> str:
    """What the notes begin with before the cue of this index."""
    if at == len(plan):
        return "THE END"
    scene, (step, steps) = plan.near(at)[0], plan.numbered(at)
    return f"{scene.number}/{len(plan.page.scenes)} {plain(scene.section)} {step}/{steps} "
