"""From a sample in Prometheus to a pod at the API server, with 100 servings: ``python -m benchmarks.reaction``.

One serving after another gets a load that needs a second replica, each at a random time after the one before. The clock
starts with the first success of a probe that asks Prometheus the same query 20 times a second, and stops when a watch
of its own, beside the operator's, sees the new pod ADDED. Both are read in this process from the monotonic clock.
"""

import asyncio
import json
import random
import statistics
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import aiohttp
import click
from kubernetes.aio import client, watch
from kubernetes.aio.client import ApiClient

from dev.cluster.local import LocalCluster
from dev.cluster.nodes import gpu_node
from dev.controlplane.build import find_tools
from dev.engines.launch import EngineFleet
from dev.install import COMMAND, install
from elastic_serving.api import labels
from elastic_serving.kube.config import load_configuration

NAMESPACE: Final = "bench"
PROBE_SECONDS: Final = 0.05
LOAD: Final = 40.0
"""40 in flight at 22.4 a replica: two replicas."""
GIVE_UP_SECONDS: Final = 60.0
MOST_SECONDS_BETWEEN: Final = 1.0
"""Pauses are uniform up to one tick, so that steps meet every phase of it."""


@dataclass(slots=True)
class Added:
    """Monotonic times at which pods were seen ADDED, by name."""

    at: dict[str, float] = field(default_factory=dict)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def follow(self, api: ApiClient) -> None:
        """Watch the namespace's pods until cancelled."""
        stream = watch.Watch()  # type: ignore[no-untyped-call]  # it has no annotations
        pods = client.CoreV1Api(api)
        events = stream.stream(pods.list_namespaced_pod, NAMESPACE, _request_timeout=3600)  # type: ignore[no-untyped-call]  # as above
        async for event in events:
            if event["type"] == "ADDED":
                async with self.news:
                    self.at.setdefault(event["object"].metadata.name, time.monotonic())
                    self.news.notify_all()

    async def time_of(self, pod: str) -> float:
        """When ``pod`` was seen ADDED; waits for it."""
        async with self.news:
            await self.news.wait_for(lambda: pod in self.at)
        return self.at[pod]


async def visible(session: aiohttp.ClientSession, url: str, serving: str) -> float:
    """Monotonic time of the first probe that sees the load of ``serving`` in Prometheus."""
    match = f'{{namespace="{NAMESPACE}",elasticserving="{serving}"}}'
    query = f"sum(vllm:num_requests_running{match} + vllm:num_requests_waiting{match}) >= {LOAD}"
    while True:
        asked_at = time.monotonic()
        async with session.get(f"{url}/api/v1/query", params={"query": query}) as answer:
            body = await answer.json()
        if body["data"]["result"]:
            return time.monotonic()
        await asyncio.sleep(max(0.0, asked_at + PROBE_SECONDS - time.monotonic()))


async def measure(cluster: LocalCluster, fleet: EngineFleet, names: list[str], dice: random.Random) -> list[float]:
    """Reaction of each serving in seconds, in the order of the steps."""
    added = Added()
    configuration = await load_configuration(cluster.kubeconfig)
    reactions = []
    async with ApiClient(configuration) as api, aiohttp.ClientSession() as session:
        following = asyncio.create_task(added.follow(api))
        try:
            for name in names:
                await asyncio.sleep(dice.uniform(0.0, MOST_SECONDS_BETWEEN))
                await asyncio.to_thread(fleet.pin, NAMESPACE, f"{name}-0-0", running=32, waiting=LOAD - 32)
                async with asyncio.timeout(GIVE_UP_SECONDS):
                    seen_at = await visible(session, cluster.prometheus_url, name)
                    reactions.append(await added.time_of(f"{name}-1-0") - seen_at)
        finally:
            following.cancel()
    return reactions


def manifest(name: str) -> dict[str, object]:
    """The smallest serving, room for two replicas."""
    return {
        "apiVersion": f"{labels.GROUP}/{labels.VERSION}",
        "kind": labels.KIND,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "model": {"uri": "hf://org/model"},
            "accelerator": {"gpu": {"product": "nvidia-l4"}},
            "scaling": {"maxReplicas": 2},
        },
    }


def await_all_serving(cluster: LocalCluster, count: int) -> None:
    """Until every serving has its first replica in the Service."""
    deadline = time.monotonic() + 300
    while True:
        found = json.loads(cluster.kubectl("get", "es", f"--namespace={NAMESPACE}", "--output=json"))["items"]
        if sum((s.get("status") or {}).get("servingReplicas") == 1 for s in found) == count:
            return
        if time.monotonic() > deadline:
            raise click.ClickException(f"not all of {count} servings have a replica after 300 s")
        time.sleep(1)


@click.command()
@click.option("--servings", default=100, help="How many servings exist and are stepped, one at a time.")
@click.option("--seed", default=1, help="Of the pauses between the steps.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write every reaction to this JSON file.")
def main(servings: int, seed: int, out: Path | None) -> None:
    """Measure and print the distribution."""
    names = [f"s{index:03d}" for index in range(servings)]
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory()))
        cluster = stack.enter_context(LocalCluster.start(find_tools()))
        cluster.create(*[gpu_node(f"node-{index}", count=8) for index in range(servings * 2 // 8 + 1)])
        cluster.kubectl("create", "namespace", NAMESPACE)
        release = install(cluster, labels.FIELD_MANAGER, {})
        log = stack.enter_context((home / "operator.log").open("wb"))
        operator = subprocess.Popen(COMMAND, env=release.variables("bench"), stdout=log, stderr=log)
        stack.callback(operator.wait)
        stack.callback(operator.terminate)
        fleet = stack.enter_context(
            EngineFleet(
                cluster.kubeconfig,
                pod_range=cluster.layout.addresses.pods,
                load_seconds=0.1,
                log=home / "engines.log",
            )
        )
        items = [manifest(name) for name in names]
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        await_all_serving(cluster, servings)
        reactions = asyncio.run(measure(cluster, fleet, names, random.Random(seed)))
    if out is not None:
        rounded = [round(reaction, 3) for reaction in reactions]
        out.write_text(json.dumps({"servings": servings, "seed": seed, "reactions_seconds": rounded}) + "\n")
    click.echo(f"{servings} servings, one step each: sample visible -> pod ADDED, seconds")
    click.echo(summary(reactions))


def summary(reactions: list[float]) -> str:
    """``p50 0.61   p90 1.05   p99 1.20   max 1.27``."""
    cuts = statistics.quantiles(reactions, n=100, method="inclusive")
    return f"p50 {cuts[49]:.2f}   p90 {cuts[89]:.2f}   p99 {cuts[98]:.2f}   max {max(reactions):.2f}"


if __name__ == "__main__":
    main()
