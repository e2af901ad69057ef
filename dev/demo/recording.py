"""What was seen of one run. Times are seconds of the traffic since its first request was due; before it, below 0."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from dev.traffic.measure import Quantiles, Snapshot

_RESULT: Final = re.compile(r"-> (\d+)$")
"""How a step names the number that it leaves."""


LOOK_SECONDS: Final = 0.5
"""Real time between two looks: as often as a person can follow."""
_LATE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One look at clients, engines and the status; a count that nobody knows yet is None."""

    at: float
    in_flight: int
    """What the clients wait for: running, waiting, and not connected yet."""
    waiting: int
    """In the engines' queues."""
    requests_per_second: float
    first_token: Quantiles
    """Of the answers that began in the interval before."""
    desired: int | None
    serving: int | None
    starting: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of desired, as status.decision told it. ``seen_at`` is when the watch brought it."""

    seen_at: float
    before: int
    after: int
    reason: str
    steps: tuple[str, ...]

    @property
    def arrow(self) -> str:
        """``3 -> 5``."""
        return f"{self.before} -> {self.after}"

    @property
    def sentence(self) -> str:
        """The step that asked and the step that set the number, where they are two; the reason where no step did.

        The setting step is the earliest after which no step ends in another number. Example: of "Concurrency: 192 ...
        -> 9", "stabilization: up window 0 s -> 9", "limits: 1 to 8 -> 8" it is the third, and the first asked.
        """
        results = [(step, int(found[1])) for step in self.steps if (found := _RESULT.search(step))]
        setting = ""
        for step, result in results:
            setting = (setting or step) if result == self.after else ""
        asking = results[0][0] if results else ""
        return "; ".join(dict.fromkeys(step for step in (asking, setting) if step)) or self.reason


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole run. ``total`` is what the clients saw of it."""

    serving: str
    title: str
    speed: float
    target: float
    """In flight that one replica should carry."""
    limit: int
    """maxReplicas."""
    moments: tuple[Moment, ...]
    changes: tuple[Change, ...]
    total: Snapshot
    description: str
    """What ``kubectl describe`` said at the end."""

    @property
    def minutes(self) -> float:
        """From the first look to the last, in time of the traffic."""
        return (self.moments[-1].at - self.moments[0].at) / 60 if self.moments else 0.0

    @property
    def replica_minutes(self) -> float:
        """Replicas that were paid for (serving or starting), times minutes of the traffic."""
        return replica_minutes(self.moments)

    @property
    def caveat(self) -> str:
        """A sentence where looks came so late that this machine is part of what was measured; else empty."""
        gaps = (later.at - earlier.at for earlier, later in pairwise(self.moments))
        late_seconds = max(gaps, default=0.0) / self.speed - LOOK_SECONDS
        if late_seconds < _LATE_SECONDS:
            return ""
        return (
            f"This machine was busy (the demo itself came up to {late_seconds:.1f} s late), "
            "so the times to first token are partly its own; a lower --speed asks less of it."
        )


def replica_minutes(moments: Sequence[Moment]) -> float:
    """The area below serving + starting, in replicas x minutes; a moment counts until the next one.

    Example: 2 replicas for 60 s, then 1 until the last look 30 s later: 2.5.
    """
    area = sum(
        ((earlier.serving or 0) + (earlier.starting or 0)) * (later.at - earlier.at)
        for earlier, later in pairwise(moments)
    )
    return area / 60


def clock(seconds: float) -> str:
    """``03:12``; before the traffic ``-00:20``."""
    sign, whole = ("-", -seconds) if seconds <= -0.5 else ("", max(0.0, seconds))
    return f"{sign}{int(whole + 0.5) // 60:02}:{int(whole + 0.5) % 60:02}"


def seconds_text(seconds: float | None) -> str:
    """``1.8 s``, two digits that matter; ``-`` where nothing was measured."""
    if seconds is None:
        return "-"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
