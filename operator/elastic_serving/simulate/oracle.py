"""The oracle: a schedule by whoever knows every request in advance, pays the same boots, and meets the same objective.

The time is cut into blocks of one boot. For each block alone its own requests are played through the slots of so many
replicas: how many come late with each number? A dynamic program over the blocks then finds the numbers that cost least
when a late request has a price: replicas x time + boot x replicas added + price x late requests. The price is searched
for (Lagrangian relaxation: Everett, Operations Research 11(3), 1963): the least for which the whole schedule, played in
the simulated world like every policy, meets the objective for the wanted share. Where the played run has more late
requests in a block than the block alone (its predecessor left a queue), that is entered, and the program runs again.

It is the best schedule of this search, not of all there are: numbers change at the edges of blocks only, and mending
stops after some tries. ``fluid_hours`` lies below every schedule that serves all requests: the time that requests spend
in slots, divided by the slots of a replica.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from elastic_serving.simulate.cluster import World
from elastic_serving.simulate.played import Played
from elastic_serving.simulate.policy import Policy, Wish
from elastic_serving.simulate.result import Floats, Ints, Requests, Run
from elastic_serving.simulate.score import Objective
from elastic_serving.simulate.world import prefill_of, run

NAME: Final = "oracle"
TRIES: Final = 8
"""Halvings of the price's exponent: after them neighbouring prices differ by a tenth."""
MENDINGS: Final = 8
MORE: Final = 30
"""Replicas beyond those with which a block alone has none late that are tried against a queue of the block before."""
CHEAPEST: Final = -2.0
DEAREST: Final = 8.0
"""A late request costs 10 to the power of these replica-seconds: from nothing to a replica for three years."""
ENOUGH_WORK: Final = 0.7
"""Slots for less than this share of a block's work are not tried: most of its requests would come late."""
_NEVER: Final = 1e9


@dataclass(frozen=True, slots=True)
class Block:
    """Late requests with ``fewest`` replicas, with one more, and so on until there are none."""

    fewest: int
    late: tuple[int, ...]


def oracle(
    requests: Requests,
    world: World,
    *,
    seconds: float,
    limits: Floats,
    share: float,
    attained: Callable[[Run], float],
    least: int,
    most: int,
    watched: Callable[[Policy], Policy] = lambda policy: policy,
) -> Run:
    """The run of the cheapest schedule found whose ``attained`` is at least ``share``; where none is, of the one that
    came closest. ``limits`` is how long each request may wait; ``least`` and ``most`` are the manifest's range."""
    boot = sum(phase.seconds for phase in world.boot)
    service = prefill_of(requests, world) + world.decode_token_seconds * requests.output_tokens
    blocks = _blocks(requests, service, limits, world, boot, seconds, (least, most))

    edges = [boot * index for index in range(len(blocks))]
    unseen = replace(world, scrape_seconds=_NEVER)

    def played(price: float) -> Run:
        """The cheapest schedule of this price, mended until it does what its blocks promised."""
        for _ in range(MENDINGS):
            numbers = cheapest(blocks, price, boot, start=world.start)
            schedule = Played(NAME, edges, [Wish(number) for number in numbers], lead_seconds=boot)
            made = run(watched(schedule), requests, unseen, signals=(), seconds=seconds)
            late = np.bincount((requests.arrived[made.waits > limits] / boot).astype(np.int64), minlength=len(blocks))
            if not _mend(blocks, numbers, late, most) or attained(made) >= share:
                break
        return made

    low, high = CHEAPEST, DEAREST
    best = played(10.0**high)
    if attained(best) < share:
        return best
    for _ in range(TRIES):
        middle = (low + high) / 2
        tried = played(10.0**middle)
        if attained(tried) >= share:
            high = middle
            best = min(best, tried, key=lambda found: found.replica_seconds)
        else:
            low = middle
    return best


def _mend(blocks: list[Block], numbers: Sequence[int], late: Ints, most: int) -> bool:
    """Enter how many really came late where a queue was left by the block before; whether anything was entered."""
    mended = False
    for index, (block, number, really) in enumerate(zip(list(blocks), numbers, late.tolist(), strict=False)):
        at = number - block.fewest
        if index == 0 or at < 0 or at >= len(block.late) + MORE or really <= block.late[min(at, len(block.late) - 1)]:
            continue
        known = list(block.late) + [block.late[-1]] * (at + 2 - len(block.late))
        known[: at + 1] = [max(really, one) for one in known[: at + 1]]
        blocks[index], mended = Block(block.fewest, tuple(known[: most - block.fewest + 1])), True
    return mended


def limits_of(requests: Requests, world: World, objective: Objective) -> Floats:
    """How long each request may wait for a slot and still meet the objective; TPOT has no part in it."""
    limits = np.full(len(requests), objective.wait_seconds)
    if objective.ttft_seconds is None:
        return limits
    first_token = prefill_of(requests, world) + world.decode_token_seconds
    return np.asarray(np.minimum(limits, objective.ttft_seconds - first_token), dtype=np.float64)


