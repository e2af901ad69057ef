"""Requests out of changing rates: arrival times and token counts, the same for the same seed.

A renewal process of unit mean is stretched by the rate (time rescaling): the k-th arrival is where the integral of the
rate reaches the sum of k Gamma intervals with mean 1 and the wanted coefficient of variation. CV 1 is the
non-homogeneous Poisson process, above 1 is bursty. Source: Cinlar, Introduction to Stochastic Processes, 1975, ch. 4.7
(inversion); ServeGen (arXiv 2505.09999, section 3) finds Gamma intervals with CV above 1 in production.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from elastic_serving.simulate.result import Floats, Ints, Requests


@dataclass(frozen=True, slots=True)
class Segment:
    """A rate that goes in a straight line from ``from_rps`` to ``to_rps``; both 0 is silence."""

    seconds: float
    from_rps: float
    to_rps: float

    @property
    def requests(self) -> float:
        """Expected number: the area under the line."""
        return (self.from_rps + self.to_rps) / 2 * self.seconds

    def seconds_until(self, requests: Floats) -> Floats:
        """When the area from the segment's start reaches each of ``requests`` (0 to ``self.requests``).

        Solves a t + b t^2 / 2 = r with a = from_rps, b = (to_rps - from_rps) / seconds, in the form that does not
        cancel: t = 2 r / (a + sqrt(a^2 + 2 b r)). Example: a ramp from 0 to 4 rps in 10 s (b = 0.4) has seen 5
        requests after 2 x 5 / sqrt(2 x 0.4 x 5) = 5 s. Test: ``a ramp is inverted exactly``.
        """
        slope = (self.to_rps - self.from_rps) / self.seconds
        root = np.sqrt(np.maximum(self.from_rps**2 + 2 * slope * requests, 0.0)) + self.from_rps
        times = np.divide(2 * requests, root, out=np.zeros_like(requests), where=root > 0)
        return np.minimum(times, self.seconds)


@dataclass(frozen=True, slots=True)
class TokenSizes:
    """Heavy-tailed token counts: lognormal with these medians and sigmas, cut at the maxima, at least 1.

    The mean of a lognormal is median x exp(sigma^2 / 2): 512 x 1.38 = 705 in, 256 x 1.28 = 327 out.
    """

    prompt_median: float = 512.0
    prompt_sigma: float = 0.8
    prompt_max: int = 8000
    output_median: float = 256.0
    output_sigma: float = 0.7
    output_max: int = 2000

    def prompts(self, rng: np.random.Generator, count: int) -> Ints:
        """Prompt tokens of ``count`` requests."""
        return _lognormal(rng, count, self.prompt_median, self.prompt_sigma, self.prompt_max)

    def outputs(self, rng: np.random.Generator, count: int) -> Ints:
        """Output tokens of ``count`` requests."""
        return _lognormal(rng, count, self.output_median, self.output_sigma, self.output_max)


def arrival_times(segments: Sequence[Segment], cv: float, rng: np.random.Generator) -> Floats:
    """Ascending times within the segments laid end to end. ``cv`` is that of the rescaled intervals, above 0."""
    total = sum(segment.requests for segment in segments)
    due = _renewals(total, cv, rng)
    times = np.empty_like(due)
    begins = passed = 0.0
    first = 0
    for segment in segments:
        after = int(np.searchsorted(due, passed + segment.requests, side="right"))
        if segment.requests > 0:
            times[first:after] = begins + segment.seconds_until(due[first:after] - passed)
        begins += segment.seconds
        passed += segment.requests
        first = after
    # Two arrivals within rounding of each other may come out swapped by the last bit.
    return np.maximum.accumulate(times[:first])


def drawn(segments: Sequence[Segment], *, cv: float, sizes: TokenSizes, seed: int) -> Requests:
    """The whole workload. Times, prompts and outputs draw from generators of their own: a new size keeps the times."""
    times = arrival_times(segments, cv, _generator(seed, 0))
    return Requests(
        times, sizes.prompts(_generator(seed, 1), len(times)), sizes.outputs(_generator(seed, 2), len(times))
    )


def _generator(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, stream])


def _renewals(total: float, cv: float, rng: np.random.Generator) -> Floats:
    """Times up to ``total`` of a renewal process with Gamma intervals of mean 1."""
    shape = 1 / cv**2
    parts: list[Floats] = []
    reached = 0.0
    while reached <= total:
        left = total - reached
        # Four standard deviations more than expected: one draw is nearly always enough.
        intervals = rng.gamma(shape, 1 / shape, int(left + 4 * cv * math.sqrt(left)) + 16)
        np.cumsum(intervals, out=intervals)
        intervals += reached
        parts.append(intervals)
        reached = float(intervals[-1])
    due = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return due[: int(np.searchsorted(due, total, side="right"))]


def _lognormal(rng: np.random.Generator, count: int, median: float, sigma: float, most: int) -> Ints:
    tokens = rng.lognormal(math.log(median), sigma, count)
    np.rint(tokens, out=tokens)
    np.clip(tokens, 1, most, out=tokens)
    return tokens.astype(np.int64)
