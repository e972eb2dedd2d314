"""Print a file through a buffer and through a mapping; look at mappings."""

import mmap
import os
import random
import re
import resource
import signal
import subprocess
from pathlib import Path
from typing import Any

import faults
import process
import pytest
import tools
from faults import strace
from process import Running, good, misused, refused, run

PAGE = os.sysconf("SC_PAGESIZE")

PRINTERS = ["005-read", "010-mmap"]
ALL = [*PRINTERS, "020-mmap-anon"]

pytestmark = pytest.mark.usefixtures("programs")  # those that watch themselves, too

both = pytest.mark.parametrize("program", PRINTERS)
each = pytest.mark.parametrize("program", ALL)
outputs = pytest.mark.parametrize("output", process.OUTPUTS)


def written(folder: Path, size: int) -> Path:
    """A file of reproducible, arbitrary bytes."""
    file = folder / f"{size}-bytes"
    file.write_bytes(random.Random(size).randbytes(size))
    return file


# ---------------------------------------------------------------------- content


def sizes() -> list[int]:
    """Around the page, around the buffer of 005-read, and anywhere."""
    edges = [
        n * unit + d for unit in (4096, PAGE) for n in (1, 2, 16) for d in (-1, 0, 1)
    ]
    some = random.Random(2024)
    return sorted({0, 1, 2, *edges, *(some.randrange(20 * PAGE) for _ in range(6))})


@both
def test_what_is_printed_is_the_file_byte_for_byte(
    program: str, tmp_path: Path
) -> None:
    for size in sizes():
        file = written(tmp_path, size)
        printed = tmp_path / "printed"
        with printed.open("wb") as target:
            result = run(program, file, stdout=target)
        assert (result.returncode, result.stderr) == (0, ""), size
        assert printed.read_bytes() == file.read_bytes(), size


@both
def test_without_an_argument_the_file_is_etc_passwd(program: str) -> None:
    assert good(program) == Path("/etc/passwd").read_text()


@both
def test_an_empty_file_prints_nothing_and_is_no_error(
    program: str, tmp_path: Path
) -> None:
    assert good(program, written(tmp_path, 0)) == ""


def test_the_mapped_file_is_not_read(tmp_path: Path) -> None:
    file, log = written(tmp_path, 100), tmp_path / "log"
    run("010-mmap", file, stdout=subprocess.DEVNULL, **strace(log))
    calls = [call.name for call in faults.own_calls(log, str(file))]
    assert "mmap" in calls
    assert "read" not in calls
    assert calls.index("close") < calls.index("write")  # not needed any more


def test_the_read_file_is_not_mapped(tmp_path: Path) -> None:
    file, log = written(tmp_path, 100), tmp_path / "log"
    run("005-read", file, stdout=subprocess.DEVNULL, **strace(log))
    calls = [call.name for call in faults.own_calls(log, str(file))]
    assert calls.count("read") == 2  # the second one finds the end
    assert "mmap" not in calls


# ------------------------------------------------------------------- odd files


@each
@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("missing", "No such file or directory"),
        ("", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
        ("x" * 300, "File name too long"),
        ("file/below", "Not a directory"),
    ],
)
def test_a_file_that_cannot_be_opened_is_refused(
    program: str, file: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    refused(program, f"open {file}: {reason}", file, cwd=tmp_path)


@each
def test_a_file_without_permission_is_refused(
    program: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = written(tmp_path, 10)
    file.chmod(0)
    # For root itself no permission is missing.
    who = request.getfixturevalue("stranger") if os.geteuid() == 0 else run
    result = who(program, file)
    text = f"{program}: open {file}: Permission denied\n"
    assert (result.stderr, result.returncode, result.stdout) == (text, 1, "")


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("005-read", "read {}: Is a directory"),
        ("010-mmap", "{}: not a regular file"),
        ("020-mmap-anon", "mmap {}: No such device"),
    ],
)
def test_a_directory_is_refused(program: str, text: str, tmp_path: Path) -> None:
    refused(program, text.format(tmp_path), tmp_path)


@pytest.mark.parametrize("program", ["010-mmap", "020-mmap-anon"])
def test_a_file_of_proc_has_bytes_but_cannot_be_mapped(program: str) -> None:
    refused(program, "mmap /proc/self/status: No such device", "/proc/self/status")


def test_a_file_of_proc_can_be_read() -> None:
    assert good("005-read", "/proc/self/status").startswith("Name:\t005-read\n")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_not_printed_through_a_mapping(device: str) -> None:
    refused("010-mmap", f"{device}: not a regular file", device)


