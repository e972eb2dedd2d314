"""What the private stage mounts over the machine's places; only its own name space sees it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .namespaces import FOLDER, UID, USER

PASSWD = f"""\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
{USER}:x:{UID}:{UID}:Student:/home/{USER}:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = f'root:x:0:\n{USER}:x:{UID}:\nnogroup:x:65534:\n'
DEVICES = 'null', 'zero', 'full', 'random', 'urandom', 'tty'
LINKS = {'ptmx': 'pts/ptmx', 'fd': '/proc/self/fd', 'stdin': 'fd/0', 'stdout': 'fd/1', 'stderr': 'fd/2'}


def furnish() -> str:
    """Mount an empty folder, empty queues and an empty /dev/shm, /etc/passwd and /etc/group.

    Folders are made inside of a mount of our own only: in a private mount name space,
    ``mkdir /dev/mqueue`` would still change the machine's /dev.

    Returns:
        Where the queues are; no command of a page can see that.

    Raises:
        subprocess.CalledProcessError: mount(8) has failed.
    """
    _mount('tmpfs', FOLDER, 'mode=755')
    for name, content in (('passwd', PASSWD), ('group', GROUP)):
        Path(FOLDER, name).write_text(content)
        _bind(f'{FOLDER}/{name}', f'/etc/{name}')
    queues = f'{FOLDER}/queues'
    os.mkdir(queues)
    _mount('mqueue', queues, 'rw')
    keep = os.open(queues, os.O_RDONLY | os.O_DIRECTORY)
    if os.path.islink('/dev/shm'):
        _make_devices(f'{FOLDER}/dev')
    _mount('tmpfs', '/dev/shm', 'mode=1777')
    _mount('tmpfs', FOLDER, 'mode=755')  # empty again: the first one is only under it
    return f'/proc/self/fd/{keep}'


def _make_devices(folder: str) -> None:
    """Make a /dev in which /dev/shm is a folder, as pages know it, and not a link to /run/shm (WSL).

    The terminals are of an instance of their own: the machine's would open in its own /dev only;
    see Documentation/filesystems/devpts.rst in the kernel.
    """
    for name in ('', 'shm', 'pts'):
        os.mkdir(f'{folder}/{name}')
    for name in DEVICES:
        Path(folder, name).touch()
        _bind(f'/dev/{name}', f'{folder}/{name}')
    for name, target in LINKS.items():
        os.symlink(target, f'{folder}/{name}')
    _mount('devpts', f'{folder}/pts', 'newinstance,ptmxmode=666,mode=620')
    _bind(folder, '/dev')


def _mount(kind: str, target: str, options: str) -> None:
    subprocess.run(['mount', '-t', kind, '-o', options, 'stage', target], check=True)


def _bind(source: str, target: str) -> None:
    subprocess.run(['mount', '--rbind', source, target], check=True)


def empty_folder(folder: str) -> None:
    """Remove what is in a folder; what is mounted there is taken away, not looked into."""
    lines = Path('/proc/self/mountinfo').read_text().splitlines()
    for place in reversed([line.split()[4] for line in lines]):
        if place.startswith(os.path.realpath(folder) + '/'):
            subprocess.run(['umount', place], capture_output=True)
    subprocess.run(['find', folder, '-xdev', '-mindepth', '1', '-delete'], capture_output=True)


def remove_folder(folder: str) -> None:
    """Remove a folder with all in it, unless something stays mounted there."""
    empty_folder(folder)
    try:
        os.rmdir(folder)
    except OSError:
        pass  # or somebody else is at it, too
