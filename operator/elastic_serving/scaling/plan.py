"""From a decision to actions on whole replicas.

Theory of operation: what failed goes; what drained goes; what is incomplete is completed or goes; then the number of
replicas meant to serve is moved towards desired, one revision replacing another with a surge of one. Every pass starts
from the inventory alone, so a pass that was cut short is finished by the next one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from elastic_serving.api.models import ElasticServingSpec, Mode
from elastic_serving.scaling.model import (
    Action,
    CreateReplica,
    Decision,
    DeleteReplica,
    Failure,
    Inventory,
    LiftGates,
    Phase,
    Plan,
    Replica,
    Role,
    SetRole,
)
from elastic_serving.scaling.retries import failures_after, is_given_up, next_attempt_at, unreplaced

SURGE = 1
"""Replicas above desired while one revision replaces another."""


def plan(spec: ElasticServingSpec, decision: Decision, inventory: Inventory) -> Plan:
    """Actions that bring the inventory nearer to ``decision.desired``; none in mode Advise.

    Actions and waits are in the order of the replica index within each stage: lost, drained, incomplete, scaled. An
    inventory that is not complete removes nothing and asks to look again.
    """
    if spec.scaling.mode is Mode.ADVISE:
        return Plan()
    lost = list(_lost(spec, inventory))
    gone = {action.index for action in lost}
    kept = [r for r in inventory.replicas if r.index not in gone and not r.is_terminating]
    drained: list[DeleteReplica | SetRole] = [*_drained(spec, inventory, kept)]
    gone |= {action.index for action in drained}
    kept = [r for r in kept if r.index not in gone]
    failed = unreplaced(failures_after(inventory, lost, spec.startup), inventory, kept, spec.startup)
    scaled = _scale(spec, decision.desired, inventory, kept, failed)
    drained += _drains_begun(kept, scaled)
    removed = {a.index for a in scaled.actions if isinstance(a, DeleteReplica | SetRole)}
    completed = [a for r in kept if r.role is Role.SERVING and r.index not in removed for a in _complete(r)]
    actions: list[Action] = [*lost, *drained, *completed, *scaled.actions]
    removals = [a for a in actions if isinstance(a, DeleteReplica) or _takes_out(a)]
    if inventory.complete or not removals:
        return Plan(tuple(actions), scaled.waits)
    # What replaces a lost replica waits for its removal, with which the failure is counted.
    removals += [a for a in actions if isinstance(a, CreateReplica) and a.anew in {action.index for action in lost}]
    return Plan(tuple(a for a in actions if a not in removals), scaled.waits, look_again=True)


def overdue(spec: ElasticServingSpec, replica: Replica, at: float) -> str:
    """Which host missed the deadline of its phase, as a sentence with the pod's own words; empty if none did."""
    deadlines = {
        Phase.PROVISIONING: (spec.startup.provision_seconds, "has no node"),
        Phase.PULLING: (spec.startup.pull_seconds, "has not started its container"),
        Phase.LOADING: (spec.startup.load_seconds, "is not ready"),
    }
    for host in replica.hosts:
        seconds, what = deadlines.get(host.phase, (float("inf"), ""))
        if at - host.phase_since > seconds:
            place = f" on {host.node}" if host.node else ""
            return f"host {host.rank} of {replica.size}{place} {what} after {seconds:g} s" + (
                f": {host.blame}" if host.blame else ""
            )
    return ""


