"""Take from and give to a semaphore; guard a counter with one."""

import fcntl
import os
import shutil
import signal
import stat
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import faults
import objects
import process
import pytest
from objects import shared_memory
from process import Completed, Running, good, misused, refused, run
from support import STRANGER

pytestmark = pytest.mark.usefixtures("programs")  # those that watch themselves, too

OPENERS = ["110-sem-wait", "120-sem-post", "125-sem-value"]
openers = pytest.mark.parametrize("program", OPENERS)
outputs = pytest.mark.parametrize("output", process.OUTPUTS)


def value(name: str) -> int:
    return int(good("125-sem-value", name))


def counter(name: str) -> int:
    return struct.unpack("=Q", shared_memory(name).read_bytes())[0]


@pytest.fixture
def zero(name: str) -> str:
    """The name of a semaphore with nothing to take."""
    good("100-sem-create", name, 0)
    return name


@pytest.fixture
def guarded(name: str, guard: str) -> tuple[str, str]:
    """The names of a counter and of its guard."""
    good("020-shm-create", name)
    good("100-sem-create", guard, 1)
    return name, guard


# ----------------------------------------------------------------------- create


def test_the_initial_value_is_seven(name: str) -> None:
    assert good("100-sem-create", name) == ""
    assert value(name) == 7


@pytest.mark.parametrize("initial", [0, 1, 2**31 - 1])
def test_the_initial_value_can_be_chosen(initial: int, name: str) -> None:
    good("100-sem-create", name, initial)
    assert value(name) == initial


def test_a_value_that_a_semaphore_cannot_hold_is_refused(name: str) -> None:
    refused("100-sem-create", f"sem_open {name}: Invalid argument", name, 2**31)
    assert not objects.semaphore(name).exists()


def test_the_semaphore_is_for_its_owner_only(name: str) -> None:
    assert run("100-sem-create", name, umask=0).returncode == 0
    assert stat.S_IMODE(objects.semaphore(name).stat().st_mode) == 0o600


def test_the_second_create_is_refused_and_changes_no_value(name: str) -> None:
    good("100-sem-create", name)
    refused("100-sem-create", f"sem_open {name}: File exists", name, 3)
    assert value(name) == 7


@pytest.mark.parametrize("program", [*OPENERS, "199-sem-unlink"])
def test_a_semaphore_that_is_missing_is_refused(program: str, name: str) -> None:
    call = "sem_unlink" if program == "199-sem-unlink" else "sem_open"
    refused(program, f"{call} {name}: No such file or directory", name)


# ------------------------------------------------------------------------ names


@pytest.mark.parametrize("program", ["100-sem-create", *OPENERS, "199-sem-unlink"])
@pytest.mark.parametrize(
    ("bad", "reasons"),
    [
        ("", {"Invalid argument", "No such file or directory"}),
        ("/", {"Invalid argument", "No such file or directory"}),
        ("/a{name}", {"Invalid argument", "No such file or directory"}),
        # glibc needs room for "sem." and has other answers from there on.
        (
            "{name:x<257}",
            {"File name too long", "Invalid argument", "No such file or directory"},
        ),
    ],
    ids=["empty", "slash", "slash-inside", "too-long"],
)
def test_a_bad_name_is_refused(
    program: str, bad: str, reasons: set[str], name: str
) -> None:
    bad = bad.format(name=name)
    call = "sem_unlink" if program == "199-sem-unlink" else "sem_open"
    result = run(program, bad)
    texts = {f"{program}: {call} {bad}: {reason}\n" for reason in reasons}
    assert result.stderr in texts
    assert (result.returncode, result.stdout) == (1, "")


def test_the_longest_name_leaves_room_for_what_the_library_puts_before_it(name: str) -> None:
    """glibc makes a file sem.NAME of it, of at most 255 bytes (NAME_MAX); musl, of NAME alone."""
    longest = f"{name:x<252}"
    good("100-sem-create", longest)
    assert len(objects.semaphore(longest).name) in (255, 251)
    good("199-sem-unlink", longest)


@pytest.mark.parametrize("slashes", ["", "//"], ids=["no-slash", "two-slashes"])
def test_leading_slashes_make_no_difference(slashes: str, name: str) -> None:
    """glibc and musl both skip them; POSIX promises it only for one."""
    good("100-sem-create", slashes + name[1:])
    assert value(name) == 7
    good("199-sem-unlink", name)


# ----------------------------------------------------------------- somebody else


