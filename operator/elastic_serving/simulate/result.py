"""What goes into a simulated run and what comes out of it: arrays of equal length, one element per request or second.

Times are seconds from the start of the trace. Nothing here computes; ``score`` does.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Requests:
    """The workload, one element per request in order of arrival. Arrays of equal length; empty is allowed."""

    arrived: Floats
    """Seconds, ascending (equal times are allowed)."""
    prompt_tokens: Ints
    output_tokens: Ints

    def __len__(self) -> int:
        """How many requests."""
        return len(self.arrived)


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """How the run went, one element per second of it: what was so at the end of the second that begins at ``at``.

    Counts are of whole things: replicas, requests.
    """

    at: Floats
    desired: Ints
    ready: Ints
    """Replicas that take requests."""
    starting: Ints
    """Replicas that are paid for and do not serve yet."""
    running: Ints
    """Requests in a slot."""
    waiting: Ints
    """Requests in the queue."""

    def __len__(self) -> int:
        """How many seconds."""
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of desired, with the policy's words for it."""

    at: float
    before: int
    after: int
    why: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One policy over one workload. Per request, in order of arrival: ``waits``, ``service``, ``prefill``."""

    policy: str
    waits: Floats
    """Seconds from arrival to a slot; inf where the request was never served (left in the queue, or lost)."""
    service: Floats
    """Seconds in the slot."""
    prefill: Floats
    """Seconds of the service before the first token began."""
    timeline: Timeline
    changes: tuple[Change, ...]
    replica_seconds: float
    """From creation to deletion, boot and drain included, summed over the replicas."""
    seconds: float
    """Length of the run."""
