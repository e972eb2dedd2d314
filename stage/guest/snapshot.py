"""Boot the guest, and save it with shells that wait: ``python3 -m stage.guest.snapshot KERNEL ROOT BIOS``.

BIOS is the folder with the two images of SeaBIOS.  Makes ``build/machine/state.zst`` and, last,
``state.json``: the machine's memory in MiB, its clock at that moment in milliseconds, and the shells.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

from ..sandbox.namespaces import FOLDER, UID
from ..sandbox.sandbox import FIRST_PID
from ..sandbox.terminal import PROMPT, Terminal
from .machine import FOLDER as MADE
from .machine import PATIENCE, Machine
from .terminal import SURROUNDINGS, GuestTerminal

#: MiB. v86 puts the root at 64 MiB; what is zero costs nothing in the state.
MEMORY = 128
#: "init_on_free" leaves no traces in free memory, which the state would keep.
COMMAND_LINE = 'console=ttyS0 quiet mitigations=off tsc=reliable init_on_free=1'
#: Shells that wait, of an ordinary user but for the last one: a start takes long in a machine that has
#: just been restored.
SHELLS = 5
#: What the pages use first is read now.
WARM = (f'cd {FOLDER}; echo warm | grep -c w; ls -l /dev/shm; cat /proc/self/maps >/dev/null; '
        './mmap/005-read >/dev/null; strace -o /dev/null ./mmap/010-mmap >/dev/null')
#: Memory that was used is filled with zeros, and given back.
ZERO = ('mkdir /tmp/zero; mount -t tmpfs -o size=80% zero /tmp/zero; '
        'dd if=/dev/zero of=/tmp/zero/file bs=64k 2>/dev/null; '
        'umount /tmp/zero; rmdir /tmp/zero; echo 3 >/proc/sys/vm/drop_caches')
#: The next process gets this number.
COUNT = f'echo {FIRST_PID - 1} >/proc/sys/kernel/ns_last_pid'


def shell(machine: Machine, terminals: dict[int, GuestTerminal], number: int, root: bool) -> GuestTerminal:
    """Open a terminal and wait for its prompt."""
    terminals[number] = terminal = GuestTerminal(number, 0, machine, str(number), ['bash'], FOLDER, SURROUNDINGS, {},
                                                 None if root else (UID, UID))
    wait(terminal, 1)
    return terminal


def wait(terminal: Terminal, prompts: int) -> str:
    """Wait for so many prompts; return what was printed.

    Raises:
        OSError: They do not come.
    """
    until = time.monotonic() + PATIENCE
    while len(PROMPT.findall(terminal.output)) < prompts:
        if terminal.ended() or not terminal.wait_once(max(0, until - time.monotonic())):
            raise OSError(f'the guest does not get to its prompt: {terminal.output.decode(errors="replace")}')
    return PROMPT.sub(b'', terminal.output).decode(errors='replace')


def run(machine: Machine, terminals: dict[int, GuestTerminal], command: str, root: bool = True) -> None:
    """Run a command in a shell of its own.

    Raises:
        OSError: It fails.
    """
    terminal = shell(machine, terminals, 0, root)
    machine.send('I', 0, f'{command}\n'.encode())
    said = wait(terminal, 2)
    if re.findall(PROMPT, terminal.output)[1] != b'0':
        raise OSError(f'in the guest, "{command}" has failed: {said}')
    terminal.close()


def main(kernel: str, root: str, bios: str) -> None:
    """Make the state."""
    boot = {'bzimage': kernel, 'initrd': root, 'bios': f'{bios}/bios.bin', 'vga_bios': f'{bios}/vgabios-stdvga.bin',
            'cmdline': COMMAND_LINE}
    new, target = f'{MADE}/state.{os.getpid()}', f'{MADE}/state'
    with Machine({'memory': MEMORY, 'boot': boot}) as machine:
        terminals: dict[int, GuestTerminal] = {}
        machine.printed = lambda number, data: terminals[number].arrived(data)
        machine.ended = lambda number: setattr(terminals[number], 'gone', True)
        machine.ask('all')
        run(machine, terminals, WARM, root=False)
        run(machine, terminals, f'{ZERO}; {COUNT}')
        shells = []
        for number in range(1, SHELLS + 1):
            waiting = shell(machine, terminals, number, root=number == SHELLS)
            shells.append({'terminal': number, 'pid': waiting.pid, 'root': number == SHELLS})
        for _ in range(30):
            machine.ask()  # until it has nothing to report by itself: of a report, the state may have no half
        clock = machine.do('save', new)['clock']
    try:
        subprocess.run(['zstd', '-q', '-19', '-T0', '-f', '--rm', new, '-o', f'{new}.zst'], check=True)
    except subprocess.CalledProcessError:
        raise OSError(f'zstd cannot write {new}.zst') from None
    finally:
        if os.path.exists(new):
            os.unlink(new)
    os.replace(f'{new}.zst', f'{target}.zst')
    with open(f'{new}.json', 'w', encoding='utf-8') as file:
        json.dump({'memory': MEMORY, 'clock': clock, 'shells': shells}, file)
    os.replace(f'{new}.json', f'{target}.json')


if __name__ == '__main__':
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f'make machine: {error}')
