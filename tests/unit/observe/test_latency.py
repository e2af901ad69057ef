"""Histograms: who kept a budget, and what is not known."""

import math

import pytest

from elastic_serving.api.signals import EffectiveSignal, SignalType
from elastic_serving.api.workload import EngineKind
from elastic_serving.observe.inventory import inventory_of
from elastic_serving.observe.latency import Latencies, latency_of, parse_latencies, quantile, share_within
from elastic_serving.observe.prometheus import QueryFailed
from elastic_serving.observe.series import Series
from elastic_serving.observe.signals import Signals, Wanted
from elastic_serving.scaling.model import Latency, PerReplica
from tests.support.prometheus import ScriptedQueries, replica, series
from tests.unit.observe.pods import UID, at, pod

NOW = at("10:30:00")
HISTOGRAM = ((1.0, 2.0), (3.0, 6.0), (math.inf, 8.0))
BOTH = EffectiveSignal("Latency", SignalType.LATENCY, 22.4, ttft_seconds=2.0, tpot_seconds=0.125, percentile=75.0)


@pytest.mark.parametrize(
    ("bound", "share"),
    [
        pytest.param(1.0, 0.25, id="at a bound: 2 of 8"),
        pytest.param(2.0, 0.5, id="between two: 2 and half of 4"),
        pytest.param(0.5, 0.125, id="the first bucket begins at 0: half of 2"),
        pytest.param(3.0, 0.75, id="at the last finite bound"),
        pytest.param(100.0, 0.75, id="beyond it nobody knows: no"),
    ],
)
def test_a_budget_is_kept_by_what_is_below_it(bound: float, share: float) -> None:
    assert share_within(HISTOGRAM, bound) == share


@pytest.mark.parametrize(
    ("share", "value"),
    [
        pytest.param(0.25, 1.0, id="2 of 8"),
        pytest.param(0.5, 2.0, id="4 of 8: the middle of the second bucket"),
        pytest.param(0.125, 0.5, id="1 of 8"),
        pytest.param(0.99, 3.0, id="in the infinite one: its lower bound"),
    ],
)
def test_a_percentile_is_interpolated_as_prometheus_does(share: float, value: float) -> None:
    assert quantile(HISTOGRAM, share) == value


@pytest.mark.parametrize("histogram", [(), ((1.0, 0.0), (math.inf, 0.0)), ((1.0, 3.0),)], ids=["none", "0", "no inf"])
def test_nothing_is_known_of_no_request(histogram: tuple[tuple[float, float], ...]) -> None:
    assert share_within(histogram, 1.0) is None
    assert quantile(histogram, 0.5) is None


def bucket(part: str, le: str, count: float, name: str = "llama") -> Series:
    return series(count, namespace="a", elasticserving=name, es_part=part, le=le)


ANSWER = [
    series(NOW - 2, namespace="a", elasticserving="llama", es_part="sampled_at"),
    *(bucket("ttft", le, count) for le, count in (("+Inf", 8.0), ("1.0", 2.0), ("3.0", 6.0))),
    *(bucket("tpot", le, count) for le, count in (("0.0625", 6.0), ("0.125", 7.0), ("+Inf", 8.0))),
    bucket("ttft", "1.0", 9.0, name="untimed"),
    bucket("ttft", "many", 9.0),
    bucket("ttft", "2.0", math.nan),
]


def test_both_budgets_are_kept_by_what_surely_kept_both() -> None:
    found = parse_latencies(ANSWER)
    assert set(found) == {("a", "llama")}
    # A half misses 2 s, an eighth 0.125 s: at most 5/8 miss any. p75: 6 of 8 are at most 3 s, and at most 0.0625 s.
    assert latency_of(found["a", "llama"], BOTH, oldest=NOW - 30) == Latency(0.375, NOW - 2, 3.0, 0.0625)


@pytest.mark.parametrize(
    ("seen", "oldest"),
    [
        pytest.param(None, NOW, id="never seen"),
        pytest.param(Latencies(NOW - 31, {"ttft": HISTOGRAM, "tpot": HISTOGRAM}), NOW - 30, id="too old"),
        pytest.param(Latencies(NOW, {"ttft": HISTOGRAM}), NOW - 30, id="one budget without a histogram"),
    ],
)
def test_a_latency_is_unknown_rather_than_guessed(seen: Latencies | None, oldest: float) -> None:
    assert latency_of(seen, BOTH, oldest) is None


@pytest.mark.promise("U18")
async def test_a_latency_stands_beside_what_is_in_flight_for_one_more_query() -> None:
    fleet, users = ScriptedQueries(), ScriptedQueries()
    signals = Signals(fleet, users)
    fleet.answers["num_requests_running"] = replica("llama", 0, 7, NOW - 1)
    fleet.answers["time_to_first_token_seconds_bucket"] = ANSWER
    wanted = [Wanted("a", name, EngineKind.VLLM, 32, (BOTH,)) for name in ("llama", "other")]
    inventory = inventory_of(UID, "llama", [pod(0)], at=NOW)
    await signals.refresh(wanted, NOW)
    expected = PerReplica((("0", 7.0),), NOW - 1, Latency(0.375, NOW - 2, 3.0, 0.0625))
    assert signals.readings(wanted[0], inventory, NOW) == (("Latency", expected),)
    assert len(fleet.asked) == 2
    fleet.answers["time_to_first_token_seconds_bucket"] = QueryFailed("Timeout", "it did not answer")
    await signals.refresh(wanted, NOW + 20)
    fleet.answers["num_requests_running"] = replica("llama", 0, 7, NOW + 28.5)
    await signals.refresh(wanted, NOW + 28.5)
    ((_, later),) = signals.readings(wanted[0], inventory, NOW + 28.5)
    assert isinstance(later, PerReplica)
    assert later.latency is None
