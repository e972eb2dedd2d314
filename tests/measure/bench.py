"""``make bench``: how long builds take, against what they may; exits with 1 if a limit is broken.

Ratios hold on any machine, seconds on a quiet one with two cores.  What is compared is measured
alternately, and the middle of the measurements counts.  All of it happens in temporary copies.
"""

import argparse
import os
import pickle
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import browser
import keypress
import panel
import trying
from support import ROOT

from stage.page.model import ScriptError
from stage.page.reader import read

SAVED = "code/shm/030-shm-produce.c"  # the file that is edited
PROGRAMS = 100
AUTOBUILD = "sphinx-autobuild==2025.8.25"
PARTS = ["clean", "growth", "serve", "check", "perform", "turns", "try"]


def copied(folder: Path) -> Path:
    """A copy of the course with the tools, and nothing else that was made."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns("build", ".git", ".*_cache"))
    (folder / "build").mkdir()
    (folder / "build/venv").symlink_to(ROOT / "build/venv")
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Ours without the make that runs this; compiled Python is kept, for plain Sphinx as for make."""
    inherited = {name: value for name, value in os.environ.items()
                 if not name.startswith("MAKE") and name != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {"PYTHONPYCACHEPREFIX": f"{folder}/build/pycache"}


def run(folder: Path, *command: str) -> float:
    """Run a command there, and return its seconds."""
    begun = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment(folder), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}")
    return time.monotonic() - begun


def forget(folder: Path) -> None:
    """Remove all that was made but the tools."""
    for entry in (folder / "build").iterdir():
        if entry.name not in ("venv", "pycache"):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def clean(folder: Path) -> float:
    """The seconds of a whole build."""
    forget(folder)
    return run(folder, "make")


def save(folder: Path, number: int) -> str:
    """Change a word that the program prints; return the new one."""
    file = folder / SAVED
    word = f"usage{number}x"
    file.write_text(re.sub(r'"usage\w*', f'"{word}', file.read_text(), count=1))
    return word


def rebuild(folder: Path) -> float:
    """The seconds of a build after one file has been saved."""
    save(folder, time.monotonic_ns())
    return run(folder, "make")


def played() -> tuple[float, float]:
    """The seconds of playing all pages, and those that their programs sleep."""
    pages = sorted(ROOT.glob("docs/**/*.rst"))
    done = subprocess.run([sys.executable, "-m", "stage", "check", *pages], cwd=ROOT, text=True, stdout=subprocess.PIPE)
    taken = re.findall(r"([\d.]+) s and ([\d.]+) s of their own sleeping", done.stdout)
    if done.returncode:
        sys.exit(done.stdout)
    return sum(float(own) for own, _ in taken), sum(float(slept) for _, slept in taken)


# The pages for plain Sphinx.


def plain(folder: Path, course: Path) -> Callable[[], float]:
    """The same pages, written out, without our extensions; returns what builds them."""
    copied(folder)
    run(course, "make")
    shutil.copytree(course / "build/xml", folder / "build/xml")
    known = pickle.loads((course / "build/sphinx/doctrees/environment.pickle").read_bytes())
    for page, text in (("code/index", known.programs_list), ("reference", known.course_indexes)):
        with (folder / f"docs/{page}.rst").open("a") as file:
            file.write(f"\n{text}")
    settings = folder / "conf.py"
    settings.write_text(re.sub(r"'docs\.\w+\.\w+',?\s*", "", settings.read_text()))

    def build() -> float:
        shutil.rmtree(folder / "build/html", ignore_errors=True)
        return run(folder, sys.executable, "-m", "sphinx", "-q", "docs", "build/html", "-c", ".")
    return build


# A larger course.


def pieces(page: str) -> Iterator[tuple[str, str]]:
    """Yield (program, text) for each program of the screenplay: what comes before it, and its listing."""
    text = page[page.index("\n.. _mmap:"):]
    text = re.sub(r"\.\. literalinclude:: \S+\.h\n( +.*\n)*", "", text)
    for match in re.finditer(r"((?:.*\n)*?)\.\. literalinclude:: \S+/(\S+)\.c\n(?: +.*\n)*", text):
        yield match[2], match[0]


