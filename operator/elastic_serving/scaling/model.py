"""The values of one pass: what was seen, what is decided, what is to be done.

``observe`` fills ``Seen``, ``decide`` returns ``Decided``, ``plan`` returns actions, ``act`` performs them. Everything
here is frozen and has no behaviour beyond reading itself. Times are seconds since the epoch (UTC); a ``Replica`` is one
atomic group of hosts and the unit of every number.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Sample:
    """A fleet total (or, for a ``Value`` target, the value itself), as old as its oldest part."""

    value: float
    sampled_at: float


@dataclass(frozen=True, slots=True)
class Latency:
    """What the requests of the last minute saw, over the whole serving; None where no budget asks for it.

    ``ttft_seconds`` (to the first token) and ``tpot_seconds`` (between tokens) are at the signal's percentile; ``met``
    is the part of the requests, 0 to 1, that kept all budgets at least.
    """

    met: float
    sampled_at: float
    ttft_seconds: float | None = None
    tpot_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PerReplica:
    """One value per replica of role serving; ``None`` for a replica that did not report.

    Keys are replica indices as strings, in the order of the index. A replica that is not in ``values`` does not
    exist for the arithmetic; one with ``None`` exists and is missing. ``sampled_at`` is the oldest sample's time.
    """

    values: tuple[tuple[str, float | None], ...]
    sampled_at: float
    latency: Latency | None = None
    """For a signal of type Latency: what came of the load; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Missing:
    """No usable sample: never 0. ``reason`` reads as the end of a sentence and names the query's failure.

    ``kind`` is CamelCase and stable: Unreachable, Timeout, Refused, BadAnswer, Empty, NaN, Stale, Unauthorized,
    NoReplica (no serving replica exists, so its series do not either), NotScraped (those that serve are too young),
    NotAsked (nobody has looked yet).
    """

    kind: str
    reason: str
    since: float | None = None


NOT_SCRAPED: Final = "NotScraped"
"""Kind of a signal whose replicas are ready and were not scraped yet: no failure, but they may be busy."""
NOT_ASKED: Final = "NotAsked"
"""Kind of a signal before its first answer, or its first failure: it holds the number, and there is nothing to tell."""

Reading: TypeAlias = Sample | PerReplica | Missing


class Role(StrEnum):
    """What a replica is for. ``Standby`` joins them with the standby tiers."""

    SERVING = "serving"
    DRAINING = "draining"


class Phase(StrEnum):
    """Where a replica stands in its cold start; the slowest host decides."""

    PROVISIONING = "provisioning"
    PULLING = "pulling"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    FINISHED = "finished"
    """The leader exited with code 0: it wished to leave."""


@dataclass(frozen=True, slots=True)
class Host:
    """One pod of a replica. ``phase_since`` is when its present phase began.

    ``blame`` is the pod's own word for what is wrong or awaited ("0/3 nodes are available: ..."), empty if nothing.
    """

    rank: int
    pod: str
    uid: str
    resource_version: str
    phase: Phase
    phase_since: float
    created_at: float
    gated: bool
    terminating: bool
    node: str | None = None
    blame: str = ""
    provisioned_at: float | None = None
    """Scheduled to a node."""
    pulled_at: float | None = None
    """The engine's container started."""
    ready_at: float | None = None
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Replica:
    """One serving instance. ``hosts`` are in rank order and may be incomplete right after a crash of the operator.

    ``in_flight`` is requests running and waiting in this replica (``None`` where unknown), sampled at
    ``in_flight_at``; ``draining_since`` is the time of the label change that took it out of the Service, None until it
    is written down where somebody else changed the label.
    """

    index: int
    role: Role
    revision: str
    hosts: tuple[Host, ...]
    size: int
    """Hosts the replica must have."""
    draining_since: float | None = None
    in_flight: float | None = None
    in_flight_at: float | None = None

    @property
    def is_whole(self) -> bool:
        """All hosts exist and none is being deleted."""
        return len(self.hosts) == self.size and not any(h.terminating for h in self.hosts)

    @property
    def is_terminating(self) -> bool:
        """At least one host is being deleted: the replica counts for nothing but its index is taken."""
        return any(h.terminating for h in self.hosts)

    @property
    def phase(self) -> Phase:
        """The phase of the whole group: failed if any host failed, else the earliest phase among the hosts."""
        phases = {h.phase for h in self.hosts}
        for phase in (Phase.FAILED, Phase.FINISHED, Phase.PROVISIONING, Phase.PULLING, Phase.LOADING):
            if phase in phases:
                return phase
        return Phase.READY if self.is_whole else Phase.PROVISIONING

    @property
    def is_ready(self) -> bool:
        """Serves or could serve: whole, every host ready."""
        return self.is_whole and self.phase is Phase.READY


@dataclass(frozen=True, slots=True)
class Failure:
    """A replica that failed: how often in a row, when last and why (its host's own words)."""

    index: int
    revision: str
    count: int
    at: float
    reason: str
    uid: str = ""
    """Uid of the pod that failed last: seen again before its deletion is known, it is not another failure."""
    heir: int | None = None
    """Index under which it was made anew, where its own was still taken by the pod that failed."""

    @property
    def place(self) -> int:
        """Index of the replica that the next failure of this row would be of."""
        return self.index if self.heir is None else self.heir


@dataclass(frozen=True, slots=True)
class Inventory:
    """The replicas of one serving as the API server knows them, by index. ``at`` is when that was true."""

    at: float
    replicas: tuple[Replica, ...] = ()
    foreign_pods: tuple[str, ...] = ()
    """Pods that carry our labels and are not owned by this serving: never counted, never touched."""
    revision: str = ""
    """Revision of the present spec; replicas of another one are replaced."""
    failures: tuple[Failure, ...] = ()
    """Replicas that failed lately, by index: they are made anew with growing waits."""
    blocked: tuple[int, ...] = ()
    """Indices whose pod names are taken by pods that are not ours."""
    complete: bool = True
    """False while the cache was not reconciled with a full list lately: then nothing may be removed."""


