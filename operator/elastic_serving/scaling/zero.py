"""To zero and back: only after a whole idle window of known zeros, and never where nothing could wake the serving.

A missing sample is not idleness. From zero the number is taken as it is: neither windows nor rate policies apply.
"""

from typing import Final

from elastic_serving.api.models import ElasticServingSpec, SignalType
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import Seen, SignalOutcome
from elastic_serving.scaling.pipeline import Pace, Proposal, Tick
from elastic_serving.scaling.recommend import NO_REPLICA

NO_WAKE_SIGNAL: Final = "NoWakeSignal"


def has_wake_signal(spec: ElasticServingSpec) -> bool:
    """Does a signal exist while no replica does? The engines' own do not; a user's query may."""
    return any(signal.type is SignalType.PROMETHEUS for signal in spec.scaling.signals)


def lowest(spec: ElasticServingSpec) -> int:
    """minReplicas, but 1 where zero could not be left again."""
    return 1 if spec.scaling.min_replicas == 0 and not has_wake_signal(spec) else spec.scaling.min_replicas


def without_retired(current: int, seen: Seen, memory: Memory, floor: int) -> int:
    """``current`` less one for each leader that exited 0 and was not counted before; not below ``floor`` by this."""
    leaving = sum(uid not in memory.retired for uid in seen.retired)
    return max(current - leaving, min(current, floor)) if leaving else current


def idle_since(outcomes: tuple[SignalOutcome, ...], memory: Memory, now: float) -> float | None:
    """Since when every pass knew of no load: a request or a missing sample ends it, a signal that abstains does not."""
    known = [outcome for outcome in outcomes if outcome.recommendation is not None]
    abstaining = sum(outcome.missing is not None and outcome.missing.kind == NO_REPLICA for outcome in outcomes)
    if not known or len(known) + abstaining < len(outcomes):
        return None
    if any(outcome.value or outcome.recommendation for outcome in known):
        return None
    return now if memory.idle_since is None else memory.idle_since


def zero(proposal: Proposal, tick: Tick) -> Proposal | None:
    """Wake at once, sleep late; with minReplicas above 0 there is nothing to do here."""
    scaling = tick.spec.scaling
    if scaling.min_replicas > 0:
        return None
    if tick.current == 0:
        if proposal.replicas == 0:
            return proposal.to(0, "zero", "at zero -> 0", why="" if tick.idle_since is None else "Idle")
        return proposal.to(proposal.replicas, "zero", f"from zero straight to {proposal.replicas}", pace=Pace.AT_ONCE)
    if proposal.replicas > 0:
        return None
    if tick.floor > 0:
        said = "no signal exists at zero, so nothing could wake it: 1 stays"
        return proposal.to(1, "zero", said, why=NO_WAKE_SIGNAL, held=said)
    timeout = scaling.idle.timeout_seconds if scaling.idle else float("inf")
    idle = 0.0 if tick.idle_since is None else tick.now - tick.idle_since
    if tick.idle_since is None or idle < timeout:
        return proposal.to(1, "zero", f"idle for {idle:.0f} of {timeout:.0f} s: the last replica stays -> 1")
    return proposal.to(0, "zero", f"idle for {idle:.0f} s of {timeout:.0f} s -> 0", why="Idle", pace=Pace.WAITED)
