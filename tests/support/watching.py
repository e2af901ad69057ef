"""What happened to the pods of a namespace, seen by a watch of the test's own: between two looks nothing is missed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from kubernetes.aio.client import ApiClient, CoreV1Api

from dev.engines.watch import Changed, Gone, Listed, follow
from elastic_serving.api import labels
from elastic_serving.kube.api import Object


@dataclass(frozen=True, slots=True)
class PodState:
    """One pod at one moment, as far as callers and GPUs are concerned."""

    name: str
    uid: str
    revision: str
    role: str
    ready: bool
    deleted: bool
    address: str

    @property
    def serves(self) -> bool:
        """In the Service: ready, of role serving, not being deleted."""
        return self.ready and self.role == "serving" and not self.deleted


@dataclass(slots=True)
class History:
    """Every state of the namespace's pods since the start, oldest first: each element is all pods by uid."""

    moments: list[dict[str, PodState]] = field(default_factory=list)
    deletions: list[Object] = field(default_factory=list)
    """Each pod that is gone, as it was when it was last seen."""

    def states(self, uid: str) -> list[PodState]:
        """The different states of one pod in their order."""
        states: list[PodState] = []
        for moment in self.moments:
            state = moment.get(uid)
            if state is not None and (not states or states[-1] != state):
                states.append(state)
        return states

    def uids(self, name: str) -> list[str]:
        """The uids that pods of this name had, in their order."""
        found = {state.uid: None for moment in self.moments for state in moment.values() if state.name == name}
        return list(found)

    def counts(self, is_counted: Callable[[PodState], bool]) -> list[int]:
        """How many pods are counted, moment by moment."""
        return [sum(is_counted(state) for state in moment.values()) for moment in self.moments]


@asynccontextmanager
async def watching(api: ApiClient, namespace: str, serving: str) -> AsyncIterator[History]:
    """The history of the serving's pods while the context lasts; it begins with what is there."""
    history = History()
    task = asyncio.create_task(_follow(api, namespace, serving, history), name="watching pods")
    try:
        while not history.moments:
            assert not task.done(), task
            await asyncio.sleep(0.01)
        yield history
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _follow(api: ApiClient, namespace: str, serving: str, history: History) -> None:
    request = CoreV1Api(api).list_namespaced_pod_without_preload_content
    async for event in follow(request, namespace, label_selector=f"{labels.SERVING}={serving}"):
        now = dict(history.moments[-1]) if history.moments else {}
        match event:
            case Listed(objects):
                now = {pod["metadata"]["uid"]: _state(pod) for pod in objects}
            case Changed(pod):
                now[pod["metadata"]["uid"]] = _state(pod)
            case Gone(pod):
                history.deletions.append(pod)
                now.pop(pod["metadata"]["uid"], None)
        history.moments.append(now)


def _state(pod: Object) -> PodState:
    metadata, status = pod["metadata"], pod.get("status") or {}
    conditions: list[dict[str, Any]] = status.get("conditions") or []
    return PodState(
        name=metadata["name"],
        uid=metadata["uid"],
        revision=metadata["labels"].get(labels.REVISION, ""),
        role=metadata["labels"].get(labels.ROLE, ""),
        ready=any(c["type"] == "Ready" and c["status"] == "True" for c in conditions),
        deleted=metadata.get("deletionTimestamp") is not None,
        address=status.get("podIP", ""),
    )
