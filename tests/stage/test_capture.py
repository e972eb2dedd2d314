"""What a terminal has printed, as lines: what the shell says of a job is the same whichever bash it is.

cases/matching.json has, as "said", what bash 5.2.15 and 5.3.15 have really printed, the command that was typed, and
what is output of that; as "printed", texts of which more is output, or all.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from play import LEVEL, green, page, private_stage, scene, stage
from support import ROOT

from stage.check.capture import settled

CASES = json.loads((ROOT / "tests/cases/matching.json").read_text())


@pytest.mark.parametrize("case", CASES["said"], ids=[case["name"] for case in CASES["said"]])
def test_what_the_shell_says_is_the_same_with_every_bash(case: dict[str, Any]) -> None:
    assert settled(case["old"], case["typed"]) == case["lines"]
    assert settled(case["new"], case["typed"]) == case["lines"]


@pytest.mark.parametrize("case", CASES["printed"], ids=[case["name"] for case in CASES["printed"]])
def test_all_else_is_output(case: dict[str, Any]) -> None:
    assert settled(case["text"], case["typed"]) == case["lines"]


@private_stage
def test_what_this_machines_bash_says_is_known(tmp_path: Path) -> None:
    path = page(
        tmp_path,
        scene(
            """
            $ sh -c 'kill -BUS $$'
            Bus error
            [135]
            $ for n in 1 2
            > do sh  -c 'echo $0; kill -KILL $$' one  two 2>&1
            > done
            one
            Killed
            one
            Killed
            [137]
            $ sh << END
            > echo here
            > kill -TERM \\$\\$
            > END
            here
            Terminated
            [143]
            (x) $ sh -c 'read word'
            [blocked in read]
            (x)
            ^Z
            [1]+  Stopped                 sh -c 'read word'
            [148]
            (x) $ fg
            sh -c 'read word'
            [blocked in read]
            (x)
            ^\\
            Quit
            [131]
            (y) $ sh -c 'kill -SEGV $$'; sleep 0.3
            Segmentation fault
            [running]
            (y)
            """
        ),
    )
    green(stage("check", path, "--level", LEVEL, "--programs", tmp_path))