@pytest.mark.parametrize("program", [*OPENERS, "199-sem-unlink"])
def test_somebody_else_can_neither_take_nor_give_nor_remove(
    program: str, name: str, stranger: Callable[..., Completed]
) -> None:
    assert run("100-sem-create", name, umask=0).returncode == 0
    call = "sem_unlink" if program == "199-sem-unlink" else "sem_open"
    reasons = {"Permission denied", "Operation not permitted"}  # musl's for unlink
    result = stranger(program, name)
    assert result.stderr in {f"{program}: {call} {name}: {why}\n" for why in reasons}
    assert (result.returncode, result.stdout) == (1, "")
    assert value(name) == 7


def test_what_somebody_else_has_created_is_not_taken_over(
    name: str, stranger: Callable[..., Completed]
) -> None:
    assert stranger("100-sem-create", name, 3).returncode == 0
    refused("100-sem-create", f"sem_open {name}: File exists", name)
    assert objects.semaphore(name).stat().st_uid == STRANGER


# -------------------------------------------------------------------- wait, post


def test_seven_waits_pass_and_the_eighth_blocks(name: str) -> None:
    good("100-sem-create", name)
    for left in (6, 5, 4, 3, 2, 1, 0):
        good("110-sem-wait", name)
        assert value(name) == left
    eighth = Running("110-sem-wait", name)
    eighth.wait_until_blocked("futex")
    assert value(name) == 0
    good("120-sem-post", name)
    assert eighth.finish().returncode == 0
    assert value(name) == 0  # what was given has been taken


def test_a_post_adds_one(zero: str) -> None:
    good("120-sem-post", zero)
    assert value(zero) == 1


def test_one_post_frees_exactly_one_of_two_waiters(zero: str) -> None:
    waiters = [Running("110-sem-wait", zero) for _ in "ab"]
    for waiter in waiters:
        waiter.wait_until_blocked("futex")
    good("120-sem-post", zero)
    ended = process.select.poll()
    for waiter in waiters:
        ended.register(waiter.exit, process.select.POLLIN)
    first = ended.poll(process.BOUND * 1000)[0][0]
    freed, still = sorted(waiters, key=lambda waiter: waiter.exit != first)
    assert freed.finish().returncode == 0
    still.wait_until_blocked("futex")
    assert value(zero) == 0
    good("120-sem-post", zero)
    assert still.finish().returncode == 0


def test_waiters_of_a_real_time_class_are_woken_first_and_the_highest_priority_before_all(
    zero: str, tmp_path: Path
) -> None:
    """Those of one priority, and all ordinary ones, in the order in which they came."""
    chrt = ["chrt", "--fifo", "1", "true"]
    if not shutil.which("chrt") or subprocess.run(chrt, capture_output=True, check=False).returncode:
        pytest.skip("needs chrt, and the right to a real-time class (CAP_SYS_NICE)")
    waiters = []
    for prefix in ([], [], *(["chrt", "--fifo", str(priority)] for priority in (10, 10, 20))):
        waiters.append(Running("110-sem-wait", zero, prefix=prefix))
        waiters[-1].wait_until_blocked("futex")
    for index in (4, 2, 3, 0, 1):
        good("120-sem-post", zero)
        assert waiters[index].finish().returncode == 0


def test_a_full_semaphore_takes_no_post(name: str) -> None:
    good("100-sem-create", name, 2**31 - 1)
    text = f"sem_post {name}: Value too large for defined data type"
    refused("120-sem-post", text, name)
    assert value(name) == 2**31 - 1


def test_a_stopped_waiter_goes_on_waiting(zero: str) -> None:
    waiter = Running("110-sem-wait", zero)
    waiter.wait_until_blocked("futex")
    waiter.send(signal.SIGSTOP)
    waiter.send(signal.SIGCONT)
    waiter.wait_until_blocked("futex")
    good("120-sem-post", zero)
    assert waiter.finish().returncode == 0


def test_ctrl_c_ends_a_waiter_that_has_taken_nothing(zero: str) -> None:
    waiter = Running("110-sem-wait", zero)
    waiter.wait_until_blocked("futex")
    waiter.send(signal.SIGINT)
    assert waiter.finish().returncode == -signal.SIGINT
    good("120-sem-post", zero)
    assert value(zero) == 1


# ----------------------------------------------------------------------- unlink


