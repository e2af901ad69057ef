"""A signal of type Erlang: so many replicas that few requests wait long for a slot."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.decide import Decided, decide
from elastic_serving.scaling.learn import Learned
from elastic_serving.scaling.memory import Memory, seeded
from elastic_serving.scaling.model import NOT_ASKED, Flow, ReplicaCounts, Seen, SignalOutcome
from tests.support.scaling import Short, reading_of, seen_of

NOW = 1000.0
NOBODY_WAITS = {"type": "Erlang", "waitSeconds": 0, "probability": 0.01}


def spec_of(*signals: dict[str, Any], **scaling: Any) -> ElasticServingSpec:
    """Replicas of 2 slots; 1 to 100 of them."""
    return ElasticServingSpec.model_validate(
        {
            "model": {"uri": "hf://example/model"},
            "accelerator": {"gpu": {"product": "nvidia-l4"}},
            "engine": {"maxConcurrency": 2},
            "scaling": {"maxReplicas": 100, "signals": list(signals or (NOBODY_WAITS,)), **scaling},
        }
    )


def remembering(desired: int, *, rate: float, service: float, dispersion: float = 1.0) -> Memory:
    """A memory that has watched this traffic for days, and a boot of 60 s."""
    learned = Learned(
        sampled_at=NOW - 5,
        in_flight=0.0,
        running=0.0,
        finished=0.0,
        seconds=1e6,
        arrivals=(rate, rate, rate),
        held=rate * service,
        done=rate,
        noise=dispersion * rate,
        mean_rate=rate,
        boots=(60.0,),
        booted_at=0.0,
    )
    return replace(seeded(desired, NOW - 1000), at=NOW - 1, highs=(), learned=learned)


def seen(running: float, waiting: float, *, current: int, reading: Short = None) -> Seen:
    """So much in flight over the replicas; the sample is the one that was learned from last."""
    each: Short = [(running + waiting) / max(current, 1)] * current if reading is None else reading
    found = replace(seen_of({}, at=NOW), signals=(("Erlang", reading_of(each, NOW)),))
    return replace(found, replicas=ReplicaCounts(current, current, 0), flow=Flow(running, waiting, 0.0, NOW - 5))


def asked(made: Decided) -> tuple[int | None, str]:
    """The recommendation and the sentence of the signal."""
    return made.decision.recommendation, made.decision.steps[0].reason


# 2.45 a second x 4 s are a load of 9.8, for which 19 slots let 1 % wait: 10 replicas. One and a half standard errors
# less are 2.34 a second: a load of 9.37, 18 slots, 9 replicas.
@pytest.mark.parametrize(
    ("current", "waiting", "expected", "why"),
    [
        pytest.param(
            4,
            0,
            9,
            "2.34 arrive a second and take 4 s, 9.37 at once; 18 slots let 1 % wait longer than 0 s -> 9",
            id="surely",
        ),
        pytest.param(
            9,
            0,
            9,
            "9.8 at once; 19 slots let 1 % wait longer than 0 s: within what varies by chance -> 9",
            id="the band",
        ),
        pytest.param(
            20, 0, 10, "9.8 at once; 19 slots let 1 % wait longer than 0 s -> 10", id="down to what is at most"
        ),
        pytest.param(20, 3, 20, "within tolerance -> 20", id="not down while requests wait"),
        # 12 replicas serve 6 a second and 2.45 arrive: 213 are gone in the 60 s of a boot. 10 serve 5: 1350 leave 1197,
        # which are 9.98 a second for 120 s: 12.4 a second, 24.9 replicas.
        pytest.param(
            12,
            200,
            12,
            "200 of them wait and drain before a new replica is ready -> 12",
            id="a queue that drains before a boot",
        ),
        pytest.param(10, 1350, 25, "1197 will when a new replica is ready, 24.9 replicas drain", id="long"),
    ],
)
@pytest.mark.promise("N29")
def test_it_asks_for_the_slots_that_let_few_requests_wait(current: int, waiting: int, expected: int, why: str) -> None:
    found = seen(2 * current if waiting else 9, waiting, current=current)
    made = decide(spec_of(), found, remembering(current, rate=2.45, service=4.0), NOW)
    replicas, said = asked(made)
    assert (replicas, why in said) == (expected, True), said


# With a load of 10: P(wait > 5 s) = 0.285 x e^-3.75 = 0.7 % for 13 slots, 0.449 x e^-2.5 = 3.7 % for 12. In bursts of 3
# a load of 3.33 needs 9 slots for 0.8 % and 8 for 2.3 %: 8.8 for 1 %, times 3.
@pytest.mark.parametrize(
    ("signal", "dispersion", "expected", "why"),
    [
        pytest.param({"type": "Erlang"}, 1.0, 7, "13 slots let 1 % wait longer than 5 s", id="defaults"),
        pytest.param(
            {**NOBODY_WAITS, "probability": 0.2},
            1.0,
            7,
            "14 slots let 20 % wait longer than 0 s -> 7",
            id="more may wait",
        ),
        pytest.param(NOBODY_WAITS, 5.0, 14, "2.5 arrive a second and take 4 s, 10 at once; 27 slots", id="bursts"),
    ],
)
def test_the_wait_its_share_and_bursts_size_the_fleet(
    signal: dict[str, Any], dispersion: float, expected: int, why: str
) -> None:
    memory = remembering(50, rate=2.5, service=4.0, dispersion=dispersion)
    replicas, said = asked(decide(spec_of(signal), seen(9, 0, current=50), memory, NOW))
    assert (replicas, why in said) == (expected, True), said


@pytest.mark.parametrize(
    ("reading", "current", "expected"),
    [
        pytest.param([5, 5], 2, 5, id="up: 10 in flight fill 5 replicas"),
        pytest.param([1] * 20, 20, 10, id="down: 20 fill 10"),
        pytest.param([0] * 20, 20, 0, id="no load holds nothing"),
    ],
)
def test_before_the_traffic_is_known_the_formula_of_the_slots_holds(
    reading: Short, current: int, expected: int
) -> None:
    found = seen(0, 0, current=current, reading=reading)
    assert decide(spec_of(), found, seeded(current, NOW - 1), NOW).decision.recommendation == expected


def test_what_was_learned_of_another_load_is_not_used() -> None:
    found = seen(10, 0, current=10, reading=[10] * 10)  # 100 in flight, and the flow says 10
    assert decide(spec_of(), found, remembering(10, rate=2.5, service=4.0), NOW).decision.recommendation == 50


def test_a_silent_replica_counts_as_needed_on_the_way_down() -> None:
    # 19 slots are 9.5 replicas, and the silent one.
    found = seen(9, 0, current=20, reading=[0.45] * 19 + [None])
    assert decide(spec_of(), found, remembering(20, rate=2.5, service=4.0), NOW).decision.recommendation == 11


@pytest.mark.parametrize("trigger", ["Average", "AnyFull"])
def test_a_trigger_is_of_concurrency_alone(trigger: str) -> None:
    spec = spec_of({"type": "Concurrency"}, NOBODY_WAITS, trigger=trigger)
    found = seen(9, 0, current=20)
    found = replace(found, signals=(("Concurrency", reading_of([0.45] * 20, NOW)), *found.signals))
    made = decide(spec, found, remembering(20, rate=2.5, service=4.0), NOW)
    assert made.decision.signals[1].recommendation == 10


@pytest.mark.parametrize(
    ("reading", "is_told"),
    [
        pytest.param("NoReplica", False, id="no replica"),
        pytest.param("NotScraped", False, id="not scraped yet"),
        pytest.param(NOT_ASKED, True, id="not asked yet"),
        pytest.param("Unreachable", True, id="no Prometheus"),
    ],
)
def test_a_missing_signal_lowers_nothing_and_is_told_as_every_other(reading: str, is_told: bool) -> None:
    found = seen(1, 0, current=8, reading=reading)
    decision = decide(spec_of(), found, remembering(8, rate=0.1, service=4.0), NOW).decision
    assert decision.desired == 8
    assert (decision.why == "MetricsMissing") is is_told


def test_at_rest_it_goes_to_zero_as_concurrency_does() -> None:
    spec = spec_of(
        NOBODY_WAITS, {"type": "Prometheus", "name": "queue", "query": "q", "target": 1},
        minReplicas=0, idle={"timeoutSeconds": 60}, behavior={"scaleDown": {"stabilizationWindowSeconds": 0}},
    )  # fmt: skip
    memory: Memory | None = remembering(1, rate=2.5, service=4.0)
    for second in range(0, 70, 10):
        at = NOW + second
        readings = (("Erlang", reading_of([0], at)), ("queue", reading_of(0, at)))
        found = replace(seen(0, 0, current=1), at=at, signals=readings, flow=Flow(0, 0, 0.0, at))
        made = decide(spec, found, memory, at)
        memory = made.memory
    assert made.decision.desired == 0


@given(
    rate=st.floats(0.01, 50),
    more=st.floats(1, 3),
    service=st.floats(0.5, 60),
    current=st.integers(1, 100),
    waiting=st.sampled_from([0.0, 1.0, 500.0]),
)
def test_more_traffic_never_asks_for_fewer(
    rate: float, more: float, service: float, current: int, waiting: float
) -> None:
    def outcome(rate: float) -> SignalOutcome:
        running = min(2.0 * current, rate * service)
        found = seen(running, waiting, current=current)
        return decide(spec_of(), found, remembering(current, rate=rate, service=service), NOW).decision.signals[0]

    less, full = outcome(rate).recommendation, outcome(rate * more).recommendation
    assert less is not None
    assert full is not None
    known = rate * 300 > 20.1  # fewer finishes teach nothing, and then it only goes up
    assert full >= less or not known
