"""Erlang's formulas against their table, their definition, a queue that is played through, and their own laws."""

import heapq
import math
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic_serving.queueing.erlang import LARGE, mean_wait_seconds, servers, wait_probability

LOADS = st.floats(0.001, 3000)
PROBABILITIES = st.floats(1e-6, 0.5)
WAITS = st.floats(0, 60)
SERVICES = st.floats(0.05, 100)


# The fewest servers with P(wait) <= 0.2, 0.05 and 0.01, as in published tables of Erlang C.
@pytest.mark.parametrize(
    ("load", "expected"),
    [
        pytest.param(2, (4, 6, 7), id="2"),
        pytest.param(5, (8, 10, 12), id="5"),
        pytest.param(10, (14, 17, 19), id="10"),
        pytest.param(25, (31, 35, 39), id="25"),
        pytest.param(50, (58, 64, 68), id="50"),
        pytest.param(100, (111, 119, 125), id="100"),
        pytest.param(250, (268, 279, 289), id="250"),
        pytest.param(1000, (1034, 1056, 1077), id="1000"),
    ],
)
@pytest.mark.promise("N29")
def test_the_table_of_erlang_c(load: float, expected: tuple[int, int, int]) -> None:
    assert tuple(servers(load, 1.0, 0.0, probability) for probability in (0.2, 0.05, 0.01)) == expected


def test_two_servers_by_hand() -> None:
    # a = 1, c = 2: C = (1 / 2 x 2) / (1 + 1 + 1 / 2 x 2) = 1 / 3; longer than S: e^-1 of it; mean C x S / (c - a).
    assert wait_probability(2, 1.0) == pytest.approx(1 / 3)
    assert wait_probability(2, 1.0, wait_seconds=6.0, service_seconds=6.0) == pytest.approx(math.exp(-1) / 3)
    assert mean_wait_seconds(2, 1.0, 6.0) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("given_servers", "load", "probability", "mean"),
    [
        pytest.param(1, 0.0, 0.0, 0.0, id="no load"),
        pytest.param(0, 0.0, 0.0, math.inf, id="no load and no server"),
        pytest.param(3, 3.0, 1.0, math.inf, id="as many as the load: the queue grows"),
        pytest.param(0, 3.0, 1.0, math.inf, id="none at all"),
    ],
)
def test_the_edges(given_servers: int, load: float, probability: float, mean: float) -> None:
    assert wait_probability(given_servers, load) == probability
    assert mean_wait_seconds(given_servers, load, 2.0) == mean


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param((0.0, 1.0, 0.0, 0.01), 0, id="no load"),
        pytest.param((5e-324, 1.0, 5.0, 0.5), 1, id="the smallest load"),
        pytest.param((3.0, 1e-9, 5.0, 0.01), 4, id="a wait of many services: one more than the load"),
        pytest.param((1e-3, 1.0, 0.0, 1e-300), 68, id="nobody may wait"),  # 0.001^68 / 68! is 4e-301
    ],
)
def test_few_servers(arguments: tuple[float, float, float, float], expected: int) -> None:
    assert servers(*arguments) == expected


@given(load=LOADS, service=SERVICES, wait=WAITS, probability=PROBABILITIES)
def test_they_are_the_fewest_by_erlangs_own_sum(load: float, service: float, wait: float, probability: float) -> None:
    found = servers(load, service, wait, probability)
    blocked = 1.0
    for n in range(1, found + 1):
        before, blocked = blocked, load * blocked / (n + load * blocked)
    enough = _waits_longer(found, load, blocked, wait / service)
    too_few = _waits_longer(found - 1, load, before, wait / service)
    assert enough <= probability * (1 + 1e-9)
    assert too_few >= probability * (1 - 1e-9)


def _waits_longer(c: int, load: float, blocked: float, services: float) -> float:
    return 1.0 if c <= load else blocked / (1 - load / c * (1 - blocked)) * math.exp(-(c - load) * services)


def test_above_a_million_at_once_the_servers_beyond_it_grow_with_the_square_root() -> None:
    # What the recursion itself says of a million, of which 4 million must have twice as many beyond them.
    beyond = servers(LARGE, 1.0, 0.0, 0.01) - LARGE
    assert beyond / math.sqrt(LARGE) == pytest.approx(2.375, abs=0.01)  # Halfin and Whitt: 1 % wait at beta 2.375
    assert servers(4 * LARGE, 1.0, 0.0, 0.01) - 4 * LARGE == pytest.approx(2 * beyond, abs=1)
    assert servers(1e18, 5.0, 5.0, 0.01) >= 10**18


@given(load=st.floats(0.001, 1e8), more=st.floats(1, 2), service=SERVICES, wait=WAITS, probability=PROBABILITIES)
def test_more_load_a_shorter_wait_or_fewer_who_may_wait_never_need_fewer(
    load: float, more: float, service: float, wait: float, probability: float
) -> None:
    found = servers(load, service, wait, probability)
    assert found > load
    assert servers(load * more, service, wait, probability) >= found
    assert servers(load, service, wait / more, probability) >= found
    assert servers(load, service, wait, probability / more) >= found
    assert servers(load, service, wait, probability, more) >= found


@pytest.mark.parametrize(("rate", "service", "slots"), [(3.0, 4.0, 16), (0.5, 10.0, 8), (40.0, 1.0, 45)])
def test_a_queue_played_through_waits_as_the_formulas_say(rate: float, service: float, slots: int) -> None:
    rng = random.Random(7)
    waits = list(_waits(_poisson(rng, rate), rng, service, slots, 200_000))
    load = rate * service
    for wait in (0.0, service / 10):
        share = sum(each > wait for each in waits) / len(waits)
        expected = wait_probability(slots, load, wait_seconds=wait, service_seconds=service)
        assert share == pytest.approx(expected, rel=0.1)
    assert sum(waits) / len(waits) == pytest.approx(mean_wait_seconds(slots, load, service), rel=0.15)


def test_of_arrivals_in_bursts_as_few_wait_long_as_asked_for_and_erlang_alone_would_not_do() -> None:
    """Bursts of 1 to 7 at a time, 4 on average, one a second: I = E(n^2) / E(n) = 20 / 4 = 5, so z = 3."""
    service, wait, allowed = 10.0, 2.0, 0.05

    def share(slots: int) -> float:
        rng = random.Random(3)
        waits = list(_waits(_bursts(rng), rng, service, slots, 200_000))
        return sum(each > wait for each in waits) / len(waits)

    # Load 40: Erlang's 48 slots let 24 % wait so long, 56 let 4.7 %.
    alone, with_bursts = servers(40.0, service, wait, allowed), servers(40.0, service, wait, allowed, 3.0)
    assert share(alone) > 1.5 * allowed
    assert share(with_bursts) <= 1.2 * allowed
    assert share(with_bursts) >= allowed / 2  # and no more than are needed


def _poisson(rng: random.Random, rate: float) -> Iterator[float]:
    at = 0.0
    while True:
        at += rng.expovariate(rate)
        yield at


def _bursts(rng: random.Random) -> Iterator[float]:
    for at in _poisson(rng, 1.0):
        yield from [at] * rng.randint(1, 7)


def _waits(arrivals: Iterator[float], rng: random.Random, service: float, slots: int, count: int) -> Iterator[float]:
    """What each request waits where ``slots`` serve one queue, the first 2,000 left out."""
    free = [0.0] * slots
    for index in range(count):
        at = next(arrivals)
        begins = max(at, free[0])
        heapq.heapreplace(free, begins + rng.expovariate(1 / service))
        if index >= 2_000:
            yield begins - at
