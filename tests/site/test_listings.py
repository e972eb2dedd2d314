"""Listings: what a section is about stands out, and the head of a file is out of the way."""

import re
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from support import ROOT

from docs._ext.emphasis import emphasised
from docs._ext.explorer import listing

SITE = ROOT / "build/html"


def marked(program: str) -> list[str]:
    """The lines that stand out in the listing of the screenplay."""
    page = (SITE / "screenplay.html").read_text()
    listing = page.partition(f'id="{program}.c">')[2].partition("</pre>")[0]
    lines = re.findall(r'<span class="hll">(.*?)\n</span>', listing, re.S)
    return [re.sub(r"<[^>]*>", "", line).strip() for line in lines]


def test_each_program_of_the_screenplay_has_lines_that_stand_out_and_they_are_few() -> None:
    for file in (ROOT / "code").glob("*/*.c"):
        if file.parent.name in ("turns", "guest", "exercises", "solutions"):
            continue  # of other pages
        lines = file.read_text().count("\n")
        assert 0 < len(marked(file.stem)) < lines / 3, file.name


def test_the_steps_that_lose_increments_stand_out() -> None:
    assert marked("030-shm-produce")[-3:] == [
        "const uint64_t seen = atomic_load(counter);", "sleep(1);", "atomic_store(counter, seen + 1);"]
    assert marked("110-sem-wait") == ["if (sem_wait(semaphore) == -1)"]


def test_a_name_in_a_comment_or_a_text_and_a_longer_one_do_not_count() -> None:
    source = ('#include <x.h> // MAP_SHARED\n/* mmap(\n   mmap( */\nerr("mmap(2) MAP_SHARED");\n'
              "my_mmap(1);\nmmap(a,\n     MAP_SHARED);\nMAP_SHARED_VALIDATE;\n")
    assert emphasised(source, {"mmap", "MAP_SHARED"}) == [6, 7]
    assert emphasised(source, set()) == []
    assert emphasised("if (c == '\"')\n    mmap(c);\nputs(\"mmap(\");\n", {"mmap"}) == [2]


def test_what_goes_on_in_further_lines_stands_out_as_a_whole() -> None:
    source = "int fd =\n    open(name,\n         0);\nif (fd == -1)\n    err(1,\n        strerror(errno));\n"
    assert emphasised(source, {"open"}) == [1, 2, 3]
    assert emphasised(source, {"strerror"}) == [5, 6]


def test_the_explorer_shows_the_lines_around_the_marks_of_a_program_be_they_empty_or_not(tmp_path: Path) -> None:
    source = tmp_path / "010-x.c"
    source.write_text("int main(void)\n{\n    one(); // TURN\n    two(); // TURN\n\n    three();\n}\n")
    lines = re.sub(r"<[^>]*>", "", listing(source, 0).partition("<pre")[2])
    assert lines.endswith(">2 {\n3     one();\n4     two();\n5 \n"), lines


@pytest.fixture
def tab() -> Iterator[browser.Tab]:
    if not browser.find():
        pytest.skip("needs chromium")
    running = browser.Browser()
    yield browser.Tab(running)
    running.end()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with browser.served(SITE) as (address, _):
        yield address


LISTING = "document.getElementById('030-shm-produce.c')"


def test_the_head_is_one_line_that_opens_and_copied_is_all(tab: browser.Tab, site: str) -> None:
    tab.go(f"{site}screenplay.html")
    source = (ROOT / "code/shm/030-shm-produce.c").read_text()
    seen = f"{LISTING}.querySelector('pre').innerText"
    assert "#include" not in tab.run(seen) and "int main(" in tab.run(seen)
    assert tab.run(f"{LISTING}.querySelector('pre').textContent").strip() == source.strip()
    first = source[:source.index("\n\n", source.rindex("#include")) + 2].count("\n")
    button = f"{LISTING}.querySelector('.head-button')"
    assert tab.run(f"{button}.textContent").startswith(f"Lines 1 to {first}:")
    assert tab.run(f"{LISTING}.querySelector('pre').style.counterReset") == f"line {first}"
    tab.run(f"{button}.click()")
    assert "#include <assert.h>" in tab.run(seen)


def test_a_line_of_the_head_that_an_address_leads_to_is_seen(tab: browser.Tab, site: str) -> None:
    tab.go(f"{site}screenplay.html#030-shm-produce.c-3")
    assert "@file" in tab.run(f"{LISTING}.querySelector('pre').innerText")


def test_without_a_script_and_on_paper_a_file_is_whole(tab: browser.Tab, site: str) -> None:
    assert 'class="head-button"' not in (SITE / "screenplay.html").read_text()
    tab.go(f"{site}screenplay.html")
    tab.browser.send("Emulation.setEmulatedMedia", tab.session, media="print")
    assert tab.run(f"{LISTING}.querySelector('.head').checkVisibility()")
    assert not tab.run(f"{LISTING}.querySelector('.head-button').checkVisibility()")
