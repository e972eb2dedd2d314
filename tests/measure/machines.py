"""Play both commands of the README in fresh Debian and Ubuntu systems, as an ordinary user and as root.

Usage (as root): python3 tests/measure/machines.py [--users student,root] [SUITE...]

Each system is made by debootstrap(8), once, from the mirror that this machine's apt uses, and kept in
build/machines/SUITE.  Each play has a copy of it and a clone of the last commit, in name spaces of its
own; the network, the kernel and the clock are those of this machine.  What it printed is in
build/machines/SUITE-USER.log; where all is green, versions.txt gets the versions of the tools.

Exit status 1 if any command fails.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import versions

ROOT = Path(__file__).resolve().parents[2]
MACHINES = ROOT / "build/machines"
SUITES = "bookworm", "trixie", "sid", "noble", "resolute"
RESULTS = "passed", "failed", "error", "skipped"
COMPONENTS = {"debian": "main", "ubuntu": "main,universe"}
NETWORK = "/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

# The folder becomes the root by pivot_root(2), for in a chroot(2) user name spaces are forbidden.
ENTER = '''set -e
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -sf pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mkdir -p dev/mqueue
mount -t mqueue mqueue dev/mqueue
hostname "$2"
pivot_root . mnt
umount -l mnt
shift 2
exec "$@"
'''


def run(*command: str, **options: object) -> str:
    """Run a command; return its output.

    Raises:
        subprocess.CalledProcessError: it has failed.
    """
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def mirror(suite: str) -> tuple[str, str]:
    """Return the distribution that has this suite, and its address at one of the hosts of this machine's apt.

    Raises:
        OSError: none of them has it.
    """
    sites = run("apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages").split()
    for site in dict.fromkeys(sites):
        for distribution in COMPONENTS:
            address = f'{site.rpartition("/")[0]}/{distribution}'
            if answers(f"{address}/dists/{suite}/Release"):
                return distribution, address
    raise OSError(f'{suite}: none of the hosts that apt uses here has it: {" ".join(dict.fromkeys(sites))}')


def answers(address: str) -> bool:
    """Return whether there is a file at this address."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD")):
            return True
    except (OSError, ValueError):
        return False


def keyring(suite: str) -> list[str]:
    """Return the option of debootstrap(8) that does without signatures, where it cannot look at them."""
    script = Path("/usr/share/debootstrap/scripts", suite).read_text()
    file = re.search(r"^\s*keyring (\S+)", script, re.M)
    if not file or Path(file[1]).exists():
        return []
    print(f"{suite}: signatures are not checked, {file[1]} is not installed", flush=True)
    return ["--no-check-gpg"]


def system(suite: str) -> Path:
    """Make this system, if it is not there yet; return its folder."""
    folder, unfinished = MACHINES / suite, MACHINES / f"{suite}.new"
    if folder.exists():
        return folder
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    distribution, address = mirror(suite)
    print(f"{suite}: debootstrap", flush=True)
    with (MACHINES / f"{suite}.log").open("w") as log:
        components = COMPONENTS[distribution]
        subprocess.run(["debootstrap", "--variant=minbase", "--include=sudo", f"--components={components}",
                        *keyring(suite), suite, str(unfinished), address], check=True, stdout=log, stderr=log)
    sources = unfinished / "etc/apt/sources.list"
    if answers(f"{address}/dists/{suite}-updates/Release"):
        with sources.open("a") as file:
            file.write(f'deb {address} {suite}-updates {components.replace(",", " ")}\n')
    # A mirror may be days behind what its lists are valid for (sid's: a week).
    settings = run("apt-config", "dump", "Acquire::http", "Acquire::https") + 'Acquire::Check-Valid-Until "false";\n'
    (unfinished / "etc/apt/apt.conf.d/90machines").write_text(settings)
    for file in NETWORK:
        if Path(file).exists():
            shutil.copy(file, f"{unfinished}{file}")
    if Path(CERTIFICATES).exists():
        shutil.copy(CERTIFICATES, unfinished / "etc/machines.crt")
    run("chroot", str(unfinished), "useradd", "--create-home", "--shell", "/bin/bash", "student")
    rule = unfinished / "etc/sudoers.d/student"
    rule.write_text("student ALL=(ALL) NOPASSWD: ALL\n")
    rule.chmod(0o440)
    unfinished.rename(folder)
    return folder


