"""One policy in a simulated cluster: ticks and scrapes in the order of their times, and what became of the requests.

Between two of them requests flow (``slots``) and replicas boot (``cluster``). The policy sees only what was scraped.
"""

import math
from array import array
from collections.abc import Sequence

import numpy as np

from elastic_serving.api.models import EffectiveSignal
from elastic_serving.simulate.cluster import Cluster, World
from elastic_serving.simulate.policy import Policy
from elastic_serving.simulate.result import Change, Floats, Requests, Run, Timeline
from elastic_serving.simulate.slots import Slots


def prefill_of(requests: Requests, world: World) -> Floats:
    """Seconds in the slot before the first token."""
    return np.asarray(world.prefill_seconds + world.prefill_token_seconds * requests.prompt_tokens, dtype=np.float64)


def run(policy: Policy, requests: Requests, world: World, *, signals: Sequence[EffectiveSignal], seconds: float) -> Run:
    """What became of ``requests`` under ``policy`` in ``seconds``; requests that wait then are served by what is there.

    The same arguments give the same result, and another policy meets the same requests.
    """
    prefill = prefill_of(requests, world)
    service = prefill + world.decode_token_seconds * requests.output_tokens
    cluster = Cluster(world, Slots(requests, array("d", service)), tuple(signals))
    cluster.begin()
    changes = _play(policy, cluster, seconds)
    cluster.slots.advance(float("inf"))
    waits = np.frombuffer(cluster.slots.waits, dtype=np.float64)
    timeline = _timeline(cluster, changes, requests.arrived, (waits, service), seconds)
    cost = cluster.replica_seconds + sum(seconds - at for at in cluster.created.values())
    return Run(policy.name, waits, service, prefill, timeline, changes, cost, seconds)


def _play(policy: Policy, cluster: "Cluster", seconds: float) -> tuple[Change, ...]:
    """Ticks and scrapes until ``seconds``; the changes of the wish."""
    changes: list[Change] = []
    ticks, scrapes, wished = 0, 0, cluster.world.start
    while True:
        tick_at, scrape_at = ticks * policy.interval_seconds, scrapes * cluster.world.scrape_seconds
        if min(tick_at, scrape_at) >= seconds:
            cluster.pass_time(seconds)
            return tuple(changes)
        if scrape_at <= tick_at:
            cluster.pass_time(scrape_at)
            every = cluster.world.lost_scrape_every
            if not every or scrapes % every != every - 1:
                cluster.scrape(scrape_at)
            scrapes += 1
            continue
        cluster.pass_time(tick_at)
        wish = policy.desired(cluster.seen(tick_at, wished), tick_at)
        if wish.replicas != wished:
            changes.append(Change(tick_at, wished, wish.replicas, wish.why, wish.steps))
        wished = wish.replicas
        cluster.hold(wished, tick_at)
        ticks += 1


def _timeline(
    cluster: Cluster, changes: Sequence[Change], arrived: Floats, run: tuple[Floats, Floats], seconds: float
) -> Timeline:
    """The run by the second. A request waits until it starts, and runs until its slot is free again."""
    waits, service = run
    at = np.arange(math.ceil(seconds), dtype=np.float64)
    served = np.isfinite(waits)
    starts = np.sort(arrived[served] + waits[served])
    ends = np.sort(arrived[served] + waits[served] + service[served])
    begun = np.searchsorted(starts, at + 1, side="right")
    log = np.array(cluster.log, dtype=np.float64)
    row = np.searchsorted(log[:, 0], at + 1, side="right") - 1
    moved = np.searchsorted(np.array([change.at for change in changes]), at + 1, side="right")
    wishes = np.array([cluster.world.start, *(change.after for change in changes)], dtype=np.int64)
    return Timeline(
        at=at,
        desired=wishes[moved],
        ready=log[row, 1].astype(np.int64),
        starting=log[row, 2].astype(np.int64),
        running=begun - np.searchsorted(ends, at + 1, side="right"),
        waiting=np.searchsorted(arrived[served], at + 1, side="right") - begun,
    )
