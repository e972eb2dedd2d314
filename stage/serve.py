"""``make serve``: the course on localhost; it follows every save until Ctrl-C.

Three kinds of processes.  This one imports Sphinx, builds once (which imports the rest), and then
forks for each build, so that no build pays for imports, and none sees what another one has left in
memory: breathe, for one, keeps what it has read.  The fork for the next build waits already, with
its memory to itself.  This process has no threads, for they do not survive a fork.  Another one
serves ``build/serve/html`` and tells the browsers to load their page again.

A build works in ``build/serve/next``.  If it succeeds, what has changed goes to where it is served
from; if not, everything is put back, and the browser shows what is wrong above the last good page.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import importlib.util
import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from .mirror import mirror
from .watch import Files, Watch

GOOD = Path('build/serve')
NEXT = Path('build/serve/next')
SPHINX = ['-q', '-n', '-W', '--keep-going', '-c', '.', '-D', 'breathe_projects.code=build/serve/xml',
          '-d', str(NEXT / 'doctrees'), 'docs', str(NEXT / 'html')]
MAKE = ['make', '--no-print-directory', '-k', f'-j{os.cpu_count()}', 'programs']
NOTHING = (b'<!DOCTYPE html><html lang="en"><title>Not built yet</title>'
           b'<body><p>There is no page yet.</p></body></html>')


# The server, in a process of its own.


class State:
    """What the browsers are told: which build is served, and what is wrong with a newer one."""

    def __init__(self) -> None:
        self.told, self.built = json.dumps({'built': '0', 'error': ''}), '0'
        self.changed = threading.Condition()

    def follow(self, messages: BinaryIO) -> None:
        """Read messages until the builder has ended; then end, too."""
        for line in messages:
            with self.changed:
                self.told, self.built = line.decode().strip(), json.loads(line)['built']
                self.changed.notify_all()
        os._exit(0)


class Handler(SimpleHTTPRequestHandler):
    """Serves the site, with one script more in each page."""

    protocol_version = 'HTTP/1.1'  # which keeps connections open
    state: State
    kept = False  # by the browser

    def do_GET(self) -> None:
        """Answer: the script, the messages to it, a page, or any other file."""
        path, _, version = self.path.partition('?v=')
        path, self.kept = path.partition('?')[0], False
        if path == '/-serve.js':
            self._send(200, 'text/javascript', Path('stage/serve.js').read_bytes())
        elif path == '/-serve':
            self._tell()
        elif path.endswith(('/', '.html')) or not os.path.exists(self.translate_path(path)):
            self._page(Path(self.translate_path(path)))
        else:
            self.kept = bool(version)
            super().do_GET()

    def _page(self, file: Path) -> None:
        built, status = self.state.built, 200  # before it is read: at worst it is loaded once more
        try:
            text = (file / 'index.html' if file.is_dir() else file).read_bytes()
        except (OSError, ValueError):  # no such file, or no name of a file
            lost, status = Path(self.directory, '404.html'), 404
            text = lost.read_bytes() if lost.exists() else NOTHING
        script = f'<script src="/-serve.js" data-built="{built}"></script></body>'.encode()
        self._send(status, 'text/html; charset=utf-8', text.replace(b'</body>', script))

    def _tell(self) -> None:
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream')
        self.send_header('Connection', 'close')
        self.end_headers()
        told = None
        with contextlib.suppress(OSError):  # the browser has gone on
            self.wfile.write(b'retry: 200\n\n')
            while True:
                with self.state.changed:
                    new = self.state.changed.wait_for(lambda: self.state.told != told, timeout=10)
                    told = self.state.told
                self.wfile.write(f'data: {told}\n\n'.encode() if new else b':\n\n')

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self) -> None:
        """Let the browser keep a file that has a version in its address, and nothing else."""
        self.send_header('Cache-Control', 'max-age=86400' if self.kept else 'no-store')
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing: the terminal is for builds."""


def build(downloads: bool) -> str:
    """Make the programs and, meanwhile, the site; return what is wrong, or nothing."""
    from sphinx.cmd.build import build_main
    programs = subprocess.Popen(MAKE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                errors='replace')
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = build_main([*SPHINX, '-D', f'downloads={int(downloads)}'])
    output, _ = programs.communicate()
    return (output if programs.returncode else '') + (said.getvalue() or 'Sphinx failed\n' if status else '')


