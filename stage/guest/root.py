"""python3 -m stage.guest.root: the root file system of the guest, and who has written what is inside.

Makes ``root.cpio``, ``SOURCES`` and ``LICENCES`` in ``build/machine``, of what other steps have put there:
Debian's packages, and the programs of the course. With ``sources`` it prints which of Debian's sources belong
to it, ``NAME=VERSION`` in a line each.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ..sandbox.mounts import GROUP, PASSWD
from ..sandbox.namespaces import FOLDER
from .archive import pack
from .origins import parts, sources, table, texts

MACHINE = Path('build/machine')
CODE = Path('code')
#: Where a page is played.
STAGE = FOLDER.strip('/')
#: What the scenes call, what turns calls, and a few that a reader may want beside them; each is 15 to 60 kB to fetch.
COMMANDS = """
    bash dash mawk grep sed cmp strace mount umount unshare ipcs
    cat chmod cp cut dd env head id ls mkdir mkfifo od readlink rm rmdir
    seq sleep sort stat tail tee touch tr truncate uname wc
""".split()
LINKS = {'sh': 'dash', 'awk': 'mawk'}
LIBRARIES = 'usr/lib/i386-linux-gnu'
LOADER = 'ld-linux.so.2'
#: Of ld.so.cache. Where it was mapped stays a hole when it is unmapped; in one of a page, a mapping of a
#: program would come to lie beside one of the C library, and the kernel would show both as one.
CACHE = 5 * 4096


class Root:
    """A folder that becomes the root of the guest; knows whose package each file is of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.used: set[str] = set()
        for name in ('dev', 'etc', STAGE, 'proc', 'root', 'sys', 'tmp', 'usr/bin', LIBRARIES):
            (folder / name).mkdir(parents=True)
        for name in ('bin', 'lib'):
            (folder / name).symlink_to(f'usr/{name}')
        (folder / 'sbin').symlink_to('usr/bin')

    def put(self, name: str, content: bytes, mode: int = 0o644) -> Path:
        """Make a file."""
        target = self.folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
        target.chmod(mode)
        return target

    def strip(self, program: Path, name: str, mode: int) -> None:
        """Put a program there without what only a debugger reads."""
        target = self.put(name, b'', 0o644)
        output('strip', '-o', target, program)
        target.chmod(mode)

    def take(self, name: str, places: tuple[str, ...], to: str) -> Path:
        """Take a file from the package that has it in one of these places.

        Raises:
            SystemExit: None has.
        """
        for place in places:
            for found in MACHINE.glob(f'packages/*/{place}/{name}'):
                self.used.add(found.relative_to(MACHINE / 'packages').parts[0])
                return self.put(f'{to}/{name}', found.read_bytes(), 0o755)
        raise SystemExit(f'no package has {name}')

    def commands(self) -> None:
        """Take the commands, and all libraries that they need, and these need."""
        waiting = [self.take(name, ('usr/bin', 'bin'), 'usr/bin') for name in COMMANDS]
        waiting += [path for path in self.folder.glob(f'{STAGE}/*/*') if os.access(path, os.X_OK)]
        waiting.append(self.folder / 'init')
        there = {LOADER}
        self.take(LOADER, (LIBRARIES, 'lib/i386-linux-gnu'), LIBRARIES)
        while waiting:
            for name in needed(waiting.pop()):
                if name not in there:
                    there.add(name)
                    waiting.append(self.take(name, (LIBRARIES, 'lib/i386-linux-gnu'), LIBRARIES))
        (self.folder / 'usr/lib' / LOADER).symlink_to(f'i386-linux-gnu/{LOADER}')
        for name, target in LINKS.items():
            (self.folder / 'usr/bin' / name).symlink_to(target)

    def programs(self) -> None:
        """Put the course's programs where a stage has them, their sources beside; the agent is /init."""
        for source in sorted(CODE.glob('*/*.c')):
            family, name = source.parent.name, source.stem
            program = MACHINE / 'programs' / family / name
            if family == 'guest':
                self.strip(program, 'init', 0o755)
            elif family != 'exercises':  # a scene tries what solves it
                family = 'exercises' if family == 'solutions' else family
                self.strip(program, f'{STAGE}/{family}/{name}', 0o555)
                text = source.read_bytes()
                self.put(f'{STAGE}/{family}/{name}.c', text, 0o444)
                if re.search(rb'[;)] // TURN\n', text):  # turns would ask objdump, which is not there
                    lines = output('objdump', '-w', '--dwarf=decodedline', program)
                    self.put(f'{STAGE}/{family}/{name}.lines', lines, 0o444)

    def settings(self) -> None:
        """Make /etc as the private stage has it, and the list of libraries."""
        self.put('etc/passwd', PASSWD.encode())
        self.put('etc/group', GROUP.encode())
        self.put('etc/nsswitch.conf', b'passwd: files\ngroup: files\n')
        listed = self.put('etc/ld.so.conf', f'/{LIBRARIES}\n'.encode())
        output('ldconfig', '-X', '-r', self.folder)
        listed.unlink()
        shutil.rmtree(self.folder / 'var', ignore_errors=True)
        cache = self.folder / 'etc/ld.so.cache'
        self.put('etc/ld.so.cache', cache.read_bytes().ljust(CACHE, b'\0'))


def output(*command: str | Path) -> bytes:
    """Return what a command prints.

    Raises:
        subprocess.CalledProcessError: It has failed; it has said why.
    """
    path = f'{os.environ["PATH"]}:/usr/sbin:/sbin'
    return subprocess.run(command, env=os.environ | {'PATH': path}, check=True, stdout=subprocess.PIPE).stdout


def needed(program: Path) -> list[str]:
    """Return the libraries that a program or library names."""
    return re.findall(r'\(NEEDED\).*\[(.*)\]', output('readelf', '-d', program).decode())


def make(folder: Path) -> set[str]:
    """Fill a folder with all that the root has; return the packages of which it has files."""
    root = Root(folder)
    root.programs()
    root.commands()
    root.settings()
    return root.used


def main(arguments: list[str]) -> int:
    """Make the files, each under another name until all are whole."""
    new = MACHINE / 'root.new'
    shutil.rmtree(new, ignore_errors=True)
    used = make(new)
    if arguments == ['sources']:
        print('\n'.join(sources(MACHINE, used)))
    else:
        found = parts(MACHINE, used)
        files = {'root.cpio': pack(new), 'SOURCES': table(found).encode(), 'LICENCES': texts(found).encode()}
        for name, content in files.items():
            (MACHINE / f'{name}.new').write_bytes(content)
        for name in files:
            (MACHINE / f'{name}.new').replace(MACHINE / name)
    shutil.rmtree(new)
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
