"""Burst mode: past the up window on a leap, no shrinking until a whole window was calm, and none by a restart."""

import json
from typing import Any

import pytest

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import Memory, from_dict, restored, seeded, to_dict
from tests.support.scaling import Short, echo_spec, seen_of, spec_of

UP: dict[str, Any] = {"stabilizationWindowSeconds": 120}
DOWN: dict[str, Any] = {"stabilizationWindowSeconds": 300}
BURST = {"windowSeconds": 10, "threshold": 2}


def desired_over(
    spec: ElasticServingSpec, rows: list[tuple[float, Short, int, int]], start: int
) -> list[tuple[float, int]]:
    """The decisions over rows of (time, asked for, ready, expected), at rest at ``start`` for long before."""
    memory: Memory | None = Memory(-1, start, ((-1000, start), (-1, start)), ((-1, start),))
    made: list[tuple[float, int]] = []
    for at, asked, ready, _ in rows:
        decided = decide(spec, seen_of({"Concurrency": asked}, at=at, ready=ready), memory, at)
        memory, made = decided.memory, [*made, (at, decided.decision.desired)]
    return made


@pytest.mark.promise("U7")
@pytest.mark.parametrize(
    ("burst", "rows"),
    [
        pytest.param(
            None,
            [(0, 8, 2, 2), (60, 8, 2, 2), (118, 8, 2, 2), (119, 8, 2, 8)],
            id="without it the up window holds a leap for 120 s",
        ),
        pytest.param(BURST, [(0, 8, 2, 8), (1, 9, 2, 9)], id="8 is 4 x 2: at once, and what follows as well"),
        pytest.param(BURST, [(0, 4, 2, 4)], id="exactly the threshold"),
        pytest.param(BURST, [(0, 3, 2, 2), (60, 3, 2, 2)], id="1.5 x 2 is a rise, not a leap: the window holds it"),
        pytest.param(BURST, [(0, 8, 6, 2)], id="8 is not twice the 6 that serve"),
        pytest.param(BURST, [(0, 2, 0, 2)], id="with none that serves one counts: 2 is 2 x 1"),
        pytest.param(
            BURST,
            # The last leap is at 20 (8 >= 2 x 4, but not 2 x 5): 5 s later and all the time until 320 nothing shrinks.
            [(0, 8, 2, 8), (20, 8, 4, 8), (25, 1, 8, 8), (319, 1, 8, 8), (320, 1, 8, 1)],
            id="it ends a whole scale-down window after the last leap",
        ),
        pytest.param(
            BURST,
            [(0, 8, 2, 8), (100, 3, 8, 8), (200, 16, 8, 16), (499, 3, 16, 16), (500, 3, 16, 3)],
            id="another leap starts the time anew",
        ),
        pytest.param(
            BURST | {"threshold": 5}, [(0, 8, 2, 2), (1, 10, 2, 10)], id="a threshold of one's own"
        ),
        pytest.param(
            BURST,
            [(0, 8, 2, 8), (10, None, 2, 8), (299, None, 2, 8), (400, None, 2, 8)],
            id="what is missing ends nothing",
        ),
    ],
)  # fmt: skip
def test_a_leap_passes_the_up_window_and_nothing_shrinks_before_it_is_over(
    burst: dict[str, Any] | None, rows: list[tuple[float, Short, int, int]]
) -> None:
    spec = echo_spec(UP, DOWN, burst=burst)
    assert desired_over(spec, rows, start=2) == [(at, expected) for at, _, _, expected in rows]


@pytest.mark.promise("U7")
def test_the_most_of_the_short_window_counts_where_a_policy_could_not_follow_it_at_once() -> None:
    """12 for one second, then 3. Two more each 60 s: 4 at 0; and at 60 nobody asks for 12 any more.

    With a burst window of 90 s the 12 still counts at 60 and is gone at 90.
    """
    policy = {"policies": [{"type": "Replicas", "value": 2, "periodSeconds": 60}]}
    for seconds, expected in ((10, [4, 4, 4]), (90, [4, 6, 6])):
        spec = echo_spec(UP | policy, DOWN, burst={"windowSeconds": seconds, "threshold": 2})
        rows: list[tuple[float, Short, int, int]] = [(0, 12, 2, 0), (60, 3, 4, 0), (120, 3, 6, 0)]
        assert [desired for _, desired in desired_over(spec, rows, start=2)] == expected


@pytest.mark.promise("U7")
def test_no_restart_ends_a_burst() -> None:
    """No scale-down window at all: the burst of 60 s alone keeps the 8, also over a restart at 30."""
    spec = echo_spec(UP, burst={"windowSeconds": 60, "threshold": 2})
    memory = decide(spec, seen_of({"Concurrency": 8}, at=0, ready=2), Memory(-1, 2), 0).memory
    saved = json.loads(json.dumps(to_dict(memory)))
    back = restored(from_dict(saved), 30)
    desired: list[int] = []
    for at in (30.0, 59.0, 60.0):
        decided = decide(spec, seen_of({"Concurrency": 1}, at=at, ready=8), back, at)
        back, desired = decided.memory, [*desired, decided.decision.desired]
    assert desired == [8, 8, 1]


def test_a_burst_says_when_the_leap_was_and_what_it_holds() -> None:
    spec = echo_spec(UP, DOWN, burst=BURST)
    leap = decide(spec, seen_of({"Concurrency": 8}, at=0, ready=2), Memory(-1, 2), 0)
    first = next(step for step in leap.decision.steps if step.stage == "burst")
    assert (first.before, first.after) == (8, 8)
    assert first.reason == "2 x the serving replicas asked for 0 s ago, at most 8 in 10 s -> 8"
    assert (leap.decision.why, leap.decision.held) == ("Burst", "")
    calm = decide(spec, seen_of({"Concurrency": 1}, at=20, ready=8), leap.memory, 20).decision
    said = "2 x the serving replicas asked for 20 s ago, at most 1 in 10 s -> 8"
    assert (calm.desired, calm.why, calm.held) == (8, "Burst", f"burst: {said}")


def test_limits_and_pauses_hold_a_burst() -> None:
    seen = seen_of({"Concurrency": 8}, at=1, ready=2)
    for more, expected in (({"maxReplicas": 5}, 5), ({"paused": "Up"}, 2)):
        spec = echo_spec(UP, DOWN, burst=BURST, **more)
        assert decide(spec, seen, seeded(2, 0), 1).decision.desired == expected


def test_idleness_waits_for_the_end_of_a_burst() -> None:
    """Idle from 10 on for 60 s; the leap was at 0, so the number stands until 300."""
    queue = {"type": "Prometheus", "name": "Queue", "query": "sum(waiting)", "target": 4}
    spec = spec_of(queue, minReplicas=0, idle={"timeoutSeconds": 60}, burst=BURST)
    memory: Memory | None = Memory(-1, 1)
    made: list[int] = []
    for at, waiting in ((0, 32), (10, 0), (70, 0), (299, 0), (300, 0)):
        decided = decide(spec, seen_of({"Queue": waiting}, at=at, ready=1), memory, at)
        memory, made = decided.memory, [*made, decided.decision.desired]
    assert made == [8, 8, 8, 8, 0]


def test_without_a_burst_the_memory_is_as_small_as_before() -> None:
    memory = decide(echo_spec(UP, DOWN), seen_of({"Concurrency": 8}, at=0), Memory(-1, 2), 0).memory
    assert "burst_at" not in to_dict(memory)
