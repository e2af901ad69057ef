"""The replicas of a simulated cluster, as seconds pass: they boot, serve, drain and die, and are scraped.

``World`` says what it is like there. What a policy gets is ``Cluster.seen``: the observation the operator would make.
"""

import heapq
import math
import random
from dataclasses import dataclass, field

from elastic_serving.api.models import EffectiveSignal, SignalType
from elastic_serving.scaling.model import (
    NOT_SCRAPED,
    Boot,
    Flow,
    Inventory,
    Missing,
    PerReplica,
    Reading,
    ReplicaCounts,
    Seen,
)
from elastic_serving.scaling.recommend import NO_REPLICA
from elastic_serving.simulate.latencies import Pace, latency_seen
from elastic_serving.simulate.slots import Slots


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a cold start: lognormal with this median and sigma; sigma 0 is fixed."""

    seconds: float
    sigma: float = 0.0


@dataclass(frozen=True, slots=True)
class World:
    """What the policy lives in. Times are seconds; ``seed`` draws boots and faults, never the requests."""

    slots: int
    """Requests a replica runs at once."""
    boot: tuple[Phase, ...] = (Phase(130.0),)
    """The phases one after another, from creation to ready."""
    start: int = 1
    """Replicas that are ready when it begins; they were booted before, in the same time."""
    scrape_seconds: float = 5.0
    """Time between two scrapes: the chart's PodMonitor."""
    scrape_delay_seconds: float = 0.5
    """From a scrape until a query answers with it."""
    stale_seconds: float = 30.0
    """Older samples count as missing, as in the operator."""
    drain_seconds: float = 120.0
    """A replica that is taken out may finish its requests for this long; what is left then is lost."""
    lost_scrape_every: int = 0
    """Every so many scrapes one is lost; 0 loses none."""
    failed_boots: float = 0.0
    """Part of the cold starts that end without a replica."""
    nodes_lost_per_day: float = 0.0
    """Serving replicas that die with what they run, per replica and day."""
    prefill_seconds: float = 0.03
    prefill_token_seconds: float = 0.00025
    decode_token_seconds: float = 0.02
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Scrape:
    at: float
    running: dict[int, int]
    """By serving replica."""
    leaving: int
    """In replicas that drain."""
    waiting: int
    finished: int


