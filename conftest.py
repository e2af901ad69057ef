"""Loads the plugin that remembers which promises the run proved; refuses skips in CI. Fixtures: tests/conftest.py."""

import os

import pytest

pytest_plugins = ["tests.support.promises"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test fails the run: everything can run there, unless somebody's cluster was named."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("CI") and not os.environ.get("ES_TEST_KUBECONFIG"):
        reporter.write_line(f"{len(skipped)} skipped, which CI refuses")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
