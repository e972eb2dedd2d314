"""The stage is the same on every machine, or says what it lacks."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import until
from play import LEVEL, green, levels, page, private_stage, red, scene, stage

from stage.sandbox.processes import numbers, stat_of, system_calls
from stage.sandbox.terminal import Terminal

#: As a person, a hook of git, or a debugger would have set them.
CALLER = {
    "BASH_ENV": "/nowhere", "ENV": "/nowhere", "BASH_FUNC_ls%%": "() { echo mine; }", "CDPATH": "/", "PS4": "!",
    "GREP_COLOR": "1;32", "GREP_OPTIONS": "-v", "LS_COLORS": "di=1", "LS_BLOCK_SIZE": "1", "TIME_STYLE": "iso",
    "GIT_DIR": "/nowhere", "MALLOC_PERTURB_": "7", "LD_BIND_NOW": "1", "LD_DEBUG_OUTPUT": "/nowhere",
    "INPUTRC": "/nowhere", "POSIXLY_CORRECT": "1", "LANG": "C.UTF-8", "COLUMNS": "20", "TMUX": "x", "MAKEFLAGS": "k",
}
ENVIRONMENT = """
    $ env | sed 's/=.*//' | sort | xargs
    HISTFILE HOME INPUTRC LC_ALL NO_COLOR PATH PROMPT_COMMAND PS1 PS2 PWD SHLVL TERM TZ _
    $ type ls
    ls is /usr/bin/ls
"""


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Plays a page of these scenes."""

    def run(*scenes: str, level: str = LEVEL, command: str = "check", **options: object) -> object:
        path = page(tmp_path, *(text if ".. code-block" in text else scene(text) for text in scenes))
        return stage(command, path, "--level", level, "--programs", tmp_path, "--deadline", 5, **options)

    return run


def strace(*arguments: str) -> list[str]:
    """What plays a page under strace(1): each call that fails is one that the machine lets fail."""
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    return ["strace", "-f", "-qq", "-o", "/dev/null", *arguments]


def prompt(terminal: Terminal) -> None:
    """Wait for the prompt."""
    until(lambda: terminal.pump() or terminal.at_prompt(), "the prompt")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A shell at its prompt, on the machine itself."""
    one = Terminal("main", ["bash"], "/", {"PATH": os.environ["PATH"]}, system_calls())
    try:
        prompt(one)
        one.take(status=True)
        yield one
    finally:
        one.close()


def test_a_key_comes_after_all_that_the_shell_has_asked_for_before(terminal: Terminal) -> None:
    terminal.type("trap '' INT; while sleep 1000\ndo :\ndone\n")
    until(terminal.job.processes, "sleep", pause=0)  # it is seen before anything of what was printed is read
    terminal.type("\3")
    terminal.pump()
    assert not terminal.at_prompt()  # it heeds no Ctrl-C


def test_a_child_that_its_shell_has_not_let_go_is_not_blocked(terminal: Terminal) -> None:
    """As bash has it for a moment: its copy, which reads from a pipe of its own."""
    terminal.type("exec 7< <(exec sleep 1000); (echo here; read <&7)\n")
    until(lambda: terminal.pump() or b"here" in terminal.output, "the child")
    until(lambda: (stat_of(terminal.job.processes()[0]) or " ")[0] == "S", "its sleep")
    assert not terminal.job.blocked("read")
    terminal.type("\3")
    prompt(terminal)
    terminal.type("cat <&7\n")
    until(lambda: terminal.job.blocked("read"), "the same sleep, of another program")


# --------------------------------------------------------------------- what is on stage


@levels
def test_nothing_of_the_callers_environment_is_on_stage(play: Callable, level: str) -> None:
    text = ENVIRONMENT.replace("/usr/bin/ls", shutil.which("ls") or "")
    green(play(text, level=level, environment=CALLER))


@levels
def test_a_umask_that_is_closed_does_not_close_the_stage(play: Callable, tmp_path: Path, level: str) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "hello").write_text("#!/bin/sh\necho hello; umask\n")
    closed = ["sh", "-c", 'umask 077; exec "$@"', "sh"]
    green(play("$ ./own/hello\nhello\n0022\n", level=level, prefix=closed))


@private_stage
def test_the_machines_settings_of_the_keyboard_are_not_those_of_a_performance(play: Callable, tmp_path: Path) -> None:
    """In a file that readline reads where a person has none: there, "e" would type "x"."""
    if not (shutil.which("tmux") and os.path.exists("/etc/inputrc")):
        pytest.skip("needs tmux and /etc/inputrc")
    (tmp_path / "inputrc").write_text('"e": "x"\n')
    bind = f'mount --bind "{tmp_path}/inputrc" /etc/inputrc && exec "$@"'
    call = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", bind, "sh"]
    if subprocess.run([*call, "true"], capture_output=True).returncode:
        pytest.skip("needs user namespaces")
    path = page(tmp_path, scene("$ echo here\nhere\n"))
    done = stage("perform", path, "--auto", "--programs", tmp_path, prefix=call)
    assert done.returncode == 0, done


# ------------------------------------------------------------------- odd machines


def test_a_user_who_is_not_listed_is_a_number(play: Callable) -> None:
    """As in many a container, started with "--user 54321"."""
    somebody = ["unshare", "--user", "--map-user=54321"]
    if subprocess.run([*somebody, "true"], capture_output=True).returncode:
        pytest.skip("needs user namespaces")
    green(play("$ touch x; ls -l x | cut -d' ' -f3\nstudent\n", level="bare", prefix=somebody))


NAMED = 'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group && hostname "$1" && shift && "$@"'


def test_names_of_the_machine_with_dots_and_blanks_stand_for_those_of_the_page(play: Callable, tmp_path: Path) -> None:
    """As where a domain controller knows the users; and who is in the group "users"."""
    machine = ["unshare", "--user", "--map-root-user", "--mount", "--uts", "sh", "-c", NAMED, str(tmp_path)]
    for user, group, host in (("john.doe", "domain users", "pc7.example.org"), ("anna", "users", "pc7")):
        (tmp_path / "passwd").write_text(f"{user}:x:0:0::/:/bin/bash\n")
        (tmp_path / "group").write_text(f"{group}:x:0:\n")
        if subprocess.run([*machine, host, "true"], capture_output=True).returncode:
            pytest.skip("needs user namespaces")
        green(play(
            """
            $ touch x; ls -l x; id -un
            -rw-r--r-- 1 student student 0 Nov 22 17:25 x
            student
            $ uname -n
            classroom
            """,
            level="bare", prefix=[*machine, host]))


@private_stage
def test_where_the_next_pid_cannot_be_chosen_it_is_another_one(play: Callable) -> None:
    """A kernel without CONFIG_CHECKPOINT_RESTORE."""
    hidden = strace("-P", "/proc/sys/kernel/ns_last_pid", "-e", "inject=openat:error=ENOENT")
    green(play("$ sh -c 'echo $$; read line'\n4243\n[blocked in read]\n^D\n[1]\n", prefix=hidden))


LINKED = """
    set -e
    mount -t tmpfs dev "$0"
    for name in null zero full random urandom tty; do touch "$0/$name"; mount --bind /dev/$name "$0/$name"; done
    ln -s pts/ptmx "$0/ptmx"
    ln -s "$1" "$0/shm"
    shift
    mount --rbind "$0" /dev
    exec "$@"