def grow(folder: Path) -> Path:
    """A course of 100 programs: for each new program a page of its own, made from a real one."""
    copied(folder)
    screenplay = (folder / "docs/screenplay.rst").read_text()
    parts = list(pieces(screenplay))
    added = []
    for number in range(PROGRAMS - len(parts)):
        program, text = parts[number % len(parts)]
        turn = number // len(parts) + 1
        source = next((folder / "code").glob(f"*/{program}.c"))
        shutil.copy(source, source.with_name(f"{program}-{turn}.c"))
        text = text.replace(f"{program}.c", f"{program}-{turn}.c")
        text = re.sub(r"^( *\.\. _| +:name: )([\w-]+)", rf"\1\2-{turn}", text, flags=re.M)
        page = folder / f"docs/page-{number}.rst"
        page.write_text(f".. _{page.stem}:\n\nPage {number:5}\n==========\n\n{text}")
        try:
            read(str(page))
        except ScriptError:  # its sessions begin in the section before, or end in the next one
            page.write_text(page.read_text().replace(":class: scene", ":class: session"))
        added.append(page.stem)
    with (folder / "docs/index.rst").open("a") as file:
        file.write("".join(f"   {page}\n" for page in added))
    return folder


# From saving a file to the browser.


def ours(folder: Path, port: int) -> list[str]:
    """The command that serves."""
    return ["make", "serve", f"port={port}"]


def compared() -> Path:
    """The Python that has what is compared with, beside the tools of build/venv; fetched once."""
    venv = ROOT / "build/bench-venv"
    done = venv / AUTOBUILD
    if not done.exists():
        print(f"Fetching {AUTOBUILD} into build/bench-venv, once", flush=True)
        shutil.rmtree(venv, ignore_errors=True)
        run(ROOT, sys.executable, "-m", "venv", str(venv))
        Path(sysconfig.get_path("purelib", vars={"base": str(venv)}), "tools.pth").write_text(
            sysconfig.get_path("purelib"))
        run(ROOT, f"{venv}/bin/python", "-m", "pip", "install", "--disable-pip-version-check", AUTOBUILD)
        done.touch()
    return venv / "bin/python"


def autobuild(folder: Path, port: int) -> list[str]:
    """The same with sphinx-autobuild; it puts a script into the pages that their policy forbids."""
    layout = folder / "docs/_theme/layout.html"
    layout.write_text(re.sub("<meta http-equiv.*\n", "", layout.read_text()))
    return [str(compared()), "-m", "sphinx_autobuild", "--host", "127.0.0.1", "--port", str(port),
            "--watch", "code", "--watch", "conf.py", "--pre-build", "make -k programs",
            "-c", ".", "-n", "-d", "build/serve/doctrees", "docs", "build/serve/html"]


