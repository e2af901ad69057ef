"""Several signals, some or all of them missing, and the fallback."""

import pytest

from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import Memory, seeded
from elastic_serving.scaling.model import Decision
from tests.support.scaling import INTOLERANT, Short, echo_spec, play, seen_of, spec_of

TWO = ({"type": "Concurrency", "target": 1}, {"type": "QueueDepth", "target": 1})
CALM = {"scaleUp": INTOLERANT, "scaleDown": INTOLERANT}


def decision_on(concurrency: Short, queue: Short, *, current: int = 5) -> Decision:
    """The first decision on two signals that ask for exactly what they read."""
    spec = spec_of(*TWO, behavior=CALM)
    seen = seen_of({"Concurrency": concurrency, "QueueDepth": queue}, current=current)
    return decide(spec, seen, None, 0).decision


@pytest.mark.promise("U3")
@pytest.mark.parametrize(
    ("concurrency", "queue", "desired", "why", "signal"),
    [
        pytest.param(7, 3, 7, "Concurrency", "Concurrency", id="the larger one wins"),
        pytest.param(3, 7, 7, "QueueDepth", "QueueDepth", id="whichever it is"),
        pytest.param(4, 4, 4, "Concurrency", "Concurrency", id="the first of equals"),
        pytest.param(None, 7, 7, "QueueDepth", "QueueDepth", id="one missing: up is allowed"),
        pytest.param(None, 5, 5, "QueueDepth", "QueueDepth", id="one missing: staying is no lowering"),
        pytest.param(None, 2, 5, "MetricsMissing", "QueueDepth", id="one missing: down is not"),
        pytest.param("Stale", 2, 5, "MetricsMissing", "QueueDepth", id="stale is missing"),
        pytest.param(None, "Timeout", 5, "MetricsMissing", None, id="all missing: held"),
        pytest.param("NoReplica", 2, 2, "QueueDepth", "QueueDepth", id="no replica to measure: it abstains"),
        pytest.param("NoReplica", None, 5, "MetricsMissing", None, id="one abstains, the other is missing"),
        pytest.param("NoReplica", "NoReplica", 5, "NoReplica", None, id="all abstain: held"),
        pytest.param("NotScraped", 2, 5, "NoReplica", "QueueDepth", id="not scraped yet: down is not allowed"),
        pytest.param("NotScraped", 7, 7, "QueueDepth", "QueueDepth", id="not scraped yet: up is"),
        pytest.param("NotScraped", "NotScraped", 5, "NoReplica", None, id="nobody was scraped yet: held"),
    ],
)
def test_the_largest_signal_wins_and_what_is_missing_never_lowers(
    concurrency: Short, queue: Short, desired: int, why: str, signal: str | None
) -> None:
    decision = decision_on(concurrency, queue)
    assert (decision.desired, decision.why, decision.signal) == (desired, why, signal)


def test_a_signal_that_was_not_observed_is_missing() -> None:
    spec = spec_of(*TWO, behavior=CALM)
    decision = decide(spec, seen_of({"Concurrency": 2}, current=5), None, 0).decision
    assert decision.desired == 5
    assert decision.signals[1].missing is not None


def test_a_hold_names_what_is_missing() -> None:
    assert decision_on(None, 2).held == "Concurrency missing, and what is missing never lowers -> 5"
    assert decision_on(None, 2).recommendation == 2
    assert decision_on(None, None).recommendation is None
    assert decision_on("NoReplica", "NoReplica").held == ""
    assert decision_on("NotScraped", 2).held == ""


def test_a_blind_pass_counts_as_held_in_the_down_window() -> None:
    """Blind from 10 to 400 at 6: what comes after has to be low for a whole window, as after a restart."""
    spec = echo_spec({}, {"stabilizationWindowSeconds": 300})
    rows: list[tuple[float, Short]] = [(0, 6), *((10.0 * n, None) for n in range(1, 41)), (410, 2), (699, 2), (700, 2)]
    assert [d.decision.desired for d in play(spec, rows, start=6)][-3:] == [6, 6, 2]


def test_a_blind_pass_does_not_hold_up_the_way_up() -> None:
    """Every other answer is lost. The up window knows the 9s alone, and has done so for 60 s at 70."""
    spec = echo_spec({"stabilizationWindowSeconds": 60}, {})
    rows: list[tuple[float, Short]] = [(0, 2), *((10.0 * n, None if n % 2 else 9) for n in range(1, 9))]
    assert [d.decision.desired for d in play(spec, rows, start=2)] == [2, 2, 2, 2, 2, 2, 9, 9, 9]


