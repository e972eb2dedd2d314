"""How far the tests are, in one line, and what one wants to know at the end."""

import os
import time

import pytest
from measure.versions import here


class Progress:
    """Instead of a letter for each test: how many of how many, and the time left."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self.reporter = reporter
        self.done = self.failed = self.tenths = 0
        self.over = False

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self.session = session
        self.begun = time.monotonic()

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self):
        category, letter, word = yield
        return (category, letter, word) if self.over else (category, "", "")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed += 1
            self._write(f"failed: {report.nodeid}", stay=True)

    def pytest_runtest_logfinish(self) -> None:
        self.done += 1
        total = max(self.session.testscollected, self.done)
        left = (time.monotonic() - self.begun) / self.done * (total - self.done)
        minutes, seconds = divmod(round(left), 60)
        before, self.tenths = self.tenths, 10 * self.done // total
        self._write(f"{self.done} of {total} tests, {self.failed} failed, about {minutes}:{seconds:02} left",
                    stay=self.tenths > before and not self.reporter.isatty)

    def pytest_sessionfinish(self) -> None:
        self.over = True

    def _write(self, text: str, stay: bool) -> None:
        if self.reporter.isatty:
            self.reporter.rewrite(text + "\n" * stay, erase=True)
        elif stay:
            self.reporter.write_line(text)
            self.reporter.flush()  # a file or a pipe would keep it


def pytest_xdist_auto_num_workers() -> int:
    """More than processors: many a test waits, for a second of a program or for a terminal."""
    return 2 * len(os.sched_getaffinity(0))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Not in the processes that run the tests, nor where more was asked for (-v)."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and config.option.verbose < 0:
        config.pluginmanager.register(Progress(reporter))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which mutations have been caught, a promise of the course, and what tools failing tests have met."""
    seen = {
        result: sum("test_a_mutation_is_caught" in report.nodeid for report in reports)
        for result in ("passed", "failed", "skipped")
        if (reports := terminalreporter.getreports(result))
    }
    if any(seen.values()):
        terminalreporter.write_line(f"mutations: {seen.get('passed', 0)} caught, {seen.get('failed', 0)} missed, "
                                    f"{seen.get('skipped', 0)} skipped")
    if terminalreporter.stats.keys() & {"failed", "error"}:
        terminalreporter.write_line("with " + ", ".join(f"{tool} {version}" for tool, version in here().items()))
