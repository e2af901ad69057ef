"""Arrival times of a changing rate, and token counts: pure and the same for the same seed.

A renewal process of unit mean is stretched by the rate (time rescaling): the k-th arrival is where the integral of the
rate reaches the sum of k Gamma intervals with mean 1 and the wanted coefficient of variation. CV 1 is the
non-homogeneous Poisson process, above 1 is bursty. Source: Cinlar, Introduction to Stochastic Processes, 1975, ch. 4.7
(inversion); ServeGen (arXiv 2505.09999, section 3) finds Gamma intervals with CV above 1 in production.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: when (seconds from the start of the workload) and how many tokens in and out."""

    at_seconds: float
    prompt_tokens: int
    output_tokens: int


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

    def seconds_until(self, requests: float) -> float:
        """When the area from the segment's start reaches ``requests`` (0 to ``self.requests``).

        Solves a t + b t^2 / 2 = r with a = from_rps, b = (to_rps - from_rps) / seconds, in the form that does not
        cancel: t = 2 r / (a + sqrt(a^2 + 2 b r)). Example: a ramp from 0 to 4 rps in 10 s (b = 0.4) has seen 5
        requests after 2 x 5 / sqrt(2 x 0.4 x 5) = 5 s. Test: ``a ramp is inverted exactly``.
        """
        slope = (self.to_rps - self.from_rps) / self.seconds
        root = math.sqrt(max(0.0, self.from_rps**2 + 2 * slope * requests))
        return min(self.seconds, 2 * requests / (self.from_rps + root)) if requests > 0 else 0.0


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

    def draw(self, rng: random.Random) -> tuple[int, int]:
        """Prompt and output tokens of one request."""
        prompt = rng.lognormvariate(math.log(self.prompt_median), self.prompt_sigma)
        output = rng.lognormvariate(math.log(self.output_median), self.output_sigma)
        return min(self.prompt_max, max(1, round(prompt))), min(self.output_max, max(1, round(output)))


def arrival_times(segments: Sequence[Segment], cv: float, rng: random.Random) -> Iterator[float]:
    """Ascending times within the segments laid end to end. ``cv`` is that of the rescaled intervals, above 0."""
    shape = 1 / cv**2
    due = rng.gammavariate(shape, 1 / shape)
    begins = passed = last = 0.0
    for segment in segments:
        while due <= passed + segment.requests and segment.requests > 0:
            # Two arrivals within rounding of each other may come out swapped by the last bit.
            last = max(last, begins + segment.seconds_until(due - passed))
            yield last
            due += rng.gammavariate(shape, 1 / shape)
        begins += segment.seconds
        passed += segment.requests


def arrivals(segments: Sequence[Segment], *, cv: float, sizes: TokenSizes, seed: int) -> tuple[Arrival, ...]:
    """The whole workload. Times and sizes draw from generators of their own: a new size keeps the times."""
    times, tokens = random.Random(f"{seed} times"), random.Random(f"{seed} tokens")
    return tuple(Arrival(at, *sizes.draw(tokens)) for at in arrival_times(segments, cv, times))


def scaled(segments: Sequence[Segment], factor: float) -> tuple[Segment, ...]:
    """The same shape with ``factor`` times the rate."""
    return tuple(Segment(s.seconds, s.from_rps * factor, s.to_rps * factor) for s in segments)
