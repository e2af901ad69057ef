"""The arithmetic of one signal, each expected number worked out by hand in its row."""

import math

import pytest

from elastic_serving.api.models import Behavior
from elastic_serving.scaling.model import Missing, PerReplica, ReplicaCounts, Sample
from elastic_serving.scaling.recommend import MOST, basis, recommend
from tests.support.scaling import Short, reading_of, spec_of

CONCURRENCY = {"type": "Concurrency", "target": 10}
LEVEL = {"type": "Prometheus", "name": "Level", "query": "q", "target": 80, "targetType": "Value"}


def asked(
    signal: dict[str, object],
    short: Short,
    *,
    current: int,
    ready: int | None = None,
    starting: int = 0,
    up: float = 0.1,
    down: float = 0.1,
) -> int | None:
    """What the signal asks for with these tolerances."""
    behavior = Behavior.model_validate({"scaleUp": {"tolerance": up}, "scaleDown": {"tolerance": down}})
    counts = ReplicaCounts(current, current if ready is None else ready, starting)
    outcome, step = recommend(spec_of(signal).signals[0], reading_of(short, 7.0), basis(current, counts, behavior))
    assert step.after == (current if outcome.recommendation is None else outcome.recommendation)
    return outcome.recommendation


@pytest.mark.promise("U1")
@pytest.mark.promise("U2")
@pytest.mark.parametrize(
    ("loads", "current", "starting", "expected"),
    [
        pytest.param([20, 20], 2, 0, 4, id="40 / 10 = 4"),
        pytest.param([20, 21], 2, 0, 5, id="41 / 10 = 4.1 rounds up"),
        pytest.param([5, 5, 5, 5], 4, 0, 2, id="20 / 10 = 2"),
        pytest.param([0, 0], 2, 0, 0, id="no load asks for none"),
        pytest.param([11, 11], 2, 0, 2, id="1.1 of the target is the upper edge: within"),
        pytest.param([11, 11.2], 2, 0, 3, id="1.11 of the target is beyond it: 22.2 / 10 = 2.22"),
        pytest.param([9, 9], 2, 0, 2, id="0.9 of the target is the lower edge: within"),
        pytest.param([8.9] * 10, 10, 0, 9, id="0.89 is beyond it: 89 / 10 = 8.9"),
        pytest.param([40], 4, 3, 4, id="4 requested, 1 ready with 40: 40 / 10 = 4, not 16"),
        pytest.param([80], 4, 3, 8, id="3 starting at 0: 80 over 4 is 2.0 each: 80 / 10 = 8"),
        pytest.param([12, 12], 3, 1, 3, id="3 x 0.8 would turn round: up 1.2, with the starting one 0.8"),
        pytest.param([15, 15], 4, 2, 4, id="30 / 10 = 3 of 2; with two starting 0.75 a replica: turned, so 4"),
        pytest.param([5, 5], 3, 1, 1, id="on the way down starting ones do not count: 10 / 10 = 1"),
        pytest.param([40, 40, None], 3, 0, 8, id="up: the silent one at 0: 80 / 10 = 8"),
        pytest.param([12, None], 2, 0, 2, id="up 1.2 becomes 0.6 with the silent one at 0: turned, so 2"),
        pytest.param([16, 16, None], 3, 0, 3, id="up 1.6 becomes 1.067 with the silent one at 0: within"),
        pytest.param([2, 2, None], 3, 0, 2, id="down: the silent one at its target: (4 + 10) / 10 = 1.4"),
        pytest.param([0, None, None, None], 4, 0, 3, id="down: three silent at target: 30 / 10 = 3"),
        pytest.param([8, 8, None], 3, 0, 3, id="down 0.8 becomes (16 + 10) / 30 = 0.87: 2.6 rounds up to 3"),
        pytest.param([10, 10, None], 5, 0, 5, id="exactly at target the silent one changes nothing"),
        pytest.param([40, None], 4, 2, 4, id="1 silent and 2 starting at 0: 40 over 4 is 1.0"),
        pytest.param([30, 30], 10, 0, 6, id="2 of 10 exist and none is silent or starting: 60 / 10 = 6, as HPA"),
        pytest.param([15, None], 5, 0, 5, id="up, but fewer than there are: 1.5 with a silent one is 0.75, turned"),
        pytest.param([30, None], 5, 0, 5, id="up 1.5, yet 30 / 10 = 3 are fewer than 5: 5"),
        pytest.param([float("nan"), 30], 2, 0, 3, id="NaN of one replica is a silent one: 30 / 10 = 3"),
        pytest.param([-5, 30], 2, 0, 3, id="below zero is a silent one"),
    ],
)
def test_per_replica_values_are_divided_by_the_replicas_that_reported(
    loads: list[float | None], current: int, starting: int, expected: int
) -> None:
    assert asked(CONCURRENCY, loads, current=current, starting=starting) == expected


