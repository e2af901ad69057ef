"""The status of a serving, whole, from what one pass has to tell. Pure: the same account gives the same status."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from elastic_serving.api import conditions, labels
from elastic_serving.api.models import Metadata
from elastic_serving.api.status import (
    Condition,
    DecisionStatus,
    ElasticServingStatus,
    QueueStatus,
    SignalStatus,
    SlotsStatus,
)
from elastic_serving.api.times import epoch, timestamp
from elastic_serving.queueing.line import Queue
from elastic_serving.report.account import NO_REPLICA, Account
from elastic_serving.report.conditions import conditions_of, invalid_conditions
from elastic_serving.report.replicas import replica_sentences
from elastic_serving.report.summary import cut, summary_of
from elastic_serving.scaling.model import Decision, Role, SignalOutcome

HEALTHY: Final = "Ok"
UNKNOWN_LOAD: Final = "?"
NO_LOAD: Final = "-"
_MOST_STEPS: Final = 32
"""The CRD's limit; eight signals and every stage are 16."""


def status_of(account: Account, previous: ElasticServingStatus | None) -> ElasticServingStatus:
    """What ``kubectl get`` and ``describe`` show. ``previous`` is the status written last, None if there is none.

    It holds times, never ages, so nothing changes while nothing happens; of ``previous`` it keeps the transition times
    of conditions and the last change of desired.
    """
    previous = previous or ElasticServingStatus()
    account = replace(account, missing_since=_missing_since(account, previous.conditions))
    change = last_change(account.last_change, previous.decision)
    made = conditions_of(account, previous.conditions)
    return ElasticServingStatus(
        observed_generation=account.serving.metadata.generation,
        desired_replicas=account.decision.desired,
        serving_replicas=len(account.serving_now),
        starting_replicas=len(account.starting),
        selector=selector_of(account.name),
        summary=summary_of(account, change),
        why=_why(account, made),
        load=_load(account),
        target=_target(account),
        conditions=made,
        decision=change,
        slots=slots_of(account),
        queue=queue_of(account.queue),
        signals=tuple(_signal(signal) for signal in account.decision.signals),
        replicas=replica_sentences(account.seen.inventory.replicas, account.seen.inventory.revision, account.now),
    )


def invalid_status_of(
    metadata: Metadata, previous: ElasticServingStatus | None, sentence: str, now: float
) -> ElasticServingStatus:
    """``previous`` with what is wrong with the object on top: nothing is decided and nothing touched meanwhile."""
    previous = previous or ElasticServingStatus()
    words = cut(f"The spec cannot be understood: {sentence.rstrip('.')}. Nothing was changed.")
    return previous.model_copy(
        update={
            "observed_generation": metadata.generation,
            "summary": words,
            "why": conditions.INVALID_SPEC,
            "conditions": invalid_conditions(previous.conditions, words, metadata.generation, now),
        }
    )


def slots_of(account: Account) -> SlotsStatus | None:
    """Slots of the replicas that serve; None where the load of one is unknown. Free and used add up to the total."""
    slots, loads = account.serving.spec.engine.slots, [replica.in_flight for replica in account.serving_now]
    known = [load for load in loads if load is not None]
    if len(known) < len(loads):
        return None
    used = sum(min(slots, math.ceil(load)) for load in known)
    return SlotsStatus(total=slots * len(known), used=used, free=slots * len(known) - used)


def queue_of(queue: Queue | None) -> QueueStatus | None:
    """The queue with rates and times to two digits: under steady traffic they change every few minutes, not with every
    scrape."""
    if queue is None:
        return None
    waiting, eta = math.ceil(queue.waiting), _rounded(queue.eta_seconds)
    return QueueStatus(
        waiting=waiting,
        eta_seconds=eta,
        arrivals_per_second=_rounded(queue.arrivals_per_second),
        service_seconds=_rounded(queue.service_seconds),
        utilization=_rounded(queue.utilization),
        wait_seconds=_rounded(queue.wait_seconds),
        summary=f"{waiting}, {'?' if eta is None else _duration(eta)}" if waiting else NO_LOAD,
    )


