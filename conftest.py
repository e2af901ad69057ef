"""Remembers which promises a run proved, prints what tests tell, refuses skips in CI. Fixtures: tests/conftest.py.

Hypothesis judges nothing by wall time, which tells what else the machine does; pytest-timeout bounds each test.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

# Over the profile that Hypothesis chose by itself: CI's in CI.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

pytest_plugins = ["tests.support.promises"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests told by ``record_property("told", ...)``: figures that a reader wants of a run that passed."""
    for report in (*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())):
        for told in (value for name, value in report.user_properties if name == "told"):
            terminalreporter.section(report.nodeid)
            terminalreporter.write_line(str(told))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test fails the run: everything can run there, unless somebody's cluster was named."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("CI") and not os.environ.get("ES_TEST_KUBECONFIG"):
        reporter.write_line(f"{len(skipped)} skipped, which CI refuses")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
