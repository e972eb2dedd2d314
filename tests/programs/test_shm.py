"""Share a counter between processes, and lose some of its increments."""

import fcntl
import os
import signal
import stat
import struct
from collections.abc import Callable
from pathlib import Path

import faults
import objects
import process
import pytest
from faults import strace
from objects import shared_memory
from process import Completed, Running, good, misused, refused, run
from support import STRANGER

pytestmark = pytest.mark.usefixtures("programs")  # those that watch themselves, too

OPENERS = ["030-shm-produce", "040-shm-consume"]
outputs = pytest.mark.parametrize("output", process.OUTPUTS)
openers = pytest.mark.parametrize("program", OPENERS)


def counter(name: str) -> int:
    return struct.unpack("=Q", shared_memory(name).read_bytes())[0]


def count_to(name: str, value: int) -> None:
    """Store a value as a producer would, into the object there is."""
    with shared_memory(name).open("r+b") as file:
        file.write(struct.pack("=Q", value))


@pytest.fixture
def counted(name: str) -> str:
    """The name of a counter made by the program for it."""
    good("020-shm-create", name)
    return name


# ----------------------------------------------------------------------- create


def test_the_object_has_no_bytes_until_it_gets_a_size(name: str) -> None:
    printed = good("020-shm-create", name)
    assert printed == "0 bytes after shm_open()\n8 bytes after ftruncate()\n"
    assert shared_memory(name).read_bytes() == bytes(8)


def test_the_object_is_for_its_owner_only(name: str) -> None:
    assert run("020-shm-create", name, umask=0).returncode == 0
    assert stat.S_IMODE(shared_memory(name).stat().st_mode) == 0o600


def test_the_second_create_is_refused(counted: str) -> None:
    count_to(counted, 42)
    refused("020-shm-create", f"shm_open {counted}: File exists", counted)
    assert counter(counted) == 42


def test_an_object_that_gets_no_size_is_taken_away(name: str, tmp_path: Path) -> None:
    fault = strace(tmp_path / "log", "/^ftruncate:error=EIO")
    refused("020-shm-create", f"ftruncate {name}: Input/output error", name, **fault)
    assert not shared_memory(name).exists()


@pytest.mark.parametrize("program", [*OPENERS, "099-shm-unlink"])
def test_an_object_that_is_missing_is_refused(program: str, name: str) -> None:
    call = "shm_unlink" if program == "099-shm-unlink" else "shm_open"
    refused(program, f"{call} {name}: No such file or directory", name)


# ------------------------------------------------------------------------ names


@pytest.mark.parametrize("program", ["020-shm-create", *OPENERS, "099-shm-unlink"])
@pytest.mark.parametrize(
    ("bad", "reasons"),
    [
        ("", {"Invalid argument", "No such file or directory"}),
        ("/", {"Invalid argument", "No such file or directory"}),
        ("/a{name}", {"Invalid argument", "No such file or directory"}),
        ("{name:x<257}", {"File name too long"}),
    ],
    ids=["empty", "slash", "slash-inside", "too-long"],
)
def test_a_bad_name_is_refused(
    program: str, bad: str, reasons: set[str], name: str
) -> None:
    bad, call = bad.format(name=name), "shm_open"
    if program == "099-shm-unlink":
        call = "shm_unlink"
        reasons = reasons | {"No such file or directory"}  # glibc 2.43, if too long
    result = run(program, bad)
    texts = {f"{program}: {call} {bad}: {reason}\n" for reason in reasons}
    assert result.stderr in texts
    assert (result.returncode, result.stdout) == (1, "")


@pytest.mark.parametrize("slashes", ["", "//"], ids=["no-slash", "two-slashes"])
def test_leading_slashes_make_no_difference(slashes: str, name: str) -> None:
    """glibc and musl both skip them; POSIX promises it only for one."""
    good("020-shm-create", slashes + name[1:])
    assert shared_memory(name).stat().st_size == 8
    good("099-shm-unlink", name)


def test_the_longest_name_fits(name: str) -> None:
    longest = f"{name:x<256}"
    good("020-shm-create", longest)
    good("099-shm-unlink", longest)


# ------------------------------------------------------------ what is not a counter


@openers
@pytest.mark.parametrize("size", [0, 1, 7, 9, 4096])
def test_an_object_of_another_size_is_not_touched(
    program: str, size: int, name: str
) -> None:
    shared_memory(name).write_bytes(b"x" * size)
    refused(program, f"{name}: not a counter of 020-shm-create", name)
    assert shared_memory(name).read_bytes() == b"x" * size


