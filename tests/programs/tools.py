"""Compilers and analyzers, and sources for them."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from support import ROOT, version

SANITIZERS = "-std=c11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all"


def need(tool: str) -> None:
    if not version(tool):
        pytest.skip(f"needs {tool}")


def call(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool in the repository."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )


def planted(folder: Path, source: str) -> str:
    """Write a source into a file of its own; return its path."""
    file = folder / "planted.c"
    file.write_text(source)
    return str(file)


def sanitized(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    """Compile one source with the sanitizers and run it."""
    program = str(folder / "planted")
    compiler = os.environ.get("CC", "cc")
    file = planted(folder, source)
    built = call(compiler, *SANITIZERS.split(), "-w", "-o", program, file)
    if built.returncode and re.search("asan|libsanitizer", built.stderr):
        pytest.skip(f"needs the sanitizers of {compiler}")
    assert built.returncode == 0, built.stderr
    return call(program)
