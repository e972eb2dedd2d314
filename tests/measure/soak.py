"""Play a page again and again, several plays at once on a busy machine: all must be alike.

Afterwards each page is performed, too: without a human, by a hand at its pace, and disturbed in every way
that keys can, drawn at random; the seeds are printed, and ``--seed`` draws the same again.

Usage: python3 tests/measure/soak.py [--runs 200] [--jobs 8] [--performances 20] [--disturbed 20] [PAGE...]
       python3 tests/measure/soak.py --seed SEED... [--] [PAGE...]

Exit status 1 if any play fails, or says anything but what the first one has said.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from disturbances import disturbed
from show import by_hand, show

from stage.page.reader import read


def main() -> int:
    """Run the plays; print the failed ones and a summary."""
    parser = argparse.ArgumentParser(description='Play pages again and again, under load.')
    parser.add_argument('pages', nargs='*', metavar='PAGE', default=['docs/screenplay.rst'])
    parser.add_argument('--runs', type=int, default=200)
    parser.add_argument('--jobs', type=int, default=8)
    parser.add_argument('--performances', type=int, default=20)
    parser.add_argument('--disturbed', type=int, default=20)
    parser.add_argument('--seed', type=int, nargs='+')
    options = parser.parse_args()
    if options.seed:
        return 0 if all([disturb(page, options.seed) for page in options.pages]) else 1
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
        good += [play_by_hand(page) for page in options.pages]
        good += [disturb(page, random.sample(range(1000000), options.disturbed)) for page in options.pages]
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


def play_by_hand(page: str) -> bool:
    """Perform a page as somebody who talks in between, two keys a step; return whether all has held."""
    began = time.monotonic()
    with show(Path(page), size=(160, 45)) as on:
        numbers = [scene.number for scene in read(page).scenes]
        crosses = [f'scene {number}: {cross}' for number in numbers for cross in by_hand(on, Path(page), number, 1.3)]
    print(f'soak: {page} by hand: {len(numbers)} scenes, {time.monotonic() - began:.0f} s', *crosses, sep='\n  ')
    return not crosses


def disturb(page: str, seeds: list[int]) -> bool:
    """Perform a page once for each seed while things happen; return whether it has held."""
    def one(seed: int) -> bool:
        began, wrong = time.monotonic(), disturbed(Path(page), seed)
        print(f'soak: {page}, seed {seed}: {"wrong" if wrong else "held"}, {time.monotonic() - began:.0f} s',
              *wrong, sep='\n  ', flush=True)
        return not wrong

    with ThreadPoolExecutor(4) as pool:
        return all(list(pool.map(one, seeds)))


def play(call: list[str]) -> tuple[int, str]:
    """Run it once; return the exit status and what was printed."""
    done = subprocess.run([sys.executable, '-m', 'stage', *call], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


if __name__ == '__main__':
    sys.exit(main())
