"""The shape of a stage: it reads a ``Tick``, gets a ``Proposal`` and returns the next one, or None to let it pass.

A stage is one function in one file, listed once in ``decide.STAGES``; what it does it says in the step it leaves.
"""

from dataclasses import dataclass
from enum import IntEnum

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import ScalingLimit, Seen, SignalOutcome, Step


class Pace(IntEnum):
    """How much of the way is still ahead of a proposal."""

    STEADY = 0
    """Stabilization windows, rate policies, limits."""
    WAITED = 1
    """A wait of its own is over (idle, fallback): no window on top of it."""
    AT_ONCE = 2
    """From zero, back into the range, or by hand: neither windows nor policies."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What every stage may read. ``current`` is the last decision's desired, less the replicas that left by exit 0."""

    spec: ElasticServingSpec
    seen: Seen
    memory: Memory
    now: float
    current: int
    floor: int
    """minReplicas, or 1 where zero could not be left again."""
    outcomes: tuple[SignalOutcome, ...]
    idle_since: float | None
    missing_since: float | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """The number of replicas after a stage (``step.after``) and what the decision will say about it."""

    step: Step
    why: str
    pace: Pace = Pace.STEADY
    limited: ScalingLimit = ScalingLimit.NONE
    held: str = ""

    @property
    def replicas(self) -> int:
        """The number so far."""
        return self.step.after

    def to(
        self,
        replicas: int,
        stage: str,
        reason: str,
        *,
        why: str = "",
        pace: Pace | None = None,
        limited: ScalingLimit | None = None,
        held: str = "",
    ) -> "Proposal":
        """The proposal after ``stage``; what is not given stays."""
        return Proposal(
            Step(stage, self.step.after, replicas, reason),
            why or self.why,
            self.pace if pace is None else pace,
            self.limited if limited is None else limited,
            held or self.held,
        )
