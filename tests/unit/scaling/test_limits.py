"""Rate policies, selectPolicy, min and max, and the way back into the range."""

import pytest

from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import seeded
from elastic_serving.scaling.model import ScalingLimit
from tests.support.scaling import echo_spec, play, seen_of


def policy(kind: str, value: int, period: int) -> dict[str, object]:
    """One rate policy."""
    return {"type": kind, "value": value, "periodSeconds": period}


@pytest.mark.promise("U5")
@pytest.mark.parametrize(
    ("up", "down", "start", "rows"),
    [
        pytest.param(
            {"policies": [policy("Replicas", 4, 60)]},
            {},
            10,
            # 4 more in each 60 s; the first four leave the period at 60.
            [(0, 50, 14), (30, 50, 14), (59, 50, 14), (60, 50, 18), (119, 50, 18), (120, 50, 22)],
            id="so many replicas a period",
        ),
        pytest.param(
            {"policies": [policy("Pods", 4, 60)]},
            {},
            10,
            [(0, 50, 14), (59, 50, 14), (60, 50, 18)],
            id="Pods is Replicas",
        ),
        pytest.param(
            {"policies": [policy("Percent", 50, 60)]},
            {},
            3,
            # 3 x 1.5 = 4.5 -> 5; at 60 from 5: 7.5 -> 8.
            [(0, 50, 5), (10, 50, 5), (60, 50, 8)],
            id="percent rounds up on the way up",
        ),
        pytest.param(
            {"policies": [policy("Percent", 10, 60)]}, {}, 1, [(0, 50, 2)], id="1 x 1.1 rounds up, so that 1 can grow"
        ),
        pytest.param(
            {},
            {"policies": [policy("Percent", 10, 60)]},
            9,
            # 9 x 0.9 = 8.1 -> 8; at 60 from 8: 7.2 -> 7.
            [(0, 0, 8), (30, 0, 8), (60, 0, 7)],
            id="percent truncates what remains on the way down",
        ),
        pytest.param(
            {},
            {"policies": [policy("Replicas", 2, 60)]},
            10,
            [(0, 1, 8), (30, 1, 8), (60, 1, 6), (120, 1, 4)],
            id="so many fewer a period",
        ),
        pytest.param(
            {"policies": [policy("Replicas", 2, 60), policy("Percent", 100, 60)]},
            {},
            10,
            [(0, 50, 20)],
            id="Max takes the policy that allows most: 12 or 20",
        ),
        pytest.param(
            {"policies": [policy("Replicas", 2, 60), policy("Percent", 100, 60)], "selectPolicy": "Min"},
            {},
            10,
            [(0, 50, 12)],
            id="Min takes the one that allows least",
        ),
        pytest.param(
            {},
            {"policies": [policy("Replicas", 2, 60), policy("Percent", 50, 60)]},
            10,
            [(0, 1, 5)],
            id="Max on the way down: 8 or 5",
        ),
        pytest.param(
            {},
            {"policies": [policy("Replicas", 2, 60), policy("Percent", 50, 60)], "selectPolicy": "Min"},
            10,
            [(0, 1, 8)],
            id="Min on the way down",
        ),
        pytest.param({"selectPolicy": "Disabled"}, {}, 10, [(0, 50, 10), (1, 5, 5)], id="up disabled, down free"),
        pytest.param({}, {"selectPolicy": "Disabled"}, 10, [(0, 5, 10), (1, 50, 50)], id="down disabled, up free"),
        pytest.param(
            {"policies": [policy("Replicas", 4, 60)]},
            {},
            10,
            # 4 removed at 10 count as there at the start of the period: 14 - 4 + 4 = 14, and 4 more is 18.
            [(0, 50, 14), (10, 10, 10), (20, 50, 14), (60, 50, 18)],
            id="what was removed within the period may come back",
        ),
        pytest.param(
            {},
            {"policies": [policy("Replicas", 2, 60)]},
            10,
            # 10 added within the period are not there at its start: 20 - 10 - 2 = 8 is allowed.
            [(0, 20, 20), (10, 1, 8)],
            id="what was added within the period may go again",
        ),
        pytest.param(
            {"policies": [policy("Replicas", 1, 120)]},
            {},
            5,
            [(0, 9, 6), (60, 3, 3), (70, 9, 6), (119, 9, 6), (120, 9, 7)],
            id="the start of the period is current - added + removed, at every tick",
        ),
    ],
)
def test_policies_limit_the_rate(
    up: dict[str, object], down: dict[str, object], start: int, rows: list[tuple[float, int, int]]
) -> None:
    made = play(echo_spec(up, down), [(at, asked) for at, asked, _ in rows], start=start)
    assert [(at, decided.decision.desired) for (at, _, _), decided in zip(rows, made, strict=True)] == [
        (at, expected) for at, _, expected in rows
    ]