@pytest.mark.promise("U1")
@pytest.mark.parametrize(
    ("total", "current", "expected"),
    [
        pytest.param(148, 3, 15, id="148 / 10 = 14.8"),
        pytest.param(33, 3, 3, id="33 / 30 = 1.1 is the edge: within"),
        pytest.param(33.1, 3, 4, id="beyond the edge: 3.31"),
        pytest.param(27, 3, 3, id="27 / 30 = 0.9 is the edge: within"),
        pytest.param(26, 3, 3, id="26 / 30 is beyond, and 2.6 rounds up to 3"),
        pytest.param(20, 3, 2, id="20 / 10 = 2"),
        pytest.param(0, 3, 0, id="nothing"),
        pytest.param(31, 0, 4, id="from zero: 3.1"),
        pytest.param(0, 0, 0, id="zero stays"),
        pytest.param(1e300, 3, MOST, id="saturates at int32"),
        pytest.param(1e308, 3, MOST, id="saturates before the float overflows"),
    ],
)
def test_a_fleet_total_is_divided_by_the_target(total: float, current: int, expected: int) -> None:
    assert asked(CONCURRENCY, total, current=current) == expected


@pytest.mark.promise("U1")
@pytest.mark.parametrize(
    ("level", "current", "ready", "expected"),
    [
        pytest.param(160, 3, 3, 6, id="160 / 80 x 3 = 6"),
        pytest.param(160, 3, 2, 4, id="only the ready ones: 160 / 80 x 2 = 4"),
        pytest.param(88, 3, 3, 3, id="1.1 is the edge: within"),
        pytest.param(89, 3, 3, 4, id="1.1125 x 3 = 3.3"),
        pytest.param(72, 3, 3, 3, id="0.9 is the edge: within"),
        pytest.param(40, 4, 4, 2, id="0.5 x 4 = 2"),
        pytest.param(200, 0, 0, 3, id="at zero the ratio alone: 2.5"),
        pytest.param(10, 0, 0, 1, id="at zero there is no tolerance: 0.125"),
        pytest.param(200, 3, 0, 3, id="none ready: held, where HPA would ask for 0"),
        pytest.param(1e300, 3, 3, MOST, id="saturates"),
    ],
)
def test_a_value_multiplies_the_ready_replicas(level: float, current: int, ready: int, expected: int) -> None:
    assert asked(LEVEL, level, current=current, ready=ready) == expected


@pytest.mark.promise("U1")
@pytest.mark.parametrize(
    ("total", "up", "down", "expected"),
    [
        pytest.param(15, 0.5, 0.1, 1, id="up 1.5 within 0.5"),
        pytest.param(15.1, 0.5, 0.1, 2, id="up 1.51 beyond 0.5"),
        pytest.param(15, 0.1, 0.5, 2, id="the tolerance of the other direction does not count on the way up"),
        pytest.param(5, 0.1, 0.5, 1, id="down 0.5 within 0.5"),
        pytest.param(10.01, 0, 0, 2, id="no tolerance: 1.001 rounds up"),
        pytest.param(10, 0, 0, 1, id="no tolerance: exactly"),
    ],
)
def test_each_direction_has_its_own_tolerance(total: float, up: float, down: float, expected: int) -> None:
    assert asked(CONCURRENCY, total, current=1, up=up, down=down) == expected


def test_a_load_of_whole_targets_asks_for_exactly_so_many() -> None:
    """3 x 22.4 / 22.4 is 3.0000000000000004 in binary; rounding that up would start a replica for nothing."""
    target = {"type": "Concurrency", "target": 22.4}
    assert [asked(target, n * 22.4, current=1000) for n in range(1, 200)] == list(range(1, 200))


@pytest.mark.promise("U13")
@pytest.mark.parametrize(
    ("reading", "kind"),
    [
        pytest.param(Sample(math.nan, 1), "NaN", id="NaN"),
        pytest.param(Sample(math.inf, 1), "BadAnswer", id="infinite"),
        pytest.param(Sample(-1, 1), "BadAnswer", id="below zero"),
        pytest.param(PerReplica((("0", None), ("1", None)), 1), "Empty", id="nobody reported"),
        pytest.param(PerReplica((("0", math.nan),), 1), "Empty", id="nobody reported a number"),
        pytest.param(PerReplica((), 1), "NoReplica", id="there is nobody to report"),
        pytest.param(Missing("Stale", "its sample is 40 s old"), "Stale", id="stale"),
    ],
)
def test_what_is_no_number_is_missing_and_not_zero(reading: Short, kind: str) -> None:
    counts = ReplicaCounts(3, 3, 0)
    outcome, step = recommend(spec_of(CONCURRENCY).signals[0], reading_of(reading, 1), basis(3, counts, Behavior()))
    assert outcome.recommendation is None
    assert outcome.missing is not None
    assert outcome.missing.kind == kind
    assert (step.before, step.after) == (3, 3)


