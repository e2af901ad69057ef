"""What a run was worth: whom it kept waiting, what it cost, how often it moved.

Need is the same for every policy, whatever queue it let grow: at each whole second the requests that would be in a slot
if each had one when it arrived (offered load), divided by the slots of a replica and rounded up. What is ready above it
is over-provisioned, below it under-provisioned; both are replicas times hours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from elastic_serving.simulate.result import Floats, Ints, Requests, Run

MISSED_MINUTE_SHARE: Final = 0.99
"""A minute counts as missed where fewer of its requests met the wait: one of a hundred is what `static` allows too."""
_HOUR: Final = 3600.0
_MINUTE: Final = 60
_ROUNDING: Final = 1e-9
"""Seconds; 0.02 a token added up and divided again is not exactly 0.02."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What a request may expect, in seconds; None asks nothing. A request that was never served misses all of them."""

    wait_seconds: float = 5.0
    """From arrival to a slot."""
    ttft_seconds: float | None = None
    """From arrival to the first token."""
    tpot_seconds: float | None = None
    """Per output token after the first."""


@dataclass(frozen=True, slots=True)
class Score:
    """One policy's run. Shares are 0 to 1; a quantile is None where that request was never served."""

    policy: str
    requests: int
    wait_attainment: float
    """Share of the requests that got a slot in time."""
    token_attainment: float | None
    """Share that met TTFT and TPOT, both; None where neither was asked for."""
    wait_p50_seconds: float | None
    wait_p99_seconds: float | None
    ttft_p50_seconds: float | None
    ttft_p99_seconds: float | None
    dropped: int
    """Never served: lost with their replica, or no replica came."""
    missed_minutes: int
    """Minutes of the run in which less than ``MISSED_MINUTE_SHARE`` of the requests that arrived met the wait."""
    replica_hours: float
    """From creation to deletion, boot and drain included."""
    over_provisioned_hours: float
    """Replicas ready or starting above the need, times hours."""
    under_provisioned_hours: float
    """Replicas needed and not ready, times hours."""
    scale_events: int
    """Changes of desired."""
    peak_desired: int
    cost_to_static: float | None = None
    """Replica-hours divided by those of the smallest fixed fleet that meets the objective; None without it."""
    cost_to_oracle: float | None = None
    """The same against the best schedule that knows the future."""


def score(run: Run, requests: Requests, *, slots: int, objective: Objective) -> Score:
    """Everything but the ratios to other policies; at least one request. Quantiles are by nearest rank."""
    token_seconds = _token_seconds(run, requests)
    ttft = run.waits + run.prefill + token_seconds
    in_time = run.waits <= objective.wait_seconds
    over, under = _off_the_need(run, needed(requests, run.service, slots, len(run.timeline)))
    return Score(
        policy=run.policy,
        requests=len(requests),
        wait_attainment=float(in_time.mean()),
        token_attainment=_token_attainment(ttft, token_seconds, objective),
        wait_p50_seconds=quantile(run.waits, 0.5),
        wait_p99_seconds=quantile(run.waits, 0.99),
        ttft_p50_seconds=quantile(ttft, 0.5),
        ttft_p99_seconds=quantile(ttft, 0.99),
        dropped=int(np.isinf(run.waits).sum()),
        missed_minutes=_missed_minutes(requests.arrived, in_time),
        replica_hours=run.replica_seconds / _HOUR,
        over_provisioned_hours=over,
        under_provisioned_hours=under,
        scale_events=len(run.changes),
        peak_desired=int(run.timeline.desired.max(initial=0)),
    )


def related(scores: Sequence[Score]) -> tuple[Score, ...]:
    """The scores with their costs divided by those of the policies named static and oracle, where they are there."""
    hours = {score.policy: score.replica_hours for score in scores}
    return tuple(
        replace(
            score,
            cost_to_static=_ratio(score.replica_hours, hours.get("static")),
            cost_to_oracle=_ratio(score.replica_hours, hours.get("oracle")),
        )
        for score in scores
    )


def quantile(values: Floats, share: float) -> float | None:
    """The smallest value that at least ``share`` of the values do not exceed; None where it is infinite.

    Example: of 1, 2, 3, 4 the 0.5 quantile is 2, the 0.99 quantile 4.
    """
    rank = max(0, math.ceil(share * len(values)) - 1)
    found = float(np.partition(values, rank)[rank])
    return found if math.isfinite(found) else None


def needed(requests: Requests, service: Floats, slots: int, seconds: int) -> Ints:
    """Replicas needed at the end of each second of the run, from 0 on: offered load over ``slots``, rounded up.

    A request is there from its arrival (included) to its end (excluded). Example: with 2 slots, requests at 0.2, 0.4
    and 0.9 s of 1 s each are 3 at 1 s, which need 2 replicas, and none at 2 s.
    """
    need: Ints = -(-offered(requests, service, seconds) // slots)
    return need


def offered(requests: Requests, service: Floats, seconds: int) -> Ints:
    """Requests that would be in a slot at the end of each second if each had one when it arrived."""
    came = np.bincount(_second(requests.arrived, seconds), minlength=seconds + 1)
    went = np.bincount(_second(requests.arrived + service, seconds), minlength=seconds + 1)
    there: Ints = np.cumsum(came - went)[:seconds].astype(np.int64)
    return there


def _second(times: Floats, seconds: int) -> Ints:
    """The second at whose end an event has happened: 0.2 and 1.0 are seconds 0; what comes later is ``seconds``."""
    second: Ints = np.clip(np.ceil(times) - 1, 0, seconds).astype(np.int64)
    return second


def _token_seconds(run: Run, requests: Requests) -> Floats:
    """Seconds per output token; a request for none is taken as one."""
    tokens: Floats = (run.service - run.prefill) / np.maximum(requests.output_tokens, 1)
    return tokens


def _token_attainment(ttft: Floats, token_seconds: Floats, objective: Objective) -> float | None:
    if objective.ttft_seconds is None and objective.tpot_seconds is None:
        return None
    met = np.isfinite(ttft)
    if objective.ttft_seconds is not None:
        met &= ttft <= objective.ttft_seconds
    if objective.tpot_seconds is not None:
        met &= token_seconds <= objective.tpot_seconds + _ROUNDING
    return float(met.mean())


def _missed_minutes(arrived: Floats, in_time: NDArray[np.bool_]) -> int:
    minute = (arrived // _MINUTE).astype(np.int64)
    came = np.bincount(minute)
    met = np.bincount(minute[in_time], minlength=len(came))
    return int((met < came * MISSED_MINUTE_SHARE).sum())


def _off_the_need(run: Run, need: Ints) -> tuple[float, float]:
    """Replica-hours above and below the need."""
    timeline = run.timeline
    over = np.maximum(timeline.ready + timeline.starting - need, 0).sum() / _HOUR
    under = np.maximum(need - timeline.ready, 0).sum() / _HOUR
    return float(over), float(under)


def _ratio(hours: float, of: float | None) -> float | None:
    return hours / of if of else None
