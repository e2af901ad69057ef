"""What one pass has to tell: the input of status, events and summary. Pure values and what they say together."""

from dataclasses import dataclass
from functools import cached_property

from elastic_serving.api.models import ElasticServing, Mode
from elastic_serving.queueing.line import Queue
from elastic_serving.scaling.learn import Known
from elastic_serving.scaling.model import (
    NOT_SCRAPED,
    Decision,
    Outcome,
    Phase,
    Plan,
    Replica,
    Role,
    Seen,
    SignalOutcome,
    Trouble,
    TroubleKind,
)

NO_REPLICA = "NoReplica"
"""Kind of a signal that is not measured because nothing serves: that is not a failure of the metrics."""


@dataclass(frozen=True)
class Account:
    """One pass of one serving. Without slots, so that what every sentence asks for is computed once.

    ``outcome`` is of the last pass in which something was tried, so that a refusal stands until it is overcome.
    ``last_change`` is the last decision of this process that changed desired; ``refusal`` is what the dry run of the
    present revision's pods said; ``beside`` are the troubles with Services and policies, a sentence each.
    """

    serving: ElasticServing
    seen: Seen
    decision: Decision
    plan: Plan
    outcome: Outcome
    now: float
    last_change: Decision | None = None
    refusal: Trouble | None = None
    beside: tuple[str, ...] = ()
    missing_since: float | None = None
    """Since when some signal is missing; ``status_of`` reads it from the last status where the signals do not know."""
    known: Known | None = None
    """What the traffic taught."""

    @property
    def name(self) -> str:
        """Name of the serving."""
        return self.serving.metadata.name

    @property
    def mode(self) -> Mode:
        """Who decides."""
        return self.serving.spec.scaling.mode

    @cached_property
    def live(self) -> tuple[Replica, ...]:
        """Replicas that are not being deleted."""
        return tuple(r for r in self.seen.inventory.replicas if not r.is_terminating)

    @cached_property
    def serving_now(self) -> tuple[Replica, ...]:
        """Replicas in the Service that are ready."""
        return tuple(r for r in self.live if r.role is Role.SERVING and r.is_ready)

    @cached_property
    def starting(self) -> tuple[Replica, ...]:
        """Replicas on their way into the Service."""
        ended = (Phase.FAILED, Phase.FINISHED)
        return tuple(r for r in self.live if r.role is Role.SERVING and not r.is_ready and r.phase not in ended)

    @cached_property
    def draining(self) -> tuple[Replica, ...]:
        """Replicas out of the Service that answer their last requests."""
        return tuple(r for r in self.live if r.role is Role.DRAINING)

    @cached_property
    def missing_signals(self) -> tuple[SignalOutcome, ...]:
        """Signals without a usable sample, but for those that wait for the first replica or its first scrape."""
        kinds = (NO_REPLICA, NOT_SCRAPED)
        return tuple(s for s in self.decision.signals if s.missing is not None and s.missing.kind not in kinds)

    @property
    def are_all_missing(self) -> bool:
        """No signal at all is known, and that is the metrics' failure."""
        return bool(self.missing_signals) and all(s.missing is not None for s in self.decision.signals)

    def troubles(self, *kinds: TroubleKind) -> tuple[Trouble, ...]:
        """Troubles of these kinds that still stand, those of the dry run first.

        The outcome may be of an earlier pass: a replica that could not be made is no trouble any more once it is there,
        or once fewer are wanted.
        """
        present = {replica.index for replica in self.live}
        lasting = self.outcome.troubles if self.is_short else ()
        standing = (*((self.refusal,) if self.refusal else ()), *(t for t in lasting if t.replica not in present))
        return tuple(t for t in standing if t.kind in kinds)

    @cached_property
    def is_short(self) -> bool:
        """Fewer replicas of the present revision are there than wanted, ready or not."""
        revision = self.seen.inventory.revision
        there = sum(r.role is Role.SERVING and r.revision == revision for r in self.live)
        return there < self.decision.desired

    @cached_property
    def queue(self) -> Queue | None:
        """What waits for the replicas that serve; None where nobody knows."""
        flow = self.seen.flow
        if flow is None:
            return None
        slots = self.seen.replicas.ready * self.serving.spec.engine.slots
        if self.known is None:
            return Queue(flow.waiting, slots)
        return Queue(flow.waiting, slots, self.known.rate_mean, self.known.service_seconds)

    @property
    def floor(self) -> int:
        """Replicas below which the serving counts as not ready: minReplicas, 1 at least, never above desired."""
        return min(self.decision.desired, max(1, self.serving.spec.scaling.min_replicas))