@pytest.mark.promise("B17")
@pytest.mark.promise("B19")
@pytest.mark.parametrize(
    ("in_flight", "expected"),
    [
        pytest.param([50, 50], 4, id="100 in flight / 32 = 3.1"),
        pytest.param([16, 15], 1, id="31 in flight / 32: one is enough"),
        pytest.param([32, 32], 2, id="exactly at target"),
    ],
)
def test_concurrency_32_on_two_replicas(in_flight: list[float], expected: int) -> None:
    """BentoML's example: docs.bentoml.com, Concurrency and autoscaling."""
    assert asked({"type": "Concurrency", "target": 32}, in_flight, current=2) == expected


@pytest.mark.promise("B19")
def test_concurrency_without_a_target_aims_at_seven_tenths_of_the_batch() -> None:
    """0.7 x 32 = 22.4 a replica, running and waiting together: 100 / 22.4 = 4.5."""
    assert spec_of().signals[0].target == 22.4
    assert asked({"type": "Concurrency"}, [50, 50], current=2) == 5


@pytest.mark.promise("B23")
def test_only_replicas_that_take_requests_are_counted() -> None:
    """Two of eight serve with 30 each: 60 / 10 = 6, not 8 x 30 / 10 = 24. Six that start count as 0 on the way up."""
    assert asked(CONCURRENCY, [30, 30], current=8) == 6
    assert asked(CONCURRENCY, [30, 30], current=8, starting=6) == 8
    assert asked(CONCURRENCY, [50, 50], current=8, starting=6) == 10


@pytest.mark.promise("B16")
def test_a_utilization_at_its_top_grows_by_a_quarter_and_says_so_where_concurrency_jumps() -> None:
    """GPU at 100 % of a target of 80 %: 4 x 1.25 = 5, whatever waits behind it. 148 in flight / 10 = 15."""
    counts = ReplicaCounts(4, 4, 0)
    outcome, step = recommend(spec_of(LEVEL).signals[0], Sample(100, 1), basis(4, counts, Behavior()))
    assert outcome.recommendation == 5
    assert step.reason == "100 / 80 = 1.25 (a utilization ends at 100: at most x 1.25 a step) x 4 ready = 5 -> 5"
    assert asked(CONCURRENCY, [37, 37, 37, 37], current=4) == 15


@pytest.mark.parametrize(
    ("signal", "short", "current", "starting", "expected"),
    [
        pytest.param(CONCURRENCY, [20, 21], 2, 0, "41 in flight / 10 per replica = 4.1 -> 5", id="the plain case"),
        pytest.param(
            {"type": "QueueDepth", "target": 4}, [9, 11], 2, 0, "20 waiting / 4 per replica = 5 -> 5", id="waiting"
        ),
        pytest.param(
            CONCURRENCY, 11, 1, 0, "11 in flight / 10 per replica = 1.1 on 1: within tolerance -> 1", id="tolerance"
        ),
        pytest.param(
            CONCURRENCY,
            [80, None],
            4,
            2,
            "80 in flight / 10 per replica, 1 silent and 2 starting at 0 = 8 -> 8",
            id="who counts as 0",
        ),
        pytest.param(
            CONCURRENCY, [2, None], 2, 0, "2 in flight / 10 per replica, 1 silent at target = 1.2 -> 2", id="at target"
        ),
        pytest.param(
            CONCURRENCY,
            [12, None],
            2,
            0,
            "12 in flight / 10 per replica, 1 silent at 0 = 1.2: no clear direction -> 2",
            id="turned",
        ),
        pytest.param(CONCURRENCY, 50.04, 1, 0, "50.04 in flight / 10 per replica = 5.1 -> 6", id="5.004 is not 5"),
        pytest.param(CONCURRENCY, "Stale", 3, 0, "missing: it said so", id="missing"),
        pytest.param(CONCURRENCY, "NoReplica", 3, 0, "nothing to measure: no replica serves", id="no replica"),
        pytest.param(LEVEL, 160, 2, 0, "160 / 80 = 2 x 2 ready = 4 -> 4", id="a level that is no utilization"),
    ],
)
def test_the_step_says_the_numbers_their_units_and_the_result(
    signal: dict[str, object], short: Short, current: int, starting: int, expected: str
) -> None:
    on = basis(current, ReplicaCounts(current, current, starting), Behavior())
    assert recommend(spec_of(signal).signals[0], reading_of(short, 1), on)[1].reason == expected
