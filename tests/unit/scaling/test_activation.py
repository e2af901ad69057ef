"""What counts as load at zero and on the way there, how long the last replica stays, and a zero set by hand."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import Memory, seeded
from tests.support.scaling import INTOLERANT, Short, play, seen_of, spec_of

QUEUE: dict[str, Any] = {"type": "Prometheus", "name": "Queue", "query": "sum(waiting)", "target": 4}
OTHER: dict[str, Any] = {"type": "Prometheus", "name": "Other", "query": "sum(jobs)", "target": 10}
SIX_HUNDRED: Mapping[str, int] = {"timeoutSeconds": 600}
STILL = {"scaleUp": INTOLERANT, "scaleDown": INTOLERANT}


def asleep_at_last(*signals: dict[str, Any], idle: Mapping[str, int] = SIX_HUNDRED) -> ElasticServingSpec:
    """minReplicas 0 without windows and tolerance."""
    return spec_of(*signals, minReplicas=0, idle=idle, behavior=STILL)


def numbers(spec: ElasticServingSpec, rows: list[tuple[float, Short, int]], start: int) -> list[int]:
    return [d.decision.desired for d in play(spec, [row[:2] for row in rows], start=start, signal="Queue")]


@pytest.mark.promise("U9")
@pytest.mark.parametrize(
    ("activation", "waiting", "expected"),
    [
        pytest.param(None, 1, 1, id="without one, 1 wakes: 1 / 4 rounds up"),
        pytest.param(0, 1, 1, id="0 is without"),
        pytest.param(20, 0, 0, id="nothing waits"),
        pytest.param(20, 19, 0, id="below"),
        pytest.param(20, 20, 0, id="exactly at it does not wake, though the target asks for 5"),
        pytest.param(20, 21, 6, id="above it straight to 21 / 4 = 5.25, not to 1"),
        pytest.param(0.5, 0.4, 0, id="part of a request a second"),
    ],
)
def test_at_zero_only_what_is_above_the_activation_wakes(
    activation: float | None, waiting: float, expected: int
) -> None:
    slow = {"stabilizationWindowSeconds": 300, "policies": [{"type": "Replicas", "value": 1, "periodSeconds": 60}]}
    signal = QUEUE | ({} if activation is None else {"activation": activation})
    spec = spec_of(signal, minReplicas=0, idle={"timeoutSeconds": 600}, behavior={"scaleUp": slow, "scaleDown": slow})
    decision = decide(spec, seen_of({"Queue": waiting}, at=1, current=0), seeded(0, 0), 1).decision
    assert decision.desired == expected


@pytest.mark.promise("U9")
def test_one_active_signal_wakes_and_the_largest_says_how_many() -> None:
    """Queue asks for 5 and is not active; Other is (11 > 0) and asks for 2: 5 serve."""
    spec = asleep_at_last(QUEUE | {"activation": 20}, OTHER)
    for other, expected in ((0, 0), (11, 5)):
        seen = seen_of({"Queue": 20, "Other": other}, at=1, current=0)
        assert decide(spec, seen, seeded(0, 0), 1).decision.desired == expected


def test_who_does_not_wake_says_why() -> None:
    spec = asleep_at_last(QUEUE | {"activation": 20}, OTHER)
    decision = decide(spec, seen_of({"Queue": 20, "Other": 0}, at=1, current=0), seeded(0, 0), 1).decision
    step = next(step for step in decision.steps if step.stage == "zero")
    assert (step.before, step.after, step.reason) == (5, 0, "Queue not above activation -> 0")
    assert decision.why == "Idle"
    blind = decide(spec, seen_of({"Queue": 20, "Other": None}, at=1, current=0), seeded(0, 0), 1).decision
    assert (blind.desired, blind.why) == (0, "MetricsMissing")


@pytest.mark.promise("U9")
@pytest.mark.parametrize(
    ("activation", "rows"),
    [
        pytest.param(None, [(0, 3, 1), (600, 3, 1), (3000, 3, 1)], id="without one, 3 keep it awake for ever"),
        pytest.param(3, [(0, 3, 1), (599, 2, 1), (600, 3, 0), (700, 3, 0)], id="at or below it is no load"),
        pytest.param(3, [(0, 3, 1), (590, 4, 1), (600, 3, 1), (1199, 3, 1), (1200, 3, 0)], id="above it starts anew"),
        pytest.param(9, [(0, 9, 3), (599, 9, 3), (600, 9, 0)], id="until then the target counts: 9 / 4"),
        pytest.param(3, [(0, 2, 1), (590, None, 1), (600, 2, 1), (1199, 2, 1), (1200, 2, 0)], id="a gap is not rest"),
    ],
)
def test_the_idle_time_runs_while_no_signal_is_active(
    activation: float | None, rows: list[tuple[float, Short, int]]
) -> None:
    spec = asleep_at_last(QUEUE | ({} if activation is None else {"activation": activation}))
    assert numbers(spec, rows, start=1) == [expected for _, _, expected in rows]


def test_a_silent_replica_is_not_idle_whatever_the_others_say() -> None:
    spec = asleep_at_last({"type": "Concurrency", "target": 4, "activation": 2}, QUEUE)
    for shares, expected in (([1, 0], 0), ([1, None], 2), ([1, math.nan], 2)):
        memory = Memory(0, 2, idle_since=-600)
        seen = seen_of({"Concurrency": shares, "Queue": 0}, at=1, current=2)
        assert decide(spec, seen, memory, 1).decision.desired == expected


@pytest.mark.promise("U10")
@pytest.mark.parametrize(
    ("idle", "rows"),
    [
        pytest.param(
            {"timeoutSeconds": 600},
            [(0, 16, 4), (10, 0, 4), (299, 0, 4), (300, 0, 1), (609, 0, 1), (610, 0, 0)],
            id="the others go after the down window, the last after the idle time",
        ),
        pytest.param(
            {"timeoutSeconds": 60},
            [(0, 16, 4), (10, 0, 4), (69, 0, 4), (70, 0, 0)],
            id="an idle time shorter than the window takes all at once",
        ),
        pytest.param(
            {"timeoutSeconds": 60, "lastReplicaSeconds": 900},
            [(0, 16, 4), (10, 0, 4), (69, 0, 4), (70, 0, 1), (969, 0, 1), (970, 0, 0)],
            id="the last replica stays for its own time",
        ),
        pytest.param(
            {"timeoutSeconds": 60, "lastReplicaSeconds": 900},
            [(0, 16, 4), (10, 0, 4), (70, 0, 1), (900, 8, 2), (910, 0, 2), (970, 0, 1), (1869, 0, 1), (1870, 0, 0)],
            id="one request starts both anew",
        ),
    ],
)
def test_the_last_replica_stays_as_long_as_it_is_told(
    idle: dict[str, int], rows: list[tuple[float, Short, int]]
) -> None:
    spec = spec_of(QUEUE, minReplicas=0, idle=idle, behavior={"scaleDown": {"tolerance": 0}})
    assert numbers(spec, rows, start=1) == [expected for _, _, expected in rows]


@pytest.mark.promise("U10")
@pytest.mark.parametrize(
    ("cooldown", "rows"),
    [
        pytest.param(0, [(0, 0, 1), (59, 0, 1), (60, 0, 0)], id="none: the idle time from the beginning"),
        pytest.param(900, [(0, 0, 1), (60, 0, 1), (899, 0, 1), (900, 0, 0)], id="not before 900 s of its life"),
        pytest.param(
            900, [(0, 0, 1), (870, 4, 1), (899, 0, 1), (900, 0, 1), (958, 0, 1), (959, 0, 0)], id="and idle for 60 s"
        ),
        pytest.param(
            900, [(0, 0, 1), (900, 0, 0), (1000, 9, 3), (1001, 0, 1), (1060, 0, 1), (1061, 0, 0)], id="only once"
        ),
    ],
)
def test_a_new_serving_does_not_go_to_zero_in_its_first_time(
    cooldown: int, rows: list[tuple[float, Short, int]]
) -> None:
    spec = asleep_at_last(QUEUE, idle={"timeoutSeconds": 60, "initialCooldownSeconds": cooldown})
    assert numbers(spec, rows, start=1) == [expected for _, _, expected in rows]


def test_the_first_time_is_remembered_no_longer_than_it_matters() -> None:
    spec = asleep_at_last(QUEUE, idle={"timeoutSeconds": 60, "initialCooldownSeconds": 900})
    made = play(spec, [(0, 0), (899, 0), (900, 0)], start=1, signal="Queue")
    assert [d.memory.born_at for d in made] == [0, 0, None]
    assert play(asleep_at_last(QUEUE), [(0, 0)], start=1, signal="Queue")[0].memory.born_at is None


@pytest.mark.promise("U10")
@pytest.mark.parametrize(
    ("scaling", "rows"),
    [
        pytest.param(
            {"minReplicas": 0, "idle": {"timeoutSeconds": 600}},
            [(0, "Manual", 40, 0, "Manual"), (50, "Auto", 0, 0, "Idle"), (60, "Auto", 9, 3, "Queue")],
            id="back in Auto a signal wakes it, and until then it rests",
        ),
        pytest.param(
            {"minReplicas": 2},
            [(0, "Manual", 40, 0, "Manual"), (50, "Auto", 0, 2, "MinReplicas")],
            id="back in Auto minReplicas brings it back",
        ),
        pytest.param(
            {"minReplicas": 0, "idle": {"timeoutSeconds": 600}},
            [(0, "Auto", 0, 1, ""), (600, "Auto", 0, 0, "Idle"), (610, "Manual", 0, 3, "Manual"),
             (700, "Auto", 0, 3, "StabilizationWindow"), (1300, "Auto", 0, 0, "Idle")],
            id="what was set by hand is not idle at once: both times begin with Auto",
        ),
    ],
)  # fmt: skip
def test_a_zero_by_hand_stays_until_auto_and_then_follows_the_signals(
    scaling: dict[str, Any], rows: list[tuple[float, str, float, int, str]]
) -> None:
    memory: Memory | None = seeded(1, -1)
    made: list[tuple[int, str]] = []
    for at, mode, waiting, replicas, _ in rows:
        by_hand: dict[str, Any] = {"replicas": replicas} if mode == "Manual" else {}
        spec = spec_of(QUEUE, mode=mode, **by_hand, **scaling)
        decision = decide(spec, seen_of({"Queue": waiting}, at=at), memory, at)
        memory, made = decision.memory, [*made, (decision.decision.desired, decision.decision.why)]
    assert [number for number, _ in made] == [expected for _, _, _, expected, _ in rows]
    assert [why for (_, why), row in zip(made, rows, strict=True) if row[4]] == [row[4] for row in rows if row[4]]


@pytest.mark.promise("U10")
def test_whatever_waits_a_zero_by_hand_stays_zero() -> None:
    spec = spec_of(QUEUE, mode="Manual", replicas=0, minReplicas=0, idle={"timeoutSeconds": 600})
    made = play(spec, [(float(at), 400) for at in range(0, 86_400, 600)], start=3, signal="Queue")
    assert {d.decision.desired for d in made} == {0}


@pytest.mark.promise("B25")
def test_a_day_with_a_night_rests_at_zero_while_traffic_wanes_and_returns_to_what_is_needed() -> None:
    """Requests a second: 0.3 at night (health checks), 12 from 07:00 to 19:00, and a lunch of 2 from 12:00 to 13:00.

    Target 2, activation 0.5, idle 900 s, down window 300 s, a pass every 10 s. The day asks for 6, last at 18:59:50, so
    the window takes all but one at 19:04:50; the idle time runs from 19:00 and takes the last one at 19:15.
    """
    signal = {"type": "Prometheus", "name": "Queue", "query": "rate", "target": 2, "activation": 0.5}
    spec = spec_of(signal, minReplicas=0, idle={"timeoutSeconds": 900})

    def load(second: int) -> float:
        hour = second / 3600
        return 0.3 if not 7 <= hour < 19 else 2 if 12 <= hour < 13 else 12

    rows: list[tuple[float, Short]] = [(float(second), load(second)) for second in range(0, 86_400, 10)]
    made = play(spec, rows, start=1, signal="Queue")
    changes = [(d.decision.at / 3600, d.decision.current, d.decision.desired) for d in made if d.decision.changed]
    assert [(round(hour, 3), before, after) for hour, before, after in changes] == [
        (0.25, 1, 0),
        (7.0, 0, 6),
        (12.081, 6, 1),
        (13.0, 1, 6),
        (19.081, 6, 1),
        (19.25, 1, 0),
    ]
