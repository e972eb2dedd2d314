"""Serves the site, and tells the browsers when there is a newer one, or what is wrong with it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .site import GOOD, HTML

SCRIPT = Path(__file__).with_name('serve.js')
LOOPBACK, ANY = '127.0.0.1', '0.0.0.0'
#: An address that is nobody's (RFC 5737), behind the router as all others.
ELSEWHERE = '192.0.2.1'
NOTHING = (b'<!DOCTYPE html><html lang="en"><title>Not built yet</title>'
           b'<body><p>There is no page yet.</p></body></html>')


class Server(ThreadingHTTPServer):
    """A thread for each connection; ``built`` is the number of the build that is served."""

    daemon_threads = True

    def __init__(self, port: int, host: str) -> None:
        """Start it.  Raises OSError where the port is taken, or the host is not this machine."""
        super().__init__((host, port), partial(Handler, directory=str(GOOD / HTML)))
        self.told, self.built = json.dumps({'built': '0', 'error': ''}), '0'
        self.changed = threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def address(self) -> str:
        """Return what is to be typed in a browser."""
        host = self.server_address[0]
        if host == ANY:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked, contextlib.suppress(OSError):
                asked.connect((ELSEWHERE, 9))  # sends nothing, and tells from which address it would
                host = asked.getsockname()[0]
        return f'http://{host}:{self.server_port}/'

    def tell(self, error: str, built: int = 0) -> None:
        """Tell the browsers about a build: it has a number of its own, or an error."""
        with self.changed:
            self.built = str(built or self.built)
            self.told = json.dumps({'built': self.built, 'error': error})
            self.changed.notify_all()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing about a browser that ends a connection."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(SimpleHTTPRequestHandler):
    """Serves the site, with one script more in each page."""

    protocol_version = 'HTTP/1.1'  # which keeps connections open
    server: Server
    kept = False  # by the browser

    def do_GET(self) -> None:
        """Answer: the script, the messages to it, a page, or any other file."""
        path, _, version = self.path.partition('?v=')
        path, self.kept = path.partition('?')[0], False
        if path == '/-serve.js':
            self._send(200, 'text/javascript', SCRIPT.read_bytes())
        elif path == '/-serve':
            self._tell()
        elif path.endswith(('/', '.html')) or not os.path.exists(self.translate_path(path)):
            self._page(Path(self.translate_path(path)))
        else:
            self.kept = bool(version)
            super().do_GET()

    def _page(self, file: Path) -> None:
        built, status = self.server.built, 200  # before it is read: at worst it is loaded once more
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
                with self.server.changed:
                    new = self.server.changed.wait_for(lambda: self.server.told != told, timeout=10)
                    told = self.server.told
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
