"""The chart under test, rendered by the Helm that the local cluster is built with, and a cluster to install it to."""

from collections.abc import Iterator

import pytest

from dev.cluster.local import LocalCluster
from dev.controlplane.build import find_tools
from tests.chart.rendering import Chart


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Chart:
    """The chart of this repository."""
    return Chart(find_tools()["helm"], tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def own_cluster() -> Iterator[LocalCluster]:
    """A cluster nobody else uses: CRDs come and go here, and Prometheus scrapes what a test tells it to."""
    with LocalCluster.start(find_tools()) as cluster:
        yield cluster
