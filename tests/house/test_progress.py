"""What a person sees of a run of the tests, on a terminal and in a file."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from measure.versions import verdict
from support import ROOT

TESTS = """
import pytest
@pytest.mark.parametrize("number", range(18))
def test_good(number): pass
def test_bad(): assert 0
def test_left_out(): pytest.skip("needs luck")
"""


def run(folder: Path, *prefix: str) -> str:
    """Return what pytest says of twenty tests, as "make check" starts it."""
    file = folder / "test_twenty.py"
    file.write_text(TESTS)
    call = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-p", "progress", "-n", "1", str(file)]
    # In the folder of the tests, Python finds the module "progress".
    done = subprocess.run([*prefix, shlex.join(call), "/dev/null"] if prefix else call, cwd=ROOT / "tests",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode()


def test_in_a_file_ten_lines_say_how_far_the_tests_are(tmp_path: Path) -> None:
    said = run(tmp_path)
    far = [int(number) for number in re.findall(r"^(\d+) of 20 tests, [01] failed, about \d+:\d\d left$", said, re.M)]
    assert far == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20], said
    assert re.search(r"^failed: .*::test_bad$", said, re.M)
    assert re.search(r"^with linux \d.*, bash \d", said, re.M)
    assert re.search(r"^FAILED .*test_bad", said, re.M) and "needs luck" in said
    assert re.fullmatch(r"1 failed, 18 passed, 1 skipped in [\d.]+s", said.splitlines()[-1])


def test_on_a_terminal_one_line_is_written_over(tmp_path: Path) -> None:
    said = run(tmp_path, "script", "-qec")
    assert len(re.findall(r"\r\d+ of 20 tests, [01] failed, about \d+:\d\d left +(?=\r)", said)) == 20, said
    assert "failed: " in said


def test_who_has_a_few_red_tests_is_told_which_tools_are_other_ones() -> None:
    seen = {"bash": ["5.2.15", "5.3.1"], "strace": ["6.1"], "clang": ["14.0.6", "21.1"]}
    same = {"bash": "5.2.37", "strace": "6.1", "clang": "14.0.6", "tmux": "3.5a"}
    assert verdict(same, seen).startswith("It is the course, or this machine")
    for tool, other in (("bash", "5.10"), ("strace", "6.0"), ("clang", "22.1.0")):
        said = verdict(same | {tool: other}, seen)
        assert said.startswith("Perhaps it is not the course")
        assert f"{tool} {other} (not " in said and said.count("(") == 1
    assert "cannot be said" in verdict(same, {})
