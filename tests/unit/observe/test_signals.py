"""What servings read from Prometheus's answers: values, or why there is none, never a wrong zero."""

import asyncio
import math

import pytest

from elastic_serving.api.signals import EffectiveSignal, SignalType
from elastic_serving.api.workload import EngineKind
from elastic_serving.observe.inventory import InFlight, inventory_of
from elastic_serving.observe.prometheus import QueryFailed
from elastic_serving.observe.signals import USER_PATIENCE_SECONDS, Signals, Wanted
from elastic_serving.scaling.model import Inventory, Missing, PerReplica, Reading, Sample
from tests.support.prometheus import ScriptedQueries, replica, series
from tests.unit.observe.pods import SCHEDULED, UID, Pod, at, condition, pod, running

CONCURRENCY = EffectiveSignal("Concurrency", SignalType.CONCURRENCY, target=22.4)
QUEUE = EffectiveSignal("QueueDepth", SignalType.QUEUE_DEPTH, target=4)
NOW = at("10:30:00")
LOADING: Pod = {
    "phase": "Running",
    "conditions": [SCHEDULED, condition("Ready", "False", "10:00:05")],
    "containerStatuses": [running("10:00:20")],
}
AWAY = QueryFailed("Unreachable", "http://prometheus:9090 is unreachable: Connection refused")
FLEET = "vllm:num_requests_running"


def wanted(*signals: EffectiveSignal, engine: EngineKind = EngineKind.VLLM, name: str = "llama") -> Wanted:
    return Wanted("a", name, engine, 32, signals)


def own(query: str, *, interval: int = 15, empty_is_zero: bool = False, name: str = "Own") -> EffectiveSignal:
    return EffectiveSignal(
        name, SignalType.PROMETHEUS, target=4, query=query, interval_seconds=interval, empty_is_zero=empty_is_zero
    )


def seen(*pods: Pod, now: float = NOW) -> Inventory:
    return inventory_of(UID, "llama", pods, at=now)


async def read(
    signals: Signals, signal: EffectiveSignal, inventory: Inventory, now: float = NOW, **rest: EngineKind
) -> Reading:
    serving = wanted(signal, **rest)
    await signals.refresh([serving], now)
    return signals.readings(serving, inventory, now)[0][1]


def scripted() -> tuple[Signals, ScriptedQueries, ScriptedQueries]:
    fleet, users = ScriptedQueries(), ScriptedQueries()
    return Signals(fleet, users), fleet, users


@pytest.mark.promise("B23")
async def test_a_reading_has_one_value_for_each_ready_replica_of_role_serving_and_no_other() -> None:
    signals, fleet, _ = scripted()
    # Replica 1 loads, 2 drains, 3 is ready and was not scraped yet; 9 is of nobody we know.
    fleet.answers[FLEET] = [
        *replica("llama", 0, 7, NOW - 2),
        *replica("llama", 1, 50, NOW - 2),
        *replica("llama", 2, 60, NOW - 2),
        *replica("llama", 9, 70, NOW - 2),
        *replica("llama", 0, 80, NOW - 2, namespace="b"),
    ]
    inventory = seen(pod(0), pod(1, status=LOADING), pod(2, role="draining"), pod(3))
    assert await read(signals, CONCURRENCY, inventory) == PerReplica((("0", 7.0), ("3", None)), NOW - 2)


async def test_an_erlang_signal_reads_what_is_in_flight_and_costs_no_query_of_its_own() -> None:
    signals, fleet, _ = scripted()
    fleet.answers[FLEET] = [*replica("llama", 0, 7, NOW - 2)]
    erlang = EffectiveSignal("Erlang", SignalType.ERLANG, target=32)
    assert await read(signals, erlang, seen(pod(0))) == PerReplica((("0", 7.0),), NOW - 2)


