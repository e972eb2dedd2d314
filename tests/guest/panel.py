"""The panel of the Linux in the page, as a reader uses it."""

import json
from typing import Any

import browser
import firefox
from support import ROOT

MADE = (ROOT / "build/html/_static/machine/state.zst").exists()
PANEL = "document.querySelector('#try')"
#: The first session, which is fresh, and has two terminals.
FIRST = "scene-screenplay-sysprog-posix-ipc-1"
#: What a deed has said when it is done.
DONE = r"/^(✓|✗|Ready|As at|One cue|The Linux)/"


class Panel:
    """What is pressed, and what is seen."""

    def __init__(self, tab: "browser.Tab | firefox.Firefox", address: str) -> None:
        self.tab = tab
        tab.go(address)
        name = address.rpartition("/")[2].partition(".html")[0] + ".json"
        self.page = json.loads((ROOT / "build/html/_static/machine" / name).read_text())

    def open(self, anchor: str) -> None:
        """Press the button at a session, and wait until something can be played."""
        self.tab.run(f"if ({PANEL}) {PANEL}.querySelector('.said').textContent = '';"
                     f"document.querySelector('#{anchor} .try').click()")
        self.done()

    def done(self) -> str:
        """What is said when a deed is done."""
        said = f"{PANEL}?.querySelector('.said').textContent"
        self.tab.until(f"{DONE}.test({said}) && !{PANEL}.dataset.busy")
        return str(self.tab.run(said))

    def press(self, deed: str) -> str:
        """Press a button; return what is said then."""
        self.tab.run(f"{PANEL}.querySelector('.said').textContent = ''; {PANEL}.querySelector('.{deed}').click()")
        return self.done()

    def press_cue(self, index: int) -> str:
        """Press a cue in the list."""
        self.tab.run(f"{PANEL}.querySelector('.said').textContent = '';"
                     f"{PANEL}.querySelector('li[data-cue=\"{index}\"] button').click()")
        return self.done()

    def cues(self, scene: int) -> list[tuple[int, dict[str, Any]]]:
        """The cues of a session, with their indexes in the page."""
        return [(index, cue) for index, cue in enumerate(self.page["cues"]) if cue["scene"] == scene]

    def marks(self) -> str:
        """The marks of the cues that are listed."""
        marks = f"[...{PANEL}.querySelectorAll('li .mark')]"
        return str(self.tab.run(f"{marks}.map(one => one.textContent || '-').join('')"))

    def printed(self) -> dict[str, str]:
        """Terminal -> what is seen in it."""
        return dict(self.tab.run(f"[...{PANEL}.querySelectorAll('.terminal')].filter(one => !one.hidden).map(one => "
                                 "[one.querySelector('b').textContent, one.querySelector('pre').textContent])"))

    def type(self, terminal: str, text: str) -> None:
        """Type a line into a terminal."""
        self.tab.run(f"[...{PANEL}.querySelectorAll('.terminal')].find(one => one.querySelector('b').textContent === "
                     f"{json.dumps(terminal)}).querySelector('input').focus()")
        self.tab.send("Input.insertText", text=text)
        key(self.tab, "Enter", 13, "\r")


def key(tab: browser.Tab, name: str, code: int, text: str = "", modifiers: int = 0) -> None:
    """Press a key where the focus is."""
    for kind, more in (("keyDown", {"text": text} if text else {}), ("keyUp", {})):
        tab.send("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                 modifiers=modifiers, **more)