def own_memory() -> None:
    """Have all memory copied that is still the parent's, too, and not page by page when in a hurry.

    MADV_POPULATE_WRITE, madvise(2); a kernel before 5.14 refuses, and nothing is lost.
    """
    libc = ctypes.CDLL(None)
    for line in Path('/proc/self/maps').read_text().splitlines():
        addresses, rights, _, _, inode = line.split()[:5]
        start, end = (int(address, 16) for address in addresses.split('-'))
        if rights == 'rw-p' and inode == '0':
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), 23)


def tried(work: Callable[[], str]) -> str:
    """Work, and return what it returns, or what has gone wrong in it."""
    try:
        return work()
    except (Exception, SystemExit):
        return traceback.format_exc()


class Fork:
    """Another process, which waits to be told to work, in a group with all that it starts."""

    def __init__(self, work: Callable[[], str], ready: bool = False) -> None:
        """Start it; with ``ready`` it makes everything ready that can be."""
        start, self.start = os.pipe()
        self.result, result = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.setpgid(0, 0)
            os.close(self.start)
            gc.disable()  # it does not live long enough
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            try:
                if ready:
                    own_memory()
                if not os.read(start, 1):
                    os._exit(0)  # the parent has ended, or does not need it any more
                said = tried(work)
                with open(result, 'w', encoding='utf-8') as pipe:
                    pipe.write(said)
                os._exit(0)
            finally:
                os._exit(1)  # it must not look as if all went well
        os.setpgid(self.pid, self.pid)  # here, too: it may be interrupted before it does so itself
        os.close(start)
        os.close(result)

    def run(self) -> str:
        """Let it work, wait for its end, and return what the work returns."""
        try:
            with contextlib.suppress(BrokenPipeError):  # killed while it waited: its status says so
                os.write(self.start, b'\n')
            with open(self.result, encoding='utf-8') as pipe:
                said = pipe.read()
        except KeyboardInterrupt:
            os.killpg(self.pid, signal.SIGKILL)
            raise
        finally:
            os.close(self.start)
            _, status = os.waitpid(self.pid, 0)
        return f'{said}the build has ended with wait status {status}, see waitpid(2)\n' if status else said

    def end(self) -> None:
        """It is not needed."""
        os.close(self.start)
        os.close(self.result)
        os.waitpid(self.pid, 0)


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


class Interrupt:
    """SIGINT and SIGTERM as KeyboardInterrupt.

    They are remembered, too, and make ``woken`` readable: Sphinx takes one for an error of the
    page, and where Python destroys an object none is raised at all.
    """

    def __init__(self) -> None:
        self.came = False
        self.woken, wakes = os.pipe()
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._come)

    def _come(self, number: int, frame: FrameType | None) -> None:
        came, self.came = self.came, True
        if not came:  # make passes on what the terminal has sent already
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise again what has been swallowed."""
        if self.came:
            raise KeyboardInterrupt


class Listening(ThreadingHTTPServer):
    """A thread for each connection; a browser may end one at any time."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing about it."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Server:
    """The other process, seen from here."""

    def __init__(self, port: int) -> None:
        """Start it.  Raises OSError where the port is taken."""
        Handler.state = State()
        server = Listening(('127.0.0.1', port), partial(Handler, directory=str(GOOD / 'html')))
        self.port, self.built = server.server_port, 0
        reading, writing = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)  # it ends with the builder
            os.close(writing)
            threading.Thread(target=Handler.state.follow, args=[open(reading, 'rb')], daemon=True).start()
            server.serve_forever()
        os.close(reading)
        server.server_close()
        self.messages = open(writing, 'wb', buffering=0)

    def tell(self, error: str, built: int = 0) -> None:
        """Tell the browsers about a build: it has a number of its own, or an error.

        Raises ChildProcessError where the other process has been killed.
        """
        self.built = built or self.built
        try:
            self.messages.write(json.dumps({'built': str(self.built), 'error': error}).encode() + b'\n')
        except BrokenPipeError:
            raise ChildProcessError('the process that serves has been killed') from None

    def end(self) -> None:
        """End it, and wait for that: the port is free again."""
        os.kill(self.pid, signal.SIGKILL)  # a fork made just now may hold the other end of its messages
        self.messages.close()
        os.waitpid(self.pid, 0)


