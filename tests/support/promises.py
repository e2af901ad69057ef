"""Which promises a test run proved: a pytest plugin that writes ``build/promises.json``, and its printer.

A promise is proved when every test marked with its id passed. ``python -m tests.support.promises`` prints each id of
docs/reference/promises.md with its tests and fails where one is without.
"""

import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

RESULT = Path("build/promises.json")
PAGE = Path("docs/reference/promises.md")
MARKED: pytest.StashKey[dict[str, list[str]]] = pytest.StashKey()
OUTCOMES: pytest.StashKey[dict[str, str]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Start with nothing seen."""
    config.stash[MARKED] = {}
    config.stash[OUTCOMES] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Carry a test's promise ids in its report: under xdist only reports reach the controlling process."""
    report = yield
    ids = [str(mark.args[0]) for mark in item.iter_markers("promise")]
    if ids and call.when == "call":
        report.user_properties.append(("promises", " ".join(ids)))
    return report


class _Collector:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == "promises" and report.when == "call":
                self.config.stash[MARKED][report.nodeid] = str(value).split()
                self.config.stash[OUTCOMES][report.nodeid] = report.outcome


def pytest_sessionstart(session: pytest.Session) -> None:
    """Collect in the controlling process only."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        session.config.pluginmanager.register(_Collector(session.config), "promise-collector")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what this run proved; a run of selected tests adds to what stands there from the same commit's runs."""
    if "PYTEST_XDIST_WORKER" in os.environ or not session.config.stash[MARKED]:
        return
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for node, ids in session.config.stash[MARKED].items():
        for promise in ids:
            found[promise][node] = session.config.stash[OUTCOMES][node]
    result = session.config.rootpath / RESULT
    result.parent.mkdir(exist_ok=True)
    result.write_text(json.dumps(found, indent=1, sort_keys=True))


def main() -> int:
    """Print a line for each promise of the page; 1 if one has no passing test or a failing one."""
    found: dict[str, dict[str, str]] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    ids = re.findall(r"^\| ?([A-Z]\d+) ?\|", PAGE.read_text(), flags=re.MULTILINE)
    open_ids = []
    for promise in ids:
        outcomes = found.get(promise, {})
        proved = bool(outcomes) and set(outcomes.values()) == {"passed"}
        if not proved:
            open_ids.append(promise)
        sys.stdout.write(f"{promise:4} {'proved' if proved else 'OPEN':6} {len(outcomes):3} tests\n")
    unknown = sorted(set(found) - set(ids))
    if unknown:
        sys.stdout.write(f"marked but not on the page: {', '.join(unknown)}\n")
    sys.stdout.write(f"{len(ids) - len(open_ids)} of {len(ids)} promises proved\n")
    return 1 if open_ids or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