"""


@private_stage
def test_where_dev_shm_is_a_link_the_stage_has_a_folder(play: Callable, tmp_path: Path) -> None:
    """WSL has a link to /run/shm."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "shm").mkdir()
    machine = ["unshare", "--mount", *(["--user", "--map-root-user"] if LEVEL == "user" else [])]
    green(play(
        """
        $ stat -c %F /dev/shm; tty > /dev/null
        directory
        $ readlink /proc/self/fd/3 3> /dev/shm/x; ls /dev/shm; rm /dev/shm/x
        /dev/shm/x
        x
        """,
        prefix=[*machine, "sh", "-c", LINKED, str(tmp_path / "dev"), str(tmp_path / "shm")],
    ))
    assert list((tmp_path / "shm").iterdir()) == []


def test_a_folder_in_which_nothing_can_be_run_is_refused(play: Callable, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    mount = f'mount -t tmpfs -o noexec none "{temporary}" && "$@"; status=$?; ls -A "{temporary}"; exit $status'
    call = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if subprocess.run([*call, "true"], capture_output=True).returncode:
        pytest.skip("needs user namespaces")
    done = play("$ true\n", level="bare", prefix=call, environment={"TMPDIR": str(temporary)})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"stage: no program can be run in {temporary} (mounted noexec): "
                           "set TMPDIR to a folder where programs run\n")


def test_the_path_of_the_temporary_folder_may_be_long(play: Callable, tmp_path: Path) -> None:
    temporary = tmp_path.joinpath(*["long" * 50] * 10)
    temporary.mkdir(parents=True)
    green(play("$ echo x > file; cat file\nx\n$ cat\n[blocked]\n^D\n", level="bare",
               environment={"TMPDIR": str(temporary)}))
    assert list(temporary.iterdir()) == []


