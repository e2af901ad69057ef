"""What a user with ``kubectl get --watch`` would see: the newest status, and each change of desired once."""

from collections.abc import Callable
from typing import Any

from kubernetes.aio.client import ApiClient, CustomObjectsApi

from dev.demo.recording import Change
from dev.engines.watch import Changed, Gone, Listed, follow
from elastic_serving.api import labels
from elastic_serving.api.parse import read
from elastic_serving.api.status import ElasticServingStatus


class Audience:
    """Follows one serving while ``run`` runs; ``clock`` gives seconds of the traffic."""

    def __init__(self, client: ApiClient, namespace: str, name: str, clock: Callable[[], float]) -> None:
        self._api = CustomObjectsApi(client)
        self._namespace = namespace
        self._name = name
        self._clock = clock
        self._last = ""
        self.status = ElasticServingStatus()
        self.changes: list[Change] = []

    async def run(self) -> None:
        """Until cancelled."""
        request = self._api.list_namespaced_custom_object_without_preload_content
        async for event in follow(request, labels.GROUP, labels.VERSION, self._namespace, labels.PLURAL):
            match event:
                case Listed(found):
                    for serving in found:
                        self._see(serving)
                case Changed(serving):
                    self._see(serving)
                case Gone():
                    pass

    def _see(self, serving: dict[str, Any]) -> None:
        if serving["metadata"]["name"] != self._name:
            return
        self.status = read(serving).status or self.status
        decision = self.status.decision
        if decision is None or decision.model_dump_json() == self._last:
            return
        self._last = decision.model_dump_json()
        self.changes.append(Change(self._clock(), decision.from_, decision.to, decision.reason, decision.steps))
