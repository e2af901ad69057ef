"""To zero and back: when it wakes, when it sleeps, and what callers notice."""

import time

import pytest

from tests.support.gauge import OutsideQueue
from tests.support.servings import DOWN_AT_ONCE, Servings

SLOWLY = {"stabilizationWindowSeconds": 60, "policies": [{"type": "Replicas", "value": 1, "periodSeconds": 60}]}


def sleepy(queue: OutsideQueue, llama: Servings, idle_seconds: int) -> dict[str, object]:
    """A serving that may go to zero, with a queue outside to wake it."""
    signals = [{"type": "Concurrency"}, queue.signal(llama.name)]
    return {"scaling": {"minReplicas": 0, "idle": {"timeoutSeconds": idle_seconds}, "signals": signals}}


@pytest.mark.promise("B22")
async def test_a_queue_wakes_a_serving_from_zero_straight_to_the_number_it_needs(
    llama: Servings, queue: OutsideQueue
) -> None:
    queue.holds(llama.name, 0)
    llama.apply(sleepy(queue, llama, 300), {"scaling": {"behavior": {"scaleUp": SLOWLY}}})
    await llama.until(lambda status: status["summary"].startswith("At zero"))
    assert llama.pods() == []
    queue.holds(llama.name, 31)
    status = await llama.serving(4)  # ceil(31 / 10): neither the window nor the rate policy holds it up
    assert (status["decision"]["from"], status["decision"]["to"], status["decision"]["reason"]) == (0, 4, "Queue")
    assert "zero: from zero straight to 4" in status["decision"]["steps"]
    assert "Queue: 31 / 10 per replica = 3.1 -> 4" in status["decision"]["steps"]


@pytest.mark.promise("N5")
async def test_callers_keep_one_service_from_zero_to_two_replicas_and_back(
    llama: Servings, queue: OutsideQueue
) -> None:
    def identity() -> tuple[str, str]:
        found = llama.service()
        return found["metadata"]["uid"], found["spec"]["clusterIP"]

    queue.holds(llama.name, 0)
    llama.apply(sleepy(queue, llama, 2), DOWN_AT_ONCE)
    await llama.until(lambda status: status["desiredReplicas"] == 0)
    before = await llama.eventually(identity)
    assert llama.endpoints() == set()
    queue.holds(llama.name, 20)
    await llama.serving(2)
    addresses = {pod["status"]["podIP"] for pod in llama.pods()}
    await llama.eventually(lambda: llama.endpoints() == addresses)
    assert identity() == before
    queue.holds(llama.name, 0)
    await llama.rested(0)
    await llama.eventually(lambda: llama.endpoints() == set())
    assert identity() == before


@pytest.mark.promise("N9")
async def test_one_request_starts_the_idle_window_anew(llama: Servings, queue: OutsideQueue) -> None:
    queue.holds(llama.name, 5)
    llama.apply(sleepy(queue, llama, 6), DOWN_AT_ONCE)
    await llama.serving(1)
    queue.holds(llama.name, 0)
    await llama.until(lambda status: status["signals"][1]["value"] == 0)  # idle, as is the engine
    llama.load(running=1)
    await llama.until(lambda status: status["signals"][0]["value"] == 1)
    llama.load(running=0)
    answered = time.monotonic()
    status = await llama.rested(0)
    assert time.monotonic() - answered >= 6
    assert (status["decision"]["reason"], status["why"]) == ("Idle", "Idle")
    assert any(step.startswith("zero: idle for ") for step in status["decision"]["steps"])


@pytest.mark.promise("N9")
async def test_a_gap_in_the_metrics_is_not_idleness(llama: Servings, queue: OutsideQueue) -> None:
    queue.holds(llama.name, 5)
    llama.apply(sleepy(queue, llama, 8), DOWN_AT_ONCE)
    await llama.serving(1)
    await llama.until(lambda status: status["signals"][0]["health"] == "Ok")
    queue.holds(llama.name, 0)
    llama.fault("wrong_metrics")
    # The last good sample stands for 5 s, less than the idle time; without one nothing is known.
    await llama.until(lambda status: status["signals"][0]["health"].startswith("Empty"))
    llama.fault("none")
    known_again = time.monotonic()
    await llama.rested(0)
    assert time.monotonic() - known_again >= 8
