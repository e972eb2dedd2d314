"""Play a page again and again, several plays at once on a busy machine: all must be alike.

Afterwards each page is performed, too, without a human.

Usage: python3 tests/measure/soak.py [--runs 200] [--jobs 8] [--performances 20] [PAGE...]

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
    parser.add_argument('pages', nargs='*', metavar='PAGE', default=['docs/screenplay.rst'])
    parser.add_argument('--runs', type=int, default=200)
    parser.add_argument('--jobs', type=int, default=8)
    parser.add_argument('--performances', type=int, default=20)
    options = parser.parse_args()
    load = None
    if shutil.which('stress-ng'):
        load = subprocess.Popen(['stress-ng', '--quiet', '--cpu', '4'])
    else:
        print('soak: without load, stress-ng is not installed')
    try:
        good = [soak(['check', *options.pages], options.runs, options.jobs)]
        # Two at once: what a performance shows must be in time, as in front of a class.
        good += [soak(['perform', '--auto', page], options.performances, 2)
                 for page in options.pages]
    finally:
        if load:
            load.terminate()
            load.wait()
    return 0 if all(good) else 1


def soak(call: list[str], runs: int, jobs: int) -> bool:
    """Run a command of the stage so many times; return whether all were good and alike."""
    began = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        plays = list(pool.map(play, [call] * runs))
    failed = [text for status, text in plays if status]
    for text in failed:
        print(text)
    said = {re.sub(r'\d+\.\d s', 'N s', text) for _, text in plays}
    print(f'soak: {call[0]}: {runs} plays, {len(failed)} failed, {len(said)} different reports, '
          f'{jobs} at once, {time.monotonic() - began:.0f} s')
    return not failed and len(said) <= 1


def play(call: list[str]) -> tuple[int, str]:
    """Run it once; return the exit status and what was printed."""
    done = subprocess.run([sys.executable, '-m', 'stage', *call], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


if __name__ == '__main__':
    sys.exit(main())
