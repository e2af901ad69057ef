"""Replicas that do not start, break or leave by themselves: who is to blame, and what is done."""

import re
from collections.abc import Callable

import pytest

from dev.cluster.nodes import PULL_FAILS, gpu_node
from elastic_serving.api import labels
from elastic_serving.kube.api import Object
from tests.support.servings import DOWN_AT_ONCE, Servings, condition_of

TWO = {"scaling": {"minReplicas": 2}}


def uids(llama: Servings) -> list[str]:
    return [pod["metadata"]["uid"] for pod in llama.pods()]


def index_of(llama: Servings, uid: str) -> int:
    (pod,) = (pod for pod in llama.pods() if pod["metadata"]["uid"] == uid)
    return int(pod["metadata"]["labels"][labels.REPLICA])


async def test_a_crashed_replica_is_made_anew_at_once_and_after_a_second_crash_with_a_pause(llama: Servings) -> None:
    llama.apply(TWO)
    await llama.rested(2)
    kept, crashed = uids(llama)
    llama.fault("crash", replica=1)
    await llama.eventually(lambda: crashed not in uids(llama))
    status = await llama.rested(2)
    assert llama.messages("ReplicaLost") == ["replica 1 is made anew: host 0 of 1 failed: Error (exit code 1)"]
    assert condition_of(status, "Degraded")["status"] == "False"
    assert status["summary"] == "2 of 2 replicas serve."
    (again,) = set(uids(llama)) - {kept}
    llama.fault("crash", replica=index_of(llama, again))

    def waits(status: Object) -> bool:
        return bool(condition_of(status, "AbleToScale")["reason"] == "BackoffBoth")

    status = await llama.until(waits)
    assert re.fullmatch(
        r"1 of 2 replicas serve\. Replica \d is made anew after a wait, failure 2 was: host 0 of 1 failed: Error "
        r"\(exit code 1\); next try \d\d:\d\d:\d\d\.",
        status["summary"],
    )
    assert status["why"] == condition_of(status, "Degraded")["reason"] == "StartFailed"
    status = await llama.rested(2)
    assert condition_of(status, "Degraded")["status"] == "False"
    assert kept in uids(llama)


async def test_a_replica_that_may_not_be_tried_again_waits_for_an_edit(llama: Servings) -> None:
    llama.apply({"startup": {"maxRestarts": 0}})
    await llama.rested(1)
    llama.fault("crash")
    status = await llama.until(lambda status: "given up" in status["summary"])
    sentence = "Replica 0 failed once and is given up until spec changes: host 0 of 1 failed: Error (exit code 1)."
    assert status["summary"].endswith(sentence)
    assert llama.pods() == []
    llama.apply({"startup": {"maxRestarts": 0}, "engine": {"args": ["--enforce-eager"]}})
    await llama.rested(1)


async def test_an_image_that_cannot_be_pulled_is_named_and_the_phase_ends_at_its_deadline(llama: Servings) -> None:
    llama.apply({"template": {"metadata": {"annotations": {PULL_FAILS: "true"}}}, "startup": {"pullSeconds": 4}})
    status = await llama.until(lambda status: "Back-off" in status["summary"] or "ErrImagePull" in status["summary"])
    node = llama.pods()[0]["spec"]["nodeName"]
    assert status["summary"].startswith(f"0 of 1 replica serves; 1 waits: {node}: ")
    assert "starting" in status["replicas"][0]
    assert node in status["replicas"][0]
    (lost, *_) = await llama.eventually(lambda: llama.messages("ReplicaLost"))
    assert lost.startswith(f"replica 0 is made anew: host 0 of 1 on {node} has not started its container after 4 s: ")
    assert "vllm" in lost  # the image that is at fault
    status = await llama.until(lambda status: status["why"] == "StartFailed")
    assert condition_of(status, "Degraded")["message"].startswith("Replica 0, failure ")


async def test_a_product_that_no_node_has_is_said_to_be_the_reason_until_such_a_node_comes(
    llama: Servings, nodes: Callable[..., None]
) -> None:
    product = f"nvidia-{llama.name}"
    llama.apply({"accelerator": {"gpu": {"product": product}}})
    status = await llama.until(lambda status: "waits" in status["summary"])
    assert status["summary"].startswith("0 of 1 replica serves; 1 waits: 0/")
    assert "nodes are available" in status["summary"]
    assert status["replicas"][0].startswith("0  starting  no node yet  provisioning since ")
    nodes(gpu_node(f"late-{llama.name}", product=product))
    status = await llama.rested(1)
    assert f"late-{llama.name}" in status["replicas"][0]


@pytest.mark.promise("N22")
async def test_a_leader_that_ends_itself_lowers_the_number_by_one_and_not_below_the_minimum(llama: Servings) -> None:
    llama.load(running=32, waiting=30)  # 62 / 22.4 = 2.8
    llama.apply()
    await llama.rested(3)
    llama.load(running=0)
    await llama.until(
        lambda status: status["signals"][0]["recommendation"] == 0
    )  # held at 3 by the down window of 300 s
    llama.fault("exit", replica=2)
    status = await llama.rested(2)
    assert status["decision"]["steps"][0] == "retired: 1 left by exit 0 -> 2"
    assert status["desiredReplicas"] == 2
    llama.fault("exit", replica=1)
    await llama.rested(1)
    (last,) = uids(llama)
    llama.fault("exit", replica=0)
    await llama.eventually(lambda: uids(llama) not in ([], [last]))
    status = await llama.rested(1)
    assert (status["decision"]["from"], status["decision"]["to"]) == (2, 1)
    assert llama.messages("ReplicaLost") == []


async def test_one_replica_that_fails_leaves_another_servings_alone(llama: Servings) -> None:
    other = f"{llama.name}-b"
    llama.apply(DOWN_AT_ONCE)
    llama.apply(
        {
            "startup": {"loadSeconds": 2},
            "template": {"metadata": {"annotations": {"dev.elasticserving.io/load-seconds": "60"}}},
        },
        name=other,
    )
    try:
        await llama.until(lambda status: "is not ready after 2 s" in status["summary"], other)
        status = await llama.rested(1)
        assert status["summary"] == "1 of 1 replica serves."
    finally:
        llama.remove(other)