@pytest.mark.promise("U13")
@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        pytest.param(
            [],
            "Empty",
            "Prometheus has no series vllm:num_requests_running and vllm:num_requests_waiting of a ready replica",
            id="empty",
        ),
        pytest.param(
            replica("llama", 0, math.nan, NOW),
            "NaN",
            "vllm:num_requests_running and vllm:num_requests_waiting is not a finite number from 0 on",
            id="NaN",
        ),
        pytest.param(
            replica("llama", 0, math.inf, NOW),
            "NaN",
            "vllm:num_requests_running and vllm:num_requests_waiting is not a finite number from 0 on",
            id="infinite",
        ),
        pytest.param(
            replica("llama", 0, -1, NOW),
            "NaN",
            "vllm:num_requests_running and vllm:num_requests_waiting is not a finite number from 0 on",
            id="negative",
        ),
        pytest.param(
            replica("llama", 0, 0, NOW - 31),
            "Stale",
            "the newest sample of vllm:num_requests_running and vllm:num_requests_waiting is from 10:29:29",
            id="stale: the bound is 30 s",
        ),
        pytest.param(
            replica("llama", 0, 0, at("10:00:19")),
            "Empty",
            "Prometheus has no series vllm:num_requests_running and vllm:num_requests_waiting of a ready replica",
            id="of the pod that had the index before",
        ),
        pytest.param(
            replica("llama", "zero", 0, NOW),
            "Empty",
            "Prometheus has no series vllm:num_requests_running and vllm:num_requests_waiting of a ready replica",
            id="the replica label is no number",
        ),
        pytest.param(
            replica("llama", 0, 0, NOW)[:1],
            "Empty",
            "Prometheus has no series vllm:num_requests_running and vllm:num_requests_waiting of a ready replica",
            id="a value without its time",
        ),
        pytest.param(AWAY, "Unreachable", str(AWAY), id="no answer at all"),
    ],
)
async def test_an_unusable_answer_is_missing_with_its_reason_and_never_zero(
    answer: object, kind: str, reason: str
) -> None:
    signals, fleet, _ = scripted()
    fleet.answers[FLEET] = answer  # type: ignore[assignment]  # rows of several types
    assert await read(signals, CONCURRENCY, seen(pod(0))) == Missing(kind, reason, since=NOW)
    fleet.answers[FLEET] = replica("llama", 0, 7, NOW + 1)
    recovered = await read(signals, CONCURRENCY, seen(pod(0)), NOW + 1)
    assert recovered == PerReplica((("0", 7.0),), NOW + 1)


async def test_without_a_ready_replica_the_engines_series_are_not_missing_but_absent() -> None:
    signals, fleet, _ = scripted()
    fleet.answers[FLEET] = []
    reading = await read(signals, CONCURRENCY, seen(pod(0, status=LOADING)))
    assert reading == Missing("NoReplica", "no replica is ready, so no engine reports")


@pytest.mark.parametrize(
    ("stale_after", "ready_since", "kind"),
    [
        pytest.param(30, "10:29:31", "NotScraped", id="29 s ago: its first scrape may still come"),
        pytest.param(30, "10:29:30", "Empty", id="30 s ago: it should have been scraped long since"),
        pytest.param(5, "10:29:31", "NotScraped", id="29 s ago: Prometheus finds no pod sooner for it"),
        pytest.param(5, "10:29:30", "Empty", id="30 s ago: no scrape at all in six times the bound"),
        pytest.param(90, "10:28:31", "NotScraped", id="89 s ago: whoever lets samples age 90 s scrapes slowly"),
        pytest.param(90, "10:28:30", "Empty", id="90 s ago"),
    ],
)
async def test_a_replica_that_has_just_become_ready_is_not_missing_yet(
    stale_after: float, ready_since: str, kind: str
) -> None:
    fleet = ScriptedQueries()
    signals = Signals(fleet, ScriptedQueries(), stale_after)
    fleet.answers[FLEET] = []
    status = {**LOADING, "conditions": [SCHEDULED, condition("Ready", "True", ready_since)]}
    reading = await read(signals, CONCURRENCY, seen(pod(0, status=status)))
    assert isinstance(reading, Missing)
    assert reading.kind == kind


