"""A page is played in the Linux of the page: the fourth level of the sandbox."""

from __future__ import annotations

from typing import Any

from ..page.model import Page, Scene
from ..sandbox.namespaces import FOLDER, UID, Order
from ..sandbox.processes import Table, fields_of, system_calls
from ..sandbox.sandbox import Sandbox
from ..sandbox.terminal import Terminal
from ..sandbox.view import Texts, View, view_from
from .machine import FOLDER as MADE
from .machine import Machine, state_of
from .terminal import SURROUNDINGS, GuestTerminal

#: Names of i386's own, and those under which the pages and :mod:`stage.sandbox.processes` know the calls.
NAMES = {'mmap2': 'mmap', '_newselect': 'select', 'waitpid': 'wait4', '_llseek': 'lseek'}


class Guest(Sandbox):
    """The machine of ``make machine``; each fresh scene begins with the state that is saved there."""

    def _prepare(self) -> None:
        self.folder, self.state = FOLDER, state_of()
        self.machine = Machine({'state': f'{MADE}/state.zst', **{key: self.state[key] for key in ('memory', 'clock')}})
        self.machine.printed = lambda number, data: self._numbered(number, lambda one: one.arrived(data))
        self.machine.ended = lambda number: self._numbered(number, lambda one: setattr(one, 'gone', True))
        self.machine.ask('all')

    def _numbered(self, number: int, deed: Any) -> None:
        for terminal in self.terminals.values():
            if isinstance(terminal, GuestTerminal) and terminal.number == number:
                deed(terminal)

    def _wanted(self, order: Order) -> dict[str, bytes]:
        return {}  # the root has them all

    def _unseen(self, scene: Scene) -> str:
        return ''

    def terminal(self, name: str, root: bool) -> Terminal:
        if (name, root) not in self.terminals:
            used = {terminal.number for terminal in self.terminals.values() if isinstance(terminal, GuestTerminal)}
            ready = [shell for shell in self.state['shells'] if shell['root'] == root and shell['terminal'] not in used]
            known = {shell['terminal'] for shell in self.state['shells']}
            number = ready[0]['terminal'] if ready else next(n for n in range(1, 32) if n not in used | known)
            self.terminals[name, root] = GuestTerminal(
                number, ready[0]['pid'] if ready else 0, self.machine,
                name, ['bash'], FOLDER, SURROUNDINGS, self.calls, None if root else (UID, UID))
        return self.terminals[name, root]

    def processes(self) -> Table:
        return {int(pid): fields_of(files['stat']) for pid, files in self.machine.picture['proc'].items()}

    def pids(self) -> set[int]:
        self.machine.ask()
        return super().pids()

    def objects(self) -> set[str]:
        picture = self.machine.ask()
        return {*(f'/dev/shm/{name}' for name in picture['shm']),
                *(f'message queue /{name}' for name in picture['queues'])}

    def view(self) -> View:
        picture = self.machine.ask()
        shells = {terminal.job.shell: terminal.name for terminal in self.terminals.values()}
        shm = {name: (one['size'], bytes.fromhex(one['start'])) for name, one in picture['shm'].items()}
        proc = {int(pid): files for pid, files in picture['proc'].items() if int(pid) not in shells}
        return view_from(Texts('/dev/shm', shm, picture['queues'], shells, proc), self.calls)

    def clear(self) -> None:
        if self.terminals:
            self.terminals.clear()
            self.machine.do('restore')
            self.machine.ask('all')

    def begin_again(self) -> None:
        self.clear()

    def __exit__(self, *exception: object) -> None:
        self.machine.__exit__()


def calls_of_i386(compiler: str) -> dict[int, str]:
    """Return number -> name of the system calls in the guest, under the names that the pages know.

    Raises:
        OSError: The C compiler has no headers for 32 bits.
    """
    return {number: NAMES.get(name, name) for number, name in system_calls(f'{compiler} -m32').items()}


def open_guest(page: Page, order: Order, compiler: str) -> Guest:
    """As :func:`stage.sandbox.sandbox.open_sandbox`, at level ``guest``.

    Raises:
        OSError: There is no machine, or it does not start.
    """
    return Guest(page, order, calls_of_i386(compiler), GuestTerminal)
