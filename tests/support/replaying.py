"""A replay of requests beside a test: clients with one connection for each request."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Network

from kubernetes.aio.client import ApiClient

from dev.cluster.local import LocalCluster
from dev.traffic.arrivals import Arrival
from dev.traffic.measure import Snapshot
from dev.traffic.replay import Replay, ReplaySettings
from tests.support.servings import Servings


def every(seconds: float, requests: int) -> list[Arrival]:
    """Requests of half a second each (25 tokens at 20 ms), evenly spaced."""
    return [Arrival(index * seconds, 10, 25) for index in range(requests)]


def replay_of(api: ApiClient, cluster: LocalCluster, servings: Servings, workload: Sequence[Arrival]) -> Replay:
    """The workload for the Service of ``servings``, at its own pace."""
    pods = IPv4Network(cluster.layout.addresses.pods)
    return Replay(api, workload, ReplaySettings(servings.namespace, servings.name, pods))


@asynccontextmanager
async def replaying(replay: Replay) -> AsyncIterator["asyncio.Task[Snapshot]"]:
    """The replay as a task that does not outlive the block."""
    task = asyncio.create_task(replay.run(), name="replay")
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
