"""``make serve``: the course on localhost, or for the room; it follows every save until Ctrl-C.

This process watches the files and serves the site; another one builds.  If a build succeeds, what has
changed goes to where it is served from; if not, everything is put back, and the browser shows what is
wrong above the last good page.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import sys
import time
from typing import TextIO

from .builder import Builder
from .server import ANY, LOOPBACK, Server
from .site import GOOD, accept, forget, restore
from .watch import Files, Watch

ROOM = 1 << 20  # bytes, without which nothing can be built


def say(text: str) -> None:
    """Print it at once, wherever the output goes."""
    print(text.rstrip(), flush=True)


def explained(wrong: str) -> str:
    """Return what is wrong, if anything: where the disk is full, all else comes from that."""
    full = wrong and shutil.disk_usage(GOOD).free < ROOM
    return 'the disk is full: make room, and save again\n' if full else wrong


def build(server: Server, builder: Builder, watch: Watch) -> tuple[bool, Files]:
    """Build, serve what has succeeded, and tell the browsers; return whether it has, and the files at its end.

    What has come meanwhile may be in it, and be gone as soon as it is seen.
    """
    begun = time.monotonic()
    wrong = builder.build()
    there = watch.files()
    if wrong := explained(wrong or accept()):
        restore()
        say(f'{wrong.rstrip()}\n{time.strftime("%X")} not built; the last good site is still served')
        server.tell(wrong)
    else:
        say(f'{time.strftime("%X")} built in {time.monotonic() - begun:.2f} s')
        server.tell('', time.time_ns())
    return not wrong, there


def add_downloads(server: Server, builder: Builder, watch: Watch, files: Files) -> None:
    """Make what nobody waits for; forget it where something has been saved meanwhile, which may be in it already."""
    wrong = explained(builder.add_downloads())
    if wrong or watch.files() != files:
        restore()
    else:
        wrong = explained(accept())
    if wrong:
        server.tell(wrong)
        say(wrong)


def changed(watch: Watch, before: Files, there: Files) -> Files:
    """Wait for a change, unless one has come during the build, and return the files.

    One that was put back with its old time gets a new one: make and Sphinx see newer files only.
    """
    now = watch.changed(before if there == before else {})
    older = [path for path, state in now.items() if state < max(before.get(path, state), there.get(path, state))]
    for path in older:
        with contextlib.suppress(OSError):
            os.utime(path)
    return watch.files() if older else now


def follow(server: Server, builder: Builder) -> None:
    """Build, and again after each change."""
    watch = Watch()
    files, built = watch.files(), set()
    while True:
        if built != files.keys():
            forget()  # Sphinx would leave the page of a file that is gone
        good, there = build(server, builder, watch)
        if good:
            built = {*files, *there}
            watch.wait()  # the browsers need the processors
            add_downloads(server, builder, watch, files)
        before, files = files, changed(watch, files, there)
        if any(path.endswith('.py') for path, _ in before.items() ^ files.items()):
            say('the machinery itself has changed: beginning anew')
            builder.end()
            forget()


def only_one() -> TextIO:
    """Return what locks this folder until it is closed.  Raises SystemExit where that cannot be."""
    try:
        GOOD.mkdir(parents=True, exist_ok=True)
        lock = (GOOD / '.lock').open('w')
    except OSError as error:
        sys.exit(f'cannot write to {GOOD}: {error.strerror}')
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit('this folder is served already, by another make serve')
    except OSError:
        pass  # a file system without locks
    return lock


def listening(port: int, host: str) -> Server:
    """Return a server at this port, 0 being any free one.  Raises SystemExit where that cannot be."""
    try:
        return Server(port, host)
    except OSError as error:
        if error.errno != errno.EADDRINUSE and host != LOOPBACK:
            sys.exit(f'HOST={host}: {error.strerror}; take an address of this machine, or {ANY} for all of them')
        sys.exit(f'port {port}: {error.strerror}; take another one, or any free one: make serve port=0')


def interrupted(*_: object) -> None:
    """End as after Ctrl-C, once: make passes on what the terminal has sent already."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(port: str, host: str = LOOPBACK) -> None:
    """Serve at this port of this address until SIGINT or SIGTERM.  Raises SystemExit where that cannot be."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    if not port.isdecimal() or int(port) > 65535:
        sys.exit(f'port {port}: a port is a number up to 65535')
    with only_one():
        server, builder = listening(int(port), host), Builder()
        own = (GOOD / 'tmp').resolve()  # for what a compiler that is killed leaves, and the logs of Sphinx
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        os.environ |= {'NO_COLOR': '1', 'TMPDIR': str(own)}
        say(f'{server.address()} follows every save until Ctrl-C')
        try:
            follow(server, builder)
        finally:
            builder.end()


if __name__ == '__main__':
    with contextlib.suppress(KeyboardInterrupt):
        main(*sys.argv[1:3] or [''])
