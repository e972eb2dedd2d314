"""How soon a performance obeys: seconds from a key to what it does."""

import re
import statistics
import tempfile
import time
from pathlib import Path

from play import Signal, page, public_folder, scene
from show import fast, jump, show
from support import SCREENPLAY

from stage.page.reader import read


def key_to_enter(rounds: int) -> float:
    """The seconds from pressing the key to the command being executed, the middle of some."""
    taken = []
    with public_folder() as folder, tempfile.TemporaryDirectory() as pages:
        heard = Signal(folder)
        lines = "".join(f"$ echo {number} > {heard.path}\n" for number in range(rounds))
        with show(page(Path(pages), scene(lines)), size=(120, 40)) as on:
            on.noted("echo 0")
            on.press("F9")
            on.noted("[fast]")
            for number in range(rounds):
                on.noted(f"$ echo {number}")
                began = time.monotonic()
                on.press("PageDown")
                assert heard.wait() == str(number)
                taken.append(time.monotonic() - began)
        heard.close()
    return statistics.median(taken)


def jump_to_the_last_scene() -> float:
    """The seconds of a jump over the whole screenplay, without what its programs sleep."""
    scenes = read(str(SCREENPLAY)).scenes
    last = len(scenes)
    with show(SCREENPLAY, size=(160, 50)) as on:
        on.noted("cat /etc/passwd")
        jump(on, str(last))
        began = time.monotonic()
        on.noted(f"{last}/{last}")
        on.wait(lambda: "Replaying" not in on.notes() and "$" in str(on.panes()))
        taken = time.monotonic() - began
        fast(on, f"✓ {scenes[-1].cues[0].title()}")
        slept = re.search(r"([\d.]+) s of their own", on.quit())
    assert slept
    return taken - float(slept[1])
