"""The answer of one fleet query, by serving and replica, and what one serving reads from it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

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
from elastic_serving.scaling.model import Inventory, Missing, PerReplica, Replica, Role
from elastic_serving.scaling.recommend import NO_REPLICA

Key: TypeAlias = tuple[str, str]
"""Namespace and name of a serving."""


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

    def requests(self, max_concurrency: int) -> float:
        return self.value + self.share * max_concurrency


@dataclass(frozen=True, slots=True)
class FleetAnswer:
    """Good samples by serving and replica index, and what the newest answer lacked.

    ``unusable`` names replicas that reported NaN, an infinity or a negative count; ``failure`` is set when there was
    no answer at all.
    """

    samples: Mapping[Key, Mapping[int, ReplicaSample]] = field(default_factory=dict)
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
    return FleetAnswer(samples, frozenset(unusable))


def _count(series: Series | None) -> float | None:
    return series.value if series is not None and series.is_number and series.value >= 0 else None


def merge(old: FleetAnswer, new: FleetAnswer, *, oldest: float) -> FleetAnswer:
    """``new``, and for replicas it lacks the last good samples of ``old`` that were scraped at ``oldest`` or later."""
    merged: dict[Key, dict[int, ReplicaSample]] = {}
    for key, replicas in old.samples.items():
        kept = {index: sample for index, sample in replicas.items() if sample.at >= oldest}
        if kept:
            merged[key] = kept
    for key, replicas in new.samples.items():
        merged.setdefault(key, {}).update(replicas)
    return FleetAnswer(merged, new.unusable, new.failure)


def read_serving(
    answer: FleetAnswer,
    key: Key,
    inventory: Inventory,
    *,
    max_concurrency: int,
    oldest: float,
    metrics: str,
) -> PerReplica | Missing:
    """One value for each ready replica of role serving; Missing where none has a usable one.

    A sample from before the replica's container started is of an older pod with the same index; one from before
    ``oldest`` describes another load. Both are as good as absent.
    """
    ready = [r for r in inventory.replicas if r.role is Role.SERVING and r.is_ready]
    if not ready:
        return Missing(NO_REPLICA, "no replica is ready, so no engine reports")
    samples = answer.samples.get(key, {})
    usable = {r.index: s for r in ready if (s := samples.get(r.index)) and s.at >= max(oldest, started_at(r))}
    if usable:
        values = tuple(
            (str(r.index), usable[r.index].requests(max_concurrency) if r.index in usable else None) for r in ready
        )
        return PerReplica(values, min(s.at for s in usable.values()))
    if answer.failure is not None:
        return answer.failure
    if any((key, r.index) in answer.unusable for r in ready):
        return Missing("NaN", f"{metrics} is not a finite number from 0 on")
    stale = [s.at for r in ready if (s := samples.get(r.index)) and s.at >= started_at(r)]
    if stale:
        return Missing("Stale", f"the newest sample of {metrics} is from {clock(max(stale), inventory.at)}")
    if all(_ready_since(r) > oldest for r in ready):
        return Missing(NO_REPLICA, "no engine was scraped yet since it became ready")
    return Missing("Empty", f"Prometheus has no series {metrics} of a ready replica")


def _ready_since(replica: Replica) -> float:
    """When the leader became ready, as far as it is known: the first scrape comes some seconds later."""
    return replica.hosts[0].ready_at or float("-inf")


def started_at(replica: Replica) -> float:
    """When the leader's container started: the earliest time a sample can be of this very pod."""
    leader = replica.hosts[0]
    return leader.created_at if leader.pulled_at is None else leader.pulled_at
