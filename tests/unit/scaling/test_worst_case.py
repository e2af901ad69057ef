"""Before fewer replicas: the rest must hold the worst load of the last quarter of an hour."""

from dataclasses import replace

import pytest

from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.learn import Learned, learn
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import Flow, Sample
from tests.unit.scaling.test_backlog import NOW, remembering, seen, spec_of

AT_ONCE: dict[str, object] = {"scaleDown": {"stabilizationWindowSeconds": 0}}


def with_load(desired: int, *, mean: float, deviation: float = 0.0, peak: float = 0.0) -> Memory:
    """1 request a second of 2 s now, and what the load was like before."""
    memory = remembering(desired, rate=1.0, service=2.0)
    learned = memory.learned
    assert isinstance(learned, Learned)
    peaks = ((NOW - 5, peak),) if peak else ()
    return replace(memory, learned=replace(learned, load=mean, spread=deviation**2, peaks=peaks))


@pytest.mark.parametrize(
    ("load", "desired"),
    [
        pytest.param({"mean": 2.0}, 1, id="2 at once fit one of 4 slots"),
        pytest.param({"mean": 2.0, "peak": 4.0}, 1, id="a peak that just fits"),
        pytest.param({"mean": 2.0, "peak": 13.0}, 4, id="a peak of 13 needs 4"),
        pytest.param({"mean": 5.0, "deviation": 2.0}, 3, id="5 + 3 x 2 = 11 need 3"),
        pytest.param({"mean": 50.0, "deviation": 20.0}, 6, id="never more than there are"),
    ],
)
@pytest.mark.promise("U21")
def test_the_rest_absorbs_the_worst_load_of_late(load: dict[str, float], desired: int) -> None:
    made = decide(spec_of(behavior=AT_ONCE), seen(2, 0, current=6), with_load(6, **load), NOW)
    assert made.decision.recommendation == 1
    assert made.decision.desired == desired


@pytest.mark.promise("U21")
def test_it_says_what_the_rest_could_not_hold() -> None:
    made = decide(spec_of(behavior=AT_ONCE), seen(2, 0, current=6), with_load(6, mean=2.0, peak=13.0), NOW)
    (said,) = [step.reason for step in made.decision.steps if step.stage == "worst case"]
    assert said == "1 hold 4 at once, the last 15 min had up to 13 -> 4"
    assert made.decision.why == "WorstCase"


def test_on_the_way_up_and_to_zero_it_says_nothing() -> None:
    up = decide(spec_of(behavior=AT_ONCE), seen(8, 3780, current=2), with_load(2, mean=2.0, peak=400.0), NOW)
    assert up.decision.desired == 16
    zero: dict[str, object] = {"minReplicas": 0, "idle": {"timeoutSeconds": 60}}
    prom: dict[str, object] = {"type": "Prometheus", "name": "jobs", "query": "jobs", "target": 10}
    memory = replace(with_load(2, mean=2.0, peak=400.0), idle_since=NOW - 100)
    quiet = replace(seen(0, 0, current=2), signals=(*seen(0, 0, current=2).signals[:1], ("jobs", Sample(0.0, NOW))))
    made = decide(spec_of(({"type": "Concurrency"}, prom), behavior=AT_ONCE, **zero), quiet, memory, NOW)
    assert "worst case" not in {step.stage for step in made.decision.steps}


@pytest.mark.parametrize(("age", "kept"), [pytest.param(899, True, id="899 s"), pytest.param(900, False, id="900 s")])
def test_a_peak_is_forgotten_after_a_quarter_of_an_hour(age: float, kept: bool) -> None:
    learned = with_load(6, mean=2.0).learned
    assert learned is not None
    learned = replace(learned, peaks=((NOW - age, 13.0),))
    after = learn(learned, replace(seen(2, 0, current=6), flow=Flow(2.0, 0.0, 5.0, NOW)))
    assert after is not None
    assert (13.0 in {load for _, load in after.peaks}) is kept
