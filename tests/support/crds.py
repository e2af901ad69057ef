"""Our CustomResourceDefinitions on the cluster of the tests, for as long as a test needs them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dev.cluster.handle import Cluster

DIRECTORY: Final = Path(__file__).parents[2] / "crds"
_ESTABLISH_SECONDS: Final = 30


@contextmanager
def installed_crds(cluster: Cluster) -> Iterator[None]:
    """The CRDs of the repository, usable at once. Where they are there already (from the chart) they stay as they are;
    otherwise they are taken away again, with every object of theirs, so that the chart finds none that is not its own.
    """
    if "elasticservings.elasticserving.io" in cluster.kubectl("get", "crds", "--output=name"):
        yield
        return
    try:
        cluster.kubectl("apply", "--server-side", f"--filename={DIRECTORY}")
        waiting = ("wait", "--for=condition=Established", f"--timeout={_ESTABLISH_SECONDS}s")
        cluster.kubectl(*waiting, f"--filename={DIRECTORY}")
        yield
    finally:
        cluster.kubectl("delete", "--ignore-not-found", f"--filename={DIRECTORY}")
