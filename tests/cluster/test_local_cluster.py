"""The local cluster does what the tests that stand on it take for granted: scheduling, scripts, roles, records."""

import asyncio
import json
from collections.abc import Callable

import pytest
from kubernetes.aio.client import ApiClient, ApiException, BatchV1Api, CoreV1Api

from dev.cluster.errors import ClusterError
from dev.cluster.handle import Cluster
from dev.cluster.local import LocalCluster
from dev.cluster.nodes import (
    BOOT_FAILS,
    CRASH_AFTER_SECONDS,
    EXIT_CODE,
    NOT_READY,
    PULL_FAILS,
    PULL_SECONDS,
    TPU,
    Placement,
    gpu_node,
    tpu_node,
)
from elastic_serving.api.labels import ROLE, SCHEDULING_GATE
from tests.support.cluster import api_client, eventually
from tests.support.pods import OURS, PodState, history, pod_manifest, pod_state, version

MakeNodes = Callable[..., None]
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
RUNNING = ("Running", "running")


async def create(api: ApiClient, namespace: str, pod: dict[str, object]) -> None:
    await CoreV1Api(api).create_namespaced_pod(namespace, pod, _request_timeout=10)  # type: ignore[arg-type]  # a dict is what goes over the wire


async def annotate(api: ApiClient, namespace: str, name: str, annotations: dict[str, str | None]) -> None:
    await CoreV1Api(api).patch_namespaced_pod(
        name, namespace, {"metadata": {"annotations": annotations}}, _content_type=STRATEGIC, _request_timeout=10
    )


async def annotate_node(api: ApiClient, name: str, annotations: dict[str, str | None]) -> None:
    await CoreV1Api(api).patch_node(
        name, {"metadata": {"annotations": annotations}}, _content_type=STRATEGIC, _request_timeout=10
    )


async def is_gone(api: ApiClient, namespace: str, name: str) -> bool:
    return await pod_state(api, namespace, name) is None


async def node_is_ready(api: ApiClient, name: str) -> bool:
    node = await CoreV1Api(api).read_node(name, _request_timeout=10)
    assert node.status is not None
    return any(c.type == "Ready" and c.status == "True" for c in node.status.conditions or [])


async def test_a_pod_of_ours_passes_every_phase_and_stays_unready(api: ApiClient, namespace: str) -> None:
    before = await version(api, namespace)
    await create(api, namespace, pod_manifest("llama-0-0", marks=OURS, gpus=1, annotations={PULL_SECONDS: "1"}))
    states = await history(api, namespace, "llama-0-0", since=before, until=RUNNING)
    assert [(s.phase, s.node is not None, s.container, s.ready) for s in states] == [
        ("Pending", False, None, None),
        ("Pending", True, None, None),
        ("Pending", True, "ContainerCreating", False),
        ("Running", True, "running", False),
    ]


async def test_a_pod_of_somebody_else_is_ready_as_soon_as_it_runs(api: ApiClient, namespace: str) -> None:
    await create(api, namespace, pod_manifest("web"))
    states = await history(api, namespace, "web", until=RUNNING)
    assert states[-1].ready is True


async def test_ready_written_from_outside_outlives_every_later_change_of_the_pod(
    api: ApiClient, namespace: str
) -> None:
    await create(api, namespace, pod_manifest("llama-0-0", marks=OURS))
    await history(api, namespace, "llama-0-0", until=RUNNING)
    ready = {
        "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "ContainersReady", "status": "True"}]}
    }
    core = CoreV1Api(api)
    await core.patch_namespaced_pod_status("llama-0-0", namespace, ready, _content_type=STRATEGIC, _request_timeout=10)
    draining = [{"op": "replace", "path": f"/metadata/labels/{ROLE.replace('/', '~1')}", "value": "draining"}]
    await core.patch_namespaced_pod("llama-0-0", namespace, draining, _content_type=JSON_PATCH, _request_timeout=10)
    await annotate(api, namespace, "llama-0-0", {"touched": "again"})
    # kwok answers a change within milliseconds; a second pod's whole life shows that it had its turn.
    await create(api, namespace, pod_manifest("witness", annotations={PULL_SECONDS: "2"}))
    await history(api, namespace, "witness", until=RUNNING)
    state = await pod_state(api, namespace, "llama-0-0")
    assert state is not None
    assert state.ready is True


