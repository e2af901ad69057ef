"""The chart under test, rendered by the Helm that the local cluster is built with."""

import pytest

from dev.controlplane.build import find_tools
from tests.chart.rendering import Chart


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Chart:
    """The chart of this repository."""
    return Chart(find_tools()["helm"], tmp_path_factory.mktemp("helm"))
