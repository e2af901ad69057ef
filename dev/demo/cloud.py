"""The cloud of the demo: sells a machine for each pod that finds none, as a cluster autoscaler asks for, and takes
empty ones back. A machine boots for a while before it is of use."""

import asyncio
from typing import Any, Final

from kubernetes.aio.client import ApiClient, ApiException, CoreV1Api

from dev.cluster.nodes import Placement, gpu_node
from dev.engines.watch import REQUEST_SECONDS, Changed, Gone, Listed, follow, read_json
from elastic_serving.api import labels

EMPTY_SECONDS: Final = 60.0
"""An empty machine goes back after this long, in the traffic's time. Clouds' autoscalers wait 1 to 10 minutes."""
_LOOK_SECONDS: Final = 0.5
_GONE: Final = 404


class Cloud:
    """Machines with one GPU each. ``run`` follows the pods until cancelled."""

    def __init__(self, client: ApiClient, *, product: str, boot_seconds: float, empty_seconds: float) -> None:
        self._api = CoreV1Api(client)
        self._product = product
        self._placement = Placement(boot_seconds=boot_seconds)
        self._empty_seconds = empty_seconds
        self._pods: dict[str, dict[str, Any]] = {}
        self._empty_since: dict[str, float | None] = {}
        self._sold = 0

    @property
    def machines(self) -> int:
        """How many there are, booting ones included."""
        return len(self._empty_since)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_back(), name="take back")
            request = self._api.list_pod_for_all_namespaces_without_preload_content
            async for event in follow(request, label_selector=f"{labels.MANAGED_BY}={labels.MANAGED_BY_VALUE}"):
                match event:
                    case Listed(pods):
                        self._pods = {pod["metadata"]["uid"]: pod for pod in pods}
                    case Changed(pod):
                        self._pods[pod["metadata"]["uid"]] = pod
                    case Gone(pod):
                        self._pods.pop(pod["metadata"]["uid"], None)
                await self._sell()

    async def _sell(self) -> None:
        """One machine for each homeless pod that no empty one waits for."""
        homeless = sum(is_homeless(pod) for pod in self._pods.values())
        self._count_empty()
        free = sum(since is not None for since in self._empty_since.values())
        for _ in range(homeless - free):
            self._sold += 1
            name = f"gpu-{self._sold}"
            node: Any = gpu_node(name, product=self._product, placement=self._placement)
            made = self._api.create_node_without_preload_content(node, _request_timeout=REQUEST_SECONDS)
            await read_json(await made)
            self._empty_since[name] = asyncio.get_running_loop().time()

    def _count_empty(self) -> None:
        now, taken = asyncio.get_running_loop().time(), {pod["spec"].get("nodeName") for pod in self._pods.values()}
        self._empty_since = {
            name: None if name in taken else (since or now) for name, since in self._empty_since.items()
        }

    async def _take_back(self) -> None:
        """Delete machines that were empty for long; one that a pod may still be on its way to is not among them."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._count_empty()
            if any(is_homeless(pod) for pod in self._pods.values()):
                continue
            due = asyncio.get_running_loop().time() - self._empty_seconds - self._placement.boot_seconds
            for name in [name for name, since in self._empty_since.items() if since is not None and since < due]:
                try:
                    await read_json(
                        await self._api.delete_node_without_preload_content(name, _request_timeout=REQUEST_SECONDS)
                    )
                except ApiException as error:
                    if error.status != _GONE:
                        raise
                self._empty_since.pop(name)


def is_homeless(pod: dict[str, Any]) -> bool:
    """The scheduler looked for a node and found none."""
    conditions = pod.get("status", {}).get("conditions") or ()
    scheduled: dict[str, Any] = next((c for c in conditions if c["type"] == "PodScheduled"), {})
    return not pod["spec"].get("nodeName") and scheduled.get("reason") == "Unschedulable"
