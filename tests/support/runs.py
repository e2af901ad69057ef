"""Small runs made by hand: what a simulated world would return."""

from collections.abc import Sequence

import numpy as np

from elastic_serving.simulate.result import Change, Requests, Run, Timeline


def requests_at(*times: float, prompt_tokens: int = 0, output_tokens: int = 1) -> Requests:
    """Requests at these times, all of one size."""
    return Requests(
        np.array(times, dtype=np.float64),
        np.full(len(times), prompt_tokens, dtype=np.int64),
        np.full(len(times), output_tokens, dtype=np.int64),
    )


def timeline_of(
    ready: Sequence[int],
    *,
    starting: Sequence[int] | None = None,
    running: Sequence[int] | None = None,
    waiting: Sequence[int] | None = None,
) -> Timeline:
    """One element a second; desired is ready and starting together, what is not given is 0."""

    def row(values: Sequence[int] | None) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values or [0] * len(ready), dtype=np.int64)

    there = row(ready) + row(starting)
    at = np.arange(len(ready), dtype=np.float64)
    return Timeline(at, there, row(ready), row(starting), row(running), row(waiting))


def run_of(
    waits: Sequence[float],
    timeline: Timeline,
    *,
    policy: str = "ours",
    service: float = 1.0,
    prefill: float = 0.0,
    changes: Sequence[Change] = (),
) -> Run:
    """Every request has the same service; the cost is that of the timeline."""
    count, cost = len(waits), float(timeline.ready.sum() + timeline.starting.sum())
    return Run(
        policy,
        np.array(waits, dtype=np.float64),
        np.full(count, service),
        np.full(count, prefill),
        timeline,
        tuple(changes),
        cost,
        float(len(timeline)),
    )
