"""Send samples through a message queue, and wait at both of its ends."""

import math
import os
import re
import resource
import signal
import stat
import struct
import time
from calendar import timegm
from collections.abc import Callable
from pathlib import Path

import faults
import objects
import process
import pytest
from faults import strace
from objects import Queue
from process import Completed, Running, good, misused, refused, run

pytestmark = pytest.mark.usefixtures("programs")  # those that watch themselves, too

OPENERS = ["020-mq-produce", "030-mq-consume"]
openers = pytest.mark.parametrize("program", OPENERS)
outputs = pytest.mark.parametrize("output", process.OUTPUTS)

# struct sample, read from outside: timestamp, value, channel, unused.
SAMPLE = struct.Struct("=QdII")

LINE = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
    r"  channel (\d+)  value (-?\d+\.\d)  priority (\d+)"
)


@pytest.fixture
def queue(name: str) -> str:
    """The name of a queue made by the program for it."""
    assert good("010-mq-create", name) == ""
    return name


def waiting_in(name: str) -> int:
    with Queue(name, os.O_RDONLY) as messages:
        return len(messages)


def lines(consumer: Running, number: int) -> list[tuple[str, ...]]:
    found = [LINE.fullmatch(consumer.next_line()) for _ in range(number)]
    return [match.groups() for match in found if match]


# ----------------------------------------------------------------------- create


def test_the_queue_holds_ten_samples(queue: str) -> None:
    with Queue(queue) as messages:
        attributes = messages.attributes()
    assert attributes.maxmsg == 10
    assert attributes.msgsize == SAMPLE.size == 24
    assert attributes.curmsgs == 0


def test_the_queue_is_for_its_owner_only(name: str) -> None:
    assert run("010-mq-create", name, umask=0).returncode == 0
    with Queue(name) as messages:
        assert stat.S_IMODE(os.fstat(messages.fd).st_mode) == 0o600


def test_the_second_create_is_refused(queue: str) -> None:
    good("020-mq-produce", queue)
    refused("010-mq-create", f"mq_open {queue}: File exists", queue)
    assert waiting_in(queue) == 1


@pytest.mark.parametrize("program", [*OPENERS, "099-mq-unlink"])
def test_a_queue_that_is_missing_is_refused(program: str, name: str) -> None:
    call = "mq_unlink" if program == "099-mq-unlink" else "mq_open"
    refused(program, f"{call} {name}: No such file or directory", name)


def test_no_memory_for_queues_names_both_limits(name: str) -> None:
    """The kernel has the same error for descriptors and for queues."""

    def nothing() -> None:
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (0, 0))

    text = f"mq_open {name}: Too many open files (ulimit -n) or queues (ulimit -q)"
    refused("010-mq-create", text, name, preexec_fn=nothing)
    assert not objects.queue_exists(name)


@pytest.mark.parametrize(
    ("error", "reason"),
    [("ENOSYS", "Function not implemented"), ("ENOSPC", "No space left on device")],
)
def test_a_system_without_queues_is_named(
    error: str, reason: str, name: str, tmp_path: Path
) -> None:
    fault = strace(tmp_path / "log", f"mq_open:error={error}")
    refused("010-mq-create", f"mq_open {name}: {reason}", name, **fault)


# ------------------------------------------------------------------------ names


@pytest.mark.parametrize("program", ["010-mq-create", *OPENERS, "099-mq-unlink"])
@pytest.mark.parametrize(
    ("bad", "reasons"),
    [
        ("", {"Invalid argument", "No such file or directory"}),
        ("/", {"No such file or directory"}),
        ("/{name}", {"Permission denied"}),
        ("/a{name}", {"Permission denied"}),
        ("{name:x<257}", {"File name too long"}),
    ],
    ids=["empty", "slash", "two-slashes", "slash-inside", "too-long"],
)
def test_a_bad_name_is_refused(
    program: str, bad: str, reasons: set[str], name: str
) -> None:
    bad = bad.format(name=name)
    call = "mq_unlink" if program == "099-mq-unlink" else "mq_open"
    result = run(program, bad)
    texts = {f"{program}: {call} {bad}: {reason}\n" for reason in reasons}
    assert result.stderr in texts
    assert (result.returncode, result.stdout) == (1, "")


def test_a_name_without_a_slash_is_refused_or_means_the_same(name: str) -> None:
    """glibc refuses it, musl adds the slash."""
    result = run("010-mq-create", name[1:])
    if result.returncode == 0:
        assert objects.queue_exists(name)
    else:
        text = f"010-mq-create: mq_open {name[1:]}: Invalid argument\n"
        assert (result.stderr, result.returncode) == (text, 1)
        assert not objects.queue_exists(name)


# ----------------------------------------------------------------- somebody else


