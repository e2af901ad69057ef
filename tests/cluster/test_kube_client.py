"""The client against a real API server: what its refusals look like is the API server's to say, not a fake's."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dev.cluster.handle import Cluster
from elastic_serving.errors import AlreadyExists, Conflict, Forbidden, InvalidSpec, NotFound, QuotaExceeded
from elastic_serving.kube import client as client_module
from elastic_serving.kube.api import Preconditions, Resource
from elastic_serving.kube.client import KubeClient
from elastic_serving.kube.config import load_configuration

pytestmark = pytest.mark.cluster

PODS = Resource("", "v1", "pods")
QUOTAS = Resource("", "v1", "resourcequotas")
CONFIG_MAPS = Resource("", "v1", "configmaps")
NAMESPACES = Resource("", "v1", "namespaces", namespaced=False)
DEPLOYMENTS = Resource("apps", "v1", "deployments")


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    """A pod that no node takes."""
    return {
        "metadata": {"name": name, "labels": {"app": "x"}, **metadata},
        "spec": {
            "schedulingGates": [{"name": "test/held"}],
            "containers": [{"name": "main", "image": "example.test/none", "resources": {"requests": {"cpu": "1"}}}],
        },
    }


def config_map(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"app": "x"}}, "data": {"key": "value"}}


@pytest.fixture
async def kube(cluster: Cluster) -> AsyncIterator[KubeClient]:
    """Our client as the administrator."""
    async with KubeClient(await load_configuration(cluster.kubeconfig), field_manager="elastic-serving") as client:
        yield client


async def test_an_object_is_made_read_and_deleted(kube: KubeClient, namespace: str) -> None:
    made = await kube.create(CONFIG_MAPS, namespace, config_map("a"))
    read = await kube.get(CONFIG_MAPS, namespace, "a")
    assert read["metadata"]["uid"] == made["metadata"]["uid"]
    assert made["metadata"]["managedFields"][0]["manager"] == "elastic-serving"
    await kube.delete(CONFIG_MAPS, namespace, "a")
    with pytest.raises(NotFound, match='configmaps "a" not found'):
        await kube.get(CONFIG_MAPS, namespace, "a")
    with pytest.raises(NotFound):
        await kube.delete(CONFIG_MAPS, namespace, "a")


async def test_a_name_that_is_taken_is_told_from_a_conflict(kube: KubeClient, namespace: str) -> None:
    await kube.create(CONFIG_MAPS, namespace, config_map("a"))
    with pytest.raises(AlreadyExists, match='configmaps "a" already exists'):
        await kube.create(CONFIG_MAPS, namespace, config_map("a"))


async def test_a_dry_run_creates_nothing_and_a_wrong_object_is_refused_in_the_servers_words(
    kube: KubeClient, namespace: str
) -> None:
    await kube.create(PODS, namespace, pod("a"), dry_run=True)
    with pytest.raises(NotFound):
        await kube.get(PODS, namespace, "a")
    wrong = pod("a")
    del wrong["spec"]["containers"][0]["name"]
    with pytest.raises(InvalidSpec, match=r'^Pod "a" is invalid: spec\.containers\[0\]\.name: Required value'):
        await kube.create(PODS, namespace, wrong, dry_run=True)


async def test_a_patch_whose_uid_test_fails_is_a_conflict_and_changes_nothing(kube: KubeClient, namespace: str) -> None:
    made = await kube.create(PODS, namespace, pod("a"))
    role = {"op": "add", "path": "/metadata/labels/role", "value": "draining"}
    with pytest.raises(Conflict, match="does not fit the object as it is now"):
        await kube.json_patch(
            PODS, namespace, "a", [{"op": "test", "path": "/metadata/uid", "value": "of-another"}, role]
        )
    assert "role" not in (await kube.get(PODS, namespace, "a"))["metadata"]["labels"]
    uid = {"op": "test", "path": "/metadata/uid", "value": made["metadata"]["uid"]}
    patched = await kube.json_patch(PODS, namespace, "a", [uid, role])
    assert patched["metadata"]["labels"]["role"] == "draining"


async def test_a_patch_of_what_is_not_there_is_a_conflict_and_of_what_must_not_change_is_refused(
    kube: KubeClient, namespace: str
) -> None:
    await kube.create(PODS, namespace, pod("a"))
    with pytest.raises(Conflict, match="does not fit the object as it is now"):
        await kube.json_patch(PODS, namespace, "a", [{"op": "remove", "path": "/metadata/labels/absent"}])
    image = {"op": "replace", "path": "/spec/containers/0/name", "value": "other"}
    with pytest.raises(InvalidSpec, match="pod updates may not change fields"):
        await kube.json_patch(PODS, namespace, "a", [image])
    with pytest.raises(NotFound):
        await kube.json_patch(PODS, namespace, "gone", [image])


async def test_applying_status_owns_it_and_leaves_the_rest(kube: KubeClient, namespace: str) -> None:
    labels = {"matchLabels": {"app": "x"}}
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "main", "image": "none"}]}}
    spec = {"replicas": 0, "selector": labels, "template": template}
    made = await kube.create(DEPLOYMENTS, namespace, {"metadata": {"name": "d"}, "spec": spec})
    progress = {"type": "Ours", "status": "True", "lastTransitionTime": "2026-11-22T10:00:00Z", "reason": "R"}
    identity = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": namespace}}
    status = {**identity, "status": {"conditions": [progress]}}
    applied = await kube.apply(DEPLOYMENTS, namespace, "d", status, subresource="status")
    assert [c["reason"] for c in applied["status"]["conditions"] if c["type"] == "Ours"] == ["R"]
    assert applied["metadata"]["generation"] == made["metadata"]["generation"]
    owners = {(f["manager"], f["operation"], f.get("subresource")) for f in applied["metadata"]["managedFields"]}
    assert ("elastic-serving", "Apply", "status") in owners


async def test_applying_to_a_deleted_object_or_its_namesake_is_a_conflict_by_uid(
    kube: KubeClient, namespace: str
) -> None:
    first = await kube.create(CONFIG_MAPS, namespace, config_map("a"))
    await kube.delete(CONFIG_MAPS, namespace, "a")
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "uid": first["metadata"]["uid"]},
    }
    with pytest.raises(Conflict):
        await kube.apply(CONFIG_MAPS, namespace, "a", body)  # without the uid this would create one
    second = await kube.create(CONFIG_MAPS, namespace, config_map("a"))
    with pytest.raises(Conflict, match="the object is another one now"):
        await kube.apply(CONFIG_MAPS, namespace, "a", body)
    body["metadata"]["uid"] = second["metadata"]["uid"]
    assert (await kube.apply(CONFIG_MAPS, namespace, "a", body))["metadata"]["uid"] == second["metadata"]["uid"]


async def test_a_delete_with_preconditions_spares_another_or_a_changed_object(kube: KubeClient, namespace: str) -> None:
    made = await kube.create(CONFIG_MAPS, namespace, config_map("a"))
    uid, version = made["metadata"]["uid"], made["metadata"]["resourceVersion"]
    with pytest.raises(Conflict):
        await kube.delete(CONFIG_MAPS, namespace, "a", preconditions=Preconditions("of-another"))
    await kube.json_patch(CONFIG_MAPS, namespace, "a", [{"op": "add", "path": "/data/key", "value": "changed"}])
    with pytest.raises(Conflict):
        await kube.delete(CONFIG_MAPS, namespace, "a", preconditions=Preconditions(uid, version))
    now = (await kube.get(CONFIG_MAPS, namespace, "a"))["metadata"]["resourceVersion"]
    await kube.delete(CONFIG_MAPS, namespace, "a", preconditions=Preconditions(uid, now))
    with pytest.raises(NotFound):
        await kube.get(CONFIG_MAPS, namespace, "a")


async def test_a_quota_that_is_used_up_is_told_from_other_refusals(kube: KubeClient, namespace: str) -> None:
    hard = {"metadata": {"name": "q"}, "spec": {"hard": {"requests.cpu": "1"}}}
    await kube.create(QUOTAS, namespace, hard)

    async def one_cpu(name: str) -> None:
        async with asyncio.timeout(20):
            while True:
                try:
                    await kube.create(PODS, namespace, pod(name))
                except QuotaExceeded:
                    raise
                except Forbidden:
                    continue  # "status unknown for quota": the quota has not been counted yet
                return

    async def used_up() -> None:
        """A pod that was admitted before the API server knew of the quota was not charged: it takes some more then."""
        for number in range(5):
            await one_cpu(f"b{number}")

    await one_cpu("a")
    with pytest.raises(QuotaExceeded, match=r"exceeded quota: q, requested: requests\.cpu=1"):
        await used_up()


async def test_a_list_has_every_page_once(kube: KubeClient, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAGE_SIZE", 7)
    names = {f"c{i:02}" for i in range(30)}
    await asyncio.gather(*(kube.create(CONFIG_MAPS, namespace, config_map(name)) for name in names))
    before = kube.requests["list", "configmaps"]
    listed = await kube.list(CONFIG_MAPS, namespace, label_selector="app=x")
    assert sorted(item["metadata"]["name"] for item in listed) == sorted(names)
    assert not any("managedFields" in item["metadata"] for item in listed)
    # 30 objects, 7 a page.
    assert kube.requests["list", "configmaps"] - before == 5
    assert await kube.list(CONFIG_MAPS, namespace, label_selector="app=y") == []
    everywhere = await kube.list(CONFIG_MAPS, label_selector="app=x")
    assert names <= {item["metadata"]["name"] for item in everywhere}


async def test_somebody_without_rights_is_forbidden(cluster: Cluster, namespace: str) -> None:
    configuration = await load_configuration(cluster.kubeconfig)
    configuration.refresh_api_key_hook = None
    configuration.cert_file = configuration.key_file = None
    configuration.api_key = {"BearerToken": "Bearer nobody"}
    async with KubeClient(configuration, field_manager="x") as nobody:
        with pytest.raises(Forbidden):
            await nobody.list(PODS, namespace)


async def test_a_cluster_scoped_kind_is_read_without_a_namespace(kube: KubeClient, namespace: str) -> None:
    assert (await kube.get(NAMESPACES, None, namespace))["metadata"]["name"] == namespace
