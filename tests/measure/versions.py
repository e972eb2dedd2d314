"""Which versions of the tools make check has been green with, and which are newer on this machine.

Usage: python3 tests/measure/versions.py          one line, for a run that was not green
       python3 tests/measure/versions.py --here   the versions of this machine
       python3 tests/measure/versions.py --green  adds them to versions.txt; make machines does that, too
"""

import os
import re
import subprocess
import sys
from pathlib import Path

TESTED = Path(__file__).with_suffix(".txt")
COMMENT = "# make check was green with these versions; tests/measure/versions.py adds to them.\n"
TOOLS = ("bash", "gcc", "clang", "clang-tidy", "cppcheck", "strace", "ls", "diff", "ldd", "unshare", "tmux",
         "doxygen", "chromium-headless-shell", "chromium", "python3")


def here() -> dict[str, str]:
    """Return the version of each tool that is there; ls is coreutils, ldd the C library, unshare util-linux."""
    found = {"linux": number(os.uname().release)}
    for tool in TOOLS:
        try:
            asked = subprocess.run([tool, "-V" if tool == "tmux" else "--version"], stdin=subprocess.DEVNULL,
                                   capture_output=True, text=True)
        except OSError:
            continue
        found[tool] = number(asked.stdout)
    return {tool: version for tool, version in found.items() if version}


def number(text: str) -> str:
    """Return the first version in this text, or nothing."""
    version = re.search(r"\d+(\.\d+)+\w?", text)
    return version[0] if version else ""


def order(version: str) -> list[int]:
    """Return what versions are sorted by."""
    return [int(part) for part in re.findall(r"\d+", version)]


def tested() -> dict[str, list[str]]:
    """Return the versions that were seen green, from the oldest to the newest."""
    lines = TESTED.read_text().splitlines() if TESTED.exists() else []
    return {line.split()[0]: line.split()[1:] for line in lines if line[0] != "#"}


def add(found: dict[str, str]) -> None:
    """Add these to what was seen green."""
    before = tested()
    merged = {tool: {*before.get(tool, ()), *filter(None, [found.get(tool)])} for tool in {*before, *found}}
    TESTED.write_text(COMMENT + "".join(
        " ".join([tool, *sorted(merged[tool], key=order)]) + "\n" for tool in sorted(merged)))


def verdict(found: dict[str, str], seen: dict[str, list[str]]) -> str:
    """Return the line for somebody who has a few red tests: whose fault it may be."""
    if not seen:
        return "Whether it is the course or a tool cannot be said: no run that was green has been recorded yet."
    others = [f"{tool} {version} (not {seen[tool][0]} to {seen[tool][-1]})" for tool, version in found.items()
              if tool in seen and not order(seen[tool][0]) <= order(version) <= order(seen[tool][-1])]
    if others:
        return f"Perhaps it is not the course: other tools than where all was green: {', '.join(others)}."
    return "It is the course, or this machine: all its tools are as where all was green."


def main(arguments: list[str]) -> int:
    """Do what the usage says; return the exit status."""
    match arguments:
        case []:
            print(verdict(here(), tested()))
        case ["--here"]:
            print("\n".join(f"{tool} {version}" for tool, version in here().items()))
        case ["--green"]:
            add(here())
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
