"""One number out of several signals, some of which may be missing.

The largest recommendation wins. While a signal is missing the number may rise and not fall; while all are missing it
is held, and after ``fallback.afterSeconds`` the fallback speaks. A signal whose replicas do not exist (NoReplica) is
not missing: it abstains, and the fallback's clock stands still.
Source: kubernetes pkg/controller/podautoscaler/horizontal.go, computeReplicasForMetrics; the fallback behaviors are
KEDA's (keda.sh, ScaledObject spec, fallback), read 2026-11-22.
"""

from typing import Final

from elastic_serving.api.models import Fallback, FallbackBehavior
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import SignalOutcome
from elastic_serving.scaling.pipeline import Pace, Proposal, Tick
from elastic_serving.scaling.recommend import NO_REPLICA

MISSING: Final = "MetricsMissing"
STAGE: Final = "largest signal"


def winner(outcomes: tuple[SignalOutcome, ...]) -> SignalOutcome | None:
    """The signal that asks for the most, the first of equals; None where none is known."""
    best: SignalOutcome | None = None
    for outcome in outcomes:
        if outcome.recommendation is not None and (
            best is None or best.recommendation is None or outcome.recommendation > best.recommendation
        ):
            best = outcome
    return best


def missing_since(outcomes: tuple[SignalOutcome, ...], memory: Memory, now: float) -> float | None:
    """Since when all signals are missing: the start of fallback's clock, moved along while every signal abstains."""
    if any(outcome.missing is None for outcome in outcomes):
        return None
    if _missing(outcomes):
        return now if memory.missing_since is None else memory.missing_since
    return None if memory.missing_since is None else memory.missing_since + (now - memory.at)


def is_blind(tick: Tick) -> bool:
    """Is too little known to lower the number?"""
    best = winner(tick.outcomes)
    if best is None or best.recommendation is None:
        return True
    return best.recommendation < tick.current and bool(_missing(tick.outcomes))


def largest_signal(proposal: Proposal, tick: Tick) -> Proposal:
    """The maximum over the signals, or the present number where what is missing forbids less."""
    best, missing = winner(tick.outcomes), ", ".join(outcome.name for outcome in _missing(tick.outcomes))
    if best is not None and best.recommendation is not None and not is_blind(tick):
        return proposal.to(best.recommendation, STAGE, f"{best.name} asks for {best.recommendation}", why=best.name)
    if not missing:
        return proposal.to(tick.current, STAGE, f"no replica serves yet -> {tick.current}", why=NO_REPLICA)
    said = f"{missing} missing, and what is missing never lowers -> {tick.current}"
    return proposal.to(tick.current, STAGE, said, why=MISSING, held=said)


def fallback_at(fallback: Fallback | None, since: float | None) -> float | None:
    """When the fallback acts (or acted), while all signals are missing."""
    return None if fallback is None or since is None else since + fallback.after_seconds


def fallback(proposal: Proposal, tick: Tick) -> Proposal | None:
    """The number written down for the case that nothing is known, once that has lasted long enough."""
    spec, since = tick.spec.scaling.fallback, tick.missing_since
    if spec is None or since is None or not _missing(tick.outcomes) or tick.now - since < spec.after_seconds:
        return None
    replicas = spec.replicas if spec.replicas is not None else tick.current
    if spec.behavior is FallbackBehavior.IF_HIGHER:
        replicas = max(replicas, tick.current)
    elif spec.behavior is FallbackBehavior.IF_LOWER:
        replicas = min(replicas, tick.current)
    said = (
        f"nothing is known since {tick.now - since:.0f} s, {spec.behavior} after {spec.after_seconds} s -> {replicas}"
    )
    return proposal.to(replicas, "fallback", said, why="Fallback", pace=Pace.WAITED)


def _missing(outcomes: tuple[SignalOutcome, ...]) -> list[SignalOutcome]:
    return [outcome for outcome in outcomes if outcome.missing is not None and outcome.missing.kind != NO_REPLICA]
