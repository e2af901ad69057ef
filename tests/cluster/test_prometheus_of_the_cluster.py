"""Prometheus sees what the operator asks it for: leaders of ours that run, under stable names, and nothing else."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from kubernetes.aio.client import ApiClient, CoreV1Api
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from dev.cluster.layout import PROMETHEUS
from dev.cluster.local import LocalCluster
from dev.cluster.prometheus import StaticJob
from elastic_serving.api.labels import HOST, MANAGED_BY, ROLE
from tests.support.cluster import eventually
from tests.support.pods import OURS, history, pod_manifest

RUNNING = ("Running", "running")
METRIC = "vllm:num_requests_running"


@contextmanager
def engine(address: str, *, port: int = 8000, running: int) -> Iterator[None]:
    """A server that exposes ``running`` requests at ``address`` while the context lasts."""
    registry = CollectorRegistry()
    Gauge(METRIC, "Requests that run.", registry=registry).set(running)
    server, thread = start_http_server(port, addr=address, registry=registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def query(cluster: LocalCluster, expression: str) -> list[tuple[Mapping[str, str], float]]:
    """Labels and value of each series of an instant query, in the order of their labels."""
    url = f"{cluster.prometheus_url}/api/v1/query"
    answer = await asyncio.to_thread(requests.get, url, params={"query": expression}, timeout=10)
    series = answer.json()["data"]["result"]
    return sorted(((one["metric"], float(one["value"][1])) for one in series), key=str)


async def start_pod(api: ApiClient, namespace: str, name: str, marks: Mapping[str, str]) -> str:
    """Create the pod and return its address once it runs."""
    await CoreV1Api(api).create_namespaced_pod(namespace, pod_manifest(name, marks=marks), _request_timeout=10)  # type: ignore[arg-type]  # a dict is what goes over the wire
    states = await history(api, namespace, name, until=RUNNING)
    assert states[-1].address is not None
    return states[-1].address


async def test_only_leaders_of_ours_are_scraped_and_a_drain_makes_no_new_series(
    local_cluster: LocalCluster, api: ApiClient, namespace: str
) -> None:
    leader = await start_pod(api, namespace, "llama-0-0", OURS)
    await start_pod(api, namespace, "llama-0-1", {**OURS, HOST: "1"})
    await start_pod(api, namespace, "web", {**OURS, MANAGED_BY: "Helm"})
    address = local_cluster.engine_address(leader)
    one = {
        "instance": f"{address}:8000",
        "job": "engines",
        "namespace": namespace,
        "elasticserving": "llama",
        "es_replica": "0",
        "es_engine": "vllm",
    }
    with engine(address, running=7):
        await eventually(lambda: query(local_cluster, f'{METRIC}{{namespace="{namespace}"}}'))
        assert await query(local_cluster, f'{METRIC}{{namespace="{namespace}"}}') == [
            ({"__name__": METRIC, **one}, 7.0)
        ]
        # up stands for every target there is, scraped well or not: the follower and the foreign pod have none.
        assert await query(local_cluster, f'up{{namespace="{namespace}"}}') == [({"__name__": "up", **one}, 1.0)]

        drain = [{"op": "replace", "path": f"/metadata/labels/{ROLE.replace('/', '~1')}", "value": "draining"}]
        await CoreV1Api(api).patch_namespaced_pod(
            "llama-0-0", namespace, drain, _content_type="application/json-patch+json", _request_timeout=10
        )
        # Prometheus has seen the change when it shows the label among the target's discovered ones.
        await eventually(lambda: role_is_discovered(local_cluster, namespace, "draining"))
        scraped = await query(local_cluster, f'timestamp({METRIC}{{namespace="{namespace}"}})')

        async def scraped_again() -> bool:
            return await query(local_cluster, f'timestamp({METRIC}{{namespace="{namespace}"}})') > scraped

        await eventually(scraped_again)
        ever = f'count_over_time(up{{namespace="{namespace}"}}[10m])'
        assert [labels for labels, _ in await query(local_cluster, ever)] == [one]


async def targets(cluster: LocalCluster) -> list[dict[str, Any]]:
    """Prometheus' targets as its API shows them."""
    answer = await asyncio.to_thread(requests.get, f"{cluster.prometheus_url}/api/v1/targets", timeout=10)
    shown: list[dict[str, Any]] = answer.json()["data"]["activeTargets"]
    return shown


async def role_is_discovered(cluster: LocalCluster, namespace: str, role: str) -> bool:
    return [role] == [
        target["discoveredLabels"]["__meta_kubernetes_pod_label_elasticserving_io_role"]
        for target in await targets(cluster)
        if target["labels"].get("namespace") == namespace
    ]


async def test_extra_targets_come_and_go_with_a_reload(local_cluster: LocalCluster) -> None:
    address = f"127.{local_cluster.layout.addresses.number}.255.1"
    gateway = StaticJob("gateway", (f"{address}:9000",), labels={"tier": "extra"})
    up = 'up{job="gateway"} == 1'
    with engine(address, port=9000, running=1):
        local_cluster.reload_prometheus([gateway])
        found = await eventually(lambda: query(local_cluster, up))
        expected = {"__name__": "up", "job": "gateway", "instance": f"{address}:9000", "tier": "extra"}
        assert found == [(expected, 1.0)]
        local_cluster.reload_prometheus()

        assert {target["scrapePool"] for target in await targets(local_cluster)} <= {"engines"}


async def test_prometheus_can_be_away_and_comes_back_with_its_samples(local_cluster: LocalCluster) -> None:
    address = f"127.{local_cluster.layout.addresses.number}.255.2"
    with engine(address, port=9000, running=5):
        local_cluster.reload_prometheus([StaticJob("before", (f"{address}:9000",))])
        await eventually(lambda: query(local_cluster, f'{METRIC}{{job="before"}}'))
    local_cluster.stop_component(PROMETHEUS)
    with pytest.raises(requests.ConnectionError):
        await query(local_cluster, METRIC)
    local_cluster.start_component(PROMETHEUS)
    local_cluster.reload_prometheus()
    kept = await query(local_cluster, f'max_over_time({METRIC}{{job="before"}}[10m])')
    assert [value for _, value in kept] == [5.0]
