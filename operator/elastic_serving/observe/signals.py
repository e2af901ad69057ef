"""The signals of all servings, read in one go: a grouped query per engine and signal, users' own queries beside them.

Per tick the fleet costs one query for each pair of engine and signal, however many servings there are. Users' queries
are shared by text and never hold up the tick: what is late is taken at the next one.

Every sample keeps the time it was scraped. One failed, empty or NaN answer does not blind us: the last good sample
stands until it is older than ``stale_after_seconds``; then the reading is Missing, for the reason of the newest answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from elastic_serving.api.signals import EffectiveSignal, SignalType
from elastic_serving.api.workload import EngineKind
from elastic_serving.errors import InvalidSpec
from elastic_serving.observe.catalogue import ENGINES, fleet_query, metric_names, read_as
from elastic_serving.observe.fleet import FleetAnswer, ReplicaSample, merge, parse_fleet, read_serving
from elastic_serving.observe.inventory import InFlight
from elastic_serving.observe.latency import Latencies, latency_of, parse_latencies
from elastic_serving.observe.prometheus import Queries, QueryFailed
from elastic_serving.observe.userquery import UserQueries
from elastic_serving.scaling.model import NOT_ASKED, NOT_SCRAPED, Inventory, Missing, PerReplica, Reading
from elastic_serving.scaling.recommend import NO_REPLICA

STALE_AFTER_SECONDS: Final = 30.0
"""Two scrapes at the usual 15 s: one may fail, and an older sample describes another load."""
USER_PATIENCE_SECONDS: Final = 0.1
"""An ordinary query answers in tens of milliseconds, in the same tick; a slow one costs a tenth of a tick, once."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one serving needs: its engine's counts always (drains and victims look at them), and its signals."""

    namespace: str
    name: str
    engine: EngineKind
    slots: int
    signals: tuple[EffectiveSignal, ...] = ()


