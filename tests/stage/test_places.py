"""A scene is found by what an instructor calls it."""

import pytest
from support import SCREENPLAY

from stage.page.reader import read
from stage.perform.places import find

# What is asked for -> the section that comes first, asked in the chapter before the last.
PLACES = {
    "Create": "Create",
    "create": "Create",
    "POSIX Message Queues": "Create",
    "mq create": "Create",
    "mq-create": "Create",
    "message queues produce": "Produce",
    "Produce": "Produce",
    "guard": "Produce under Guard",
    "unlink": "Remove Semaphore",
    "remove sem": "Remove Semaphore",
    "shm remove": "Remove Shared Memory Segment",
}


@pytest.mark.parametrize("asked, section", PLACES.items())
def test_a_scene_of_the_screenplay_is_found_by_what_one_calls_it(asked: str, section: str) -> None:
    page = read(str(SCREENPLAY))
    here = next(scene for scene in page.scenes if scene.section == "Post")
    assert find(page, asked, here.number)[0].section == section


def test_a_chapter_begins_with_its_first_scene_and_a_number_is_a_scene() -> None:
    page = read(str(SCREENPLAY))
    assert find(page, "Virtual Memory, mmap()")[0].section == "Read a File"
    assert find(page, "17") == [page.scenes[16]]
    assert find(page, str(len(page.scenes) + 1)) == find(page, "nowhere") == find(page, " ") == []


def test_of_several_scenes_the_next_one_comes_first() -> None:
    page = read(str(SCREENPLAY))
    titles = {"Remove Shared Memory Segment", "Remove Semaphore", "Remove"}
    for here in page.scenes:
        found = [other.number for other in find(page, "unlink", here.number)]
        after = [number for number in sorted(found) if number > here.number]
        assert found == after + sorted(set(found) - set(after))
        assert {page.scenes[number - 1].section for number in found} == titles
