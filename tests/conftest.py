"""Fixtures of all tests. Only tests that use ``cluster`` (or a fixture over it) start one: once a test run."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from pathlib import Path

import pytest
from kubernetes.aio.client import ApiClient

from dev.cluster.errors import NotHere
from dev.cluster.handle import Cluster, GivenCluster
from dev.cluster.local import LocalCluster
from dev.controlplane.build import find_tools
from tests.support.cluster import GIVEN, api_client, fresh_namespace, test_cluster

OPERATOR = Path(__file__).parent / "cluster" / "operator"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running control plane with fake nodes and Prometheus, shared by all tests (one for each xdist worker)."""
    with test_cluster() as running:
        yield running


@pytest.fixture
def local_cluster(cluster: Cluster) -> LocalCluster:
    """The cluster, when it is one of ours, whose components may be stopped; the test is skipped otherwise."""
    if not isinstance(cluster, LocalCluster):
        pytest.skip(f"the cluster of {cluster.kubeconfig} is not ours to break")
    return cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own, deleted after it."""
    with fresh_namespace(cluster, "test") as name:
        yield name


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[ApiClient]:
    """The administrator's asyncio client."""
    async with api_client(cluster) as client:
        yield client


@pytest.fixture
def nodes(cluster: Cluster) -> Iterator[Callable[..., None]]:
    """Creates the nodes it is given (see dev.cluster.nodes) and deletes them after the test."""
    made: list[str] = []

    def make(*manifests: Mapping[str, Mapping[str, str]]) -> None:
        cluster.create(*manifests)
        made.extend(manifest["metadata"]["name"] for manifest in manifests)

    yield make
    cluster.delete_nodes(made)


def pytest_report_header() -> str | None:
    """Which cluster the tests use when it is not one of ours, and what they do without there."""
    named = os.environ.get(GIVEN)
    return f"cluster: {named} ({GIVEN}): {', '.join(GivenCluster.missing)}" if named else None


def pytest_sessionstart() -> None:
    """Keep pytest-asyncio from making an event loop nobody closes.

    It asks for the current loop around every sync fixture of an async test, and until somebody has set one (None will
    do) Python makes a new one then, which a later test is blamed for.
    """
    asyncio.set_event_loop(None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs a cluster, and share them out over two xdist workers (with --dist loadgroup).

    Each worker has a cluster of its own. They mostly wait: for scrapes, windows, leases. The two halves take about the
    same time.
    """
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()) or item.get_closest_marker("cluster"):
            item.add_marker(pytest.mark.cluster)
            is_first = OPERATOR in item.path.parents and item.path.name != "test_sigkill.py"
            item.add_marker(pytest.mark.xdist_group("operator" if is_first else "cluster"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the binaries before the first test: a cold build takes longer than any test may."""
    if session.config.option.collectonly or not any(item.get_closest_marker("cluster") for item in session.items):
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        find_tools()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Skip, with the sentence, a test that needs what the cluster in use does not have."""
    yield from _skipping_what_is_not_here()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Skip, with the sentence, a test that needs what the cluster in use does not have."""
    yield from _skipping_what_is_not_here()


def _skipping_what_is_not_here() -> Generator[None]:
    try:
        yield
    except NotHere as reason:
        pytest.skip(str(reason))
