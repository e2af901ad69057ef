"""scaling.paused: a direction on hold, whatever asks; the range alone still moves the number."""

from typing import Any

import pytest

from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import Memory, seeded
from elastic_serving.scaling.model import ScalingLimit
from tests.support.scaling import Short, echo_spec, play, seen_of, spec_of

QUEUE = {"type": "Prometheus", "name": "Queue", "query": "sum(waiting)", "target": 4}
ASLEEP: dict[str, Any] = {"minReplicas": 0, "idle": {"timeoutSeconds": 60}}


@pytest.mark.promise("U16")
@pytest.mark.parametrize(
    ("paused", "expected"),
    [
        pytest.param("Up", [4, 4, 2, 2, 1], id="up is held, down goes on"),
        pytest.param("Down", [4, 9, 9, 9, 9], id="down is held, up goes on"),
        pytest.param("Both", [4, 4, 4, 4, 4], id="neither"),
        pytest.param(None, [4, 9, 2, 6, 1], id="not paused"),
    ],
)
def test_a_paused_direction_holds_the_present_number(paused: str | None, expected: list[int]) -> None:
    rows: list[tuple[float, Short]] = [(0, 4), (1, 9), (2, 2), (3, 6), (4, 1)]
    made = play(echo_spec(paused=paused), rows, start=4)
    assert [d.decision.desired for d in made] == expected


@pytest.mark.promise("U16")
def test_the_pause_says_what_it_holds_back() -> None:
    decision = decide(echo_spec(paused="Up"), seen_of({"Concurrency": 9}, at=1), seeded(4, 0), 1).decision
    assert [(s.stage, s.before, s.after, s.reason) for s in decision.steps[-2:]] == [
        ("paused", 9, 4, "scaling up is paused -> 4"),
        ("limits", 4, 4, "1 to 100 -> 4"),
    ]
    assert (decision.why, decision.limited, decision.held) == (
        "Paused",
        ScalingLimit.PAUSED,
        "paused: scaling up is paused -> 4",
    )
    assert decision.recommendation == 9


def test_a_pause_that_holds_nothing_back_says_nothing() -> None:
    decision = decide(echo_spec(paused="Up"), seen_of({"Concurrency": 3}, at=1), seeded(4, 0), 1).decision
    assert (decision.desired, decision.why, decision.limited) == (3, "Concurrency", ScalingLimit.NONE)


@pytest.mark.parametrize(
    ("asked", "current", "why"),
    [
        pytest.param(0, 1, "MinReplicas", id="at rest at minReplicas"),
        pytest.param(9, 8, "MaxReplicas", id="at the top at maxReplicas"),
    ],
)
def test_what_the_limits_hold_anyway_is_not_put_down_to_the_pause(asked: int, current: int, why: str) -> None:
    spec = echo_spec(paused="Both", maxReplicas=8)
    decision = decide(spec, seen_of({"Concurrency": asked}, at=1), seeded(current, 0), 1).decision
    assert (decision.desired, decision.why) == (current, why)


@pytest.mark.promise("U16")
@pytest.mark.parametrize(
    ("paused", "current", "expected"),
    [
        pytest.param("Both", 12, 8, id="above maxReplicas"),
        pytest.param("Down", 12, 8, id="down is paused, and maxReplicas was lowered on purpose"),
        pytest.param("Both", 1, 2, id="below minReplicas"),
        pytest.param("Up", 1, 2, id="up is paused, and minReplicas was raised on purpose"),
        pytest.param("Both", 5, 5, id="within"),
    ],
)
def test_the_range_is_stronger_than_a_pause(paused: str, current: int, expected: int) -> None:
    spec = echo_spec(paused=paused, minReplicas=2, maxReplicas=8)
    decision = decide(spec, seen_of({"Concurrency": 6}, at=1), seeded(current, 0), 1).decision
    assert decision.desired == expected


@pytest.mark.parametrize(
    ("paused", "waiting", "memory", "expected"),
    [
        pytest.param("Up", 40, Memory(0, 0), 0, id="it does not wake from zero"),
        pytest.param("Down", 40, Memory(0, 0), 10, id="down is paused: it does"),
        pytest.param("Down", 0, Memory(0, 1, idle_since=-60), 1, id="it does not go to zero"),
        pytest.param("Up", 0, Memory(0, 1, idle_since=-60), 0, id="up is paused: it does"),
    ],
)
def test_zero_is_a_number_like_others(paused: str, waiting: float, memory: Memory, expected: int) -> None:
    spec = spec_of(QUEUE, paused=paused, **ASLEEP)
    assert decide(spec, seen_of({"Queue": waiting}, at=1), memory, 1).decision.desired == expected


@pytest.mark.parametrize(("paused", "expected"), [("Up", 4), ("Both", 4), ("Down", 9)])
def test_a_fallback_is_held_as_well(paused: str, expected: int) -> None:
    spec = echo_spec(paused=paused, fallback={"replicas": 9, "afterSeconds": 60})
    memory = Memory(0, 4, missing_since=-60)
    assert decide(spec, seen_of({"Concurrency": None}, at=1), memory, 1).decision.desired == expected


@pytest.mark.parametrize(("paused", "expected"), [("Down", 4), ("Both", 4), ("Up", 3)])
def test_a_replica_that_leaves_by_itself_is_made_anew_while_down_is_paused(paused: str, expected: int) -> None:
    seen = seen_of({"Concurrency": 3}, at=1, retired=("a",))
    assert decide(echo_spec(paused=paused), seen, seeded(4, 0), 1).decision.desired == expected


def test_a_number_set_by_hand_is_not_paused() -> None:
    spec = echo_spec(paused="Both", mode="Manual", replicas=7)
    assert decide(spec, seen_of({"Concurrency": 1}, at=1), seeded(4, 0), 1).decision.desired == 7


def test_after_a_pause_the_windows_know_what_was_asked_for_meanwhile() -> None:
    """9 was asked for at 100 and 2 since; paused until 300. Down window 300 s: 9 until 400 at first, then 2."""
    window: dict[str, Any] = {"stabilizationWindowSeconds": 300, "tolerance": 0}
    held, free = echo_spec({}, window, paused="Both"), echo_spec({}, window)
    memory = seeded(12, 0)
    desired: list[int] = []
    for at, asked, spec in ((100, 9, held), (105, 2, held), (299, 2, held), (300, 2, free), (400, 2, free)):
        decided = decide(spec, seen_of({"Concurrency": asked}, at=at), memory, at)
        memory, desired = decided.memory, [*desired, decided.decision.desired]
    assert desired == [12, 12, 12, 9, 2]
