"""What compilers and analyzers see, and that they would see a fault.

No tool here sees a race between processes: only the tests of behaviour do.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROGRAMS, ROOT

SOURCES = sorted(str(file.relative_to(ROOT)) for file in ROOT.glob("code/*/*.c"))
FAMILIES = ["mmap", "shm", "sem", "mq"]

SANITIZERS = "-std=c11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"

ANALYZER = ["gcc", "-std=c11", "-O0", "-fanalyzer", "-Werror", "-c", "-o", os.devnull]

# All checks for bugs, less those that are at odds with the course:
CHECKS = [
    "-*",
    "bugprone-*",
    "cert-*",
    "clang-analyzer-*",
    "concurrency-*",
    "misc-*",
    "performance-*",
    "portability-*",
    # Every file begins with a feature macro, and those are reserved names.
    "-bugprone-reserved-identifier",
    "-cert-dcl37-c",
    "-cert-dcl51-cpp",
    # Wants the result of fprintf(stderr, "usage..."), of whose failure nobody
    # could be told. That of printf() is tested, with a full device.
    "-cert-err33-c",
    # sleep() in a process that has one thread.
    "-concurrency-mt-unsafe",
    # Newer versions want each header named for each symbol; ours are POSIX'.
    "-misc-include-cleaner",
    # memset_s() and its kind, which no C library here has.
    "-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling",
]
TIDY = [
    "clang-tidy",
    "--quiet",
    "--warnings-as-errors=*",
    f"--checks={','.join(CHECKS)}",
]

CPPCHECK = [
    "cppcheck",
    "--quiet",
    "--enable=all",
    "--std=c11",
    "--error-exitcode=1",
    "--suppress=missingIncludeSystem",  # it knows the C library without
    "--suppress=checkersReport",  # newer versions count what they did
    "--suppress=unmatchedSuppression",  # older ones do not know that one
]

# One fault for each tool. They are small, and none of them is a lesson.
AFTER = """
#include <stdlib.h>
int main(void)
{
    char *volatile memory = calloc(4, 1);
    free(memory);
    return memory[0];
}
"""
SIGNED = """
#include <limits.h>
int main(int argc, char **argv)
{
    (void)argv;
    return (INT_MAX - 1 + argc + argc) == 0;
}
"""
TWICE = """
#include <stdlib.h>
int main(void)
{
    char *memory = malloc(4);
    free(memory);
    free(memory);
    return 0;
}
"""
ATOI = """
#include <stdlib.h>
int main(int argc, char **argv)
{
    return argc > 1 ? atoi(argv[1]) : 0;
}
"""
BEYOND = """
int main(void)
{
    int numbers[4] = {0};
    return numbers[4];
}
"""


def call(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a tool in the repository, as if by hand: no make, no pytest above it."""
    above = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTEST_")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(above)}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**clean, "LC_ALL": "C", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def is_silent(*command: str) -> None:
    result = call(*command)
    # clang-tidy counts what it has left out of the system's headers.
    heard = [
        line
        for line in result.stdout.splitlines()
        if not line.endswith("warnings generated.")
    ]
    assert (heard, result.returncode) == ([], 0)


def planted(folder: Path, source: str) -> str:
    file = folder / "planted.c"
    file.write_text(source)
    return str(file)


def need(tool: str) -> None:
    if not shutil.which(tool):
        pytest.skip(f"needs {tool}")


# -------------------------------------------------------------------- sanitizers


def sanitized(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    """Compile one source with the sanitizers and run it."""
    program = str(folder / "planted")
    compiler = os.environ.get("CC", "cc")
    file = planted(folder, source)
    built = call(compiler, *SANITIZERS.split(), "-w", "-o", program, file)
    if built.returncode and "asan" in built.stdout:
        pytest.skip(f"needs the sanitizers of {compiler}")
    assert built.returncode == 0, built.stdout
    return call(program)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_sanitizers_find_nothing(family: str, tmp_path: Path) -> None:
    """The tests of the family, over again, with programs that watch themselves."""
    assert sanitized(tmp_path, "int main(void) { return 0; }").returncode == 0
    programs = Path("build", "asan")
    (ROOT / programs).mkdir(parents=True, exist_ok=True)
    with (ROOT / programs / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one builds, and the others find it built
        built = call("make", "programs", f"build={programs}", f"CFLAGS={SANITIZERS}")
    assert built.returncode == 0, built.stdout
    program = next((ROOT / programs / family).glob("[0-9]*-*"))
    assert b"__asan_init" in program.read_bytes()

    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    base = f"--basetemp={tmp_path / 'again'}"
    file = str(Path(__file__).with_name(f"test_{family}.py"))
    result = call(*tests, base, file, PROGRAMS=str(programs))
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("source", "text"),
    [(AFTER, "heap-use-after-free"), (SIGNED, "signed integer overflow")],
    ids=["address", "undefined"],
)
def test_the_sanitizers_find_a_planted_bug(
    source: str, text: str, tmp_path: Path
) -> None:
    result = sanitized(tmp_path, source)
    assert result.returncode != 0
    assert text in result.stdout


# --------------------------------------------------------------------- analyzers


def test_the_analyzer_of_gcc_finds_nothing() -> None:
    need("gcc")
    for source in SOURCES:
        is_silent(*ANALYZER, source)


def test_the_analyzer_of_gcc_finds_a_planted_bug(tmp_path: Path) -> None:
    need("gcc")
    result = call(*ANALYZER, planted(tmp_path, TWICE))
    assert result.returncode != 0
    assert "-Werror=analyzer-double-free" in result.stdout


def test_clang_tidy_finds_nothing() -> None:
    need("clang-tidy")
    is_silent(*TIDY, *SOURCES, "--", "-std=c11")


@pytest.mark.parametrize(
    ("source", "check"),
    [(TWICE, "clang-analyzer-unix.Malloc"), (ATOI, "cert-err34-c")],
    ids=["analyzer", "cert"],
)
def test_clang_tidy_finds_a_planted_bug(
    source: str, check: str, tmp_path: Path
) -> None:
    need("clang-tidy")
    result = call(*TIDY, planted(tmp_path, source), "--", "-std=c11")
    assert result.returncode != 0
    assert check in result.stdout


def test_cppcheck_finds_nothing() -> None:
    need("cppcheck")
    is_silent(*CPPCHECK, *SOURCES)


def test_cppcheck_finds_a_planted_bug(tmp_path: Path) -> None:
    need("cppcheck")
    result = call(*CPPCHECK, planted(tmp_path, BEYOND))
    assert result.returncode != 0
    assert "arrayIndexOutOfBounds" in result.stdout


def test_the_programs_are_all_looked_at() -> None:
    names = {Path(source).stem for source in SOURCES}
    built = {p.name for p in PROGRAMS.glob("*/[0-9]*-*") if p.is_file()}
    assert len(names) == len(SOURCES)
    assert names <= built
