"""The requests of a run: a trace's own, or drawn from its rates; cut and scaled as the user wants.

Scaling a rate trace multiplies its rates. Scaling requests by k makes of each request k, spread evenly over the time
to the next one, at most a second of it: every stretch of seconds has k times the requests it had, so peaks, silences
and their lengths against a boot time stay what they are, and with them the ratio of peak to mean. Where requests are
less than a second apart, intervals are divided by k and keep their coefficient of variation. (Time divided by k would
shorten every burst below a boot; k shifted copies laid over each other would fill the silences.) A k of 2.5 makes two
and three in turn, 0.5 keeps every second request; a copy has the tokens of its original.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from elastic_serving.errors import ElasticServingError
from elastic_serving.simulate.arrivals import Segment, TokenSizes, drawn
from elastic_serving.simulate.result import Requests

Trace: TypeAlias = Requests | tuple[Segment, ...]

POISSON: Final = 1.0
"""Coefficient of variation where a trace of rates tells nothing of the arrivals between its rows."""
MOST_REQUESTS: Final = 100_000_000
"""About 5 GB of arrays in a run: more is a mistake in a unit."""
MOST_SECONDS: Final = 366 * 86_400
"""A timeline has an element for each second."""
_SPREAD_SECONDS: Final = 1.0


class TraceError(ElasticServingError):
    """The file is not a trace, or nothing of it is left; the message is one sentence for its author."""


@dataclass(frozen=True, slots=True)
class Shaping:
    """What is wanted of a trace. First the cut, then the scale: a mean is that of what is simulated."""

    seconds: float | None = None
    """Length, from the trace's start; None is all of it."""
    rate: float = 1.0
    """Factor of the rates."""
    mean_rate: float | None = None
    """Requests per second on average, instead of a factor."""
    cv: float = POISSON
    sizes: TokenSizes = field(default_factory=TokenSizes)
    seed: int = 1


def shaped(trace: Trace, shaping: Shaping) -> Requests:
    """The requests of the run, at least one; TraceError where there is none, or far too many."""
    left = cut(trace, shaping.seconds)
    expected, seconds = expected_requests(left), length_seconds(left)
    if seconds > MOST_SECONDS:
        raise TraceError(f"the trace is {seconds:.3g} s long; a run may have {MOST_SECONDS} s")
    if expected <= 0:
        raise TraceError(f"the trace has no request in its {seconds:g} s; it must have at least 1")
    factor = shaping.rate if shaping.mean_rate is None else shaping.mean_rate * seconds / expected
    if expected * factor > MOST_REQUESTS:
        raise TraceError(f"the run would have {expected * factor:.3g} requests; it may have {MOST_REQUESTS:.0e}")
    if isinstance(left, Requests):
        requests = replicated(left, factor)
    else:
        requests = drawn(scaled(left, factor), cv=shaping.cv, sizes=shaping.sizes, seed=shaping.seed)
    if not len(requests):
        raise TraceError(f"at {expected * factor:.3g} requests expected none was drawn; at least 1 is needed")
    return requests


def cut(trace: Trace, seconds: float | None) -> Trace:
    """What begins before ``seconds``; a segment is cut on its line."""
    if seconds is None:
        return trace
    if isinstance(trace, Requests):
        kept = int(np.searchsorted(trace.arrived, seconds))
        return Requests(trace.arrived[:kept], trace.prompt_tokens[:kept], trace.output_tokens[:kept])
    segments: list[Segment] = []
    for segment in trace:
        if seconds <= 0:
            break
        share = min(1.0, seconds / segment.seconds)
        reached = segment.from_rps + (segment.to_rps - segment.from_rps) * share
        segments.append(Segment(segment.seconds * share, segment.from_rps, reached))
        seconds -= segment.seconds
    return tuple(segments)


def length_seconds(trace: Trace) -> float:
    """Of rates the sum of the segments; of requests whole seconds, the last request within."""
    if isinstance(trace, Requests):
        return float(int(trace.arrived[-1]) + 1) if len(trace) else 0.0
    return sum(segment.seconds for segment in trace)


def expected_requests(trace: Trace) -> float:
    """How many there are, or are to be expected."""
    return float(len(trace)) if isinstance(trace, Requests) else sum(segment.requests for segment in trace)


def scaled(segments: Sequence[Segment], factor: float) -> tuple[Segment, ...]:
    """The same shape with ``factor`` times the rate."""
    return tuple(Segment(s.seconds, s.from_rps * factor, s.to_rps * factor) for s in segments)


def replicated(requests: Requests, factor: float) -> Requests:
    """``factor`` times as many requests in every stretch of seconds; 1 leaves them as they are.

    Of the first n requests ``floor(n x factor)`` are made. Example: two requests at 0 s and 0.5 s, factor 2: at 0,
    0.25, 0.5 and 1 s (the last gap counts as a second). Test: ``each request becomes as many``.
    """
    if factor == 1.0 or not len(requests):
        return requests
    made = np.floor(np.arange(len(requests) + 1) * factor).astype(np.int64)
    copies = np.diff(made)
    gaps = np.minimum(np.diff(requests.arrived, append=requests.arrived[-1] + _SPREAD_SECONDS), _SPREAD_SECONDS)
    which = np.repeat(np.arange(len(requests)), copies)
    nth = np.arange(made[-1]) - made[which]
    arrived = requests.arrived[which] + gaps[which] * nth / copies[which]
    return Requests(arrived, requests.prompt_tokens[which], requests.output_tokens[which])
