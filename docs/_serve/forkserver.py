"""Builds the course again and again, each time in a fork that has all imports and nothing of the last build.

``python3 -m docs._serve.forkserver`` reads a letter for each order, ``b`` to build, ``d`` to add the downloads,
and writes a line of JSON: what is wrong, or nothing.  The first build happens here, so that the forks have all
they need; none of them sees what another has left in memory: breathe, for one, keeps what it has read.  This
process has no threads, for they do not survive a fork.  The fork for the next build waits already, with its
memory to itself.  The end of a fork that has not answered is the end of this process, too.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import json
import logging
import os
import signal
import subprocess
import traceback
from pathlib import Path

from sphinx.cmd.build import build_main

from .._ext import downloads
from .site import DOCTREES, GOOD, HTML, NEXT

SPHINX = ['-q', '-n', '-W', '--keep-going', '-c', '.', '-D', f'breathe_projects.code={GOOD}/xml', '-D', 'downloads=0',
          '-d', str(NEXT / DOCTREES), 'docs', str(NEXT / HTML)]
MAKE = ['make', '--no-print-directory', '-k', f'-j{os.cpu_count()}', 'programs']
MADV_POPULATE_WRITE = 23  # linux/mman.h; since Linux 5.14
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def build() -> str:
    """Make the programs and, meanwhile, the site; return what is wrong, or nothing."""
    programs = subprocess.Popen(MAKE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, errors='replace')
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = build_main(SPHINX)
    except (Exception, SystemExit):
        status = said.write(traceback.format_exc())
    output, _ = programs.communicate()
    return (output if programs.returncode else '') + (said.getvalue() or 'Sphinx failed\n' if status else '')


def add_downloads() -> str:
    """Write what nobody waits for into the site that was built last; return what is wrong, or nothing."""
    try:
        downloads.write(Path('docs'), NEXT / HTML)
    except Exception:
        return traceback.format_exc()
    return ''


ORDERS = {b'b': build, b'd': add_downloads}


def own_memory() -> None:
    """Copy all pages now, so that the build takes no faults; an older kernel refuses, and nothing is lost."""
    libc = ctypes.CDLL(None)
    for line in Path('/proc/self/maps').read_text().splitlines():
        addresses, rights, _, _, inode = line.split()[:5]
        start, end = (int(address, 16) for address in addresses.split('-'))
        if rights == 'rw-p' and inode == '0':
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_POPULATE_WRITE)


def answer(replies: int) -> bool:
    """Take one order and answer it; return False where no more will come."""
    order = os.read(0, 1)
    if not order:
        return False
    os.write(replies, json.dumps(ORDERS[order]()).encode() + b'\n')
    return True


def fork_to_answer(replies: int) -> bool:
    """The same, in a fork.  Where that is killed, this process ends in the same way."""
    fork = os.fork()
    if not fork:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # with this process, it ends
        gc.disable()  # it does not live long enough
        own_memory()
        going_on = False
        with contextlib.suppress(BrokenPipeError):  # whoever gave the order is gone
            going_on = answer(replies)
        os._exit(not going_on)
    status = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
    if status < 0:
        os.kill(os.getpid(), -status)
    return status == 0


def main() -> None:
    """Build until nobody gives orders any more."""
    replies = os.dup(1)
    os.dup2(2, 1)  # what is printed by whomever is no answer
    logging.disable(logging.DEBUG)  # of which Sphinx writes much
    going_on = answer(replies)
    gc.collect()
    gc.freeze()  # what is old enough need not be looked through in the forks
    while going_on:
        going_on = fork_to_answer(replies)


if __name__ == '__main__':
    main()
