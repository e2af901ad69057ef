"""A latency budget: how many requests in flight keep it is learned, and nothing wrong is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.report.lines import line
from elastic_serving.report.observation import parse
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.latency import Capacity, learned
from elastic_serving.scaling.memory import Memory, from_dict, to_dict
from elastic_serving.scaling.model import Latency, Missing, PerReplica, Reading, ReplicaCounts, Seen
from tests.support.scaling import seen_of

BUDGET = {"type": "Latency", "ttftSeconds": 3, "tpotSeconds": 0.1, "percentile": 95}
SLOTS = 32


def spec_of(**scaling: Any) -> ElasticServingSpec:
    return ElasticServingSpec.model_validate(
        {
            "model": {"uri": "hf://example/model"},
            "engine": {"maxConcurrency": SLOTS},
            "accelerator": {"gpu": {"product": "nvidia-l4"}},
            "scaling": {"maxReplicas": 100, "signals": [BUDGET], **scaling},
        }
    )


def reading(loads: Sequence[float | None], met: float | None, at: float) -> PerReplica:
    latency = None if met is None else Latency(met, at, ttft_seconds=1.0, tpot_seconds=0.05)
    return PerReplica(tuple((str(i), load) for i, load in enumerate(loads)), at, latency)


def lesson(loads: Sequence[float], met: float, *, target: float = 20.0, starting: int = 0, wanted: int = 2) -> Capacity:
    """What is known after one minute that began calm."""
    counts = ReplicaCounts(wanted, len(loads), starting)
    signal, before = spec_of().signals[0], Capacity("Latency", target, since=1000.0)
    return learned(signal, reading(loads, met, 1060.0), counts, before, wanted=wanted, slots=SLOTS, now=1060.5)


@pytest.mark.promise("U18")
@pytest.mark.parametrize(
    ("target", "loads", "met", "expected"),
    [
        pytest.param(20, [20, 20], 1.0, 20.25, id="all keep it: 20 x (1 + 0.25 x 0.05)"),
        pytest.param(20, [20, 20], 0.95, 20.0, id="as many as should"),
        pytest.param(20, [20, 20], 0.75, 19.0, id="a fifth less than should: 20 x (1 - 0.25 x 0.2)"),
        pytest.param(20, [20, 20], 0.0, 15.25, id="none: 20 x (1 - 0.25 x 0.95)"),
        pytest.param(20, [13, 14], 1.0, 20.0, id="a load of 13.5 is not near 20 and shows nothing"),
        pytest.param(20, [13, 14], 0.75, 19.0, id="but it shows that it is too much"),
        pytest.param(31.9, [30, 30], 1.0, 32.0, id="not above the slots"),
        pytest.param(1.2, [1, 1], 0.0, 1.0, id="not below one"),
    ],
)
def test_the_target_moves_by_how_many_kept_the_budget(
    target: float, loads: list[float], met: float, expected: float
) -> None:
    after = lesson(loads, met, target=target)
    assert after.target == pytest.approx(expected)
    assert after.since == 1060.0


@pytest.mark.promise("U18")
@pytest.mark.parametrize(
    ("loads", "starting", "wanted"),
    [
        pytest.param([40, 40], 0, 2, id="8 wait at each"),
        pytest.param([20, 20], 3, 5, id="three are starting"),
        pytest.param([20, 20], 0, 5, id="three are not there yet"),
    ],
)
def test_an_overload_teaches_little_and_only_once(loads: list[float], starting: int, wanted: int) -> None:
    # 20 x (1 - 0.25 x 0.1), and no further lesson before the fleet is whole and without a queue.
    after = lesson(loads, 0.0, starting=starting, wanted=wanted)
    assert after == Capacity("Latency", 19.5, since=None)
    signal, counts = spec_of().signals[0], ReplicaCounts(wanted, len(loads), starting)
    for minute in range(2, 10):
        now = 1000.0 + 60 * minute
        after = learned(signal, reading(loads, 0.0, now), counts, after, wanted=wanted, slots=SLOTS, now=now)
    assert after.target == 19.5
    calm = ReplicaCounts(2, 2, 0)
    after = learned(signal, reading([20, 20], 0.0, 2000.0), calm, after, wanted=2, slots=SLOTS, now=2000.0)
    assert after == Capacity("Latency", 19.5, since=2000.0)


@pytest.mark.promise("U18")
def test_a_cold_fleet_teaches_nothing() -> None:
    spec, memory = spec_of(), None
    for second in range(0, 300, 5):
        # One replica with 300 in flight, nothing kept; the rest boots.
        seen = cold(float(second))
        memory = decide(spec, seen, memory, seen.at).memory
        assert memory.capacities == (Capacity("Latency", 22.4),)


def cold(at: float) -> Seen:
    return replace(seen_of({"Latency": reading([300.0], 0.0, at)}, at=at, current=1), replicas=ReplicaCounts(14, 1, 13))


@pytest.mark.parametrize(
    "unknown",
    [
        pytest.param(Missing("Timeout", "it did not answer"), id="no load"),
        pytest.param(reading([20, 20], None, 1060.0), id="no latency"),
        pytest.param(reading([20, 20], 0.0, 1059.0), id="59 s are no minute"),
        pytest.param(None, id="not observed"),
    ],
)
def test_what_is_not_known_teaches_nothing(unknown: Reading | None) -> None:
    signal, before = spec_of().signals[0], Capacity("Latency", 20.0, since=1000.0)
    counts = ReplicaCounts(2, 2, 0)
    assert learned(signal, unknown, counts, before, wanted=2, slots=SLOTS, now=1060.5) == before


def served(spec: ElasticServingSpec, memory: Memory | None, demand: float, minutes: int) -> tuple[Memory, list[int]]:
    """An engine that writes a token in 20 ms and 5 ms more for each request beside it: 16 at once take 0.1 s. Replicas
    are there at once; the numbers after each minute."""
    numbers, replicas, now = [], 5, 0.0 if memory is None else memory.at
    for _ in range(minutes * 12):
        now += 5
        load = demand / replicas
        met = 1.0 if 0.02 + 0.005 * load <= 0.1 else 0.0
        seen = seen_of({"Latency": reading([load] * replicas, met, now)}, at=now, current=replicas)
        decided = decide(spec, seen, memory, now)
        memory, replicas = decided.memory, decided.decision.desired
        if now % 60 == 0:
            numbers.append(replicas)
    assert memory is not None
    return memory, numbers


@pytest.mark.promise("U18")
@pytest.mark.parametrize("demand", [160.0, 480.0, 800.0])
def test_the_number_settles_where_the_budget_is_kept_and_no_higher(demand: float) -> None:
    spec = spec_of(
        behavior={"scaleDown": {"stabilizationWindowSeconds": 60, "tolerance": 0}, "scaleUp": {"tolerance": 0}}
    )
    memory, numbers = served(spec, None, demand, minutes=240)
    right, last = demand / 16, numbers[120:]
    # A minute below, at once a quarter more, and 1.25 % fewer each minute: on average an eighth more.
    assert min(last) >= right * 0.9
    assert max(last) <= right * 1.4
    assert sum(number >= right for number in last) >= 0.9 * len(last)
    assert sum(last) / len(last) <= right * 1.2
    assert from_dict(to_dict(memory)) == memory


def test_the_step_names_the_budget_what_was_learned_and_the_arithmetic() -> None:
    spec, memory = spec_of(), Memory(1000.0, 3, capacities=(Capacity("Latency", 18.2, since=995.0),))
    seen = seen_of({"Latency": reading([50, 49, 49], 0.972, 1000.0)}, at=1000.0, current=3)
    decision = decide(spec, seen, memory, 1000.0).decision
    assert decision.steps[0].reason == (
        "95 % keep TTFT 3 s and TPOT 0.1 s at 18.2 in flight per replica (learned, 97.2 % do): "
        "148 in flight / 18.2 per replica = 8.2 -> 9"
    )
    assert (decision.signals[0].target, decision.signals[0].value) == (18.2, 148)


def test_a_record_of_a_latency_comes_back_whole() -> None:
    seen = seen_of({"Latency": reading([50, None], 0.972, 1000.0)}, at=1000.5, current=2)
    decided = decide(spec_of(), seen, None, 1000.5)
    found = parse(line(seen, None, decided.decision))
    assert found.seen.signals == seen.signals
    assert decide(spec_of(), found.seen, found.memory, 1000.5) == decided
