"""What one signal asks for: HPA's arithmetic, on whole replicas.

The formula is ``desired = ceil(current x metric / target)``. For a fleet total that is ``ceil(total / target)``; for
values per replica, ``current`` is the replicas that reported, never those requested. Missing is never 0.
Source: kubernetes pkg/controller/podautoscaler/replica_calculator.go (calcPlainMetricReplicas,
GetExternalPerPodMetricReplicas, getUsageRatioReplicaCount), read 2026-11-22. Two differences: ``current`` is always
the number decided last, and a Value target with no ready replica holds where HPA computes 0.
"""

import math
from dataclasses import dataclass
from typing import Final

from elastic_serving.api.models import Behavior, EffectiveSignal, SignalType, TargetType
from elastic_serving.scaling.model import Missing, PerReplica, Reading, ReplicaCounts, Sample, SignalOutcome, Step

MOST: Final = 2**31 - 1
"""HPA counts in int32: whatever is above saturates here."""
NOISE: Final = 1e-9
"""Forgiven before rounding up and at the tolerance's edge: 3 x 22.4 / 22.4 is 3.0000000000000004 in binary."""
NO_REPLICA: Final = "NoReplica"
_UNITS: Final = {SignalType.CONCURRENCY: " in flight", SignalType.QUEUE_DEPTH: " waiting", SignalType.PROMETHEUS: ""}


@dataclass(frozen=True, slots=True)
class Recommended:
    """A signal's outcome and the step that explains it."""

    outcome: SignalOutcome
    step: Step


@dataclass(frozen=True, slots=True)
class _Asked:
    replicas: int
    value: float
    reason: str


def recommend(
    signal: EffectiveSignal, reading: Reading, *, current: int, counts: ReplicaCounts, behavior: Behavior
) -> Recommended:
    """Replicas that ``signal`` asks for, None where its reading is missing (or NaN, infinite, negative)."""
    reading = _usable(reading)
    if isinstance(reading, Missing):
        outcome = SignalOutcome(signal.name, None, signal.target, None, None, reading)
        word = "not measurable" if reading.kind == NO_REPLICA else "missing"
        return Recommended(outcome, Step(signal.name, current, current, f"{word}: {reading.reason}"))
    if isinstance(reading, PerReplica):
        asked = _per_replica(signal, reading, current, counts.starting, behavior)
    elif signal.target_type is TargetType.VALUE:
        asked = _level(signal, reading.value, current, counts.ready, behavior)
    else:
        asked = _total(signal, reading.value, current, behavior)
    outcome = SignalOutcome(signal.name, asked.value, signal.target, asked.replicas, reading.sampled_at)
    return Recommended(outcome, Step(signal.name, current, asked.replicas, f"{asked.reason} -> {asked.replicas}"))


def _per_replica(
    signal: EffectiveSignal, reading: PerReplica, current: int, starting: int, behavior: Behavior
) -> _Asked:
    """Of the replicas that reported. On the way down a silent one counts as at its target; on the way up silent and
    starting ones count as 0. What would turn the direction round changes nothing.

    4 requested, 1 ready with 40 in flight, target 10: 40 / 10 = 4, not 4 x 40 / 10 = 16.
    """
    reported = [number for _, number in reading.values if number is not None]
    silent, total, target = len(reading.values) - len(reported), sum(reported), signal.target
    ratio = total / (target * len(reported))
    assumed, counted, note = total, len(reported), ""
    if ratio < 1 and silent:
        assumed, counted, note = total + silent * target, counted + silent, f", {silent} silent counted as full"
    elif ratio > 1 and silent + starting:
        quiet = " and ".join(f"{n} {what}" for n, what in ((silent, "silent"), (starting, "starting")) if n)
        counted, note = counted + silent + starting, f", {quiet} counted as 0"
    share, load = assumed / (target * counted), assumed / target
    text = f"{total:.10g}{_UNITS[signal.type]} / {target:.10g} per replica{note} = {_tenths(load)}"
    if _is_within(share, behavior):
        return _Asked(current, total, f"{text} on {counted}: within tolerance")
    replicas = _whole(load)
    turned = (
        (ratio < 1 < share)
        or (share < 1 < ratio)
        or (share < 1 and replicas > current)
        or (share > 1 and replicas < current)
    )
    if note and turned:
        return _Asked(current, total, f"{text}: not the other way round")
    return _Asked(replicas, total, text)


def _total(signal: EffectiveSignal, total: float, current: int, behavior: Behavior) -> _Asked:
    """A total over the fleet, whoever reported it; at zero replicas there is no tolerance."""
    load = total / signal.target
    text = f"{total:.10g}{_UNITS[signal.type]} / {signal.target:.10g} per replica = {_tenths(load)}"
    if current and _is_within(load / current, behavior):
        return _Asked(current, total, f"{text} on {current}: within tolerance")
    return _Asked(_whole(load), total, text)


def _level(signal: EffectiveSignal, level: float, current: int, ready: int, behavior: Behavior) -> _Asked:
    """A value that is itself held at the target: ready replicas x level / target; at zero replicas the ratio alone."""
    ratio = level / signal.target
    text = f"{level:.10g} / {signal.target:.10g} = {ratio:.3g}"
    if current and _is_within(ratio, behavior):
        return _Asked(current, level, f"{text}: within tolerance")
    if current and not ready:
        return _Asked(current, level, f"{text} of 0 ready replicas: held until one is ready")
    load = ratio * ready if current else ratio
    text = f"{text} x {ready if current else 1} ready = {_tenths(load)}"
    return _Asked(_whole(load), level, text + _ceiling_note(level, signal.target))


def _ceiling_note(level: float, target: float) -> str:
    """Why utilization answers a spike slowly: it ends at its top, so one step grows by top / target at most."""
    for top in (1, 100):
        if target < level <= top:
            return f" (a utilization ends at {top}: at most x {top / target:.3g} a step)"
    return ""


def _usable(reading: Reading) -> Reading:
    """The reading, or why it is none: NaN, infinite and negative numbers are no load, and silence is not zero."""
    if isinstance(reading, Missing):
        return reading
    if isinstance(reading, Sample):
        if 0 <= reading.value < math.inf:
            return reading
        return Missing("NaN" if math.isnan(reading.value) else "BadAnswer", f"the value is {reading.value}")
    if not reading.values:
        return Missing(NO_REPLICA, "no replica serves")
    if any(number is not None and not 0 <= number < math.inf for _, number in reading.values):
        values = tuple((r, n if n is not None and 0 <= n < math.inf else None) for r, n in reading.values)
        reading = PerReplica(values, reading.sampled_at)
    if all(number is None for _, number in reading.values):
        return Missing("Empty", f"none of {len(reading.values)} replicas reported")
    return reading


def _is_within(ratio: float, behavior: Behavior) -> bool:
    """Both edges belong to the tolerance."""
    return 1 - behavior.scale_down.tolerance - NOISE <= ratio <= 1 + behavior.scale_up.tolerance + NOISE


def _whole(load: float) -> int:
    return MOST if load >= MOST else math.ceil(load - NOISE)


def _tenths(load: float) -> str:
    """Rounded up as the replicas are: 5.04 reads 5.1 -> 6, never 5 -> 6."""
    return f"{load:.3g}" if load >= MOST else f"{math.ceil((load - NOISE) * 10) / 10:.10g}"
