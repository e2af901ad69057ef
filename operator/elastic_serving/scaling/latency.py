"""How many requests in flight a replica can have and keep a latency budget: learned from what came of it. Pure.

The target is moved by how far the part of requests that kept the budget is from the part that should:

    target x (1 + GAIN x (met - percentile)), between 1 and the slots, once a minute

so in the long run the percentile is met, whatever the latency depends on: where every request keeps the budget the
target creeps up (1.25 % a minute at percentile 95), where none does it falls by a quarter. No model of the engine is
assumed. Source: Gibbs and Candes, Adaptive Conformal Inference Under Distribution Shift, NeurIPS 2021, equation 2.

What must not teach does not:

- a cold fleet: a lesson is of a minute that began when all replicas that were asked for served and none had a queue;
- an overload: a queue says that replicas are missing, not that each can do less. It teaches once, by at most OVERLOAD,
  and then nothing until the fleet is whole again and the queue is gone;
- an idle fleet: keeping a budget with next to nothing to do does not show that more would.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from elastic_serving.api.models import EffectiveSignal, ElasticServingSpec
from elastic_serving.scaling.model import PerReplica, Reading, ReplicaCounts, SignalOutcome, Step

LESSON_SECONDS: Final = 60.0
"""The latencies of a reading are those of a minute: each request teaches once."""
GAIN: Final = 0.25
"""From twice what a replica can carry the target is down in three minutes, about a boot."""
OVERLOAD: Final = -0.1
"""An overload's lesson at most: the target falls by 2.5 %, so bursts that come back find more room each time."""
NEAR: Final = 0.7
"""Part of the target from which a load shows what a replica can do."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Requests in flight per replica that keep the budget of the signal ``name``, as far as it is known.

    ``since`` is when the minute of the next lesson began; None while the fleet has yet to be whole and without a queue.
    """

    name: str
    target: float
    since: float | None = None


def lessons(
    spec: ElasticServingSpec,
    readings: Mapping[str, Reading],
    counts: ReplicaCounts,
    before: Sequence[Capacity],
    *,
    wanted: int,
    now: float,
) -> tuple[Capacity, ...]:
    """What the signals of type Latency know after this pass."""
    return tuple(
        learned(
            signal,
            readings.get(signal.name),
            counts,
            capacity_of(signal, before),
            wanted=wanted,
            slots=spec.engine.slots,
            now=now,
        )
        for signal in spec.budgets
    )


def learned(
    signal: EffectiveSignal,
    reading: Reading | None,
    counts: ReplicaCounts,
    before: Capacity,
    *,
    wanted: int,
    slots: int,
    now: float,
) -> Capacity:
    """``before`` with the lesson of ``reading``, if there is one. ``wanted`` is the replicas decided last."""
    if not isinstance(reading, PerReplica):
        return before
    loads = [load for _, load in reading.values if load is not None and load >= 0]
    load = sum(loads) / len(loads) if loads else 0.0
    is_calm = counts.ready >= wanted and not counts.starting and load <= slots
    if before.since is None or before.since > now:
        return replace(before, since=now if is_calm else None)
    latency = reading.latency
    if latency is None or latency.sampled_at - before.since < LESSON_SECONDS:
        return before
    lesson = latency.met - signal.percentile / 100
    if not is_calm:
        lesson = max(lesson, OVERLOAD)
    if lesson > 0 and load < NEAR * before.target:
        lesson = 0.0
    target = min(float(slots), max(1.0, before.target * (1 + GAIN * lesson)))
    return Capacity(before.name, target, latency.sampled_at if lesson >= 0 or is_calm else None)


def budgeted(signal: EffectiveSignal, capacities: Sequence[Capacity]) -> EffectiveSignal:
    """``signal`` with what was learned as its target."""
    return replace(signal, target=round(capacity_of(signal, capacities).target, 2))


def capacity_of(signal: EffectiveSignal, capacities: Sequence[Capacity]) -> Capacity:
    """What ``signal`` has learned; before its first lesson its own target."""
    return next((known for known in capacities if known.name == signal.name), Capacity(signal.name, signal.target))


def told(signal: EffectiveSignal, reading: Reading, asked: tuple[SignalOutcome, Step]) -> tuple[SignalOutcome, Step]:
    """``asked`` with the budget before the arithmetic, and how it is kept."""
    budgets = ((signal.ttft_seconds, "TTFT"), (signal.tpot_seconds, "TPOT"))
    budget = " and ".join(f"{name} {seconds:.10g} s" for seconds, name in budgets if seconds is not None)
    latency = reading.latency if isinstance(reading, PerReplica) else None
    kept = "" if latency is None else f", {latency.met * 100:.3g} % do"
    words = f"{signal.percentile:.10g} % keep {budget} at {signal.target:.10g} in flight per replica (learned{kept})"
    outcome, step = asked
    return outcome, replace(step, reason=f"{words}: {step.reason}")
