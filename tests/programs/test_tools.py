"""What compilers and analyzers see, and that they would see a fault.

No tool here sees a race between processes: only the tests of behaviour do.
"""

import os
import subprocess
from pathlib import Path

import pytest
from support import PROGRAMS, ROOT
from tools import call, need, planted, sanitized

SOURCES = sorted(str(file.relative_to(ROOT)) for file in ROOT.glob("code/*/*.c"))

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
    # The scheduler runs the commands that it is told.
    "-cert-env33-c",
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

# Not "all": what it says about itself, "information", differs from version to version.
CPPCHECK = [
    "cppcheck",
    "--quiet",
    "--enable=warning,style,performance,portability,unusedFunction",
    "--std=c11",
    # A program to be finished does not change yet all that it will.
    "--suppress=constVariablePointer:code/exercises/*",
    # Of some versions, for every long function: that they do not look at all of its branches.
    "--suppress=normalCheckLevelMaxBranches",
    "--error-exitcode=1",
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


def finds_nothing(*command: str) -> None:
    """Progress, which some versions write to standard error, is no finding."""
    result = call(*command)
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


# -------------------------------------------------------------------- sanitizers


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
    assert text in result.stdout + result.stderr


# --------------------------------------------------------------------- analyzers


def test_the_analyzer_of_gcc_finds_nothing() -> None:
    need("gcc")
    for source in SOURCES:
        finds_nothing(*ANALYZER, source)


def test_the_analyzer_of_gcc_finds_a_planted_bug(tmp_path: Path) -> None:
    need("gcc")
    result = call(*ANALYZER, planted(tmp_path, TWICE))
    assert result.returncode != 0
    assert "-Werror=analyzer-double-free" in result.stdout + result.stderr


def test_clang_tidy_finds_nothing() -> None:
    need("clang-tidy")
    finds_nothing(*TIDY, *SOURCES, "--", "-std=c11")


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
    assert check in result.stdout + result.stderr


def test_cppcheck_finds_nothing() -> None:
    need("cppcheck")
    finds_nothing(*CPPCHECK, *SOURCES)


def test_cppcheck_finds_a_planted_bug(tmp_path: Path) -> None:
    need("cppcheck")
    result = call(*CPPCHECK, planted(tmp_path, BEYOND))
    assert result.returncode != 0
    assert "arrayIndexOutOfBounds" in result.stdout + result.stderr


def test_the_programs_are_all_looked_at() -> None:
    names = {f"{Path(source).parent.name}/{Path(source).stem}" for source in SOURCES}
    built = {f"{p.parent.name}/{p.name}" for p in PROGRAMS.glob("*/*") if p.is_file()}
    assert len(names) == len(SOURCES)
    assert names <= built


# ------------------------------------------------------------------- the layout


def compiles(compiler: list[str], source: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*compiler, "-std=c11", "-Werror", "-fsyntax-only", "-x", "c", "-"],
        input=source,
        cwd=ROOT / "code" / "mq",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "compiler",
    [
        "gcc",
        "clang",
        "musl-gcc",
        "gcc -m32",
        "gcc -m32 -malign-double",
        "gcc -m32 -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64",
        "clang -m32",
    ],
)
def test_every_compiler_lays_a_sample_out_alike(compiler: str) -> None:
    """sample.h asserts its own layout; here it is asserted from outside, too."""
    words = compiler.split()
    need(words[0])
    if compiles(words, "#include <stdint.h>\n#include <stddef.h>\n").returncode:
        pytest.skip(f"needs the headers of {compiler} (gcc-multilib)")
    offsets = {"timestamp": 0, "value": 8, "channel": 16, "unused": 20}
    asserts = [
        f'_Static_assert(offsetof(struct sample, {member}) == {offset}, "");'
        for member, offset in offsets.items()
    ]
    size = '_Static_assert(sizeof(struct sample) == 24, "");'
    source = "\n".join(['#include "sample.h"', *asserts, size, ""])
    result = compiles([*words, "-I", "."], source)
    assert (result.returncode, result.stderr) == (0, "")
