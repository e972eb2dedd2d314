"""Write into a page what came: no byte more than that, and never half of it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import faults
import pytest
from play import Stage, as_root, green, page, private_stage, promote, public_folder, rehearse, scene
from support import CONTRIBUTING, ROOT, STRANGER

from stage.check.promoting import write

pytestmark = private_stage

PAGE = (
    "Title\n=====\n\nBefore. \n\n"
    + scene(
        """
        $ ./own/speak
        hello world
        written Nov 22 17:25
        $ mkfifo pipe
        (reader) $ cat pipe
        [blocked in openat]
        (writer) $ ./own/speak > pipe
        (reader)
        ...
        written Jan  1 00:00
        $ sh -c './own/speak; exit 3'
        hello world
        written Nov 22 17:25
        [3]
        """
    )
    + "\nAfter,\twith a tab and blanks.  \n\n\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The page, which holds."""
    speaks(tmp_path, "hello world")
    return page(tmp_path, PAGE)


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that every user may use."""
    with public_folder() as folder:
        yield folder


def speaks(folder: Path, text: str) -> None:
    """Make the program that the page names say this."""
    (folder / "own").mkdir(exist_ok=True)
    program = folder / "own" / "speak"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' '{text}'\ndate +'written %b %e %H:%M'\n")


def changed(path: Path, before: str = PAGE) -> list[tuple[str, str]]:
    """The lines that differ from those before, of which there must be as many."""
    lines = zip(before.split("\n"), path.read_text().split("\n"), strict=True)
    return [(old, new) for old, new in lines if old != new]


def test_after_no_change_no_byte_changes_and_nothing_is_written(path: Path) -> None:
    before = os.stat(path)
    green(promote(path, programs=path.parent))
    after = os.stat(path)
    assert path.read_text() == PAGE
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(os.listdir(path.parent)) == ["own", "page.rst"]


def test_a_changed_word_changes_exactly_its_lines_and_the_diff_is_printed(path: Path) -> None:
    speaks(path.parent, "hello moon")
    result = promote(path, programs=path.parent)
    assert result.returncode == 0, result
    assert changed(path) == [("   hello world", "   hello moon")] * 2
    removed = re.findall(r"^-(?!--)(.*)$", result.stdout, re.MULTILINE)
    added = re.findall(r"^\+(?!\+\+)(.*)$", result.stdout, re.MULTILINE)
    assert list(zip(removed, added, strict=True)) == changed(path)
    green(rehearse(path, programs=path.parent))


def test_a_word_changed_in_the_page_comes_back(path: Path) -> None:
    path.write_text(PAGE.replace("hello world", "hullo world", 1))
    assert promote(path, programs=path.parent).returncode == 0
    assert path.read_text() == PAGE


def test_a_page_says_where_it_was_recorded_once_something_is(path: Path) -> None:
    text = PAGE.replace("Before. ", "Before. \n\n:Recorded: long ago\n")
    path.write_text(text)
    green(promote(path, programs=path.parent))
    assert path.read_text() == text
    speaks(path.parent, "hello moon")
    assert promote(path, programs=path.parent).returncode == 0
    kernel = ".".join(os.uname().release.split(".")[:2])
    said = rf"^:Recorded: Linux {kernel}, .*, {os.uname().machine}, \d+ \w+ 20\d\d$"
    assert re.search(said, path.read_text(), re.MULTILINE)


def test_lines_that_come_and_go_are_promoted(path: Path) -> None:
    speaks(path.parent, "hello\nbig\nworld")
    assert promote(path, programs=path.parent).returncode == 0
    new = "   hello\n   big\n   world\n"
    assert path.read_text() == PAGE.replace("   hello world\n", new)
    green(rehearse(path, programs=path.parent))
    speaks(path.parent, "hello world")
    assert promote(path, programs=path.parent).returncode == 0
    assert path.read_text() == PAGE


def test_an_ellipsis_is_kept_where_lines_are_left_for_it(path: Path) -> None:
    speaks(path.parent, "one\ntwo\nthree")
    assert promote(path, programs=path.parent).returncode == 0
    assert path.read_text().count("   ...\n") == 1


FIRST, SECOND = "$ cat file\n", "$ echo end\nend\n"
STRANGE = [
    "[1]",
    "(x)",
    "$ x",
    "> x",
    "...",
    "^C",
    "blanks  ",
    "back\\",
    "",
    "  in",
    "\\",
]


def test_output_that_looks_like_syntax_is_escaped(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ ./own/speak\nold\n"))
    speaks(tmp_path, "\n".join(STRANGE))
    assert promote(path, programs=tmp_path).returncode == 0
    for line in ["\\[1]", "\\(x)", "\\$ x", "\\> x", "\\...", "\\^C", "blanks  \\"]:
        assert f"\n   {line}\n" in path.read_text()
    green(rehearse(path, programs=tmp_path))


def test_beside_a_line_that_changes_the_others_stay_as_they_are_written(tmp_path: Path) -> None:
    text = "$ ./own/speak; cat file\none\n\ntwo\n\\#x\n\\$ y\n\\\nthre\n...\n$ true\n"
    path = page(tmp_path, scene(text))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "speak").write_text("printf 'one\\n\\ntwo\\n#x\\n$ y\\n\\nthree\\nfour\\n' | tee file\n")
    assert promote(path, programs=tmp_path).returncode == 0
    assert path.read_text() == scene(text.replace("thre\n", "three\n"))
    green(rehearse(path, programs=tmp_path))


def test_an_empty_line_that_comes_to_be_the_last_one_is_still_output(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ printf 'one\\n\\n'\none\n\ntwo\n"))
    assert promote(path).returncode == 0
    assert path.read_text() == scene("$ printf 'one\\n\\n'\none\n\\\n")
    green(rehearse(path))


def test_the_indentation_of_the_scene_is_kept(tmp_path: Path) -> None:
    deep = "".join(
        f"      {line}" if line.strip() else line
        for line in scene("$ ./own/speak\nold\n$ true\n").splitlines(keepends=True)
    )
    path = page(tmp_path, f"* item\n\n  .. note::\n\n{deep}")
    speaks(tmp_path, "new")
    assert promote(path, programs=tmp_path).returncode == 0
    lines = path.read_text().split("\n")
    assert "         new" in lines
    assert any(line.startswith("         written ") for line in lines)
    assert "         $ true" in lines
    green(rehearse(path, programs=tmp_path))


def test_several_cues_are_promoted_in_their_places(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ seq 2\nx\n$ seq 1\n1\n$ seq 3\n$ seq 1\n1\ny\nz\n"))
    assert promote(path, programs=tmp_path).returncode == 0
    expected = "$ seq 2\n1\n2\n$ seq 1\n1\n$ seq 3\n1\n2\n3\n$ seq 1\n1\n"
    assert path.read_text() == scene(expected)


def test_a_pid_is_promoted_as_that_of_the_page(tmp_path: Path) -> None:
    text = """
        (x) $ sh -c 'echo $$; exec sed n'
        77777
        [blocked in read]
        $ echo 77777 is a sed; sed -n 's/^Name:.//p' /proc/77777/status
        77777 was a dog
        (x)
        ^D
        """
    path = page(tmp_path, scene(text))
    assert promote(path, programs=tmp_path).returncode == 0
    expected = text.replace("77777 was a dog\n", "77777 is a sed\n        sed\n")
    assert path.read_text() == scene(expected)


# ----------------------------------------------------------------------- refusals

# id: (what is replaced in the page, by what, words of the reason)
CLAIMS = {
    "a status": ("[3]", "[4]", "exit status 3, documented 4"),
    "a status that is not written": ("   [3]\n", "", "exit status 3, documented 0"),
    "a system call": ("openat", "read", "blocked in openat, documented as blocked in"),
    "blocked": ("cat pipe\n", "true\n", "instead of blocking in openat"),
    "running": ("[blocked in openat]", "[running]", "documented as running"),
    "a wake-up": ("./own/speak > pipe", "true", "still blocked in openat"),
    "a wake-up that is not mentioned": (
        "   (reader)\n   ...",
        "   (writer) $ true\n   (reader)\n   ...",
        "has been woken",
    ),
    "an unfinished command": ("$ mkfifo pipe", "$ mkfifo 'pipe", "is not complete"),
}


@pytest.mark.parametrize("old, new, words", CLAIMS.values(), ids=CLAIMS)
def test_a_claim_that_fails_is_not_promoted_and_nothing_is_written(
    path: Path, old: str, new: str, words: str
) -> None:
    assert PAGE.count(old) == 1
    mutant = PAGE.replace(old, new).replace("hello world", "hullo world")
    path.write_text(mutant)
    before = os.stat(path)
    result = promote(path, deadline=1, programs=path.parent)
    assert (result.returncode, result.stderr) == (1, "")
    assert words in result.stdout
    assert f"{path}: nothing is promoted: " in result.stdout
    after = os.stat(path)
    assert path.read_text() == mutant
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_bare_a_new_line_with_a_name_of_the_machine_is_not_promoted(tmp_path: Path) -> None:
    """Root may be the user, as in a container, and then nobody could tell whether the page's student is meant.

    A user without a name has a number.
    """
    path = page(tmp_path, scene("$ ls -ld . | cut -d' ' -f3; echo new\nstudent\nold\n"))
    assert promote(path, level="bare").returncode == 0
    assert path.read_text() == scene("$ ls -ld . | cut -d' ' -f3; echo new\nstudent\nnew\n")
    path = page(tmp_path, before := scene("$ ls -ld . | cut -d' ' -f3\nroot\nold\n"))
    result = promote(path, level="bare")
    assert result.returncode == 1 and path.read_text() == before
    assert re.search(r'cannot be promoted: "(student|\d+)" has a name of this machine', result.stdout)


def test_what_no_page_can_show_is_not_promoted(tmp_path: Path) -> None:
    path = page(tmp_path, before := scene("$ printf '50%%\\r100%%\\n'\n100%\n"))
    result = promote(path)
    assert result.returncode == 1 and path.read_text() == before
    assert "cannot be promoted: a control character, '\\r', " in result.stdout


def test_a_page_that_breaks_the_syntax_is_not_promoted(path: Path) -> None:
    path.write_text(PAGE.replace("[3]", "[three]"))
    result = promote(path, programs=path.parent)
    assert (result.returncode, result.stdout) == (2, "")
    assert "unknown note [three]" in result.stderr


# ---------------------------------------------------------------------- the writing


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o664, 0o755])
def test_the_permissions_of_the_page_are_kept(tmp_path: Path, mode: int) -> None:
    path = page(tmp_path, PAGE)
    path.chmod(mode)
    folder, umask = os.open(tmp_path, os.O_RDONLY), os.umask(0o077)
    try:
        write(path.name, "new", folder)
    finally:
        os.umask(umask)
        os.close(folder)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o7777 == mode


def test_a_page_is_promoted_by_its_name_alone_and_keeps_its_permissions(path: Path) -> None:
    path.write_text(PAGE.replace("hello", "hullo"))
    path.chmod(0o604)
    result = promote(Path("page.rst"), programs=path.parent, cwd=path.parent)
    assert result.returncode == 0
    assert path.read_text() == PAGE
    assert path.stat().st_mode & 0o7777 == 0o604
    assert sorted(os.listdir(path.parent)) == ["own", "page.rst"]


def test_what_the_author_writes_meanwhile_stays_and_is_to_be_promoted_again(tmp_path: Path) -> None:
    """Here the author is a command of the page, so that it comes neither too early nor too late."""
    text = "Old.\n\n" + scene("# sed -i 1s/Old/New/ {}\n$ echo hello\nhullo\n")
    path = page(tmp_path, text)
    path.write_text(text.format(path))
    result = promote(path)
    assert (result.returncode, result.stderr) == (
        2, "stage: page.rst has been changed meanwhile and is left as it is: promote it again\n")
    assert path.read_text() == text.format(path).replace("Old.", "New.")
    assert os.listdir(tmp_path) == ["page.rst"]


def test_a_link_to_the_page_stays_one(path: Path, tmp_path: Path) -> None:
    path.write_text(PAGE.replace("hello", "hullo"))
    link = tmp_path / "elsewhere" / "link.rst"
    link.parent.mkdir()
    link.symlink_to(path)
    assert promote(link, programs=tmp_path).returncode == 0
    assert link.is_symlink()
    assert path.read_text() == PAGE


@as_root
def test_the_page_stays_its_owners_when_root_promotes_it(tmp_path: Path) -> None:
    path = page(tmp_path, PAGE)
    os.chown(path, STRANGER, STRANGER)
    folder = os.open(tmp_path, os.O_RDONLY)
    write(path.name, "new", folder)
    os.close(folder)
    assert (path.read_text(), path.stat().st_uid, path.stat().st_gid) == ("new", STRANGER, STRANGER)


WRITE = "import os; from stage.check.promoting import write; " + (
    "write('page.rst', 'new\\n' * 50000, os.open('.', os.O_RDONLY))"
)


def _write(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    log = ["-o", str(folder.with_suffix(".log"))]
    command = ["strace", "-f", *log, *options, sys.executable, "-S", "-B", "-c", WRITE]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        check=False,
        text=True,
        capture_output=True,
    )


def _killing(call: str, when: str = "when=1") -> list[str]:
    """The options of strace that kill at this call; no other call is written down."""
    inject = f"inject={call}:signal=KILL:{when}"
    return ["-f", "-e", f"trace={call}", "-e", inject]


def test_killed_at_any_system_call_the_page_is_the_old_or_the_new_one(
    tmp_path: Path,
) -> None:
    if faults.why_no_strace():
        pytest.skip(faults.why_no_strace())
    folder = tmp_path / "folder"
    folder.mkdir()
    old, new = "old\n" * 40000, "new\n" * 50000
    path = page(folder, old)
    assert _write(folder).returncode == 0
    assert path.read_text() == new
    ordinals: dict[str, int] = {}
    calls = []
    for line in folder.with_suffix(".log").read_text().splitlines():
        if found := re.match(r"\d+ +(?!mmap|munmap|brk|madvise)(\w+)\(", line):
            ordinals[found[1]] = ordinals.get(found[1], 0) + 1
            calls.append((found[1], ordinals[found[1]], line))
    first = next(n for n, call in enumerate(calls) if ".page.rst." in call[2])
    calls = calls[first : first + 30]
    assert {"write", "fsync", "rename"} <= {name.rstrip("at2") for name, _, _ in calls}
    seen = set()
    for name, ordinal, _ in calls:
        path.write_text(old)
        killed = _write(folder, *_killing(name, f"when={ordinal}"))
        assert killed.returncode == -signal.SIGKILL, (name, killed)
        assert path.read_text() in (old, new), name
        seen.add(path.read_text()[:3])
    assert seen == {"old", "new"}
    assert _write(folder).returncode == 0
    assert path.read_text() == new


@pytest.mark.parametrize("call", ["fsync", "?rename,?renameat,?renameat2"])
def test_after_a_promotion_that_was_killed_the_next_one_is_as_usual(path: Path, call: str) -> None:
    if faults.why_no_strace():
        pytest.skip(faults.why_no_strace())
    mutant = PAGE.replace("hello", "hullo")
    path.write_text(mutant)
    playing = Stage(
        *("promote", path, "--programs", path.parent),
        prefix=["strace", "-q", "-o", "/dev/null", *_killing(call)],
    )
    result = playing.finish()
    assert result.returncode != 0, result
    assert path.read_text() == mutant
    assert promote(path, programs=path.parent).returncode == 0
    assert path.read_text() == PAGE


# -------------------------------------------------------------------- the real pages


def test_the_contributing_page_is_promoted_to_itself(tmp_path: Path) -> None:
    path = tmp_path / "page.rst"
    shutil.copy(CONTRIBUTING, path)
    before = os.stat(path)
    green(promote(path))
    assert path.read_bytes() == CONTRIBUTING.read_bytes()
    assert os.stat(path).st_ino == before.st_ino
