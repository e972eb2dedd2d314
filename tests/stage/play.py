"""What the tests of the stage share: pages, plays, and what a play may leave behind."""

import contextlib
import fcntl
import functools
import os
import select
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import support
from support import PROGRAMS, ROOT, STRANGER

from stage.page.reader import parse
from stage.sandbox import namespaces
from stage.sandbox.namespaces import Order

# The same for a play of all pages, whose programs sleep for 17 s themselves.
BOUND = 4 * support.BOUND

Played = subprocess.CompletedProcess[str]

LEVEL, WHY = namespaces.choose()
private_stage = pytest.mark.skipif(LEVEL == "bare", reason=f"needs a private stage: {WHY}")
# Makes a command that of an ordinary user; whoever is one already needs nothing.
ORDINARY = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"] if os.geteuid() == 0 else []
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
levels = pytest.mark.parametrize("level", [
    pytest.param("user", marks=pytest.mark.skipif(LEVEL != "user", reason=WHY)),
    pytest.param("root", marks=as_root),
    "bare",
])


# -------------------------------------------------------------------------- pages


def scene(text: str, *classes: str) -> str:
    """One console block of a page."""
    head = f".. code-block:: console\n   :class: {' '.join(['scene', *classes])}\n\n"
    return head + textwrap.indent(textwrap.dedent(text).strip("\n"), "   ") + "\n"


def page(folder: Path, *scenes: str, name: str = "page.rst") -> Path:
    """A page of these console blocks."""
    path = folder / name
    path.write_text("\n".join(scenes), newline="")
    return path


# ------------------------------------------------------------------------- plays