@openers
def test_a_symbolic_link_is_not_followed(
    program: str, name: str, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(bytes(8))
    shared_memory(name).symlink_to(victim)
    refused(program, f"shm_open {name}: Too many levels of symbolic links", name)
    refused("020-shm-create", f"shm_open {name}: File exists", name)
    assert victim.read_bytes() == bytes(8)


def test_a_directory_is_no_counter(name: str) -> None:
    shared_memory(name).mkdir()
    result = run("030-shm-produce", name)
    reasons = {"Invalid argument", "Is a directory"}  # glibc's, musl's
    texts = {f"030-shm-produce: shm_open {name}: {reason}\n" for reason in reasons}
    assert result.stderr in texts
    assert result.returncode == 1
    refused("040-shm-consume", f"{name}: not a counter of 020-shm-create", name)
    refused("099-shm-unlink", f"shm_unlink {name}: Is a directory", name)


# ----------------------------------------------------------------- somebody else


@pytest.mark.parametrize("program", [*OPENERS, "099-shm-unlink"])
def test_somebody_else_can_neither_read_nor_write_nor_remove(
    program: str, name: str, stranger: Callable[..., Completed]
) -> None:
    assert run("020-shm-create", name, umask=0).returncode == 0
    call = "shm_unlink" if program == "099-shm-unlink" else "shm_open"
    reasons = {"Permission denied", "Operation not permitted"}  # musl's for unlink
    result = stranger(program, name)
    assert result.stderr in {f"{program}: {call} {name}: {why}\n" for why in reasons}
    assert (result.returncode, result.stdout) == (1, "")
    assert counter(name) == 0


def test_what_somebody_else_has_created_is_not_taken_over(
    name: str, stranger: Callable[..., Completed]
) -> None:
    assert stranger("020-shm-create", name).returncode == 0
    refused("020-shm-create", f"shm_open {name}: File exists", name)
    assert shared_memory(name).stat().st_uid == STRANGER


# ---------------------------------------------------------------------- produce


def test_a_producer_counts_and_prints(counted: str) -> None:
    count_to(counted, 41)
    assert good("030-shm-produce", counted, 1) == "42\n"
    assert counter(counted) == 42


def test_two_producers_lose_increments(new_name: Callable[[], str]) -> None:
    """Each of the two counts to three, and so do both together: 20 of 20 times."""
    names = [new_name() for _ in range(20)]
    for name in names:
        good("020-shm-create", name)
    producers = [Running("030-shm-produce", name, 3) for name in names for _ in "ab"]
    printed = {producer.finish().stdout for producer in producers}
    assert [counter(name) for name in names] == [3] * 20
    assert printed == {"1\n2\n3\n"}


def test_ctrl_c_ends_a_producer_that_has_nothing_to_put_back(counted: str) -> None:
    count_to(counted, 5)
    producer = Running("030-shm-produce", counted)
    producer.wait_until_blocked("nanosleep")
    producer.send(signal.SIGINT)
    result = producer.finish()
    assert (result.returncode, result.stdout, result.stderr) == (-signal.SIGINT, "", "")
    assert counter(counted) == 5  # what it has not finished is not stored


def test_without_a_count_a_producer_goes_on_until_ctrl_c(counted: str) -> None:
    producer = Running("030-shm-produce", counted)
    assert [producer.next_line(), producer.next_line()] == ["1", "2"]
    producer.wait_until_blocked("nanosleep")
    producer.send(signal.SIGINT)
    assert producer.finish().returncode == -signal.SIGINT
    assert counter(counted) == 2


def test_a_producer_maps_to_write_and_keeps_no_descriptor(counted: str) -> None:
    producer = Running("030-shm-produce", counted)
    producer.wait_until_blocked("nanosleep")
    (line,) = process.mappings(producer.pid, str(shared_memory(counted)))
    assert line.split()[1] == "rw-s"
    links = [os.readlink(fd) for fd in Path(f"/proc/{producer.pid}/fd").iterdir()]
    assert str(shared_memory(counted)) not in links


def test_a_stopped_producer_goes_on(counted: str) -> None:
    producer = Running("030-shm-produce", counted, 1)
    producer.wait_until_blocked("nanosleep")
    producer.send(signal.SIGSTOP)
    producer.send(signal.SIGCONT)
    assert producer.finish().stdout == "1\n"
    assert counter(counted) == 1


# ---------------------------------------------------------------------- consume


def test_a_consumer_prints_at_once_and_then_only_what_has_changed(counted: str) -> None:
    count_to(counted, 41)
    consumer = Running("040-shm-consume", counted)
    assert consumer.next_line() == "41"
    first = process.looks(consumer.pid)
    consumer.wait_until(lambda: process.looks(consumer.pid) >= first + 4, "looking")
    count_to(counted, 2**64 - 1)
    assert consumer.next_line() == str(2**64 - 1)
    consumer.send(signal.SIGINT)
    result = consumer.finish()
    assert (result.returncode, result.stdout) == (-signal.SIGINT, "")


def test_a_consumer_shows_nought_too(counted: str) -> None:
    assert Running("040-shm-consume", counted).next_line() == "0"


def test_a_consumer_sees_what_a_producer_stores(counted: str) -> None:
    consumer = Running("040-shm-consume", counted)
    assert consumer.next_line() == "0"
    producer = Running("030-shm-produce", counted, 1)
    assert consumer.next_line() == "1"
    assert producer.finish().stdout == "1\n"


def test_a_consumer_cannot_write(counted: str) -> None:
    consumer = Running("040-shm-consume", counted)
    consumer.next_line()
    (line,) = process.mappings(consumer.pid, str(shared_memory(counted)))
    assert line.split()[1] == "r--s"


# ----------------------------------------------------------------------- unlink


def test_only_memory_without_a_name_can_be_sealed_against_shrinking(counted: str) -> None:
    """What the page says to those who ask how an opener can be safe."""
    memory = os.memfd_create(counted[1:], os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    named = os.open(shared_memory(counted), os.O_RDWR)
    try:
        os.ftruncate(memory, 8)
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        with pytest.raises(PermissionError):
            os.ftruncate(memory, 0)
        with pytest.raises(PermissionError):
            fcntl.fcntl(named, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    finally:
        os.close(memory)
        os.close(named)


def test_what_is_unlinked_while_in_use_stays_for_who_uses_it(counted: str) -> None:
    consumer = Running("040-shm-consume", counted)
    assert consumer.next_line() == "0"
    with shared_memory(counted).open("r+b", buffering=0) as held:
        good("099-shm-unlink", counted)
        (line,) = process.mappings(consumer.pid, str(shared_memory(counted)))
        assert line.endswith(" (deleted)")
        held.write(struct.pack("=Q", 7))
    assert consumer.next_line() == "7"


def test_after_an_unlink_the_name_is_free_for_another_object(counted: str) -> None:
    consumer = Running("040-shm-consume", counted)
    assert consumer.next_line() == "0"
    good("099-shm-unlink", counted)
    good("020-shm-create", counted)
    count_to(counted, 7)
    first = process.looks(consumer.pid)
    consumer.wait_until(lambda: process.looks(consumer.pid) >= first + 2, "looking")
    consumer.send(signal.SIGTERM)
    assert consumer.finish().stdout == ""  # it still looks at the old one


def test_a_killed_producer_leaves_the_object(counted: str) -> None:
    producer = Running("030-shm-produce", counted)
    producer.wait_until_blocked("nanosleep")
    producer.send(signal.SIGKILL)
    assert producer.finish().returncode == -signal.SIGKILL
    assert counter(counted) == 0
    good("099-shm-unlink", counted)
    assert not shared_memory(counted).exists()


# --------------------------------------------------------------- standard output


@outputs
def test_a_creator_that_cannot_print_says_so(output: str, name: str) -> None:
    process.cannot_print(output, "020-shm-create", name)


@openers
@outputs
def test_an_opener_that_cannot_print_says_so(
    program: str, output: str, counted: str
) -> None:
    process.cannot_print(output, program, counted)


def test_a_closed_pipe_ends_the_program(counted: str) -> None:
    process.dies_of_the_pipe("030-shm-produce", counted)
    process.dies_of_the_pipe("040-shm-consume", counted)


# --------------------------------------------------------------- arguments, faults


@pytest.mark.parametrize(
    "program", ["020-shm-create", "040-shm-consume", "099-shm-unlink"]
)
def test_a_second_argument_is_too_many(program: str, name: str) -> None:
    misused(program, " [name]", name, "x")
    assert not shared_memory(name).exists()


@pytest.mark.parametrize("count", ["abc", "", "-1", "0", "1x", str(10**22)])
def test_a_count_that_is_none_is_refused(count: str, counted: str) -> None:
    misused("030-shm-produce", " [name [count]]", counted, count)
    assert counter(counted) == 0


def test_a_third_argument_is_too_many(counted: str) -> None:
    misused("030-shm-produce", " [name [count]]", counted, 1, 1)


def contents(name: str) -> bytes | None:
    file = shared_memory(name)
    return file.read_bytes() if file.exists() else None


@pytest.mark.parametrize(
    ("program", "arguments", "ending"),
    [
        ("020-shm-create", [], []),
        ("030-shm-produce", [2], ["/nanosleep:retval=0"]),
        ("040-shm-consume", [], ["/nanosleep:signal=SIGTERM:when=1"]),
        ("099-shm-unlink", [], []),
    ],
)
def test_a_failing_call_is_named(
    program: str, arguments: list[int], ending: list[str], name: str, tmp_path: Path
) -> None:
    def prepare() -> None:
        objects.remove(name)
        if program != "020-shm-create":
            shared_memory(name).write_bytes(bytes(8))

    faults.survives_faults(
        tmp_path / "log",
        program,
        name,
        *arguments,
        subject=name,
        prepare=prepare,
        state=lambda: contents(name),
        ending=ending,
        library="close",  # of what has been mapped already
    )
