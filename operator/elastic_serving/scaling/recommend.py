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
from elastic_serving.scaling.model import NOT_SCRAPED, Missing, PerReplica, Reading, ReplicaCounts, SignalOutcome, Step

MOST: Final = 2**31 - 1
"""HPA counts in int32: whatever is above saturates here."""
NOISE: Final = 1e-9
"""Forgiven before rounding up and at the tolerance's edges: 3 x 22.4 / 22.4 is 3.0000000000000004 in binary."""
NO_REPLICA: Final = "NoReplica"
_UNITS: Final = {
    SignalType.CONCURRENCY: " in flight",
    SignalType.QUEUE_DEPTH: " waiting",
    SignalType.TOKENS: " tokens/s",
    SignalType.KV_CACHE: " caches in use",
    SignalType.LATENCY: " in flight",
    SignalType.ERLANG: " in flight",
    SignalType.COMBINED: "",
    SignalType.PROMETHEUS: "",
}


@dataclass(frozen=True, slots=True)
class Basis:
    """What every formula starts from. Within ``calm_from`` to ``calm_to`` times the target nothing changes."""

    current: int
    ready: int
    starting: int
    calm_from: float
    calm_to: float


def basis(current: int, counts: ReplicaCounts, behavior: Behavior) -> Basis:
    """Both edges belong to the tolerance, and each direction has its own."""
    calm_from, calm_to = 1 - behavior.scale_down.tolerance - NOISE, 1 + behavior.scale_up.tolerance + NOISE
    return Basis(current, counts.ready, counts.starting, calm_from, calm_to)


@dataclass(frozen=True, slots=True)
class _Asked:
    replicas: int
    value: float
    reason: str


def recommend(signal: EffectiveSignal, reading: Reading, on: Basis) -> tuple[SignalOutcome, Step]:
    """Replicas that ``signal`` asks for, and why; None where it is missing: NaN, infinite and below 0 are too."""
    asked = _asked(signal, reading, on)
    if isinstance(asked, Missing):
        reason = f"{'nothing to measure' if asked.kind in (NO_REPLICA, NOT_SCRAPED) else 'missing'}: {asked.reason}"
        outcome = SignalOutcome(signal.name, None, signal.target, None, None, asked)
        return outcome, Step(signal.name, on.current, on.current, reason)
    sampled_at = None if isinstance(reading, Missing) else reading.sampled_at
    outcome = SignalOutcome(signal.name, asked.value, signal.target, asked.replicas, sampled_at)
    return outcome, Step(signal.name, on.current, asked.replicas, f"{asked.reason} -> {asked.replicas}")


def _asked(signal: EffectiveSignal, reading: Reading, on: Basis) -> _Asked | Missing:
    if isinstance(reading, PerReplica):
        return _per_replica(signal, reading, on)
    if isinstance(reading, Missing):
        return reading
    if not 0 <= reading.value < math.inf:
        return Missing("NaN" if math.isnan(reading.value) else "BadAnswer", f"the value is {reading.value}")
    return (_level if signal.target_type is TargetType.VALUE else _total)(signal, reading.value, on)


def _per_replica(signal: EffectiveSignal, reading: PerReplica, on: Basis) -> _Asked | Missing:
    """Of the replicas that reported. On the way down a silent one counts as at its target; on the way up silent and
    starting ones count as 0; and what would turn the direction round changes nothing.

    4 requested, 1 ready with 40 in flight, target 10: 40 / 10 = 4, not 4 x 40 / 10 = 16.
    """
    reported = [number for _, number in reading.values if number is not None and 0 <= number < math.inf]
    if not reported:
        of = len(reading.values)
        return Missing("Empty", f"none of {of} replicas reported") if of else Missing(NO_REPLICA, "no replica serves")
    total, counted, target = sum(reported), len(reported), signal.target
    silent, ratio, assumed, note = len(reading.values) - counted, total / (target * counted), total, ""
    if ratio < 1 and silent:
        assumed, counted, note = total + silent * target, counted + silent, f", {silent} silent at target"
    elif ratio > 1 and silent + on.starting:
        quiet = " and ".join(f"{n} {what}" for n, what in ((silent, "silent"), (on.starting, "starting")) if n)
        counted, note = counted + silent + on.starting, f", {quiet} at 0"
    load, share = assumed / target, assumed / (target * counted)
    text = f"{total:.10g}{_UNITS[signal.type]} / {target:.10g} per replica{note} = {_tenths(load)}"
    if on.calm_from <= share <= on.calm_to:
        return _Asked(on.current, total, f"{text} on {counted}: within tolerance")
    replicas = _whole(load)
    if note and ((ratio - 1) * (share - 1) < 0 or (share - 1) * (replicas - on.current) < 0):
        return _Asked(on.current, total, f"{text}: no clear direction")
    return _Asked(replicas, total, text)


def _total(signal: EffectiveSignal, total: float, on: Basis) -> _Asked:
    """Of a total over the fleet, whoever reported it; at zero replicas there is no tolerance."""
    load = total / signal.target
    text = f"{total:.10g}{_UNITS[signal.type]} / {signal.target:.10g} per replica = {_tenths(load)}"
    if on.current and on.calm_from <= load / on.current <= on.calm_to:
        return _Asked(on.current, total, f"{text} on {on.current}: within tolerance")
    return _Asked(_whole(load), total, text)


def _level(signal: EffectiveSignal, level: float, on: Basis) -> _Asked:
    """Of a value that is itself held at the target: ready replicas x ratio, and at zero replicas the ratio alone."""
    ratio = level / signal.target
    text = f"{level:.10g} / {signal.target:.10g} = {ratio:.3g}"
    if on.current and on.calm_from <= ratio <= on.calm_to:
        return _Asked(on.current, level, f"{text}: within tolerance")
    if on.current and not on.ready:
        return _Asked(on.current, level, f"{text} of 0 ready replicas: held until one is ready")
    factor = on.ready if on.current else 1
    for top in (1, 100):
        if signal.target < level <= top:
            # Why utilization answers a spike slowly: it ends at its top, whatever the load is.
            text += f" (a utilization ends at {top}: at most x {top / signal.target:.3g} a step)"
            break
    return _Asked(_whole(ratio * factor), level, f"{text} x {factor} ready = {_tenths(ratio * factor)}")


def _whole(load: float) -> int:
    return MOST if load >= MOST else math.ceil(load - NOISE)


def _tenths(load: float) -> str:
    """Rounded up as the replicas are: 5.04 reads 5.1 -> 6, never 5 -> 6."""
    return f"{load:.3g}" if load >= MOST else f"{math.ceil((load - NOISE) * 10) / 10:.10g}"
