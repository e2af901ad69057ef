"""Backlog against boot time: what the present replicas drain before a new one could be ready starts nothing."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.decide import Decided, decide
from elastic_serving.scaling.learn import Learned
from elastic_serving.scaling.memory import Memory, seeded
from elastic_serving.scaling.model import Flow, ReplicaCounts, Seen
from tests.support.scaling import seen_of

NOW = 1000.0


def spec_of(
    signals: tuple[dict[str, object], ...] = ({"type": "Concurrency"},), **scaling: object
) -> ElasticServingSpec:
    """Replicas of 4 slots with a target of 2.8 each; 1 to 100 of them."""
    return ElasticServingSpec.model_validate(
        {
            "model": {"uri": "hf://example/model"},
            "accelerator": {"gpu": {"product": "nvidia-l4"}},
            "engine": {"maxConcurrency": 4},
            "scaling": {"maxReplicas": 100, "signals": list(signals), **scaling},
        }
    )


def remembering(desired: int, *, rate: float, service: float, boot: float = 60.0, surely: bool = True) -> Memory:
    """A memory that has seen ``rate`` arrive without noise for so long that it is sure of it."""
    learned = Learned(
        sampled_at=NOW - 5,
        in_flight=0.0,
        running=0.0,
        finished=0.0,
        seconds=1e6,
        arrivals=(rate, rate, rate),
        held=rate * service,
        done=rate,
        noise=0.0 if surely else 100.0 * rate,
        mean_rate=rate,
        boots=(boot,),
        booted_at=0.0,
    )
    return replace(seeded(desired, NOW - 1000), at=NOW - 1, highs=(), learned=learned)


def seen(
    running: float, waiting: float, *, current: int, ready: int | None = None, ages: tuple[float, ...] = ()
) -> Seen:
    """So much in flight over the ready replicas; the sample is the one that was learned from last."""
    ready = current if ready is None else ready
    each = (running + waiting) / max(ready, 1)
    found = seen_of({"Concurrency": [each] * ready, "QueueDepth": [waiting / max(ready, 1)] * ready}, at=NOW)
    counts = ReplicaCounts(current, ready, current - ready, ages=ages)
    return replace(found, replicas=counts, flow=Flow(running, waiting, 0.0, NOW - 5))


def first_step(made: Decided) -> str:
    return made.decision.steps[0].reason


# 2 replicas of 4 slots serve 2 x 4 / 2 s = 4 a second, and 1 arrives: the queue falls by 3 a second. A boot lasts 60 s.
@pytest.mark.parametrize(
    ("waiting", "desired", "why"),
    [
        pytest.param(177, 2, "177 of them wait and drain before a new replica is ready", id="drains a second before"),
        # 183 - 180 = 3 are left, and no replica is on its way: one.
        pytest.param(183, 3, "183 of them wait, 3 will when a new replica is ready", id="outlasts it by a second"),
        # 3780 - 180 = 3600 are left: (1 + 3600 / 120) / 2 a second each = 15.5.
        pytest.param(3780, 16, "3600 will when a new replica is ready, 15.5 replicas drain them in 120 s", id="long"),
    ],
)
@pytest.mark.promise("N26")
@pytest.mark.promise("F4")
def test_a_queue_starts_what_drains_it_only_if_it_outlasts_a_boot(waiting: float, desired: int, why: str) -> None:
    made = decide(spec_of(), seen(8, waiting, current=2), remembering(2, rate=1.0, service=2.0), NOW)
    assert made.decision.desired == desired
    assert why in first_step(made)


@pytest.mark.promise("N26")
@given(
    ready=st.integers(1, 50),
    service=st.floats(0.5, 100),
    share=st.floats(0.0, 0.95),
    boot=st.floats(1, 1000),
    waiting=st.integers(1, 100_000),
)
def test_whatever_the_numbers_a_queue_that_drains_before_the_boot_starts_nothing(
    ready: int, service: float, share: float, boot: float, waiting: int
) -> None:
    served = ready * 4 / service
    rate = share * 0.7 * served  # what arrives alone needs no more than the present replicas at their target
    drained_in = waiting / (served - rate)
    assume(abs(drained_in / boot - 1) > 1e-6)
    assume(rate * 300 > 20.1)  # fewer finishes teach nothing
    made = decide(
        spec_of(),
        seen(4 * ready, waiting, current=ready),
        remembering(ready, rate=rate, service=service, boot=boot),
        NOW,
    )
    plain = -(-(4 * ready + waiting) // 2.8)
    assert (made.decision.desired > ready) == (drained_in > boot and ready < min(plain, 100))


@pytest.mark.promise("U8")
def test_replicas_that_start_count_from_when_they_will_be_ready() -> None:
    # 300 wait. 2 replicas ready serve 240 in a boot, 60 arrive: 120 are left for more. One more that has 45 s behind
    # it serves 2 a second in the last 45 of the 60 s: 90, 30 left, (1 + 30 / 120) / 2 = 0.6: nothing to add to 3.
    memory = remembering(3, rate=1.0, service=2.0)
    made = decide(spec_of(), seen(8, 300, current=3, ready=2, ages=(45.0,)), memory, NOW)
    assert made.decision.desired == 3
    assert "30 will when a new replica is ready" in first_step(made)
    # Two more for the whole boot: 180 + 240 more, nothing is left.
    made = decide(
        spec_of(), seen(8, 300, current=4, ready=2, ages=(60.0, 60.0)), remembering(4, rate=1.0, service=2.0), NOW
    )
    assert "drain before a new replica is ready" in first_step(made)


def test_a_step_of_the_load_asks_for_the_need_and_what_the_boot_leaves_and_not_for_all_that_waits() -> None:
    # 20 arrive a second, 2 s each: 40 at once need 40 / 2.8 = 14.3. One replica serves 2 a second; after 30 s 540 wait.
    memory = remembering(1, rate=20.0, service=2.0)
    made = decide(spec_of(), seen(4, 540, current=1), memory, NOW)
    # HPA: 544 / 2.8 = 195. Left after a boot: 540 + 1200 - 120 = 1620; (20 + 1620 / 120) / 2 = 16.75.
    assert made.decision.desired == 17
    assert first_step(made).startswith("544 in flight / 2.8 per replica = 194.3 -> 195; 540 of them wait, 1620 will")
    shorter = spec_of(backlog={"drainHorizonSeconds": 20})  # (20 + 1620 / 20) / 2 = 50.5
    assert decide(shorter, seen(4, 540, current=1), memory, NOW).decision.desired == 51
    assert decide(spec_of(backlog={"policy": "Ignore"}), seen(4, 540, current=1), memory, NOW).decision.desired == 100


def test_never_more_than_the_formula_asks_for() -> None:
    # 20 arrive a second, but only 6 are in flight yet: 6 / 2.8 = 2.1, whatever will be.
    made = decide(spec_of(), seen(4, 2, current=1), remembering(1, rate=20.0, service=2.0), NOW)
    assert made.decision.desired == 3


def test_requests_that_vary_by_chance_change_nothing() -> None:
    # 3.3 arrive a second, 2 s each: 6.6 at once, 2.4 replicas. A moment with 11 in flight asks for 4, one with 2 for 1.
    memory = remembering(3, rate=3.3, service=2.0)
    for running in (2, 11):
        made = decide(spec_of(), seen(running, 0, current=3), memory, NOW)
        assert made.decision.recommendation == 3
        assert "3.3 arrive a second and take 2 s, 6.6 at once" in first_step(made)


def test_what_surely_arrives_starts_more_without_a_queue_and_what_may_be_chance_does_not() -> None:
    # 5 a second x 2 s = 10 at once need 3.6 replicas; 11 of 12 slots are taken.
    made = decide(spec_of(), seen(11, 0, current=3), remembering(3, rate=5.0, service=2.0), NOW)
    assert made.decision.desired == 4
    # Arrivals of which the variance is 100 times their number: 5 +- 2 sqrt(100 x 5 / 480) = 2.96 at least.
    made = decide(spec_of(), seen(11, 0, current=3), remembering(3, rate=5.0, service=2.0, surely=False), NOW)
    assert made.decision.desired == 3


@pytest.mark.parametrize(
    ("waiting", "recommendation"),
    [
        pytest.param(20, 3, id="drains: the present number instead of 5"),
        # 183 leave 3, and nothing starts: 3 + 1.
        pytest.param(363, 4, id="outlasts the boot"),
        pytest.param(4, 1, id="fewer than the present: the formula's answer"),
    ],
)
def test_queue_depth_is_held_against_the_boot_too(waiting: float, recommendation: int) -> None:
    # 3 replicas serve 6 a second, 1 arrives: 300 drain in a boot of 60 s.
    spec = spec_of(({"type": "QueueDepth", "target": 4},))
    made = decide(spec, seen(12, waiting, current=3), remembering(3, rate=1.0, service=2.0), NOW)
    assert made.decision.recommendation == recommendation


def test_other_signals_pass_and_before_anything_is_known_the_formula_stands_alone() -> None:
    spec = spec_of(({"type": "Prometheus", "name": "jobs", "query": "jobs", "target": 10},))
    jobs = replace(seen_of({"jobs": 500}, at=NOW), flow=Flow(8, 0, 0.0, NOW - 5))
    assert decide(spec, jobs, remembering(2, rate=1.0, service=2.0), NOW).decision.desired == 50
    unknown = replace(remembering(2, rate=1.0, service=2.0), learned=None)
    assert decide(spec_of(), seen(8, 177, current=2), unknown, NOW).decision.desired == 67  # 185 / 2.8 = 66.1


def test_a_forecast_of_another_load_than_the_signal_sees_says_nothing() -> None:
    # 100 in flight by the signal, 40 by the counters: 100 / 2.8 = 35.7.
    found = replace(seen(8, 92, current=2), flow=Flow(8, 32, 0.0, NOW - 5))
    assert decide(spec_of(), found, remembering(2, rate=1.0, service=2.0), NOW).decision.desired == 36


def test_a_silent_replica_counts_as_at_its_target_on_the_way_down() -> None:
    # 1 a second x 2 s need 0.7 replicas; of five, two do not report.
    memory = remembering(5, rate=1.0, service=2.0)
    found = seen(2, 0, current=5)
    silent = replace(found, signals=(("Concurrency", seen_of({"c": [1, 1, 0, None, None]}, at=NOW).signals[0][1]),))
    assert decide(spec_of(), found, memory, NOW).decision.recommendation == 1
    assert decide(spec_of(), silent, memory, NOW).decision.recommendation == 3


def test_without_a_boot_that_was_seen_nothing_is_forecast() -> None:
    memory = remembering(2, rate=1.0, service=2.0)
    assert memory.learned is not None
    unseen = replace(memory, learned=replace(memory.learned, boots=()))
    # HPA's answer for 38 in flight: 38 / 2.8 = 13.6.
    assert decide(spec_of(), seen(8, 30, current=2), unseen, NOW).decision.desired == 14
