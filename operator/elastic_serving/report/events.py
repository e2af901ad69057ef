"""What happened, as Events: pure derivation, and a writer that tells each thing once.

An event's name is a hash of what it tells, so that a second try, a restart or another leader makes no second one. What
leaves a lasting trace (a decision, a replica's uid, a failure) is told from that trace for ``FRESH_SECONDS``; what does
not is told when this pass differs from the last one that was reported.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from elastic_serving.api import conditions as reason
from elastic_serving.api.models import ElasticServing
from elastic_serving.api.times import clock, timestamp
from elastic_serving.errors import AlreadyExists
from elastic_serving.kube.api import KubeApi, Object, Resource
from elastic_serving.report.account import Account
from elastic_serving.report.coldstart import cold_start_phases
from elastic_serving.report.conditions import MISLEADING
from elastic_serving.report.misleading import misleading_signals
from elastic_serving.report.summary import (
    cut,
    foreign_sentence,
    missing_sentence,
    quota_sentence,
    refusal_sentence,
    schedule_problem,
)
from elastic_serving.scaling.model import Decision, DeleteReplica, Replica, SignalOutcome

EVENTS: Final = Resource("", "v1", "events")
COMPONENT: Final = "elastic-serving"
NORMAL: Final = "Normal"
WARNING: Final = "Warning"

FRESH_SECONDS: Final = 600.0
"""How long a trace is told: an operator that was away for longer does not retell old news."""
_REMEMBERED: Final = 4096
"""Names told by this process: a retold one costs a refused POST, nothing else."""
_EVENTS_A_PASS: Final = 20
"""A burst (a hundred replicas at once) is spread over passes."""


@dataclass(frozen=True, slots=True)
class Event:
    """``key`` is what makes it one event: two with the same reason and key are told once."""

    type: str
    reason: str
    message: str
    key: str


def events_of(account: Account, previous: Account | None) -> tuple[Event, ...]:
    """Everything worth an Event now; ``previous`` is the last pass that was reported, None after a restart."""
    return (
        *_of_decision(account),
        *_of_signals(account, previous),
        *_of_replicas(account),
        *_of_troubles(account, previous),
    )


def event_name(serving: ElasticServing, event: Event) -> str:
    """``<serving>.<16 hex digits>``: the same for the same event of the same object, in every process."""
    told = "\n".join((serving.metadata.uid, event.reason, event.key))
    return f"{serving.metadata.name}.{hashlib.sha256(told.encode()).hexdigest()[:16]}"


@dataclass(slots=True)
class EventWriter:
    """Creates Events; remembers the names it told."""

    api: KubeApi
    _told: "OrderedDict[str, None]" = field(default_factory=OrderedDict)

    async def tell(self, serving: ElasticServing, events: Sequence[Event], now: float) -> tuple[Event, ...]:
        """The events that were new to the cluster. Raises from ``errors`` at the first that could not be told."""
        new: list[Event] = []
        untold = [event for event in events if event_name(serving, event) not in self._told]
        for event in untold[:_EVENTS_A_PASS]:
            body = _object(serving, event, now)
            try:
                await self.api.create(EVENTS, serving.metadata.namespace, body)
                new.append(event)
            except AlreadyExists:
                pass
            self._remember(body["metadata"]["name"])
        return tuple(new)

    def _remember(self, name: str) -> None:
        self._told[name] = None
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)


def _of_decision(account: Account) -> Iterator[Event]:
    change = account.last_change
    if change is None or not change.changed or account.now - change.at > FRESH_SECONDS:
        return
    word = reason.SCALING_UP if change.desired > change.current else reason.SCALING_DOWN
    yield Event(NORMAL, word, f"{change.current} -> {change.desired} replicas: {_cause(change)}", f"{change.at:.3f}")


def _cause(decision: Decision) -> str:
    """``Concurrency 148 is above 28 per replica``, or the stage that had the last word."""
    signal = next((s for s in decision.signals if s.name == decision.signal), None)
    if signal is not None and signal.value is not None and decision.why == signal.name:
        amount, target = f"{signal.name} {signal.value:.6g}", f"{signal.target:.6g} per replica"
        if decision.desired < decision.current:
            return f"{amount} needs no more at {target}"
        if signal.value > signal.target * decision.current:
            return f"{amount} is above {target}" + (f" x {decision.current}" if decision.current > 1 else "")
    moved = [step for step in decision.steps if step.before != step.after]
    return f"{decision.why}: {moved[-1].stage}, {moved[-1].reason}" if moved else decision.why


def _of_signals(account: Account, previous: Account | None) -> Iterator[Event]:
    now = {signal.name: signal for signal in account.missing_signals}
    before = {signal.name for signal in previous.missing_signals} if previous else set()
    for name in sorted(now.keys() - before):
        yield Event(
            WARNING, reason.SIGNAL_MISSING, _missing(now[name], account.now), f"{name} {_start(now[name], account)}"
        )
    for name in sorted(before - now.keys()):
        yield Event(NORMAL, reason.SIGNAL_RECOVERED, f"{name} is measured again", f"{name} {account.now:.3f}")
    if account.are_all_missing and not (previous and previous.are_all_missing):
        desired = account.decision.desired
        held = f"{missing_sentence(account)}; {desired} {'replica is' if desired == 1 else 'replicas are'} held"
        yield Event(WARNING, reason.METRICS_MISSING, held, _start(account.missing_signals[0], account))
    if account.decision.why == reason.FALLBACK and not (previous and previous.decision.why == reason.FALLBACK):
        message = f"fallback to {account.decision.desired} replicas: {missing_sentence(account)}"
        yield Event(WARNING, reason.FALLBACK, message, _start(account.missing_signals[0], account))


def _missing(signal: SignalOutcome, now: float) -> str:
    missing = signal.missing
    if missing is None:
        return signal.name
    since = "" if missing.since is None else f" since {clock(missing.since, now)}"
    return f"{signal.name} is missing{since}: {missing.reason}"


def _start(signal: SignalOutcome, account: Account) -> str:
    since = signal.missing.since if signal.missing is not None else None
    return f"{account.now if since is None else since:.3f}"


def _of_replicas(account: Account) -> Iterator[Event]:
    for replica in account.serving_now:
        since = max((h.ready_at for h in replica.hosts if h.ready_at is not None), default=None)
        if since is not None and account.now - since <= FRESH_SECONDS:
            yield Event(NORMAL, reason.REPLICA_READY, ready_message(replica), replica.hosts[0].uid)
    for failure in account.seen.inventory.failures:
        if account.now - failure.at <= FRESH_SECONDS:
            row = f", failure {failure.count} in a row" if failure.count > 1 else ""
            message = f"replica {failure.index} is made anew: {failure.reason}{row}"
            yield Event(WARNING, reason.REPLICA_LOST, message, f"{failure.index} {failure.revision} {failure.at:.3f}")
    for replica in account.draining:
        since = replica.draining_since
        if since is not None and account.now - since <= FRESH_SECONDS:
            message = f"replica {replica.index} is out of the Service and answers its last requests"
            yield Event(NORMAL, reason.REPLICAS_DRAINING, message, f"{replica.hosts[0].uid} {since:.3f}")
    for action in account.outcome.done:
        if isinstance(action, DeleteReplica) and not action.lost and action.hosts:
            message = f"replica {action.index} is removed: {action.reason}"
            yield Event(NORMAL, reason.REPLICA_REMOVED, message, action.hosts[0].uid)


def ready_message(replica: Replica) -> str:
    """``replica 2 serves after 84 s (provision 29, pull 9, load 46)``."""
    phases = cold_start_phases(replica)
    if not phases:
        return f"replica {replica.index} serves"
    parts = ", ".join(f"{phase} {seconds:.0f}" for phase, seconds in phases.items())
    return f"replica {replica.index} serves after {sum(phases.values()):.0f} s ({parts})"


def _of_troubles(account: Account, previous: Account | None) -> Iterator[Event]:
    revision = account.seen.inventory.revision
    if words := refusal_sentence(account):
        message = f"the API server refuses the template: {words}. Nothing was changed"
        yield Event(WARNING, reason.TEMPLATE_REFUSED, message, f"{revision} {words}")
    if (words := quota_sentence(account)) and not (previous and quota_sentence(previous)):
        yield Event(WARNING, reason.QUOTA_LIMITED, words, f"{account.now:.3f}")
    if words := schedule_problem(account):
        yield Event(WARNING, reason.INVALID_SCHEDULE, words, words)
    foreign = account.seen.inventory.foreign_pods
    if foreign:
        yield Event(WARNING, reason.FOREIGN_CAPACITY, foreign_sentence(foreign), " ".join(foreign))
    for misleading in misleading_signals(account.serving.spec):
        key = f"{misleading.signal} {misleading.metric}"
        yield Event(WARNING, MISLEADING[misleading.of], misleading.sentence, key)
    if account.decision.why == reason.NO_WAKE_SIGNAL:
        message = "minReplicas is 0, but no signal exists at zero replicas: the last replica stays"
        yield Event(WARNING, reason.NO_WAKE_SIGNAL, message, f"{account.serving.metadata.generation}")


def _object(serving: ElasticServing, event: Event, now: float) -> Object:
    metadata = serving.metadata
    regarding = {
        "apiVersion": serving.api_version,
        "kind": serving.kind,
        "name": metadata.name,
        "namespace": metadata.namespace,
        "uid": metadata.uid,
        "resourceVersion": metadata.resource_version,
    }
    at = timestamp(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event_name(serving, event), "namespace": metadata.namespace},
        "involvedObject": regarding,
        "type": event.type,
        "reason": event.reason,
        "message": cut(event.message),
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