async def test_a_gated_pod_waits_until_the_gate_is_lifted(api: ApiClient, namespace: str) -> None:
    gated = pod_manifest("llama-0-0", marks=OURS, gpus=1, schedulingGates=[{"name": SCHEDULING_GATE}])
    await create(api, namespace, gated)
    await create(api, namespace, pod_manifest("witness", gpus=1))
    await history(api, namespace, "witness", until=RUNNING)
    assert await pod_state(api, namespace, "llama-0-0") == PodState("Pending")
    lift = [{"op": "remove", "path": "/spec/schedulingGates/0"}]
    await CoreV1Api(api).patch_namespaced_pod(
        "llama-0-0", namespace, lift, _content_type=JSON_PATCH, _request_timeout=10
    )
    await history(api, namespace, "llama-0-0", until=RUNNING)


async def test_gpus_are_never_given_twice(api: ApiClient, namespace: str, nodes: MakeNodes) -> None:
    nodes(gpu_node(f"{namespace}-only", product=namespace, count=2))
    here = {"cloud.google.com/gke-accelerator": namespace}
    for index in range(3):
        await create(api, namespace, pod_manifest(f"pod-{index}", gpus=1, nodeSelector=here))

    async def two_run_and_one_waits() -> bool:
        states = [await pod_state(api, namespace, f"pod-{index}") for index in range(3)]
        return sorted(s.phase for s in states if s is not None) == ["Pending", "Running", "Running"]

    await eventually(two_run_and_one_waits)


@pytest.mark.parametrize(
    ("annotations", "phase", "container"),
    [
        pytest.param({CRASH_AFTER_SECONDS: "1"}, "Failed", "exit 1", id="crashes, 1 is the exit code unless named"),
        pytest.param({CRASH_AFTER_SECONDS: "1", EXIT_CODE: "137"}, "Failed", "exit 137", id="is killed"),
        pytest.param({CRASH_AFTER_SECONDS: "0", EXIT_CODE: "0"}, "Succeeded", "exit 0", id="ends well"),
    ],
)
async def test_a_container_ends_when_and_how_its_pod_says(
    api: ApiClient, namespace: str, annotations: dict[str, str], phase: str, container: str
) -> None:
    await create(api, namespace, pod_manifest("llama-0-0", marks=OURS, annotations=annotations))
    states = await history(api, namespace, "llama-0-0", until=(phase, container))
    assert (states[-1].phase, states[-1].container, states[-1].ready) == (phase, container, False)


async def test_a_pull_takes_as_long_as_its_pod_says(api: ApiClient, namespace: str) -> None:
    await create(api, namespace, pod_manifest("llama-0-0", marks=OURS, annotations={PULL_SECONDS: "6"}))
    await create(api, namespace, pod_manifest("witness", annotations={PULL_SECONDS: "5"}))
    await history(api, namespace, "witness", until=RUNNING)
    await annotate(api, namespace, "llama-0-0", {"touched": "near its end"})  # must not start the time again
    await history(api, namespace, "llama-0-0", until=RUNNING)
    pod = await CoreV1Api(api).read_namespaced_pod("llama-0-0", namespace, _request_timeout=10)
    assert pod.status is not None
    assert pod.status.start_time is not None
    assert pod.status.container_statuses is not None
    state = pod.status.container_statuses[0].state
    assert state is not None
    assert state.running is not None
    assert state.running.started_at is not None
    # Both stamps are whole seconds, and the delay counts from the first: 6, and what a busy machine adds. Started again
    # by the annotation, which comes after 4 s or more, it would be 10.
    assert 6 <= (state.running.started_at - pod.status.start_time).total_seconds() < 10


