"""The same numbers as HPA: our core beside a plain transcription of HPA's behaviour, over random histories.

The recommendations come on a grid of 5 s, where every sample is a bucket of its own and nothing is kept longer.
"""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastic_serving.api.models import Behavior
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import PerReplica, Reading, ReplicaCounts, Sample
from elastic_serving.scaling.recommend import basis, recommend
from tests.support.hpa_reference import (
    Hpa,
    Rule,
    Rules,
    replicas_by_pod,
    replicas_by_total,
    replicas_by_value,
)
from tests.support.scaling import echo_spec, seen_of, spec_of

laws = settings(deadline=None, max_examples=300)

tolerances = st.sampled_from([Fraction(0), Fraction(1, 20), Fraction(1, 10), Fraction(1, 2), Fraction(1)])
rules = st.builds(Rule, st.sampled_from(["Replicas", "Percent"]), st.integers(1, 120), st.sampled_from([15, 60, 600]))
directions = st.builds(
    Rules,
    window=st.sampled_from([0, 5, 60, 300]),
    rules=st.lists(rules, max_size=3).map(tuple),
    select=st.sampled_from(["Max", "Min", "Disabled"]),
)
rows = st.lists(st.tuples(st.integers(1, 20).map(lambda n: 5.0 * n), st.integers(0, 60)), min_size=1, max_size=40)


def asked(signal: dict[str, object], reading: Reading, counts: ReplicaCounts, down: Fraction, up: Fraction) -> int:
    """What our arithmetic asks for."""
    behavior = Behavior.model_validate({"scaleDown": {"tolerance": float(down)}, "scaleUp": {"tolerance": float(up)}})
    outcome, _ = recommend(spec_of(signal).signals[0], reading, basis(counts.current, counts, behavior))
    assert outcome.recommendation is not None
    return outcome.recommendation


@pytest.mark.promise("U1")
@pytest.mark.promise("U2")
@laws
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=12),
    st.integers(1, 40),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(1, 20),
    tolerances,
    tolerances,
)
def test_the_arithmetic_per_replica_is_that_of_hpa(
    loads: list[int], target: int, silent: int, starting: int, current: int, down: Fraction, up: Fraction
) -> None:
    values = tuple((str(index), number) for index, number in enumerate([*map(float, loads), *[None] * silent]))
    counts = ReplicaCounts(current, len(loads), starting)
    expected = replicas_by_pod(loads, target, silent=silent, starting=starting, current=current, down=down, up=up)
    assert asked({"type": "Concurrency", "target": target}, PerReplica(values, 0), counts, down, up) == expected


@pytest.mark.promise("U1")
@laws
@given(st.integers(0, 2000), st.integers(1, 40), st.integers(0, 20), st.integers(1, 20), tolerances, tolerances)
def test_the_arithmetic_of_totals_and_values_is_that_of_hpa(
    number: int, target: int, current: int, ready: int, down: Fraction, up: Fraction
) -> None:
    counts, reading = ReplicaCounts(current, ready, 0), Sample(float(number), 0)
    query: dict[str, object] = {"type": "Prometheus", "query": "q", "target": target}
    assert asked(query, reading, counts, down, up) == replicas_by_total(
        number, target, current=current, down=down, up=up
    )
    assert asked(query | {"targetType": "Value"}, reading, counts, down, up) == replicas_by_value(
        number, target, current=current, ready=ready, down=down, up=up
    )


def written(direction: Rules) -> dict[str, object]:
    """A direction as a manifest has it."""
    return {
        "stabilizationWindowSeconds": direction.window,
        "selectPolicy": direction.select,
        "policies": [{"type": r.type, "value": r.value, "periodSeconds": r.period} for r in direction.rules],
    }


@pytest.mark.promise("U4")
@pytest.mark.promise("U5")
@pytest.mark.promise("U6")
@laws
@given(directions, directions, st.integers(1, 10), st.integers(0, 40), st.integers(0, 60), rows)
def test_windows_policies_and_limits_are_those_of_hpa(
    up: Rules, down: Rules, low: int, room: int, start: int, timeline: list[tuple[float, int]]
) -> None:
    """Also where the range does not hold the present number; a first number of 0 is left out: HPA is off there."""
    spec = echo_spec(written(up), written(down), minReplicas=low, maxReplicas=low + room)
    hpa = Hpa(low, low + room, up, down, max(start, 1))
    memory: Memory | None = None
    now = 1000.0
    for elapsed, number in timeline:
        now += elapsed
        decided = decide(spec, seen_of({"Concurrency": number}, at=now, current=max(start, 1)), memory, now)
        memory = decided.memory
        assert decided.decision.desired == hpa.sync(now, number)


@pytest.mark.promise("F10")
@laws
@given(
    directions,
    directions,
    st.integers(1, 40),
    st.integers(1, 60),
    st.lists(
        st.tuples(
            st.integers(1, 20).map(lambda n: 5.0 * n),
            st.lists(st.integers(0, 60), min_size=1, max_size=12),
            st.integers(0, 5),
            st.integers(0, 5),
        ),
        min_size=1,
        max_size=25,
    ),
)
def test_a_whole_decision_is_that_of_hpa(
    up: Rules, down: Rules, target: int, start: int, timeline: list[tuple[float, list[int], int, int]]
) -> None:
    """From the loads of the pods, silent and starting ones to the number, 1 to 50 replicas; some pod always reports."""
    signal = {"type": "Concurrency", "target": target}
    spec = spec_of(signal, maxReplicas=50, behavior={"scaleUp": written(up), "scaleDown": written(down)})
    hpa, memory, now, tenth = Hpa(1, 50, up, down, start), None, 1000.0, Fraction(1, 10)
    for elapsed, loads, silent, starting in timeline:
        now += elapsed
        values = [*map(float, loads), *[None] * silent]
        seen = seen_of({"Concurrency": values}, at=now, current=start, ready=len(values), starting=starting)
        decided = decide(spec, seen, memory, now)
        memory = decided.memory
        recommendation = replicas_by_pod(
            loads, target, silent=silent, starting=starting, current=hpa.current, down=tenth, up=tenth
        )
        assert decided.decision.desired == hpa.sync(now, recommendation)
