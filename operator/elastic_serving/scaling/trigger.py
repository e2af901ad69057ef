"""Ways to add a replica that look at slots instead of a target: when any replica is full, or when all are. Pure.

A replica is full when its requests, running and waiting, are at least its slots. What is starting has free slots:

- AllFull: one more, and only when every ready replica is full and none is on its way. The fewest replicas, and
  throughput sags while the next one boots. Down to the fewest that leave one slot free.
- AnyFull: as many on their way as there are full replicas. A full replica turns requests away or lets them wait while
  another has room, so throughput stays even and costs more. Down to the fewest of which, evenly loaded, none is full.

In every state AnyFull asks for at least what AllFull asks for (test_any_full_never_asks_for_fewer).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from elastic_serving.api.models import EffectiveSignal, SignalType, Trigger
from elastic_serving.scaling.model import Missing, PerReplica, Reading, SignalOutcome, Step
from elastic_serving.scaling.recommend import Basis, recommend


@dataclass(frozen=True, slots=True)
class Fullness:
    """What the ready replicas have in flight, where it is known, against ``slots`` of each."""

    loads: Sequence[float]
    ready: int
    slots: int

    @property
    def full(self) -> int:
        return sum(load >= self.slots for load in self.loads)

    @property
    def total(self) -> float:
        """A silent replica counts as full here: it is for the way down only."""
        return sum(self.loads) + (self.ready - len(self.loads)) * self.slots


def all_full(seen: Fullness) -> tuple[int, int]:
    """The fewest replicas wanted on the way up, and the fewest that suffice on the way down."""
    up = seen.ready + 1 if seen.ready and seen.full == seen.ready else 0
    return up, math.floor(seen.total / seen.slots) + 1 if seen.total else 0


def any_full(seen: Fullness) -> tuple[int, int]:
    """As ``all_full``; with one slot none is free in a busy replica, so one idle replica must be there."""
    down = math.ceil(seen.total / (seen.slots - 1)) if seen.slots > 1 else math.ceil(seen.total) + 1
    return seen.ready + seen.full if seen.full else 0, max(1, down) if seen.total else 0


TRIGGERS: Final[Mapping[Trigger, Callable[[Fullness], tuple[int, int]]]] = MappingProxyType(
    {Trigger.ALL_FULL: all_full, Trigger.ANY_FULL: any_full}
)
"""Average is not among them: it is the formula of ``recommend``."""


def triggered(
    trigger: Trigger, slots: int, signal: EffectiveSignal, reading: Reading, on: Basis
) -> tuple[SignalOutcome, Step]:
    """What a Concurrency signal asks for under ``trigger``; other signals, and what is missing, as without one."""
    outcome, step = recommend(signal, reading, on)
    if signal.type is not SignalType.CONCURRENCY or outcome.recommendation is None or isinstance(reading, Missing):
        return outcome, step
    if isinstance(reading, PerReplica):
        loads = [load for _, load in reading.values if load is not None and 0 <= load < math.inf]
        seen = Fullness(loads, len(reading.values), slots)
    else:  # a total of the fleet, from which only the mean can be told
        seen = Fullness([reading.value / on.ready] * on.ready, on.ready, slots)
    if not seen.ready or on.current == 0:
        return outcome, step
    up, down = TRIGGERS[trigger](seen)
    replicas = max(up, min(on.current, down))
    words = f"{seen.full} of {seen.ready} replicas full, {seen.slots} slots each"
    if replicas < on.current:
        words += f"; {sum(seen.loads):.10g} in flight fit into {down}"
    return replace(outcome, target=float(slots), recommendation=replicas), replace(
        step, after=replicas, reason=f"{words} -> {replicas}"
    )
