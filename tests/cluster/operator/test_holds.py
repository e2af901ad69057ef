"""What stands above the signals (a pause, a schedule) and beside them (a warning), as kubectl shows it."""

import pytest

from tests.support.servings import DOWN_AT_ONCE, Servings, condition_of

PAUSED = {"scaling": {"paused": "Both"}}
ALL_YEAR = {"name": "season", "start": "* * * * *", "end": "0 0 1 1 *", "timeZone": "Europe/Berlin", "minReplicas": 2}
BUSY = {"type": "Prometheus", "name": "busy", "query": "avg(DCGM_FI_DEV_GPU_UTIL) or vector(40)", "target": 80}


@pytest.mark.promise("U16")
async def test_a_pause_holds_the_number_until_it_ends(llama: Servings) -> None:
    llama.apply(DOWN_AT_ONCE)
    await llama.rested(1)
    llama.apply(DOWN_AT_ONCE, PAUSED)
    llama.load(running=32, waiting=35)  # 67 / 22.4 = 2.99
    status = await llama.until(lambda status: status["why"] == "Paused")
    assert (status["desiredReplicas"], status["servingReplicas"]) == (1, 1)
    assert status["summary"] == "1 of 1 replica serves. Scaling up and down is paused."
    assert condition_of(status, "AbleToScale")["status"] == "False"
    assert condition_of(status, "ScalingLimited")["message"] == "3 asked for; paused: scaling up is paused -> 1."
    llama.apply(DOWN_AT_ONCE)
    status = await llama.serving(3)
    assert condition_of(status, "ScalingLimited")["reason"] == "DesiredWithinRange"


@pytest.mark.promise("U17")
async def test_a_schedule_keeps_its_floor_and_tells_until_when(llama: Servings) -> None:
    llama.apply(DOWN_AT_ONCE, {"scaling": {"schedules": [ALL_YEAR]}})
    await llama.serving(2)
    status = await llama.until(lambda status: status["why"] == "Schedule")  # once the signal is measured
    assert " Schedule season keeps at least 2 until " in status["summary"]
    assert status["summary"].endswith("-12-31 23:00:00 UTC.")
    assert condition_of(status, "ScalingLimited")["reason"] == "TooFewReplicas"
    llama.apply(DOWN_AT_ONCE)
    await llama.serving(1)


@pytest.mark.promise("B15")
async def test_a_query_of_utilization_is_warned_of_once(llama: Servings) -> None:
    llama.apply({"scaling": {"signals": [{"type": "Concurrency"}, BUSY]}})
    status = await llama.rested(1)
    warning = condition_of(status, "MisleadingSignal")
    assert (warning["status"], warning["reason"]) == ("True", "GpuUtilization")
    assert warning["message"].startswith("busy reads DCGM_FI_DEV_GPU_UTIL: a GPU counts as busy while any kernel runs")
    events = llama.kubectl("describe", f"es/{llama.name}").partition("\nEvents:\n")[2]
    assert events.count("GpuUtilization") == 1