@dataclass(frozen=True, slots=True)
class ReplicaCounts:
    """Replicas as the formula needs them. ``current`` seeds an empty memory and is otherwise ignored."""

    current: int
    ready: int
    starting: int
    standby: int = 0
    ages: tuple[float, ...] = ()
    """Seconds since each starting replica was created, oldest first; empty where nobody knows."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests in all replicas that serve or drain at ``sampled_at``, and how many were finished since some fixed
    moment.

    ``finished`` is a counter: a smaller number than before means that counting began anew.
    """

    running: float
    waiting: float
    finished: float
    sampled_at: float


@dataclass(frozen=True, slots=True)
class Boot:
    """One cold start that succeeded: ready at ``ready_at``, ``seconds`` after the replica was created."""

    ready_at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation. ``signals`` are in the order of ``spec.scaling.signals`` and have their unique names.

    ``retired`` names replicas (by leader pod uid) whose leader exited 0 since the last pass: each asks for one fewer.
    """

    at: float
    replicas: ReplicaCounts
    signals: tuple[tuple[str, Reading], ...]
    inventory: Inventory
    retired: tuple[str, ...] = ()
    flow: Flow | None = None
    """None where the engine's counters are not known; then nothing is learned from this pass."""
    boots: tuple[Boot, ...] = ()
    """Cold starts of the replicas that are there, in the order in which they ended."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a decision: the number it got, the number it gave, and why, as a sentence a user can read."""

    stage: str
    before: int
    after: int
    reason: str


class ScalingLimit(StrEnum):
    """Condition ScalingLimited in HPA's words."""

    NONE = "DesiredWithinRange"
    TOO_FEW = "TooFewReplicas"
    TOO_MANY = "TooManyReplicas"
    SCALE_UP_LIMIT = "ScaleUpLimit"
    SCALE_DOWN_LIMIT = "ScaleDownLimit"
    PAUSED = "Paused"
    """Ours: HPA cannot be paused."""


@dataclass(frozen=True, slots=True)
class SignalOutcome:
    """What one signal asked for; ``recommendation`` is None where the signal is missing."""

    name: str
    value: float | None
    """Per-replica signals: the fleet total of what reported."""
    target: float
    recommendation: int | None
    sampled_at: float | None
    missing: Missing | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Desired replicas and everything that led there. ``why`` is one CamelCase reason (the winning signal's name,
    Idle, Manual, Fallback, MetricsMissing, StabilizationWindow, ScaleUpLimit, ...)."""

    at: float
    current: int
    desired: int
    recommendation: int | None
    """After the maximum over the signals, before idle, windows, policies and limits; None when all are missing."""
    signal: str | None
    """Name of the winning signal."""
    why: str
    steps: tuple[Step, ...]
    signals: tuple[SignalOutcome, ...] = ()
    limited: ScalingLimit = ScalingLimit.NONE
    held: str = ""
    """One sentence if the decision was held back although a signal asked for something else, else empty."""
    fallback_at: float | None = None
    """When the fallback will act, while all signals are missing."""

    @property
    def changed(self) -> bool:
        """Desired differs from the last decision's."""
        return self.desired != self.current


@dataclass(frozen=True, slots=True)
class CreateReplica:
    """Create every missing host of the replica, gated, in one go."""

    index: int
    ranks: tuple[int, ...]
    reason: str
    anew: int | None = None
    """``Failure.place`` of the failed replica that it replaces; None where it replaces none."""


@dataclass(frozen=True, slots=True)
class LiftGates:
    """Every host exists: let the scheduler have them."""

    index: int
    hosts: tuple[Host, ...]


@dataclass(frozen=True, slots=True)
class SetRole:
    """Put the replica's leader into the Service or take it out."""

    index: int
    leader: Host
    role: Role
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteReplica:
    """Delete every host that is not terminating yet, each with its uid and resourceVersion as preconditions."""

    index: int
    hosts: tuple[Host, ...]
    reason: str
    lost: bool = False
    """True where the replica failed or ended by itself, rather than being scaled away or replaced."""


Action: TypeAlias = CreateReplica | LiftGates | SetRole | DeleteReplica


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions in the order of execution, and what stands in the way of the rest, one sentence each."""

    actions: tuple[Action, ...] = ()
    waits: tuple[str, ...] = ()
    look_again: bool = False
    """Something should be removed, but the inventory is not complete: list the pods, then plan anew."""


class TroubleKind(StrEnum):
    """Why an action was not done, by what happens next."""

    REFUSED = "Refused"
    """The API server refuses the template: wait for an edit."""
    FORBIDDEN = "Forbidden"
    """Policy (RBAC, admission, pod security) says no: again, slowly."""
    QUOTA = "QuotaExceeded"
    """A ResourceQuota is used up: again, slowly."""
    FOREIGN = "ForeignPod"
    """The pod's name is taken by a pod that is not ours: somebody must remove it."""
    CHANGED = "Changed"
    """The world moved between the look and the act: the next pass decides anew."""
    TRANSIENT = "Transient"
    """The API server did not answer or was busy: again, soon."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One action that was not done, or not wholly; ``sentence`` is the API server's own where it has one."""

    kind: TroubleKind
    replica: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a plan's actions: ``done`` whole, in order, and one trouble for each host that failed."""

    done: tuple[Action, ...] = ()
    troubles: tuple[Trouble, ...] = ()