def test_a_program_may_have_a_name_that_the_kernel_cuts_within_a_letter(play: Callable, tmp_path: Path) -> None:
    """Of a name, it keeps 15 bytes; what /proc says of the program is no UTF-8 then."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "éééééééé").write_text("#!/bin/sh\necho >$1; read line <$1\n")
    report = red(play("$ mkfifo pipe; ./own/éééééééé pipe & read line <pipe\n[1] 4243\n"))
    assert re.search("left running in terminal main: [0-9]+ ééééééé", report)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_play_whose_output_is_closed_ends_with_its_status(play: Callable, closed: str) -> None:
    for text, status in (("$ true\n", 0), ("$ false\n", 1)):
        done = play(text, prefix=["sh", "-c", f'exec "$@" {closed}', "sh"])
        assert (done.returncode, done.stderr) == (status, "")


def test_what_the_output_cannot_hold_is_told_in_other_letters(play: Callable) -> None:
    report = red(play("$ echo '→'\n←\n", environment={"PYTHONIOENCODING": "latin-1"}), '"\\u2192" instead of "\\u2190"')
    assert report.splitlines()[-1].endswith("1 failed")


# ---------------------------------------------------------------- what cannot be seen


def test_where_nothing_may_be_traced_scenes_with_strace_are_left_out(play: Callable) -> None:
    """As with kernel.yama.ptrace_scope 2 or 3; here, since all is being traced already."""
    line = green(play(
        scene("$ true\n"), scene("$ strace -qq -e trace=none true; echo done\ndone\n$ true\n"), scene("$ true\n"),
        scene("$ true\n", "fresh"), prefix=strace("-e", "trace=none")))
    assert ": 2 cues in 1 terminals" in line
    assert f", 3 cues skipped ({LEVEL}: strace may not trace (" in line


@private_stage
@pytest.mark.parametrize("call", ["openat", "read"])
def test_where_no_sleep_is_shown_scenes_that_go_by_it_are_left_out(play: Callable, call: str) -> None:
    """Each with those after it, up to the next fresh one."""
    pids = [word for pid in range(4240, 4260) for word in ("-P", f"/proc/{pid}/syscall")]
    line = green(play(
        scene("$ true\n"), scene("$ cat\n[blocked]\n"), scene("(main)\n^C\n[130]\n$ true\n"),
        scene("$ true\n", "fresh"), prefix=strace(*pids, "-e", f"inject={call}:error=EPERM")))
    assert ": 2 cues in 1 terminals" in line
    assert f", 3 cues skipped ({LEVEL}: in which call a process sleeps is not shown (" in line


@pytest.mark.parametrize("machine", ["i686", None])
def test_a_page_that_fails_on_another_machine_says_that_it_is_one(play: Callable, machine: str | None) -> None:
    if machine and os.uname().machine != "x86_64":
        pytest.skip("needs setarch(8) of x86-64")
    report = red(play("$ true\n[1]\n", level="bare", prefix=["setarch", machine] if machine else []))
    assert ("this machine is i686" in report.splitlines()[-1]) == bool(machine)


# --------------------------------------------------------------------- system calls

HEADERS = {
    "x86-64": ("#define __NR_openat 257\n#define __NR_futex 202\n", {257: "openat", 202: "futex"}),
    "32-bit ARM": (
        "#define __NR_SYSCALL_BASE 0\n#define __NR_OABI_SYSCALL_BASE 0x900000\n"
        "#define __NR_openat (__NR_SYSCALL_BASE + 322)\n#define __NR_restart_syscall (__NR_SYSCALL_BASE+ 0)\n"
        "#define __NR_sync_file_range2 __NR_arm_sync_file_range\n"
        "#define __NR_arm_sync_file_range (__NR_SYSCALL_BASE + 341)\n",
        {322: "openat", 0: "restart_syscall", 341: "arm_sync_file_range"},
    ),
    "64-bit ARM": (
        "#define __NR3264_mmap 222\n#define __NR_mmap __NR3264_mmap\n#define __NR_openat 56\n",
        {222: "mmap", 56: "openat"},
    ),
    "i386": (
        "#define __NR_futex 240\n#define __NR_futex_time64 422\n#define __NR_clock_nanosleep_time64 407\n",
        {240: "futex", 422: "futex", 407: "clock_nanosleep"},
    ),
    "x32": (
        "#define __X32_SYSCALL_BIT 0x40000000UL\n#define __NR_read (__X32_SYSCALL_BIT + 0)\n",
        {0x40000000: "read"},
    ),
}


@pytest.mark.parametrize(("defines", "calls"), HEADERS.values(), ids=HEADERS)
def test_the_numbers_of_the_system_calls_are_read_from_the_headers(defines: str, calls: dict[int, str]) -> None:
    assert numbers(defines) == calls


def test_this_machine_has_the_calls_that_the_pages_name() -> None:
    """As the Python that runs here knows, which is of this machine."""
    calls = system_calls(os.environ.get("CC", "cc"))
    assert {"futex", "openat", "read", "mq_timedsend", "mq_timedreceive", "clock_nanosleep"} <= set(calls.values())
    assert sys.maxsize < 1 << 32 or len(set(calls.values())) == len(calls)
