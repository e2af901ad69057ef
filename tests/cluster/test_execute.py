"""The executor against a real API server: what it makes, adopts, leaves alone, and refuses to touch."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from dev.cluster.handle import Cluster
from elastic_serving.act.check import refusal_of
from elastic_serving.act.ensure import ensure
from elastic_serving.act.execute import execute
from elastic_serving.act.manifests import PODS, pod_of
from elastic_serving.act.revision import revision_of
from elastic_serving.act.services import NETWORK_POLICIES, SERVICES
from elastic_serving.api import labels
from elastic_serving.api.models import ElasticServing
from elastic_serving.api.parse import read
from elastic_serving.errors import NotFound
from elastic_serving.kube.api import Object, Resource
from elastic_serving.kube.client import KubeClient
from elastic_serving.kube.config import load_configuration
from elastic_serving.observe.inventory import inventory_of
from elastic_serving.report.writer import SERVINGS
from elastic_serving.scaling.model import (
    Action,
    CreateReplica,
    DeleteReplica,
    LiftGates,
    Outcome,
    Replica,
    Role,
    SetRole,
    TroubleKind,
)
from tests.support.cluster import eventually
from tests.support.crds import installed_crds
from tests.support.manifests import manifest

pytestmark = pytest.mark.cluster

NOW = 1_795_000_000.125


class Rig:
    """A serving of the test's own and everything a test does to it; ``hosts`` makes its replicas groups."""

    def __init__(self, kube: KubeClient, serving: ElasticServing) -> None:
        self.kube = kube
        self.serving = serving
        self.namespace = serving.metadata.namespace
        self.revision = revision_of(serving.spec)

    async def execute(self, *actions: Action) -> Outcome:
        return await execute(self.kube, self.serving, actions, clock=lambda: NOW)

    async def create(self, index: int) -> Replica:
        """A replica made by the executor, as the observer sees it."""
        hosts = self.serving.spec.accelerator.gpu.hosts
        outcome = await self.execute(CreateReplica(index, tuple(range(hosts)), "test"))
        assert outcome.troubles == ()
        return await self.replica(index)

    async def replica(self, index: int) -> Replica:
        pods = await self.kube.list(PODS, self.namespace, label_selector=f"{labels.SERVING}=llama-8b")
        size = self.serving.spec.accelerator.gpu.hosts
        found = inventory_of(self.serving.metadata.uid, "llama-8b", pods, at=NOW, size=size)
        return next(replica for replica in found.replicas if replica.index == index)

    async def pod(self, name: str) -> Object:
        return await self.kube.get(PODS, self.namespace, name)

    async def plant(self, name: str, **changes: Any) -> Object:
        """A pod that somebody else made under a name of ours."""
        body = pod_of(self.serving, 0, 0, self.revision)
        body["metadata"] |= {"name": name, **changes}
        return await self.kube.create(PODS, self.namespace, body)


@pytest.fixture(scope="module")
def crds(cluster: Cluster) -> Iterator[None]:
    with installed_crds(cluster):
        yield