def _lost(spec: ElasticServingSpec, inventory: Inventory) -> Iterator[DeleteReplica]:
    """Replicas that ended, broke or missed a deadline: the whole group goes."""
    for replica in inventory.replicas:
        live = tuple(h for h in replica.hosts if not h.terminating)
        if not live:
            continue
        if replica.is_terminating:
            yield DeleteReplica(replica.index, live, "a host of the group is being deleted")
        elif replica.phase is Phase.FAILED:
            failed = next(h for h in replica.hosts if h.phase is Phase.FAILED)
            blame = f": {failed.blame}" if failed.blame else ""
            yield DeleteReplica(replica.index, live, f"host {failed.rank} of {replica.size} failed{blame}", lost=True)
        elif replica.phase is Phase.FINISHED:
            yield DeleteReplica(replica.index, live, "the leader ended by itself with exit code 0")
        elif len(live) < replica.size and replica.revision != inventory.revision:
            yield DeleteReplica(replica.index, live, "the spec changed before the group was complete")
        elif len(live) < replica.size and not all(h.gated for h in live):
            missing = sorted(set(range(replica.size)) - {h.rank for h in live})
            yield DeleteReplica(replica.index, live, f"host {missing[0]} of {replica.size} is gone", lost=True)
        elif replica.role is Role.SERVING and (blame := overdue(spec, replica, inventory.at)):
            yield DeleteReplica(replica.index, live, blame, lost=True)


def _drained(spec: ElasticServingSpec, inventory: Inventory, kept: list[Replica]) -> Iterator[DeleteReplica]:
    """Draining replicas whose last request was answered, or whose time is up."""
    for replica in kept:
        since = replica.draining_since
        if replica.role is not Role.DRAINING or since is None:
            continue
        if _is_idle_after(replica, since):
            yield DeleteReplica(replica.index, replica.hosts, "drained: no request in flight")
        elif inventory.at - since >= spec.drain.timeout_seconds:
            known = "an unknown number of" if replica.in_flight is None else f"{replica.in_flight:g}"
            reason = f"drain timeout of {spec.drain.timeout_seconds:g} s passed with {known} requests in flight"
            yield DeleteReplica(replica.index, replica.hosts, reason)


def _drains_begun(kept: list[Replica], scaled: Plan) -> Iterator[SetRole]:
    """Replicas that left the Service by another hand and do not come back: their drain begins now."""
    back = {action.index for action in scaled.actions}
    for replica in kept:
        if replica.role is Role.DRAINING and replica.draining_since is None and replica.index not in back:
            yield SetRole(replica.index, replica.hosts[0], Role.DRAINING, "it was taken out of the Service by hand")


def _is_idle_after(replica: Replica, since: float) -> bool:
    """In-flight 0 was scraped after ``since``: an older sample may miss what arrived before the label change."""
    return replica.in_flight == 0 and replica.in_flight_at is not None and replica.in_flight_at > since


def _complete(replica: Replica) -> Iterator[Action]:
    """Missing hosts of a group that is still gated, or its gates once all hosts exist: all or nothing."""
    missing = tuple(sorted(set(range(replica.size)) - {h.rank for h in replica.hosts}))
    if missing:
        yield CreateReplica(replica.index, missing, "completing the group")
    elif any(h.gated for h in replica.hosts):
        yield LiftGates(replica.index, tuple(h for h in replica.hosts if h.gated))


@dataclass(frozen=True, slots=True)
class _Fleet:
    """The serving replicas of a pass, split by revision."""

    all: tuple[Replica, ...]
    old: tuple[Replica, ...]
    new_starting: bool


def _scale(
    spec: ElasticServingSpec, desired: int, inventory: Inventory, kept: list[Replica], failed: list[Failure]
) -> Plan:
    """Create, un-drain or take out replicas of role serving until there are ``desired`` (or one more in a rollout)."""
    serving = tuple(r for r in kept if r.role is Role.SERVING)
    old = tuple(r for r in serving if r.revision != inventory.revision)
    starting = any(r.revision == inventory.revision and not r.is_ready for r in serving)
    fleet = _Fleet(serving, old, starting)
    missing = desired - len(serving) + _surge(desired, inventory, fleet)
    if missing > 0:
        reason = "replacing another revision" if old and len(serving) >= desired else "scaling up"
        return _add(spec, inventory, kept, failed, missing=missing, reason=reason)
    most = desired + (SURGE if old and starting and desired else 0)
    excess = len(serving) - most
    waits = () if not old or not desired or excess > 0 else _rollout_waits(inventory, fleet)
    return Plan(tuple(_take_out(r, desired) for r in _victims(fleet, desired)[: max(0, excess)]), waits)


