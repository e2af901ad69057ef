"""Traffic on the local cluster: it finds a Service's ready engines, measures them, and says what went wrong."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.client import ApiClient, CoreV1Api

from dev.cluster.handle import Cluster
from dev.cluster.local import LocalCluster
from dev.engines.launch import EngineFleet
from dev.traffic.arrivals import Arrival
from dev.traffic.measure import Snapshot
from dev.traffic.replay import Replay, ReplaySettings
from elastic_serving.api import labels
from tests.support.cluster import eventually
from tests.support.pods import OURS, pod_manifest

SERVICE = "llama"


@pytest.fixture(scope="module")
def process(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineFleet]:
    """A fleet ten times as fast as the default: 2 ms a token, ready 10 ms after the container runs."""
    if not isinstance(cluster, LocalCluster):
        pytest.skip("engines listen on the loopback addresses of a cluster of ours")
    log = tmp_path_factory.mktemp("engines") / "log"
    pods = cluster.layout.addresses.pods
    with EngineFleet(cluster.kubeconfig, pod_range=pods, namespaces=(), log=log, load_seconds=0.1, speed=10) as fleet:
        yield fleet


@pytest.fixture
def fleet(process: EngineFleet, namespace: str) -> Iterator[EngineFleet]:
    """The fleet, which serves the test's namespace."""
    process.follow(namespace)
    yield process
    process.leave(namespace)


@pytest.fixture
async def service(api: ApiClient, namespace: str) -> str:
    """A Service of the leaders, with a port of its own that leads to the container's."""
    spec = {
        "selector": {labels.SERVING: "llama", labels.HOST: "0"},
        "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
    }
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE}, "spec": spec}
    await CoreV1Api(api).create_namespaced_service(namespace, body, _request_timeout=10)  # type: ignore[arg-type]  # a dict is what goes over the wire
    return SERVICE


async def add_replica(api: ApiClient, namespace: str, index: int) -> str:
    """The name of one more leader."""
    name = f"llama-{index}-0"
    pod = pod_manifest(name, marks={**OURS, labels.REPLICA: str(index)}, gpus=1, grace_seconds=60)
    await CoreV1Api(api).create_namespaced_pod(namespace, pod, _request_timeout=10)  # type: ignore[arg-type]  # as above
    return name


def settings_for(cluster: LocalCluster, namespace: str, **changes: Any) -> ReplaySettings:
    """Speed 1 unless said otherwise: what is measured is what happened."""
    pods = IPv4Network(cluster.layout.addresses.pods)
    return ReplaySettings(**{"namespace": namespace, "service": SERVICE, "pod_range": pods, **changes})


def at_once(requests: int, output_tokens: int) -> tuple[Arrival, ...]:
    """Requests that all come at the start."""
    return tuple(Arrival(0.0, 10, output_tokens) for _ in range(requests))


@asynccontextmanager
async def running(replay: Replay) -> AsyncIterator["asyncio.Task[Snapshot]"]:
    """The replay as a task that does not outlive the block."""
    task = asyncio.create_task(replay.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_every_request_is_answered_by_some_replica_and_measured(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet, service: str
) -> None:
    for index in range(2):
        await add_replica(api, namespace, index)
    workload = [Arrival(index * 0.02, 10, 100) for index in range(50)]
    total = await Replay(api, workload, settings_for(local_cluster, namespace)).run()
    assert (total.sent, total.completed, total.failed, total.in_flight) == (50, 50, 0, 0)
    # 100 tokens at 2 ms: 0.2 s to the last, 2 ms to the first once an engine is there.
    assert total.latency.p50 is not None
    assert total.first_token.p50 is not None
    assert total.latency.p50 >= 0.2
    assert total.first_token.p50 < total.latency.p50
    accepted = [engine["accepted"] for engine in fleet.engines(namespace)]
    assert sum(accepted) == 50


async def test_speed_divides_the_pauses_and_multiplies_what_is_measured(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet, service: str
) -> None:
    await add_replica(api, namespace, 0)
    await eventually(lambda: any(engine["ready"] for engine in fleet.engines(namespace)))
    workload = [Arrival(0.0, 10, 100), Arrival(20.0, 10, 100)]
    loop = asyncio.get_running_loop()
    began = loop.time()
    total = await Replay(api, workload, settings_for(local_cluster, namespace, speed=10.0)).run()
    assert loop.time() - began >= 2.0
    # 0.2 s on the clock is 2 s of the workload.
    assert total.latency.p50 is not None
    assert total.latency.p50 >= 2.0
    assert total.at_seconds >= 20.0


async def test_requests_wait_for_the_first_ready_engine(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet, service: str
) -> None:
    replay = Replay(api, at_once(5, 1), settings_for(local_cluster, namespace))
    async with running(replay) as task:
        await eventually(lambda: replay.snapshot().in_flight == 5)
        await add_replica(api, namespace, 0)
        total = await task
    assert (total.completed, total.errors) == (5, {})


async def test_without_an_engine_a_request_fails_when_its_wait_is_over(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, service: str
) -> None:
    total = await Replay(api, at_once(3, 1), settings_for(local_cluster, namespace, wait_seconds=0.2)).run()
    assert (total.completed, total.errors) == (0, {"no endpoint": 3})
    assert total.latency.p50 is None


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param("error500", "http 500", id="an engine that answers 500"),
        pytest.param("hang", "timeout", id="an engine that answers nothing"),
    ],
)
async def test_errors_are_counted_by_their_kind(
    api: ApiClient,
    namespace: str,
    local_cluster: LocalCluster,
    fleet: EngineFleet,
    service: str,
    fault: str,
    error: str,
) -> None:
    pod = await add_replica(api, namespace, 0)
    await eventually(lambda: any(engine["ready"] for engine in fleet.engines(namespace)))
    fleet.fault(namespace, pod, fault)
    total = await Replay(api, at_once(2, 1), settings_for(local_cluster, namespace, request_seconds=5.0)).run()
    assert (total.completed, total.errors) == (0, {error: 2})