@pytest.mark.parametrize("program", [*OPENERS, "099-mq-unlink"])
def test_somebody_else_can_neither_send_nor_receive_nor_remove(
    program: str, name: str, stranger: Callable[..., Completed]
) -> None:
    assert run("010-mq-create", name, umask=0).returncode == 0
    good("020-mq-produce", name)
    call = "mq_unlink" if program == "099-mq-unlink" else "mq_open"
    reasons = {"Permission denied", "Operation not permitted"}  # musl's for unlink
    result = stranger(program, name)
    assert result.stderr in {f"{program}: {call} {name}: {why}\n" for why in reasons}
    assert (result.returncode, result.stdout) == (1, "")
    assert waiting_in(name) == 1


# --------------------------------------------------------------- what is sent


def test_a_sample_has_its_bytes_where_the_page_says(queue: str) -> None:
    before = time.time_ns()
    good("020-mq-produce", queue, 3, 5)
    after = time.time_ns()
    with Queue(queue) as messages:
        for number in range(3):
            message, priority = messages.receive()
            timestamp, value, channel, unused = SAMPLE.unpack(message)
            assert before <= timestamp <= after
            assert (value, channel, unused) == (20 + 0.5 * number, number, 0)
            assert priority == 5


def test_a_consumer_prints_what_was_sent(queue: str) -> None:
    before = int(time.time())
    good("020-mq-produce", queue, 3)
    after = time.time()
    consumer = Running("030-mq-consume", queue)
    printed = lines(consumer, 3)
    assert [line[1:] for line in printed] == [
        ("0", "20.0", "0"),
        ("1", "20.5", "0"),
        ("2", "21.0", "0"),
    ]
    for line in printed:
        sent = timegm(time.strptime(line[0], "%Y-%m-%d %H:%M:%S"))
        assert before <= sent <= after


@pytest.mark.parametrize(
    ("sample", "printed"),
    [
        ((0, -0.25, 2**32 - 1), "1970-01-01 00:00:00  channel 4294967295  value -0.2"),
        (
            (951_782_399_999_999_999, 1e3, 7),
            "2000-02-28 23:59:59  channel 7  value 1000.0",
        ),
        ((2**64 - 1, math.inf, 0), "2554-07-21 23:34:33  channel 0  value inf"),
    ],
    ids=["epoch", "leap-year", "largest"],
)
def test_a_consumer_reads_the_bytes_from_where_the_page_says(
    sample: tuple[int, float, int], printed: str, queue: str
) -> None:
    with Queue(queue) as messages:
        messages.send(SAMPLE.pack(*sample, 0), 32767)
    consumer = Running("030-mq-consume", queue)
    assert consumer.next_line() == f"{printed}  priority 32767"


def test_the_highest_priority_comes_first_and_equals_in_order(queue: str) -> None:
    for count, priority in ((2, 0), (2, 9), (1, 1)):
        good("020-mq-produce", queue, count, priority)
    consumer = Running("030-mq-consume", queue)
    assert [(line[3], line[1]) for line in lines(consumer, 5)] == [
        ("9", "0"),
        ("9", "1"),
        ("1", "0"),
        ("0", "0"),
        ("0", "1"),
    ]


def test_messages_outlive_their_sender(queue: str) -> None:
    good("020-mq-produce", queue, 4)
    assert waiting_in(queue) == 4


def test_a_priority_above_the_limit_is_refused(queue: str) -> None:
    good("020-mq-produce", queue, 1, 32767)
    misused("020-mq-produce", " [name [count [priority]]]", queue, 1, 32768)
    assert waiting_in(queue) == 1


# --------------------------------------------------------------- full and empty


def test_an_empty_queue_makes_a_consumer_wait(queue: str) -> None:
    consumer = Running("030-mq-consume", queue)
    consumer.wait_until_blocked("mq_timedreceive")
    good("020-mq-produce", queue)
    assert len(lines(consumer, 1)) == 1
    consumer.wait_until_blocked("mq_timedreceive")
    consumer.send(signal.SIGINT)
    result = consumer.finish()
    assert (result.returncode, result.stdout) == (-signal.SIGINT, "")


def test_the_eleventh_sample_waits_for_room(queue: str) -> None:
    good("020-mq-produce", queue, 10)
    producer = Running("020-mq-produce", queue)
    producer.wait_until_blocked("mq_timedsend")
    assert waiting_in(queue) == 10
    consumer = Running("030-mq-consume", queue)
    assert len(lines(consumer, 11)) == 11
    assert producer.finish().returncode == 0
    consumer.wait_until_blocked("mq_timedreceive")
    assert waiting_in(queue) == 0


def test_one_sample_frees_exactly_one_of_two_consumers(queue: str) -> None:
    consumers = [Running("030-mq-consume", queue) for _ in "ab"]
    for consumer in consumers:
        consumer.wait_until_blocked("mq_timedreceive")
    good("020-mq-produce", queue)
    for consumer in consumers:
        consumer.wait_until_blocked("mq_timedreceive")
        consumer.send(signal.SIGTERM)
    printed = [consumer.finish().stdout for consumer in consumers]
    assert sorted(map(len, map(str.splitlines, printed))) == [0, 1]