@dataclass(slots=True)
class Cluster:
    """Replicas by serial number, in order of creation; a number is never used twice."""

    world: World
    slots: Slots
    signals: tuple[EffectiveSignal, ...]
    created: dict[int, float] = field(default_factory=dict)
    """Of those that are there and wanted: starting or serving."""
    serving: dict[int, None] = field(default_factory=dict)
    """Those that take requests, in the order in which they became ready."""
    replica_seconds: float = 0.0
    """Of those that are gone or on their way."""
    log: list[tuple[float, int, int]] = field(default_factory=list)
    """Time, replicas serving, replicas starting: whenever one of them may have changed."""
    _due: list[tuple[float, int, str]] = field(default_factory=list)
    _boots: tuple[Boot, ...] = ()
    _scrapes: list[Scrape] = field(default_factory=list)
    _seen_of: tuple[int, int, int] = (-1, -1, -1)
    _readings: tuple[tuple[str, Reading], ...] = ()
    _leaving: list[float] = field(default_factory=list)
    """When the requests of replicas that drain end."""
    _serial: int = 0
    _lost: int = 0
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(f"{self.world.seed} world")  # noqa: S311  # a simulation, not a secret

    @property
    def _pace(self) -> Pace:
        world = self.world
        return Pace(world.prefill_seconds, world.prefill_token_seconds, world.decode_token_seconds)

    def begin(self) -> None:
        """The replicas that are ready from the start."""
        for _ in range(self.world.start):
            serial = self._new(-self._boot_seconds())
            self.replica_seconds += self.created[serial]
            self._ready(serial, 0.0)

    def pass_time(self, now: float) -> None:
        """Boots and losses up to ``now``, and the requests between them."""
        while self._due and self._due[0][0] <= now:
            at, serial, what = heapq.heappop(self._due)
            if serial in self.created:
                self.slots.advance(at)
                getattr(self, what)(serial, at)
        self.slots.advance(now)

    def scrape(self, now: float) -> None:
        """Prometheus looks at every serving replica."""
        running = self.slots.running(now)
        self._leaving = [end for end in self._leaving if end > now]
        busy = sum(running.values()) + len(self._leaving)
        waiting = self.slots.arrived(now) - self.slots.begun
        finished = self.slots.begun - busy - self._lost
        sample = Scrape(now, {r: running[r] for r in self.serving}, len(self._leaving), waiting, finished)
        self._scrapes = [*self._scrapes[-1:], sample]

    def hold(self, wanted: int, now: float) -> None:
        """Create or remove until ``wanted`` replicas start or serve: the youngest cold start goes first, then the
        replica with the least in flight."""
        while len(self.created) < wanted:
            self._due_at(self._new(now), now + self._boot_seconds(), "_booted")
        starting = [serial for serial in self.created if serial not in self.serving]
        while len(self.created) > wanted and starting:
            self.replica_seconds += now - self.created.pop(starting.pop())
        if len(self.created) > wanted:
            running = self.slots.running(now)
            for serial in sorted(self.serving, key=lambda s: (running[s], -s))[: len(self.created) - wanted]:
                self._drain(serial, now)
        self._note(now)

    def seen(self, now: float, current: int) -> Seen:
        """The observation of ``now``."""
        visible = [s for s in self._scrapes if s.at + self.world.scrape_delay_seconds <= now]
        scrape = visible[-1] if visible else None
        ready = len(self.serving)
        ages = tuple(now - at for serial, at in self.created.items() if serial not in self.serving)
        counts = ReplicaCounts(current, ready, len(self.created) - ready, ages=ages)
        flow = None
        if scrape is not None:
            flow = Flow(sum(scrape.running.values()) + scrape.leaving, scrape.waiting, scrape.finished, scrape.at)
        return Seen(now, counts, self._read(scrape, now), Inventory(now), flow=flow, boots=self._boots)

    def _read(self, scrape: Scrape | None, now: float) -> tuple[tuple[str, Reading], ...]:
        """The readings of the signals, made anew only when there is something new to read."""
        if scrape is not None and now - scrape.at > self.world.stale_seconds:
            return self._all(Missing("Stale", f"the newest sample is {now - scrape.at:.0f} s old"))
        version = (-1 if scrape is None else round(scrape.at * 1e6), self._serial, len(self.log))
        if version != self._seen_of:
            self._seen_of, self._readings = version, self._look(scrape)
        return self._readings

    def _look(self, scrape: Scrape | None) -> tuple[tuple[str, Reading], ...]:
        if not self.serving:
            return self._all(Missing(NO_REPLICA, "no replica is ready, so no engine reports"))
        if scrape is None or not any(serial in scrape.running for serial in self.serving):
            return self._all(Missing(NOT_SCRAPED, "no engine was scraped yet since it became ready"))
        share = scrape.waiting / max(1, len(scrape.running))
        readings: list[tuple[str, Reading]] = []
        for signal in self.signals:
            waiting_only = signal.type is SignalType.QUEUE_DEPTH
            values = tuple(
                (str(s), share + (0 if waiting_only else scrape.running[s]) if s in scrape.running else None)
                for s in self.serving
            )
            latency = latency_seen(self.slots, self._pace, signal, scrape.at) if signal.percentile else None
            readings.append((signal.name, PerReplica(values, scrape.at, latency)))
        return tuple(readings)

    def _all(self, missing: Missing) -> tuple[tuple[str, Reading], ...]:
        return tuple((signal.name, missing) for signal in self.signals)

    def _new(self, at: float) -> int:
        self._serial += 1
        self.created[self._serial] = at
        return self._serial

    def _boot_seconds(self) -> float:
        draw = self._rng.gauss
        return sum(p.seconds * math.exp(draw(0, p.sigma)) if p.sigma else p.seconds for p in self.world.boot)

    def _due_at(self, serial: int, at: float, what: str) -> None:
        heapq.heappush(self._due, (at, serial, what))

    def _booted(self, serial: int, at: float) -> None:
        if self.world.failed_boots and self._rng.random() < self.world.failed_boots:
            self.replica_seconds += at - self.created.pop(serial)
            return
        self._ready(serial, at)

    def _ready(self, serial: int, at: float) -> None:
        self.serving[serial] = None
        self.slots.add(serial, self.world.slots, at)
        self._boots = (*self._boots, Boot(at, at - self.created[serial]))[-50:]
        if self.world.nodes_lost_per_day:
            self._due_at(serial, at + self._rng.expovariate(self.world.nodes_lost_per_day / 86400), "_die")
        self._note(at)

    def _die(self, serial: int, at: float) -> None:
        """The node is gone, and with it every request in the replica's slots."""
        for _, request in self.slots.take_out(serial, at):
            self.slots.lose(request)
            self._lost += 1
        self._gone(serial, at)

    def _drain(self, serial: int, now: float) -> None:
        end = now
        for ends_at, request in self.slots.take_out(serial, now):
            if ends_at > now + self.world.drain_seconds:
                self.slots.lose(request)
                self._lost += 1
            else:
                self._leaving.append(ends_at)
            end = max(end, min(ends_at, now + self.world.drain_seconds))
        self.replica_seconds += end - now
        self._gone(serial, now)

    def _gone(self, serial: int, at: float) -> None:
        del self.serving[serial]
        self.replica_seconds += at - self.created.pop(serial)
        self._note(at)

    def _note(self, at: float) -> None:
        entry = (at, len(self.serving), len(self.created) - len(self.serving))
        if not self.log or self.log[-1][1:] != entry[1:]:
            self.log.append(entry)
