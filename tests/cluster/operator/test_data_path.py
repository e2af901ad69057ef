"""Requests go from callers to replicas; the operator stands beside."""

import re
from pathlib import Path

import pytest
from kubernetes.aio.client import ApiClient

from dev.cluster.local import LocalCluster
from dev.traffic.arrivals import Arrival
from tests.support.cluster import eventually
from tests.support.operator import Operator
from tests.support.replaying import every, replay_of, replaying
from tests.support.servings import Servings

LISTEN = "0A"
TWO = {"scaling": {"minReplicas": 2}}


def listening(pid: int) -> list[int]:
    """TCP ports on which the process listens (proc(5): /proc/net/tcp, state 0A, and the inodes of its descriptors)."""
    inodes = {
        found[1]
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if (found := re.match(r"socket:\[(\d+)\]", _target(link)))
    }
    tables = [Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table]
    return sorted(int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTEN and row[9] in inodes)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # a connection that ended meanwhile
        return ""


@pytest.mark.promise("N13")
@pytest.mark.promise("N17")
async def test_requests_reach_the_replicas_and_the_operator_listens_for_its_own_pages_only(
    api: ApiClient, local_cluster: LocalCluster, resident: Operator, llama: Servings
) -> None:
    llama.apply(TWO)
    await llama.serving(2)
    addresses = {pod["status"]["podIP"] for pod in llama.pods()}
    await llama.eventually(lambda: llama.endpoints() == addresses)
    total = await replay_of(api, local_cluster, llama, every(0.05, 40)).run()
    assert (total.completed, total.errors) == (40, {})
    assert sum(engine["accepted"] for engine in llama.running()) == 40
    assert resident.process is not None
    (port,) = listening(resident.process.pid)
    assert f"('127.0.0.1', {port})" in resident.log.read_text()  # the address of /livez, /readyz and /metrics


@pytest.mark.promise("N13")
async def test_without_the_operator_requests_are_answered_and_a_deleted_serving_leaves_nothing(
    api: ApiClient, local_cluster: LocalCluster, operator: Operator, servings: Servings
) -> None:
    servings.apply(TWO)
    await servings.serving(2)
    replay = replay_of(api, local_cluster, servings, every(0.05, 80))
    async with replaying(replay) as task:
        await eventually(lambda: replay.snapshot().completed >= 10)
        operator.kill()
        total = await task
    assert (total.completed, total.errors) == (80, {})
    last = replay_of(api, local_cluster, servings, [Arrival(0.0, 10, 150)] * 4)  # 3 s each
    async with replaying(last) as task:
        await servings.eventually(lambda: sum(engine["running"] for engine in servings.running()) == 4)
        servings.kubectl("delete", f"es/{servings.name}", "--wait=false")
        total = await task
    assert (total.completed, total.errors) == (4, {})
    await servings.eventually(lambda: servings.leftovers() == [])