@dataclass(slots=True)
class Signals:
    """What Prometheus last said of everybody. ``refresh`` asks, ``readings`` and ``in_flight`` read, without I/O.

    ``fleet`` and ``users`` should be two clients, so that users' heavy queries cannot take the threads of the fleet's.
    """

    fleet: Queries
    users: Queries
    stale_after_seconds: float = STALE_AFTER_SECONDS
    _answers: dict[tuple[EngineKind, SignalType], FleetAnswer] = field(default_factory=dict)
    _latencies: dict[EngineKind, dict[tuple[str, str], Latencies]] = field(default_factory=dict)
    _own: UserQueries = field(init=False)
    _missing_since: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._own = UserQueries(self.users, self.stale_after_seconds)

    async def refresh(self, wanted: Sequence[Wanted], now: float) -> None:
        """Ask everything ``wanted`` needs at ``now`` (epoch seconds): bounded by the clients' timeout, never raises."""
        pairs = {pair for serving in wanted for pair in _pairs(serving)}
        own = [s for serving in wanted for s in serving.signals if s.type is SignalType.PROMETHEUS]
        async with asyncio.TaskGroup() as group:
            for engine, signal in sorted(pairs):
                group.create_task(self._ask(engine, signal, now))
            group.create_task(self._own.refresh(own, now, patience_seconds=USER_PATIENCE_SECONDS))
        self._answers = {pair: answer for pair, answer in self._answers.items() if pair in pairs}
        names = {(serving.namespace, serving.name) for serving in wanted}
        self._latencies = {
            engine: {key: seen for key, seen in found.items() if key in names}
            for engine, found in self._latencies.items()
            if (engine, SignalType.LATENCY) in pairs
        }
        self._missing_since = {key: at for key, at in self._missing_since.items() if key[:2] in names}

    def readings(self, serving: Wanted, inventory: Inventory, now: float) -> tuple[tuple[str, Reading], ...]:
        """One reading for each signal of ``serving`` that is measured (a Combined one is not), in their order; a
        missing one tells since when it is."""
        measured = (signal for signal in serving.signals if signal.type is not SignalType.COMBINED)
        return tuple((signal.name, self._dated(serving, signal, inventory, now)) for signal in measured)

    def samples(self, serving: Wanted) -> Mapping[int, ReplicaSample]:
        """What the engines last counted, by replica index, ready or draining; absent where unknown."""
        answer = self._answers.get((serving.engine, SignalType.CONCURRENCY), FleetAnswer())
        return answer.samples.get((serving.namespace, serving.name), {})

    def in_flight(self, serving: Wanted) -> dict[int, InFlight]:
        """Requests running and waiting by replica index, ready or draining; absent where unknown, never 0 for it."""
        samples = self.samples(serving).items()
        return {i: InFlight(sample.requests(serving.slots), sample.at) for i, sample in samples}

    async def aclose(self) -> None:
        """Give up what is still being asked. The clients are the caller's to close."""
        await self._own.aclose()

    async def _ask(self, engine: EngineKind, signal: SignalType, now: float) -> None:
        if signal is SignalType.LATENCY:
            await self._ask_latencies(engine)
            return
        with_share = bool(ENGINES[engine].running_share) and signal is SignalType.CONCURRENCY
        try:
            answer = parse_fleet(await self.fleet.query(fleet_query(engine, signal)), with_share=with_share)
        except QueryFailed as failure:
            answer = FleetAnswer(failure=Missing(failure.kind, str(failure)))
        before = self._answers.get((engine, signal), FleetAnswer())
        self._answers[engine, signal] = merge(before, answer, oldest=now - self.stale_after_seconds, now=now)

    async def _ask_latencies(self, engine: EngineKind) -> None:
        """Without an answer the last one stands until it is too old; then nothing is learned."""
        try:
            found = parse_latencies(await self.fleet.query(fleet_query(engine, SignalType.LATENCY)))
        except QueryFailed:
            return
        self._latencies[engine] = {**self._latencies.get(engine, {}), **found}

    def _dated(self, serving: Wanted, signal: EffectiveSignal, inventory: Inventory, now: float) -> Reading:
        key = (serving.namespace, serving.name, signal.name)
        reading = self._read(serving, signal, inventory, now)
        if isinstance(reading, Missing) and reading.kind not in (NO_REPLICA, NOT_SCRAPED):
            return replace(reading, since=self._missing_since.setdefault(key, now))
        self._missing_since.pop(key, None)
        return reading

    def _read(self, serving: Wanted, signal: EffectiveSignal, inventory: Inventory, now: float) -> Reading:
        if signal.type is SignalType.PROMETHEUS:
            return self._own.read(signal, now)
        asked = read_as(signal.type)
        try:
            fleet_query(serving.engine, asked)
        except InvalidSpec as refusal:
            return Missing("Refused", str(refusal))
        key, oldest = (serving.namespace, serving.name), now - self.stale_after_seconds
        # A latency budget is kept by so many requests in flight: its load is that of Concurrency.
        load = SignalType.CONCURRENCY if asked is SignalType.LATENCY else asked
        reading = read_serving(
            self._answers.get((serving.engine, load), _NOT_ASKED),
            key,
            inventory,
            slots=serving.slots,
            now=now,
            stale_after_seconds=self.stale_after_seconds,
            metrics=" and ".join(metric_names(serving.engine, load)),
        )
        if load is asked or not isinstance(reading, PerReplica):
            return reading
        latency = latency_of(self._latencies.get(serving.engine, {}).get(key), signal, oldest)
        return replace(reading, latency=latency)


_NOT_ASKED: Final = FleetAnswer(failure=Missing(NOT_ASKED, "Prometheus has not been asked yet"))


def _pairs(serving: Wanted) -> set[tuple[EngineKind, SignalType]]:
    """The grouped queries a serving takes part in: none for an engine without known metrics."""
    if serving.engine not in ENGINES:
        return set()
    types = {SignalType.CONCURRENCY, *(read_as(signal.type) for signal in serving.signals)}
    return {(serving.engine, type_) for type_ in types if metric_names(serving.engine, type_)}