@pytest.mark.parametrize(
    ("program", "sent", "call"),
    [("030-mq-consume", 0, "mq_timedreceive"), ("020-mq-produce", 10, "mq_timedsend")],
)
def test_who_waits_and_is_stopped_goes_on_waiting(
    program: str, sent: int, call: str, queue: str
) -> None:
    if sent:
        good("020-mq-produce", queue, sent)
    waiter = Running(program, queue)
    waiter.wait_until_blocked(call)
    waiter.send(signal.SIGSTOP)
    waiter.send(signal.SIGCONT)
    waiter.wait_until_blocked(call)


# ----------------------------------------------------------------------- unlink


@pytest.mark.parametrize(
    ("program", "sent", "call"),
    [("030-mq-consume", 0, "mq_timedreceive"), ("020-mq-produce", 10, "mq_timedsend")],
)
def test_a_queue_removed_under_who_waits_keeps_it_waiting(
    program: str, sent: int, call: str, queue: str
) -> None:
    if sent:
        good("020-mq-produce", queue, sent)
    waiter = Running(program, queue)
    waiter.wait_until_blocked(call)
    good("099-mq-unlink", queue)
    assert not objects.queue_exists(queue)
    good("010-mq-create", queue)  # another one of the same name
    good("020-mq-produce", queue, 2)
    waiter.wait_until_blocked(call)
    assert waiting_in(queue) == 2
    waiter.send(signal.SIGTERM)
    assert waiter.finish().returncode == -signal.SIGTERM


def test_a_killed_consumer_leaves_the_queue(queue: str) -> None:
    consumer = Running("030-mq-consume", queue)
    consumer.wait_until_blocked("mq_timedreceive")
    consumer.send(signal.SIGKILL)
    assert consumer.finish().returncode == -signal.SIGKILL
    good("020-mq-produce", queue)
    assert waiting_in(queue) == 1
    good("099-mq-unlink", queue)
    assert not objects.queue_exists(queue)


# ------------------------------------------------------------- what does not fit


def test_a_sample_does_not_fit_into_a_queue_of_smaller_messages(name: str) -> None:
    with Queue(name, os.O_CREAT | os.O_RDWR, msgsize=8):
        refused("020-mq-produce", f"mq_send {name}: Message too long", name)
        assert waiting_in(name) == 0


def test_larger_messages_do_not_fit_into_a_sample(name: str) -> None:
    with Queue(name, os.O_CREAT | os.O_RDWR, msgsize=25) as messages:
        messages.send(bytes(25))
        refused("030-mq-consume", f"mq_receive {name}: Message too long", name)
        assert waiting_in(name) == 1  # and it has destroyed nothing


@pytest.mark.parametrize("size", [0, 8, 20, 23])
def test_a_message_that_is_no_sample_is_refused(size: int, queue: str) -> None:
    with Queue(queue) as messages:
        messages.send(bytes(size))
    text = f"{queue}: {size} bytes are not a sample"
    refused("030-mq-consume", text, queue)


# --------------------------------------------------------------- standard output


@outputs
def test_a_consumer_that_cannot_print_says_so(output: str, queue: str) -> None:
    good("020-mq-produce", queue, 2)
    process.cannot_print(output, "030-mq-consume", queue)
    assert waiting_in(queue) == 1  # it does not go on and destroy the rest


def test_a_closed_pipe_ends_the_program(queue: str) -> None:
    good("020-mq-produce", queue, 2)
    process.dies_of_the_pipe("030-mq-consume", queue)
    assert waiting_in(queue) == 1


# --------------------------------------------------------------- arguments, faults


@pytest.mark.parametrize(
    "program", ["010-mq-create", "030-mq-consume", "099-mq-unlink"]
)
def test_a_second_argument_is_too_many(program: str, name: str) -> None:
    misused(program, " [name]", name, "x")
    assert not objects.queue_exists(name)


@pytest.mark.parametrize(
    "arguments",
    [
        *([bad] for bad in ("abc", "", "-1", "0", "1x", str(10**22))),
        *(["1", bad] for bad in ("abc", "", "-1", "1x", str(2**31), str(10**22))),
        ["1", "1", "1"],
    ],
)
def test_a_number_that_is_none_is_refused(arguments: list[str], queue: str) -> None:
    misused("020-mq-produce", " [name [count [priority]]]", queue, *arguments)
    assert waiting_in(queue) == 0


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("010-mq-create", []),
        ("020-mq-produce", [2]),
        ("030-mq-consume", []),
        ("099-mq-unlink", []),
    ],
)
def test_a_failing_call_is_named(
    program: str, arguments: list[int], name: str, tmp_path: Path
) -> None:
    def prepare() -> None:
        objects.remove(name)
        if program != "010-mq-create":
            good("010-mq-create", name)
        if program == "030-mq-consume":
            good("020-mq-produce", name)
            with Queue(name) as messages:
                messages.send(b"no sample")  # or it would wait for the next one

    def state() -> int | None:
        return waiting_in(name) if objects.queue_exists(name) else None

    faults.survives_faults(
        tmp_path / "log",
        program,
        name,
        *arguments,
        subject=name[1:],
        prepare=prepare,
        state=state,
        # Conversion of a time makes it read the time zone, needed or not.
        library=r"close|open|\w+\(4\b" if program == "030-mq-consume" else "close",
    )
