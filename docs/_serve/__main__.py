"""``make serve``: the course on localhost; it follows every save until Ctrl-C.

This process watches the files and serves the site; another one builds (:mod:`docs._serve.forkserver`).
A build works in ``build/serve/next``.  If it succeeds, what has changed goes to where it is served
from; if not, everything is put back, and the browser shows what is wrong above the last good page.
Where the machinery itself has changed, another builder takes over.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from .mirror import mirror
from .server import Server
from .watch import Files, Watch

GOOD = Path('build/serve')
NEXT = Path('build/serve/next')


class Builder:
    """The process that builds, with a group of its own for all that it starts."""

    def __init__(self) -> None:
        for old in (GOOD / 'doctrees', NEXT):
            shutil.rmtree(old, ignore_errors=True)
        # Their times, in seconds, may be those of another text.
        for file in [*Path('stage').rglob('*.py'), *Path('docs').rglob('*.py')]:
            Path(importlib.util.cache_from_source(str(file.resolve()))).unlink(missing_ok=True)
        self.process = subprocess.Popen([sys.executable, '-m', 'docs._serve.forkserver'], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0)

    def build(self, downloads: bool = False) -> str:
        """Have the course built; return what is wrong, or nothing."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(b'd' if downloads else b'b')
            self.process.stdin.flush()
        if line := self.process.stdout.readline():
            return json.loads(line)
        return self.process.stderr.read().decode(errors='replace') or 'the process that builds has been killed\n'

    def end(self) -> None:
        """End it, and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def take(said: str) -> str:
    """Serve what was built; or leave nothing of it: the next one begins where the last good one ended.

    Returns what is wrong, or nothing.
    """
    try:
        for part in ('html', 'doctrees'):
            if not said:
                mirror(NEXT / part, GOOD / part)
            elif (GOOD / 'doctrees').exists():
                mirror(GOOD / part, NEXT / part)
            else:
                shutil.rmtree(NEXT, ignore_errors=True)
    except OSError as error:  # the disk is full, for example
        shutil.rmtree(NEXT, ignore_errors=True)
        return f'{said}cannot copy what was built: {error}\n'
    return said


def changed(watch: Watch, before: Files) -> Files:
    """Wait for a change, and return the files.

    One that was put back with its old time gets a new one: make and Sphinx see newer files only.
    """
    now = watch.changed(before)
    older = [path for path in before.keys() & now.keys() if now[path][0] < before[path][0]]
    for path in older:
        with contextlib.suppress(OSError):
            os.utime(path)
    return watch.files() if older else now


def follow(server: Server, builder: Builder) -> None:
    """Build, and again after each change."""
    watch = Watch()
    before, names = watch.files(), set()
    while True:
        begun = time.monotonic()
        if names != before.keys():  # Sphinx leaves the page of a file that is gone
            shutil.rmtree(NEXT, ignore_errors=True)
        said = take(builder.build())
        server.tell(said, 0 if said else time.time_ns())
        if said:
            print(f'{said.rstrip()}\n{time.strftime("%X")} not built; the last good site is still served', flush=True)
        else:
            print(f'{time.strftime("%X")} built in {time.monotonic() - begun:.2f} s', flush=True)
            names = set(before)
            watch.pause()  # the browsers need the processors
            late = builder.build(downloads=True)  # nobody waits for these
            if watch.files() != before:
                late = 'overtaken'  # it may have more than the browsers have been told
            elif late:
                server.tell(late)
                print(late.rstrip(), flush=True)
            take(late)
        before, old = changed(watch, before), before
        if any(path.endswith('.py') for path, _ in before.items() ^ old.items()):
            print('the machinery itself has changed: beginning anew', flush=True)
            builder.end()
            builder.__init__()


def interrupted(*_: object) -> None:
    """End as after Ctrl-C, once: make passes on what the terminal has sent already."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(wanted: str) -> int:
    """Serve at this port, 0 for any free one, until SIGINT or SIGTERM; return the exit status."""
    if not wanted.isdecimal() or int(wanted) > 65535:
        print(f'port {wanted}: a port is a number up to 65535', file=sys.stderr)
        return 1
    GOOD.mkdir(parents=True, exist_ok=True)
    lock = (GOOD / '.lock').open('w')
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        server = Server(int(wanted))
    except BlockingIOError:
        print('this folder is served already, by another make serve', file=sys.stderr)
        return 1
    except OSError as error:
        print(f'port {int(wanted)}: {error.strerror}; take another one, or any free one: make serve port=0',
              file=sys.stderr)
        return 1
    own = (GOOD / 'tmp').resolve()  # for what a compiler that is killed leaves, and the logs of Sphinx
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    os.environ |= {'NO_COLOR': '1', 'TMPDIR': str(own)}
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    print(f'http://127.0.0.1:{server.server_port}/ follows every save until Ctrl-C', flush=True)
    builder = Builder()
    try:
        follow(server, builder)
    except KeyboardInterrupt:
        return 0
    finally:
        builder.end()


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:2] or ['']))
