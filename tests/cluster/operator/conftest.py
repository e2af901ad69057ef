"""An installed chart, engines, and the operator: what the tests of the whole path share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cluster.handle import Cluster
from dev.cluster.local import LocalCluster
from dev.engines.launch import EngineFleet
from dev.install import Installed
from tests.support.operator import Operator, installed, running
from tests.support.servings import Servings

LOAD_SECONDS = 0.2
"""Boot is not what these tests are about; a test that needs a long one says so on its pods."""


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


@pytest.fixture
def engines(engine_fleet: EngineFleet, namespace: str) -> Iterator[EngineFleet]:
    """The engines of the test's namespace."""
    engine_fleet.follow(namespace)
    yield engine_fleet
    engine_fleet.leave(namespace)


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
def servings(cluster: Cluster, namespace: str, engines: EngineFleet) -> Servings:
    """ElasticServings of the test's namespace, as a user handles them."""
    return Servings(cluster, namespace, engines)
