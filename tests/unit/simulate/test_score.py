"""What a run was worth: every number of a score worked out by hand on runs of a few seconds."""

import math
import time

import numpy as np
import pytest

from elastic_serving.simulate.result import Change, Requests, Run
from elastic_serving.simulate.score import Objective, Score, needed, quantile, related, score
from tests.support.runs import requests_at, run_of, timeline_of

INF = math.inf


def scored(
    waits: list[float], objective: Objective | None = None, *, service: float = 1.0, prefill: float = 0.0
) -> Score:
    """The score of requests one second apart that waited so long, with one output token each."""
    run = run_of(waits, timeline_of([1] * len(waits)), service=service, prefill=prefill)
    return score(run, requests_at(*range(len(waits))), slots=1, objective=objective or Objective())


@pytest.mark.parametrize(
    ("waits", "share"),
    [
        pytest.param([0, 0, 0, 0], 1.0, id="nobody waited"),
        pytest.param([0, 5.0, 5.1, 9], 0.5, id="the bound is in time"),
        pytest.param([0, INF, INF, 1], 0.5, id="never served is not in time"),
    ],
)
def test_attainment_is_the_share_that_got_a_slot_in_time(waits: list[float], share: float) -> None:
    assert scored(waits).wait_attainment == share


@pytest.mark.parametrize(
    ("objective", "share"),
    [
        # TTFT is wait + 0.5 s prefill + one token of 0.5 s: 1, 3, 4 and never.
        pytest.param(Objective(ttft_seconds=3), 0.5, id="first token"),
        pytest.param(Objective(tpot_seconds=0.5), 0.75, id="each token, of those that were served"),
        pytest.param(Objective(tpot_seconds=0.4), 0.0, id="no token in time"),
        pytest.param(Objective(ttft_seconds=9, tpot_seconds=0.4), 0.0, id="both must be met"),
        pytest.param(Objective(), None, id="not asked"),
    ],
)
def test_token_attainment_is_the_share_that_met_all_that_was_asked(objective: Objective, share: float | None) -> None:
    assert scored([0, 2, 3, INF], objective, service=1.0, prefill=0.5).token_attainment == share


def test_time_per_token_is_the_rest_of_the_service_over_the_tokens() -> None:
    # 0.03 s prefill, 50 tokens of 20 ms: as floats (1.03 - 0.03) / 50 is a little above 0.02.
    run = run_of([0], timeline_of([1]), service=1.03, prefill=0.03)
    result = score(run, requests_at(0, output_tokens=50), slots=1, objective=Objective(tpot_seconds=0.02))
    assert result.token_attainment == 1
    assert result.ttft_p50_seconds == pytest.approx(0.05)


def test_quantiles_are_by_nearest_rank_and_none_where_that_request_was_never_served() -> None:
    waits = np.array([4.0, 1.0, INF, 2.0])
    assert quantile(waits, 0.5) == 2
    assert quantile(waits, 0.75) == 4
    assert quantile(waits, 0.99) is None
    result = scored([4, 1, INF, 2], service=1.0, prefill=0.5)
    assert (result.wait_p50_seconds, result.wait_p99_seconds) == (2, None)
    assert (result.ttft_p50_seconds, result.ttft_p99_seconds) == (3, None)
    assert result.dropped == 1


def test_a_minute_is_missed_where_less_than_99_of_100_met_the_wait() -> None:
    # Minute 0: 1 of 100 late, which is allowed. Minute 1: 1 of 99 late. Minute 2: nobody came. Minute 3: all late.
    arrived = [*np.linspace(0, 59, 100), *np.linspace(60, 119, 99), 185.0]
    waits = [6.0, *[0.0] * 99, 6.0, *[0.0] * 98, INF]
    run = run_of(waits, timeline_of([1] * 240))
    assert score(run, requests_at(*arrived), slots=1, objective=Objective()).missed_minutes == 2


@pytest.mark.parametrize(
    ("times", "need"),
    [
        # In a slot at 1, 2, 3, 4 s with 1.5 s each: 3 (0.2, 0.4, 1.0), 1 (1.0 until 2.5), 0, 0.
        pytest.param([0.2, 0.4, 1.0], [2, 1, 0, 0], id="rounded up to whole replicas"),
        pytest.param([], [0, 0, 0, 0], id="nobody"),
        # Until 5.1 s: it ends after the run.
        pytest.param([3.6, 9.0], [0, 0, 0, 1], id="after the end"),
        pytest.param([0.5], [1, 0, 0, 0], id="gone at 2.0 s"),
    ],
)
def test_need_is_the_load_without_a_queue(times: list[float], need: list[int]) -> None:
    assert needed(requests_at(*times), np.full(len(times), 1.5), 2, 4).tolist() == need


@pytest.mark.promise("M10")
def test_over_and_under_provisioning_are_replica_hours_against_the_need() -> None:
    # Two requests for the whole four seconds, one slot each: the need is 2. Ready 0 1 3 3, starting 2 1 0 1:
    # above it 0, 0, 1, 2 replica-seconds; below it 2, 1, 0, 0.
    timeline = timeline_of([0, 1, 3, 3], starting=[2, 1, 0, 1])
    run = run_of([0, 0], timeline, service=100.0)
    result = score(run, requests_at(0.0, 0.1), slots=1, objective=Objective())
    assert result.over_provisioned_hours == pytest.approx(3 / 3600)
    assert result.under_provisioned_hours == pytest.approx(3 / 3600)
    assert result.replica_hours == pytest.approx(11 / 3600)
    assert result.peak_desired == 4


def test_scale_events_are_the_changes_of_desired() -> None:
    changes = [Change(1.0, 1, 3, "Concurrency", ()), Change(2.0, 3, 1, "Concurrency", ())]
    run = run_of([0], timeline_of([1, 3, 1]), changes=changes)
    assert score(run, requests_at(0), slots=1, objective=Objective()).scale_events == 2


def test_costs_are_told_against_static_and_oracle() -> None:
    def policy(name: str, replicas: int) -> Score:
        run = run_of([0], timeline_of([replicas] * 3600), policy=name)
        return score(run, requests_at(0), slots=1, objective=Objective())

    ours, static, oracle = related([policy("ours", 3), policy("static", 4), policy("oracle", 2)])
    assert (ours.cost_to_static, ours.cost_to_oracle) == (0.75, 1.5)
    assert (static.cost_to_static, oracle.cost_to_oracle) == (1, 1)
    (alone,) = related([policy("ours", 3)])
    assert (alone.cost_to_static, alone.cost_to_oracle) == (None, None)


def test_a_million_requests_are_scored_within_a_second() -> None:
    # A day of 200 a second is 17 million.
    count = 1_000_000
    ones = np.ones(count, dtype=np.int64)
    arrived = np.linspace(0, 5000, count)
    run = Run("ours", arrived % 7, np.full(count, 1.0), np.full(count, 0.5), timeline_of([200] * 5000), (), 1e6, 5000.0)
    began = time.process_time()
    score(run, Requests(arrived, ones, ones), slots=1, objective=Objective(ttft_seconds=1))
    assert time.process_time() - began < 1.0
