"""Where things are, and what is around them, for all tests."""

import functools
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SCREENPLAY = DOCS / "screenplay.rst"
CONTRIBUTING = DOCS / "contributing.rst"
PROGRAMS = ROOT / os.environ.get("PROGRAMS", "build")

# Programs of the course that are to be read afterwards: they teach no one call.
TOOLS = {"turns.c", "agent.c"}

# Who is nobody in particular: no group, no file, no object of ours.
STRANGER = 65534

# Not a pause: after this many seconds, what a test waits for is held not to happen.
BOUND = 60.0

# Settings of a person, or of whoever started the tests (make, a hook of git, tmux), that change
# what a tool does or which files it works on. What is not here is meant: CC, CFLAGS, PROGRAMS,
# TMPDIR, LD_LIBRARY_PATH, the locale, a proxy.
SETTINGS = re.compile(r"""
    GIT_.* |                                         # another repository, index, author
    PIP_.* | PYTHON.* | PYTEST_(ADDOPTS|PLUGINS) |
    MAKE.* | MFLAGS | GNUMAKEFLAGS |                 # of the make above
    TMUX.* |
    BASH.* | ENV | SHELLOPTS | CDPATH | GLOBIGNORE | PROMPT_COMMAND | PS[0-4] | TMOUT | MAIL.* |
    INPUTRC | HIST.* | POSIXLY_CORRECT |
    GREP_.* | LS_.* | TIME_STYLE | QUOTING_STYLE | BLOCK_?SIZE | TAR_OPTIONS |
    COLUMNS | LINES | GCC_COLORS | FORCE_COLOR | CLICOLOR_FORCE |
    LD_(?!LIBRARY_PATH$).* | GLIBC_TUNABLES | MALLOC_.*
""", re.VERBOSE)
# Of these, what says where packages come from, and where compiled Python goes.
KEPT = re.compile(r"""
    PIP_(INDEX_URL|EXTRA_INDEX_URL|NO_INDEX|FIND_LINKS|TRUSTED_HOST|CERT|CLIENT_CERT|PROXY|
         TIMEOUT|DEFAULT_TIMEOUT|RETRIES|CONFIG_FILE) |
    PYTHONPYCACHEPREFIX
""", re.VERBOSE)


def clean_environment(**more: str) -> dict[str, str]:
    """Return the caller's environment without SETTINGS, and with `more`.

    Tests need it for nothing: conftest.py makes it their own before the first one is read.
    """
    caller = {name: value for name, value in os.environ.items()
              if KEPT.fullmatch(name) or not SETTINGS.fullmatch(name)}
    return {"PYTHONPYCACHEPREFIX": str(ROOT / "build/pycache"), **caller, **more}


@functools.cache
def version(tool: str) -> str:
    """Return what "TOOL --version" answers; nothing if it does not: a stub may have the name."""
    try:
        done = subprocess.run([tool, "--version"], capture_output=True, text=True, errors="replace", timeout=BOUND)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