async def test_a_new_replica_that_was_scraped_and_is_not_any_more_is_missing_at_once() -> None:
    fleet = ScriptedQueries()
    signals = Signals(fleet, ScriptedQueries(), 5)
    new = seen(pod(0, status={**LOADING, "conditions": [SCHEDULED, condition("Ready", "True", "10:29:50")]}))
    fleet.answers[FLEET] = replica("llama", 0, 7, NOW - 9)
    await read(signals, CONCURRENCY, new, NOW - 8)
    fleet.answers[FLEET] = []
    # Ready for 10 s, its last sample is 9 s old: Prometheus found it once, so nothing is left to wait for.
    reading = await read(signals, CONCURRENCY, new, NOW)
    assert isinstance(reading, Missing)
    assert reading.kind == "Empty"


@pytest.mark.promise("U13")
@pytest.mark.parametrize("then", [AWAY, [], replica("llama", 0, math.nan, NOW + 10)], ids=["away", "empty", "NaN"])
async def test_the_last_good_value_stands_with_its_own_age_until_the_bound(then: object) -> None:
    signals, fleet, _ = scripted()
    fleet.answers[FLEET] = replica("llama", 0, 7, NOW - 5)
    await read(signals, CONCURRENCY, seen(pod(0)))
    fleet.answers[FLEET] = then  # type: ignore[assignment]  # rows of several types
    # 25 s after the first look the sample is exactly 30 s old: the last moment it stands.
    assert await read(signals, CONCURRENCY, seen(pod(0)), NOW + 25) == PerReplica((("0", 7.0),), NOW - 5)
    late = await read(signals, CONCURRENCY, seen(pod(0)), NOW + 25.1)
    assert isinstance(late, Missing)
    assert late.since == NOW + 25.1


async def test_a_missing_reading_tells_since_when_and_forgets_it_on_recovery() -> None:
    signals, fleet, _ = scripted()
    fleet.answers[FLEET] = AWAY
    first = await read(signals, CONCURRENCY, seen(pod(0)))
    later = await read(signals, CONCURRENCY, seen(pod(0)), NOW + 60)
    assert isinstance(first, Missing)
    assert isinstance(later, Missing)
    assert (first.since, later.since) == (NOW, NOW)
    fleet.answers[FLEET] = replica("llama", 0, 7, NOW + 61)
    await read(signals, CONCURRENCY, seen(pod(0)), NOW + 61)
    fleet.answers[FLEET] = AWAY
    again = await read(signals, CONCURRENCY, seen(pod(0)), NOW + 120)
    assert isinstance(again, Missing)
    assert again.since == NOW + 120


@pytest.mark.promise("U15")
async def test_the_fleet_costs_one_query_per_engine_and_signal_however_many_servings() -> None:
    signals, fleet, users = scripted()
    fleet.answers = {"vllm:num_requests_running": [], "tgi_queue_size": []}
    servings = [wanted(CONCURRENCY, name=f"s{i}") for i in range(100)]
    tgi = [wanted(CONCURRENCY, name=f"t{i}", engine=EngineKind.TGI) for i in range(100)]
    await signals.refresh([*servings, *tgi], NOW)
    assert len(fleet.asked) == 2
    assert users.asked == []


async def test_running_and_waiting_are_read_even_if_no_signal_wants_them_for_drains_and_victims() -> None:
    signals, fleet, users = scripted()
    fleet.answers[FLEET] = [*replica("llama", 0, 7, NOW - 2), *replica("llama", 2, 0, NOW - 3)]
    users.answers["up"] = [series(1)]
    serving = wanted(own("up"))
    await signals.refresh([serving], NOW)
    assert signals.in_flight(serving) == {0: InFlight(7.0, NOW - 2), 2: InFlight(0.0, NOW - 3)}
    assert signals.in_flight(wanted(name="unheard-of")) == {}