def environment(user: str) -> list[str]:
    """Return the settings of a new login, and how packages come to this machine."""
    home = "/root" if user == "root" else f"/home/{user}"
    settings = {"HOME": home, "USER": user, "LANG": "C.UTF-8", "TERM": "dumb", "DEBIAN_FRONTEND": "noninteractive",
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    settings |= {name: value for name, value in os.environ.items()
                 if name.startswith("PIP_") or name.lower().endswith("_proxy")}
    if Path(CERTIFICATES).exists():
        settings["PIP_CERT"] = "/etc/machines.crt"
    return [f"{name}={value}" for name, value in settings.items()]


def commands() -> list[str]:
    """Return what the README tells a newcomer to type."""
    return re.findall(r"^   \$ (.*)$", (ROOT / "README.rst").read_text(), re.M)


def enter(suite: str, user: str, script: str, **streams: object) -> int:
    """Run a script of the shell in the folder of the course, in name spaces of its own; return its exit status."""
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "sh", "-c", ENTER, "sh",
         str(MACHINES / f"{suite}-{user}"), suite, "setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups",
         "env", "-i", *environment(user), "bash", "-c", f"cd ~/course && {script}"],
        stdin=subprocess.DEVNULL, **streams).returncode


def play(suite: str, user: str) -> bool:
    """Play the commands in a fresh system; print a row of the table; return whether all have succeeded."""
    folder, log = MACHINES / f"{suite}-{user}", MACHINES / f"{suite}-{user}.log"
    shutil.rmtree(folder, ignore_errors=True)
    run("cp", "-a", "--reflink=auto", str(system(suite)), str(folder))
    home = folder / ("root" if user == "root" else f"home/{user}")
    run("git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(home / "course"))
    run("chroot", str(folder), "chown", "-R", f"{user}:", f"/{home.relative_to(folder)}")
    row, said = f"{suite:9} {user:8}", ""
    log.write_text("")
    for command in commands():
        if user == "root":
            command = command.replace("sudo ", "")
        began, before = time.monotonic(), len(said)
        with log.open("a") as output:
            status = enter(suite, user, command, stdout=output, stderr=output)
        said = log.read_text(errors="replace")
        row += f"{time.monotonic() - began:7.0f} s{megabytes(said[before:]):6.0f} MB"
        if status:
            break
    counts = [(re.findall(rf"(\d+) {result}", said) or ["0"])[-1] for result in RESULTS]
    print(f"{row:54}", *(f"{count:>8}" for count in counts), f"{status:5}", flush=True)
    if status == 0:
        found = MACHINES / f"{suite}-{user}.versions"
        with found.open("w") as output:
            enter(suite, user, "python3 tests/measure/versions.py --here", stdout=output)
        versions.add(dict(line.split() for line in found.read_text().splitlines()))
        shutil.rmtree(folder)  # 3 GB; where something has failed, one may want to look
    return status == 0


def megabytes(said: str) -> float:
    """Return how much apt has fetched, from what it has said before: of two numbers, what is there already and all."""
    sizes = [re.findall(r"([\d.,]+) ([kMG]?)B", line)[-1]
             for line in re.findall(r"^ *(?:Need to get|Download size:)(.*)", said, re.M)]
    return sum(float(number.replace(",", "")) * {"": 1e-6, "k": 1e-3, "M": 1, "G": 1e3}[unit] for number, unit in sizes)


def main() -> int:
    """Play all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suites", nargs="*", default=SUITES, metavar="SUITE")
    parser.add_argument("--users", default="student,root", help="default: %(default)s")
    options = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        print("machines: needs root and debootstrap: apt-get install debootstrap", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what is played ends, too
    counted = "".join(map("{:>9}".format, RESULTS))
    print(f'{"suite":9} {"user":8}{"first command":>18}{"second":>18}{"":9}{counted}  exit', flush=True)
    good = True
    for suite in options.suites or SUITES:
        for user in options.users.split(","):
            try:
                good &= play(suite, user)
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"{suite:9} {user:8} {error}", flush=True)
                good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