def test_a_device_without_an_end_is_read_until_nobody_listens() -> None:
    process.dies_of_the_pipe("005-read", "/dev/zero")


def test_mapping_a_fifo_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    refused("010-mmap", f"{fifo}: not a regular file", fifo)
    refused("020-mmap-anon", f"mmap {fifo}: No such device", fifo)


def test_reading_a_fifo_waits_for_a_writer(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = Running("005-read", fifo)
    reader.wait_until_blocked("open")
    fifo.write_text("at last\n")
    result = reader.finish()
    assert (result.stdout, result.returncode) == ("at last\n", 0)


# --------------------------------------------------------------- standard output


def test_more_than_one_write_can_take_is_printed_whole(tmp_path: Path) -> None:
    """Linux writes at most 2147479552 bytes at a time, and says no error.

    The file is sparse, and /dev/null takes the bytes without looking at them:
    no memory is needed, and the trace shows what was taken.
    """
    file, log = tmp_path / "large", tmp_path / "log"
    size = 2**31 + PAGE + 1
    with file.open("wb") as large:
        large.truncate(size)
    with open(os.devnull, "wb") as null:
        result = run("010-mmap", file, stdout=null, **strace(log))
    assert (result.returncode, result.stderr) == (0, "")
    writes = [
        call for call in faults.own_calls(log, str(file)) if call.name == "write"
    ]
    assert len(writes) > 1
    assert sum(int(call.result) for call in writes) == size


@both
def test_after_a_short_write_the_rest_is_written(program: str, tmp_path: Path) -> None:
    """The trace pretends that some bytes have been taken; just those are lost."""
    file, log = written(tmp_path, 100), tmp_path / "log"
    for taken in (1, 50, 99):
        printed = tmp_path / "printed"
        with printed.open("wb") as target:
            fault = strace(log, f"write:retval={taken}:when=1")
            result = run(program, file, stdout=target, **fault)
        assert (result.returncode, result.stderr) == (0, "")
        assert printed.read_bytes() == file.read_bytes()[taken:]


@both
def test_a_disk_that_fills_up_is_reported(program: str, tmp_path: Path) -> None:
    """The limit of the file size makes a write short, and the next one fail."""
    file = written(tmp_path, 200_000)
    printed = tmp_path / "printed"
    with printed.open("wb") as target:
        result = run(
            program,
            file,
            stdout=target,
            restore_signals=False,  # SIGXFSZ stays ignored: EFBIG is left
            preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_FSIZE, (100_001,) * 2
            ),
        )
    text = f"{program}: write to standard output: File too large\n"
    assert (result.stderr, result.returncode) == (text, 1)
    assert printed.read_bytes() == file.read_bytes()[:100_001]


@both
def test_a_pipe_that_takes_no_more_is_reported(program: str, tmp_path: Path) -> None:
    source, target = os.pipe()
    os.set_blocking(target, False)
    result = run(program, written(tmp_path, 2_000_000), stdout=target)
    os.close(source)
    os.close(target)
    reason = "Resource temporarily unavailable"
    text = f"{program}: write to standard output: {reason}\n"
    assert (result.stderr, result.returncode) == (text, 1)


def test_a_file_that_shrinks_while_it_is_printed_is_reported(tmp_path: Path) -> None:
    file = written(tmp_path, 1_000_000)
    printer = Running("010-mmap", file)
    printer.wait_until_blocked("write")  # the pipe is full
    os.truncate(file, 0)
    result = printer.process.communicate(timeout=process.BOUND)
    text = b"010-mmap: write to standard output: Bad address\n"
    assert (result[1], printer.process.returncode) == (text, 1)


@each
@outputs
def test_lost_output_is_reported(program: str, output: str) -> None:
    process.cannot_print(output, program, "/etc/passwd")


@each
def test_a_closed_pipe_ends_the_program(program: str) -> None:
    process.dies_of_the_pipe(program, "/etc/passwd")


# ------------------------------------------------------------ two kinds of mapping


