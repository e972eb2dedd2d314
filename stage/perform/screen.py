"""What is seen of a performance: the panes of a tmux of its own.

No program runs in a pane but one that sleeps: the performer itself writes to the pane's terminal
and reads what is typed there. A pane that is closed is only a view that is lost.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import shlex
import signal
import subprocess
import termios
import time
import tty
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..sandbox.namespaces import end_with_us
from . import tmux
from .keys import CLOSED
from .layout import Layout

#: Lines of the strip with the last commands, at first and at most; tmux.conf sets it up.
STRIP = 5


class View:
    """The terminal device of a pane: what is written to it is shown, what is typed in the pane is read from it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.size = tmux.ROWS, tmux.COLUMNS
        try:
            self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        except OSError:  # the pane has been closed meanwhile: this descriptor is at its end at once, too
            self.fd = os.open(os.devnull, os.O_RDWR)
            return
        with contextlib.suppress(termios.error):  # the pane has been closed meanwhile
            tty.setraw(self.fd, termios.TCSANOW)  # TCSANOW keeps what has been typed already

    def write(self, data: bytes) -> None:
        """Show; nothing, if the pane has been closed."""
        try:
            while data:
                data = data[os.write(self.fd, data):]
        except OSError as error:
            if error.errno != errno.EIO:
                raise

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines and nothing else."""
        text = '\x1b[K\r\n'.join(lines)
        self.write(f'\x1b[?25l\x1b[H{text}\x1b[K\x1b[J'.encode())

    def read(self) -> bytes:
        """Return what has been typed; nothing, if the pane has been closed."""
        try:
            return os.read(self.fd, 65536)
        except OSError:
            return b''

    def rest(self) -> bytes:
        """Return what has been typed already, without waiting for more."""
        return self.read() if select.select([self.fd], [], [], 0)[0] else b''

    def close(self) -> None:
        """Close our descriptor; the pane stays."""
        os.close(self.fd)


@dataclass
class Pane:
    """What the border of a terminal's pane shows: its name, in its colour."""

    name: str
    colour: str


