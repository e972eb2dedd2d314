"""The machine comes into the site, and goes from it without a trace."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from copies import make, replace
from support import ROOT
from test_without_a_machine import pages

MACHINE = ROOT / "build/machine"

pytestmark = [pytest.mark.thorough,
              pytest.mark.skipif(not (MACHINE / "state.json").exists(), reason="needs make machine")]


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


def test_what_the_player_is_told_follows_what_it_is_made_from(made: Path) -> None:
    sources = made / "build/machine/SOURCES"
    sources.parent.mkdir()
    for path in MACHINE.iterdir():
        (sources.parent / path.name).symlink_to(path)
    sources.unlink()
    shutil.copy(MACHINE / "SOURCES", sources)

    def told() -> dict[str, Any]:
        done = make(made, "html")
        assert done.returncode == 0, done.stdout
        return dict(json.loads((made / "build/html/_static/machine/screenplay.json").read_text()))

    before = told()
    replace(made / "stage/guest/otherwise.json", "A semaphore has", "A semaphore, it has")
    assert told()["otherwise"] != before["otherwise"]
    replace(made / "stage/guest/terminal.py", "SLOW = ", "SLOW = 0.5 * ")
    assert told()["slow"] == before["slow"] / 2
    replace(made / "stage/sandbox/processes.py", "'poll': ", "'polled': ")
    assert "polled" in told()["known"]["timeouts"]
    sources.write_text("another")
    assert told()["files"]["sources"]["size"] == len("another")