@pytest.mark.promise("U12")
@pytest.mark.parametrize(
    ("behavior", "replicas", "current", "expected"),
    [
        pytest.param("Static", 4, 6, 4, id="Static lowers"),
        pytest.param("Static", 4, 2, 4, id="Static raises"),
        pytest.param("Current", None, 6, 6, id="Current keeps"),
        pytest.param("IfHigher", 4, 6, 6, id="IfHigher: what is there is higher"),
        pytest.param("IfHigher", 4, 2, 4, id="IfHigher: replicas is higher"),
        pytest.param("IfLower", 4, 6, 4, id="IfLower: replicas is lower"),
        pytest.param("IfLower", 4, 2, 2, id="IfLower: what is there is lower"),
    ],
)
def test_the_fallback_acts_when_its_time_is_over_and_not_before(
    behavior: str, replicas: int | None, current: int, expected: int
) -> None:
    """Missing since 10, after 600 s: at 610, whatever the down window of 300 s holds."""
    rule = {"afterSeconds": 600, "behavior": behavior} | ({} if replicas is None else {"replicas": replicas})
    spec = echo_spec({}, {"stabilizationWindowSeconds": 300}, fallback=rule)
    rows: list[tuple[float, Short]] = [(0, current), (10, None), (300, None), (609, None), (610, None), (611, None)]
    made = [decided.decision for decided in play(spec, rows, start=current)]
    assert [d.desired for d in made] == [current] * 4 + [expected] * 2
    assert [d.fallback_at for d in made] == [None, 610, 610, 610, None, None]
    assert [d.why for d in made][1:] == ["MetricsMissing"] * 3 + ["Fallback"] * 2


@pytest.mark.promise("U12")
def test_one_answer_starts_the_clock_of_the_fallback_afresh() -> None:
    spec = echo_spec(fallback={"afterSeconds": 100, "replicas": 9})
    rows: list[tuple[float, Short]] = [(0, None), (90, 5), (100, None), (199, None), (200, None)]
    assert [d.decision.desired for d in play(spec, rows, start=5)] == [5, 5, 5, 5, 9]


@pytest.mark.promise("U12")
def test_the_clock_of_the_fallback_stands_still_while_no_replica_serves() -> None:
    """50 s missing, 1000 s without one that was scraped, 50 s missing again: 100 s are over at the last row alone."""
    spec = echo_spec(fallback={"afterSeconds": 100, "replicas": 9})
    rows: list[tuple[float, Short]] = [
        (0, None),
        (50, None),
        (51, "NoReplica"),
        (1020, "NoReplica"),
        (1021, "NotScraped"),
        (1050, "NotScraped"),
        (1051, None),
        (1099, None),
        (1100, None),
    ]
    made = play(spec, rows, start=5)
    assert [d.decision.desired for d in made] == [5, 5, 5, 5, 5, 5, 5, 5, 9]


def test_without_a_fallback_the_number_is_held_for_ever() -> None:
    rows: list[tuple[float, Short]] = [(0, 5), (10, None), (1e6, None)]
    made = play(echo_spec(), rows, start=5)
    assert [d.decision.desired for d in made] == [5, 5, 5]
    assert made[-1].decision.fallback_at is None


def test_the_fallback_obeys_rate_policies_and_limits() -> None:
    up = {"policies": [{"type": "Replicas", "value": 1, "periodSeconds": 60}]}
    spec = echo_spec(up, {}, fallback={"afterSeconds": 10, "replicas": 9})
    memory = Memory(at=0, desired=5, missing_since=0)
    assert decide(spec, seen_of({"Concurrency": None}, at=10), memory, 10).decision.desired == 6


@pytest.mark.promise("U13")
def test_no_answer_is_not_an_answer_of_zero() -> None:
    spec = echo_spec()
    assert decide(spec, seen_of({"Concurrency": 0}), seeded(6, 0), 1).decision.desired == 1
    for nothing in (None, "Empty", "NaN", "Stale", [None, None]):
        assert decide(spec, seen_of({"Concurrency": nothing}), seeded(6, 0), 1).decision.desired == 6
