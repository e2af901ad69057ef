"""To zero after a whole idle window of known zeros, from zero straight to the number, and replicas that leave."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import Memory, seeded
from elastic_serving.scaling.model import Flow
from elastic_serving.scaling.zero import has_wake_signal
from tests.support.scaling import INTOLERANT, Short, echo_spec, play, seen_of, spec_of

QUEUE = {"type": "Prometheus", "name": "Queue", "query": "sum(waiting)", "target": 4}
BOTH = ({"type": "Concurrency", "target": 1}, QUEUE)
SLOW = {"policies": [{"type": "Replicas", "value": 1, "periodSeconds": 60}], "stabilizationWindowSeconds": 300}


def zero_spec(
    timeout: int = 600, signals: Sequence[Mapping[str, object]] = (QUEUE,), **behavior: object
) -> ElasticServingSpec:
    """minReplicas 0 with this idle time, no windows and no tolerance unless given."""
    directions = {"scaleUp": INTOLERANT, "scaleDown": INTOLERANT} | behavior
    return spec_of(*signals, minReplicas=0, idle={"timeoutSeconds": timeout}, behavior=directions)


@pytest.mark.promise("N9")
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(
            [(0, 0, 1), (300, 0, 1), (599, 0, 1), (600, 0, 0), (601, 0, 0)], id="idle for T - 1 s stays, T goes"
        ),
        pytest.param(
            [(0, 0, 1), (590, 1, 1), (600, 0, 1), (1199, 0, 1), (1200, 0, 0)], id="one request starts it afresh"
        ),
        pytest.param(
            [(0, 0, 1), (590, None, 1), (600, 0, 1), (1199, 0, 1), (1200, 0, 0)], id="a gap is not idleness and ends it"
        ),
        pytest.param([(0, None, 1), (600, None, 1), (10_000, None, 1)], id="nothing known is never idle"),
        pytest.param([(0, 40, 10), (10, 0, 1), (609, 0, 1), (610, 0, 0)], id="the last replica stays until then"),
    ],
)
def test_to_zero_only_after_a_whole_idle_window_of_known_zeros(rows: list[tuple[float, Short, int]]) -> None:
    made = play(zero_spec(), [(at, short) for at, short, _ in rows], start=1, signal="Queue")
    assert [d.decision.desired for d in made] == [expected for _, _, expected in rows]


@pytest.mark.promise("N9")
def test_idleness_counts_what_runs_and_what_waits() -> None:
    """The queue is empty throughout; one request runs until 100. Idle from 110 on: zero at 710."""
    spec = zero_spec(signals=BOTH)
    memory: Memory | None = None
    desired: list[int] = []
    for at, running in ((0.0, 1), (100.0, 1), (110.0, 0), (700.0, 0), (709.0, 0), (710.0, 0)):
        seen = seen_of({"Concurrency": [running], "Queue": 0}, at=at)
        decided = decide(spec, seen, memory, at)
        memory = decided.memory
        desired.append(decided.decision.desired)
    assert desired == [1, 1, 1, 1, 1, 0]


@pytest.mark.promise("N9")
def test_a_replica_that_nobody_scraped_yet_may_be_busy_and_is_not_idle() -> None:
    """It serves from 0 on and is scraped at 20 for the first time: idle from then on, zero at 30."""
    spec = zero_spec(10, BOTH)
    memory: Memory | None = None
    desired: list[int] = []
    rows: list[tuple[float, Short]] = [(0.0, "NotScraped"), (19.0, "NotScraped"), (20.0, [0]), (29.0, [0]), (30.0, [0])]
    for at, running in rows:
        decided = decide(spec, seen_of({"Concurrency": running, "Queue": 0}, at=at), memory, at)
        memory = decided.memory
        desired.append(decided.decision.desired)
    assert desired == [1, 1, 1, 1, 0]


@pytest.mark.promise("N9")
def test_when_the_idle_window_is_over_no_stabilization_window_is_put_on_top() -> None:
    """Load until 0, idle 60 s, down window 300 s: to zero at 70, not at 300."""
    spec = zero_spec(60, scaleDown={"tolerance": 0, "stabilizationWindowSeconds": 300})
    rows: list[tuple[float, Short]] = [(0, 8), (10, 0), (69, 0), (70, 0)]
    made = play(spec, rows, start=2, signal="Queue")
    assert [d.decision.desired for d in made] == [2, 2, 2, 0]
    assert made[-1].decision.why == "Idle"


@pytest.mark.promise("N14")
@pytest.mark.parametrize("low", [1, 2])
def test_min_replicas_are_exempt_from_idleness(low: int) -> None:
    rows: list[tuple[float, Short]] = [(0.0, 0), (1e4, 0), (1e6, 0)]
    made = play(echo_spec(minReplicas=low), rows, start=low)
    assert [(d.decision.desired, d.decision.why) for d in made] == [(low, "MinReplicas")] * 3


@pytest.mark.promise("N22")
def test_without_an_idle_time_a_day_without_load_changes_nothing() -> None:
    rows: list[tuple[float, Short]] = [(float(at), 0) for at in range(0, 86_400, 600)]
    assert {d.decision.desired for d in play(echo_spec(), rows, start=1)} == {1}


@pytest.mark.promise("B22")
@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        pytest.param(0, 0, id="nothing waits"),
        pytest.param(1, 1, id="1 / 4 rounds up: no tolerance at zero"),
        pytest.param(31, 8, id="31 / 4 = 7.75"),
        pytest.param(4000, 100, id="up to maxReplicas"),
    ],
)
def test_from_zero_straight_to_the_number_past_windows_and_policies(waiting: float, expected: int) -> None:
    spec = zero_spec(scaleUp=SLOW, scaleDown=SLOW)
    decision = decide(spec, seen_of({"Queue": waiting}, at=1, current=0), seeded(0, 0), 1).decision
    assert decision.desired == expected


@pytest.mark.promise("B22")
def test_a_queue_signal_counts_a_fleet_total_where_no_engine_exists() -> None:
    """QueueDepth as a total, from whoever holds the requests: 31 / 4 = 7.75."""
    spec = zero_spec(signals=({"type": "QueueDepth", "target": 4}, QUEUE))
    decision = decide(spec, seen_of({"QueueDepth": 31, "Queue": 0}, at=1, current=0), seeded(0, 0), 1).decision
    assert (decision.desired, decision.why) == (8, "QueueDepth")


def test_engine_signals_do_not_keep_a_serving_awake_or_asleep_at_zero() -> None:
    spec = zero_spec(signals=BOTH)
    asleep = seeded(0, 0)
    still = decide(spec, seen_of({"Concurrency": "NoReplica", "Queue": 0}, at=1, current=0), asleep, 1).decision
    awake = decide(spec, seen_of({"Concurrency": "NoReplica", "Queue": 9}, at=1, current=0), asleep, 1).decision
    assert (still.desired, still.why) == (0, "Idle")
    assert (awake.desired, awake.why) == (3, "Queue")


@pytest.mark.parametrize("nothing", [None, "Stale", "NaN"])
def test_what_is_missing_at_zero_wakes_nobody_and_is_not_called_idle(nothing: Short) -> None:
    decision = decide(zero_spec(), seen_of({"Queue": nothing}, at=1, current=0), seeded(0, 0), 1).decision
    assert (decision.desired, decision.why) == (0, "MetricsMissing")


def test_zero_needs_a_signal_that_exists_at_zero() -> None:
    """Engine signals vanish with the last replica, so the serving stays at 1, and a serving at 0 comes back to 1."""
    spec = zero_spec(signals=({"type": "Concurrency", "target": 1},))
    assert not has_wake_signal(spec)
    assert has_wake_signal(zero_spec(signals=BOTH))
    made = play(spec, [(0, [0]), (600, [0]), (1e6, [0])], start=1)
    assert [(d.decision.desired, d.decision.why) for d in made] == [(1, "NoWakeSignal")] * 3
    back = decide(spec, seen_of({"Concurrency": "NoReplica"}, current=0), None, 0).decision
    assert (back.desired, back.why) == (1, "NoWakeSignal")


@pytest.mark.promise("N22")
@pytest.mark.parametrize(
    ("current", "low", "leavers", "expected"),
    [
        pytest.param(4, 1, ("a",), 3, id="one leaves"),
        pytest.param(4, 1, ("a", "b"), 2, id="two leave"),
        pytest.param(2, 2, ("a",), 2, id="not below minReplicas"),
        pytest.param(3, 2, ("a", "b", "c"), 2, id="three leave, one may"),
    ],
)
def test_a_leader_that_exits_with_0_takes_its_replica_along(
    current: int, low: int, leavers: tuple[str, ...], expected: int
) -> None:
    """The signal finds the number that is there right, whatever it is: within a tolerance of 1."""
    tolerant = {"tolerance": 1, "stabilizationWindowSeconds": 300}
    spec = spec_of(*BOTH[:1], minReplicas=low, behavior={"scaleUp": tolerant, "scaleDown": tolerant})
    seen = seen_of({"Concurrency": [1] * current}, at=1, current=current, retired=leavers)
    first = decide(spec, seen, seeded(current, 0), 1)
    assert first.decision.desired == expected
    again = decide(spec, seen_of({"Concurrency": [1] * expected}, at=2, retired=leavers), first.memory, 2)
    assert again.decision.desired == expected, "a leader that is still seen was counted before"


def test_a_leader_that_exits_with_0_under_load_is_made_anew() -> None:
    """Its wish makes 4 of 5; the load asks for 5, so there are 5."""
    made = decide(echo_spec(), seen_of({"Concurrency": 5}, at=1, retired=("a",)), seeded(5, 0), 1)
    assert made.decision.desired == 5
    assert made.decision.steps[0].reason == "1 left by exit 0 -> 4"


def test_the_last_replica_may_leave_by_itself_where_zero_is_allowed() -> None:
    made = decide(zero_spec(), seen_of({"Queue": 0}, at=1, retired=("a",)), Memory(0, 1), 1)
    assert made.decision.desired == 0


@pytest.mark.promise("N9")
@pytest.mark.parametrize(
    ("running", "waiting", "activation", "expected"),
    [
        pytest.param(0, 0, None, 0, id="no request"),
        pytest.param(1, 0, None, 1, id="one runs"),
        pytest.param(0, 1, None, 1, id="one waits"),
        pytest.param(1, 0, 5, 0, id="one is nothing by the user's own word"),
    ],
)
def test_a_request_in_an_engine_is_load_whatever_the_signals_measure(
    running: float, waiting: float, activation: float | None, expected: int
) -> None:
    # The user's signal counts a queue before the engines: it is empty while an engine still answers.
    queue = {**QUEUE, **({} if activation is None else {"activation": activation})}
    spec, memory = spec_of(queue, minReplicas=0, idle={"timeoutSeconds": 30}), None
    for at in (0.0, 40.0):
        seen = replace(seen_of({"Queue": 0}, at=at, current=1), flow=Flow(running, waiting, 0, at))
        decided = decide(spec, seen, memory, at)
        memory = decided.memory
    assert decided.decision.desired == expected
