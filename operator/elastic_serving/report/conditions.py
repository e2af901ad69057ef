"""The conditions of a serving, in HPA's words where it has them. Pure: what is, one sentence each."""

from collections.abc import Sequence
from dataclasses import dataclass

from elastic_serving.api import conditions as reason
from elastic_serving.api.models import Mode, Paused
from elastic_serving.api.status import Condition, ConditionStatus
from elastic_serving.api.times import timestamp
from elastic_serving.report.account import Account
from elastic_serving.report.misleading import Utilization, misleading_signals
from elastic_serving.report.summary import (
    broken,
    cut,
    foreign_sentence,
    missing_sentence,
    paused_sentence,
    progress,
    quota_sentence,
    refusal_sentence,
    schedule_problem,
)
from elastic_serving.scaling.model import ScalingLimit, TroubleKind

_LASTING = (TroubleKind.REFUSED, TroubleKind.FORBIDDEN, TroubleKind.QUOTA, TroubleKind.FOREIGN)
"""Troubles that stand until somebody does something; the others are over with the next pass."""

MISLEADING = {Utilization.CPU: reason.CPU_UTILIZATION, Utilization.GPU: reason.GPU_UTILIZATION}

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class _State:
    """A condition before it has a time."""

    status: ConditionStatus
    reason: str
    message: str


def conditions_of(account: Account, previous: Sequence[Condition]) -> tuple[Condition, ...]:
    """All six, and the warning where there is one, always in the same order.

    ``lastTransitionTime`` is kept while the status is the same.
    """
    states = {
        reason.READY: _ready(account),
        reason.ABLE_TO_SCALE: _able_to_scale(account),
        reason.SCALING_ACTIVE: _scaling_active(account),
        reason.SCALING_LIMITED: _scaling_limited(account),
        reason.PROGRESSING: _progressing(account),
        reason.DEGRADED: _degraded(account),
        **_warnings(account),
    }
    generation = account.serving.metadata.generation
    present = (kind for kind in reason.CONDITION_TYPES if kind in states)
    return tuple(_timed(kind, states[kind], previous, generation, account.now) for kind in present)


def invalid_conditions(
    previous: Sequence[Condition], message: str, generation: int, now: float
) -> tuple[Condition, ...]:
    """``previous`` with Degraded and ScalingActive saying that the spec cannot be understood."""
    states = {
        reason.SCALING_ACTIVE: _State(_FALSE, reason.INVALID_SPEC, message),
        reason.DEGRADED: _State(_TRUE, reason.INVALID_SPEC, message),
    }
    kept = {condition.type: condition for condition in previous}
    made = {kind: _timed(kind, state, previous, generation, now) for kind, state in states.items()}
    present = {**kept, **made}
    return tuple(present[kind] for kind in reason.CONDITION_TYPES if kind in present)


def _timed(kind: str, state: _State, previous: Sequence[Condition], generation: int, now: float) -> Condition:
    """The condition with its time: the last one's while the status is the same."""
    last = next((c for c in previous if c.type == kind and c.status is state.status), None)
    return Condition(
        type=kind,
        status=state.status,
        reason=state.reason,
        message=cut(state.message),
        last_transition_time=last.last_transition_time if last is not None else timestamp(now),
        observed_generation=generation,
    )


def _ready(account: Account) -> _State:
    """True while as many serve as must at least: a serving that is scaling up from 3 to 5 is ready."""
    ready, desired = len(account.serving_now), account.decision.desired
    if desired == 0 and not ready:
        return _State(_TRUE, reason.AT_ZERO, "No replica is wanted and none serves.")
    if ready >= desired:
        return _State(_TRUE, reason.ALL_REPLICAS_SERVE, f"{progress(account)}.")
    if ready >= account.floor:
        return _State(_TRUE, reason.SOME_REPLICAS_SERVE, f"{progress(account)}.")
    word = reason.SOME_REPLICAS_SERVE if ready else reason.NO_REPLICA_SERVES
    return _State(_FALSE, word, f"{progress(account)}.")


def _able_to_scale(account: Account) -> _State:
    if account.mode is Mode.ADVISE:
        return _State(_FALSE, reason.ADVISORY, "scaling.mode is Advise: nothing is touched.")
    if lasting := account.troubles(*_LASTING):
        return _State(_FALSE, reason.FAILED_UPDATE_SCALE, lasting[0].sentence)
    if account.plan.waits and broken(account) is not None:
        return _State(_FALSE, reason.BACKOFF_BOTH, account.plan.waits[0])
    if words := paused_sentence(account):
        is_both = account.serving.spec.scaling.paused is Paused.BOTH
        return _State(_FALSE if is_both else _TRUE, reason.PAUSED, f"{words}.")
    asked = account.decision.recommendation
    if account.decision.why == reason.BURST and (asked is None or asked < account.decision.desired):
        message = "Burst mode holds the number until the load has been lower for a whole window."
        return _State(_TRUE, reason.SCALE_DOWN_STABILIZED, message)
    if account.decision.why == reason.STABILIZATION_WINDOW:
        is_up = asked is not None and asked > account.decision.desired
        word = reason.SCALE_UP_STABILIZED if is_up else reason.SCALE_DOWN_STABILIZED
        return _State(_TRUE, word, "A recent recommendation within the stabilization window holds the number.")
    return _State(_TRUE, reason.READY_FOR_NEW_SCALE, "Nothing keeps the number of replicas from being changed.")


