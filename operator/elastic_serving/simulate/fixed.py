"""The fair fixed fleet: the smallest one that meets the objective for ``ENOUGH`` of the requests, found by search."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from elastic_serving.simulate.baselines.static import Static
from elastic_serving.simulate.cluster import World
from elastic_serving.simulate.policy import Policy
from elastic_serving.simulate.result import Ints, Requests, Run
from elastic_serving.simulate.score import offered
from elastic_serving.simulate.world import prefill_of, run

ENOUGH: Final = 0.99
"""Share of the requests for whom a fixed fleet must meet the objective."""
_NEVER: Final = 1e9
"""Seconds between two scrapes that nobody looks at."""


def fixed_fleet(
    requests: Requests,
    world: World,
    *,
    seconds: float,
    attained: Callable[[Run], float],
    fleet: Callable[[int], Policy] = Static,
) -> Run:
    """The run of the smallest ``fleet`` for which ``attained`` is ``ENOUGH``; it is there from the start.

    Where no fleet is (replicas that die take requests with them), the run of one that is as large as the highest load.
    The manifest's maxReplicas does not bind it.
    """
    service = prefill_of(requests, world) + world.decode_token_seconds * requests.output_tokens
    load = offered(requests, service, int(seconds) + 1)
    most = int(-(-load.max(initial=1) // world.slots)) + 1
    found: list[Run] = []

    def played(replicas: int) -> Run:
        fixed = replace(world, start=replicas, scrape_seconds=_NEVER)
        return run(fleet(replicas), requests, fixed, signals=(), seconds=seconds)

    def meets(replicas: int) -> bool:
        tried = played(replicas)
        met = attained(tried) >= ENOUGH
        if met:
            found[:] = [tried]
        return met

    smallest(meets, guess=_guess(load, requests, world.slots), most=most)
    return found[0] if found else played(most)


def smallest(meets: Callable[[int], bool], *, guess: int, most: int) -> int:
    """The smallest number from 1 to ``most`` that meets, ``most`` where none below it does; few tries near the guess.

    A number above one that meets must meet. The last number tried that met is the one returned. Steps double away from
    the guess until the answer is between two tries, then the interval is halved.
    Example: 5 at a guess of 8: tries 8, 7, 5, 1, 3, 4.
    """
    low, high, step = 0, most, 1
    at = min(max(guess, 1), most - 1)
    while high - low > 1:
        if meets(at):
            high = at
        else:
            low = at
        at, step = _next(low, high, step, most), step * 2
    return high


def _next(low: int, high: int, step: int, most: int) -> int:
    if low == 0:
        return max(high - step, 1)
    return min(low + step, high - 1) if high == most else (low + high) // 2


def _guess(load: Ints, requests: Requests, slots: int) -> int:
    """Replicas whose slots hold the load of the second in which a request comes, for ``ENOUGH`` of the requests."""
    came = np.bincount(requests.arrived.astype(np.int64), minlength=len(load))[: len(load)]
    order = np.argsort(load, kind="stable")
    covered = np.cumsum(came[order])
    at = int(np.searchsorted(covered, ENOUGH * covered[-1]))
    return int(-(-load[order][min(at, len(load) - 1)] // slots))
