"""Bad input of every kind: the operator holds, says which query and why, and goes on without a restart."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import requests

from dev.cluster.handle import Cluster
from elastic_serving.api import labels
from elastic_serving.errors import Conflict
from elastic_serving.handlers.shell import SERVINGS
from elastic_serving.kube.client import KubeClient
from elastic_serving.kube.config import load_configuration
from tests.support.cluster import eventually
from tests.support.operator import Operator, Release, running
from tests.support.prometheus_server import StandIn, hang, send, stand_in, vector
from tests.support.proxy import proxy_of
from tests.support.servings import Servings, condition_of

AT_ONCE = {"scaling": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}
"""Without a window nothing but the missing signal can hold the number."""
IMPATIENT = {"prometheus_timeout_seconds": "1", "stale_seconds": "3", "status_interval_seconds": "0.5"}
EDITS, EDITS_A_SECOND = 300, 100.0
CONNECTIONS = 2
"""The API server changes one object at a time: eight connections meet conflicts and get fewer edits through."""


@pytest.fixture
def prometheus(cluster: Cluster) -> Iterator[StandIn]:
    """A Prometheus that passes queries on to the real one until it is told to do something else."""
    with requests.Session() as session, stand_in() as server:
        session.trust_env = False

        def pass_on(handler: BaseHTTPRequestHandler) -> None:
            answer = requests.get(cluster.prometheus_url + handler.path, timeout=5)
            send(answer.status_code, answer.text)(handler)

        server.reply = pass_on
        yield server


@pytest.fixture
def operator(release: Release, prometheus: StandIn, tmp_path: Path) -> Iterator[Operator]:
    """A leading operator that asks that Prometheus and gives up early."""
    settings = {**IMPATIENT, "prometheus_url": prometheus.url}
    with running(release, tmp_path, settings=settings) as operator:
        yield operator


def _reset(handler: BaseHTTPRequestHandler) -> None:
    """No answer: the connection ends."""
    handler.close_connection = True


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        pytest.param("away", "is unreachable", id="away"),
        pytest.param("slow", "did not answer within 1 s", id="slow"),
        pytest.param("page", "answered HTTP 200 with text/html, not with Prometheus's JSON", id="a page"),
        pytest.param("empty", "no series vllm:num_requests_running", id="empty"),
    ],
)
async def test_a_prometheus_that_says_nothing_of_use_is_told_and_holds_the_number(
    operator: Operator, servings: Servings, prometheus: StandIn, bad: str, words: str
) -> None:
    replies = {
        "away": _reset,
        "slow": hang(prometheus),
        "page": send(200, "<html><body>please log in</body></html>", "text/html"),
        "empty": vector(),
    }
    process = operator.process
    assert process is not None
    good = prometheus.reply
    servings.load(running=62)  # 62 / 22.4 = 2.8 -> 3
    servings.apply(AT_ONCE)
    await servings.serving(3)
    prometheus.reply = replies[bad]
    servings.load(running=0)
    status = await servings.until(lambda status: condition_of(status, "ScalingActive")["status"] == "False")
    told = condition_of(status, "ScalingActive")
    assert status["desiredReplicas"] == 3
    assert "Concurrency" in told["message"]
    assert words in told["message"]
    # The Event follows the status.
    await eventually(lambda: [m for m in servings.messages("SignalMissing") if "Concurrency" in m and words in m])
    prometheus.reply = good
    prometheus.release.set()
    await servings.serving(1)
    await servings.until(lambda status: condition_of(status, "ScalingActive")["status"] == "True")
    assert process.poll() is None


async def test_an_object_edited_up_to_a_hundred_times_a_second_is_served_meanwhile_and_ends_as_last_written(
    operator: Operator, servings: Servings, cluster: Cluster, record_property: Callable[[str, object], None]
) -> None:
    servings.apply()
    await servings.serving(1)
    process = operator.process
    assert process is not None
    async with KubeClient(await load_configuration(cluster.kubeconfig), field_manager="test") as admin:
        editing = asyncio.create_task(_edit(admin, servings))
        servings.load(running=62)  # 62 / 22.4 = 2.8 -> 3
        await servings.serving(3)
        record_property("told", f"{EDITS} edits of one object, {EDITS / await editing:.0f} a second")
    assert servings.get()["metadata"]["generation"] == 1 + EDITS
    servings.apply({"scaling": {"minReplicas": 4, "maxReplicas": 4}})
    status = await servings.serving(4)
    assert status["observedGeneration"] == servings.get()["metadata"]["generation"] == 2 + EDITS
    assert process.poll() is None
    assert "defect" not in operator.log.read_text()


async def _edit(admin: KubeClient, servings: Servings) -> float:
    """EDITS edits, 100 a second unless the API server takes fewer; returns the seconds."""
    began, numbers = time.monotonic(), itertools.count()

    async def edit() -> None:
        for number in itertools.takewhile(lambda number: number < EDITS, numbers):
            await asyncio.sleep(began + number / EDITS_A_SECOND - time.monotonic())
            # Every value is another one, or the API server would not call it an edit.
            operations = [{"op": "add", "path": "/spec/drain", "value": {"timeoutSeconds": 100 + number}}]
            while not await _taken(admin, servings, operations):
                pass

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(edit())
    return time.monotonic() - began


async def _taken(admin: KubeClient, servings: Servings, operations: Sequence[Mapping[str, object]]) -> bool:
    """False where too many others edited at the same moment."""
    try:
        await admin.json_patch(SERVINGS, servings.namespace, servings.name, operations)
    except Conflict:
        return False
    return True


async def test_fields_nobody_knows_yet_are_ignored(release: Release, servings: Servings, tmp_path: Path) -> None:
    def of_a_later_version(raw: bytes) -> bytes:
        spec = raw.replace(b'"accelerator":{', b'"colour":"blue","accelerator":{"shape":["round"],')
        return spec.replace(b'"summary":', b'"mood":{"is":"good"},"summary":')

    with proxy_of(release.kubeconfig) as proxy:
        proxy.alter = of_a_later_version
        with running(release, tmp_path, server=proxy.url) as operator:
            servings.apply()
            await servings.serving(1)
            servings.apply({"scaling": {"minReplicas": 2}})
            await servings.serving(2)
            assert operator.process is not None
            assert operator.process.poll() is None
    assert "mood" not in servings.status()


async def test_foreign_pods_with_our_labels_are_told_and_counted_for_nothing(
    operator: Operator, servings: Servings
) -> None:
    stranger = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "stranger",
            "labels": {
                labels.MANAGED_BY: labels.MANAGED_BY_VALUE,
                labels.SERVING: servings.name,
                labels.REPLICA: "0",
                labels.HOST: "0",
                labels.ROLE: "serving",
            },
        },
        "spec": {"containers": [{"name": "main", "image": "example/other"}]},
    }
    servings.kubectl("create", "-f", "-", stdin=json.dumps(stranger))
    servings.apply({"scaling": {"minReplicas": 2}})
    status = await servings.serving(2)
    assert condition_of(status, "Degraded")["reason"] == "ForeignCapacity"
    assert [message for message in servings.messages("ForeignCapacity") if "stranger" in message]
    assert len([pod for pod in servings.pods() if pod["metadata"]["name"] != "stranger"]) == 2
    servings.kubectl("delete", "es", servings.name, "--wait=true")
    assert servings.kubectl("get", "pod", "stranger", "--output=name").strip() == "pod/stranger"


async def test_a_slow_api_server_delays_everything_and_breaks_nothing(
    release: Release, servings: Servings, tmp_path: Path
) -> None:
    with proxy_of(release.kubeconfig) as proxy:
        proxy.delay_seconds = 1.0
        with running(release, tmp_path, server=proxy.url) as operator:
            servings.apply({"scaling": {"minReplicas": 2}})
            await servings.serving(2, timeout=60)
            assert operator.process is not None
            assert operator.process.poll() is None
        made = [seen.call.what for seen in proxy.writes if seen.status == 201]
    assert sorted(what for what in made if what.startswith("create pods/")) == [
        "create pods/llama-8b-0-0",
        "create pods/llama-8b-1-0",
    ]
