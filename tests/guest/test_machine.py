"""make machine makes what is old, all of it, and nothing by half, whatever happens to it."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from copies import alone, copied, listing, make, path_without, replace
from support import ROOT

from stage.guest import machine as machine_of_node
from stage.guest import origins

MACHINE = Path("build/machine")
SNAPSHOT = (ROOT / "stage/guest/snapshot.py").exists()
#: What is the same whenever it is made, of the same packages.
SAME = ("vmlinuz", "root.cpio", "LICENCES", "node_modules/v86/build/v86.wasm")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A copy of the repository with a machine that is made."""
    if not (ROOT / MACHINE / ".root").exists():
        pytest.skip("needs make machine")
    folder = copied(tmp_path / "a copy")
    for way in ("-al", "-a"):  # all is made anew under another name, so links will do
        if subprocess.run(["cp", way, ROOT / MACHINE, folder / MACHINE], capture_output=True).returncode == 0:
            break
    for name in ("log", ".lock"):
        (folder / MACHINE / name).unlink()
    return folder


def sums(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / MACHINE / name).read_bytes()).hexdigest() for name in SAME}


def steps(said: str) -> list[str]:
    """The steps that make machine says it does."""
    return re.findall(r"^build/machine: (\w+)", said, re.M)


def forget(folder: Path, step: str, *products: str) -> None:
    """Make a step as if it had never been done."""
    for name in (f".{step}", *products):
        path = folder / MACHINE / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def assert_whole(folder: Path) -> None:
    """All is there as in the machine that was copied, and nothing else."""
    assert sums(folder) == sums(ROOT)
    assert {path.name for path in (folder / MACHINE).iterdir()} == {path.name for path in (ROOT / MACHINE).iterdir()}


def standing_in(folder: Path, **deeds: str) -> str:
    """A PATH in which these tools are shell scripts; $REAL is what they stand for."""
    path = path_without(folder, *deeds)
    for name, deed in deeds.items():
        real = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        (folder / name).write_text(f"#!/bin/sh\nREAL={real}\n{deed}\n")
        (folder / name).chmod(0o755)
    return path


def test_a_machine_that_is_made_is_not_made_again(machine: Path) -> None:
    before = listing(machine / MACHINE)
    done = make(machine, "machine")
    assert done.returncode == 0, done.stdout
    assert steps(done.stdout) == [] and len(done.stdout.splitlines()) == 1
    after = listing(machine / MACHINE)
    assert {name: when for name, when in after.items() if name not in ("log", ".lock")} == before


def test_a_changed_program_comes_into_the_root_and_no_other_step_is_done(machine: Path) -> None:
    replace(machine / "code/sem/110-sem-wait.c", "sem_wait", "sem_trywait")
    done = make(machine, "machine")
    assert done.returncode == 0, done.stdout
    assert steps(done.stdout) == ["root", "snapshot"][:1 + SNAPSHOT]
    assert b"sem_trywait(" in (machine / MACHINE / "root.cpio").read_bytes()
    assert sums(machine)["vmlinuz"] == sums(ROOT)["vmlinuz"]


KERNEL = ROOT / MACHINE / "vmlinuz"
KILL = "kill -9 0"  # all of this make
#: Step -> what it makes; the tool that it uses in its middle, what that does when it kills, and what the next time.
#: The kernel is not compiled, which takes minutes.
PLACES: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "packages": (("packages",), "dpkg-deb", f'case "$*" in -x*libc6_*) {KILL} ;; esac; exec "$REAL" "$@"', ""),
    "kernel": (("vmlinuz", "kernel.config"), "make",
               f'case "$*" in *bzImage*) echo half >arch/x86/boot/bzImage; {KILL} ;; esac; exec "$REAL" "$@"',
               f'case "$*" in *bzImage*) exec cp "{KERNEL}" arch/x86/boot/bzImage ;; esac; exec "$REAL" "$@"'),
    "emulator": (("node_modules",), "npm",
                 f"mkdir -p node_modules/v86/build; echo half >node_modules/v86/build/v86.wasm; {KILL}", ""),
    "root": (("root.cpio", "SOURCES", "LICENCES"), "ldconfig", KILL, ""),
    "snapshot": (("state.zst", "state.json"), "node", KILL, ""),
}


