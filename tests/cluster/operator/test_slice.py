"""The whole path: a manifest is applied, replicas follow the load, and only what is ready counts."""

import pytest

from tests.support.servings import DOWN_AT_ONCE, Servings

SLOW = "dev.elasticserving.io/load-seconds"


@pytest.mark.promise("N3")
async def test_a_manifest_of_three_fields_becomes_a_replica_that_serves(llama: Servings) -> None:
    llama.apply()
    status = await llama.serving(1)
    assert status["target"] == "Concurrency 22.4"  # 0.7 x 32 requests at once
    (pod,) = llama.pods()
    assert pod["metadata"]["name"] == f"{llama.name}-0-0"
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    await llama.eventually(lambda: llama.endpoints() == {pod["status"]["podIP"]})
    await llama.until(lambda status: status["signals"][0]["health"] == "Ok")
    # Nothing of a good start sounds like trouble.
    assert {event["reason"] for event in llama.events()} == {"ScalingUp", "ReplicaReady"}


@pytest.mark.promise("N2")
async def test_a_spike_raises_the_replicas_in_one_step(llama: Servings) -> None:
    llama.apply()
    await llama.serving(1)
    llama.load(running=32, waiting=104)  # 136 / 22.4 = 6.07
    status = await llama.serving(7)
    assert status["decision"] | {"time": ""} == {
        "from": 1,
        "to": 7,
        "reason": "Concurrency",
        "time": "",
        "steps": [
            "Concurrency: 136 in flight / 22.4 per replica = 6.1 -> 7",
            "largest signal: Concurrency asks for 7",
            "stabilization: up window 0 s -> 7",
            "limits: 1 to 8 -> 7",
        ],
    }


@pytest.mark.promise("B17")
async def test_the_published_example_of_bentocloud_gives_the_published_numbers(llama: Servings) -> None:
    """Concurrency 32: 2 replicas with 100 in flight become 4, and below 32 in flight one is enough."""
    signals = [{"type": "Concurrency", "target": 32}]
    llama.apply(DOWN_AT_ONCE, {"scaling": {"signals": signals, "minReplicas": 2}})
    await llama.serving(2)
    llama.load(running=32, waiting=28, replica=0)
    llama.load(running=32, waiting=8, replica=1)
    await llama.serving(4)  # ceil(100 / 32)
    llama.load(running=31, replica=0)
    llama.load(running=0, replica=1)
    llama.apply(DOWN_AT_ONCE, {"scaling": {"signals": signals}})
    await llama.serving(1)


@pytest.mark.promise("B23")
async def test_replicas_that_load_their_model_are_no_capacity(llama: Servings) -> None:
    llama.apply({"template": {"metadata": {"annotations": {SLOW: "5"}}}})
    await llama.serving(1)
    llama.load(running=32, waiting=13)  # 45 / 22.4 = 2.01
    loading = await llama.until(lambda status: status["startingReplicas"] == 2)
    assert (loading["desiredReplicas"], loading["servingReplicas"]) == (3, 1)
    assert loading["load"] == "Concurrency 45/22.4"
    assert llama.endpoints() == {llama.pods()[0]["status"]["podIP"]}
    ready = await llama.until(lambda status: status["servingReplicas"] == 3)
    assert ready["load"] == "Concurrency 45/67.2"
    assert ready["decision"]["to"] == 3  # 45 in flight on 1 of 3 replicas is no reason for more
    await llama.eventually(lambda: len(llama.endpoints()) == 3)
