"""The shape of a stage: it gets the number so far and a ``Tick``, and returns a ``Move``, or None to let it pass.

A stage is one function, listed once in ``decide.STAGES``; what it does it says in the step it leaves.
"""

from dataclasses import dataclass
from enum import IntEnum

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.backlog import Backlog
from elastic_serving.scaling.latency import Capacity
from elastic_serving.scaling.learn import Learned
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import ScalingLimit, Seen, SignalOutcome, Step


class Pace(IntEnum):
    """What is still ahead of the number: windows, policies, limits; without windows; limits alone."""

    STEADY = 0
    WAITED = 1
    """A wait of its own is over (idle, fallback): no window on top of it."""
    AT_ONCE = 2
    """From zero, back into the range, or by hand."""


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
    best: SignalOutcome | None
    """The signal that asks for the most, the first of equals; None where none is known."""
    missing: tuple[str, ...]
    """Names of the signals that are missing; those without a replica to measure abstain and are not."""
    idle_since: float | None
    missing_since: float | None
    learned: Learned | None = None
    ahead: Backlog | None = None
    """What there will be to do when a new replica could serve; None where that is not known."""
    is_unscraped: bool = False
    """Some signal's replicas were not scraped yet: it abstains, but the others lower nothing."""
    capacities: tuple[Capacity, ...] = ()
    """What signals of type Latency have learned, this pass included."""

    @property
    def is_blind(self) -> bool:
        """Too little is known to lower the number."""
        best = self.best
        return best is None or (bool(self.missing or self.is_unscraped) and (best.recommendation or 0) < self.current)


@dataclass(frozen=True, slots=True)
class Move:
    """The step a stage leaves (its ``after`` is the number from here on) and what the decision will say about it."""

    step: Step
    why: str = ""
    pace: Pace = Pace.STEADY
    limited: ScalingLimit | None = None
    held: str = ""
