"""What a pane shows when its width changes: commands as they were typed, and programs that know its size."""

from pathlib import Path

import pytest
from play import page, scene
from show import Show, fast, jump, performed, show

from stage.perform.echo import logical

pytestmark = performed

LONG = "echo " + " ".join(f"word{number}" for number in range(24))
SAID = LONG.removeprefix("echo ")
ONE = scene(f"$ {LONG}\n{SAID}\n", "fresh")
TWO = scene(f"$ {LONG} again\n{SAID} again\n(other) $ cat\n[blocked]\n")
BACK = scene(f"(other)\n^D\n(other) $ {LONG}\n{SAID}\n")


def lines(on: Show, name: str) -> list[str]:
    """The lines of a pane; a row that is full goes on in the next one."""
    columns = int(size_of(on, name).split()[-1])
    text = "".join(row.ljust(columns) + "\n" * (len(row) < columns) for row in on.panes()[name].split("\n"))
    return [line.rstrip() for line in text.rstrip("\n").split("\n")]


def size_of(on: Show, name: str) -> str:
    """Rows and columns of a pane, as stty(1) prints them."""
    form = "#{@name} #{pane_height} #{pane_width}"
    found = [line.split(" ", 1) for line in on.inner("list-panes", "-t", "stage:", "-F", form).splitlines()]
    return dict(found).get(name, "0 1")


def test_commands_that_have_wrapped_stay_whole_when_the_number_of_panes_changes(tmp_path: Path) -> None:
    with show(page(tmp_path, ONE, TWO, BACK), size=(100, 80)) as on:
        on.noted("echo word0")
        fast(on, "✓ echo word0")
        on.type("echo mine " + "y" * 120)
        on.press("C-a", "C-f", "C-d", "C-e", "z", "Enter")
        mine = "eho mine " + "y" * 120 + "z"
        on.shown("main", "$")
        first = [f"$ {LONG}", SAID, f"$ {mine}", "bash: eho: command not found", "$"]
        on.wait(lambda: lines(on, "main") == first)
        on.press("PageDown")  # now there are two panes
        on.noted("again")
        second = [*first[:-1], f"$ {LONG} again", f"{SAID} again", "$"]
        on.wait(lambda: lines(on, "main") == second)
        fast(on, "✓ cat", "✓ ^D", f"✓ {LONG}"[:60])
        third = ["$ cat", f"$ {LONG}", SAID, "$"]
        on.wait(lambda: lines(on, "other") == third)  # and one again


def squeezed(text: str) -> str:
    """A text without its blanks: at the end of a row they cannot be seen."""
    return "".join(text.split())


def test_a_line_that_is_being_typed_is_drawn_once_when_the_window_changes(tmp_path: Path) -> None:
    with show(page(tmp_path, ONE)) as on:
        on.noted("echo word0")
        on.press("PageDown")
        on.noted("[Enter]")
        for columns, rows in ((80, 24), (130, 40), (100, 30)):
            on.tmux("resize-window", "-x", str(columns), "-y", str(rows))
            width = f"{columns}\n"
            on.wait(lambda: on.inner("display", "-p", "-t", "stage:", "#{window_width}") == width)
            on.wait(lambda: squeezed(on.panes()["main"]) == squeezed(f"$ {LONG}"))
        on.press("BSpace", "BSpace", "4", "2")
        on.wait(lambda: squeezed(on.panes()["main"]) == squeezed(f"$ {LONG[:-2]}42"))
        on.press("PageDown")
        on.shown("main", "$")
        assert lines(on, "main") == [f"$ {LONG}", SAID, "$"]


@pytest.mark.parametrize("size", [(160, 45), (100, 40), (80, 24)])
def test_programs_know_the_size_of_their_pane(tmp_path: Path, size: tuple[int, int]) -> None:
    with show(page(tmp_path, ONE, TWO, BACK), size=size) as on:
        on.noted("Second screen")
        on.shown("main", "$")
        on.type("stty size")
        on.press("Enter")
        on.wait(lambda: lines(on, "main")[:3] == ["$ stty size", size_of(on, "main"), "$"])
        jump(on, "2")
        on.wait(lambda: len(on.panes()) == 3)
        on.shown("main", "$")
        on.type("stty size; sh -c 'while read x; do stty size; done'")
        on.press("Enter")
        on.shown("main", size_of(on, "main"))
        before, window = size_of(on, "main"), on.inner("display", "-p", "-t", "stage:", "#{window_id}")
        on.tmux("resize-window", "-x", "120", "-y", "33")  # while the program runs
        on.wait(lambda: on.inner("display", "-p", "-t", "stage:", "#{window_id}") != window)
        on.wait(lambda: before in on.panes()["main"])
        # Asked again and again, for tmux knows the size of a pane a moment before the program does.
        on.wait(lambda: on.press("Enter") or size_of(on, "main") in on.panes()["main"])
        on.press("C-d")
        on.shown("main", "$")


ECHOES = {
    "in one row": (b"$ ls", ["$ ls"]),
    "wrapped, as readline does it": (b"$ 345678901 \r12", ["$ 34567890112"]),
    "a letter inserted into the first of two rows": (b"$ 345678901 \r1\x1bM\r$ \x1b[1@x\r\n11", ["$ x3456789011"]),
    "what has been deleted": (b"$ abc\b\b\x1b[1P", ["$ ac"]),
    "two lines": (b'$ \r\nUse "x"\r\n', ["$", 'Use "x"']),
    "erased to the end": (b"$ abcdef\r$ \x1b[K", ["$"]),
}


@pytest.mark.parametrize("echo, shown", ECHOES.values(), ids=ECHOES)
def test_what_readline_has_drawn_is_known_as_lines(echo: bytes, shown: list[str]) -> None:
    assert logical(echo, 11) == shown
