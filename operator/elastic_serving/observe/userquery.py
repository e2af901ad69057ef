"""Users' own PromQL: each text asked once for all servings that share it, on its own interval and phase."""

import asyncio
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from elastic_serving.api.signals import EffectiveSignal
from elastic_serving.api.times import clock
from elastic_serving.observe.catalogue import PART, SAMPLED_AT, VALUE
from elastic_serving.observe.prometheus import Queries, QueryFailed
from elastic_serving.observe.series import Series
from elastic_serving.scaling.model import NOT_ASKED, Missing, Sample

SERIES_LIMIT: Final = 3
"""Enough to tell one series (and its time) from many, whatever a query would return."""

_SELECTOR: Final = r"(?P<selector>[a-zA-Z_:][a-zA-Z0-9_:]*\s*(?:\{[^{}]*\})?)"
_AGEABLE: Final = re.compile(rf"\s*(?:(?:sum|avg|min|max|count)\s*\(\s*)?{_SELECTOR}\s*\)?\s*")


def with_age(promql: str) -> str:
    """``promql`` and, where it can be known, the time of the oldest sample behind it as a second element.

    That is possible for ``metric{...}`` and for sum, avg, min, max or count of one. For anything else the time of a
    sample is the time of the evaluation, at most Prometheus's lookback (5 minutes) too young.
    """
    match = _AGEABLE.fullmatch(promql)
    is_balanced = match is not None and promql.count("(") == promql.count(")")
    if match is None or not is_balanced or match["selector"].strip().lower() in ("inf", "nan"):
        return promql
    time = f'label_replace(min(timestamp({match["selector"]})), "{PART}", "{SAMPLED_AT}", "", "")'
    return f'label_replace({promql}, "{PART}", "{VALUE}", "", "") or {time}'


def outcome_of(series: Sequence[Series], asked_at: float) -> Sample | Missing:
    """The one number of an answer to ``with_age``, at its true time where that came along."""
    times = [one.value for one in series if one.labels.get(PART) == SAMPLED_AT]
    values = [one for one in series if one.labels.get(PART) != SAMPLED_AT]
    if not values:
        return Missing("Empty", "the query has no result")
    if len(values) > 1:
        return Missing("BadAnswer", "the query returns more than one series: aggregate it, for instance with sum()")
    if not values[0].is_number:
        return Missing("NaN", f"the query returns {values[0].value}, not a finite number")
    return Sample(values[0].value, times[0] if times else asked_at)


@dataclass(slots=True)
class _Query:
    interval_seconds: float
    due_at: float
    asked_at: float = 0.0
    task: "asyncio.Task[Sample | Missing] | None" = None
    newest: Sample | Missing = Missing(NOT_ASKED, "the query has not been answered yet")  # noqa: RUF009  # it is frozen
    good: Sample | None = None


@dataclass(slots=True)
class UserQueries:
    """The newest outcome of every query text, and the last good sample behind it."""

    prometheus: Queries
    stale_after_seconds: float
    _queries: dict[str, _Query] = field(default_factory=dict)

    async def refresh(self, signals: Iterable[EffectiveSignal], now: float, *, patience_seconds: float) -> None:
        """Ask what is due and wait up to ``patience_seconds`` for that; forget texts nobody wants any more.

        What was late once is not waited for again, it is taken when it has come. A text that several signals share
        runs at the shortest of their intervals.
        """
        self._adopt(_intervals(signals), now)
        asked = []
        for promql, query in self._queries.items():
            # Due far ahead means that the clock went back: its schedule starts anew.
            if query.task is None and not now < query.due_at <= now + query.interval_seconds:
                query.asked_at = now
                query.due_at = next_due(promql, now, query.interval_seconds)
                query.task = asyncio.create_task(self._ask(promql, now))
                asked.append(query.task)
        if asked:
            await asyncio.wait(asked, timeout=patience_seconds)
        for query in self._queries.values():
            if query.task is not None and query.task.done():
                query.newest, query.task = query.task.result(), None
                query.good = query.newest if isinstance(query.newest, Sample) else query.good

    def read(self, signal: EffectiveSignal, now: float) -> Sample | Missing:
        """The newest good sample that is not older than the interval plus the stale bound, else why there is none.

        Only an *empty* answer counts as 0, and only where the signal says ``emptyIsZero``.
        """
        query = self._queries.get(signal.query)
        if query is None:
            return Missing(NOT_ASKED, "the query has not been asked yet")
        oldest = now - signal.interval_seconds - self.stale_after_seconds
        newest = query.newest
        if isinstance(newest, Missing) and newest.kind == "Empty" and signal.empty_is_zero:
            newest = Sample(0.0, query.asked_at)
        if isinstance(newest, Sample) and newest.sampled_at >= oldest:
            return newest
        if query.good is not None and query.good.sampled_at >= oldest:
            return query.good
        if isinstance(newest, Sample):
            return Missing("Stale", f"the newest sample of the query is from {clock(newest.sampled_at, now)}")
        return newest

    async def aclose(self) -> None:
        """Stop waiting for answers; returns when nothing waits any more."""
        tasks = [query.task for query in self._queries.values() if query.task is not None]
        self._adopt({}, 0.0)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _adopt(self, intervals: Mapping[str, float], now: float) -> None:
        for promql in [p for p in self._queries if p not in intervals]:
            task = self._queries.pop(promql).task
            if task is not None:
                task.cancel()
        for promql, interval in intervals.items():
            query = self._queries.setdefault(promql, _Query(interval, due_at=now))
            if interval != query.interval_seconds:
                query.interval_seconds = interval
                query.due_at = min(query.due_at, next_due(promql, now, interval))

    async def _ask(self, promql: str, asked_at: float) -> Sample | Missing:
        try:
            return outcome_of(await self.prometheus.query(with_age(promql), limit=SERIES_LIMIT), asked_at)
        except QueryFailed as failure:
            return Missing(failure.kind, str(failure))


def next_due(promql: str, now: float, interval_seconds: float) -> float:
    """The first time after ``now`` at this text's own phase of the interval: texts spread evenly, restarts included."""
    phase = zlib.crc32(promql.encode()) / 2**32 * interval_seconds
    return phase + ((now - phase) // interval_seconds + 1) * interval_seconds


def _intervals(signals: Iterable[EffectiveSignal]) -> dict[str, float]:
    intervals: dict[str, float] = {}
    for signal in signals:
        intervals[signal.query] = min(intervals.get(signal.query, float("inf")), signal.interval_seconds)
    return intervals
