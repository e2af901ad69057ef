"""Pods as tests of the cluster write them, and what became of them, in order."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from kubernetes.aio import watch
from kubernetes.aio.client import ApiClient, CoreV1Api

from dev.cluster.nodes import GPU
from elastic_serving.api import labels

OURS = {
    labels.MANAGED_BY: labels.MANAGED_BY_VALUE,
    labels.SERVING: "llama",
    labels.REPLICA: "0",
    labels.HOST: labels.LEADER_HOST,
    labels.ROLE: "serving",
    labels.ENGINE: "vllm",
}
"""Labels of the leader of replica 0 of the serving llama."""


def pod_manifest(
    name: str,
    *,
    marks: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    gpus: int = 0,
    grace_seconds: int = 0,
    **spec: object,
) -> dict[str, object]:
    """A pod with one container; ``marks`` are its labels, ``spec`` adds to its spec."""
    container: dict[str, object] = {
        "name": labels.ENGINE_CONTAINER,
        "image": "engine:1",
        "ports": [{"name": labels.ENGINE_PORT_NAME, "containerPort": 8000}],
    }
    if gpus:
        container["resources"] = {"limits": {GPU: str(gpus)}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(marks or {}), "annotations": dict(annotations or {})},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": grace_seconds,
            "containers": [container],
            **spec,
        },
    }


@dataclass(frozen=True, slots=True)
class PodState:
    """What a pod's status said at one moment; None where it said nothing."""

    phase: str
    node: str | None = None
    container: str | None = None
    """``running``, or why it waits, or ``exit CODE``."""
    ready: bool | None = None
    address: str | None = None


async def pod_state(api: ApiClient, namespace: str, name: str) -> PodState | None:
    """The pod's state now; None when it is not there."""
    listed = await CoreV1Api(api).list_namespaced_pod(
        namespace, field_selector=f"metadata.name={name}", _request_timeout=10
    )
    if not listed.items:
        return None
    return _state(api.sanitize_for_serialization(listed.items[0]))  # type: ignore[no-untyped-call]  # the generated client


async def version(api: ApiClient, namespace: str) -> str:
    """The moment now, as a watch understands it: what happens in ``namespace`` from here on is later."""
    listed = await CoreV1Api(api).list_namespaced_pod(namespace, limit=1, _request_timeout=10)
    assert listed.metadata is not None
    assert listed.metadata.resource_version is not None
    return listed.metadata.resource_version


async def history(
    api: ApiClient, namespace: str, name: str, *, since: str = "", until: tuple[str, str], within: float = 30.0
) -> list[PodState]:
    """Every state the pod was in, in order, up to the first with the phase and container of ``until``.

    It begins at ``since`` (a ``version``), or else with the pod as it is now. Raises TimeoutError after ``within``
    seconds.
    """
    seen: list[PodState] = []
    async with asyncio.timeout(within), watch.Watch() as events:  # type: ignore[no-untyped-call]  # its watch has no types
        stream = events.stream(
            CoreV1Api(api).list_namespaced_pod,
            namespace,
            field_selector=f"metadata.name={name}",
            timeout_seconds=300,
            **({"resource_version": since} if since else {}),
        )
        async for event in stream:
            state = _state(event["raw_object"])
            if not seen or seen[-1] != state:
                seen.append(state)
            if (state.phase, state.container) == until:
                break
    return seen


def _state(pod: dict[str, dict[str, object]]) -> PodState:
    status = pod["status"]
    conditions = status.get("conditions") or []
    statuses = status.get("containerStatuses") or []
    assert isinstance(conditions, list)
    assert isinstance(statuses, list)
    ready = [condition["status"] == "True" for condition in conditions if condition["type"] == "Ready"]
    node, address = pod["spec"].get("nodeName"), status.get("podIP")
    return PodState(
        phase=str(status.get("phase")),
        node=str(node) if node else None,
        container=_container(statuses[0]["state"]) if statuses else None,
        ready=ready[0] if ready else None,
        address=str(address) if address else None,
    )


def _container(state: Mapping[str, Mapping[str, object]]) -> str:
    if "waiting" in state:
        return str(state["waiting"]["reason"])
    return "running" if "running" in state else f"exit {state['terminated']['exitCode']}"
