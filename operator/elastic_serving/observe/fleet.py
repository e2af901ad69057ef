"""The answer of one fleet query, by serving and replica, and what one serving reads from it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final, TypeAlias

from elastic_serving.api.times import clock
from elastic_serving.observe.catalogue import (
    FINISHED,
    NAMESPACE_LABEL,
    PART,
    REPLICA_LABEL,
    SAMPLED_AT,
    SERVING_LABEL,
    SHARE,
    VALUE,
    WAITING,
)
from elastic_serving.observe.series import Series
from elastic_serving.scaling.model import NOT_SCRAPED, Inventory, Missing, PerReplica, Replica, Role
from elastic_serving.scaling.recommend import NO_REPLICA

Key: TypeAlias = tuple[str, str]
"""Namespace and name of a serving."""

FIRST_SCRAPE_SECONDS: Final = 30.0
"""Until this long after it became ready a replica may wait for its first scrape, however young samples must be else.

Prometheus hands new pods on every 5 s (discovery/manager.go, updatert) and begins to scrape them at most every 5 s
(--scrape.discovery-reload-interval), somewhere in an interval of usually 15 s; the rest is for a busy Prometheus, which
is what many new replicas at once make of it. Source: prometheus v3, read 2026-11-24.
"""


@dataclass(frozen=True, slots=True)
class ReplicaSample:
    """Requests of one replica, scraped at ``at``; ``share`` is the used part of its slots that comes on top.

    ``waiting`` is what of the requests waits, ``finished`` how many ended since the engine started; None where unknown.
    """

    value: float
    at: float
    share: float = 0.0
    waiting: float | None = None
    finished: float | None = None

    def requests(self, slots: int) -> float:
        return self.value + self.share * slots


@dataclass(frozen=True, slots=True)
class FleetAnswer:
    """Good samples by serving and replica index, and what the newest answer lacked.

    ``scraped`` tells when each replica was last scraped, also where that sample is too old to stand; ``unusable`` names
    replicas that reported NaN, an infinity or a negative count; ``failure`` is set when there was no answer at all.
    """

    samples: Mapping[Key, Mapping[int, ReplicaSample]] = field(default_factory=dict)
    scraped: Mapping[tuple[Key, int], float] = field(default_factory=dict)
    unusable: frozenset[tuple[Key, int]] = frozenset()
    failure: Missing | None = None


def parse_fleet(series: Iterable[Series], *, with_share: bool = False) -> FleetAnswer:
    """Samples that are complete: a value, its time, and with ``with_share`` the share.

    A series without our labels, or with a replica index that is no number, is somebody else's and is ignored.
    """
    parts: dict[tuple[Key, int], dict[str, Series]] = {}
    for one in series:
        labels = one.labels
        index = labels.get(REPLICA_LABEL, "")
        if NAMESPACE_LABEL in labels and SERVING_LABEL in labels and index.isascii() and index.isdecimal():
            where = ((labels[NAMESPACE_LABEL], labels[SERVING_LABEL]), int(index))
            parts.setdefault(where, {})[labels.get(PART, "")] = one
    samples: dict[Key, dict[int, ReplicaSample]] = {}
    unusable: set[tuple[Key, int]] = set()
    for (key, replica), found in parts.items():
        value, at, share = found.get(VALUE), found.get(SAMPLED_AT), found.get(SHARE)
        if value is None or at is None or (share is None and with_share):
            continue
        if not all(s.is_number and s.value >= 0 for s in (value, at, share) if s is not None):
            unusable.add((key, replica))
            continue
        samples.setdefault(key, {})[replica] = ReplicaSample(
            value.value,
            at.value,
            share.value if share else 0.0,
            _count(found.get(WAITING)),
            _count(found.get(FINISHED)),
        )
    return FleetAnswer(samples, unusable=frozenset(unusable))


def _count(series: Series | None) -> float | None:
    return series.value if series is not None and series.is_number and series.value >= 0 else None


def merge(old: FleetAnswer, new: FleetAnswer, *, oldest: float, now: float) -> FleetAnswer:
    """``new``, and for replicas it lacks the last good samples of ``old`` that were scraped at ``oldest`` or later.

    A sample from before the one that is known is no news (of two Prometheus servers behind one address one lags), as
    long as the known one is not from after ``now``.
    That a replica was scraped is remembered for FIRST_SCRAPE_SECONDS more: it needs no patience for its first scrape.
    """
    merged: dict[Key, dict[int, ReplicaSample]] = {}
    for key, replicas in old.samples.items():
        kept = {index: sample for index, sample in replicas.items() if sample.at >= oldest}
        if kept:
            merged[key] = kept
    for key, replicas in new.samples.items():
        known = merged.setdefault(key, {})
        for index, sample in replicas.items():
            if index not in known or not sample.at < known[index].at <= now:
                known[index] = sample
    scraped = {which: at for which, at in old.scraped.items() if at >= oldest - FIRST_SCRAPE_SECONDS}
    scraped |= {(key, index): sample.at for key, replicas in new.samples.items() for index, sample in replicas.items()}
    return FleetAnswer(merged, scraped, new.unusable, new.failure)


def read_serving(
    answer: FleetAnswer,
    key: Key,
    inventory: Inventory,
    *,
    slots: int,
    now: float,
    stale_after_seconds: float,
    metrics: str,
) -> PerReplica | Missing:
    """One value for each ready replica of role serving; Missing where none has a usable one.

    A sample from before the replica's container started is of an older pod with the same index; one that is older than
    ``stale_after_seconds`` describes another load. Both are as good as absent. While every ready replica may still wait
    for its first scrape, none is missed: NOT_SCRAPED.
    """
    oldest = now - stale_after_seconds
    ready = [r for r in inventory.replicas if r.role is Role.SERVING and r.is_ready]
    if not ready:
        return Missing(NO_REPLICA, "no replica is ready, so no engine reports")
    samples = answer.samples.get(key, {})
    usable = {r.index: s for r in ready if (s := samples.get(r.index)) and s.at >= max(oldest, started_at(r))}
    if usable:
        values = tuple((str(r.index), usable[r.index].requests(slots) if r.index in usable else None) for r in ready)
        return PerReplica(values, min(s.at for s in usable.values()))
    if answer.failure is not None:
        return answer.failure
    if any((key, r.index) in answer.unusable for r in ready):
        return Missing("NaN", f"{metrics} is not a finite number from 0 on")
    stale = [s.at for r in ready if (s := samples.get(r.index)) and s.at >= started_at(r)]
    if stale:
        return Missing("Stale", f"the newest sample of {metrics} is from {clock(max(stale), inventory.at)}")
    newest = now - max(stale_after_seconds, FIRST_SCRAPE_SECONDS)
    if all(_ready_since(r) > newest and answer.scraped.get((key, r.index), -inf) < started_at(r) for r in ready):
        return Missing(NOT_SCRAPED, "no engine was scraped yet since it became ready")
    return Missing("Empty", f"Prometheus has no series {metrics} of a ready replica")


def _ready_since(replica: Replica) -> float:
    """When the leader became ready, as far as it is known: the first scrape comes some seconds later."""
    return replica.hosts[0].ready_at or -inf


def started_at(replica: Replica) -> float:
    """When the leader's container started: the earliest time a sample can be of this very pod."""
    leader = replica.hosts[0]
    return leader.created_at if leader.pulled_at is None else leader.pulled_at