@pytest.mark.thorough
@pytest.mark.parametrize("place", PLACES)
def test_a_machine_that_is_killed_in_the_middle_is_whole_after_the_next_run(
        machine: Path, tmp_path: Path, place: str) -> None:
    products, tool, kills, again = PLACES[place]
    if place == "snapshot" and not SNAPSHOT:
        pytest.skip("there is none")
    forget(machine, place, *products)
    machine = machine.rename(machine.with_name("copied"))
    path = standing_in(tmp_path / "kills", **{tool: kills})
    died = subprocess.run(["make", "machine"], cwd=machine, env=os.environ | {"PATH": path}, start_new_session=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert died.returncode == -signal.SIGKILL, died.stdout
    assert steps(died.stdout) == [place]
    path = standing_in(tmp_path / "again", **{tool: again}) if again else os.environ["PATH"]
    machine = machine.rename(machine.with_name("a copy"))  # a kernel is compiled elsewhere then
    done = make(machine, "machine", PATH=path)
    assert done.returncode == 0, done.stdout
    assert steps(done.stdout)[0] == place
    assert_whole(machine)


def inside(folder: Path, script: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a script with mounts of its own; errors are part of the output."""
    return subprocess.run([*alone(), *more, "sh", "-ec", script], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


FULL = """
mv build/machine build/kept; mkdir build/machine; mount -t tmpfs -o size=200m tmpfs build/machine
tar -C build/kept -c --exclude='linux-*' --exclude=root.cpio --exclude=.root . |
    tar -C build/machine -x --no-same-owner
: >build/machine/linux-source-0_0.tar.xz
(dd if=/dev/zero of=build/machine/filler bs=1M || true) 2>/dev/null; truncate -s -4M build/machine/filler
make machine && exit 9; echo again; rm build/machine/filler
make machine; cp build/machine/root.cpio build/kept/
umount build/machine; rmdir build/machine; mv build/kept build/machine
"""


@pytest.mark.thorough
def test_a_full_disk_is_said_and_the_next_run_is_right(machine: Path) -> None:
    done = inside(machine, FULL)
    assert done.returncode == 0, done.stdout
    first, second = done.stdout.split("again\n")
    assert "root: the disk is full: make room for 1 GB in build/machine.\n" in first and "Traceback" not in first
    assert steps(second)[0] == "root"
    assert sums(machine) == sums(ROOT)


@pytest.mark.thorough
def test_without_a_network_it_is_said_and_the_next_run_is_right(machine: Path) -> None:
    forget(machine, "packages", "packages")
    done = inside(machine, "make machine", "unshare", "--net")
    assert done.returncode == 2, done.stdout
    assert re.sub(r"^make.*\n", "", done.stdout, flags=re.M).splitlines()[1:] == [
        "packages: the network is needed, once, and nothing answers (is there a proxy?).",
        '"make machine" goes on where it was.'], done.stdout
    assert steps(make(machine, "machine").stdout) == ["packages"]
    assert_whole(machine)


def test_what_is_missing_is_said_in_one_line_before_anything_is_done(copy: Path, tmp_path: Path) -> None:
    here = subprocess.run(["sh", "stage/guest/machine.sh", "here"], cwd=ROOT)
    if here.returncode:
        pytest.skip("not where the machine can be made")
    done = make(copy, "machine", PATH=path_without(tmp_path / "bin", "bison", "node"))
    assert "missing for make machine: install with: apt-get install bison nodejs (as root)\n" in done.stdout
    assert done.returncode == 2 and not (copy / MACHINE).exists()


def test_another_system_is_told_in_one_line_that_it_cannot_make_the_machine(copy: Path) -> None:
    (copy / "os-release").write_text("ID=fedora\nVERSION_ID=44\n")
    done = inside(copy, "mount --bind os-release /etc/os-release; make machine || sh stage/guest/machine.sh machine")
    assert done.returncode == 1
    assert re.search(r"^make machine works on Debian 12 and 13 on amd64, and this is fedora 44 on \w*; "
                     r"plain make needs no machine\.$", done.stdout, re.M), done.stdout
    assert not (copy / MACHINE).exists()


def test_each_part_of_the_machine_has_a_version_a_source_and_a_licence_with_its_text() -> None:
    if not (ROOT / MACHINE / "SOURCES").exists():
        pytest.skip("needs make machine")
    table, texts = ((ROOT / MACHINE / name).read_text() for name in ("SOURCES", "LICENCES"))
    rows = [re.split(r"  +", line) for line in table.partition("\npart ")[2].splitlines()[1:]]
    assert {"bash", "libc6", "strace", "v86", "seabios", "the course"} <= {row[0] for row in rows}
    for row in rows:
        assert len(row) == 4 and all(row), row
        assert f"\n{row[0]}\n====" in texts


def test_what_is_in_no_commit_is_not_said_to_be_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (ROOT / MACHINE / "SOURCES").exists():
        pytest.skip("needs make machine")
    monkeypatch.chdir(tmp_path)
    Path("LICENSE").write_text("as it is published")
    for command in ("init", "add LICENSE", "-c user.name=x -c user.email=x commit -m x"):
        subprocess.run(["git", *command.split()], check=True, capture_output=True)
    Path("LICENSE").write_text("as it is here")
    assert origins.parts(ROOT / MACHINE, set())[-1].version.endswith("-dirty")


def test_a_machine_that_does_not_answer_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (ROOT / MACHINE / "state.json").exists():
        pytest.skip("needs make machine")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(machine_of_node, "PATIENCE", 0.0)
    known = children()
    with pytest.raises(OSError, match="^the machine gives no answer within 0 s$"):
        machine_of_node.Machine({"memory": 128, "clock": 0, "state": str(MACHINE / "state.zst")})
    assert children() <= known


def children() -> set[str]:
    """The PIDs of our own child processes."""
    return {pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}
