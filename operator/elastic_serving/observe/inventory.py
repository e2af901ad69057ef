"""The replicas of one serving, from the pods the API server knows. Pure; no pod, however odd, breaks it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from elastic_serving.api.labels import DRAINING_SINCE, HOST, REPLICA, REVISION, ROLE, SERVING
from elastic_serving.api.times import noted
from elastic_serving.observe.pod import Json, host_of, mapping, text
from elastic_serving.scaling.model import Host, Inventory, Phase, Replica, ReplicaCounts, Role

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,5}")
"""A replica's or host's number as we write it: decimal, no sign, no leading zero."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """Requests running and waiting in one replica, as scraped at ``sampled_at``."""

    value: float
    sampled_at: float


@dataclass(frozen=True, slots=True)
class _Member:
    """A pod that is ours and whose labels agree with its name."""

    replica: int
    host: Host
    labels: Json
    annotations: Json


def inventory_of(
    uid: str,
    name: str,
    pods: Iterable[object],
    *,
    at: float,
    size: int = 1,
    revision: str = "",
    in_flight: Mapping[int, InFlight] | None = None,
    nodes: Mapping[str, Json] | None = None,
    complete: bool = True,
) -> Inventory:
    """The replicas of the serving ``name`` with ``uid``: ``size`` hosts each, in the order of their index.

    A pod counts only if its controller is this very object and its name is ``<name>-<replica>-<host>`` of its labels;
    any other pod that came along is listed as foreign, and blocks the replica whose pod's name it has. ``in_flight``
    is by replica index; a sample from before the
    leader's container started is of an older pod with the same index and is dropped.
    """
    groups: dict[int, list[_Member]] = {}
    foreign: list[str] = []
    for pod in pods:
        member = _member(mapping(pod), uid, name, size, nodes or {})
        if member is None:
            foreign.append(text(mapping(mapping(pod).get("metadata")).get("name")) or "(a pod without a name)")
        else:
            groups.setdefault(member.replica, []).append(member)
    samples = in_flight or {}
    replicas = tuple(_replica(index, groups[index], size, samples.get(index)) for index in sorted(groups))
    return Inventory(
        at=at,
        replicas=replicas,
        foreign_pods=tuple(sorted(foreign)),
        revision=revision,
        blocked=tuple(sorted({index for pod in foreign if (index := _claimed(pod, name)) is not None})),
        complete=complete,
    )


def counts_of(inventory: Inventory, current: int) -> ReplicaCounts:
    """Replicas of role serving that are ready, and that are on their way there.

    Draining, terminating, failed and finished ones are neither. Requests are pulled by ready replicas only, so only
    those count as capacity.
    """
    alive = [r for r in inventory.replicas if r.role is Role.SERVING and not r.is_terminating]
    starting = [r for r in alive if r.phase in (Phase.PROVISIONING, Phase.PULLING, Phase.LOADING)]
    ages = (max(0.0, inventory.at - min(host.created_at for host in replica.hosts)) for replica in starting)
    return ReplicaCounts(
        current=current,
        ready=sum(r.is_ready for r in alive),
        starting=len(starting),
        ages=tuple(sorted(ages, reverse=True)),
    )


def retired_of(inventory: Inventory) -> tuple[str, ...]:
    """Uids of leaders that wished to leave: they ended with code 0 while they served.

    A leader that somebody deletes or that drains ends with 0 as well; that is obedience, not a wish.
    """
    return tuple(
        replica.hosts[0].uid
        for replica in inventory.replicas
        if replica.phase is Phase.FINISHED and replica.role is Role.SERVING and not replica.is_terminating
    )


def _member(pod: Json, uid: str, name: str, size: int, nodes: Mapping[str, Json]) -> _Member | None:
    metadata = mapping(pod.get("metadata"))
    labels = mapping(metadata.get("labels"))
    replica, rank = _index(labels.get(REPLICA)), _index(labels.get(HOST))
    if replica is None or rank is None or rank >= size or labels.get(SERVING) != name:
        return None
    if not _is_controlled_by(metadata, uid) or metadata.get("name") != f"{name}-{replica}-{rank}":
        return None
    node = nodes.get(text(mapping(pod.get("spec")).get("nodeName")))
    return _Member(replica, host_of(pod, rank, node), labels, mapping(metadata.get("annotations")))


def _claimed(pod: str, name: str) -> int | None:
    """Index of the replica whose pod would be called ``pod``."""
    replica, dash, host = pod.removeprefix(f"{name}-").partition("-")
    return _index(replica) if pod.startswith(f"{name}-") and dash and _index(host) is not None else None


def _index(label: object) -> int | None:
    return int(label) if isinstance(label, str) and _INDEX.fullmatch(label) else None


def _is_controlled_by(metadata: Json, uid: str) -> bool:
    owners = metadata.get("ownerReferences")
    owners = owners if isinstance(owners, list | tuple) else ()
    return any(mapping(o).get("uid") == uid and mapping(o).get("controller") is True for o in owners)


def _replica(index: int, members: list[_Member], size: int, sample: InFlight | None) -> Replica:
    members = sorted(members, key=lambda member: member.host.rank)
    leader = members[0] if members[0].host.rank == 0 else None
    role, draining_since = _role(leader)
    revisions = {text(member.labels.get(REVISION)) for member in members}
    started_at = leader.host.pulled_at if leader else None
    if sample is not None and (started_at is None or sample.sampled_at < started_at):
        sample = None
    return Replica(
        index=index,
        role=role,
        # Hosts of two revisions are no group of either: an empty one differs from every spec's.
        revision=revisions.pop() if len(revisions) == 1 else "",
        hosts=_ended_together(tuple(member.host for member in members)),
        size=size,
        draining_since=draining_since,
        in_flight=sample.value if sample else None,
        in_flight_at=sample.sampled_at if sample else None,
    )


def _role(leader: _Member | None) -> tuple[Role, float | None]:
    """The leader's role, and since when it drains. Any other label than ``serving`` has left the Service: draining.

    There is no time yet where somebody else changed the label.
    """
    if leader is None or leader.labels.get(ROLE) == Role.SERVING.value:
        return Role.SERVING, None
    return Role.DRAINING, noted(leader.annotations.get(DRAINING_SINCE))


def _ended_together(hosts: tuple[Host, ...]) -> tuple[Host, ...]:
    """A worker that ended with code 0 while its leader goes on has failed its group; with its leader it has not."""
    if hosts[0].rank == 0 and hosts[0].phase is Phase.FINISHED:
        return hosts
    return tuple(
        replace(h, phase=Phase.FAILED, blame=f"host {h.rank} ended before its leader (exit code 0)")
        if h.rank > 0 and h.phase is Phase.FINISHED
        else h
        for h in hosts
    )