@pytest.mark.promise("U5")
def test_a_policy_never_crosses_the_present_number() -> None:
    """12 replicas were added in the period of a policy of 2: the limit is 10 - 12 + 2 = 0, and 10 stays 10."""
    spec = echo_spec({"policies": [policy("Replicas", 2, 60)]})
    memory = seeded(10, 0)
    memory = type(memory)(0, 10, memory.lows, memory.highs, changes=((0, 12),))
    decision = decide(spec, seen_of({"Concurrency": 40}, at=1), memory, 1).decision
    assert decision.desired == 10
    assert decision.limited is ScalingLimit.SCALE_UP_LIMIT


@pytest.mark.promise("U4")
@pytest.mark.parametrize(
    ("asked", "current", "desired", "limited", "why"),
    [
        pytest.param(30, 5, 8, ScalingLimit.TOO_MANY, "MaxReplicas", id="above max"),
        pytest.param(8, 5, 8, ScalingLimit.NONE, "Concurrency", id="exactly max"),
        pytest.param(0, 5, 2, ScalingLimit.TOO_FEW, "MinReplicas", id="below min"),
        pytest.param(2, 5, 2, ScalingLimit.NONE, "Concurrency", id="exactly min"),
        pytest.param(None, 12, 8, ScalingLimit.TOO_MANY, "MaxReplicas", id="12 is repaired without a metric"),
        pytest.param(None, 1, 2, ScalingLimit.TOO_FEW, "MinReplicas", id="1 is repaired without a metric"),
        pytest.param(None, 0, 2, ScalingLimit.TOO_FEW, "MinReplicas", id="so is 0"),
        pytest.param(3, 12, 8, ScalingLimit.TOO_MANY, "MaxReplicas", id="the way back into the range ends at its edge"),
        pytest.param(6, 1, 2, ScalingLimit.TOO_FEW, "MinReplicas", id="from below as well"),
    ],
)
def test_the_number_stays_between_min_and_max(
    asked: float | None, current: int, desired: int, limited: ScalingLimit, why: str
) -> None:
    spec = echo_spec(minReplicas=2, maxReplicas=8)
    decision = decide(spec, seen_of({"Concurrency": asked}, current=current), None, 0).decision
    assert (decision.desired, decision.limited, decision.why) == (desired, limited, why)


def test_the_range_is_repaired_at_once_whatever_windows_and_policies_say() -> None:
    slow = {"policies": [policy("Replicas", 1, 600)], "stabilizationWindowSeconds": 600}
    spec = echo_spec(slow, slow, maxReplicas=8)
    assert decide(spec, seen_of({"Concurrency": 50}, current=50), None, 0).decision.desired == 8


@pytest.mark.parametrize(
    ("asked", "limited", "said"),
    [
        pytest.param(50, ScalingLimit.SCALE_UP_LIMIT, "+4 in 60 s from 10 -> 14", id="limited on the way up"),
        pytest.param(1, ScalingLimit.SCALE_DOWN_LIMIT, "-20 % in 60 s from 10 -> 8", id="limited on the way down"),
        pytest.param(12, ScalingLimit.NONE, "", id="within the policy: nothing to say"),
    ],
)
def test_a_policy_says_what_it_allows(asked: int, limited: ScalingLimit, said: str) -> None:
    spec = echo_spec({"policies": [policy("Replicas", 4, 60)]}, {"policies": [policy("Percent", 20, 60)]})
    decision = decide(spec, seen_of({"Concurrency": asked}, current=10), None, 0).decision
    assert [step.reason for step in decision.steps if step.stage == "policies"] == ([said] if said else [])
    assert decision.limited is limited
    assert decision.held == (f"policies: {said}" if said else "")


def test_max_replicas_is_the_limit_that_is_named_where_the_policy_would_allow_more() -> None:
    spec = echo_spec({"policies": [policy("Replicas", 4, 60)]}, maxReplicas=14)
    decision = decide(spec, seen_of({"Concurrency": 50}, current=10), None, 0).decision
    assert (decision.desired, decision.limited) == (14, ScalingLimit.TOO_MANY)
