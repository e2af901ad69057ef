"""A policy that plays what is known already: decisions that were recorded, or the fleet as it really was."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from elastic_serving.scaling.model import Seen
from elastic_serving.simulate.policy import Wish


@dataclass(frozen=True, slots=True)
class Played:
    """``wishes`` hold from their times on (``at``, seconds from the start, ascending); at least one.

    With ``lead_seconds`` a rise is wished that much earlier, so that replicas that boot as long are ready when the
    fleet really was; a fall stays where it is.
    """

    name: str
    at: Sequence[float]
    wishes: Sequence[Wish]
    lead_seconds: float = 0.0
    interval_seconds: float = 1.0

    @property
    def start(self) -> int:
        """What holds at 0."""
        return self._newest(0.0).replicas

    def desired(self, seen: Seen, now: float) -> Wish:  # noqa: ARG002 - it looks at nothing
        """The wish of ``now``; with a lead the largest from now until then."""
        wish = self._newest(now)
        first, last = bisect_right(self.at, now), bisect_right(self.at, now + self.lead_seconds)
        return max([wish, *self.wishes[first:last]], key=lambda one: one.replicas)

    def _newest(self, now: float) -> Wish:
        return self.wishes[max(0, bisect_right(self.at, now) - 1)]