def renewed(watch: Watch, before: Files, interrupt: Interrupt) -> Files:
    """Wait for a change, and return the files.

    One that was put back with its old time gets a new one: make and Sphinx see newer files only.
    """
    now = watch.changed(before, interrupt.woken, interrupt.check)
    older = [path for path in before.keys() & now.keys() if now[path][0] < before[path][0]]
    for path in older:
        with contextlib.suppress(OSError):
            os.utime(path)
    return watch.files() if older else now


def restartable(server: Server) -> bool:
    """Return whether this module, as it is now, could begin anew; if not, say why."""
    for file in Path('stage').glob('*.py'):  # whose time, in seconds, may be that of another text
        Path(importlib.util.cache_from_source(str(file.resolve()))).unlink(missing_ok=True)
    done = subprocess.run([sys.executable, '-c', 'import stage.serve'], capture_output=True, text=True, check=False)
    if done.returncode:
        server.tell(done.stderr)
        print(f'{done.stderr.rstrip()}\nthe machinery itself is broken: it begins anew when that is mended', flush=True)
    return not done.returncode


def follow(server: Server, interrupt: Interrupt) -> None:
    """Build, and again after each change; return when the machinery itself has changed."""
    shutil.rmtree(GOOD / 'doctrees', ignore_errors=True)
    watch = Watch()
    run = partial(build, downloads=False)  # the first time here: forks have all they need
    before, names = watch.files(), set()
    while True:
        begun = time.monotonic()
        if names != before.keys():  # Sphinx leaves the page of a file that is gone
            shutil.rmtree(NEXT, ignore_errors=True)
        said = tried(run)
        interrupt.check()
        said = take(said)
        server.tell(said, 0 if said else time.time_ns())
        if said:
            print(f'{said.rstrip()}\n{time.strftime("%X")} not built; the last good site is still served', flush=True)
        else:
            print(f'{time.strftime("%X")} built in {time.monotonic() - begun:.2f} s', flush=True)
            names = set(before)
            watch.pause(interrupt.woken)  # the browsers need the processors
            late = Fork(partial(build, downloads=True)).run()  # nobody waits for these
            if watch.files() != before:
                late = 'overtaken'  # it may have more than the browsers have been told
            elif late:
                server.tell(late)
                print(late.rstrip(), flush=True)
            take(late)
        gc.collect()
        gc.freeze()  # what is old enough need not be looked through in the forks
        fork = Fork(partial(build, downloads=False), ready=True)
        run = fork.run
        try:
            while True:
                before, old = renewed(watch, before, interrupt), before
                if not any(path.endswith('.py') for path, _ in before.items() ^ old.items()):
                    break
                if restartable(server):
                    fork.end()
                    return
        except BaseException:
            fork.end()
            raise


def main(wanted: str) -> int:
    """Serve at this port, 0 for any free one, until SIGINT or SIGTERM; return the exit status."""
    if not wanted.isdecimal() or int(wanted) > 65535:
        print(f'port {wanted}: a port is a number up to 65535', file=sys.stderr)
        return 1
    port = int(wanted)
    GOOD.mkdir(parents=True, exist_ok=True)
    lock = (GOOD / '.lock').open('w')
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        interrupt, server = Interrupt(), Server(port)
    except BlockingIOError:
        print('this folder is served already, by another make serve', file=sys.stderr)
        return 1
    except OSError as error:
        print(f'port {port}: {error.strerror}; take another one, or any free one: make serve port=0', file=sys.stderr)
        return 1
    os.environ['NO_COLOR'] = '1'
    own = (GOOD / 'tmp').resolve()  # for what a compiler that is killed leaves, and the logs of Sphinx
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    os.environ['TMPDIR'] = str(own)
    logging.disable(logging.DEBUG)
    print(f'http://127.0.0.1:{server.port}/ follows every save until Ctrl-C', flush=True)
    try:
        follow(server, interrupt)
    except KeyboardInterrupt:
        return 0
    except ChildProcessError as error:
        print(f'{error}: start make serve again', file=sys.stderr)
        return 1
    finally:
        server.end()
    print('the machinery itself has changed: beginning anew', flush=True)
    os.execv(sys.executable, [sys.executable, '-m', 'stage.serve', str(server.port)])


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:2] or ['']))
