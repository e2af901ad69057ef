"""A recorded past as a trace: rates of requests with what was not recorded, and what the fleet really was."""

from collections.abc import Sequence
from dataclasses import dataclass

from elastic_serving.simulate.arrivals import Segment
from elastic_serving.simulate.played import Played
from elastic_serving.simulate.policy import Wish


@dataclass(frozen=True, slots=True)
class Past:
    """Rates from ``begins`` (epoch seconds) on. A gap is a line between its neighbours: it is not silence."""

    begins: float
    segments: tuple[Segment, ...]
    gaps: tuple[float, ...]
    """Length of each gap in seconds."""

    @property
    def seconds(self) -> float:
        """Of the whole, gaps included."""
        return sum(segment.seconds for segment in self.segments)


def past_of(points: Sequence[tuple[float, float]], step_seconds: float) -> Past:
    """The past that ``points`` (time, requests per second) describe; at least one.

    A rate at t is that of the step before t, as PromQL's rate(x[step]) measures it. Where a point is missing, the rate
    goes in a straight line from the one before to the one after: neither 0 (nobody knows that it was silent) nor left
    out (bursts would move together). Example with a step of 60 s: 2 at 60, 4 at 240 is 60 s at 2, 120 s from 2 to 4
    (one gap), 60 s at 4. Test: ``a gap is a line between its neighbours``.
    """
    segments: list[Segment] = []
    gaps: list[float] = []
    reached, before = points[0][0] - step_seconds, points[0][1]
    for at, rate in points:
        gap = at - step_seconds - reached
        if gap > 0:
            gaps.append(gap)
            segments.append(Segment(gap, before, rate))
        segments.append(Segment(min(step_seconds, at - reached), rate, rate))
        reached, before = at, rate
    return Past(points[0][0] - step_seconds, tuple(segments), tuple(gaps))


def fleet_of(points: Sequence[tuple[float, float]], begins: float, boot_seconds: float) -> Played:
    """The fleet as it really was: ``points`` are times (epoch seconds) and replicas that served, at least one.

    Replicas are wished for a boot earlier than they served. A number holds until the next one, a gap included; before
    the first it is the first. What is not whole is rounded.
    """
    kept = [point for at, point in enumerate(points) if at == 0 or round(point[1]) != round(points[at - 1][1])]
    wishes = tuple(Wish(round(replicas), "Recorded") for _, replicas in kept)
    return Played("real", tuple(at - begins for at, _ in kept), wishes, boot_seconds)
