"""Erlang's formulas: how many servers a load needs so that few requests wait long. Pure.

Offered load a = lambda x S: requests that arrive a second times the seconds each takes; c servers (slots, not
replicas) share one queue. Arrivals are random (Poisson), services exponential; for arrivals in bursts see ``servers``.

    1 / B(n) = 1 + n / a x 1 / B(n - 1), B(0) = 1              all n servers are busy and the request is lost (Erlang B)
    C = 1 / (1 + (1 - a / c) x (1 / B(c) - 1))                 it waits instead (Erlang C), for a < c
    P(wait > t) = C x exp(-(c - a) x t / S),    mean wait = C x S / (c - a)

Source: Gross, Shortle, Thompson, Harris, Fundamentals of Queueing Theory, 4th ed. 2008, sections 2.3 and 2.5; Cooper,
Introduction to Queueing Theory, 2nd ed. 1981, chapter 3.
"""

import math
from functools import lru_cache
from typing import Final

DEVIATIONS: Final = 8.0
"""sqrt(a) by which the recursion begins below a. There B(n) = 1 - n / a but for some hundredths, and each step shrinks
the error by n / a: at a nothing is left of it in 15 digits. So a load of a million takes 8,000 steps, not a million."""
LARGE: Final = 1e6
"""Above it the servers beyond the load grow as its square root (Halfin and Whitt, Operations Research 29(3), 1981),
which is never too few: that much keeps P(wait > 0) where it is and makes P(wait > t) smaller."""


def wait_probability(servers: int, load: float, *, wait_seconds: float = 0.0, service_seconds: float = 1.0) -> float:
    """P(wait > ``wait_seconds``) of a request that arrives: 0 without load, 1 where the servers are not enough.

    Example: 14 servers with a load of 10 make 17.4 % wait at all.
    """
    if not 0 < load < servers:
        return 1.0 if load > 0 else 0.0
    start, inverse = _start(load)
    for n in range(start + 1, servers + 1):
        inverse = 1 + n / load * inverse
    return _waits(servers, load, inverse) * math.exp(-(servers - load) * wait_seconds / service_seconds)


def mean_wait_seconds(servers: int, load: float, service_seconds: float) -> float:
    """Seconds that a request waits on average, counting those that wait 0; infinite where the servers are too few."""
    if servers <= load:
        return math.inf
    return wait_probability(servers, load) * service_seconds / (servers - load)


@lru_cache(maxsize=4096)
def servers(
    load: float, service_seconds: float, wait_seconds: float, probability: float, peakedness: float = 1.0
) -> int:
    """The fewest servers with P(wait > ``wait_seconds``) <= ``probability``, more than ``load``; 0 without load.

    Arrivals in bursts of peakedness z are z servers' worth each: z x the servers for load / z (Hayward's approximation,
    Fredericks, Bell System Technical Journal 59(6), 1980; for waiting: Whitt, Management Science 38(5), 1992, 708-723).
    Of the last server only the part that is needed is taken times z, by the logarithm of the probability.
    """
    if load <= 0:
        return 0
    if load > LARGE:
        beyond = servers(LARGE, service_seconds, wait_seconds, probability, peakedness) - LARGE
        return math.ceil(load + beyond * math.sqrt(load / LARGE))
    scaled, per_second = load / peakedness, wait_seconds / service_seconds
    n, inverse = _start(scaled)
    before, waits = 1.0, 1.0
    while waits > probability:
        n, before = n + 1, waits
        inverse = 1 + n / scaled * inverse
        if n > scaled:
            waits = _waits(n, scaled, inverse) * math.exp((scaled - n) * per_second)
    part = math.log(before / probability) / math.log(before / waits) if waits > 0 else 1.0
    return max(math.ceil(peakedness * (n - 1 + part) - 1e-9), math.floor(load) + 1)


def _start(load: float) -> tuple[int, float]:
    """A number of servers far below ``load`` and its 1 / B, from which the recursion goes on."""
    n = max(0, math.floor(load - DEVIATIONS * math.sqrt(load)))
    return n, load / (load - n)


def _waits(servers: int, load: float, inverse: float) -> float:
    """Erlang C out of 1 / B."""
    return 1 / (1 + (1 - load / servers) * (inverse - 1))