async def test_a_crash_in_the_middle_of_an_answer_is_a_cut(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet, service: str
) -> None:
    pod = await add_replica(api, namespace, 0)
    replay = Replay(api, at_once(1, 100_000), settings_for(local_cluster, namespace))
    async with running(replay) as task:
        await eventually(lambda: any(engine["running"] == 1 for engine in fleet.engines(namespace)))
        fleet.fault(namespace, pod, "crash")
        total = await task
    assert (total.completed, total.errors) == (0, {"cut": 1})


async def test_a_client_at_its_limit_sends_no_more(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet, service: str
) -> None:
    await add_replica(api, namespace, 0)
    total = await Replay(api, at_once(5, 1), settings_for(local_cluster, namespace, max_in_flight=3)).run()
    assert (total.completed, total.errors) == (3, {"client limit": 2})


async def test_one_connection_per_request_loses_nothing_when_a_replica_leaves_the_service_and_goes(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet, service: str
) -> None:
    names = [await add_replica(api, namespace, index) for index in range(2)]
    # 40 a second for 5 s; 100 tokens are 0.2 s.
    replay = Replay(api, [Arrival(index / 40, 10, 100) for index in range(200)], settings_for(local_cluster, namespace))
    core = CoreV1Api(api)
    async with running(replay) as task:
        await eventually(lambda: replay.snapshot().completed >= 20 and replay.ready_endpoints == 2)
        out = {"metadata": {"labels": {labels.SERVING: None}}}
        await core.patch_namespaced_pod(names[0], namespace, out, _request_timeout=10)
        await eventually(lambda: replay.ready_endpoints == 1)
        await core.delete_namespaced_pod(names[0], namespace, grace_period_seconds=60, _request_timeout=10)
        total = await task
    assert (total.completed, total.errors) == (200, {})


def lines(text: str) -> Sequence[dict[str, Any]]:
    """What the command reported."""
    return [json.loads(line) for line in text.splitlines()]


async def test_the_command_reports_intervals_and_a_total(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet, service: str, tmp_path: Path
) -> None:
    await add_replica(api, namespace, 0)
    trace = tmp_path / "requests.csv"
    rows = "".join(f"2026-11-22 10:00:0{second}.5,10,20\n" for second in range(6))
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + rows)
    command = [sys.executable, "-m", "dev.traffic", "--kubeconfig", str(local_cluster.kubeconfig)]
    command += ["--namespace", namespace, "--service", service, "--pod-range", local_cluster.layout.addresses.pods]
    command += ["--trace", str(trace), "--speed", "5", "--every-seconds", "2"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=True)
    *intervals, total = lines(done.stdout)
    assert total["kind"] == "total"
    assert (total["sent"], total["completed"], total["failed"]) == (6, 6, 0)
    assert {interval["kind"] for interval in intervals} == {"interval"}
    assert sum(interval["sent"] for interval in intervals) == 6
    assert len(intervals) >= 3


def test_the_command_refuses_a_wrong_trace_with_a_sentence(local_cluster: LocalCluster, tmp_path: Path) -> None:
    trace = tmp_path / "requests.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2026-11-22 10:00:00,many,1\n")
    command = [sys.executable, "-m", "dev.traffic", "--kubeconfig", str(local_cluster.kubeconfig)]
    command += ["--namespace", "default", "--service", "x", "--trace", str(trace)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f'Error: {trace}:2: ContextTokens is "many"; it must be a whole number from 0 to 10000000'
    )