def test_a_semaphore_removed_under_a_waiter_keeps_it_waiting(zero: str) -> None:
    waiter = Running("110-sem-wait", zero)
    waiter.wait_until_blocked("futex")
    good("199-sem-unlink", zero)
    assert not objects.semaphore(zero).exists()
    good("100-sem-create", zero, 0)  # another one of the same name
    good("120-sem-post", zero)
    waiter.wait_until_blocked("futex")
    assert value(zero) == 1
    waiter.send(signal.SIGTERM)
    assert waiter.finish().returncode == -signal.SIGTERM


# -------------------------------------------------------------- the guarded counter


def test_two_guarded_producers_lose_nothing(new_name: Callable[[], str]) -> None:
    """One counts two and one counts one, 20 times: the sum is three, always."""
    pairs = [(new_name(), new_name()) for _ in range(20)]
    for name, guard in pairs:
        good("020-shm-create", name)
        good("100-sem-create", guard, 1)
    producers = [
        Running("130-sem-produce", *pair, count) for pair in pairs for count in (2, 1)
    ]
    results = [producer.finish() for producer in producers]
    assert {(result.returncode, result.stderr) for result in results} == {(0, "")}
    assert [counter(name) for name, _ in pairs] == [3] * 20
    for one, other in zip(results[::2], results[1::2], strict=True):
        printed = one.stdout.split() + other.stdout.split()
        assert sorted(printed) == ["1", "2", "3"]
    assert [value(guard) for _, guard in pairs] == [1] * 20


def test_while_one_has_the_guard_the_other_waits_for_it(
    guarded: tuple[str, str],
) -> None:
    holder = Running("130-sem-produce", *guarded, 1)
    holder.wait_until_blocked("nanosleep")
    assert value(guarded[1]) == 0
    other = Running("130-sem-produce", *guarded, 1)
    other.wait_until_blocked("futex")
    assert holder.finish().stdout == "1\n"
    other.send(signal.SIGINT)
    assert other.finish().returncode == 0


def test_ctrl_c_with_the_guard_in_hand_only_cuts_the_sleep_short(
    guarded: tuple[str, str],
) -> None:
    """The increment is finished, the guard given back, and the value printed."""
    name, guard = guarded
    holder = Running("130-sem-produce", name, guard)
    holder.wait_until_blocked("nanosleep")
    assert value(guard) == 0
    holder.send(signal.SIGINT)
    result = holder.finish()
    assert (result.returncode, result.stdout, result.stderr) == (0, "1\n", "")
    assert (value(guard), counter(name)) == (1, 1)


def test_ctrl_c_while_the_output_is_stopped_is_no_error(
    guarded: tuple[str, str],
) -> None:
    """It ends as soon as somebody reads, and its line is not lost."""
    name, guard = guarded
    source, target = os.pipe()
    size = fcntl.fcntl(target, fcntl.F_GETPIPE_SZ)
    os.write(target, bytes(size))
    holder = Running("130-sem-produce", name, guard, stdout=target)
    os.close(target)
    holder.wait_until_blocked("write")
    looks = process.looks(holder.pid)
    holder.send(signal.SIGINT)
    holder.wait_until(lambda: process.looks(holder.pid) > looks, "woken by a signal")
    holder.wait_until_blocked("write")
    with os.fdopen(source, "rb") as pipe:
        assert pipe.read() == bytes(size) + b"1\n"
    result = holder.finish()
    assert (result.returncode, result.stderr) == (0, "")
    assert (value(guard), counter(name)) == (1, 1)


def test_ctrl_c_ends_the_wait_for_the_guard(name: str, guard: str) -> None:
    good("020-shm-create", name)
    good("100-sem-create", guard, 0)
    waiter = Running("130-sem-produce", name, guard)
    waiter.wait_until_blocked("futex")
    waiter.send(signal.SIGINT)
    result = waiter.finish()
    assert (result.returncode, result.stderr) == (0, "")
    assert (value(guard), counter(name)) == (0, 0)  # neither taken nor given


def test_who_is_killed_with_the_guard_in_hand_keeps_it_for_ever(
    guarded: tuple[str, str],
) -> None:
    name, guard = guarded
    holder = Running("130-sem-produce", name, guard)
    holder.wait_until_blocked("nanosleep")
    holder.send(signal.SIGKILL)
    assert holder.finish().returncode == -signal.SIGKILL
    assert (value(guard), counter(name)) == (0, 0)
    good("199-sem-unlink", guard)
    good("099-shm-unlink", name)