def _scaling_active(account: Account) -> _State:
    decision = account.decision
    if account.mode is Mode.MANUAL:
        return _State(_FALSE, reason.SCALING_DISABLED, "scaling.mode is Manual: the number is spec.replicas.")
    if account.are_all_missing:
        word = reason.FALLBACK if decision.why == reason.FALLBACK else reason.METRICS_MISSING
        return _State(_FALSE, word, f"{missing_sentence(account)}.")
    if account.missing_signals:
        message = f"{missing_sentence(account)}; the other signals may raise the number, none may lower it."
        return _State(_FALSE, reason.FAILED_GET_EXTERNAL_METRIC, message)
    if decision.why == reason.NO_WAKE_SIGNAL:
        message = "minReplicas is 0, but no signal exists at zero replicas: the last replica stays."
        return _State(_TRUE, reason.NO_WAKE_SIGNAL, message)
    if decision.signal is None:
        return _State(_UNKNOWN, reason.NO_REPLICA_SERVES, "No replica that serves has been measured yet.")
    return _State(_TRUE, reason.VALID_METRIC_FOUND, f"The number follows from {decision.signal}.")


def _scaling_limited(account: Account) -> _State:
    if words := quota_sentence(account):
        return _State(_TRUE, reason.QUOTA_LIMITED, f"{words}.")
    decision = account.decision
    if decision.limited is ScalingLimit.NONE:
        return _State(_FALSE, reason.DESIRED_WITHIN_RANGE, "The number asked for is within every limit.")
    stages = _STAGES.get(decision.limited, ("limits", "range"))
    step = next((s.reason for s in reversed(decision.steps) if s.stage in stages), f"{decision.desired} replicas")
    asked = "" if decision.recommendation is None else f"{decision.recommendation} asked for; "
    return _State(_TRUE, decision.limited.value, f"{asked}{stages[0]}: {step}.")


_STAGES = {
    ScalingLimit.SCALE_UP_LIMIT: ("policies",),
    ScalingLimit.SCALE_DOWN_LIMIT: ("policies",),
    ScalingLimit.PAUSED: ("paused",),
    ScalingLimit.TOO_FEW: ("schedules", "limits", "range"),
}
"""Which stage's step tells why, where it is not the range."""


def _progressing(account: Account) -> _State:
    inventory, message = account.seen.inventory, f"{progress(account)}."
    if account.mode is Mode.ADVISE:
        return _State(_FALSE, reason.AT_REST, "scaling.mode is Advise: nothing is touched.")
    if any(r.revision != inventory.revision for r in account.live):
        return _State(_TRUE, reason.REPLACING_REPLICAS, message)
    if account.starting or len(account.serving_now) < account.decision.desired:
        return _State(_TRUE, reason.REPLICAS_STARTING, message)
    if account.draining or any(r.is_terminating for r in inventory.replicas):
        return _State(_TRUE, reason.REPLICAS_DRAINING, message)
    return _State(_FALSE, reason.AT_REST, message)


def _degraded(account: Account) -> _State:
    """The first of what needs a person, the most certain one first."""
    if words := refusal_sentence(account):
        message = f"The template is refused by the API server: {words}. Nothing was changed."
        return _State(_TRUE, reason.TEMPLATE_REFUSED, message)
    if forbidden := account.troubles(TroubleKind.FORBIDDEN):
        return _State(_TRUE, reason.CREATION_FORBIDDEN, forbidden[0].sentence)
    if account.beside:
        return _State(_TRUE, reason.CREATION_FORBIDDEN, account.beside[0])
    foreign = account.seen.inventory.foreign_pods
    if foreign:
        return _State(_TRUE, reason.FOREIGN_CAPACITY, f"{foreign_sentence(foreign)}.")
    if taken := account.troubles(TroubleKind.FOREIGN):
        return _State(_TRUE, reason.FOREIGN_CAPACITY, taken[0].sentence)
    if words := quota_sentence(account):
        return _State(_TRUE, reason.QUOTA_LIMITED, f"{words}.")
    if words := schedule_problem(account):
        return _State(_TRUE, reason.INVALID_SCHEDULE, f"{words}.")
    if (failure := broken(account)) is not None:
        message = f"Replica {failure.index}, failure {failure.count} in a row: {failure.reason}"
        return _State(_TRUE, reason.START_FAILED, message)
    return _State(_FALSE, reason.AS_EXPECTED, "Nothing needs a person.")


def _warnings(account: Account) -> dict[str, _State]:
    """MisleadingSignal where a signal misleads; it decides all the same, because its user said so."""
    found = misleading_signals(account.serving.spec)
    if not found:
        return {}
    message = f"{'. '.join(each.sentence for each in found)}. Concurrency counts the requests themselves."
    return {reason.MISLEADING_SIGNAL: _State(_TRUE, MISLEADING[found[0].of], message)}