def _rollout_waits(inventory: Inventory, fleet: _Fleet) -> tuple[str, ...]:
    """Which replicas must be gone or ready before the next one of another revision is replaced."""
    leaving = [r.index for r in inventory.replicas if r not in fleet.all]
    if fleet.new_starting or not leaving:
        return ()
    return (f"the rollout goes on when replica {leaving[0]} is gone",)


def _surge(desired: int, inventory: Inventory, fleet: _Fleet) -> int:
    """One more replica while an old revision is replaced, once the last surge is settled and its victim is gone."""
    settled = not fleet.new_starting and len(inventory.replicas) <= desired
    return SURGE if fleet.old and desired and settled else 0


def _add(
    spec: ElasticServingSpec,
    inventory: Inventory,
    kept: list[Replica],
    failed: list[Failure],
    *,
    missing: int,
    reason: str,
) -> Plan:
    """``missing`` more replicas: draining ones of this revision first, they serve at once; then those that ``failed``
    are made anew when their wait is over; then new ones."""
    back = [r for r in kept if r.role is Role.DRAINING and r.is_ready and r.revision == inventory.revision][:missing]
    actions: list[Action] = [SetRole(r.index, r.hosts[0], Role.SERVING, "wanted again") for r in back]
    taken = {r.index for r in inventory.replicas} | set(inventory.blocked)
    waits: list[str] = []
    missing -= len(back)
    for failure in failed[:missing]:
        times = "once" if failure.count == 1 else f"{failure.count} times"
        if is_given_up(failure, spec.startup):
            waits.append(f"replica {failure.place} failed {times} and is given up until spec changes: {failure.reason}")
            taken.add(failure.place)
        elif next_attempt_at(failure) > inventory.at:
            waits.append(
                f"replica {failure.place} is made anew after a wait, failure {failure.count} was: {failure.reason}"
            )
            taken.add(failure.place)
    places: list[int | None] = [f.place for f in failed[: missing - len(waits)]]
    places += [None] * (missing - len(waits) - len(places))
    for place in places:
        index = next(i for i in count() if i not in taken) if place is None or place in taken else place
        taken.add(index)
        actions.append(CreateReplica(index, tuple(range(spec.accelerator.gpu.hosts)), reason, anew=place))
    return Plan(tuple(actions), tuple(waits))


def _victims(fleet: _Fleet, desired: int) -> list[Replica]:
    """Serving replicas, the first to go first: what is not ready, then another revision, then least in flight.

    A ready replica of another revision goes before a starting one of this revision only where the ready ones are more
    than ``desired``: a rollout is not undone by a scale-down, and a scale-down takes no capacity that is missing.
    Unknown in-flight goes last: what is not known to be unused is not stopped before what is. Ties: the youngest index.
    """

    def load(replica: Replica) -> tuple[float, int]:
        return (float("inf") if replica.in_flight is None else replica.in_flight, -replica.index)

    ready_old = sorted((r for r in fleet.old if r.is_ready), key=load)
    spare = max(0, sum(r.is_ready for r in fleet.all) - desired)
    new = [r for r in fleet.all if r not in fleet.old]
    return [
        *sorted((r for r in fleet.old if not r.is_ready), key=load),
        *ready_old[:spare],
        *sorted((r for r in new if not r.is_ready), key=load),
        *ready_old[spare:],
        *sorted((r for r in new if r.is_ready), key=load),
    ]


def _take_out(replica: Replica, desired: int) -> Action:
    """Drain what may hold requests; delete at once what never became ready.

    A host that loads since later than its container's start was ready in between.
    """
    reason = f"{desired} replicas are wanted"
    served = any(h.phase is Phase.LOADING and h.pulled_at and h.phase_since > h.pulled_at for h in replica.hosts)
    if replica.is_ready or served or replica.in_flight:
        return SetRole(replica.index, replica.hosts[0], Role.DRAINING, reason)
    return DeleteReplica(replica.index, replica.hosts, reason)


def _takes_out(action: Action) -> bool:
    return isinstance(action, SetRole) and action.role is Role.DRAINING
