"""What bounds the number on its way: limits, rate policies, windows, and the fallback where nothing is known."""

import re
import time

import pytest

from tests.support.gauge import OutsideQueue
from tests.support.servings import DOWN_AT_ONCE, Servings, condition_of


@pytest.mark.promise("U12")
async def test_a_fallback_acts_after_its_time_without_a_signal_until_the_signal_is_back(
    llama: Servings, queue: OutsideQueue
) -> None:
    fallback = {"afterSeconds": 4, "replicas": 3, "behavior": "IfHigher"}
    llama.apply(DOWN_AT_ONCE, {"scaling": {"signals": [queue.signal(llama.name)], "fallback": fallback}})
    holding = await llama.until(lambda status: "fallback" in status["summary"])
    assert holding["summary"].startswith("Holding 1 replica: Prometheus has no answer for Queue since ")
    assert "(the query has no result); fallback to 3 or more at " in holding["summary"]
    assert holding["signals"][0]["health"] == "Empty: the query has no result"
    assert (holding["why"], holding["load"]) == ("MetricsMissing", "?")
    status = await llama.serving(3)
    assert (status["decision"]["reason"], status["why"]) == ("Fallback", "Fallback")
    assert re.search(r"fallback: nothing known for \d+ s, after 4 s IfHigher -> 3", str(status["decision"]["steps"]))
    assert condition_of(status, "ScalingActive")["reason"] == "Fallback"
    assert status["summary"].startswith("Fallback to 3 replicas: Prometheus has no answer for Queue since ")
    queue.holds(llama.name, 15)
    status = await llama.rested(2)
    assert (status["why"], status["signals"][0]["health"]) == ("Queue", "Ok")
    assert llama.messages("SignalRecovered") == ["Queue is measured again"]
    assert len(llama.events("MetricsMissing")) == len(llama.events("Fallback")) == 1


@pytest.mark.promise("U4")
async def test_a_number_outside_the_limits_is_repaired_without_any_metric(llama: Servings, queue: OutsideQueue) -> None:
    def between(least: int, most: int) -> None:
        llama.apply({"scaling": {"minReplicas": least, "maxReplicas": most, "signals": [queue.signal(llama.name)]}})

    between(1, 8)
    await llama.serving(1)
    between(3, 8)
    status = await llama.serving(3)
    assert "range: 1 is below minReplicas -> 3" in status["decision"]["steps"]
    between(1, 2)
    status = await llama.rested(2)
    assert "range: 3 is above maxReplicas -> 2" in status["decision"]["steps"]
    assert status["decision"]["reason"] == "MaxReplicas"
    assert status["signals"][0]["health"].startswith("Empty")


@pytest.mark.promise("U5")
async def test_a_rate_policy_bounds_the_step_and_says_so(llama: Servings) -> None:
    policies = [{"type": "Replicas", "value": 3, "periodSeconds": 300}]
    llama.apply({"scaling": {"behavior": {"scaleUp": {"policies": policies}}}})
    await llama.serving(1)
    llama.load(running=32, waiting=104)  # 6.1 -> 7
    status = await llama.serving(3)
    # 0 replicas 300 s ago: the first one counts.
    assert "policies: +3 in 300 s from 0 -> 3" in status["decision"]["steps"]
    status = await llama.until(lambda status: status["why"] == "ScaleUpLimit")
    limited = condition_of(status, "ScalingLimited")
    assert (limited["status"], limited["reason"]) == ("True", "ScaleUpLimit")
    assert limited["message"] == "7 asked for; policies: +3 in 300 s from 0 -> 3."


@pytest.mark.promise("U6")
async def test_the_number_falls_only_after_a_whole_down_window_without_need(llama: Servings) -> None:
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 3}}
    llama.load(running=32, waiting=30)  # 62 / 22.4 = 2.8
    llama.apply({"scaling": {"behavior": behavior}})
    await llama.serving(3)
    falls = time.monotonic()
    llama.load(running=0)
    status = await llama.until(lambda status: status["signals"][0]["value"] == 0)
    assert (status["desiredReplicas"], status["why"]) == (3, "StabilizationWindow")
    assert condition_of(status, "AbleToScale")["reason"] == "ScaleDownStabilized"
    await llama.until(lambda status: status["desiredReplicas"] == 1)
    assert time.monotonic() - falls >= 3


@pytest.mark.promise("B21")
async def test_load_that_comes_and_goes_within_the_window_moves_the_number_once(llama: Servings) -> None:
    llama.load(running=0)
    llama.apply()
    await llama.serving(1)
    for load in (62, 0, 62, 0, 62):
        llama.load(running=load)
        status = await llama.until(lambda status, load=load: status["signals"][0]["value"] == load)  # type: ignore[misc]  # a default binds the loop's value
    assert status["desiredReplicas"] == 3
    assert llama.messages("ScalingUp") == [
        "0 -> 1 replicas: MinReplicas: range, 0 is below minReplicas -> 1",
        "1 -> 3 replicas: Concurrency 62 is above 22.4 per replica",
    ]
    assert llama.messages("ScalingDown") == []
