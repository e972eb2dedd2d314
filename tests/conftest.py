"""Names of their own for each test, and nothing left behind."""

import itertools
import os
from collections.abc import Callable, Iterator

import pytest
from support import clean_environment

_clean = clean_environment()
os.environ.clear()
os.environ.update(_clean)

# Before they are first imported.
pytest.register_assert_rewrite("process", "orders", "faults", "tools", "play", "show", "browser", "serving", "copies")
pytest_plugins = ["progress"]

import objects  # noqa: E402
from copies import _template, copy, made  # noqa: E402, F401

_numbers = itertools.count()
_given: list[str] = []


def _new_name() -> str:
    """Not one as the course's: a learner's exercise that is played on the machine itself takes such ones with it."""
    _given.append(f"/test-ipc-{os.getpid()}-{next(_numbers)}")
    return _given[-1]


@pytest.fixture(autouse=True)
def _end_of_names() -> Iterator[None]:
    """Remove the objects of the test."""
    first = len(_given)
    yield
    for name in _given[first:]:
        objects.remove(name)


@pytest.fixture(autouse=True, scope="session")
def _end_of_objects() -> Iterator[None]:
    """No object of ours is left."""
    yield
    mine = f"test-ipc-{os.getpid()}-"
    assert [file.name for file in objects.SHM.iterdir() if mine in file.name] == []
    assert [name for name in _given if objects.queue_exists(name)] == []


@pytest.fixture
def new_name() -> Callable[[], str]:
    """Makes names that no other test uses; their objects go with the test."""
    return _new_name


@pytest.fixture
def name() -> str:
    """A name that no other test uses; its object goes with the test."""
    return _new_name()


@pytest.fixture
def guard() -> str:
    """Another one, for a semaphore."""
    return _new_name()