async def test_what_a_replica_had_in_flight_is_forgotten_when_it_is_older_than_the_bound() -> None:
    signals, fleet, _ = scripted()
    fleet.answers[FLEET] = replica("llama", 0, 7, NOW)
    await signals.refresh([wanted()], NOW)
    fleet.answers[FLEET] = []
    await signals.refresh([wanted()], NOW + 30)
    assert signals.in_flight(wanted()) == {0: InFlight(7.0, NOW)}
    await signals.refresh([wanted()], NOW + 30.1)
    assert signals.in_flight(wanted()) == {}


async def test_an_engine_that_counts_slots_by_share_is_read_in_requests() -> None:
    signals, fleet, _ = scripted()
    # 3 wait, a quarter of 32 slots is used: 3 + 0.25 x 32 = 11.
    fleet.answers["jetstream"] = replica("llama", 0, 3, NOW - 1, share=0.25)
    reading = await read(signals, CONCURRENCY, seen(pod(0)), engine=EngineKind.JETSTREAM)
    assert reading == PerReplica((("0", 11.0),), NOW - 1)


async def test_an_engine_without_its_share_is_missing_rather_than_half_counted() -> None:
    signals, fleet, _ = scripted()
    fleet.answers["jetstream"] = replica("llama", 0, 3, NOW - 1)
    reading = await read(signals, CONCURRENCY, seen(pod(0)), engine=EngineKind.JETSTREAM)
    assert isinstance(reading, Missing)
    assert reading.kind == "Empty"


async def test_an_engine_without_known_metrics_is_refused_with_a_sentence_and_never_asked_for() -> None:
    signals, fleet, _ = scripted()
    reading = await read(signals, QUEUE, seen(pod(0)), engine=EngineKind.GENERIC)
    sentence = "engine.kind Generic has no known metrics for QueueDepth: use a signal of type Prometheus"
    assert reading == Missing("Refused", sentence, since=NOW)
    assert fleet.asked == []


@pytest.mark.promise("B22")
async def test_a_queue_outside_the_engines_is_read_through_promql_with_no_replica_at_all() -> None:
    signals, fleet, users = scripted()
    fleet.answers[FLEET] = []
    users.answers["gateway_waiting"] = [series(9, es_part="value"), series(NOW - 4, es_part="sampled_at")]
    assert await read(signals, own("sum(gateway_waiting)"), seen()) == Sample(9.0, NOW - 4)


@pytest.mark.promise("U13")
@pytest.mark.parametrize(
    ("answer", "empty_is_zero", "expected"),
    [
        pytest.param([], False, Missing("Empty", "the query has no result", NOW), id="empty is missing"),
        pytest.param([], True, Sample(0.0, NOW), id="empty is 0 where the user says so"),
        pytest.param(
            [series(math.nan)],
            True,
            Missing("NaN", "the query returns nan, not a finite number", NOW),
            id="NaN is missing even then",
        ),
        pytest.param(AWAY, True, Missing("Unreachable", str(AWAY), NOW), id="no answer is missing even then"),
        pytest.param(
            [series(1, pod="a"), series(2, pod="b")],
            False,
            Missing("BadAnswer", "the query returns more than one series: aggregate it, for instance with sum()", NOW),
            id="two series are no number",
        ),
        pytest.param(
            [series(5, es_part="value"), series(NOW - 46, es_part="sampled_at")],
            False,
            Missing("Stale", "the newest sample of the query is from 10:29:14", NOW),
            id="older than interval 15 s and bound 30 s",
        ),
        pytest.param(
            [series(5, es_part="value"), series(NOW - 45, es_part="sampled_at")],
            False,
            Sample(5.0, NOW - 45),
            id="exactly as old as they allow",
        ),
        pytest.param([series(-3)], False, Sample(-3.0, NOW), id="a level may be negative"),
    ],
)
async def test_an_own_query_is_a_number_or_missing(answer: object, empty_is_zero: bool, expected: Reading) -> None:
    signals, fleet, users = scripted()
    fleet.answers[FLEET] = []
    users.answers["anything"] = answer  # type: ignore[assignment]  # rows of several types
    assert await read(signals, own("anything", empty_is_zero=empty_is_zero), seen()) == expected