class Screen:
    """The sessions ``stage`` and ``notes`` of a tmux server that is our child.

    Args:
        folder: For its socket; nobody else may write there.

    Raises:
        ScreenError: The server does not start.
    """

    def __init__(self, folder: str) -> None:
        self.socket = f'{folder}/tmux'
        self.environment = {**tmux.environment(), 'LC_ALL': 'C.UTF-8'}
        self.server = subprocess.Popen(
            ['tmux', '-S', self.socket, '-f', str(tmux.CONFIGURATION), '-D'], env=self.environment, cwd='/',
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=end_with_us(signal.SIGKILL))
        deadline = time.monotonic() + 10
        while self._ask('list-sessions').stdout.count('\n') < 2:  # it listens before it is ready
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise tmux.ScreenError('tmux does not start: try "tmux -L x -f /dev/null"')
            time.sleep(0.01)
        self.left = self.window = ''
        self.lines = STRIP
        os.mkdir(f'{folder}/ready')

    def run(self, *commands: Sequence[str]) -> list[str]:
        """Run commands of tmux; return the lines that they print.

        Raises:
            ScreenError: The server has ended.
        """
        words: list[str] = []
        for command in commands:
            words += [*([';'] if words else []), *command]
        done = self._ask(*words)
        if done.returncode and re.search('server|connect', done.stderr):
            raise tmux.ScreenError(tmux.ENDED)
        return done.stdout.splitlines()

    def opened(self, *commands: Sequence[str]) -> list[str]:
        """Run commands that open panes; return the lines that they print, at least one.

        Raises:
            ScreenError: The server has ended; if it does so meanwhile, nothing but silence tells.
        """
        lines = self.run(*commands)
        if not lines:
            raise tmux.ScreenError(tmux.ENDED)
        return lines

    def _ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(['tmux', '-S', self.socket, *words], env=self.environment,
                              capture_output=True, text=True)

    def attached(self) -> list[str]:
        """Return the session of each client."""
        return self.run(['list-clients', '-F', '#{client_session}'])

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return terminal device -> (rows, columns) of all panes.

        As tmux lays them out; it tells the devices themselves a moment later.
        """
        lines = self.run(['list-panes', '-a', '-F', '#{pane_tty} #{pane_height} #{pane_width}'])
        return {path: (int(rows), int(columns)) for path, rows, columns in map(str.split, lines)}

    def notes(self) -> View:
        """Open the pane of the session ``notes``."""
        found = self.run(['list-panes', '-t', 'notes:', '-F', '#{pane_tty}'])
        if not found:
            found = self.opened(['new-session', '-d', '-s', 'notes', '-P', '-F', '#{pane_tty}'],
                                ['set', '-w', '-t', 'notes:', 'pane-border-status', 'off'])
        view = View(found[0])
        view.size = self.sizes().get(view.path, view.size)
        return view

    def room(self) -> tuple[int, int]:
        """Return columns and rows of the stage, the strip included."""
        size = self.opened(['display-message', '-p', '-t', 'stage:', '#{window_width} #{window_height}'])[0].split()
        return int(size[0]), int(size[1]) + self.lines

    def arrange(self, panes: Sequence[Pane], sizes: Layout, listing: Sequence[str] = ()) -> dict[str, View]:
        """Show these terminals in a new window, and what else the layout has.

        Args:
            panes: Of the terminals.
            sizes: Of all panes.
            listing: The command that runs in the pane of this name; it gets the focus, and tells when it has ended.

        Returns:
            The views by their names in the layout.
        """
        form = '#{pane_id} #{pane_tty}'
        first = self.opened(['new-window', '-d', '-t', 'stage:', '-P', '-F', form])[0].split()
        made = {'0': first}
        for split in sizes.splits:
            program = ['sh', '-c', f'{shlex.join(listing)}; tmux send-keys -H -t notes: {ord(CLOSED):x}'] \
                if split.name == 'listing' else []
            if split.of in made and (lines := self.run(['split-window', '-d', '-t', made[split.of][0], split.flag,
                                                        '-l', str(split.size), '-P', '-F', form, *program])):
                made[split.name] = lines[0].split()  # if there is room for it at all
        commands = [['set', '-p', '-t', made[str(number)][0], f'@{key}', value] for number, pane in enumerate(panes)
                    if str(number) in made for key, value in (('name', pane.name), ('colour', pane.colour))]
        others = [name for name in made if not name.isdecimal()]
        commands += [['set', '-p', '-t', made[name][0], '@name', name] for name in others]
        if 'listing' in others:
            commands.append(['select-pane', '-t', made['listing'][0]])
        elif 'notes' in others:  # asked by tmux itself, for somebody may go there in this moment
            commands.append(['if-shell', '-F', '-t', 'stage:', '#{==:#{@name},notes}',
                             f'select-pane -t {made["notes"][0]}'])
        views = {name: View(tty) for name, (_, tty) in made.items() if name != 'listing'}  # raw before a key comes
        self.run(*commands, ['select-window', '-t', first[0]])
        self.left, self.window = self.window, first[0]
        self.panes = [made[str(number)][0] for number in range(len(panes)) if str(number) in made]
        return views

    def leave(self) -> None:
        """Close the panes that the last arrangement has replaced; what was typed there is lost."""
        if self.left:
            self.run(['kill-window', '-t', self.left])
            self.left = ''

    def focus(self, number: int) -> None:
        """Let the keys go to this terminal, unless they go to the notes or a listing: who is there wants to stay."""
        self.run(['if-shell', '-F', '-t', 'stage:', '#{?#{m/r:^(notes|listing)$,#{@name}},,1}',
                  f'select-pane -t {self.panes[number]}'])

    def tell(self, states: Mapping[int, str]) -> None:
        """Say in the borders of these terminals what happens there."""
        self.run(*(['set', '-p', '-t', self.panes[number], '@state', text.replace('#', '##')]
                   for number, text in states.items()))

    def strip(self, commands: Sequence[str], place: str) -> None:
        """Show the last commands, for those who have fallen behind, and where on the page we are."""
        last = [*[''] * self.lines, *commands][-self.lines:]
        self.run(['set', '-t', 'stage', '@place', place.replace('#', '##')],
                 *(['set', '-t', 'stage', f'@last{row}', text.replace('#', '##')] for row, text in enumerate(last)))

    def give_strip(self, lines: int) -> None:
        """Give the strip so many lines, 1 to 5."""
        if lines != self.lines:
            self.lines = lines
            self.run(['set', '-t', 'stage', 'status', 'on' if lines == 1 else str(lines)])

    def close(self) -> None:
        """End the server, its clients and all panes."""
        self._ask('kill-server')
        try:
            self.server.wait(5)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
