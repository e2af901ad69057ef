"""How a replica leaves: out of the Service first, deleted when its last request was answered or its time is up."""

from datetime import datetime

import pytest
from kubernetes.aio.client import ApiClient

from dev.cluster.local import LocalCluster
from dev.traffic.arrivals import Arrival
from elastic_serving.api import labels
from tests.support.cluster import eventually
from tests.support.replaying import every, replay_of, replaying
from tests.support.servings import DOWN_AT_ONCE, Servings
from tests.support.watching import watching

DRAINED = "is removed: drained: no request in flight"
THREE, TWO = {"scaling": {"minReplicas": 3}}, {"scaling": {"minReplicas": 2}}


@pytest.mark.promise("M4")
@pytest.mark.promise("N18")
async def test_scaling_down_under_traffic_loses_no_request(
    api: ApiClient, local_cluster: LocalCluster, llama: Servings
) -> None:
    llama.apply(DOWN_AT_ONCE, THREE)
    await llama.serving(3)
    replay = replay_of(api, local_cluster, llama, every(0.1, 120))
    async with watching(api, llama.namespace, llama.name) as history, replaying(replay) as task:
        await eventually(lambda: replay.snapshot().completed >= 15 and replay.ready_endpoints == 3)
        llama.apply(DOWN_AT_ONCE)
        await llama.rested(1)
        total = await task
    assert (total.completed, total.errors) == (120, {})
    assert sum(message.endswith(DRAINED) for message in llama.messages("ReplicaRemoved")) == 2
    deleted = [uid for uid in history.moments[0] if uid not in history.moments[-1]]
    assert len(deleted) == 2
    for uid in deleted:
        states = history.states(uid)
        assert [state.role for state in states if state.deleted] == ["draining"] * sum(s.deleted for s in states)
        assert ("draining", False) in [(state.role, state.deleted) for state in states]


@pytest.mark.promise("N17")
@pytest.mark.promise("N18")
async def test_the_replica_with_the_least_in_flight_leaves_and_stays_until_it_is_unused(llama: Servings) -> None:
    signals = {"scaling": {"signals": [{"type": "Concurrency", "target": 10}]}}
    for replica, running in enumerate((9, 2, 5)):
        llama.load(running=running, replica=replica)
    llama.apply(DOWN_AT_ONCE, signals, THREE)
    await llama.serving(3)
    await llama.until(lambda status: status["signals"][0]["value"] == 16)
    llama.apply(DOWN_AT_ONCE, signals)  # ceil(16 / 10) = 2
    # The sentence is of a sample taken after the label changed; the replica is still there.
    status = await llama.until(lambda status: any("2 in flight" in line for line in status["replicas"]))
    assert [line.split()[:2] for line in status["replicas"]] == [["1", "draining"], ["0", "serving"], ["2", "serving"]]
    first, second, third = llama.pods()
    assert [pod["metadata"]["labels"][labels.ROLE] for pod in (first, second, third)] == [
        "serving", "draining", "serving",
    ]  # fmt: skip
    assert "deletionTimestamp" not in second["metadata"]
    await llama.eventually(lambda: llama.endpoints() == {pod["status"]["podIP"] for pod in (first, third)})
    llama.load(running=0, replica=1)
    await llama.rested(2)
    assert llama.messages("ReplicaRemoved") == [f"replica 1 {DRAINED}"]


@pytest.mark.promise("N18")
async def test_a_request_that_never_ends_holds_a_replica_for_the_drain_timeout_and_no_longer(
    api: ApiClient, llama: Servings
) -> None:
    llama.load(running=3, replica=1)
    llama.load(running=9, replica=0)
    llama.apply(DOWN_AT_ONCE, TWO, {"drain": {"timeoutSeconds": 5}})
    await llama.serving(2)
    await llama.until(lambda status: status["signals"][0]["value"] == 12)
    async with watching(api, llama.namespace, llama.name) as history:
        llama.apply(DOWN_AT_ONCE, {"drain": {"timeoutSeconds": 5}})
        await llama.rested(1)
    assert llama.messages("ReplicaRemoved") == [
        "replica 1 is removed: drain timeout of 5 s passed with 3 requests in flight"
    ]
    (gone,) = history.deletions
    since = float(gone["metadata"]["annotations"][labels.DRAINING_SINCE])
    deadline = datetime.fromisoformat(gone["metadata"]["deletionTimestamp"]).timestamp()
    # The API server writes the deadline of the deletion, its time plus the grace period, in whole seconds.
    assert deadline - gone["metadata"]["deletionGracePeriodSeconds"] + 1 > since + 5


async def test_a_draining_replica_that_is_wanted_again_serves_on_as_it_is(llama: Servings) -> None:
    llama.load(running=9, replica=0)
    llama.load(running=2, replica=1)
    llama.apply(DOWN_AT_ONCE, TWO)
    await llama.serving(2)
    before = [pod["metadata"]["uid"] for pod in llama.pods()]
    await llama.until(lambda status: status["signals"][0]["value"] == 11)
    llama.apply(DOWN_AT_ONCE)
    await llama.until(lambda status: any("2 in flight" in line for line in status["replicas"]))
    llama.apply(DOWN_AT_ONCE, TWO)
    await llama.rested(2)
    pods = llama.pods()
    assert [pod["metadata"]["uid"] for pod in pods] == before
    assert [labels.DRAINING_SINCE in pod["metadata"]["annotations"] for pod in pods] == [False, False]
    await llama.eventually(lambda: len(llama.endpoints()) == 2)


@pytest.mark.parametrize("cascade", [pytest.param("background", id="background"), "foreground"])
async def test_deleting_a_serving_lets_its_last_requests_be_answered_and_leaves_nothing(
    api: ApiClient, local_cluster: LocalCluster, llama: Servings, cascade: str
) -> None:
    llama.apply(TWO)
    await llama.serving(2)
    replay = replay_of(api, local_cluster, llama, [Arrival(0.0, 10, 150)] * 4)  # 3 s each
    async with watching(api, llama.namespace, llama.name) as history, replaying(replay) as task:
        await llama.eventually(lambda: sum(engine["running"] for engine in llama.running()) == 4)
        llama.kubectl("delete", f"es/{llama.name}", f"--cascade={cascade}", "--wait=false")
        total = await task
        await llama.eventually(lambda: llama.leftovers() == [])
    assert (total.completed, total.errors) == (4, {})
    assert len({uid for moment in history.moments for uid in moment}) == 2  # and none was made meanwhile