@pytest.mark.promise("U13")
async def test_an_own_query_keeps_its_last_good_number_through_a_blind_moment() -> None:
    signals, fleet, users = scripted()
    fleet.answers[FLEET] = []
    users.answers["anything"] = [series(5)]
    assert await read(signals, own("anything"), seen()) == Sample(5.0, NOW)
    users.answers["anything"] = []
    assert await read(signals, own("anything"), seen(), NOW + 30) == Sample(5.0, NOW)
    assert len(users.asked) == 2
    # 15 s interval + 30 s bound after it was good.
    gone = await read(signals, own("anything"), seen(), NOW + 45.1)
    assert gone == Missing("Empty", "the query has no result", NOW + 45.1)


@pytest.mark.promise("U15")
async def test_equal_queries_of_many_servings_are_asked_once_per_interval() -> None:
    signals, fleet, users = scripted()
    fleet.answers[FLEET] = []
    users.answers["gateway_waiting"] = [series(9)]
    servings = [wanted(own("sum(gateway_waiting)", interval=15 + i), name=f"s{i}") for i in range(100)]
    for second in range(60):
        await signals.refresh(servings, NOW + second)
    # At once, then every 15 s (the shortest interval) at the text's own phase: 4 more times in 60 s.
    assert len(users.asked) == 5
    readings = [signals.readings(serving, seen(), NOW + 59)[0][1] for serving in servings]
    assert all(isinstance(reading, Sample) and reading.value == 9.0 for reading in readings)


@pytest.mark.promise("U15")
async def test_a_thousand_queries_of_one_interval_spread_over_it() -> None:
    signals, _, users = scripted()
    users.answers["metric_"] = [series(1)]
    serving = wanted(*(own(f"metric_{i}", interval=20, name=f"n{i}") for i in range(1000)), engine=EngineKind.GENERIC)
    await signals.refresh([serving], NOW)
    per_second = []
    for second in range(1, 41):
        before = len(users.asked)
        await signals.refresh([serving], NOW + second)
        per_second.append(len(users.asked) - before)
    # 1000 queries over 20 s: 50 a second, each asked once in each interval.
    assert sum(per_second[:20]) == sum(per_second[20:]) == 1000
    assert max(per_second) <= 100


async def test_a_slow_own_query_holds_up_one_tick_by_a_tenth_of_a_second_and_is_read_when_it_comes() -> None:
    signals, fleet, users = scripted()
    fleet.answers[FLEET] = replica("llama", 0, 7, NOW - 2)
    arrives = asyncio.Event()
    users.answers["slow"] = arrives
    serving = wanted(CONCURRENCY, own("slow"))
    await signals.refresh([serving], NOW)
    assert signals.readings(serving, seen(pod(0)), NOW) == (
        ("Concurrency", PerReplica((("0", 7.0),), NOW - 2)),
        ("Own", Missing("NotAsked", "the query has not been answered yet", NOW)),
    )
    began = asyncio.get_running_loop().time()
    for second in range(1, 11):
        await signals.refresh([serving], NOW + second)
    # What was late once is not waited for again: ten refreshes, not ten tenths of a second.
    assert asyncio.get_running_loop().time() - began < USER_PATIENCE_SECONDS * 5
    arrives.set()
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))
    await signals.refresh([serving], NOW + 11)
    assert signals.readings(serving, seen(pod(0)), NOW + 11)[1][1] == Missing("Empty", "the query has no result", NOW)
    assert len(users.asked) == 1


async def test_a_query_nobody_wants_any_more_is_given_up() -> None:
    signals, _, users = scripted()
    users.answers["slow"] = asyncio.Event()
    await signals.refresh([wanted(own("slow"), engine=EngineKind.GENERIC)], NOW)
    await signals.refresh([wanted(engine=EngineKind.GENERIC)], NOW + 1)
    await asyncio.sleep(0)
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []
