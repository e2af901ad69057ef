"""The engine fleet on the local cluster: pods become ready through it, and end as a kubelet would end them."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
from kubernetes.aio.client import ApiClient, CoreV1Api

from dev.cluster.handle import Cluster
from dev.cluster.local import LocalCluster
from dev.cluster.nodes import CRASH_AFTER_SECONDS
from dev.engines.launch import EngineFleet, FleetFailed
from dev.engines.pods import LOAD_SECONDS
from elastic_serving.api import labels
from tests.support.cluster import eventually
from tests.support.pods import OURS, PodState, history, pod_manifest, pod_state

LEADER = "llama-0-0"
EDIT_PAUSE_SECONDS = 0.2
"""Up to 5 edits a second: without a pause nobody else could ever write on a slow machine."""


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


async def create(api: ApiClient, namespace: str, name: str = LEADER, **changes: Any) -> None:
    """A pod of ours with two slots."""
    pod: dict[str, Any] = pod_manifest(name, **{"marks": OURS, "gpus": 1, "grace_seconds": 60, **changes})
    pod["spec"]["containers"][0]["args"] = ["--max-num-seqs", "2", "--served-model-name", "llama-8b"]
    await CoreV1Api(api).create_namespaced_pod(namespace, pod, _request_timeout=10)  # type: ignore[arg-type]  # a dict is what goes over the wire


async def ready(api: ApiClient, namespace: str, name: str = LEADER) -> PodState:
    """The pod's state once it is ready."""

    async def is_ready() -> PodState | None:
        state = await pod_state(api, namespace, name)
        return state if state is not None and state.ready else None

    return await eventually(is_ready)


async def base_url(cluster: LocalCluster, api: ApiClient, namespace: str) -> str:
    """Where the leader's engine listens, once it is ready."""
    state = await ready(api, namespace)
    assert state.address is not None
    return f"http://{cluster.engine_address(state.address)}:8000"


async def complete(url: str, output_tokens: int) -> int:
    """Status of one completion; its body was read to the end."""
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as client:
        body = {"model": "llama-8b", "prompt": "a", "max_tokens": output_tokens}
        async with client.post(f"{url}/v1/completions", json=body) as answer:
            await answer.read()
            return answer.status


async def delete(api: ApiClient, namespace: str, grace_seconds: int) -> None:
    """Ask for the leader's end."""
    await CoreV1Api(api).delete_namespaced_pod(
        LEADER, namespace, grace_period_seconds=grace_seconds, _request_timeout=10
    )


async def gone(api: ApiClient, namespace: str, timeout: float = 30.0) -> None:  # noqa: ASYNC109  as in eventually
    """Returns once the leader is no longer in the API."""

    async def is_gone() -> bool:
        return await pod_state(api, namespace, LEADER) is None

    await eventually(is_gone, timeout=timeout)


async def test_a_leader_becomes_ready_when_its_engine_has_loaded_and_then_answers(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet
) -> None:
    # 20 s at ten times the speed: two seconds in which the container runs and the engine loads.
    await create(api, namespace, annotations={LOAD_SECONDS: "20"})
    await history(api, namespace, LEADER, until=("Running", "running"))
    (engine,) = await eventually(lambda: fleet.engines(namespace))
    assert (engine["state"], engine["ready"]) == ("loading", False)
    loading = await pod_state(api, namespace, LEADER)
    assert loading is not None
    assert loading.ready is False
    with pytest.raises(aiohttp.ClientConnectorError):
        await complete(f"http://{engine['address']}:{engine['port']}", 1)
    url = await base_url(local_cluster, api, namespace)
    assert await complete(url, 5) == 200
    pod = await CoreV1Api(api).read_namespaced_pod(LEADER, namespace, _request_timeout=10)
    assert pod.status is not None
    (main,) = pod.status.container_statuses or []
    assert (main.ready, main.started, main.restart_count) == (True, True, 0)
    assert {c.type for c in pod.status.conditions or [] if c.status == "True"} >= {"Ready", "ContainersReady"}


async def test_a_host_that_is_not_the_leader_becomes_ready_and_listens_nowhere(
    api: ApiClient, namespace: str, fleet: EngineFleet
) -> None:
    await create(api, namespace, "llama-0-1", marks={**OURS, labels.HOST: "1"})
    await ready(api, namespace, "llama-0-1")
    (engine,) = fleet.engines(namespace)
    assert (engine["host"], engine["address"], engine["state"]) == ("1", None, "serving")


async def test_prometheus_scrapes_the_leader_with_our_labels(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet
) -> None:
    await create(api, namespace)
    await ready(api, namespace)
    fleet.pin(namespace, LEADER, running=7, waiting=3)

    def series() -> list[dict[str, Any]]:
        query = f'vllm:num_requests_running{{namespace="{namespace}"}} == 7'
        url = f"{local_cluster.prometheus_url}/api/v1/query"
        answer = requests.get(url, params={"query": query}, timeout=5)
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    (one,) = await eventually(series)
    wanted = {
        "elasticserving": "llama",
        "es_replica": "0",
        "es_engine": "vllm",
        "model_name": "llama-8b",
        "engine": "0",
    }
    assert one["metric"].items() >= wanted.items()


async def test_a_graceful_delete_finishes_what_was_accepted_and_refuses_the_rest(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet
) -> None:
    await create(api, namespace)
    url = await base_url(local_cluster, api, namespace)
    # Two slots and 1000 tokens at 2 ms: two run for 2 s, the third waits for them and ends after 4 s.
    accepted = [asyncio.create_task(complete(url, 1000)) for _ in range(3)]
    await eventually(lambda: fleet.engines(namespace)[0]["accepted"] == 3)
    await delete(api, namespace, grace_seconds=60)
    await eventually(lambda: fleet.engines(namespace)[0]["state"] == "draining")
    assert await complete(url, 1) == 500
    assert await pod_state(api, namespace, LEADER) is not None
    assert await asyncio.gather(*accepted) == [200, 200, 200]
    await gone(api, namespace, timeout=10)


async def test_what_the_grace_period_finds_running_is_cut(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet
) -> None:
    await create(api, namespace)
    url = await base_url(local_cluster, api, namespace)
    fleet.fault(namespace, LEADER, "hang")
    stuck = asyncio.create_task(complete(url, 1))
    await eventually(lambda: fleet.engines(namespace)[0]["accepted"] == 1)
    await delete(api, namespace, grace_seconds=2)
    with pytest.raises(aiohttp.ClientError):
        await stuck
    await gone(api, namespace, timeout=10)


async def test_an_idle_engine_is_gone_long_before_its_grace_period(
    api: ApiClient, namespace: str, fleet: EngineFleet
) -> None:
    await create(api, namespace)
    await ready(api, namespace)
    await delete(api, namespace, grace_seconds=60)
    await gone(api, namespace, timeout=10)


@pytest.mark.parametrize(
    ("fault", "phase", "container"),
    [pytest.param("crash", "Failed", "exit 1", id="crash"), pytest.param("exit", "Succeeded", "exit 0", id="exit")],
)
async def test_an_engine_that_ends_takes_its_pod_with_it(
    api: ApiClient, namespace: str, fleet: EngineFleet, fault: str, phase: str, container: str
) -> None:
    await create(api, namespace)
    await ready(api, namespace)
    fleet.fault(namespace, LEADER, fault)
    (*_, last) = await history(api, namespace, LEADER, until=(phase, container))
    assert last.ready is False
    with pytest.raises(FleetFailed, match="no engine runs for pod"):
        fleet.fault(namespace, LEADER, "none")


async def test_a_container_that_its_node_ends_serves_no_more(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet
) -> None:
    await create(api, namespace, annotations={CRASH_AFTER_SECONDS: "2"})
    url = await base_url(local_cluster, api, namespace)
    await history(api, namespace, LEADER, until=("Failed", "exit 1"))

    async def is_refused() -> bool:
        try:
            await complete(url, 1)
        except aiohttp.ClientConnectorError:
            return True
        except aiohttp.ServerDisconnectedError:  # the process is ending at this moment
            return False
        return False

    await eventually(is_refused)


async def test_an_unhealthy_engine_is_unready_until_it_is_healthy_again(
    api: ApiClient, namespace: str, fleet: EngineFleet
) -> None:
    await create(api, namespace)
    await ready(api, namespace)
    fleet.fault(namespace, LEADER, "unhealthy")

    async def is_unready() -> bool:
        state = await pod_state(api, namespace, LEADER)
        return state is not None and state.ready is False

    await eventually(is_unready)
    fleet.fault(namespace, LEADER, "none")
    await ready(api, namespace)


async def test_ready_is_written_to_a_pod_that_somebody_edits_all_the_time(
    api: ApiClient, namespace: str, fleet: EngineFleet
) -> None:
    await create(api, namespace)

    async def edit(number: int = 0) -> None:
        while True:
            number += 1
            touched = {"metadata": {"annotations": {"touched": str(number)}}}
            await CoreV1Api(api).patch_namespaced_pod(LEADER, namespace, touched, _request_timeout=10)
            await asyncio.sleep(EDIT_PAUSE_SECONDS)

    editing = asyncio.create_task(edit())
    await ready(api, namespace)
    editing.cancel()
    await asyncio.gather(editing, return_exceptions=True)


async def test_a_pin_is_kept_by_name_for_a_pod_that_comes_later(
    api: ApiClient, namespace: str, fleet: EngineFleet
) -> None:
    fleet.pin(namespace, LEADER, running=9)
    await create(api, namespace)
    await ready(api, namespace)
    assert fleet.engines(namespace)[0]["pin"] == {"running": 9, "waiting": None}
    fleet.unpin(namespace, LEADER)
    assert fleet.engines(namespace)[0]["pin"] == {"running": None, "waiting": None}


async def test_a_fleet_that_comes_back_serves_ready_pods_at_once_and_forgets_deleted_ones(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet, tmp_path: Path
) -> None:
    await create(api, namespace)
    await create(api, namespace, "llama-1-0", marks={**OURS, labels.REPLICA: "1"})
    url = await base_url(local_cluster, api, namespace)
    await ready(api, namespace, "llama-1-0")
    fleet.leave(namespace)
    with pytest.raises(aiohttp.ClientConnectorError):
        await complete(url, 1)
    await CoreV1Api(api).delete_namespaced_pod("llama-1-0", namespace, grace_period_seconds=0, _request_timeout=10)
    # A load of an hour would show: the pod said Ready, so its engine had loaded.
    pods = local_cluster.layout.addresses.pods
    with EngineFleet(
        local_cluster.kubeconfig, pod_range=pods, namespaces=[namespace], log=tmp_path / "log", load_seconds=3600
    ) as second:
        await eventually(lambda: [e["state"] for e in second.engines(namespace)] == ["serving"])
        assert await complete(url, 1) == 200


async def test_a_restart_of_the_api_server_is_survived(
    api: ApiClient, namespace: str, local_cluster: LocalCluster, fleet: EngineFleet
) -> None:
    await create(api, namespace)
    url = await base_url(local_cluster, api, namespace)
    await asyncio.to_thread(local_cluster.restart, "kube-apiserver")
    assert await complete(url, 1) == 200
    await create(api, namespace, "llama-1-0", marks={**OURS, labels.REPLICA: "1"})
    await ready(api, namespace, "llama-1-0")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        pytest.param(lambda f, n: f.fault(n, LEADER, "explode"), "fault: got 'explode'", id="an unknown fault"),
        pytest.param(lambda f, n: f.fault(n, LEADER, "hang"), "no engine runs for pod", id="an unknown pod"),
        pytest.param(lambda f, n: f.pin(n, LEADER, running=-1), "running: got -1", id="a load below zero"),
    ],
)
def test_a_wrong_call_is_refused_with_a_sentence(
    namespace: str, fleet: EngineFleet, call: Callable[[EngineFleet, str], None], sentence: str
) -> None:
    with pytest.raises(FleetFailed, match=sentence):
        call(fleet, namespace)


def test_the_fleet_does_not_outlive_its_parent(local_cluster: LocalCluster) -> None:
    script = (
        "import sys; from pathlib import Path; from dev.engines.launch import EngineFleet\n"
        "fleet = EngineFleet(Path(sys.argv[1]), pod_range=sys.argv[2], namespaces=[]).__enter__()\n"
        "print(fleet.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    arguments = [str(local_cluster.kubeconfig), local_cluster.layout.addresses.pods]
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while _runs(pid):
        assert time.monotonic() < deadline, f"the fleet {pid} still runs"
        os.sched_yield()


def _runs(pid: int) -> bool:
    """A process with that id exists and is no zombie (nobody may be there to reap it)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
