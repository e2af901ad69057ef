"""The same terms for every baseline, and the load as each may read it."""

import math
from dataclasses import replace

import pytest

from elastic_serving.scaling.model import Flow, Missing
from elastic_serving.simulate.baselines.static import Static
from elastic_serving.simulate.baselines.terms import Load, Terms, load_of, terms_of
from elastic_serving.simulate.policy import Policy, Wish
from tests.support.scaling import Short, seen_of, spec_of


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        pytest.param([], Terms(2, 100, 22.4), id="the default: 0.7 x 32 slots"),
        pytest.param([{"type": "Concurrency", "target": 9}], Terms(2, 100, 9), id="the target as written"),
        pytest.param(
            [{"type": "QueueDepth", "target": 4}, {"type": "Concurrency", "name": "busy", "target": 9}],
            Terms(2, 100, 9, "busy"),
            id="found among others, under its own name",
        ),
        pytest.param(
            [{"type": "QueueDepth", "target": 4}], Terms(2, 100, 22.4), id="a manifest without it: the default target"
        ),
    ],
)
def test_the_terms_are_those_of_the_manifest(signals: list[dict[str, object]], expected: Terms) -> None:
    assert terms_of(spec_of(*signals, minReplicas=2)) == expected


@pytest.mark.parametrize(
    ("short", "expected"),
    [
        pytest.param([3, 4, 0], Load(7, 3), id="all replicas reported"),
        pytest.param([3, None, 4], Load(7, 2, 1), id="one is silent"),
        pytest.param([3, math.nan, -1, math.inf], Load(3, 1, 3), id="no number from 0 on is no report"),
        pytest.param(7, Load(7, 2), id="a total counts as reported by the ready ones"),
        pytest.param("Stale", Missing("Stale", "it said so"), id="missing stays missing"),
        pytest.param([None, None], Missing("Empty", "none of 2 replicas reported"), id="all silent"),
        pytest.param([], Missing("NoReplica", "none of 0 replicas reported"), id="nobody there"),
        pytest.param(math.nan, Missing("BadAnswer", "it is nan"), id="a total that is none"),
    ],
)
def test_the_load_is_what_was_reported(short: Short, expected: Load | Missing) -> None:
    assert load_of(seen_of({"Concurrency": short}, ready=2), "Concurrency") == expected


def test_without_the_signal_the_engines_counts_stand_in() -> None:
    seen = seen_of({"Latency": 1.5}, ready=2)
    assert load_of(seen, "Concurrency") == Missing("Empty", "Concurrency was not observed")
    counted = replace(seen, flow=Flow(running=5, waiting=2, finished=100, sampled_at=0))
    assert load_of(counted, "Concurrency") == Load(7, 2)


def test_a_fixed_fleet_stays_as_it_is() -> None:
    fixed: Policy = Static(4)
    assert [fixed.desired(seen_of({"Concurrency": load}), 15.0) for load in (0, 900)] == [Wish(4, "Fixed")] * 2
