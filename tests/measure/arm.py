"""Plays code/turns on a 64-bit ARM: an emulated one, with the distribution's kernel.

    env PYTHONPATH=tests:tests/programs build/venv/bin/python tests/measure/arm.py

Needs Debian's packages qemu-system-arm, clang, libgcc-12-dev-arm64-cross, binutils-aarch64-linux-gnu and cpio;
apt-get fetches kernel and busybox of that machine, some 60 MB. Takes some minutes.
Exits with 0 if all counts are those of x86.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import process
from orders import COUNTS, Names
from support import ROOT

KERNEL = "linux-image-arm64"
INIT = """#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mkdir /dev/shm
mount -t tmpfs shm /dev/shm
cd /programs
uname -srm
{}
poweroff -f
"""


def fetch(folder: Path) -> Path:
    """Unpack the kernel and busybox into this folder; return the kernel."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "state/status").touch()
    options = [f"-o{name}" for name in (
        "APT::Architecture=arm64", "APT::Architectures=arm64", "APT::Sandbox::User=", f"Dir::State={folder}/state",
        f"Dir::State::status={folder}/state/status", f"Dir::Cache={folder}/cache")]
    subprocess.run(["apt-get", *options, "-qq", "update"], check=True)
    asked = subprocess.run(["apt-cache", *options, "depends", KERNEL], capture_output=True, text=True, check=True)
    kernel = asked.stdout.split("Depends: ")[1].split()[0]
    subprocess.run(["apt-get", *options, "-qq", "download", kernel, "busybox-static"], cwd=folder, check=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    return next(folder.glob("boot/vmlinuz-*"))


def build(folder: Path) -> list[str]:
    """Compile turns and its programs into this folder; return the commands that count the orders."""
    for source in (ROOT / "code/turns").glob("*.c"):
        program = folder / source.stem  # at -O2, clang mixes the instructions of lines there, as the page says
        subprocess.run(["clang", "--target=aarch64-linux-gnu", "-static", "-g", "-O0", "-o", program, source],
                       check=True)
        shutil.copy(source, folder)
        program.with_name(f"{source.stem}.lines").write_text(subprocess.run(  # there is no objdump there
            ["aarch64-linux-gnu-objdump", "-w", "--dwarf=decodedline", program],
            capture_output=True, text=True, check=True).stdout)
    process.folder = folder.parent
    names = Names(iter(["/ipc-one", "/ipc-two"]).__next__)
    found = []
    for kind, program, rounds, _ in COUNTS.values():
        options, command = getattr(names, kind)(program, *[rounds] if rounds else [])
        found.append(shlex.join(["./turns", *options, "all", *command]).replace(f"{folder}/", "./"))
    return found


def main() -> int:
    """Do it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kernel = fetch(folder)
        root = folder / "root"
        for made in ("bin", "proc", "dev", "programs"):
            (root / made).mkdir(parents=True)
        for link in ("busybox", "sh"):
            shutil.copy(folder / "bin/busybox", root / "bin" / link)
        (root / "init").write_text(INIT.format("\n".join(build(root / "programs"))))
        (root / "init").chmod(0o755)
        with (folder / "initrd").open("wb") as initrd:
            files = "\n".join(str(file.relative_to(root)) for file in root.rglob("*"))
            subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=files.encode(), stdout=initrd,
                           check=True)
        said = subprocess.run(
            ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57", "-m", "512", "-nographic", "-no-reboot",
             "-kernel", kernel, "-initrd", folder / "initrd", "-append", "console=ttyAMA0 rdinit=/init quiet"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800).stdout
    print(said)
    counted = [tuple(map(int, found)) for found in re.findall(r"(\d+) orders, (\d+) wrong, (\d+) deadlocks", said)]
    return int(counted != [counts for *_, counts in COUNTS.values()])


if __name__ == "__main__":
    sys.exit(main())