async def test_a_pull_that_fails_backs_off_until_the_image_is_there(api: ApiClient, namespace: str) -> None:
    before = await version(api, namespace)
    await create(api, namespace, pod_manifest("llama-0-0", marks=OURS, annotations={PULL_FAILS: "true"}))
    states = await history(api, namespace, "llama-0-0", since=before, until=("Pending", "ImagePullBackOff"))
    assert [state.container for state in states][-3:] == ["ContainerCreating", "ErrImagePull", "ImagePullBackOff"]
    await annotate(api, namespace, "llama-0-0", {PULL_FAILS: None})
    await history(api, namespace, "llama-0-0", until=RUNNING)


async def test_a_jobs_pod_completes(api: ApiClient, namespace: str) -> None:
    job = {"metadata": {"name": "once"}, "spec": {"template": {"spec": pod_manifest("once")["spec"]}}}
    await BatchV1Api(api).create_namespaced_job(namespace, job, _request_timeout=10)  # type: ignore[arg-type]  # as above

    async def succeeded() -> bool:
        status = (await BatchV1Api(api).read_namespaced_job("once", namespace, _request_timeout=10)).status
        return status is not None and status.succeeded == 1

    await eventually(succeeded)


async def test_a_running_pod_of_ours_is_killed_at_the_end_of_its_grace_and_not_before(
    api: ApiClient, namespace: str
) -> None:
    await create(api, namespace, pod_manifest("llama-0-0", marks=OURS, grace_seconds=3))
    await history(api, namespace, "llama-0-0", until=RUNNING)
    began = asyncio.get_running_loop().time()
    await CoreV1Api(api).delete_namespaced_pod("llama-0-0", namespace, _request_timeout=10)
    await eventually(lambda: is_gone(api, namespace, "llama-0-0"))
    # deletionTimestamp is a whole second, rounded down: the grace of 3 s may last 2.
    assert 2 <= asyncio.get_running_loop().time() - began < 8


@pytest.mark.parametrize(
    ("marks", "annotations", "container"),
    [
        pytest.param({}, {}, "running", id="somebody else's"),
        pytest.param(OURS, {PULL_SECONDS: "60"}, "ContainerCreating", id="ours that still pulls"),
        pytest.param(OURS, {CRASH_AFTER_SECONDS: "0"}, "exit 1", id="ours that has ended"),
    ],
)
async def test_a_pod_nobody_drains_goes_at_once(
    api: ApiClient, namespace: str, marks: dict[str, str], annotations: dict[str, str], container: str
) -> None:
    await create(api, namespace, pod_manifest("a", marks=marks, annotations=annotations, grace_seconds=120))

    async def in_state() -> bool:
        state = await pod_state(api, namespace, "a")
        return state is not None and state.container == container

    await eventually(in_state)
    await CoreV1Api(api).delete_namespaced_pod("a", namespace, _request_timeout=10)
    await eventually(lambda: is_gone(api, namespace, "a"), timeout=10)


async def test_a_node_boots_as_long_as_it_says_and_takes_no_pod_before(
    api: ApiClient, namespace: str, nodes: MakeNodes
) -> None:
    name = f"{namespace}-slow"
    nodes(gpu_node(name, product=namespace, placement=Placement(boot_seconds=4)))
    pod = pod_manifest("llama-0-0", marks=OURS, gpus=1, nodeSelector={"cloud.google.com/gke-accelerator": namespace})
    await create(api, namespace, pod)
    assert not await node_is_ready(api, name)
    await history(api, namespace, "llama-0-0", until=RUNNING)
    node = await CoreV1Api(api).read_node(name, _request_timeout=10)
    started = await CoreV1Api(api).read_namespaced_pod("llama-0-0", namespace, _request_timeout=10)
    assert node.metadata is not None
    assert started.status is not None
    waited = started.status.start_time - node.metadata.creation_timestamp  # type: ignore[operator]  # it runs, so it has one
    assert waited.total_seconds() >= 4


