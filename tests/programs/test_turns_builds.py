"""The counts are the same whoever has compiled the programs, if lines stay apart; and with what a reader has."""

import shutil
import subprocess
from pathlib import Path

import process
import pytest
from orders import COUNTS, Names, numbers, surroundings, turns
from support import ROOT, version

BUILDS = [("gcc", "-O0"), ("gcc", "-O0 -gdwarf-4 -no-pie"), ("clang", "-O0"), ("gcc", "-O0 -m32"),
          ("gcc", "-O0 -static"), ("musl-gcc", "-O0"),
          ("gcc", "-O0 -fcf-protection -fstack-protector-strong")]  # as distributions do


@pytest.mark.parametrize(("compiler", "flags"), BUILDS, ids=[" ".join(build) for build in BUILDS])
def test_the_counts_are_those_of_any_build(compiler: str, flags: str, names: Names, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    if not version(compiler) and not shutil.which(compiler):
        pytest.skip(f"needs {compiler}")
    (tmp_path / "turns").mkdir()
    for source in sorted((ROOT / "code/turns").glob("*.c")):
        built = subprocess.run([compiler, "-g", *flags.split(), "-o", tmp_path / "turns" / source.stem,
                                source.relative_to(ROOT)], cwd=ROOT, capture_output=True, text=True)
        if built.returncode and "-m32" in flags:
            pytest.skip("needs a compiler and C library for 32 bits (gcc-multilib)")
        assert built.returncode == 0, built.stderr
    monkeypatch.setattr(process, "folder", tmp_path)
    for kind, program, rounds, counts in COUNTS.values():
        if counts[0] < 100:
            options, command = getattr(names, kind)(program, *[rounds] if rounds else [])
            assert numbers(turns("all", options, command)) == counts, program


def test_what_lies_before_the_program_in_its_memory_does_not_matter(names: Names) -> None:
    unlimited = ["sh", "-c", 'ulimit -s unlimited && exec "$@"', "sh"]  # then it is the dynamic linker
    if subprocess.run([*unlimited, "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("needs to be allowed a stack without limit")
    options, command = names.counter("010-turns-add-wrong")
    assert numbers(turns("all", options, command, prefix=unlimited)) == (6, 4, 0)


def test_a_download_is_compiled_and_played_where_it_is(names: Names, tmp_path: Path) -> None:
    for program in ("turns", "010-turns-add-wrong"):
        shutil.copy(ROOT / f"code/turns/{program}.c", tmp_path)
    subprocess.run(["cc", "-o", "turns", "turns.c"], cwd=tmp_path, check=True)
    subprocess.run(["cc", "-g", "010-turns-add-wrong.c"], cwd=tmp_path, check=True)
    done = subprocess.run(["./turns", "-m", f"{names.one}=0", "-e", "2", "all", "./a.out", names.one],
                          cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines()[0] == "6 orders, 4 wrong, 0 deadlocks"


def test_a_table_beside_the_program_stands_in_for_objdump(names: Names, tmp_path: Path) -> None:
    options, command = names.counter("010-turns-add-wrong")
    shutil.copy(command[0], tmp_path)
    program = tmp_path / "010-turns-add-wrong"
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "cat", "awk"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    less = {**surroundings(), "env": {**surroundings()["env"], "PATH": str(tools)}}
    refused = turns("all", options, [str(program), *command[1:]], **less)
    assert refused.stderr.startswith(f"turns: {program}: no marked lines: ")
    (tmp_path / "010-turns-add-wrong.lines").write_text(subprocess.run(
        ["objdump", "-w", "--dwarf=decodedline", program], capture_output=True, text=True, check=True).stdout)
    shutil.copy(ROOT / "code/turns/010-turns-add-wrong.c", tmp_path)
    subprocess.run(["strip", program], check=True)
    assert numbers(turns("all", options, [str(program), *command[1:]], **less)) == (6, 4, 0)
