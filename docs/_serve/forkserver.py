"""Builds the course again and again, each time in a fork that has all imports and nothing of the last build.

``python3 -m docs._serve.forkserver`` reads a line for each build and writes a line of JSON, what is wrong or
nothing.  The first build happens here, so that the forks have all they need; none of them sees what another
has left in memory: breathe, for one, keeps what it has read.  This process has no threads, for they do not
survive a fork.  The fork for the next build waits already, with its memory to itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import json
import logging
import os
import subprocess
import traceback
from pathlib import Path

from sphinx.cmd.build import build_main

NEXT = Path('build/serve/next')
SPHINX = ['-q', '-n', '-W', '--keep-going', '-c', '.', '-D', 'breathe_projects.code=build/serve/xml',
          '-d', str(NEXT / 'doctrees'), 'docs', str(NEXT / 'html')]
MAKE = ['make', '--no-print-directory', '-k', f'-j{os.cpu_count()}', 'programs']
ENDED = 3


def build(downloads: bool) -> str:
    """Make the programs and, meanwhile, the site; return what is wrong, or nothing."""
    programs = subprocess.Popen(MAKE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, errors='replace')
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = build_main([*SPHINX, '-D', f'downloads={int(downloads)}'])
    except (Exception, SystemExit):
        status = said.write(traceback.format_exc())
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


def answer(replies: int) -> bool:
    """Take one order and answer it; return False where no more will come."""
    order = os.read(0, 1)
    if not order:
        return False
    os.write(replies, json.dumps(build(order == b'd')).encode() + b'\n')
    return True


def main() -> None:
    """Build until nobody gives orders any more."""
    replies = os.dup(1)
    os.dup2(2, 1)
    logging.disable(logging.DEBUG)
    going_on = answer(replies)
    while going_on:
        gc.collect()
        gc.freeze()  # what is old enough need not be looked through in the forks
        fork = os.fork()
        if not fork:
            gc.disable()  # it does not live long enough
            own_memory()
            os._exit(0 if answer(replies) else ENDED)
        status = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
        going_on = status != ENDED
        if status < 0 or status not in (0, ENDED):
            os.write(replies, json.dumps(f'the build has ended with status {status}\n').encode() + b'\n')


if __name__ == '__main__':
    main()
