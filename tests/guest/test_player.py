"""The player of the page keeps to the cases that make check keeps to: node runs these."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support import ROOT

from stage.check.capture import SIGNALS
from stage.page.model import TIMED_SLEEPS
from stage.sandbox.processes import TIMEOUTS

TESTS = sorted((ROOT / "tests/guest").glob("*.test.mjs"))
KNOWN = json.dumps({"timeouts": TIMEOUTS, "timedSleeps": sorted(TIMED_SLEEPS)})

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="needs node")


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name.removesuffix(".test.mjs"))
def test_node_finds_nothing_wrong(file: Path) -> None:
    done = subprocess.run(["node", "--test", file], capture_output=True, text=True,
                          env={**os.environ, "KNOWN": KNOWN})
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_knows_the_words_of_all_signals() -> None:
    script = "import('./stage/guest/player/printed.js').then(({SIGNALS}) => console.log(JSON.stringify(SIGNALS)))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert sorted(json.loads(done.stdout)) == sorted(set(SIGNALS))
