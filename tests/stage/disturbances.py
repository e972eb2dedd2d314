"""What happens to a show in front of a class, drawn at random: none of it makes the notes say what is wrong."""

import random
import re
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

from show import Show, by_hand, place, show

from stage.page.reader import read
from stage.perform.plan import Plan

#: Seconds between two things that a hand does.
PAUSES = 0.0, 0.05, 0.3, 1.0
SIZES = [(80, 24), (60, 18), (100, 40), (160, 45)]
#: What the border of a pane says where a shell waits for a command.
AT_PROMPT = re.compile(r"(\^. pressed, )?(at its prompt|exit \d+|ended by SIG\w+)$")


class Hand:
    """Does things to a show, and knows whether a cross in the notes has a reason.

    Args:
        on: The show.
        path: Its page.
        chance: Draws.
    """

    def __init__(self, on: Show, path: Path, chance: random.Random) -> None:
        self.on, self.plan, self.chance = on, Plan(read(str(path))), chance
        self.excused = False  # something has been done that the page does not do
        self.done: list[str] = []

    def pause(self) -> None:
        """Not a wait but an input: how long a hand takes."""
        time.sleep(self.chance.choice(PAUSES))

    def at_prompt(self) -> bool:
        """Whether what is typed now goes to a shell that waits for a command, and nobody else types."""
        before = self.on.screen()
        time.sleep(0.15)
        if self.on.screen() != before or "[Enter]" in self.on.notes():
            return False
        name, _, state = self.on.inner("display", "-p", "-t", "stage:", "#{@name}|#{@state}").strip().partition("|")
        return name not in ("", "notes", "kernel", "listing") and bool(AT_PROMPT.fullmatch(state))

    def in_terminal(self, *keys: str, enter: str = "", harmless: bool = False) -> None:
        """Press keys in the terminal that has the focus; harmless is only what is so at a prompt."""
        self.excused |= not (harmless and self.at_prompt())
        for key in keys:
            self.on.press(key)
            self.pause()
        if enter:
            self.on.type(enter)
            self.pause()
            self.on.press("Enter")

    def window(self) -> str:
        """Which window of the stage is seen; another one whenever the panes are arranged."""
        return self.on.inner("display", "-p", "-t", "stage:", "#{window_id}")

    def settled(self, window: str, scene: int = 0) -> int:
        """Wait until a scene has been prepared; return its number.

        Args:
            window: Was seen when that was asked for.
            scene: Which one it is; the one that is on stage, if it is not given.
        """
        def there() -> bool:
            nonlocal scene
            assert "[exit" not in self.on.screen(), f"the show has ended: {self.on.screen()}"
            number = scene or self.on_stage()
            begins, said = place(self.plan, self.plan.of(self.plan.page.scenes[number - 1])[0]), self.on.notes()
            if begins in " ".join(said.split()) and not re.search("Replaying|✗", said) and self.window() != window:
                scene = number
                return True
            return False

        self.on.wait(there)
        self.excused = False
        return scene

    def on_stage(self) -> int:
        """The number of the scene that the strip names."""
        return int(self.on.inner("show", "-v", "-t", "stage", "@place").partition("/")[0] or 1)

    def reset(self) -> int:
        """Reset the scene on stage, and wait until that is done; return its number."""
        window = self.window()
        self.on.press("F8")
        return self.settled(window)

    # What can happen. Those that make crosses say so.

    def next(self) -> None:
        self.on.press("PageDown")
        self.pause()
        self.on.press("PageDown")

    def back(self) -> None:
        self.excused = True
        self.on.press("PageUp")

    def retry(self) -> None:
        self.excused = True
        self.letters("r")

    def skip(self) -> None:
        self.excused = True
        self.on.press("F6")

    def fast(self) -> None:
        self.on.press("F9")

    def reset_in_haste(self) -> None:
        self.excused = True
        self.on.press("F8")

    def jump_to_number(self) -> None:
        self._jump(self.chance.randint(1, len(self.plan.page.scenes)), str)

    def jump_to_title(self) -> None:
        self._jump(self.chance.choice(self._first_scenes()), lambda number: self._section(number).title)

    def jump_to_label(self) -> None:
        self._jump(self.chance.choice(self._first_scenes()), lambda number: self._section(number).label)

    def jump_nowhere(self) -> None:
        self.on.press("F7")
        self.on.type("no such place")
        self.on.press(self.chance.choice(["Enter", "Escape"]))

    def another_command(self) -> None:
        self.in_terminal(enter=self.chance.choice(["true", "echo question", "ls -l", "seq 50", "id"]), harmless=True)

    def half_a_line(self) -> None:
        self.excused |= not self.at_prompt()
        self.on.type(self.chance.choice(["ls", "echo 'unfinished", "x y z"]))

    def ctrl_c(self) -> None:
        self.in_terminal("C-c")

    def ctrl_d(self) -> None:
        self.in_terminal("C-d", harmless=True)

    def ctrl_z(self) -> None:
        self.in_terminal("C-z")

    def ctrl_s_and_q(self) -> None:
        self.on.press("C-s")
        self.pause()
        self.on.press("C-q")

    def ctrl_s(self) -> None:
        self.in_terminal("C-s")

    def exit(self) -> None:
        self.in_terminal(enter="exit")

    def resize(self) -> None:
        columns, rows = self.chance.choice(SIZES)
        self.on.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def hide_notes(self) -> None:
        self.on.press("F2")

    def another_focus(self) -> None:
        self.on.press("F4")

    def second_client(self) -> None:
        what = self.chance.choice(["stage", "notes"])
        self.on.tmux("new-window", "-d", "-n", "second", f"exec {shlex.quote(sys.executable)} -m stage attach {what}")
        self.pause()
        self.on.tmux("kill-window", "-t", ":second")

    def kernel(self) -> None:
        self.letters("k")

    def code(self) -> None:
        self.letters("c")

    def help(self) -> None:
        self.letters("?")

    def hide_notes_by_letter(self) -> None:
        self.letters("h")

    def remote(self) -> None:
        """Other buttons of a presenter's remote, while the notes have the focus, if they are there."""
        self.letters("F5", ".", "b")

    def letters(self, *keys: str) -> None:
        """Press keys in the notes, as if they had a screen of their own."""
        for key in keys:
            self.on.inner("send-keys", "-t", "notes:", key)
            self.pause()

    def _section(self, number: int):
        return self.plan.page.section_of(self.plan.page.scenes[number - 1].line)

    def _first_scenes(self) -> list[int]:
        """The first scenes of sections whose title and label mean nothing else."""
        found: dict[str, int] = {}
        for scene in self.plan.page.scenes:
            section = self._section(scene.number)
            if section and section.label and section.depth:
                found.setdefault(section.label, scene.number)
        titles = [self._section(number).title for number in found.values()]
        return [number for number in found.values() if titles.count(self._section(number).title) == 1]

    def _jump(self, number: int, called: Callable[[int], str]) -> None:
        window = self.window()
        self.on.press("F7")
        self.pause()
        self.on.type(called(number))
        self.pause()
        self.on.press("Enter")
        self.settled(window, number)


