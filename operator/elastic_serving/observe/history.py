"""The past of one query: its value at each step of a range, read in parts that Prometheus does not refuse."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from elastic_serving.observe.prometheus import QueryFailed
from elastic_serving.observe.series import Line

MOST_POINTS: Final = 11_000
"""Of one answer: "exceeded maximum resolution of 11,000 points per timeseries" (prometheus web/api/v1/api.go,
queryRange, read 2026-11-24)."""


class Ranges(Protocol):
    """What reading history needs of Prometheus."""

    async def query_range(self, promql: str, *, start: int, end: int, step_seconds: int) -> Sequence[Line]:
        """The series between ``start`` and ``end``, both included; raises QueryFailed."""
        ...


@dataclass(frozen=True, slots=True)
class History:
    """Pairs of time (epoch seconds) and number, in the order of time, at least one; where nothing was, no pair is."""

    points: tuple[tuple[float, float], ...]
    step_seconds: int


async def history(prometheus: Ranges, promql: str, *, start: int, end: int, step_seconds: int) -> History:
    """What ``promql`` was from ``start`` to ``end``; NaN is nothing.

    Raises QueryFailed: as the query itself, BadAnswer for several series, for a negative or infinite number, Empty
    where the whole range has nothing.
    """
    points: list[tuple[float, float]] = []
    for first in range(start, end + 1, MOST_POINTS * step_seconds):
        last = min(end, first + (MOST_POINTS - 1) * step_seconds)
        lines = await prometheus.query_range(promql, start=first, end=last, step_seconds=step_seconds)
        if len(lines) > 1:
            raise QueryFailed("BadAnswer", "it returns more than one series: aggregate it, for instance with sum()")
        points.extend(_usable(lines[0]) if lines else ())
    if not points:
        raise QueryFailed("Empty", "it has no result in the whole range")
    return History(tuple(points), step_seconds)


def _usable(line: Line) -> list[tuple[float, float]]:
    for at, value in line.points:
        if value < 0 or value == math.inf:
            raise QueryFailed("BadAnswer", f"it is {value} at {at:.0f}; it must be a number from 0")
    return [(at, value) for at, value in line.points if not math.isnan(value)]
