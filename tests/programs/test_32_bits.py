"""Programs for 32 bits beside those for 64, on one machine."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import objects
import pytest
from process import good, refused, run
from support import ROOT


@pytest.fixture
def narrow(tmp_path: Path) -> Callable[[str], Path]:
    """Compiles a program for 32 bits."""

    def compiled(program: str) -> Path:
        source = next((ROOT / "code").glob(f"*/{program}.c"))
        target = tmp_path / f"{program}-32"
        built = subprocess.run(["gcc", "-m32", "-o", target, source], capture_output=True, check=False)
        if built.returncode:
            pytest.skip("needs a compiler and C library for 32 bits (gcc-multilib)")
        return target

    return compiled


def test_a_32_bit_program_reads_another_number(name: str, narrow: Callable[[str], Path]) -> None:
    """glibc keeps the number of waiters in another place there."""
    good("100-sem-create", name, 7)
    if objects.semaphore(name).name != f"sem.{name[1:]}":
        pytest.skip("this C library is not glibc")
    narrow_value = narrow("125-sem-value")
    assert run("125-sem-value", name, executable=narrow_value).stdout == "3\n"


def test_a_32_bit_program_refuses_the_same_numbers(name: str, narrow: Callable[[str], Path]) -> None:
    creator = narrow("100-sem-create")
    largest = run("100-sem-create", name, 2**31 - 1, executable=creator)
    assert (largest.returncode, largest.stderr) == (0, "")
    objects.remove(name)
    text = f"sem_open {name}: Invalid argument"
    refused("100-sem-create", text, name, 2**31, executable=creator)
    result = run("100-sem-create", name, 2**32, executable=creator)
    assert (result.returncode, "usage:" in result.stderr) == (2, True)


LAYOUTS = """
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include "sample.h"
struct first { uint32_t channel; uint64_t timestamp; double value; };
#define ALL(type, size, a, b, c) static_assert(sizeof(struct type) == size && offsetof(struct type, channel) == a \\
    && offsetof(struct type, timestamp) == b && offsetof(struct type, value) == c, #type)
#if defined __x86_64__
ALL(first, 24, 0, 8, 16);
#elif defined __i386__
ALL(first, 20, 0, 4, 12);
#endif
ALL(sample, 24, 16, 0, 8);
"""


@pytest.mark.parametrize("option", ["-m64", "-m32"])
def test_a_sample_has_the_layouts_of_the_figure(option: str) -> None:
    compiler = [shutil.which("gcc") or "cc", option, "-x", "c", "-fsyntax-only", "-I", ROOT / "code/mq", "-"]
    if subprocess.run(compiler, input=b"#include <stdint.h>", capture_output=True, check=False).returncode:
        pytest.skip(f"needs a compiler that knows {option} (gcc-multilib)")
    done = subprocess.run(compiler, input=LAYOUTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