THINGS = [name for name in vars(Hand) if not name.startswith("_")
          and name not in ("pause", "at_prompt", "in_terminal", "window", "on_stage", "settled", "reset", "letters")]


def disturbed(path: Path, seed: int, number: int = 60) -> list[str]:
    """Perform a page while so many things happen; return what was wrong, and what had been done until then."""
    chance = random.Random(seed)
    page = read(str(path))
    first = chance.choice(page.scenes).number
    with show(path, "--scene", first, size=chance.choice(SIZES[2:])) as on:
        hand = Hand(on, path, chance)
        try:
            hand.settled("", first)
            assert on.tmux("display", "-p", "#{alternate_on}") == "1\n", on.screen()
            for thing in chance.choices(THINGS, k=number):
                hand.done.append(thing)
                getattr(hand, thing)()
                hand.pause()
                if hand.excused and chance.random() < 0.4:
                    hand.reset()  # so that crosses have no reason any more
                hand.next()
                hand.pause()
                assert "[exit" not in on.screen(), f"the show has ended: {on.screen()}"
                for cross in re.findall("✗.*", on.notes()):
                    assert re.match("✗ .+: .+", cross) or hand.excused, f"no reason is given: {cross}"
                    assert hand.excused, f"without a reason: {cross}"
            # After all this, a reset puts everything right.
            on.tmux("resize-window", "-x", "160", "-y", "45")
            scene = hand.reset()
            hand.done.append(f"scene {scene} from its beginning")
            if "[fast]" in on.notes():
                on.press("F9")
                on.wait(lambda: "[fast]" not in on.notes())
            crosses = by_hand(on, path, scene, 0)
            assert not crosses, crosses
            said = on.quit()
            assert "[exit 0]" in said, said
            assert on.tmux("display", "-p", "#{alternate_on}") == "0\n", "the screen is not restored"
        except AssertionError as wrong:
            return [f"seed {seed}, scene {first} on: {wrong}", *hand.done]
    return []
