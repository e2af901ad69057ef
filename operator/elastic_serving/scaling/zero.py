"""To zero and back: only after a whole idle window of known zeros, and never where nothing could wake the serving.

A missing sample is not idleness. From zero the number is taken as it is: neither windows nor rate policies apply.
"""

from collections.abc import Sequence
from typing import Final

from elastic_serving.api.models import ElasticServingSpec, SignalType
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import Seen, SignalOutcome, Step
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


def idle_since(outcomes: Sequence[SignalOutcome], missing: Sequence[str], memory: Memory, now: float) -> float | None:
    """Since when every pass knew that there was no load: a request or a missing sample ends it.

    A signal without a replica to measure abstains, but somebody must know: only zeros that were read count.
    """
    known = [outcome for outcome in outcomes if outcome.missing is None]
    if missing or not known or any(outcome.value or outcome.recommendation for outcome in known):
        return None
    return now if memory.idle_since is None else memory.idle_since


def zero(replicas: int, tick: Tick) -> Move | None:
    """Wake at once, sleep late; with minReplicas above 0 there is nothing to do here."""
    idle, since = tick.spec.scaling.idle, tick.idle_since
    if tick.spec.scaling.min_replicas > 0 or (replicas > 0 and tick.current > 0):
        return None
    if replicas > 0:
        return Move(Step("zero", replicas, replicas, f"from zero straight to {replicas}"), pace=Pace.AT_ONCE)
    if tick.current == 0:
        return Move(Step("zero", 0, 0, "at zero -> 0"), "" if since is None else "Idle")
    if tick.floor > 0:
        said = "no signal exists at zero, so nothing could wake it -> 1"
        return Move(Step("zero", 0, 1, said), NO_WAKE_SIGNAL, held=said)
    seconds = 0.0 if since is None else tick.now - since
    if idle is None or since is None or seconds < idle.timeout_seconds:
        said = f"idle for {seconds:.0f} s{f' of {idle.timeout_seconds} s' if idle else ''} -> 1"
        return Move(Step("zero", 0, 1, said))
    return Move(Step("zero", 0, 0, f"idle for {seconds:.0f} s -> 0"), "Idle", Pace.WAITED)
