"""One number out of several signals, some of which may be missing.

The largest recommendation wins. While a signal is missing the number may rise and not fall; while all are, it is held,
and after ``fallback.afterSeconds`` the fallback speaks. A signal without a replica to measure is not missing: it
abstains, and the fallback's clock stands still; one whose replicas were not scraped yet does too, and lowers nothing.
Source: kubernetes pkg/controller/podautoscaler/horizontal.go, computeReplicasForMetrics; the fallback behaviors are
KEDA's (keda.sh, ScaledObject, fallback); both read 2026-11-22.
"""

from collections.abc import Sequence
from typing import Final

from elastic_serving.api.models import ElasticServingSpec, FallbackBehavior
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import SignalOutcome, Step
from elastic_serving.scaling.pipeline import Move, Pace, Tick
from elastic_serving.scaling.recommend import NO_REPLICA

STAGE: Final = "largest signal"


def largest(outcomes: Sequence[SignalOutcome]) -> SignalOutcome | None:
    """The signal that asks for the most, the first of equals; None where none is known."""
    best, most = None, -1
    for outcome in outcomes:
        if outcome.recommendation is not None and outcome.recommendation > most:
            best, most = outcome, outcome.recommendation
    return best


def missing_since(best: SignalOutcome | None, missing: Sequence[str], memory: Memory, now: float) -> float | None:
    """Since when all signals are missing: the start of fallback's clock, moved along while every signal abstains."""
    since = memory.missing_since
    if best is not None:
        return None
    if missing:
        return now if since is None else since
    return None if since is None else since + (now - memory.at)


def largest_signal(replicas: int, tick: Tick) -> Move:
    """The maximum over the signals, or the present number where what is missing forbids less."""
    best, missing = tick.best, ", ".join(tick.missing)
    if best is not None and best.recommendation is not None and not tick.is_blind:
        said = f"{best.name} asks for {best.recommendation}"
        return Move(Step(STAGE, replicas, best.recommendation, said), best.name)
    if not missing:
        said = f"no replica {'was scraped' if tick.is_unscraped else 'serves'} yet -> {tick.current}"
        return Move(Step(STAGE, replicas, tick.current, said), NO_REPLICA)
    said = f"{missing} missing, and what is missing never lowers -> {tick.current}"
    return Move(Step(STAGE, replicas, tick.current, said), "MetricsMissing", held=said)


def fallback_at(spec: ElasticServingSpec, tick: Tick) -> float | None:
    """When the fallback will act, while all signals are missing; None where it has acted or there is none."""
    rule, since = spec.scaling.fallback, tick.missing_since
    due = None if rule is None or since is None or not tick.missing else since + rule.after_seconds
    return None if due is None or due <= tick.now else due


def fallback(replicas: int, tick: Tick) -> Move | None:
    """The number written down for the case that nothing is known, once that has lasted long enough."""
    rule, since = tick.spec.scaling.fallback, tick.missing_since
    if rule is None or since is None or not tick.missing or tick.now - since < rule.after_seconds:
        return None
    asked = tick.current if rule.replicas is None else rule.replicas
    if rule.behavior is FallbackBehavior.IF_HIGHER:
        asked = max(asked, tick.current)
    elif rule.behavior is FallbackBehavior.IF_LOWER:
        asked = min(asked, tick.current)
    said = f"nothing known for {tick.now - since:.0f} s, after {rule.after_seconds} s {rule.behavior} -> {asked}"
    return Move(Step("fallback", replicas, asked, said), "Fallback", Pace.WAITED)
