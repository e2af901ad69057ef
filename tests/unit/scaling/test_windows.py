"""Stabilization windows over time: rows of (seconds, number asked for, number decided)."""

import pytest

from elastic_serving.scaling.model import ScalingLimit
from elastic_serving.scaling.stabilize import stabilize
from tests.support.scaling import echo_spec, play

DOWN_300 = {"stabilizationWindowSeconds": 300}


@pytest.mark.promise("U6")
@pytest.mark.promise("B21")
@pytest.mark.parametrize(
    ("up", "down", "start", "rows"),
    [
        pytest.param(
            {},
            DOWN_300,
            8,
            # 8 was asked for at 0 and counts while now - 0 < 300.
            [(0, 8, 8), (10, 3, 8), (150, 3, 8), (299, 3, 8), (300, 3, 3)],
            id="down waits for a whole window without need",
        ),
        pytest.param(
            {},
            DOWN_300,
            8,
            # 5 at 200 is the highest of the last 300 s from 300 on, and leaves at 500.
            [(0, 8, 8), (100, 3, 8), (200, 5, 8), (300, 3, 5), (499, 3, 5), (500, 3, 3)],
            id="down stops at the highest number still in the window",
        ),
        pytest.param(
            {},
            DOWN_300,
            8,
            [(0, 3, 8), (299, 3, 8), (300, 3, 3)],
            id="the first pass knows the present number and nothing else",
        ),
        pytest.param({}, DOWN_300, 2, [(0, 9, 9)], id="up without a window goes at once"),
        pytest.param(
            {"stabilizationWindowSeconds": 60},
            {},
            2,
            [(0, 2, 2), (10, 9, 2), (59, 9, 2), (60, 9, 9)],
            id="up waits for a whole window of need",
        ),
        pytest.param(
            {"stabilizationWindowSeconds": 60},
            {},
            2,
            # 5 and 9 are asked for in turns: 5 is what every number of the last 60 s supports.
            [(0, 2, 2), (20, 5, 2), (40, 9, 2), (60, 9, 5), (79, 9, 5), (80, 9, 9)],
            id="up stops at the lowest number still in the window",
        ),
        pytest.param(
            {"stabilizationWindowSeconds": 180},
            {"stabilizationWindowSeconds": 600},
            4,
            # Up for 20 s, down for 20 s: the lowest stays 2 and the highest 6, so 4 stays.
            [(0, 4, 4), *((20 * n, 6 if n % 2 else 2, 4) for n in range(1, 30))],
            id="what swings around the present number moves nothing",
        ),
        pytest.param({}, {}, 5, [(0, 9, 9), (1, 2, 2), (2, 7, 7)], id="windows of 0 let everything through"),
        pytest.param(
            {},
            {"stabilizationWindowSeconds": 10},
            8,
            # 8 at 0 and 6 at 4.9 are one bucket: its highest, 8, leaves with its newest sample, at 14.9.
            [(0, 8, 8), (4.9, 6, 8), (10, 3, 8), (14.8, 3, 8), (15.0, 3, 3)],
            id="the numbers of one 5 s bucket leave together, late and never early",
        ),
    ],
)
def test_the_number_moves_only_as_far_as_the_window_agrees(
    up: dict[str, object], down: dict[str, object], start: int, rows: list[tuple[float, int, int]]
) -> None:
    made = play(echo_spec(up, down), [(at, asked) for at, asked, _ in rows], start=start)
    assert [(at, decided.decision.desired) for (at, _, _), decided in zip(rows, made, strict=True)] == [
        (at, expected) for at, _, expected in rows
    ]


@pytest.mark.promise("B21")
def test_a_flapping_load_changes_the_number_once_where_windows_are_set_and_sixty_times_where_not() -> None:
    """An hour of one minute at 10, one minute at 2. The window of 600 s always holds a 10."""
    rows = [(60.0 * minute, 2 if minute % 2 else 10) for minute in range(60)]
    calm = echo_spec({}, {"stabilizationWindowSeconds": 600})
    assert sum(decided.decision.changed for decided in play(calm, rows, start=5)) == 1
    assert sum(decided.decision.changed for decided in play(echo_spec(), rows, start=5)) == 60


def test_a_held_number_says_which_number_of_the_window_holds_it() -> None:
    first, second = play(echo_spec({}, DOWN_300), [(0, 8), (10, 3)], start=8)
    assert first.decision.held == ""
    assert second.decision.why == "StabilizationWindow"
    assert second.decision.held == "stabilization: down window 300 s, in which 8 was asked for -> 8"


def test_a_number_at_its_minimum_is_held_by_the_minimum_and_not_by_the_window() -> None:
    first, second = play(echo_spec({}, DOWN_300, minReplicas=2), [(0, 2), (10, 0)], start=2)
    assert (first.decision.why, first.decision.limited) == ("Concurrency", ScalingLimit.NONE)
    assert (second.decision.desired, second.decision.why) == (2, "MinReplicas")
    assert (second.decision.limited, second.decision.held) == (ScalingLimit.TOO_FEW, "")


def test_the_window_holds_what_was_asked_for_and_not_what_was_decided() -> None:
    """20 was asked for and 10 was the maximum. When maxReplicas rises, the window still knows of the 20."""
    (first,) = play(echo_spec({}, DOWN_300, maxReplicas=10), [(0, 20)], start=10)
    assert first.decision.desired == 10
    assert first.memory.highs == ((0, 20),)


@pytest.mark.parametrize(
    ("current", "floor", "ceiling", "expected"),
    [
        pytest.param(5, 7, 9, 7, id="below both: the lowest"),
        pytest.param(5, 3, 9, 5, id="between: stays"),
        pytest.param(5, 1, 3, 3, id="above both: the highest"),
    ],
)
def test_stabilize_clamps_and_is_idempotent(current: int, floor: int, ceiling: int, expected: int) -> None:
    assert stabilize(current, floor, ceiling) == expected
    assert stabilize(expected, floor, ceiling) == expected