async def test_a_node_that_cannot_boot_or_breaks_is_not_ready_until_its_script_ends(
    api: ApiClient, namespace: str, nodes: MakeNodes
) -> None:
    name = f"{namespace}-bad"
    nodes(gpu_node(name, placement=Placement(annotations={BOOT_FAILS: "true"})))
    witness = f"{namespace}-good"
    nodes(gpu_node(witness))
    await eventually(lambda: node_is_ready(api, witness))
    assert not await node_is_ready(api, name)
    await annotate_node(api, name, {BOOT_FAILS: None})
    await eventually(lambda: node_is_ready(api, name))
    await annotate_node(api, name, {NOT_READY: "true"})

    async def broken() -> bool:
        return not await node_is_ready(api, name)

    await eventually(broken)
    await annotate_node(api, name, {NOT_READY: None})
    await eventually(lambda: node_is_ready(api, name))


async def test_a_tpu_host_takes_only_pods_that_tolerate_it(api: ApiClient, namespace: str, nodes: MakeNodes) -> None:
    nodes(tpu_node(f"{namespace}-host", topology="2x2", pool=namespace, placement=Placement(zone="europe-west4-b")))
    here = {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice",
        "cloud.google.com/gke-tpu-topology": "2x2",
        "cloud.google.com/gke-nodepool": namespace,
        "topology.kubernetes.io/zone": "europe-west4-b",
        "topology.kubernetes.io/region": "europe-west4",
    }
    main = {"name": "main", "image": "engine:1", "resources": {"limits": {TPU: "4"}}}
    tolerates = [{"key": TPU, "operator": "Exists"}]
    await create(api, namespace, pod_manifest("without", nodeSelector=here, containers=[main]))
    await create(api, namespace, pod_manifest("with", nodeSelector=here, containers=[main], tolerations=tolerates))
    await history(api, namespace, "with", until=RUNNING)
    assert await pod_state(api, namespace, "without") == PodState("Pending")


async def test_a_service_account_has_only_its_own_rights_and_the_audit_log_says_so(
    local_cluster: LocalCluster, api: ApiClient, namespace: str
) -> None:
    local_cluster.kubectl("create", "serviceaccount", "reader", f"--namespace={namespace}")
    local_cluster.kubectl("create", "role", "reader", "--verb=list", "--resource=pods", f"--namespace={namespace}")
    account = f"--serviceaccount={namespace}:reader"
    local_cluster.kubectl("create", "rolebinding", "reader", "--role=reader", account, f"--namespace={namespace}")
    kubeconfig = local_cluster.service_account_kubeconfig(namespace, "reader")
    async with api_client(local_cluster, kubeconfig) as reader:
        await CoreV1Api(reader).list_namespaced_pod(namespace, _request_timeout=10)
        with pytest.raises(ApiException, match="Forbidden"):
            await CoreV1Api(reader).list_namespaced_secret(namespace, _request_timeout=10)

    def recorded() -> list[tuple[str, str, str]]:
        records = map(json.loads, local_cluster.audit_log.read_text().splitlines())
        return [
            (record["verb"], record["objectRef"]["resource"], record["annotations"]["authorization.k8s.io/decision"])
            for record in records
            if record["user"].get("username") == f"system:serviceaccount:{namespace}:reader"
        ]

    expected = [("list", "pods", "allow"), ("list", "secrets", "forbid")]
    await eventually(lambda: recorded() == expected)


def test_kubectl_says_what_is_wrong(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match=r'kubectl get nothing: .*doesn\'t have a resource type "nothing"'):
        cluster.kubectl("get", "nothing")


def test_helm_speaks_to_the_same_cluster(cluster: Cluster, namespace: str) -> None:
    assert json.loads(cluster.helm("list", "--namespace", namespace, "--output=json")) == []
