"""Where things are, for all tests."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SCREENPLAY = DOCS / "screenplay.rst"
CONTRIBUTING = DOCS / "contributing.rst"
PROGRAMS = ROOT / os.environ.get("PROGRAMS", "build")

# Who is nobody in particular: no group, no file, no object of ours.
STRANGER = 65534
