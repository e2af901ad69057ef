"""Loads the plugin that remembers which promises the run proved; refuses skips in CI. Fixtures: tests/conftest.py.

Hypothesis judges nothing by wall time, which tells what else the machine does; pytest-timeout bounds each test.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

# Over the profile that Hypothesis chose by itself: CI's in CI.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

pytest_plugins = ["tests.support.promises"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test fails the run: everything can run there, unless somebody's cluster was named."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("CI") and not os.environ.get("ES_TEST_KUBECONFIG"):
        reporter.write_line(f"{len(skipped)} skipped, which CI refuses")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