def region(pid: int, address: int) -> list[str]:
    """The line of /proc/PID/maps that covers an address, in its columns."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        first, last = (int(part, 16) for part in line.split()[0].split("-"))
        if first <= address < last:
            return line.split(maxsplit=5)
    return []


def waiting(file: object, **options: Any) -> tuple[Running, int, int]:
    """020-mmap-anon, waiting for Enter, and the two addresses it has printed."""
    program = Running("020-mmap-anon", file, stdin=subprocess.PIPE, **options)
    assert program.next_line() == f"pid {program.pid}"
    found = re.fullmatch(r"file mapping at 0x([0-9a-f]+)", program.next_line())
    other = re.fullmatch(r"anonymous mapping at 0x([0-9a-f]+)", program.next_line())
    assert found and other
    program.wait_until_blocked("read")
    return program, int(found[1], 16), int(other[1], 16)


def test_the_file_mapping_is_private_and_names_its_file(tmp_path: Path) -> None:
    file = written(tmp_path, 10)
    program, mapped, _ = waiting(file)
    columns = region(program.pid, mapped)
    assert columns[1] == "r--p"
    assert int(columns[4]) == file.stat().st_ino
    assert columns[5] == str(file)


def test_the_anonymous_mapping_is_writable_and_has_no_file(tmp_path: Path) -> None:
    program, _, anonymous = waiting(written(tmp_path, 10))
    columns = region(program.pid, anonymous)
    assert columns[1] == "rw-p"
    assert columns[3:5] == ["00:00", "0"]


# What the C library may leave: two pages free, and below them memory like ours.
NEIGHBOUR = """
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#include <unistd.h>
static char *page(void)
{
    return mmap(0, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
__attribute__((constructor)) static void leave(void)
{
    const long size = sysconf(_SC_PAGESIZE);
    char *upper = page(), *lower = page(), *neighbour = page();
    while (upper - lower != size || lower - neighbour != size) {
        upper = lower;
        lower = neighbour;
        neighbour = page();
    }
    munmap(upper, 1);
    munmap(lower, 1);
}
"""


@pytest.mark.parametrize("programs", ["plain"], indirect=True)  # a sanitizer maps, too
def test_the_anonymous_mapping_is_not_merged_with_a_neighbour(tmp_path: Path) -> None:
    compiler, source = os.environ.get("CC", "cc"), tools.planted(tmp_path, NEIGHBOUR)
    library = tmp_path / "neighbour.so"
    built = tools.call(compiler, "-shared", "-fPIC", "-o", str(library), source)
    assert built.returncode == 0, built.stderr
    preload = {**process.ENVIRONMENT, "LD_PRELOAD": str(library)}
    program, mapped, anonymous = waiting(written(tmp_path, 10), env=preload)
    assert mapped - anonymous == PAGE  # so it is where it could be merged
    assert region(program.pid, anonymous - 1)[1:5] == ["rw-p", "00000000", "00:00", "0"]
    assert region(program.pid, anonymous)[0] == f"{anonymous:x}-{mapped:x}"


@pytest.mark.parametrize("answer", [b"\n", b""], ids=["enter", "end-of-file"])
def test_the_mappings_stay_until(answer: bytes, tmp_path: Path) -> None:
    program, _, _ = waiting(written(tmp_path, 10))
    rest, text = program.process.communicate(answer, timeout=process.BOUND)
    assert (program.process.returncode, rest, text) == (0, b"", b"")


def test_ctrl_c_ends_the_wait(tmp_path: Path) -> None:
    program, _, _ = waiting(written(tmp_path, 10))
    program.send(signal.SIGINT)
    assert program.finish().returncode == -signal.SIGINT


def test_a_private_mapping_shows_what_others_write_until_its_own_first_write(tmp_path: Path) -> None:
    """Linux does so; POSIX leaves it open."""
    file = tmp_path / "file"
    file.write_bytes(bytes(PAGE))
    with file.open("r+b", buffering=0) as other, mmap.mmap(
        other.fileno(), PAGE, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE
    ) as mapping:
        assert mapping[0] == 0
        other.write(b"\1")
        assert mapping[0] == 1
        mapping[1] = 9
        other.seek(0)
        other.write(b"\2")
        assert (mapping[0], mapping[1]) == (1, 9)
    assert file.read_bytes()[:2] == b"\2\0"


# --------------------------------------------------------------- arguments, faults


@each
def test_a_second_argument_is_too_many(program: str) -> None:
    misused(program, " [file]", "/etc/passwd", "/etc/passwd")


@each
def test_a_failing_call_is_named(program: str, tmp_path: Path) -> None:
    file = written(tmp_path, 9000)
    file.write_text("two pages and a bit\n" * 450)
    # What is let go of at the end has been used already.
    faults.survives_faults(
        tmp_path / "log", program, file, subject=str(file), library="close|munmap"
    )
