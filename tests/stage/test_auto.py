"""A performance without a human: the dress rehearsal, and the film."""

import json
import os
import re
import tempfile
from pathlib import Path

from play import Signal, page, public_folder, scene, stage
from show import performed, show
from support import PROGRAMS, ROOT, SCREENPLAY

from stage.page.reader import read

pytestmark = performed


def test_auto_plays_all_and_says_so_in_one_line(play: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:  # of a short name: sockets are in it
        environment = {"TMPDIR": folder, "LC_ALL": "C", "TERM": ""}
        results = [stage("perform", play, "--auto", environment=environment) for _ in range(3)]
        assert os.listdir(folder) == []
    assert {result.returncode for result in results} == {0}
    said = {re.sub(r"\d+\.\d s", "N s", result.stdout + result.stderr) for result in results}
    assert said == {f"{play}: 12 cues in 4 terminals, N s and N s of their own sleeping\n"}


def test_auto_ends_at_the_first_cue_that_does_not_hold(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ echo one\none\n$ echo two\n2\n$ echo three\nthree\n"))
    result = stage("perform", path, "--auto")
    assert (result.returncode, result.stderr) == (1, "")
    assert f"{path}:6: terminal main: echo two\n" in result.stdout
    assert ": 2 cues in 1 terminals" in result.stdout
    assert result.stdout.endswith(", 1 failed\n")


def test_auto_ends_a_command_of_several_lines_by_a_key(tmp_path: Path) -> None:
    path = page(tmp_path, scene("(x) $ while sleep 0.1\n> do :\n> done\n^C\n[130]\n"))
    result = stage("perform", path, "--auto")
    assert (result.returncode, result.stderr) == (0, ""), result.stdout


def test_auto_fails_if_something_is_left(tmp_path: Path) -> None:
    path = page(tmp_path, scene("$ touch /dev/shm/left\n"))
    result = stage("perform", path, "--auto")
    assert result.returncode == 1
    assert "left behind: /dev/shm/left" in result.stdout


def test_auto_plays_the_whole_screenplay() -> None:
    result = stage("perform", SCREENPLAY, "--auto", "--programs", PROGRAMS)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    cues = len([*read(str(SCREENPLAY)).cues()])
    assert f": {cues} cues in " in result.stdout
    assert result.stdout.count("\n") == 1


def test_auto_plays_the_exercises_with_their_solutions() -> None:
    result = stage("perform", ROOT / "docs" / "exercises.rst", "--auto", "--programs", PROGRAMS)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout


def test_on_stage_is_what_the_documented_syntax_says() -> None:
    result = stage("perform", ROOT / "docs" / "contributing.rst", "--auto")
    assert (result.returncode, result.stderr) == (0, ""), result.stdout


def film(page: Path, path: Path) -> tuple[dict[str, object], list[tuple[float, str, str]]]:
    """Record a performance; return the head of the film and its events."""
    done = stage("perform", page, "--film", path, "--pace", "0.01")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.endswith(f"\nThe film: {path}\n")
    head, *events = map(json.loads, path.read_text().splitlines())
    return head, events


def test_a_film_shows_the_stage_and_no_notes(play: Path, tmp_path: Path) -> None:
    head, events = film(play, tmp_path / "new" / "film.cast")
    assert (head["version"], head["width"], head["height"], head["title"]) == (2, 120, 36, "Play")
    times = [when for when, _, _ in events]
    assert times == sorted(times) and times[0] == 0
    text = "".join(data for _, code, data in events if code == "o")
    assert "reader" in text and "echo hello" in text
    assert "Who wakes it?" not in text


def test_a_film_has_a_marker_for_each_section_and_captions(play: Path, tmp_path: Path) -> None:
    _, events = film(play, tmp_path / "film.cast")
    assert [text for _, code, text in events if code == "m"] == ["Say It", "Wake It", "Count It"]
    assert [text for _, code, text in events if code == "c"] == [
        "Say hello, see echo(1)", "Who wakes it?", "It counts"]


def test_a_film_that_fails_says_why_and_leaves_the_last_good_one(play: Path, tmp_path: Path) -> None:
    path = tmp_path / "film.cast"
    path.write_text("good")
    bad = page(tmp_path, scene("$ echo two\n2\n"), name="bad.rst")
    done = stage("perform", bad, "--film", path, "--pace", "0.01")
    assert done.returncode == 1
    assert '"two" instead of "2"' in done.stdout and done.stdout.endswith(", 1 failed\n")
    assert path.read_text() == "good"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bad.rst", "film.cast", "page.rst"]


def test_auto_in_a_terminal_obeys_no_key_but_the_two_that_quit(tmp_path: Path) -> None:
    with public_folder() as folder:
        until = Signal(folder)
        lines = f"$ head -n 1 {until.path}\nnow\n$ echo over\nover\n"
        with show(page(tmp_path, scene(lines)), "--auto") as on:
            on.shown("main", f"$ head -n 1 {until.path}")
            on.press("F6", "F5", "F8", "PageUp", "PageDown")
            os.write(until.fd, b"now\n")
            screen = "".join(on.ended().split("\n"))
        until.close()
    assert ": 2 cues in 1 terminals" in screen
    assert "[exit 0]" in screen


def test_auto_is_left_by_pressing_f10_twice(tmp_path: Path) -> None:
    with show(page(tmp_path, scene("$ sleep 15\n")), "--auto") as on:
        on.wait(lambda: "sleep 15" in on.panes()["main"])
        screen = on.quit()
    assert "stage: interrupted" in screen
    assert "[exit 130]" in screen
