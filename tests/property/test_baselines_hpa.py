"""HPA as a baseline beside the plain reference of HPA: two transcriptions, made apart, give the same numbers."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from elastic_serving.simulate.baselines.behavior import Behavior
from elastic_serving.simulate.baselines.hpa import Hpa, replicas_by_pod
from elastic_serving.simulate.baselines.keda import replicas_by_total
from elastic_serving.simulate.baselines.terms import Load, Terms
from tests.support import hpa_reference as reference
from tests.support.scaling import seen_of

laws = settings(deadline=None, max_examples=300)

TENTH = Fraction(1, 10)
UP = reference.Rules(0, (reference.Rule("Percent", 100, 15), reference.Rule("Replicas", 4, 15)))
DOWN = reference.Rules(300, (reference.Rule("Percent", 100, 15),))

loads = st.lists(st.integers(0, 60), min_size=1, max_size=12)
few = st.integers(0, 5)
elapsed = st.sampled_from([0.0, 1.0, 7.5, 14.5, 15.0, 15.5, 60.0, 299.0, 300.0])
"""Exact in binary: where the window ends must not hang on how a difference is rounded."""


@laws
@given(loads, st.integers(1, 40), few, few, st.integers(1, 20))
def test_the_number_per_pod_is_the_references(
    loads: list[int], target: int, silent: int, starting: int, current: int
) -> None:
    expected = reference.replicas_by_pod(
        loads, target, silent=silent, starting=starting, current=current, down=TENTH, up=TENTH
    )
    load = Load(float(sum(loads)), len(loads), silent)
    assert replicas_by_pod(load, float(target), pending=starting, current=current) == expected


@laws
@given(st.integers(0, 2000), st.integers(1, 40), st.integers(0, 20))
def test_the_number_for_a_total_is_the_references(total: int, target: int, current: int) -> None:
    expected = reference.replicas_by_total(total, target, current=current, down=TENTH, up=TENTH)
    assert replicas_by_total(float(total), float(target), current=current) == expected


@laws
@given(
    st.integers(1, 10),
    st.integers(0, 60),
    st.integers(1, 80),
    st.lists(st.tuples(elapsed, st.integers(0, 90)), min_size=1, max_size=40),
)
def test_windows_policies_and_limits_are_the_references(
    low: int, room: int, start: int, timeline: list[tuple[float, int]]
) -> None:
    behavior, plain = Behavior(low, low + room), reference.Hpa(low, low + room, UP, DOWN, start)
    now, current = 0.0, start
    for seconds, recommendation in timeline:
        now += seconds
        current = behavior.wish(now, current, recommendation, "").replicas
        assert current == plain.sync(now, recommendation)


@laws
@given(
    st.integers(1, 40),
    st.lists(st.tuples(elapsed, loads, few, few), min_size=1, max_size=30),
)
def test_a_whole_sync_is_the_references(target: int, timeline: list[tuple[float, list[int], int, int]]) -> None:
    hpa, plain, now, current = Hpa(Terms(1, 50, target)), reference.Hpa(1, 50, UP, DOWN, 3), 0.0, 3
    for seconds, numbers, silent, starting in timeline:
        now += seconds
        values = [*map(float, numbers), *[None] * silent]
        seen = seen_of({"Concurrency": values}, at=now, current=current, starting=starting)
        recommendation = reference.replicas_by_pod(
            numbers, target, silent=silent + starting, starting=0, current=current, down=TENTH, up=TENTH
        )
        current = hpa.desired(seen, now).replicas
        assert current == plain.sync(now, recommendation)