@pytest.fixture
async def kube(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with KubeClient(await load_configuration(cluster.kubeconfig), field_manager=labels.FIELD_MANAGER) as client:
        yield client


@pytest.fixture
async def rig(crds: None, kube: KubeClient, namespace: str) -> Rig:
    return await rig_of(kube, namespace)


@pytest.fixture
async def pair(crds: None, kube: KubeClient, namespace: str) -> Rig:
    """A rig whose replicas are groups of two hosts."""
    return await rig_of(kube, namespace, hosts=2)


async def rig_of(kube: KubeClient, namespace: str, *, hosts: int = 1, change: Mapping[str, Any] | None = None) -> Rig:
    serving = read(await kube.create(SERVINGS, namespace, manifest(change or {})))
    # The CRD allows one host for now; the arithmetic of groups is there.
    gpu = serving.spec.accelerator.gpu.model_copy(update={"hosts": hosts})
    accelerator = serving.spec.accelerator.model_copy(update={"gpu": gpu})
    return Rig(kube, serving.model_copy(update={"spec": serving.spec.model_copy(update={"accelerator": accelerator})}))


async def test_a_replica_is_created_gated_and_once(pair: Rig) -> None:
    replica = await pair.create(3)
    assert [(host.pod, host.gated) for host in replica.hosts] == [("llama-8b-3-0", True), ("llama-8b-3-1", True)]
    again = await pair.execute(CreateReplica(3, (0, 1), "once more"))
    assert again.done == (CreateReplica(3, (0, 1), "once more"),), "our own pods are adopted"
    assert [host.uid for host in (await pair.replica(3)).hosts] == [host.uid for host in replica.hosts]


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        pytest.param({"ownerReferences": []}, TroubleKind.FOREIGN, "is not owned by llama-8b", id="nobody's"),
        pytest.param(
            {"ownerReferences": "others"}, TroubleKind.FOREIGN, "is not owned by llama-8b", id="another owner's"
        ),
        pytest.param(
            {"labels": {labels.REVISION: "older"}}, TroubleKind.CHANGED, "is of revision older", id="ours, but older"
        ),
        pytest.param(
            {"finalizers": ["example.com/stay"]}, TroubleKind.CHANGED, "still being deleted", id="ours, ending"
        ),
    ],
)
async def test_a_pod_that_is_not_the_one_wanted_is_not_adopted_and_not_touched(
    rig: Rig, changes: dict[str, Any], kind: TroubleKind, words: str
) -> None:
    if changes.get("ownerReferences") == "others":
        other = await rig.kube.create(SERVINGS, rig.namespace, manifest(name="other"))
        reference = {"apiVersion": other["apiVersion"], "kind": other["kind"], "name": "other"}
        changes = {"ownerReferences": [{**reference, "uid": other["metadata"]["uid"], "controller": True}]}
    planted = await rig.plant("llama-8b-0-0", **changes)
    if "finalizers" in changes:
        await rig.kube.delete(PODS, rig.namespace, "llama-8b-0-0", grace_period_seconds=0)
        planted = await rig.pod("llama-8b-0-0")
    outcome = await rig.execute(CreateReplica(0, (0,), "test"))
    assert outcome.done == ()
    assert [trouble.kind for trouble in outcome.troubles] == [kind]
    assert words in outcome.troubles[0].sentence
    after = await rig.pod("llama-8b-0-0")
    assert after["metadata"]["resourceVersion"] == planted["metadata"]["resourceVersion"]
    if "finalizers" in changes:
        await rig.kube.json_patch(
            PODS, rig.namespace, "llama-8b-0-0", [{"op": "remove", "path": "/metadata/finalizers"}]
        )


async def test_gates_are_lifted_of_every_host_of_a_whole_group(pair: Rig) -> None:
    replica = await pair.create(0)
    action = LiftGates(0, replica.hosts)
    assert await pair.execute(action) == Outcome((action,))
    assert [host.gated for host in (await pair.replica(0)).hosts] == [False, False]
    assert (await pair.execute(action)).done == (action,), "lifted already is done"


async def test_gates_stay_while_a_host_is_missing(pair: Rig) -> None:
    await pair.execute(CreateReplica(0, (0,), "half a group"))
    half = await pair.replica(0)
    outcome = await pair.execute(LiftGates(0, half.hosts))
    assert outcome.done == ()
    assert outcome.troubles[0].kind is TroubleKind.CHANGED
    assert outcome.troubles[0].sentence == "the gates of replica 0 stay: 1 of 2 hosts exist"
    assert [host.gated for host in (await pair.replica(0)).hosts] == [True]


async def test_gates_stay_when_a_host_was_made_anew_since_the_look(pair: Rig) -> None:
    seen = await pair.create(0)
    await pair.kube.delete(PODS, pair.namespace, "llama-8b-0-1", grace_period_seconds=0)
    await pair.create(0)
    outcome = await pair.execute(LiftGates(0, seen.hosts))
    assert [trouble.sentence for trouble in outcome.troubles] == [
        "the gates of replica 0 stay: pod llama-8b-0-1 was made anew"
    ]
    assert [host.gated for host in (await pair.replica(0)).hosts] == [True, True]


async def test_another_gate_of_the_pod_is_left_to_its_owner(crds: None, kube: KubeClient, namespace: str) -> None:
    mine = {"template": {"spec": {"schedulingGates": [{"name": "example.com/mine"}]}}}
    rig = await rig_of(kube, namespace, change=mine)
    replica = await rig.create(0)
    await rig.execute(LiftGates(0, replica.hosts))
    assert (await rig.pod("llama-8b-0-0"))["spec"]["schedulingGates"] == [{"name": "example.com/mine"}]


@pytest.mark.promise("M4")
async def test_a_drain_takes_the_leader_out_of_the_service_and_writes_down_when(rig: Rig) -> None:
    replica = await rig.create(0)
    drain = SetRole(0, replica.hosts[0], Role.DRAINING, "test")
    assert (await rig.execute(drain)).done == (drain,)
    drained = await rig.replica(0)
    assert (drained.role, drained.draining_since) == (Role.DRAINING, NOW)
    written = (await rig.pod("llama-8b-0-0"))["metadata"]["resourceVersion"]
    assert (await rig.execute(drain)).done == (drain,)
    assert (await rig.pod("llama-8b-0-0"))["metadata"]["resourceVersion"] == written, "draining already: no write"
    back = SetRole(0, replica.hosts[0], Role.SERVING, "wanted again")
    await rig.execute(back)
    metadata = (await rig.pod("llama-8b-0-0"))["metadata"]
    assert metadata["labels"][labels.ROLE] == "serving"
    assert labels.DRAINING_SINCE not in metadata["annotations"]


