"""Least privilege: what the chart grants is used, what is used is granted, and nobody touches what users write."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dev.cluster.handle import Cluster
from dev.install import RELEASE
from elastic_serving.api import labels
from tests.support.audit import Asked, Right, asked, granted, used
from tests.support.cluster import eventually
from tests.support.operator import Operator, Release, installed
from tests.support.servings import Servings

TWO = {"scaling": {"minReplicas": 2}}
POLICY = {"servings": {"networkPolicy": {"enabled": True}}}
EVERYWHERE: Mapping[str, object] = {"watchNamespaces": []}
DOWN_AT_ONCE = {"scaling": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}


@pytest.fixture(params=[pytest.param({}, id="some namespaces"), pytest.param(EVERYWHERE, id="all namespaces")])
def release(
    request: pytest.FixtureRequest, cluster: Cluster, namespace: str, crds: None, engines: object
) -> Iterator[Release]:
    """The chart with a NetworkPolicy for each serving, for the test's namespace or for all."""
    with installed(cluster, namespace, {**POLICY, **request.param}) as release:
        yield release


@pytest.fixture
def busy(release: Release, tmp_path: Path) -> Iterator[Operator]:
    """An operator that does not run yet, which lists everything every second."""
    operator = Operator(release, tmp_path, {"reconcile_seconds": "1"})
    yield operator
    if operator.process is not None:
        operator.kill()


async def _everything(operator: Operator, servings: Servings) -> None:
    """One of each thing an operator does: make, adopt, grow, replace, repair, drain, remove, restart, say goodbye."""
    operator.start()
    servings.apply(TWO, DOWN_AT_ONCE)
    await servings.serving(2)
    for kind in ("services", "networkpolicies"):
        servings.kubectl("delete", kind, "--selector", f"{labels.SERVING}={servings.name}", "--wait=false")
    await eventually(lambda: servings.kubectl("get", "networkpolicies", "--output=name"))
    operator.stop()
    operator.start()
    servings.apply(DOWN_AT_ONCE)
    await servings.serving(1)
    await eventually(lambda: len(servings.pods()) == 1)
    servings.kubectl("delete", "es", servings.name, "--wait=true")
    operator.stop()


async def test_every_right_that_is_granted_is_used_and_none_is_missing(
    busy: Operator, release: Release, servings: Servings, cluster: Cluster
) -> None:
    await _everything(busy, servings)
    rights = granted(cluster, release.namespace, RELEASE)
    requests = asked(cluster.audit_log, release.namespace, RELEASE)
    assert [request for request in requests if request.code in (401, 403)] == []
    seen = used(requests, rights)
    assert sorted(map(str, rights - seen)) == [], "granted, never used"
    assert sorted(map(str, seen - rights)) == [], "used, granted by somebody else"


@pytest.mark.parametrize("release", [pytest.param({}, id="some namespaces")], indirect=True)
async def test_nothing_of_ours_writes_what_users_write(
    busy: Operator, release: Release, servings: Servings, cluster: Cluster
) -> None:
    busy.start()
    servings.apply(TWO, DOWN_AT_ONCE)
    await servings.serving(2)
    servings.apply(DOWN_AT_ONCE)
    status = await servings.serving(1)
    metadata = servings.get()["metadata"]
    assert metadata["generation"] == status["observedGeneration"] == 2  # one for each apply of ours
    fields = _managed(servings)
    assert {manager for manager, subresource in fields if subresource != "status"} == {"kubectl-client-side-apply"}
    assert {subresource for manager, subresource in fields if manager == labels.FIELD_MANAGER} == {"status"}
    assert set(metadata) & {"finalizers", "labels", "ownerReferences"} == set()
    assert set(metadata["annotations"]) == {"kubectl.kubernetes.io/last-applied-configuration"}
    writes = [r for r in asked(cluster.audit_log, release.namespace, RELEASE) if _changes_servings(r)]
    assert {request.right.resource for request in writes} == {f"{labels.GROUP}/{labels.PLURAL}/status"}


def _managed(servings: Servings) -> set[tuple[str, str]]:
    """(manager, subresource) of everybody who owns a field of the serving."""
    return {(entry["manager"], entry.get("subresource", "")) for entry in servings.get()["metadata"]["managedFields"]}


def _changes_servings(request: Asked) -> bool:
    right: Right = request.right
    return right.verb not in ("get", "list", "watch") and right.resource.startswith(f"{labels.GROUP}/{labels.PLURAL}")
