"""Play a page again and again, several plays at once on a busy machine: all must be alike.

Usage: python3 tests/soak.py [--runs 200] [--jobs 8] PAGE...

Exit status 1 if any play fails, or says anything but what the first one has said.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def main() -> int:
    """Run the plays; print the failed ones and a summary."""
    parser = argparse.ArgumentParser(description='Play pages again and again, under load.')
    parser.add_argument('pages', nargs='+', metavar='PAGE')
    parser.add_argument('--runs', type=int, default=200)
    parser.add_argument('--jobs', type=int, default=8)
    options = parser.parse_args()
    load = None
    if shutil.which('stress-ng'):
        load = subprocess.Popen(['stress-ng', '--quiet', '--cpu', '4'])
    else:
        print('soak: without load, stress-ng is not installed')
    began = time.monotonic()
    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            plays = list(pool.map(play, [options.pages] * options.runs))
    finally:
        if load:
            load.terminate()
            load.wait()
    failed = [text for status, text in plays if status]
    for text in failed:
        print(text)
    said = {re.sub(r'\d+\.\d s', 'N s', text) for _, text in plays}
    print(f'soak: {options.runs} plays, {len(failed)} failed, {len(said)} different reports, '
          f'{options.jobs} at once, {time.monotonic() - began:.0f} s')
    return 1 if failed or len(said) > 1 else 0


def play(pages: list[str]) -> tuple[int, str]:
    """Rehearse the pages once; return the exit status and what was printed."""
    done = subprocess.run([sys.executable, '-m', 'stage', 'rehearse', *pages],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


if __name__ == '__main__':
    sys.exit(main())