def fluid_hours(requests: Requests, world: World) -> float:
    """Replica-hours of the work alone: no schedule that serves every request costs less."""
    service = prefill_of(requests, world) + world.decode_token_seconds * requests.output_tokens
    return float(service.sum()) / world.slots / 3600


def cheapest(blocks: Sequence[Block], price: float, boot: float, *, start: int) -> list[int]:
    """Replicas of each block so that replicas x block + boot x added + price x late is least; the first has ``start``.

    A block lasts one boot, so the cost of one replica for a block and of adding one are the same.
    """
    most = max((block.fewest + len(block.late) for block in blocks), default=start)
    most = max(most, start)
    numbers = np.arange(most + 1, dtype=np.float64)
    added = boot * np.maximum(0.0, numbers[:, None] - numbers[None, :])  # from column to row
    costs = np.where(numbers == start, 0.0, np.inf)
    came: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    for block in blocks[1:]:
        through = costs[None, :] + added
        came.append(np.asarray(through.argmin(axis=1), dtype=np.int64))
        costs = through.min(axis=1) + boot * numbers + price * _late(block, most)
    at, found = int(np.argmin(costs)), []
    for back in reversed(came):
        found.append(at)
        at = int(back[at])
    return [start, *reversed(found)]


def _late(block: Block, most: int) -> Floats:
    """Late requests by number of replicas, 0 to ``most``: fewer than were tried are as bad as all."""
    late = np.full(most + 1, 1e9)
    end = block.fewest + len(block.late)
    late[block.fewest : end] = block.late
    late[end:] = block.late[-1]
    return late


def _blocks(
    requests: Requests,
    service: Floats,
    limits: Floats,
    world: World,
    boot: float,
    seconds: float,
    within: tuple[int, int],
) -> list[Block]:
    """Every block of the run."""
    arrived = requests.arrived
    edges = np.arange(0.0, seconds, boot)
    firsts = np.searchsorted(arrived, [*edges, np.inf])
    found = [Block(world.start, (0,))]
    # Nothing can be added in the first block: what it leaves waiting is the second one's to serve.
    left = _left(arrived[: firsts[1]], service[: firsts[1]], world.start * world.slots, boot)
    for number in range(1, len(edges)):
        ours = slice(firsts[number] - (left if number == 1 else 0), firsts[number + 1])
        busy = _busy(arrived[: ours.start], service[: ours.start], edges[number])
        queue = (arrived[ours].tolist(), service[ours].tolist(), limits[ours].tolist())
        found.append(_judged(queue, busy, world.slots, edges[number], boot, within))
    return found


def _judged(
    queue: tuple[list[float], list[float], list[float]],
    busy: list[float],
    slots: int,
    begin: float,
    seconds: float,
    within: tuple[int, int],
) -> Block:
    """Late requests of one block with as few replicas as its work needs, and with more until none is late."""
    arrived, service, limits = queue
    work = sum(service) + sum(end - begin for end in busy)
    least, most = within
    fewest = min(most, max(least, int(ENOUGH_WORK * work / seconds / slots)))
    late: list[int] = []
    for replicas in range(fewest, most + 1):
        late.append(_late_of(arrived, service, limits, busy, replicas * slots, begin))
        if late[-1] == 0 or (len(late) > 1 and late[-1] == late[-2] and replicas * slots >= len(busy) + len(arrived)):
            break
    return Block(fewest, tuple(late))


def _late_of(
    arrived: list[float], service: list[float], limits: list[float], busy: list[float], slots: int, begin: float
) -> int:
    """Requests that wait longer than they may in ``slots`` slots of which some are busy until ``busy``."""
    if not slots:
        return len(arrived)
    free = sorted(busy)[-slots:]
    free = [*([begin] * (slots - len(free))), *free]
    heapq.heapify(free)
    late = 0
    for at, needed, limit in zip(arrived, service, limits, strict=True):
        start = free[0] if free[0] > at else at
        late += start - at > limit
        heapq.heapreplace(free, start + needed)
    return late


def _busy(arrived: Floats, service: Floats, now: float) -> list[float]:
    """Ends of the requests that would be in a slot at ``now`` if nobody had waited."""
    recent = int(np.searchsorted(arrived, now - float(service.max(initial=0.0))))
    ends = arrived[recent:] + service[recent:]
    busy: list[float] = ends[ends > now].tolist()
    return busy


def _left(arrived: Floats, service: Floats, slots: int, end: float) -> int:
    """Requests that wait at ``end`` where so many slots served from the start."""
    if not slots:
        return len(arrived)
    free = [0.0] * slots
    for number, (at, needed) in enumerate(zip(arrived.tolist(), service.tolist(), strict=True)):
        start = max(free[0], at)
        if start >= end:
            return len(arrived) - number
        heapq.heapreplace(free, start + needed)
    return 0
