"""The ready endpoints of one Service, followed live: without a kube-proxy, clients dial EndpointSlices themselves."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from kubernetes.aio.client import DiscoveryV1Api

from dev.engines.addresses import loopback_of
from dev.engines.watch import Changed, Gone, Listed, follow


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to dial."""

    address: str
    port: int

    @property
    def url(self) -> str:
        """Without a path."""
        return f"http://{self.address}:{self.port}"


def ready_endpoints(slice_: Mapping[str, Any], pod_range: IPv4Network) -> tuple[Endpoint, ...]:
    """The slice's ready endpoints; an address in the pod range becomes the engine's own on this machine.

    The port is the slice's one named http, else its only one. An absent ``ready`` counts as ready (EndpointSlice API).
    """
    ports = slice_.get("ports") or []
    port = next((p["port"] for p in ports if p.get("name") == "http"), ports[0]["port"] if len(ports) == 1 else None)
    if port is None:
        return ()
    return tuple(
        Endpoint(loopback_of(address, pod_range) or address, port)
        for endpoint in slice_.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready", True)
        for address in endpoint["addresses"]
    )


class Endpoints:
    """Knows the ready endpoints while ``run`` runs."""

    def __init__(self, api: DiscoveryV1Api, namespace: str, service: str, pod_range: IPv4Network) -> None:
        self._api = api
        self._namespace = namespace
        self._service = service
        self._pod_range = pod_range
        self._slices: dict[str, tuple[Endpoint, ...]] = {}
        self._some = asyncio.Event()
        self.ready: tuple[Endpoint, ...] = ()

    async def run(self) -> None:
        """Until cancelled."""
        request = self._api.list_namespaced_endpoint_slice_without_preload_content
        selector = f"kubernetes.io/service-name={self._service}"
        async for event in follow(request, self._namespace, label_selector=selector):
            match event:
                case Listed(slices):
                    self._slices = {s["metadata"]["name"]: ready_endpoints(s, self._pod_range) for s in slices}
                case Changed(changed):
                    self._slices[changed["metadata"]["name"]] = ready_endpoints(changed, self._pod_range)
                case Gone(gone):
                    self._slices.pop(gone["metadata"]["name"], None)
            # While a slice is split or moved an endpoint may stand in two.
            self.ready = tuple(dict.fromkeys(e for found in self._slices.values() for e in found))
            if self.ready:
                self._some.set()
            else:
                self._some.clear()

    async def wait(self) -> None:
        """Returns when at least one endpoint is ready."""
        await self._some.wait()
