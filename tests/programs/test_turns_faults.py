"""What turns meets that it cannot go on with: a line that says so, status 2, and nothing left."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import faults
import process
import pytest
from objects import shared_memory
from orders import Names, left, numbers, playing, seen, surroundings, turns
from process import Completed, run
from support import ROOT, STRANGER

pytestmark = pytest.mark.usefixtures("programs")  # those that watch themselves, too


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., str]:
    """Compiles a program whose main() has these lines; returns its path."""

    def compile_(name: str, *body: str, options: str = "-g") -> str:
        source = tmp_path / f"{name}.c"
        headers = "fcntl mqueue pthread semaphore signal stdlib sys/mman sys/syscall sys/wait time unistd".split()
        source.write_text("".join(f"#include <{header}.h>\n" for header in headers)
                          + "int main(int argc, char **argv)\n{\n    (void)argc, (void)argv;\n"
                          + "".join(f"    {text}\n" for text in body) + "    return 0;\n}\n")
        subprocess.run(["cc", *options.split(), "-o", tmp_path / name, source, "-pthread", "-lrt"], check=True)
        return str(tmp_path / name)

    return compile_


def refused(result: Completed, text: str) -> None:
    """One line on standard error, and status 2."""
    assert (result.returncode, result.stderr) == (2, f"turns: {text}\n")


# ------------------------------------------------------------------- how it is called


@pytest.mark.parametrize(("arguments", "text"), [
    ([], "an order and a program are needed: turns -h says more"),
    (["all"], "an order and a program are needed: turns -h says more"),
    (["-m", "ipc-x", "all", "x"], "-m ipc-x: not like /NAME=VALUE, or one too many"),
    (["-s", "/ipc-x=", "all", "x"], ": not a number"),
    (["-m", "/ipc-x=99999999999", "all", "x"], "99999999999: not a number"),
    (["-t", "1s", "all", "x"], "1s: not a number"),
    (["-m", "/ipc-x=0", "-e", "two", "all", "x"], "two: not a number"),
    (["-e", "1", "all", "x"], "-e 1: there is no object"),
    (["all", "nowhere"], "nowhere: No such file or directory"),
    (["all", "--", "x"], "--: No such file or directory"),
])
def test_a_call_that_makes_no_sense_is_refused(arguments: list[str], text: str) -> None:
    refused(run("turns", *arguments, cwd=ROOT), text)


def test_an_option_that_is_none_is_refused() -> None:
    for arguments in (["-z", "all", "x"], ["-m"]):
        done = run("turns", *arguments, cwd=ROOT)
        assert re.fullmatch("[^\n]*turns: [^\n]*option[^\n]*\n", done.stderr), done.stderr
        assert done.returncode == 2


def test_an_order_that_is_none_is_refused(names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong")
    refused(turns("ABC", options, command), 'after "AB": C cannot go')
    refused(turns("All", options, command), 'after "A": l cannot go')
    refused(turns("A" * 201, options, command), f"{'A' * 201}: longer than 200 steps")
    refused(turns("all", options, [*command, "--"]), "a program is missing after --, or more than 8")
    refused(turns("all", options, [*command, *["--", *command] * 8]), "a program is missing after --, or more than 8")
    assert left(names) == []


def test_help_says_what_it_is_and_what_it_is_not() -> None:
    done = run("turns", "-h")
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: turns [OPTION]... ORDER PROGRAM" in done.stdout
    assert "what compilers and\nprocessors reorder is not seen, and nothing is proved." in done.stdout


def test_somebody_elses_object_is_left_alone(names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong")
    shared_memory(names.one).write_bytes(b"12345678")
    refused(turns("all", options, command), f'after "": {names.one}: File exists')
    assert shared_memory(names.one).read_bytes() == b"12345678"


@pytest.mark.parametrize("order", ["all", "tree", "AB", "ABAB"])
def test_a_full_device_is_an_error(order: str, names: Names) -> None:
    options, command = names.counter("010-turns-add-wrong")
    with Path("/dev/full").open("w") as full:
        refused(turns(order, options, command, stdout=full), "write to standard output: No space left on device")
    assert left(names) == []


def test_a_reader_that_has_gone_is_no_reason_to_leave_anything(names: Names) -> None:
    options, command = names.guarded("020-turns-add", 2)
    reading, writing = os.pipe()
    os.close(reading)
    done = turns("tree", options, command, stdout=writing)
    os.close(writing)
    assert done.returncode == 128 + signal.SIGPIPE
    assert left(names) == []


# ----------------------------------------------------------------------- the programs


NO_MARKS = "no marked lines: turns -h says what is needed"


def test_a_program_without_line_numbers(names: Names, compiled: Callable[..., str], tmp_path: Path) -> None:
    program = compiled("marked", "int seen = 0; // TURN", "(void)seen;")
    subprocess.run(["strip", program], check=True)
    refused(turns("all", [], [program]), f"{program}: {NO_MARKS}")
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    refused(turns("all", [], [str(script)]), f"{script}: {NO_MARKS}")


def test_a_program_without_marks_or_source(compiled: Callable[..., str], tmp_path: Path) -> None:
    program = compiled("plain", "int seen = 0;", "(void)seen;")
    refused(turns("all", [], [program]), f"{program}: {NO_MARKS}")
    marked = compiled("marked", "int seen = 0; // TURN", "(void)seen;")
    Path(f"{marked}.c").rename(tmp_path / "elsewhere")
    refused(turns("all", [], [marked]), f"{marked}: {NO_MARKS}")


def test_a_mark_where_no_statement_begins(compiled: Callable[..., str]) -> None:
    program = compiled("empty", "int seen = 0; // TURN", "// TURN", "(void)seen;")
    refused(turns("all", [], [program]), f"{program}: no statement begins in line 16")


def test_a_program_for_another_processor(compiled: Callable[..., str]) -> None:
    try:
        program = compiled("narrow", "int seen = 0; // TURN", "(void)seen;", options="-g -m32")
    except subprocess.CalledProcessError:
        pytest.skip("needs a compiler and C library for 32 bits (gcc-multilib)")
    refused(turns("all", [], [program]), f"{program} comes to no marked line")


STARTS = "starts another process or program, or is stopped"
LATE = "no marked line is reached in time"

# What a program does between its first mark, in line 15, and a second one.
DEEDS = {
    "forks": ("if (fork() == 0) pause();", STARTS),
    "starts a thread": ("pthread_t one; pthread_create(&one, NULL, (void *(*)(void *))pause, NULL);",
                        STARTS),
    "runs a command": ('if (system("exec sleep 1000")) abort();',
                       STARTS),
    "becomes another program": ('execl("/bin/sleep", "sleep", "1000", (char *)0);',
                                STARTS),
    "sleeps by the clock": ("sleep(1000);", LATE),
    "sleeps by the clock, as with musl": ("syscall(SYS_nanosleep, &(struct timespec){1000, 0}, NULL);", LATE),
    "is stopped": ("raise(SIGSTOP);", STARTS),
    "computes for ever, in one line": ("for (; argc > 0;) __asm__ volatile(\"\");", LATE),
    "computes for ever, line by line": ("for (volatile int i = 0; argc > 0;)\n    i++;",
                                        LATE),
    "kills itself": ("kill(getpid(), SIGKILL);", None),
}


@pytest.mark.parametrize(("deed", "text"), DEEDS.values(), ids=DEEDS)
def test_what_cannot_be_ordered_is_said_with_the_order_so_far(
        deed: str, text: str | None, names: Names, compiled: Callable[..., str]) -> None:
    program = compiled("deed", f"volatile int seen = argc; // TURN\n{deed}", "seen = 0; // TURN")
    result = turns("all", ["-m", f"{names.one}=0", "-t", "1"], [program, names.one])
    if text:
        refused(result, f'after "A": {text}')
    else:
        assert numbers(result) == (2, 2, 0)  # to die is wrong, and no reason to stop
    assert left(names) == []


def test_a_program_that_ends_before_its_first_mark(names: Names, compiled: Callable[..., str]) -> None:
    program = compiled("early", "if (argc < 9) return 3;", "argc = 0; // TURN")
    refused(turns("all", ["-m", f"{names.one}=0"], [program]), f"{program} comes to no marked line")
    program = str(process.path("010-turns-add-wrong"))
    said = turns("AB", [], [program, names.one]).stderr.splitlines()  # with a word, the program's own words, too
    assert said == [f"010-turns-add-wrong: shm_open {names.one}: No such file or directory",
                    f"turns: {program} comes to no marked line"]


def test_a_program_that_depends_on_chance(names: Names, compiled: Callable[..., str]) -> None:
    program = compiled("chance", "int fd = open(argv[1], O_RDWR | O_CREAT, 0600); char once;",
                       "if (read(fd, &once, 1) == 0) // TURN", "    write(fd, &once, 1); // TURN", "argc = 0; // TURN")
    result = turns("all", ["-m", f"{names.one}=0"], [program, f"{program}.once"])
    assert result.returncode == 2
    assert result.stderr.startswith('turns: after "AA": not as it was before: ')
    assert left(names) == []


def test_a_program_that_heeds_no_signal_is_ended_all_the_same(names: Names, compiled: Callable[..., str]) -> None:
    ignored = "".join(f"signal({name}, SIG_IGN); " for name in ("SIGTERM", "SIGINT", "SIGHUP"))
    program = compiled("deaf", ignored, "volatile int seen = argc; // TURN", "pause();", "seen = 0; // TURN")
    assert numbers(turns("all", ["-m", f"{names.one}=0"], [program, names.one])) == (2, 0, 2)
    assert left(names) == []


def test_what_is_in_the_way_and_has_no_name_blocks_all_the_same(compiled: Callable[..., str]) -> None:
    program = compiled("pipe", "int ends[2]; char seen;", "if (pipe(ends) == 0)", "    read(*ends, &seen, 1); // TURN")
    shown = seen(turns("AB", [], [program]), 1)
    assert shown[-2:] == ["[17]    [17]    B 17: blocked", "deadlock"]


def test_whom_a_death_wakes_goes_on(names: Names, compiled: Callable[..., str], tmp_path: Path) -> None:
    program = compiled("locks", "int fd = open(argv[1], O_RDWR | O_CREAT, 0600);",
                       "lockf(fd, F_LOCK, 0); // TURN", "argc = 0; // TURN")
    shown = seen(turns("ABaB", [], [program, str(tmp_path / "locked")]), 1)
    assert [row.split()[:2] for row in shown[2:]] == [
        ["17", "16"], ["17", "[16]"], ["died", "17"], ["died", "ended"], ["wrong"]]


def test_marks_are_those_of_their_own_file(tmp_path: Path) -> None:
    (tmp_path / "one.c").write_text("void other(void);\nint main(void)\n{\n    volatile int x;\n    x = 1; // TURN\n"
                                    "    x = 2; // TURN\n    other();\n    return x - 2;\n}\n")
    (tmp_path / "two.c").write_text("void other(void);\nvoid other(void)\n{\n    volatile int y;\n    y = 1;\n"
                                    "    y = 2;\n    (void)y;\n}\n")
    subprocess.run(["cc", "-g", "-o", "both", "one.c", "two.c"], cwd=tmp_path, check=True)
    assert numbers(turns("all", [], [str(tmp_path / "both")])) == (6, 0, 0)


# ------------------------------------------------------------------- while it goes on


def begun(names: Names) -> Callable[[], bool]:
    return lambda: shared_memory(names.one).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_leaves_nothing_behind(number: signal.Signals, names: Names) -> None:
    options, command = names.guarded("020-turns-add", 4)
    play = playing("all", options, command)
    play.wait_until(begun(names), "at its first order")
    play.send(number)
    done = play.finish()
    assert done.returncode == 128 + number
    assert done.stderr.count("\n") == 1 and done.stderr.startswith('turns: after "')
    assert left(names) == []


@pytest.fixture
def sleeping(names: Names, compiled: Callable[..., str]) -> tuple[process.Running, int]:
    """A play in which A sleeps by the clock, and B stands; and the process that is A."""
    program = compiled("sleeping", "volatile int seen = argc; // TURN", "sleep(1000);", "seen = 0; // TURN")
    play = playing("A", ["-t", "1000"], [program, names.one])

    def sleeper() -> list[int]:
        return [int(pid) for pid in left(names) if pid.isdigit() and int(pid) != play.pid
                and process.blocked(int(pid), "clock_nanosleep")]

    play.wait_until(lambda: len(sleeper()) == 1, "A sleeps")
    return play, sleeper()[0]


def test_the_programs_end_with_turns_even_if_it_is_killed(names: Names, sleeping: tuple[process.Running, int]) -> None:
    play, _ = sleeping
    handles = [os.pidfd_open(int(pid)) for pid in left(names) if int(pid) != play.pid]
    assert len(handles) == 2
    play.send(signal.SIGKILL)
    play.finish()
    for handle in handles:
        assert process.readable(handle, process.BOUND), "a program goes on"
        os.close(handle)


@pytest.mark.parametrize(("number", "status", "text"), [
    (signal.SIGSTOP, 2, f'after "A": {STARTS}'), (signal.SIGKILL, 0, "{}: Killed")])
def test_a_program_that_somebody_else_stops_or_kills(
        number: signal.Signals, status: int, text: str, names: Names, sleeping: tuple[process.Running, int]) -> None:
    play, first = sleeping
    program = process.command_of(first)[0]
    os.kill(first, number)
    done = play.finish()
    assert (done.returncode, done.stderr) == (status, f"turns: {text.format(program)}\n")
    assert left(names) == []


# --------------------------------------------------------------- what the system refuses


def played_under(names: Names, log: Path, *inject: str) -> Completed:
    options, command = names.counter("010-turns-add-wrong")
    return turns("AABB", options, command, prefix=faults.strace(log, *inject)["prefix"])


@pytest.mark.parametrize("error", ["EPERM", "ESRCH"])
def test_each_ptrace_that_fails_is_said_and_leaves_nothing(error: str, names: Names, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert played_under(names, log).returncode == 0
    count = sum(call.name == "ptrace" for call in faults.read_trace(log))
    assert count > 50
    for ordinal in range(1, count + 1, 7):
        done = played_under(names, log, f"ptrace:error={error}:when={ordinal}")
        assert done.returncode == 2
        said = done.stderr.splitlines()
        assert len(said) == 1 and os.strerror(getattr(faults.errno, error)) in said[0]
        assert left(names) == []


def test_a_process_that_must_not_be_traced_is_said_in_a_line(names: Names, tmp_path: Path) -> None:
    """strace follows the programs, and what is traced by one cannot be traced by another."""
    options, command = names.counter("010-turns-add-wrong")
    prefix = faults.strace(tmp_path / "log")["prefix"]
    refused(turns("all", options, command, prefix=[prefix[0], "-f", *prefix[1:]]),
            f"{command[0]}: Operation not permitted")
    assert left(names) == []


def test_a_fork_that_fails(names: Names, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert played_under(names, log).returncode == 0
    forks = [call for call in faults.read_trace(log) if call.name in ("clone", "clone3", "fork")]
    plain = [call for call in forks if "CLONE_VFORK" not in call.text]  # not those of popen()
    assert len(plain) == 2
    done = played_under(names, log, f"{plain[1].name}:error=EAGAIN:when={plain[1].ordinal}")
    refused(done, 'after "": fork: Resource temporarily unavailable')
    assert left(names) == []


def test_shared_memory_for_which_there_is_no_room(names: Names, tmp_path: Path) -> None:
    refused(played_under(names, tmp_path / "log", "fallocate:error=ENOSPC"),
            f'after "": {names.one}: No space left on device')
    assert left(names) == []


def test_the_time_of_a_step_is_not_that_of_the_command_after_it(names: Names, tmp_path: Path) -> None:
    options, command = names.counter("010-turns-add-wrong")
    log = tmp_path / "log"
    turns("AABB", [*options, "-j", "true"], command, prefix=faults.strace(log)["prefix"])
    calls = ["-j" if "CLONE_VFORK" in call.text else call.text for call in faults.read_trace(log)
             if call.name == "alarm" or "CLONE_VFORK" in call.text]
    before = calls[:len(calls) - calls[::-1].index("-j") - 1]
    assert before[-1].startswith("alarm(0)"), calls


def test_an_ordinary_user_may_do_all_of_it(names: Names) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user; without it, all tests are an ordinary user's")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for program in ("turns", "010-turns-add-wrong"):
            shutil.copy(process.path(program), folder)
        shutil.copy(ROOT / "code/turns/010-turns-add-wrong.c", folder)
        options, command = names.counter("010-turns-add-wrong")
        done = subprocess.run(
            ["./turns", *options, "all", "./010-turns-add-wrong", *command[1:]], cwd=folder, user=STRANGER,
            group=STRANGER, extra_groups=(), env=surroundings()["env"], capture_output=True, text=True)
    assert done.stdout.startswith("6 orders, 4 wrong, 0 deadlocks"), done.stderr
