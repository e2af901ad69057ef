"""A Prometheus in memory that answers as it is told, and remembers what it was asked."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from elastic_serving.observe.catalogue import PART, SAMPLED_AT, SHARE, VALUE
from elastic_serving.observe.prometheus import QueryFailed
from elastic_serving.observe.series import Series


def series(value: float, *, at: float = 0.0, **labels: str) -> Series:
    return Series(labels, value, at)


def replica(
    name: str, index: int | str, value: float, sampled_at: float, *, share: float | None = None, namespace: str = "a"
) -> tuple[Series, ...]:
    """What a fleet query says of one replica."""
    labels = {"namespace": namespace, "elasticserving": name, "es_replica": str(index)}
    parts = {VALUE: value, SAMPLED_AT: sampled_at} | ({} if share is None else {SHARE: share})
    return tuple(Series({**labels, PART: part}, number, 0.0) for part, number in parts.items())


@dataclass(slots=True)
class ScriptedQueries:
    """``Queries`` whose answers a test sets by a fragment of the query's text; an unknown query is a test's mistake.

    An answer is series, a failure to raise, or an event to wait for before there are no series.
    """

    answers: dict[str, Sequence[Series] | QueryFailed | asyncio.Event] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def query(self, promql: str, *, limit: int | None = None) -> Sequence[Series]:
        self.asked.append(promql)
        fitting = [answer for fragment, answer in self.answers.items() if fragment in promql]
        assert len(fitting) == 1, f"{len(fitting)} answers fit the query {promql}"
        answer = fitting[0]
        if isinstance(answer, QueryFailed):
            raise answer
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            return ()
        return answer if limit is None else answer[:limit]
