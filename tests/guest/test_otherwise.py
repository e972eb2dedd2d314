"""What a 32-bit machine prints otherwise is declared, and no more than that."""

import pytest
from support import ROOT, SCREENPLAY

from stage.check.rehearsal import Rehearsal
from stage.guest import terminal
from stage.guest.sandbox import open_guest
from stage.page.reader import read
from stage.sandbox.namespaces import Order

pytestmark = pytest.mark.skipif(not (ROOT / "build/machine/state.json").exists(), reason="needs make machine")


def test_each_declared_difference_is_met_in_the_screenplay_and_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    met = set()

    def as_documented(line: str) -> str:
        documented = plain(line)
        met.update(other["why"] for other in terminal.OTHERWISE
                   if documented != line and other["page"] in documented and other["real"] in line)
        return documented

    plain = terminal.as_documented
    monkeypatch.setattr(terminal, "as_documented", as_documented)
    monkeypatch.chdir(ROOT)
    page = read(str(SCREENPLAY))
    with open_guest(page, Order("check", page.path, "build", "guest", "", 180, None), "cc") as guest:
        result = Rehearsal(page, guest, 180).play()
    assert [failure.report(page.path) for failure in result.failures] == []
    assert met == {other["why"] for other in terminal.OTHERWISE}
    assert len(met) == len(terminal.OTHERWISE) <= 6
