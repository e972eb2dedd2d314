"""The machine comes into the site, and goes from it without a trace."""

import os
from pathlib import Path

import pytest
from copies import make
from support import ROOT
from test_without_a_machine import pages

MACHINE = ROOT / "build/machine"


@pytest.mark.thorough
@pytest.mark.skipif(not (MACHINE / "state.json").exists(), reason="needs make machine")
def test_with_the_machine_the_buttons_come_and_go(made: Path) -> None:
    before = pages(made)
    there = made / "build/machine"
    there.symlink_to(MACHINE)
    done = make(made, "html")
    assert done.returncode == 0, done.stdout
    now = pages(made)
    assert b"./machine/try.js?v=" in now["_static/theme.js"]
    assert now["_static/machine/state.zst"] == (MACHINE / "state.zst").read_bytes()
    tried = {name for name, data in now.items() if name.endswith(".html") and b"data-tries" in data}
    told = {name.removeprefix("_static/machine/") for name in now if name.startswith("_static/machine/")}
    assert {name.replace(".html", ".json") for name in tried} == {name for name in told if name.endswith(".json")}
    os.unlink(there)
    done = make(made, "html")
    assert done.returncode == 0, done.stdout
    assert pages(made) == before
