"""What README.rst tells a newcomer to type is what CI does, and what contributing.rst says of the machine."""

import os
import pwd
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from copies import path_without
from support import CONTRIBUTING, ROOT


def readme_commands() -> list[str]:
    return re.findall(r"^ *[$#] (.*)$", (ROOT / "README.rst").read_text(), re.M)


def test_the_readme_is_one_screen_with_two_commands() -> None:
    assert len((ROOT / "README.rst").read_text().splitlines()) <= 60
    first, second = readme_commands()
    assert first.endswith("&& make")
    assert second.endswith("&& make check")


def machine_commands() -> list[str]:
    """What root does where the machine of the pages can be made."""
    if subprocess.run(["sh", "stage/guest/machine.sh", "here"], cwd=ROOT, capture_output=True).returncode:
        return []
    [needs] = re.findall(r"^ *\$ (sudo apt-get .* gcc-multilib .*)$", CONTRIBUTING.read_text(), re.M)
    return [needs.partition(" && (command -v npm ")[0], "make machine", "make check-machine"]


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody can look into and write in."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield Path(folder)


MAKE = """
case "$*" in
check | check-machine) [ "$ALL" ] || exit 1
       echo 5 tests passed; echo "$((5 - FAILED)) passed, 2 skipped in 9.1s (0:00:09)"; exit $FAILED ;;
esac
"""


def ci(copy: Path, public: Path, failed: str) -> tuple[int, list[str], list[str]]:
    """Run .ci/run with stand-ins for what it calls; return status, lines, and the calls, each with its user."""
    fakes = Path(path_without(public / "bin", "apt-get", "make", "sudo"))
    for name, deed in (("apt-get", ""), ("make", MAKE), ("sudo", 'exec "$@"\n')):
        (fakes / name).write_text(f'#!/bin/sh\necho "$(id -u) {name} $*" >>{public}/log\nFAILED={failed}\n{deed}')
        (fakes / name).chmod(0o755)
    (public / "log").touch()
    (public / "log").chmod(0o666)
    done = subprocess.run(["bash", ".ci/run"], cwd=copy, env=os.environ | {"PATH": str(fakes)},
                          capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), (public / "log").read_text().splitlines()


def test_ci_runs_the_commands_of_the_readme_and_the_tests_once_more_as_an_ordinary_user(
        copy: Path, public: Path) -> None:
    status, said, calls = ci(copy, public, "0")
    assert status == 0, said
    me = os.geteuid()
    wanted = [part.strip() for line in readme_commands() for part in re.split(r"&&|\(|\)|\|\| true", line)
              if part.strip()]
    runs = 1
    if me == 0:
        wanted += machine_commands()
        runs = 3 if machine_commands() else 2
        wanted = [part.removeprefix("sudo ") for part in wanted]
        [other] = [call for call in calls if not call.startswith("0 ")]
        user, _, call = other.partition(" ")
        assert call == "make check"
        with pytest.raises(KeyError):
            pwd.getpwuid(int(user))
    else:
        calls = [call for call in calls if " apt-get" not in call or " sudo " in call]
    assert [call.partition(" ")[2].strip() for call in calls if call.startswith(f"{me} ")] == wanted
    assert said[-runs:] == ["5 passed, 2 skipped in 9.1s (0:00:09)"] * runs


def test_ci_goes_on_where_the_machine_cannot_be_made(copy: Path, public: Path) -> None:
    if os.geteuid():
        pytest.skip("only root makes it")
    (copy / "stage/guest/machine.sh").write_text("echo not here; exit 1\n")
    status, said, calls = ci(copy, public, "0")
    assert status == 0 and "not here" in said
    assert not [call for call in calls if "multilib" in call or "machine" in call]


def test_ci_fails_where_a_test_fails(copy: Path, public: Path) -> None:
    status, said, _ = ci(copy, public, "1")
    assert status == 1 and said[-1] == "4 passed, 2 skipped in 9.1s (0:00:09)"
