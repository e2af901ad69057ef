"""To zero and back: only after a whole idle window of known zeros, and never where nothing could wake the serving.

A missing sample is not idleness. From zero the number is taken as it is: neither windows nor rate policies apply.
"""

from collections.abc import Sequence
from math import inf
from typing import Final

from elastic_serving.api.models import ElasticServingSpec, SignalType
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import PerReplica, Seen, SignalOutcome, Step
from elastic_serving.scaling.pipeline import Move, Pace, Tick

NO_WAKE_SIGNAL: Final = "NoWakeSignal"


def has_wake_signal(spec: ElasticServingSpec) -> bool:
    """Is there something that could wake the serving? A user's query may exist at zero, the engines' own signals do
    not; and a schedule that opens one day wakes it then."""
    scaling = spec.scaling
    if any(signal.type is SignalType.PROMETHEUS for signal in scaling.signals):
        return True
    return any(not schedule.problem for schedule in scaling.schedules)


def lowest(spec: ElasticServingSpec) -> int:
    """minReplicas, but 1 where zero could not be left again."""
    return 1 if spec.scaling.min_replicas == 0 and not has_wake_signal(spec) else spec.scaling.min_replicas


def without_retired(current: int, seen: Seen, memory: Memory, floor: int) -> int:
    """``current`` less one for each leader that exited 0 and was not counted before; not below ``floor`` by this."""
    if not seen.retired:
        return current
    leaving = sum(uid not in memory.retired for uid in seen.retired)
    return max(current - leaving, min(current, floor))


def is_idle(spec: ElasticServingSpec, seen: Seen, outcomes: Sequence[SignalOutcome], missing: Sequence[str]) -> bool:
    """Is it known that no signal is active? Neither with a missing sample nor with a silent replica; nor, where no
    activation says how much is nothing, while an engine has a request, whatever the signals measure.

    A signal without a replica to measure abstains, but somebody must know: only what was read counts.
    """
    known = [outcome for outcome in outcomes if outcome.missing is None]
    if missing or not known or any(_is_active(outcome, spec) for outcome in known):
        return False
    if any(signal.activation for signal in spec.signals):
        return not _has_silent_replica(seen)
    return seen.flow is None or seen.flow.running + seen.flow.waiting <= 0


def zero(replicas: int, tick: Tick) -> Move | None:
    """Wake at once, sleep late; with minReplicas above 0 there is nothing to do here."""
    idle, since, least = tick.spec.scaling.idle, tick.idle_since, max(1, replicas)
    if tick.spec.scaling.min_replicas > 0 or (replicas > 0 and tick.current > 0 and since is None):
        return None
    if tick.current == 0:
        return _at_zero(replicas, tick)
    if tick.floor > 0:
        said = "no signal exists at zero, so nothing could wake it -> 1"
        return None if replicas else Move(Step("zero", 0, 1, said), NO_WAKE_SIGNAL, held=said)
    seconds = 0.0 if since is None else tick.now - since
    if idle is None or since is None or seconds < idle.timeout_seconds:
        said = f"idle for {seconds:.0f} s{f' of {idle.timeout_seconds} s' if idle else ''} -> {least}"
        return Move(Step("zero", replicas, least, said))
    if (born := born_at(tick)) is not None:
        said = f"idle, but in its first {idle.initial_cooldown_seconds} s for {tick.now - born:.0f} s -> {least}"
        return Move(Step("zero", replicas, least, said), held=f"zero: {said}")
    if seconds < idle.timeout_seconds + idle.last_replica_seconds:
        said = f"idle for {seconds:.0f} s, the last replica for {idle.last_replica_seconds} s more -> 1"
        return Move(Step("zero", replicas, 1, said), "Idle", Pace.WAITED)
    return Move(Step("zero", replicas, 0, f"idle for {seconds:.0f} s -> 0"), "Idle", Pace.WAITED)


def born_at(tick: Tick) -> float | None:
    """When the first pass was, while idle.initialCooldownSeconds of it are not over; None after that, or without."""
    idle, born = tick.spec.scaling.idle, tick.memory.born_at
    return None if idle is None or born is None or tick.now - born >= idle.initial_cooldown_seconds else born


def _at_zero(replicas: int, tick: Tick) -> Move:
    """Up to the number as soon as any signal is active, or where a fallback asks."""
    why = "" if tick.idle_since is None else "Idle"
    if replicas == 0:
        return Move(Step("zero", 0, 0, "at zero -> 0"), why)
    known = [outcome for outcome in tick.outcomes if outcome.missing is None]
    if known and not any(_is_active(outcome, tick.spec) for outcome in known):
        names = " and ".join(outcome.name for outcome in known if outcome.recommendation)
        return Move(Step("zero", replicas, 0, f"{names} not above activation -> 0"), why or "MetricsMissing")
    return Move(Step("zero", replicas, replicas, f"from zero straight to {replicas}"), pace=Pace.AT_ONCE)


def _is_active(outcome: SignalOutcome, spec: ElasticServingSpec) -> bool:
    """Is there load: above the signal's activation, or with an activation of 0 any load at all?"""
    if not (outcome.value or outcome.recommendation):
        return False
    activation = next((signal.activation for signal in spec.signals if signal.name == outcome.name), 0.0)
    return activation == 0 or (outcome.value or 0.0) > activation


def _has_silent_replica(seen: Seen) -> bool:
    readings = (reading for _, reading in seen.signals if isinstance(reading, PerReplica))
    return any(number is None or not 0 <= number < inf for reading in readings for _, number in reading.values)
