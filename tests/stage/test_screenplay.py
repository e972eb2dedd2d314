"""The pages themselves: everything in them is played, and is right; how long that takes is for make bench."""

import os
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import play as helpers
import pytest
from play import LEVEL, green, private_stage, read_with_docutils, scene, scenes_of, stage, the_machine
from support import CONTRIBUTING, PROGRAMS, ROOT, SCREENPLAY

from stage.page.reader import parse

PAGES = sorted((ROOT / "docs").glob("**/*.rst"))
pages = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])


# Blocks of the language console that are typed, not played.
NOT_PLAYED = {
    "mkdir -p shm && cc -g -o shm/030-shm-produce 030-shm-produce.c -pthread -lrt":
        "the options for an old C library; the stage has a new one",
    "sudo apt-get install -y bc bison flex gcc-multilib xz-utils zstd && "
    "(command -v npm || sudo apt-get install -y nodejs npm)": "installs; .ci/run types it",
    'make dist SPHINXOPTS="-D html_baseurl=https://example.org/ipc/"': "makes what tests/site/test_dist.py looks at",
    "make exercise N=110":
        "copies, compiles and plays what is somebody's own; test_learner.py does it",
    "make exercises/110-mmap-write":
        "in the archive of the course; test_archives.py builds it",
    "make doctor":
        "before class: what follows takes minutes and plays the pages itself; targets are tested",
    "make perform":
        "plays the pages itself; test_performing.py looks for its targets, titles and pages",
    "make notes":
        "needs a show that runs; test_screen.py attaches to one",
    "tar xzf ipc-course.tar.gz":
        "takes the archive of the site, and make; test_archives.py does it",
}


# --------------------------------------------------------------------------- guards


@pages
def test_the_scenes_that_are_played_are_those_that_docutils_finds(page: Path) -> None:
    text = page.read_text()
    assert scenes_of(text) == [block for block in read_with_docutils(text) if block.is_scene]


@pages
def test_the_scenes_that_are_played_are_those_of_the_site(page: Path) -> None:
    name = page.relative_to(ROOT / "docs").with_suffix(".doctree")
    doctree = ROOT / "build" / "sphinx" / "doctrees" / name
    if not doctree.exists() or doctree.stat().st_mtime < page.stat().st_mtime:
        pytest.skip("needs the site, newer than the page: make html")
    document = pickle.loads(doctree.read_bytes())
    blocks = helpers.blocks_of(document)
    assert scenes_of(page.read_text()) == [block for block in blocks if block.is_scene]


@pages
def test_no_scene_is_in_a_comment(page: Path) -> None:
    assert helpers.scenes_in_comments(page.read_text()) == 0


def test_every_console_block_is_played_or_there_is_a_reason() -> None:
    typed = [
        block.first.removeprefix("$ ")
        for page in PAGES
        for block in read_with_docutils(page.read_text())
        if not block.is_scene
    ]
    assert typed == list(NOT_PLAYED)
    assert all(NOT_PLAYED.values())


def test_the_screenplay_has_scenes_of_every_kind() -> None:
    text = SCREENPLAY.read_text()
    assert len(scenes_of(text)) > 40
    for form in ("[blocked in futex]", "[running]", "   ^C\n", "   ^D\n", "   # "):
        assert form in text


HIDDEN = {
    "the class misspelt": scene("$ x").replace("class: scene", "class: scnee"),
    "the option misspelt": scene("$ x").replace(":class:", ":clas:"),
    "a comment": "..\n   " + scene("$ x").replace("\n", "\n   ").rstrip(" "),
    "another language": scene("$ x").replace("console", "bash"),
    "a paragraph that ends in colons": "Like this::\n\n"
    + "".join(f"   {line}\n" for line in scene("$ x").split("\n")),
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_a_scene_that_nobody_plays_is_no_scene_for_docutils_either(text: str) -> None:
    assert scenes_of(text) == []
    assert not any(block.is_scene for block in read_with_docutils(text))


SEEN_BY_DOCUTILS_ONLY = {
    "a table": "+----------------------------+\n| .. code-block:: console    |\n"
    "|    :class: scene           |\n|                            |\n"
    "|    $ x                     |\n+----------------------------+\n",
    "an option in capital letters": scene("$ x").replace(":class:", ":Class:"),
    "a directive in capital letters": scene("$ x").replace("code-block", "Code-Block"),
}


@pytest.mark.parametrize("text", SEEN_BY_DOCUTILS_ONLY.values(), ids=SEEN_BY_DOCUTILS_ONLY)
def test_the_guard_sees_a_scene_that_the_scanner_does_not(text: str) -> None:
    assert [block.is_scene for block in read_with_docutils(text)] == [True]
    assert scenes_of(text) == []


# ---------------------------------------------------------------------------- plays


@private_stage
def test_all_pages_are_green_at_once() -> None:
    def line(page: Path) -> str:
        result = stage("check", page, "--programs", PROGRAMS)
        assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
        return result.stdout

    played = [page for page in PAGES if scenes_of(page.read_text())]
    with ThreadPoolExecutor(len(played)) as stages:
        for page, said in zip(played, stages.map(line, played), strict=True):
            assert said.startswith(f"{page}: ") and "skipped" not in said


def _objects() -> set[str]:
    names = re.findall(r"/(ipc-[\w-]+)", SCREENPLAY.read_text())
    files = {f"{prefix}{name}" for name in names for prefix in ("", "sem.")}
    queues = {f"queue {name}" for name in names if _queue_exists(f"/{name}")}
    return (files & set(os.listdir("/dev/shm"))) | queues


def _queue_exists(name: str) -> bool:
    import objects

    return objects.queue_exists(name)


def _alone() -> list[str]:
    """What gives a play PIDs of its own: the pages look for mappings in all of /proc."""
    if LEVEL == "bare":
        return []
    user = ["--user", "--map-root-user"] if os.geteuid() else []
    return ["unshare", *user, "--mount", "--pid", "--fork", "--mount-proc", "--"]


def test_bare_all_pages_are_green_and_nothing_on_the_machine_is_touched(
    tmp_path: Path,
) -> None:
    given = ["--level", "bare", "--programs", PROGRAMS]
    options = {"environment": {"TMPDIR": str(tmp_path)}, "prefix": _alone()}
    mine = Path("/dev/shm/ipc-counter")
    played = [page for page in PAGES if scenes_of(page.read_text())]
    with the_machine():
        assert _objects() == set(), "something has been left here by others"
        result = stage("check", *played, *given, **options)
        assert _objects() == set()
        mine.write_text("somebody's")
        try:
            refused = stage("check", SCREENPLAY, *given, **options)
            assert mine.read_text() == "somebody's"
        finally:
            mine.unlink()
    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    lines = [line for line in result.stdout.splitlines() if ", with the starts: " not in line]
    for page, line in zip(played, lines, strict=True):
        scenes = parse(str(page), page.read_text()).scenes
        needy = any(scene.private or any(cue.root for cue in scene.cues) for scene in scenes)
        assert bool(re.search(r", [1-9]\d* cues skipped \(bare: asked for\)$", line)) == needy, line
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"{mine} exists: another play may be running" in refused.stderr
    assert os.listdir(tmp_path) == []


@private_stage
def test_the_contributing_page_is_green_three_times_at_once() -> None:
    plays = [helpers.Stage("check", CONTRIBUTING, "--programs", PROGRAMS) for _ in range(3)]
    lines = [green(play.finish()) for play in plays]
    assert len({re.sub(r"\d+\.\d s", "", line) for line in lines}) == 1