@pytest.mark.parametrize("noted", [{}, {labels.DRAINING_SINCE: "soon"}], ids=["no time", "no time that can be read"])
async def test_a_drain_that_somebody_began_by_hand_gets_its_time(rig: Rig, noted: dict[str, str]) -> None:
    replica = await rig.create(0)
    by_hand = {labels.ROLE: "draining"}
    operations = [
        {"op": "add", "path": f"/metadata/{where}/{name.replace('/', '~1')}", "value": value}
        for where, values in (("labels", by_hand), ("annotations", noted))
        for name, value in values.items()
    ]
    await rig.kube.json_patch(PODS, rig.namespace, "llama-8b-0-0", operations)
    assert (await rig.replica(0)).draining_since is None
    await rig.execute(SetRole(0, replica.hosts[0], Role.DRAINING, "test"))
    assert (await rig.replica(0)).draining_since == NOW


async def test_a_role_is_not_written_on_the_successor_of_a_pod(rig: Rig) -> None:
    seen = await rig.create(0)
    await rig.kube.delete(PODS, rig.namespace, "llama-8b-0-0", grace_period_seconds=0)
    await rig.create(0)
    outcome = await rig.execute(SetRole(0, seen.hosts[0], Role.DRAINING, "test"))
    assert [trouble.kind for trouble in outcome.troubles] == [TroubleKind.CHANGED]
    assert (await rig.replica(0)).role is Role.SERVING


@pytest.mark.promise("M4")
async def test_a_delete_does_not_meet_a_pod_that_changed_or_was_made_anew(rig: Rig) -> None:
    seen = await rig.create(0)
    patch = [{"op": "add", "path": "/metadata/annotations/touched", "value": "yes"}]
    await rig.kube.json_patch(PODS, rig.namespace, "llama-8b-0-0", patch)
    changed = await rig.execute(DeleteReplica(0, seen.hosts, "test"))
    assert [trouble.kind for trouble in changed.troubles] == [TroubleKind.CHANGED]
    fresh = await rig.replica(0)
    await rig.kube.delete(PODS, rig.namespace, "llama-8b-0-0", grace_period_seconds=0)
    await rig.create(0)
    anew = await rig.execute(DeleteReplica(0, fresh.hosts, "test"))
    assert [trouble.kind for trouble in anew.troubles] == [TroubleKind.CHANGED]
    assert (await rig.replica(0)).hosts[0].terminating is False


async def test_a_delete_takes_every_host_and_gone_already_is_done(pair: Rig) -> None:
    replica = await pair.create(0)
    await pair.kube.delete(PODS, pair.namespace, "llama-8b-0-1", grace_period_seconds=0)
    action = DeleteReplica(0, replica.hosts, "test")
    assert await pair.execute(action) == Outcome((action,))

    async def is_leaving() -> bool:
        try:
            return "deletionTimestamp" in (await pair.pod("llama-8b-0-0"))["metadata"]
        except NotFound:
            return True

    assert await eventually(is_leaving)


async def test_troubles_of_one_replica_do_not_stop_another(rig: Rig) -> None:
    await rig.plant("llama-8b-1-0", ownerReferences=[])
    actions = tuple(CreateReplica(index, (0,), "test") for index in range(3))
    outcome = await rig.execute(*actions)
    assert outcome.done == (actions[0], actions[2])
    assert [(trouble.replica, trouble.kind) for trouble in outcome.troubles] == [(1, TroubleKind.FOREIGN)]


async def test_a_quota_is_reported_in_its_own_words_and_creates_what_fits(rig: Rig) -> None:
    quota = {"metadata": {"name": "team-a"}, "spec": {"hard": {"requests.nvidia.com/gpu": "1"}}}
    quotas = Resource("", "v1", "resourcequotas")
    await rig.kube.create(quotas, rig.namespace, {"apiVersion": "v1", "kind": "ResourceQuota", **quota})

    async def is_counted() -> bool:
        return "hard" in (await rig.kube.get(quotas, rig.namespace, "team-a")).get("status", {})

    await eventually(is_counted)
    outcome = await rig.execute(CreateReplica(0, (0,), "test"), CreateReplica(1, (0,), "test"))
    assert len(outcome.done) == 1
    assert [trouble.kind for trouble in outcome.troubles] == [TroubleKind.QUOTA]
    assert "exceeded quota: team-a" in outcome.troubles[0].sentence
    assert outcome.troubles[0].sentence.endswith("limited: requests.nvidia.com/gpu=1")


