"""IPC objects, looked at and removed from outside."""

import ctypes
import os
from pathlib import Path
from typing import NoReturn

LIBC = ctypes.CDLL(None, use_errno=True)

# On some machines a symbolic link; /proc/PID/maps says where it leads.
SHM = Path("/dev/shm").resolve()

# ------------------------------------------------------------------------ queues


class Attributes(ctypes.Structure):
    """struct mq_attr."""

    _fields_ = [
        ("flags", ctypes.c_long),
        ("maxmsg", ctypes.c_long),
        ("msgsize", ctypes.c_long),
        ("curmsgs", ctypes.c_long),
        ("reserved", ctypes.c_long * 4),
    ]


def fail() -> NoReturn:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Queue:
    """A message queue, held by the test itself; on Linux it is a descriptor."""

    def __init__(self, name: str, flags: int = os.O_RDWR, msgsize: int = 24) -> None:
        attributes = Attributes(maxmsg=10, msgsize=msgsize)
        self.fd: int = LIBC.mq_open(
            name.encode(),
            flags | os.O_NONBLOCK,
            ctypes.c_uint(0o600),
            ctypes.byref(attributes),
        )
        if self.fd == -1:
            fail()

    def __enter__(self) -> "Queue":
        return self

    def __exit__(self, *_: object) -> None:
        LIBC.mq_close(self.fd)

    def __len__(self) -> int:
        return self.attributes().curmsgs

    def attributes(self) -> Attributes:
        attributes = Attributes()
        if LIBC.mq_getattr(self.fd, ctypes.byref(attributes)) == -1:
            fail()
        return attributes

    def send(self, message: bytes, priority: int = 0) -> None:
        size = ctypes.c_size_t(len(message))
        if LIBC.mq_send(self.fd, message, size, ctypes.c_uint(priority)) == -1:
            fail()

    def receive(self) -> tuple[bytes, int]:
        buffer = ctypes.create_string_buffer(self.attributes().msgsize)
        priority = ctypes.c_uint()
        size = ctypes.c_size_t(len(buffer))
        LIBC.mq_receive.restype = ctypes.c_ssize_t
        length = LIBC.mq_receive(self.fd, buffer, size, ctypes.byref(priority))
        if length == -1:
            fail()
        return buffer.raw[:length], priority.value


def queue_exists(name: str) -> bool:
    try:
        Queue(name, os.O_RDONLY).__exit__()
    except FileNotFoundError:
        return False
    return True


# ----------------------------------------------- shared memory and semaphores


def shared_memory(name: str) -> Path:
    return SHM / name.lstrip("/")


def semaphore(name: str) -> Path:
    """The file of a semaphore: glibc prefixes its name, musl does not."""
    files = [SHM / f"sem.{name.lstrip('/')}", SHM / name.lstrip("/")]
    return next((file for file in files if file.exists()), files[0])


def remove(name: str) -> None:
    """Remove what goes by this name, of whichever kind."""
    for file in (shared_memory(name), SHM / f"sem.{name.lstrip('/')}"):
        if file.is_dir() and not file.is_symlink():
            file.rmdir()
        else:
            file.unlink(missing_ok=True)
    LIBC.mq_unlink(name.encode())