def test_a_guarded_producer_needs_both_objects(name: str, guard: str) -> None:
    missing = "No such file or directory"
    refused("130-sem-produce", f"sem_open {guard}: {missing}", name, guard)
    good("100-sem-create", guard, 1)
    refused("130-sem-produce", f"shm_open {name}: {missing}", name, guard)
    assert value(guard) == 1


@pytest.mark.parametrize("size", [0, 1, 7, 9, 4096])
def test_a_guarded_producer_does_not_touch_another_size(
    size: int, name: str, guard: str
) -> None:
    good("100-sem-create", guard, 1)
    shared_memory(name).write_bytes(b"x" * size)
    refused("130-sem-produce", f"{name}: not a counter of 020-shm-create", name, guard)
    assert shared_memory(name).read_bytes() == b"x" * size
    assert value(guard) == 1


# --------------------------------------------------------------- standard output


@outputs
def test_a_value_that_cannot_be_printed_is_reported(output: str, zero: str) -> None:
    process.cannot_print(output, "125-sem-value", zero)


@outputs
def test_who_cannot_print_gives_the_guard_back(
    output: str, guarded: tuple[str, str]
) -> None:
    process.cannot_print(output, "130-sem-produce", *guarded)
    assert value(guarded[1]) == 1


def test_a_closed_pipe_ends_the_program(guarded: tuple[str, str]) -> None:
    process.dies_of_the_pipe("125-sem-value", guarded[1])
    process.dies_of_the_pipe("130-sem-produce", *guarded)
    assert value(guarded[1]) == 1


# --------------------------------------------------------------- arguments, faults


@pytest.mark.parametrize("program", [*OPENERS, "199-sem-unlink"])
def test_a_second_argument_is_too_many(program: str, zero: str) -> None:
    misused(program, " [name]", zero, "x")
    assert value(zero) == 0


@pytest.mark.parametrize("number", ["abc", "", "-1", "1x", str(2**32), str(10**22)])
def test_a_value_that_is_none_is_refused(number: str, name: str) -> None:
    misused("100-sem-create", " [name [value]]", name, number)
    assert not objects.semaphore(name).exists()


def test_a_third_argument_of_the_creator_is_too_many(name: str) -> None:
    misused("100-sem-create", " [name [value]]", name, 1, 1)
    assert not objects.semaphore(name).exists()


@pytest.mark.parametrize("arguments", [["abc"], [""], ["-1"], ["0"], [10**22], [1, 1]])
def test_a_count_that_is_none_is_refused(
    arguments: list[object], guarded: tuple[str, str]
) -> None:
    misused("130-sem-produce", " [name [guard [count]]]", *guarded, *arguments)
    assert (counter(guarded[0]), value(guarded[1])) == (0, 1)


@pytest.mark.parametrize("program", ["100-sem-create", *OPENERS, "199-sem-unlink"])
def test_a_failing_call_is_named(program: str, name: str, tmp_path: Path) -> None:
    creator = program == "100-sem-create"
    good("100-sem-create", name)

    def prepare() -> None:
        objects.remove(name)
        if not creator:
            good("100-sem-create", name, 1)

    def state() -> int | None:
        return value(name) if objects.semaphore(name).exists() else None

    faults.survives_faults(
        tmp_path / "log",
        program,
        name,
        subject="/dev/shm/" if creator else name[1:],
        prepare=prepare,
        state=state,
        library=r"close|\w*fstat|munmap",  # in sem_open(), and at the end
        # It looks for a free temporary name, and where it cannot remove that
        # again, leaves it.
        spared=r"\w+\(AT_FDCWD, .* AT_SYMLINK|lstat|unlink" if creator else "none",
    )


def test_a_failing_call_of_a_guarded_producer_is_named(
    guarded: tuple[str, str], tmp_path: Path
) -> None:
    name, guard = guarded

    def prepare() -> None:
        objects.remove(guard)
        good("100-sem-create", guard, 1)
        shared_memory(name).write_bytes(bytes(8))

    faults.survives_faults(
        tmp_path / "log",
        "130-sem-produce",
        name,
        guard,
        2,
        subject=name[1:],  # sem_open(), which comes before, fails above
        prepare=prepare,
        state=lambda: (counter(name), value(guard)),
        ending=["/nanosleep:retval=0"],
        library="close",  # of what has been mapped already
    )


def test_a_temporary_name_is_not_left(name: str) -> None:
    """glibc makes a semaphore under another name and links it."""
    good("100-sem-create", name)
    file = objects.semaphore(name)
    assert file.stat().st_nlink == 1
    assert file.stat().st_uid == os.getuid()
