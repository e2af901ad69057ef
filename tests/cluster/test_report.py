"""Status and Events on a real API server, as kubectl prints them."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from dev.cluster.handle import Cluster
from elastic_serving.api import labels
from elastic_serving.api.parse import read
from elastic_serving.errors import Conflict
from elastic_serving.kube.client import KubeClient
from elastic_serving.kube.config import load_configuration
from elastic_serving.report.account import Account
from elastic_serving.report.metrics import OperatorMetrics
from elastic_serving.report.reporter import Reporter
from elastic_serving.report.writer import SERVINGS
from elastic_serving.scaling.model import Phase, Step
from tests.support.accounts import account_of, at, decided, serving_since, starting_since
from tests.support.crds import installed_crds
from tests.support.manifests import manifest

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def crds(cluster: Cluster) -> Iterator[None]:
    with installed_crds(cluster):
        yield


@pytest.fixture
async def kube(cluster: Cluster) -> AsyncIterator[KubeClient]:
    async with KubeClient(await load_configuration(cluster.kubeconfig), field_manager=labels.FIELD_MANAGER) as client:
        yield client


@pytest.fixture
async def account(crds: None, kube: KubeClient, namespace: str) -> Account:
    """3 -> 5 replicas by Concurrency, of a serving that is really there."""
    serving = read(await kube.create(SERVINGS, namespace, manifest()))
    steps = (
        Step("Concurrency", 3, 6, "148 in flight / 28 per replica = 5.3 -> 6"),
        Step("limits", 6, 5, "1 to 5 -> 5"),
    )
    told = account_of(
        *(serving_since(index, "04:12:10") for index in range(3)),
        starting_since(3, "04:51:58", Phase.LOADING),
        starting_since(4, "04:51:31", Phase.PROVISIONING),
        desired=5,
        last_change=decided(3, 5, at=at("04:51:30"), steps=steps),
    )
    return replace(told, serving=serving)


def squeezed(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


@pytest.mark.promise("F9")
@pytest.mark.promise("U22")
async def test_kubectl_describe_explains_line_by_line(
    account: Account, kube: KubeClient, cluster: Cluster, namespace: str
) -> None:
    await Reporter(kube, OperatorMetrics()).report(account)
    printed = cluster.kubectl("-n", namespace, "describe", "elasticserving", "llama-8b")
    assert (
        "  Replicas:\n"
        "    3  starting  gpu-node-d   loading the model since 04:51:58\n"
        "    4  starting  no node yet  provisioning since 04:51:31\n"
        "    0  serving   gpu-node-a   since 04:12:10\n"
        "    1  serving   gpu-node-b   since 04:12:10\n"
        "    2  serving   gpu-node-c   since 04:12:10\n"
    ) in printed
    said = squeezed(printed)
    assert (
        "Decision:\nFrom: 3\nReason: Concurrency\nSteps:\n"
        "Concurrency: 148 in flight / 28 per replica = 5.3 -> 6\nlimits: 1 to 5 -> 5\n"
        "Time: 2026-11-22T04:51:30Z\nTo: 5\n"
    ) in said
    assert "Summary: 3 of 5 replicas serve; 2 start.\n" in said
    assert "Normal ScalingUp" in said
    assert "3 -> 5 replicas: Concurrency 148 is above 28 per replica x 3" in said


@pytest.mark.promise("U22")
async def test_kubectl_get_tells_the_story_in_a_line(
    account: Account, kube: KubeClient, cluster: Cluster, namespace: str
) -> None:
    await Reporter(kube, OperatorMetrics()).report(account)
    head, line = cluster.kubectl("-n", namespace, "get", "elasticserving").splitlines()
    columns = dict(zip(("NAME", "DESIRED", "SERVING", "STARTING"), line.split(), strict=False))
    assert head.split()[:4] == ["NAME", "DESIRED", "SERVING", "STARTING"]
    assert columns == {"NAME": "llama-8b", "DESIRED": "5", "SERVING": "3", "STARTING": "2"}
    assert "Concurrency 148/84" in line


async def test_scale_reads_the_leaders_that_serve(
    account: Account, kube: KubeClient, cluster: Cluster, namespace: str
) -> None:
    await Reporter(kube, OperatorMetrics()).report(account)
    scaled = cluster.kubectl(
        "-n",
        namespace,
        "get",
        "elasticserving",
        "llama-8b",
        "-o",
        "jsonpath={.status.servingReplicas} {.status.selector}",
    )
    assert scaled == "3 elasticserving.io/serving=llama-8b,elasticserving.io/host=0,elasticserving.io/role=serving"


async def test_nothing_but_the_status_is_ever_ours(account: Account, kube: KubeClient, namespace: str) -> None:
    before = await kube.get(SERVINGS, namespace, "llama-8b")
    reporter = Reporter(kube, OperatorMetrics())
    await reporter.report(account)
    await reporter.report(replace(account, decision=decided(5, 4), now=account.now + 60))
    after = await kube.get(SERVINGS, namespace, "llama-8b")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    ours = [
        f
        for f in after["metadata"]["managedFields"]
        if f["manager"] == labels.FIELD_MANAGER and "status" in str(f["fieldsV1"])
    ]
    assert [(f["operation"], f["subresource"]) for f in ours if f.get("subresource")] == [("Update", "status")]
    assert all(set(f["fieldsV1"]) == {"f:status"} for f in ours if f.get("subresource"))


async def test_a_status_never_lands_on_a_namesake(account: Account, kube: KubeClient, namespace: str) -> None:
    await kube.delete(SERVINGS, namespace, "llama-8b")
    await kube.create(SERVINGS, namespace, manifest())
    with pytest.raises(Conflict):
        await Reporter(kube, OperatorMetrics()).report(account)
    assert "status" not in await kube.get(SERVINGS, namespace, "llama-8b")


async def test_a_field_that_is_gone_leaves_the_status(account: Account, kube: KubeClient, namespace: str) -> None:
    reporter = Reporter(kube, OperatorMetrics())
    await reporter.report(account)
    rest = account_of(desired=0, decision=decided(5, 0, signal=None, signals=(), why="Manual"), now=account.now + 60)
    await reporter.report(replace(rest, serving=account.serving))
    status = (await kube.get(SERVINGS, namespace, "llama-8b"))["status"]
    assert status.get("replicas", []) == []
    assert status.get("signals", []) == []
    assert status["decision"]["to"] == 5
