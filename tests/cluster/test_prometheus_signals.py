"""Signals from a real Prometheus: true ages, death and return of targets and of Prometheus itself."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from dev.controlplane.build import find_tools
from elastic_serving.api.signals import EffectiveSignal, SignalType
from elastic_serving.api.workload import EngineKind
from elastic_serving.observe.access import PrometheusAccess
from elastic_serving.observe.prometheus import Prometheus
from elastic_serving.observe.signals import Signals, Wanted
from elastic_serving.scaling.model import Host, Inventory, Missing, PerReplica, Phase, Reading, Replica, Role, Sample
from tests.support.cluster import eventually
from tests.support.prometheus_process import RealPrometheus, Target, exposition, page, real_prometheus
from tests.support.prometheus_server import StandIn

pytestmark = pytest.mark.cluster

CONCURRENCY = EffectiveSignal("Concurrency", SignalType.CONCURRENCY, target=22.4)
QUEUE = EffectiveSignal(
    "Queue", SignalType.PROMETHEUS, target=4, query='sum(gateway_waiting{model="llama"})', interval_seconds=1
)
WANTED = Wanted("team-a", "llama", EngineKind.VLLM, 32, (CONCURRENCY, QUEUE))
GATEWAY = 'gateway_waiting{model="llama"} 9\n'


def engine(running: float) -> str:
    return f"vllm:num_requests_running {running}\nvllm:num_requests_waiting 0\n"


def inventory(*indices: int) -> Inventory:
    """Ready replicas whose containers have run for an hour."""
    began = time.time() - 3600
    hosts = [Host(0, f"llama-{i}-0", f"uid-{i}", "1", Phase.READY, began, began, False, False) for i in indices]
    replicas = [Replica(i, Role.SERVING, "r1", (host,), 1) for i, host in zip(indices, hosts, strict=True)]
    return Inventory(time.time(), tuple(replicas))


@dataclass(frozen=True, slots=True)
class Pages:
    """What the targets expose: a leader with 7 requests, a gateway in which 9 wait, and a leader without metrics."""

    leader: StandIn
    gateway: StandIn
    silent: StandIn


@pytest.fixture
def pages() -> Iterator[Pages]:
    with page(engine(7)) as leader, page(GATEWAY) as gateway, page("other 1\n") as silent:
        yield Pages(leader, gateway, silent)


@pytest.fixture
def prometheus(pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    """A Prometheus that has scraped them all."""
    targets = (Target("llama", "0", pages.leader), Target("llama", "1", pages.silent), Target("", "", pages.gateway))
    with real_prometheus(find_tools(), tmp_path_factory.mktemp("prometheus"), *targets) as started:
        started.await_series("count(up == 1) == 3")
        yield started


@asynccontextmanager
async def signals_of(url: str, stale_after_seconds: float = 30.0) -> AsyncIterator[Signals]:
    fleet, users = (Prometheus(PrometheusAccess(url, timeout_seconds=2.0)) for _ in range(2))
    signals = Signals(fleet, users, stale_after_seconds)
    try:
        yield signals
    finally:
        await signals.aclose()
        fleet.close()
        users.close()


async def read(signals: Signals, *indices: int, query: str = QUEUE.query) -> dict[str, Reading]:
    now = time.time()
    wanted = replace(WANTED, signals=(CONCURRENCY, replace(QUEUE, query=query)))
    await signals.refresh([wanted], now)
    return dict(signals.readings(wanted, inventory(*indices), now))


@pytest.mark.promise("B22")
async def test_a_queue_is_read_with_no_replica_and_ages_are_those_of_the_scrapes(prometheus: RealPrometheus) -> None:
    async with signals_of(prometheus.url) as signals:
        readings = await read(signals)
        now = time.time()
    concurrency = readings["Concurrency"]
    assert isinstance(concurrency, Missing)
    assert concurrency.kind == "NoReplica"
    queue = readings["Queue"]
    assert isinstance(queue, Sample)
    assert queue.value == 9.0
    # Scraped some scrapes of 0.2 s ago at most; that it is the scrape's time, the next test shows.
    assert now - 5 < queue.sampled_at <= now


@pytest.mark.promise("U13")
async def test_the_age_of_a_reading_is_that_of_its_oldest_sample_not_of_the_query(
    prometheus: RealPrometheus, pages: Pages
) -> None:
    running_at, waiting_at, queued_at = (float(round(time.time()) - age) for age in (20, 10, 15))
    # An exposition may date its samples: these are as old as if they had been scraped then.
    pages.silent.reply = exposition(
        f"vllm:num_requests_running 5 {running_at:.0f}000\n"
        f"vllm:num_requests_waiting 1 {waiting_at:.0f}000\n"
        f"gateway_dated 4 {queued_at:.0f}000\n"
    )
    prometheus.await_series("gateway_dated")
    async with signals_of(prometheus.url) as signals:
        readings = await read(signals, 1, query="sum(gateway_dated)")
    assert readings == {"Concurrency": PerReplica((("1", 6.0),), running_at), "Queue": Sample(4.0, queued_at)}
    async with signals_of(prometheus.url, stale_after_seconds=12.0) as strict:
        stale = (await read(strict, 1))["Concurrency"]
    assert isinstance(stale, Missing)
    assert stale.kind == "Stale"


@pytest.mark.promise("U13")
async def test_a_sample_that_no_longer_comes_ages_and_then_is_missing(prometheus: RealPrometheus, pages: Pages) -> None:
    async with signals_of(prometheus.url, stale_after_seconds=2.0) as signals:
        first = await read(signals, 0)
        assert isinstance(first["Concurrency"], PerReplica)
        assert first["Concurrency"].values == (("0", 7.0),)
        # From here on the engine answers, but without its metrics: Prometheus marks the series as gone.
        pages.leader.reply = exposition("other 1\n")

        async def is_missing() -> Reading | None:
            reading = (await read(signals, 0))["Concurrency"]
            if isinstance(reading, PerReplica):
                assert reading.values == (("0", 7.0),), "a vanished series must not become another number"
                assert time.time() - reading.sampled_at < 2.5
                return None
            return reading

        missing = await eventually(is_missing)
        assert isinstance(missing, Missing)
        assert missing.kind == "Empty"
        pages.leader.reply = exposition(engine(3))
        back = await eventually(lambda: _fresh(signals))
        assert isinstance(back, PerReplica)
        assert back.values == (("0", 3.0),)


async def _fresh(signals: Signals) -> PerReplica | None:
    reading = (await read(signals, 0))["Concurrency"]
    return reading if isinstance(reading, PerReplica) else None


async def test_a_prometheus_that_ends_is_missed_after_the_bound_and_nothing_else_happens(
    prometheus: RealPrometheus,
) -> None:
    async with signals_of(prometheus.url, stale_after_seconds=1.0) as signals:
        await read(signals, 0)
        prometheus.process.stop(patience_seconds=5)

        async def is_missing() -> Missing | None:
            reading = (await read(signals, 0))["Concurrency"]
            return reading if isinstance(reading, Missing) else None

        missing = await eventually(is_missing)
    assert isinstance(missing, Missing)
    assert (missing.kind, missing.reason) == ("Unreachable", f"{prometheus.url} is unreachable: Connection refused")


async def test_a_wrong_query_is_refused_in_prometheus_own_words(prometheus: RealPrometheus) -> None:
    wrong = EffectiveSignal("Queue", SignalType.PROMETHEUS, target=4, query="sum(gateway_waiting", interval_seconds=1)
    serving = Wanted("team-a", "llama", EngineKind.GENERIC, 32, (wrong,))
    async with signals_of(prometheus.url) as signals:
        await signals.refresh([serving], time.time())
        [(_, reading)] = signals.readings(serving, inventory(), time.time())
    assert isinstance(reading, Missing)
    assert reading.kind == "Refused"
    assert reading.reason.startswith(f"{prometheus.url} answered HTTP 400, bad_data: ")
    assert "unclosed left parenthesis" in reading.reason


async def test_a_query_of_many_series_is_refused_without_fetching_them_all(prometheus: RealPrometheus) -> None:
    many = EffectiveSignal(
        "Queue", SignalType.PROMETHEUS, target=4, query='{__name__=~"vllm:.+|up|scrape_.+"}', interval_seconds=1
    )
    serving = Wanted("team-a", "llama", EngineKind.GENERIC, 32, (many,))
    async with signals_of(prometheus.url) as signals:
        await signals.refresh([serving], time.time())
        [(_, reading)] = signals.readings(serving, inventory(), time.time())
    assert isinstance(reading, Missing)
    assert (reading.kind, reading.reason) == (
        "BadAnswer",
        "the query returns more than one series: aggregate it, for instance with sum()",
    )
