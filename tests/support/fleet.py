"""A fleet of replicas in memory, for plan: it performs actions as the API server would and refuses impossible ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.model import (
    Action,
    CreateReplica,
    Decision,
    DeleteReplica,
    Failure,
    Host,
    Inventory,
    LiftGates,
    Phase,
    Replica,
    Role,
    SetRole,
)
from elastic_serving.scaling.retries import failures_after

START = 1_000_000.0


def spec_of(**scaling: Any) -> ElasticServingSpec:
    """The smallest spec, with ``scaling`` fields in camelCase."""
    return ElasticServingSpec.model_validate(
        {
            "model": {"uri": "hf://org/model"},
            "accelerator": {"gpu": {"product": "nvidia-l4"}},
            "scaling": {"maxReplicas": 8, **scaling},
        }
    )


def decision_of(desired: int, current: int | None = None, at: float = START) -> Decision:
    """A decision for ``desired`` whose way there does not matter."""
    return Decision(
        at=at,
        current=desired if current is None else current,
        desired=desired,
        recommendation=desired,
        signal=None,
        why="Concurrency",
        steps=(),
    )


def host_of(index: int, rank: int = 0, **fields: Any) -> Host:
    """A host that is ready since START, on a node of its own."""
    values: dict[str, Any] = {
        "rank": rank,
        "pod": f"m-{index}-{rank}",
        "uid": f"uid-{index}-{rank}",
        "resource_version": "1",
        "phase": Phase.READY,
        "phase_since": START,
        "created_at": START - 60,
        "gated": False,
        "terminating": False,
        "node": f"node-{index}-{rank}",
    }
    return Host(**{**values, **fields})


def replica_of(
    index: int, *, role: Role = Role.SERVING, revision: str = "new", size: int = 1, **fields: Any
) -> Replica:
    """A replica with all its hosts ready and nothing known of its load; host fields go to every host."""
    of_replica = {k: fields.pop(k) for k in ("draining_since", "in_flight", "in_flight_at") if k in fields}
    hosts = tuple(host_of(index, rank, **fields) for rank in range(size))
    return Replica(index=index, role=role, revision=revision, hosts=hosts, size=size, **of_replica)


def inventory_of(*replicas: Replica, at: float = START, **fields: Any) -> Inventory:
    """These replicas, under the present revision ``new``."""
    return Inventory(**{"at": at, "replicas": replicas, "revision": "new", **fields})


@dataclass(slots=True)
class Fleet:
    """Replicas that change as actions and time say."""

    spec: ElasticServingSpec
    size: int = 1
    revision: str = "new"
    now: float = START
    replicas: dict[int, Replica] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    creates: int = 0

    def inventory(self) -> Inventory:
        """What an observer would see now."""
        ordered = tuple(self.replicas[index] for index in sorted(self.replicas))
        return Inventory(at=self.now, replicas=ordered, revision=self.revision, failures=self.failures)

    def perform(self, actions: tuple[Action, ...]) -> None:
        """Do every action; AssertionError where the real API server or a user would have to object."""
        self.failures = failures_after(self.inventory(), actions, self.spec.startup)
        for action in actions:
            match action:
                case CreateReplica():
                    self._create(action)
                case LiftGates():
                    self._lift(action)
                case SetRole():
                    self._set_role(action)
                case DeleteReplica():
                    self._delete(action)

    def pass_time(self, seconds: float) -> None:
        """Terminating hosts vanish; ungated ones become ready; drains empty."""
        self.now += seconds
        for index, replica in list(self.replicas.items()):
            hosts = tuple(h for h in replica.hosts if not h.terminating)
            if not hosts:
                del self.replicas[index]
                continue
            started = tuple(
                h
                if h.gated or h.phase in (Phase.FAILED, Phase.FINISHED, Phase.READY)
                else replace(h, phase=Phase.READY, phase_since=self.now)
                for h in hosts
            )
            drained = replica.role is Role.DRAINING
            self.replicas[index] = replace(
                replica,
                hosts=started,
                in_flight=0.0 if drained else replica.in_flight,
                in_flight_at=self.now if drained else replica.in_flight_at,
            )

    def fail(self, index: int, rank: int, phase: Phase = Phase.FAILED) -> None:
        """One host ends: FAILED with an error, FINISHED (a leader only) by its own wish."""
        self._change_host(index, rank, phase=phase, phase_since=self.now, blame="exit code 1")

    def vanish(self, index: int, rank: int) -> None:
        """Somebody deleted one host and it is gone."""
        replica = self.replicas[index]
        hosts = tuple(h for h in replica.hosts if h.rank != rank)
        if hosts:
            self.replicas[index] = replace(replica, hosts=hosts)
        else:
            del self.replicas[index]

    def _change_host(self, index: int, rank: int, **fields: Any) -> None:
        replica = self.replicas[index]
        hosts = tuple(replace(h, **fields) if h.rank == rank else h for h in replica.hosts)
        self.replicas[index] = replace(replica, hosts=hosts)

    def _create(self, action: CreateReplica) -> None:
        present = self.replicas.get(action.index)
        taken = {h.rank for h in present.hosts} if present else set()
        assert action.ranks, "an empty creation"
        assert not taken & set(action.ranks), f"host made twice: {action}"
        assert present is None or (present.revision == self.revision and not present.is_terminating)
        self.creates += len(action.ranks)
        new = tuple(
            host_of(
                action.index,
                rank,
                uid=f"uid-{action.index}-{rank}-{self.creates}",
                phase=Phase.PROVISIONING,
                phase_since=self.now,
                created_at=self.now,
                gated=True,
                node=None,
            )
            for rank in action.ranks
        )
        hosts = tuple(sorted((*(present.hosts if present else ()), *new), key=lambda h: h.rank))
        self.replicas[action.index] = Replica(
            index=action.index, role=Role.SERVING, revision=self.revision, hosts=hosts, size=self.size
        )

    def _lift(self, action: LiftGates) -> None:
        replica = self.replicas[action.index]
        assert replica.is_whole, f"gates lifted of a group that is not whole: {replica}"
        for host in action.hosts:
            self._change_host(action.index, host.rank, gated=False, node=host.pod)

    def _set_role(self, action: SetRole) -> None:
        replica = self.replicas[action.index]
        assert action.leader.rank == 0, "only a leader has a role"
        since = self.now if action.role is Role.DRAINING else None
        self.replicas[action.index] = replace(replica, role=action.role, draining_since=since)

    def _delete(self, action: DeleteReplica) -> None:
        replica = self.replicas[action.index]
        live: Mapping[int, Host] = {h.rank: h for h in replica.hosts if not h.terminating}
        assert {h.rank for h in action.hosts} >= set(live), f"part of a group deleted: {action}"
        for rank in live:
            self._change_host(action.index, rank, terminating=True)