async def test_a_refused_template_is_known_before_anything_is_made(
    crds: None, kube: KubeClient, namespace: str
) -> None:
    template = {"spec": {"containers": [{"name": "sidecar"}]}}
    rig = await rig_of(kube, namespace, change={"template": template})
    refusal = await refusal_of(kube, rig.serving)
    assert refusal is not None
    assert refusal.kind is TroubleKind.REFUSED
    assert refusal.sentence == 'Pod "llama-8b-0-0" is invalid: spec.containers[1].image: Required value'
    assert await kube.list(PODS, namespace) == []


async def test_an_accepted_template_has_no_refusal_whether_its_pod_is_there_or_not(rig: Rig) -> None:
    assert await refusal_of(rig.kube, rig.serving) is None
    assert await rig.kube.list(PODS, rig.namespace) == []
    await rig.create(0)
    assert await refusal_of(rig.kube, rig.serving) is None


async def present(rig: Rig) -> dict[tuple[str, str], Object]:
    """What the cache of the operator would hold."""
    selector = f"{labels.MANAGED_BY}={labels.MANAGED_BY_VALUE}"
    return {
        (kind.plural, item["metadata"]["name"]): item
        for kind in (SERVICES, NETWORK_POLICIES)
        for item in await rig.kube.list(kind, rig.namespace, label_selector=selector)
    }


def writes(rig: Rig) -> int:
    return sum(n for (verb, _), n in rig.kube.requests.items() if verb not in ("get", "list"))


@pytest.mark.promise("N5")
async def test_the_service_stays_the_same_from_replicas_to_none_and_back(rig: Rig) -> None:
    assert await ensure(rig.kube, rig.serving, {}) == ()
    first = (await present(rig))[("services", "llama-8b")]
    replica = await rig.create(0)
    await rig.execute(DeleteReplica(0, replica.hosts, "to zero"))

    async def is_at_zero() -> bool:
        return await rig.kube.list(PODS, rig.namespace) == []

    await eventually(is_at_zero)
    assert await ensure(rig.kube, rig.serving, await present(rig)) == ()
    await rig.create(0)
    assert await ensure(rig.kube, rig.serving, {}) == ()
    last = (await present(rig))[("services", "llama-8b")]
    assert last["metadata"]["uid"] == first["metadata"]["uid"]
    assert last["spec"]["clusterIP"] == first["spec"]["clusterIP"]
    assert last["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"], "not even written"


@pytest.mark.promise("B8")
async def test_what_is_as_it_should_be_is_not_written_and_what_drifted_is_put_right(rig: Rig) -> None:
    assert await ensure(rig.kube, rig.serving, {}, allowed_namespaces=["monitoring"]) == ()
    assert set(await present(rig)) == {
        ("services", "llama-8b"),
        ("services", "llama-8b-hosts"),
        ("networkpolicies", "llama-8b"),
    }
    before = writes(rig)
    await ensure(rig.kube, rig.serving, await present(rig), allowed_namespaces=["monitoring"])
    assert writes(rig) == before
    drift = [{"op": "replace", "path": "/spec/selector", "value": {"app": "stolen"}}]
    await rig.kube.json_patch(SERVICES, rig.namespace, "llama-8b", drift)
    await ensure(rig.kube, rig.serving, await present(rig), allowed_namespaces=["monitoring"])
    selector = (await present(rig))[("services", "llama-8b")]["spec"]["selector"]
    assert selector == {labels.SERVING: "llama-8b", labels.HOST: "0", labels.ROLE: "serving"}


async def test_a_service_of_somebody_else_is_left_alone_and_named(rig: Rig) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "llama-8b"},
        "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]},
    }
    theirs = await rig.kube.create(SERVICES, rig.namespace, body)
    troubles = await ensure(rig.kube, rig.serving, {})
    assert troubles == ("Service llama-8b exists and is not owned by llama-8b: left alone",)
    now = await rig.kube.get(SERVICES, rig.namespace, "llama-8b")
    assert now["metadata"]["resourceVersion"] == theirs["metadata"]["resourceVersion"]


async def test_a_hundred_replicas_are_made_side_by_side(rig: Rig) -> None:
    async with asyncio.timeout(20):
        outcome = await rig.execute(*(CreateReplica(index, (0,), "burst") for index in range(100)))
    assert len(outcome.done) == 100
    pods = await rig.kube.list(PODS, rig.namespace)
    assert sorted(pod["metadata"]["name"] for pod in pods) == sorted(f"llama-8b-{index}-0" for index in range(100))
