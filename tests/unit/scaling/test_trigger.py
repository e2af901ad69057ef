"""A replica more when one is full, or when all are: what they ask for, and what it costs over whole runs."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elastic_serving.api.models import ElasticServingSpec, Trigger
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.trigger import TRIGGERS, Fullness
from elastic_serving.simulate.cluster import Phase, World
from elastic_serving.simulate.ours import Ours
from elastic_serving.simulate.result import Requests, Run
from elastic_serving.simulate.world import run
from tests.support.scaling import Short, seen_of

SLOTS = 4


def spec_of(trigger: str, **scaling: Any) -> ElasticServingSpec:
    """Replicas of four slots; without a down window."""
    return ElasticServingSpec.model_validate(
        {
            "model": {"uri": "hf://example/model"},
            "engine": {"maxConcurrency": SLOTS},
            "accelerator": {"gpu": {"product": "nvidia-l4"}},
            "scaling": {
                "maxReplicas": 100,
                "trigger": trigger,
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
                **scaling,
            },
        }
    )


def asked(trigger: str, loads: Short, *, current: int, starting: int = 0) -> tuple[int | None, str]:
    seen = seen_of({"Concurrency": loads}, current=current, starting=starting)
    decision = decide(spec_of(trigger), seen, None, 0.0).decision
    return decision.recommendation, decision.steps[0].reason


@pytest.mark.promise("N10")
@pytest.mark.promise("N11")
@pytest.mark.promise("N23")
@pytest.mark.parametrize(
    ("loads", "current", "expected"),
    [
        pytest.param([4, 4, 3], 3, 3, id="two of three full: one slot is free"),
        pytest.param([4, 4, 4], 3, 4, id="all full: one more"),
        pytest.param([9, 7, 40], 3, 4, id="all full and 44 wait: still one more"),
        pytest.param([9, 7, 40], 4, 4, id="one is on its way, with four free slots"),
        pytest.param([4, 4, None], 3, 3, id="a silent one is not known to be full"),
        pytest.param([1, 1, 1], 3, 1, id="3 fit into one and leave a slot free"),
        pytest.param([2, 1, 1], 3, 2, id="4 do not: one would be full"),
        pytest.param([1, 0, None], 3, 2, id="on the way down a silent one counts as full: 5"),
        pytest.param([0, 0], 2, 0, id="nothing to do"),
        pytest.param(12.0, 3, 4, id="a total of the fleet, spread evenly"),
    ],
)
def test_all_full_adds_one_when_no_slot_is_free(loads: Short, current: int, expected: int) -> None:
    assert asked("AllFull", loads, current=current)[0] == expected


@pytest.mark.promise("N24")
@pytest.mark.parametrize(
    ("loads", "current", "expected"),
    [
        pytest.param([3, 3, 3], 3, 3, id="none full"),
        pytest.param([4, 0, 0], 3, 4, id="one full: one more"),
        pytest.param([4, 0, 0], 4, 4, id="one full, one on its way"),
        pytest.param([4, 5, 0], 4, 5, id="two full, one on its way: one more"),
        pytest.param([9, 9, 9], 3, 6, id="all full: as many more"),
        pytest.param([1, 1, 1], 3, 1, id="3 in one leave a slot free"),
        pytest.param([2, 1, 1], 3, 2, id="4 in one would fill it: 4 / 3 = 1.3"),
        pytest.param([2, 3, 2], 3, 3, id="7 in two would fill one: 7 / 3 = 2.3"),
    ],
)
def test_any_full_adds_one_for_each_full_replica(loads: Short, current: int, expected: int) -> None:
    assert asked("AnyFull", loads, current=current)[0] == expected


@pytest.mark.promise("N25")
@pytest.mark.promise("N15")
def test_every_trigger_has_its_words_and_average_is_the_formula() -> None:
    assert set(TRIGGERS) == set(Trigger) - {Trigger.AVERAGE}
    assert asked("Average", [4, 4, 2], current=3) == (4, "10 in flight / 2.8 per replica = 3.6 -> 4")
    assert asked("AnyFull", [4, 4, 2], current=3) == (5, "2 of 3 replicas full, 4 slots each -> 5")
    assert asked("AllFull", [4, 4, 2], current=3) == (3, "2 of 3 replicas full, 4 slots each -> 3")
    down = "0 of 3 replicas full, 4 slots each; 3 in flight fit into 1 -> 1"
    assert asked("AllFull", [1, 1, 1], current=3) == asked("AnyFull", [1, 1, 1], current=3) == (1, down)


@pytest.mark.promise("N24")
@given(st.lists(st.floats(0, 40), max_size=8), st.integers(0, 3), st.integers(1, 8))
@example([5e-324], 0, 3)  # half of it is 0
def test_any_full_never_asks_for_fewer(loads: list[float], silent: int, slots: int) -> None:
    seen = Fullness(loads, len(loads) + silent, slots)
    any_up, any_down = TRIGGERS[Trigger.ANY_FULL](seen)
    all_up, all_down = TRIGGERS[Trigger.ALL_FULL](seen)
    assert any_up >= all_up
    assert any_down >= all_down


def test_other_signals_and_missing_data_are_as_ever() -> None:
    signals = [{"type": "Concurrency"}, {"type": "QueueDepth", "target": 4}]
    seen = seen_of({"Concurrency": "Timeout", "QueueDepth": [9, 9]}, current=2)
    decision = decide(spec_of("AllFull", signals=signals), seen, None, 0.0).decision
    assert [signal.recommendation for signal in decision.signals] == [None, 5]


def played(trigger: str, seed: int) -> Run:
    """Half an hour whose rate swings between 0.3 and 1.7 requests/s every 10 minutes; 6 s each, boot 60 s."""
    rng = np.random.default_rng(seed)
    drawn = np.cumsum(rng.exponential(1 / 1.7, 3600))
    wanted = 1.0 + 0.7 * np.sin(drawn / 600 * 2 * np.pi)
    arrived = drawn[(rng.random(len(drawn)) * 1.7 < wanted) & (drawn < 1800)]
    tokens = rng.integers(150, 450, len(arrived))
    requests = Requests(arrived, np.zeros(len(arrived), np.int64), tokens)
    spec = spec_of(trigger, behavior={})
    world = World(slots=SLOTS, boot=(Phase(60.0),), seed=seed)
    return run(Ours(spec), requests, world, signals=spec.signals, seconds=1800)


@pytest.mark.promise("N23")
@pytest.mark.promise("N24")
@pytest.mark.parametrize("seed", range(12))
def test_any_full_waits_no_longer_and_costs_no_less_than_all_full(seed: int) -> None:
    dear, cheap = played("AnyFull", seed), played("AllFull", seed)
    assert dear.waits.mean() <= cheap.waits.mean()
    assert dear.replica_seconds >= cheap.replica_seconds
