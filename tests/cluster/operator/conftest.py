"""An installed chart, engines, and the operator: what the tests of the whole path share."""

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dev.cluster.handle import Cluster
from dev.cluster.local import LocalCluster
from dev.engines.launch import EngineFleet
from dev.install import Installed
from tests.support.cluster import fresh_namespace
from tests.support.gauge import OutsideQueue, outside_queue
from tests.support.operator import Operator, installed, running
from tests.support.servings import Servings

LOAD_SECONDS = 0.2
"""Boot is not what these tests are about; a test that needs a long one says so on its pods."""

QUICK = {"status_interval_seconds": "0.5", "stale_seconds": "5"}
"""The resident operator's settings beside the chart's: scrapes come every second here, and tests wait for statuses."""


@pytest.fixture(scope="session")
def crds(cluster: Cluster) -> None:
    """The CRDs of this tree, Established."""
    cluster.kubectl("apply", "--server-side", "-f", "crds")
    names = ("elasticservings.elasticserving.io", "servingmemories.elasticserving.io")
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", *(f"crd/{name}" for name in names))


@pytest.fixture(scope="session")
def engine_fleet(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineFleet]:
    """One process for the engines of all tests here; it serves the namespaces it is told to follow."""
    log = tmp_path_factory.mktemp("engines") / "engines.log"
    with EngineFleet(
        cluster.kubeconfig, pod_range=cluster.layout.addresses.pods, namespaces=(), load_seconds=LOAD_SECONDS, log=log
    ) as fleet:
        yield fleet


@contextmanager
def following(fleet: EngineFleet, namespace: str) -> Iterator[None]:
    """The fleet serves the namespace meanwhile."""
    fleet.follow(namespace)
    try:
        yield
    finally:
        fleet.leave(namespace)


@pytest.fixture
def engines(engine_fleet: EngineFleet, namespace: str) -> Iterator[EngineFleet]:
    """The engines of the test's namespace."""
    with following(engine_fleet, namespace):
        yield engine_fleet


@pytest.fixture
def release(cluster: Cluster, namespace: str, crds: None, engines: EngineFleet) -> Iterator[Installed]:
    """The chart, installed for the test's namespace."""
    with installed(cluster, namespace) as release:
        yield release


@pytest.fixture
def operator(release: Installed, tmp_path: Path) -> Iterator[Operator]:
    """A leading operator of the test's namespace, with the chart's own settings."""
    with running(release, tmp_path) as operator:
        yield operator


@pytest.fixture
def servings(cluster: Cluster, namespace: str, engines: EngineFleet) -> Iterator[Servings]:
    """ElasticServings of the test's namespace, as a user handles them."""
    with closing(Servings(cluster, namespace, engines)) as servings:
        yield servings


@pytest.fixture(scope="session")
def resident(
    cluster: Cluster, crds: None, engine_fleet: EngineFleet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """One operator for all tests that only need one to be there, in a namespace of its own. Nobody stops it."""
    with (
        fresh_namespace(cluster, "resident") as namespace,
        following(engine_fleet, namespace),
        installed(cluster, namespace) as release,
        running(release, tmp_path_factory.mktemp("resident"), settings=QUICK) as operator,
    ):
        yield operator


@pytest.fixture
def llama(cluster: Cluster, resident: Operator, engine_fleet: EngineFleet) -> Iterator[Servings]:
    """A name of the test's own in the resident operator's namespace; what stands under it is gone afterwards."""
    assert resident.process is not None
    assert resident.process.poll() is None, f"the resident operator ended: {resident.log}"
    name = f"llama-{uuid.uuid4().hex[:6]}"
    with closing(Servings(cluster, resident.release.namespace, engine_fleet, name)) as servings:
        yield servings
        servings.remove()


@pytest.fixture(scope="session")
def queue(cluster: LocalCluster) -> Iterator[OutsideQueue]:
    """A queue outside the engines, which exists where no replica does."""
    with outside_queue(cluster) as queue:
        yield queue
