"""Our CustomResourceDefinitions on the cluster of the tests, for as long as a test needs them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dev.cluster.errors import ClusterError
from dev.cluster.handle import Cluster
from dev.cluster.waiting import wait_until
from elastic_serving.api import labels

DIRECTORY: Final = Path(__file__).parents[2] / "crds"
PLURALS: Final = (labels.PLURAL, labels.MEMORY_PLURAL)
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
        await_served(cluster.kubectl)
        yield
    finally:
        cluster.kubectl("delete", "--ignore-not-found", f"--filename={DIRECTORY}")


def await_served(kubectl: Callable[..., str]) -> None:
    """Wait until a whole list of each kind comes back, which it does from a filled watch cache alone.

    Before that no CRD may be deleted. The API server fills the cache once somebody asks. Where its own finalizer of a
    CRD is the first to ask, that list fails with "storage is (re)initializing", the retry may meet a conflict with the
    finalizer's own status, and then the CRD stays terminating until a resync 5 minutes later. Source:
    k8s.io/apiextensions-apiserver v0.36.3, pkg/controller/finalizer/crd_finalizer.go (sync,
    updateCustomResourceDefinition), read 2026-11-24.
    """

    def served() -> bool:
        try:
            for plural in PLURALS:
                kubectl("get", "--raw", f"/apis/{labels.GROUP}/{labels.VERSION}/{plural}")
        except ClusterError:
            return False
        return True

    assert wait_until(served, timeout_seconds=_ESTABLISH_SECONDS), f"{PLURALS} are not served"
