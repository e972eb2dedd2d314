"""What unfolds, and what is said to an instructor: in the page, on paper, and without a script."""

import re
from collections.abc import Iterator

import browser
import pytest
from support import DOCS, ROOT

SITE = ROOT / "build/html"
SCREENPLAY, QUESTIONS = ((DOCS / f"{name}.rst").read_text() for name in ("screenplay", "questions"))

needs_browser = pytest.mark.skipif(not browser.find(), reason="needs chromium")


@pytest.fixture
def tab() -> Iterator[browser.Tab]:
    running = browser.Browser()
    yield browser.Tab(running)
    running.end()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with browser.served(SITE) as (address, _):
        yield address


def test_each_aside_and_each_question_unfolds() -> None:
    page = (SITE / "screenplay.html").read_text()
    asides = re.findall(r"^\.\. admonition:: .*\n   :class: fold$", SCREENPLAY, re.M)
    assert len(asides) > 5
    assert page.count('<details class="fold"') == len(asides)
    page = (SITE / "questions.html").read_text()
    asked = re.findall(r"^\S.*\?$", QUESTIONS, re.M)
    assert page.count('<details class="fold question"') == len(asked)
    assert '<summary>Is <code' in page


def test_each_question_has_an_address() -> None:
    assert 'id="is-a-semaphore-of-1-a-mutex"' in (SITE / "questions.html").read_text()


@needs_browser
def test_what_an_address_leads_to_is_open(tab: browser.Tab, site: str) -> None:
    tab.go(f"{site}questions.html#scene-questions-sem-produce-1")
    assert tab.run("document.querySelectorAll('details[open]').length") == 1
    assert tab.run("document.querySelector('#scene-questions-sem-produce-1').getBoundingClientRect().top") < 720


@needs_browser
def test_on_paper_all_is_open_without_a_script(tab: browser.Tab, site: str) -> None:
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    tab.go(f"{site}questions.html")
    tab.send("Emulation.setScriptExecutionDisabled", value=False)
    seen = "document.querySelector('details > p').checkVisibility()"
    assert not tab.run(seen)
    tab.browser.send("Emulation.setEmulatedMedia", tab.session, media="print")
    assert tab.run(seen)


@needs_browser
def test_who_reads_alone_hides_the_stage_directions_and_they_stay_hidden(tab: browser.Tab, site: str) -> None:
    seen = "[...document.querySelectorAll('.direction')].filter(one => one.checkVisibility()).length"
    marked = len(re.findall(r"^\.\. class:: direction$", SCREENPLAY, re.M))
    tab.go(f"{site}screenplay.html")
    assert tab.run(seen) == marked > 10
    tab.run("document.querySelector('button.directions').click()")
    assert tab.run(seen) == 0
    tab.go(f"{site}index.html")
    assert not tab.run("document.querySelector('button.directions')")
    tab.go(f"{site}screenplay.html")
    assert tab.run(seen) == 0
    tab.run("document.querySelector('button.directions').click()")
    assert tab.run(seen) == marked


def test_the_bullets_and_commands_of_the_seed_are_marked_as_directions() -> None:
    """Every bullet of the screenplay is one, but for the ends of the chapters, which are boxes."""
    text = re.sub(r"(?m)^\.\. admonition::.*\n(?:(?: .*)?\n)*", "\n", SCREENPLAY)
    for block in re.findall(r"(?:^[^\n]+\n)+", text, re.M):
        if block.startswith("* "):
            assert f".. class:: direction\n\n{block}" in text


@needs_browser
def test_who_has_bet_sees_what_was_right(tab: browser.Tab, site: str) -> None:
    tab.go(f"{site}screenplay.html")
    bet = "document.querySelector('.predict:has(#scene-sem-post-1)')"
    assert not tab.run(f"{bet}.querySelector('details').open")
    assert tab.run(f"{bet}.querySelectorAll('li.right').length") == 0
    tab.run(f"[...{bet}.querySelectorAll('.bet')].find(one => one.textContent === 'It blocks.').click()")
    tab.until(f"{bet}.querySelectorAll('li.right').length === 1")
    assert tab.run(f"{bet}.querySelector('details').open")
    assert tab.run(f"{bet}.querySelector('li.right').innerText") == "It wakes waiter."
    assert tab.run(f"{bet}.querySelector('.chosen').innerText") == "It blocks."


def test_without_a_script_a_bet_is_a_question_its_answers_and_what_unfolds() -> None:
    page = (SITE / "screenplay.html").read_text()
    bets = re.findall(r'<div class="predict">(.*?)</details></div>', page, re.S)
    assert len(bets) == SCREENPLAY.count(" predict\n")
    for bet in bets:
        assert re.search(r'<p>.*\?</p><ul class="bets">(<li.*?</li>){4}</ul><details .*<summary>', bet, re.S)
        assert "<button" not in bet