class Stage:
    """``python3 -m stage`` with these arguments, in a process group of its own.

    PATH ends in a folder that does not exist, the mark by which all processes of
    this play are found again, also those that have left its process tree.
    """

    def __init__(
        self,
        *arguments: object,
        cwd: Path = ROOT,
        prefix: Sequence[str] = (),
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.mark = f"/mark-{uuid.uuid4().hex}"
        given = {"PYTHONPATH": str(ROOT), **os.environ, **(environment or {})}
        given["PATH"] = f"{given.get('PATH', os.defpath)}:{self.mark}"
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        self.process = subprocess.Popen(
            [*prefix, python, "-m", "stage", *map(str, arguments)],
            cwd=cwd,
            env=given,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            **options,
        )

    def finish(self) -> Played:
        """Wait for the end, and see to it that no process of the play is left."""
        try:
            output, errors = self.process.communicate(timeout=BOUND)
        except BaseException:
            self.end()
            raise
        left = self.left()
        self.end() if left else self.close()
        assert left == [], (output, errors)
        return Played(self.process.args, self.process.returncode, output, errors)

    def left(self) -> list[str]:
        """The commands of the play's processes that do not end."""
        found = []
        for pid, command in self._processes():
            with contextlib.suppress(ProcessLookupError):
                exit = os.pidfd_open(pid)
                if not select.select([exit], [], [], support.BOUND)[0]:
                    found.append(command)
                os.close(exit)
        return found

    def end(self) -> None:
        """End all that is left of the play."""
        for pid, _ in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Close the pipes of the play, which has ended."""
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def _processes(self) -> list[tuple[int, str]]:
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if self.mark.encode() in Path("/proc", pid, "environ").read_bytes():
                    words = Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
                    found.append((int(pid), b" ".join(words).decode().strip()))
        return found


def stage(*arguments: object, **options: Any) -> Played:
    """Run ``python3 -m stage`` to its end."""
    return Stage(*arguments, **options).finish()


def _inside(
    command: str,
    page: Path,
    level: str = LEVEL,
    programs: Path = PROGRAMS,
    deadline: float = 10,
    scene: int | None = None,
    keep_going: bool = False,
    prefix: Sequence[str] = (),
    **options: Any,
) -> Played:
    """Play a page as ``stage COMMAND`` does, without the process that waits outside of the name spaces."""
    order = Order(command, str(page), str(programs), level, "asked for", deadline, scene, keep_going)
    return stage(*order.arguments(), prefix=[*prefix, *namespaces.entrance(level)], **options)


rehearse = functools.partial(_inside, "check")
promote = functools.partial(_inside, "promote")


def green(result: Played) -> str:
    """A play in which all cues hold; return the line that it prints."""
    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    assert result.stdout.count("\n") == 1, result.stdout
    return result.stdout


def red(result: Played, *words: str) -> str:
    """A play with a cue that does not hold, for this reason; return the report."""
    assert (result.returncode, result.stderr) == (1, ""), result.stdout + result.stderr
    for word in words:
        assert word in result.stdout
    return result.stdout


# --------------------------------------------------------------- around the plays


@contextlib.contextmanager
def the_machine() -> Iterator[None]:
    """One at a time: plays whose objects have their names on the machine itself."""
    with open(ROOT / "stage" / "__init__.py") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that every user may use."""
    with tempfile.TemporaryDirectory(prefix="stage-test-") as name:
        os.chmod(name, 0o777)
        yield Path(name)


class Signal:
    """A FIFO: what happens on stage is known outside by a line that is written to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "signal"
        os.mkfifo(self.path)
        os.chmod(self.path, 0o666)
        self.fd = os.open(self.path, os.O_RDWR)  # never at its end

    def wait(self) -> str:
        """Wait for what somebody writes."""
        assert select.select([self.fd], [], [], BOUND)[0], "nobody has come so far"
        return os.read(self.fd, 1000).decode().strip()

    def close(self) -> None:
        os.close(self.fd)


def read_terminal(fd: int, stop: Callable[[], bool]) -> str:
    """Read what is printed on a terminal until its processes have closed it."""
    output, deadline = b"", time.monotonic() + BOUND
    while time.monotonic() < deadline:
        if select.select([fd], [], [], 0.05)[0]:
            try:
                output += os.read(fd, 65536)
            except OSError:  # the last of them has gone
                break
        elif stop():
            break
    return output.decode()


def compile_c(source: Path, target: Path, *flags: str) -> None:
    """Compile one program; it must compile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CC", "cc").split()
    made = subprocess.run(
        [*compiler, "-std=c11", "-O2", *flags]
        + ["-o", str(target), str(source), "-pthread", "-lrt"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr


def mounts() -> list[str]:
    """What is mounted where a play mounts something; elsewhere, others may be at it."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    places = ("/mnt", "/dev", "/proc", "/etc/passwd", "/etc/group")
    return [line for line in lines if line.split()[4].startswith(places)]


# ------------------------------------------------------------------ what docutils sees


@dataclass(frozen=True)
class Block:
    """A console block of a page."""

    line: int
    first: str
    last: str
    is_scene: bool


def blocks_of(document: Any) -> list[Block]:
    """The console blocks of a document, in their order."""
    found = []
    for node in document.findall(lambda node: node.tagname == "literal_block"):
        if node.get("language", "").lower() == "console":
            lines = node.astext().strip("\n").split("\n")
            is_scene = "scene" in node["classes"]
            first, last = lines[0].strip(), lines[-1].strip()
            found.append(Block(node.line, first, last, is_scene))
    return found


def scenes_of(text: str) -> list[Block]:
    """The scenes that the stage plays."""
    lines = text.split("\n")
    return [
        Block(
            scene.line,
            lines[scene.cues[0].line - 1].strip(),
            _last_line(lines, scene.line),
            True,
        )
        for scene in parse("page.rst", text).scenes
    ]


def _last_line(lines: list[str], directive: int) -> str:
    """The last line of the block that the directive in this line begins."""
    head = lines[directive - 1]
    depth = len(head) - len(head.lstrip())
    last = directive
    for index in range(directive, len(lines)):
        if lines[index].strip():
            if len(lines[index]) - len(lines[index].lstrip()) <= depth:
                break
            last = index
    return lines[last].strip()


def read_with_docutils(text: str) -> list[Block]:
    """The console blocks that docutils finds in a page."""
    return blocks_of(document_of(text))


def scenes_in_comments(text: str) -> int:
    """How many console blocks are commented out, so that nobody sees nor plays them."""
    comments = document_of(text).findall(lambda node: node.tagname == "comment")
    return sum(comment.astext().count(":: console") for comment in comments)


def document_of(text: str) -> Any:
    """The page as docutils reads it, which need not know all of its directives and roles."""
    from docutils import nodes
    from docutils.core import publish_doctree
    from docutils.parsers.rst import Directive, directives, roles

    class AnyOption(dict[str, Callable[[str], str | None]]):
        def __missing__(self, key: str) -> Callable[[str], str | None]:
            return lambda value: value

        def __bool__(self) -> bool:
            return True

    class Anything(Directive):
        optional_arguments, final_argument_whitespace, has_content = 100, True, True
        option_spec = AnyOption()
        shown_as_it_is = "raw math literalinclude parsed-literal meta image".split()

        def run(self) -> list[nodes.Node]:
            if self.name.lower() in ("code-block", "code", "sourcecode"):
                block = nodes.literal_block("\n".join(self.content))
                block += nodes.Text("\n".join(self.content))
                block["language"] = " ".join(self.arguments)
                block["classes"] = self.options.get("class", "").lower().split()
                block.line = self.lineno
                return [block]
            body = nodes.container()
            if self.name not in self.shown_as_it_is:
                self.state.nested_parse(self.content, self.content_offset, body)
            return [body]

    def any_role(name: str, raw: str, text: str, *_: Any) -> tuple[list, list]:
        return [nodes.literal(raw, text)], []

    known = directives.directive, roles.role
    directives.directive = lambda *_: (Anything, [])
    roles.role = lambda *_: (any_role, [])
    try:
        settings = {"report_level": 5, "halt_level": 5, "file_insertion_enabled": False}
        return publish_doctree(text, settings_overrides=settings)
    finally:
        directives.directive, roles.role = known
