"""Rehearse small pages, without the course's programs: what fails, and how that is reported."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import play as helpers
import pytest
from play import Played, Stage, green, page, private_stage, red, rehearse, scene, stage
from support import CONTRIBUTING, ROOT

from stage.page.model import ScriptError
from stage.page.reader import parse

# --------------------------------------------------------------------- what does not

# Where a program is to block in reading, it is sed(1): cat(1) of uutils splices.
PIPE = "$ rm -f pipe; mkfifo pipe\n(reader) $ cat pipe\n[blocked in openat]\n"
SLEEPS = "sh -c 'echo $$; exec sed n'"

# kind: {name: (lines of a scene, line of the report within them, terminal, words of the reason)}
FAILS: dict[str, dict[str, tuple[str, int, str, str]]] = {
    "what is printed": {
        "another word": ("$ echo hello\nhullo\n", 1, "main", '"hello" instead of "hullo"'),
        "a line too many": ("$ echo hello\n", 1, "main", 'line too many: "hello"'),
        "a line missing": ("$ true\nhello\n", 1, "main", 'line missing: "hello"'),
        "another status": ("$ false\n[2]\n", 1, "main", "exit status 1, documented 2"),
        "a status that is not written": ("$ false\n", 1, "main", "exit status 1"),
        "a status that is only written": ("$ true\n[1]\n", 1, "main", "exit status 0"),
        "an unknown command": ("$ nowhere\n", 1, "main", "command not found"),
        "an ellipsis that hides nothing": ("$ echo a\na\n...\n", 1, "main", "hides nothing"),
        "blanks at the end": ("$ echo 'a '\na\n", 1, "main", "blanks at the end"),
        "a number that is no PID": ("$ echo 12\n13\n", 1, "main", "number 12"),
        "one PID for two": (
            f"(x) $ {SLEEPS}\n77777\n[blocked in read]\n(y) $ {SLEEPS}\n77777\n[blocked in read]\n"
            "(x)\n^D\n(y)\n^D\n",
            4,
            "y",
            "PID 77777 was ",
        ),
        "two PIDs for one": (
            "(x) $ sh -c 'echo $$; echo $$; exec sed n'\n66666\n88888\n[blocked in read]\n(x)\n^D\n",
            1,
            "x",
            "two values of the page, 66666 and 88888, are one PID",
        ),
        "output in the wrong terminal": (
            "(x) $ echo a\n(y) $ true\na\n",
            1,
            "x",
            'line too many: "a"',
        ),
        "output that differs while it goes on": (
            "(x) $ sh -c 'while echo tick; do sleep 0.1; done'\ntack\n[running]\n(x)\n^C\n[130]\n",
            1,
            "x",
            '"tick" instead of "tack"',
        ),
        "an unfinished quotation": ("$ echo 'hello\n", 1, "main", "the command is not complete"),
        "an unfinished loop of two lines": (
            "$ for x in 1 2\n> do echo $x\n",
            1,
            "main",
            "the command is not complete",
        ),
        "the shell itself ends": ("$ exit 3\n", 1, "main", "the shell itself has ended"),
        "a job left in the background": (
            "$ rm -f pipe; mkfifo pipe\n$ cat pipe &\n[1] 4243\n",
            2,
            "main",
            "left running in terminal main: ",
        ),
        "an object left": (
            "$ touch /dev/shm/left\n",
            1,
            "main",
            "left behind: /dev/shm/left: the page must remove what it creates",
        ),
        "a folder left among the objects": (
            "$ mkdir -p /dev/shm/left/inner\n",
            1,
            "main",
            "left behind: /dev/shm/left: ",
        ),
    },
    "who is woken": {
        "a wake-up that is not mentioned": (
            PIPE + "(writer) $ echo hello > pipe\n$ true\n(reader)\nhello\n",
            5,
            "main",
            "terminal reader, blocked since line ",
        ),
        "a wake-up that is not mentioned, at the end": (
            PIPE + "(w) $ echo hello > pipe\n(x) $ sed n\n[blocked in read]\n(x)\n^D\n(reader)\nhello\n",
            5,
            "x",
            "terminal reader, blocked since line ",
        ),
        "a wake-up that is invented": (
            PIPE + "$ true\n(reader)\nhello\n",
            5,
            "reader",
            "still blocked in openat: nothing has woken it",
        ),
        "a wake-up for another": (
            "$ rm -f pipe other; mkfifo pipe other\n(x) $ cat pipe\n[blocked]\n(y) $ cat other\n[blocked]\n"
            "$ echo hello > pipe\n(y)\nhello\n(x)\nhello\n",
            7,
            "y",
            "still blocked in openat",
        ),
        "woken before the key": (
            PIPE + "$ echo hello > pipe\n(reader)\n^C\n[130]\n",
            5,
            "reader",
            "has been woken",
        ),
        "a system call that does not exist": (
            PIPE.replace("openat", "opnat") + "(reader)\n^C\n[130]\n",
            2,
            "reader",
            "this machine has no system call opnat",
        ),
        "ended instead of blocking": (
            "(x) $ true\n[blocked in read]\n(x)\n^C\n[130]\n",
            1,
            "x",
            "ended with exit status 0 instead of blocking in read",
        ),
        "ended instead of going on": (
            "(x) $ echo a\na\n[running]\n(x)\n^C\n[130]\n",
            1,
            "x",
            "ended with exit status 0 instead of going on",
        ),
        "a timed sleep instead of blocked": (
            "(x) $ sleep 0.3\n[blocked]\n(x)\n^C\n[130]\n",
            1,
            "x",
            "ended with exit status 0 instead of blocking in a system call",
        ),
        "a wait with a timeout instead of blocked": (
            "(x) $ bash -c 'read -t 0.3 word'\n[blocked]\n(x)\n^C\n[130]\n",
            1,
            "x",
            "ended with exit status 142 instead of blocking in a system call",
        ),
        "a child that sleeps instead of blocked": (
            "(x) $ sh -c 'sleep 0.3; :'\n[blocked in wait4]\n(x)\n^C\n[130]\n",
            1,
            "x",
            "ended with exit status 0 instead of blocking in wait4",
        ),
    },
    "what does not come": {
        "another system call": (
            PIPE.replace("openat", "read") + "(reader)\n^C\n[130]\n",
            2,
            "reader",
            "blocked in openat, documented as blocked in read",
        ),
        "blocked instead of running": (
            "(x) $ sed n\n[running]\n(x)\n^C\n[130]\n",
            1,
            "x",
            "blocked in read, documented as running",
        ),
        "running instead of blocked": (
            "(x) $ sh -c 'while :; do :; done'\n[blocked in read]\n(x)\n^C\n[130]\n",
            1,
            "x",
            "running, documented as blocked in read",
        ),
    },
    "an end that does not come": {
        "blocked": ("(x) $ sed n\n", 1, "x", "no end within 1 s: blocked in read"),
        "running": ("(x) $ sh -c 'while :; do :; done'\n", 1, "x", "no end within 1 s: running"),
        "after a key that does nothing": (
            "(x) $ trap '' INT; sed n\n[blocked in read]\n(x)\n^C\n[130]\n",
            3,
            "x",
            "no end within 1 s: blocked in read",
        ),
    },
}


@private_stage
@pytest.mark.parametrize("cases", FAILS.values(), ids=FAILS)
def test_a_page_that_is_wrong_is_red_and_says_where_and_why(
    cases: dict[str, tuple[str, int, str, str]], tmp_path: Path, programs: Path
) -> None:
    scenes = [scene(text, "fresh") for text, *_ in cases.values()]
    path = page(tmp_path, *scenes)
    result = red(rehearse(path, keep_going=True, deadline=1, programs=programs))
    reports = re.split(rf"^{re.escape(str(path))}:(?=\d)", result, flags=re.MULTILINE)[1:]
    assert len(reports) == len(cases), result
    head = 3  # the lines of a directive
    for (name, (_, line, terminal, words)), report in zip(cases.items(), reports, strict=True):
        place, reason, *_ = report.split("\n")
        assert place.startswith(f"{head + line}: terminal {terminal}: "), (name, report)
        assert words in reason, (name, report)
        head += scenes.pop(0).count("\n") + 1
    assert result.rstrip("\n").endswith(f", {len(cases)} failed")


@private_stage
def test_a_hang_ends_within_the_deadline(check: Callable[..., Played]) -> None:
    report = red(check("(x) $ sed n\n(y) $ true\n", deadline=1.5))
    assert "terminal x: sed n\n    no end within 1.5 s: blocked in read\n" in report


@private_stage
def test_a_report_shows_what_came_with_the_values_of_the_page(
    check: Callable[..., Played], tmp_path: Path
) -> None:
    text = """
        (x) $ sh -c 'echo $$; exec sed n'
        77777
        [blocked in read]
        $ echo one; echo 77777 two; echo three
        one
        77777 too
        three
        (x)
        ^D
        """
    report = red(check(text))
    assert textwrap.dedent(
        """\
        --- documented
        +++ real
        @@ -1,3 +1,3 @@
         one
        -77777 too
        +77777 two
         three
        """
    ) in textwrap.dedent(report.split("\n", 2)[2].rpartition(f"{tmp_path}")[0])


# -------------------------------------------------------- scenes, and going on

THREE = [
    scene("$ echo one\none\n$ touch /dev/shm/one\n", "fresh"),
    scene("$ echo two\n2\n"),
    scene("$ echo never\n3\n"),
    scene("$ ls /dev/shm\n(x) $ echo $word\n\n$ cd /; word=kept\n", "fresh"),
    scene("$ pwd; echo $word\n/\nkept\n"),
    scene("$ pwd; echo $word\n/mnt\n\\\n", "fresh"),
]


@private_stage
def test_after_a_failure_the_rest_is_not_played(tmp_path: Path, programs: Path) -> None:
    path = page(tmp_path, *THREE)
    report = red(rehearse(path, programs=programs), ": 3 cues in 1 terminals", ", 1 failed")
    assert "echo never" not in report


@private_stage
def test_with_keep_going_the_next_fresh_scene_is_played(tmp_path: Path, programs: Path) -> None:
    path = page(tmp_path, *THREE)
    result = stage("check", path, "--keep-going", "--deadline", 3, "--programs", programs)
    report = red(result, ", 1 failed\n")
    assert "echo never" not in report
    assert ": 8 cues in 2 terminals" in report


@private_stage
def test_a_scene_is_played_from_the_last_fresh_one_on(tmp_path: Path, programs: Path) -> None:
    path = page(tmp_path, *THREE)
    assert ": 2 cues in 1 " in green(stage("check", path, "--scene", 1, "--programs", programs))
    red(rehearse(path, scene=2, programs=programs), "echo two")
    red(rehearse(path, scene=3, programs=programs), "echo two")
    assert ": 4 cues in 2 " in green(rehearse(path, scene=5, programs=programs))
    assert ": 1 cues in 1 " in green(rehearse(path, scene=6, programs=programs))


@pytest.mark.parametrize("number", [0, -1, 7])
def test_a_scene_that_is_not_there_is_refused(tmp_path: Path, programs: Path, number: int) -> None:
    more, path = page(tmp_path, *THREE, *THREE, name="more.rst"), page(tmp_path, *THREE)
    result = stage("check", *([more] if number > 0 else []), path, "--scene", number, "--programs", programs)
    assert (result.returncode, result.stdout) == (2, "")
    assert f"there is no scene {number}: {path} has 6" in result.stderr


@private_stage
def test_objects_left_before_a_fresh_scene_are_a_failure(tmp_path: Path, programs: Path) -> None:
    path = page(tmp_path, THREE[0], THREE[3], THREE[5])
    place = f"{path}:6: terminal main: touch /dev/shm/one\n"
    for keep_going, cues in ((False, 2), (True, 6)):  # the next scene has an empty stage
        played = rehearse(path, keep_going=keep_going, programs=programs)
        report = red(played, "left behind: /dev/shm/one", f": {cues} cues in", ", 1 failed\n")
        assert place in report


@private_stage
def test_every_page_has_its_line_and_the_worst_status_counts(
    tmp_path: Path, programs: Path
) -> None:
    good = page(tmp_path, scene("$ true"), name="good.rst")
    bad = page(tmp_path, scene("$ false"), name="bad.rst")
    last = page(tmp_path, scene("$ true"), name="last.rst")
    result = stage("check", good, bad, last, "--programs", programs)
    assert result.returncode == 1
    heads = [line.split(": ")[0] for line in result.stdout.split("\n")]
    assert heads[0] == str(good)
    assert heads[-3:] == [str(bad), str(last), ""]


def test_a_program_that_is_missing_is_reported_with_its_place(check: Callable[..., Played]) -> None:
    result = check("$ true\n$ ./own/hullo\n")
    assert (result.returncode, result.stdout) == (2, "")
    assert ":5: ./own/hullo: No such file or directory: " in result.stderr


def test_a_compiler_that_is_missing_is_reported(check: Callable[..., Played]) -> None:
    result = check("$ true\n", environment={"CC": "/nowhere/cc"})
    assert (result.returncode, result.stdout) == (2, "")
    assert "asking the C compiler" in result.stderr
    assert "Traceback" not in result.stderr


# ------------------------------------------------------------------ the form of output


def test_without_a_terminal_the_output_is_one_plain_line(check: Callable[..., Played]) -> None:
    line = green(check("$ echo hello\nhello\n(x) $ true\n"))
    form = r"\S+/page\.rst: 2 cues in 2 terminals, \d\.\d s and 0\.0 s of their own sleeping"
    assert re.fullmatch(form + "\n", line)


@pytest.mark.parametrize("text, colour", [("$ true\n", 32), ("$ false\n", 31)])
def test_on_a_terminal_there_are_colour_and_progress(
    tmp_path: Path, programs: Path, text: str, colour: int
) -> None:
    outer, inner = pty.openpty()
    playing = Stage(
        *("check", page(tmp_path, scene(text)), "--programs", programs),
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    output = helpers.read_terminal(outer, lambda: playing.process.poll() is not None)
    playing.finish()
    os.close(outer)
    command = text.removeprefix("$ ").strip()
    assert f"\r\x1b[Kmain: {command}" in output
    assert re.search(rf"\x1b\[{colour}m\S+/page\.rst: \d cues [^\n]*\x1b\[0m", output)


def test_the_programs_own_sleeping_is_counted_apart(check: Callable[..., Played]) -> None:
    line = green(check("$ sleep 1.5\n"))  # which is longer than the deadline
    assert re.search(r" s and [1-9][\d.]* s of their own", line)


# ----------------------------------------------------------------------------- alone


@private_stage
def test_the_package_alone_plays_a_page_of_another_repository(tmp_path: Path) -> None:
    folder = tmp_path / "another repository"
    shutil.copytree(ROOT / "stage", folder / "stage")
    source = folder / "own.c"
    source.write_text(
        "#include <unistd.h>\nint main(void)\n{\n    char c;\n"
        '    (void)!write(1, "hello\\n", 6);\n    return read(0, &c, 1);\n}\n'
    )
    helpers.compile_c(source, folder / "bin" / "own")
    page(folder, scene("(x) $ ./own\nhello\n[blocked in read]\n(x)\n^D\n"))
    green(
        stage(
            *("check", "page.rst", "--programs", "bin"),
            cwd=folder,
            environment={"PYTHONPATH": ""},
        )
    )


def test_the_package_needs_nothing_but_the_standard_library() -> None:
    files = sorted((ROOT / "stage").rglob("*.py"))
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    script = "; ".join(
        [
            f"import {', '.join(modules)}, sys",
            "names = {name.partition('.')[0] for name in sys.modules}",
            "print(*sorted(names - sys.stdlib_module_names - {'stage', '__main__'}))",
        ]
    )
    isolated = [sys.executable, "-S", "-c", script]
    made = subprocess.run(isolated, cwd=ROOT, capture_output=True, text=True, check=True)
    assert made.stdout == "\n"


# ------------------------------------------------------------------ what is documented


def _section(title: str) -> str:
    """A section of the contributing page."""
    text = CONTRIBUTING.read_text()
    begin = re.search(rf"^{re.escape(title)}\n([-.])\1+\n", text, re.MULTILINE)
    assert begin, title
    end = re.search(r"^\S[^\n]*\n([-.])\1{2,}$", text[begin.end() :], re.MULTILINE)
    return text[begin.end() :][: end.start() if end else None]


def _blocks(text: str, language: str) -> list[str]:
    found = re.findall(rf"^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(block).strip("\n") + "\n" for block in found]


def _without_seconds(text: str) -> str:
    return re.sub(r"\d+\.\d s", "# s", text)


@private_stage
def test_the_failure_that_is_documented_is_what_is_printed(tmp_path: Path) -> None:
    section = _section("Read a Failure")
    (source,) = _blocks(section, "rst")
    (report,) = _blocks(section, "text")
    (tmp_path / "page.rst").write_text(source)
    result = stage("check", "page.rst", "--programs", tmp_path, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (1, "")
    assert _without_seconds(result.stdout) == _without_seconds(report)


def test_the_scene_that_is_documented_is_one() -> None:
    (source,) = _blocks(_section("Write a Scene"), "rst")
    (cue,) = parse("page.rst", source).cues()
    assert (cue.command, cue.expect) == ("echo hello", ["hello"])


SCHEMA: dict[str, Callable[[object], bool]] = {
    "scene": lambda value: type(value) is int and value >= 1,
    "section": lambda value: isinstance(value, str),
    "fresh": lambda value: isinstance(value, bool),
    "exercise": lambda value: isinstance(value, str),
    "predict": lambda value: isinstance(value, bool),
    "line": lambda value: type(value) is int and value >= 1,
    "kind": lambda value: value in ("run", "resume", "key"),
    "terminal": lambda value: isinstance(value, str) and bool(value),
    "root": lambda value: isinstance(value, bool),
    "command": lambda value: isinstance(value, str),
    "expect": lambda value: (
        isinstance(value, list) and all(line is None or isinstance(line, str) for line in value)
    ),
    "end": lambda value: (
        isinstance(value, dict) and [*value] in (["status"], ["blocked"], ["running"])
    ),
}


def test_the_json_follows_the_documented_schema() -> None:
    documented = re.findall(r"^   \* - ``(\w+)``$", _section("scenes.json"), re.MULTILINE)
    assert documented == [*SCHEMA]
    result = stage("scenes", CONTRIBUTING)
    assert (result.returncode, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert {cue["kind"] for cue in found} == {"run", "resume", "key"}
    assert {next(iter(cue["end"])) for cue in found} == {"status", "blocked", "running"}
    for cue in found:
        assert [*cue] == [*SCHEMA]
        for key, value in cue.items():
            assert SCHEMA[key](value), (key, value)
        assert (cue["command"] == "") == (cue["kind"] == "resume")
    source = CONTRIBUTING.read_text().split("\n")
    for cue in found:
        assert (cue["command"].split("\n")[0] or cue["terminal"]) in source[cue["line"] - 1] or cue[
            "kind"
        ] == "key"


def test_the_json_of_several_pages_goes_by_their_names(tmp_path: Path) -> None:
    paths = [page(tmp_path, scene(f"$ echo {name}"), name=f"{name}.rst") for name in "ab"]
    found = json.loads(stage("scenes", *paths).stdout)
    assert [(path, cue["command"]) for path, (cue,) in found.items()] == [
        (str(paths[0]), "echo a"),
        (str(paths[1]), "echo b"),
    ]


def test_the_json_of_a_page_without_scenes_is_empty(tmp_path: Path) -> None:
    assert json.loads(stage("scenes", page(tmp_path, "")).stdout) == []


def test_what_is_wrong_is_an_error_of_its_own_type() -> None:
    with pytest.raises(ScriptError, match=r"^x\.rst:4: "):
        parse("x.rst", scene("hello"))