@contextmanager
def serving(folder: Path, command: Callable[[Path, int], list[str]]) -> Iterator[str]:
    """A server in a copy of the course; its address."""
    copied(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "build/log").open("w") as log:
        server = subprocess.Popen(command(folder, port), cwd=folder, env=environment(folder), stdout=log,
                                  stderr=log, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{port}/screenplay.html"
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait()


@contextmanager
def reader(address: str) -> Iterator[Callable[[str], bool]]:
    """A browser at a page, or what comes close to one; yields: does the page have this text?"""
    if not browser.find():
        def fetched(text: str) -> bool:
            with suppress(OSError), urllib.request.urlopen(address) as page:
                return text in page.read().decode()
            return False
        yield fetched
        return
    chromium = browser.Browser()
    tab = browser.Tab(chromium)

    def seen(text: str) -> bool:
        with suppress(AssertionError):  # between two pages
            return bool(tab.run(f"document.body?.textContent.includes('{text}')"))
        return False
    try:
        browser.until(lambda: tab.go(address) or seen("Screenplay"), "the page")
        yield seen
    finally:
        chromium.end()


def save_to_page(top: Path, rounds: int) -> tuple[list[float], list[float]]:
    """The seconds until program and page are new, with our server and with the other one."""
    times: tuple[list[float], list[float]] = [], []
    with ExitStack() as stack:
        there = []
        for command in (ours, autobuild):
            folder = top / command.__name__
            address = stack.enter_context(serving(folder, command))
            there.append((folder, stack.enter_context(reader(address))))
        for number in range(rounds + 1):
            for (folder, seen), measured in zip(there, times, strict=True):
                word = save(folder, number)
                program = folder / SAVED.replace("code", "build").removesuffix(".c")

                def arrived() -> bool:
                    return seen(word) and word.encode() in program.read_bytes()
                measured.append(browser.until(arrived, f"{word} in the page", pause=0.01))
                time.sleep(0.7)  # nobody saves faster, and both finish what they do behind the page
    return times[0][1:], times[1][1:]  # the first ones wait for the first build


def report(what: str, figure: float, limit: float, unit: str) -> bool:
    """Print a line of the table; return whether the limit is kept."""
    good = figure <= limit
    print(f"{what:60} {figure:6.2f}{unit} {limit:6.2f}{unit}  {'' if good else 'TOO MUCH'}", flush=True)
    return good


def alternately(rounds: int, *measured: Callable[[], float]) -> list[float]:
    """The middle of the measurements of each, once without counting."""
    times = [[one() for one in measured] for _ in range(rounds + 1)][1:]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def all_orders() -> float:
    """The seconds of all orders of two processes that load and store twice."""
    name = f"/ipc-bench-{os.getpid()}"
    begun = time.monotonic()
    command = ["build/turns/turns", "-m", f"{name}=0", "-e", "4", "all", "build/turns/010-turns-add-wrong", name, "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if not done.stdout.startswith("70 orders, 64 wrong, "):
        sys.exit(f"turns: {done.stdout}{done.stderr}")
    return time.monotonic() - begun


def try_out(rounds: int) -> list[bool]:
    """Measure the Linux in the page, where it was made; return which limits are kept."""
    if not panel.MADE:
        print("the Linux in the page: not measured, it was not made (make machine, and then make)")
        return []
    return [report("the Linux in the page, from the button to its prompt", trying.button_to_prompt(rounds), 1, "s"),
            report("from the end of a cue to its tick", trying.end_to_tick(), 0.1, "s"),
            report("from its start to the last session", trying.jump_to_the_last_session(), 3, "s"),
            report("at rest, of a core", trying.at_rest(5), 2, "%")]


def main() -> int:
    """Measure all, or what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=PARTS, help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--rounds", type=int, help="how often (default: 7, 3, 20, 3, 9, 5 and 10)")
    options = parser.parse_args()
    if unknown := set(options.what) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))} to measure")
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds: at least 1")
    good = []
    with tempfile.TemporaryDirectory(prefix="ipc-bench-") as folder:
        top = Path(folder)
        course = copied(top / "course")
        print(f"{'':60} {'median':>7} {'limit':>7}")
        if "clean" in options.what:
            build = plain(top / "plain", course)
            mine, other = alternately(options.rounds or 7, lambda: clean(course), build)
            print(f"a clean build: {mine:.2f} s; plain Sphinx, the same pages: {other:.2f} s")
            good.append(report("a clean build, by plain Sphinx", mine / other, 1.5, " "))
        if "growth" in options.what:
            large = grow(top / "large")
            all_of_it, more, one, other = alternately(
                options.rounds or 3, lambda: clean(course), lambda: clean(large),
                lambda: rebuild(course), lambda: rebuild(large))
            print(f"a clean build: {all_of_it:.2f} s; {PROGRAMS} programs: {more:.2f} s")
            print(f"one file saved: {one:.2f} s; {PROGRAMS} programs: {other:.2f} s")
            good.append(report(f"a clean build of {PROGRAMS} programs, by the course's", more / all_of_it, 12, " "))
            good.append(report("one file saved, the same", other / one, 1.5, " "))
        if "serve" in options.what:
            mine, other = map(statistics.median, save_to_page(top, options.rounds or 20))
            print(f"sphinx-autobuild, from saving to the page: {other:.2f} s")
            good.append(report("make serve, from saving to program and page", mine, 0.5, "s"))
            good.append(report("by sphinx-autobuild", mine / other, 0.4, " "))
        if "check" in options.what:
            own, slept = map(statistics.median, zip(*(played() for _ in range(options.rounds or 3)), strict=True))
            good.append(report("playing all pages, but for the programs' sleeping", own, 5, "s"))
            good.append(report("that sleeping", slept, 20, "s"))
        if "perform" in options.what:
            mine = keypress.key_to_enter(options.rounds or 9)
            good.append(report("make perform, from a key to Enter", mine, 0.1, "s"))
            mine = keypress.jump_to_the_last_scene()
            good.append(report("a jump to the last scene, but for the programs' sleeping", mine, 3, "s"))
        if "turns" in options.what:
            mine = statistics.median(all_orders() for _ in range(options.rounds or 5))
            good.append(report("turns, all 70 orders of two processes, two rounds", mine, 3, "s"))
        if "try" in options.what:
            good += try_out(options.rounds or 10)
    return not all(good)


if __name__ == "__main__":
    sys.exit(main())