def selector_of(name: str) -> str:
    """The leaders that are in the Service, as a label selector: what /scale counts and an HPA would read."""
    return f"{labels.SERVING}={name},{labels.HOST}={labels.LEADER_HOST},{labels.ROLE}={Role.SERVING}"


def last_change(decision: Decision | None, written: DecisionStatus | None) -> DecisionStatus | None:
    """The later of this process's last changed decision and the one that stands in the status.

    A status write that failed loses nothing, and after a restart the written one stands until the next change. A clock
    that went back does not hide a change.
    """
    if decision is None or not decision.changed:
        return written
    made = DecisionStatus(
        from_=decision.current,
        to=decision.desired,
        reason=decision.why,
        time=timestamp(decision.at),
        steps=tuple(cut(f"{step.stage}: {step.reason}") for step in decision.steps[:_MOST_STEPS]),
    )
    is_newer = written is None or made.time >= written.time or written.to != made.to
    return made if is_newer else written


def _missing_since(account: Account, before: Sequence[Condition]) -> float | None:
    """When ScalingActive last became False for want of a signal; now where it does so with this pass."""
    if not account.missing_signals:
        return None
    last = next((c for c in before if c.type == conditions.SCALING_ACTIVE), None)
    if last is None or last.status != "False" or last.reason not in _MISSING_REASONS:
        return account.now
    return epoch(last.last_transition_time)


_MISSING_REASONS: Final = frozenset(
    {conditions.METRICS_MISSING, conditions.FALLBACK, conditions.FAILED_GET_EXTERNAL_METRIC}
)


def _why(account: Account, made: Sequence[Condition]) -> str:
    """The trouble that keeps the number from what was decided, else the decision's own reason."""
    degraded = next(c for c in made if c.type == conditions.DEGRADED)
    if degraded.status == "True" and degraded.reason in _STRONGER:
        return degraded.reason
    return "Starting" if account.decision.why == NO_REPLICA else account.decision.why


_STRONGER: Final = frozenset(
    {conditions.TEMPLATE_REFUSED, conditions.CREATION_FORBIDDEN, conditions.QUOTA_LIMITED, conditions.START_FAILED}
)
"""Reasons of Degraded that a user looks for in the column WHY."""


def _main_signal(account: Account) -> SignalOutcome | None:
    """The winning signal, or the first one there is."""
    signals = account.decision.signals
    return next((s for s in signals if s.name == account.decision.signal), signals[0] if signals else None)


def _load(account: Account) -> str:
    """``Concurrency 148/84``: the winning signal's value / (target x replicas that serve)."""
    signal = _main_signal(account)
    if signal is None:
        return NO_LOAD
    if signal.value is None:
        return UNKNOWN_LOAD if account.missing_signals else NO_LOAD
    return f"{signal.name} {_number(signal.value)}/{_number(signal.target * len(account.serving_now))}"


def _target(account: Account) -> str:
    signal = _main_signal(account)
    return NO_LOAD if signal is None else f"{signal.name} {_number(signal.target)}"


def _signal(signal: SignalOutcome) -> SignalStatus:
    missing = signal.missing
    return SignalStatus(
        name=signal.name,
        value=None if signal.value is None else float(f"{signal.value:.6g}"),
        target=signal.target,
        recommendation=None if signal.recommendation is None else min(signal.recommendation, 1_000_000),
        sampled_at=None if signal.sampled_at is None else timestamp(signal.sampled_at),
        health=HEALTHY if missing is None else cut(f"{missing.kind}: {missing.reason}"),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.2g}")


def _duration(seconds: float) -> str:
    """``~40s``, ``~12m``, ``~3h``."""
    for unit, long in (("s", 1), ("m", 60)):
        if seconds < 120 * long:
            return f"~{round(seconds / long)}{unit}"
    return f"~{round(seconds / 3600)}h"


def _number(value: float) -> str:
    """At most one decimal, none where it says nothing: 148, 22.4, 0.5."""
    return f"{round(value, 1):g}" if abs(value) < 100_000 else f"{value:.3g}"
