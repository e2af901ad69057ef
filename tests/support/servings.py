"""ElasticServings as a user handles them: apply, look, wait; and their engines' load."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from kubernetes import client as sync_client
from kubernetes import config as sync_config

from dev.cluster.handle import Cluster
from dev.engines.launch import EngineFleet
from elastic_serving.api import labels
from elastic_serving.kube.api import Object
from tests.support.cluster import REQUEST_TIMEOUT_SECONDS, eventually
from tests.support.manifests import manifest

T = TypeVar("T")
DOWN_AT_ONCE: Final = {"scaling": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}
"""A change of the manifest: fewer replicas as soon as fewer are asked for, instead of after 300 s."""
OURS: Final = f"/apis/{labels.GROUP}/{labels.VERSION}"


@dataclass(frozen=True)
class Servings:
    """One namespace through kubectl, with conditions to await. Names default to ``name``. ``close`` it after use.

    What is looked at again and again is read by a client of our own: a kubectl each time would cost more processor
    time than the operator under test.
    """

    cluster: Cluster
    namespace: str
    engines: EngineFleet
    name: str = "llama-8b"

    def apply(self, *changes: Mapping[str, Any], name: str = "") -> None:
        """Apply the smallest manifest with ``changes`` of its spec."""
        self.kubectl("apply", "-f", "-", stdin=json.dumps(manifest(*changes, name=name or self.name)))

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """kubectl in the namespace."""
        return self.cluster.kubectl("-n", self.namespace, *arguments, stdin=stdin)

    def get(self, name: str = "") -> Object:
        """The ElasticServing."""
        return self._read(f"{OURS}/namespaces/{self.namespace}/{labels.PLURAL}/{name or self.name}")

    def status(self, name: str = "") -> Object:
        """Its status, empty before the first."""
        status: Object = self.get(name).get("status") or {}
        return status

    def pods(self, name: str = "") -> list[Object]:
        """Its pods by name, terminating ones too."""
        return self._list("/api/v1", "pods", f"{labels.SERVING}={name or self.name}")

    def service(self, name: str = "") -> Object:
        """The Service its callers use."""
        return self._read(f"/api/v1/namespaces/{self.namespace}/services/{name or self.name}")

    def endpoints(self, name: str = "") -> set[str]:
        """Addresses of the Service's ready endpoints: where its callers' requests go."""
        service = f"kubernetes.io/service-name={name or self.name}"
        slices = self._list("/apis/discovery.k8s.io/v1", "endpointslices", service)
        return {
            address
            for found in slices
            for endpoint in found.get("endpoints") or ()
            if endpoint["conditions"].get("ready", True)
            for address in endpoint["addresses"]
        }

    def events(self, reason: str = "", name: str = "") -> list[Object]:
        """Events about it that the operator wrote, oldest first, those of one reason if it is given."""
        return sorted(
            (
                event
                for event in self._list("/api/v1", "events")
                if _reporter(event) == labels.FIELD_MANAGER
                and event["involvedObject"]["name"] == (name or self.name)
                and reason in ("", event["reason"])
            ),
            key=lambda event: str(event["metadata"]["creationTimestamp"]),
        )

    def messages(self, reason: str, name: str = "") -> list[str]:
        """What the events of one reason say."""
        return [str(event["message"]) for event in self.events(reason, name)]

    def condition(self, kind: str, name: str = "") -> Object:
        """One condition of the status; AssertionError where it is not there yet."""
        return condition_of(self.status(name), kind)

    def load(self, running: float, waiting: float = 0, *, name: str = "", replica: int = 0) -> None:
        """Let one replica's engine show this load."""
        self.engines.pin(self.namespace, self.pod_name(replica, name), running=running, waiting=waiting)

    def fault(self, fault: str, *, name: str = "", replica: int = 0) -> None:
        """Let one replica's engine do this wrong; ``crash`` and ``exit`` end it with code 1 and 0."""
        self.engines.fault(self.namespace, self.pod_name(replica, name), fault)

    def running(self, name: str = "") -> list[dict[str, Any]]:
        """Its engines, with the truth about their requests."""
        engines = self.engines.engines(self.namespace)
        return [engine for engine in engines if engine["serving"] == (name or self.name)]

    def leftovers(self, name: str = "") -> list[str]:
        """Everything that would not be there without it, as ``kind/name``: itself, what it owns, what they lead to."""
        called = name or self.name
        kinds = f"{labels.PLURAL},{labels.MEMORY_PLURAL},pods,services,endpointslices,networkpolicies"
        found = self.kubectl("get", kinds, "--output=name").split()
        return [one for one in found if one.partition("/")[2].startswith(called)]

    def pod_name(self, replica: int, name: str = "") -> str:
        """Name of the replica's leader."""
        return f"{name or self.name}-{replica}-0"

    async def serving(self, replicas: int, name: str = "", *, timeout: float = 60.0) -> Object:  # noqa: ASYNC109  # passed on to eventually
        """The status, once exactly ``replicas`` are desired and serve."""

        def there() -> Object:
            status = self.status(name)
            numbers = (status.get("desiredReplicas"), status.get("servingReplicas"))
            assert numbers == (replicas, replicas), f"desired, serving: {numbers}; {status.get('summary')}"
            return status

        return await self.eventually(there, timeout=timeout)

    async def until(self, true: Callable[[Object], object], name: str = "", *, timeout: float = 60.0) -> Object:  # noqa: ASYNC109  # passed on to eventually
        """The status, once ``true`` holds of it; an AssertionError or a missing field inside it means "not yet"."""

        def there() -> Object:
            status = self.status(name)
            try:
                held = true(status)
            except (KeyError, IndexError) as missing:
                raise AssertionError(f"nothing at {missing} yet: {json.dumps(status, indent=1)[:3000]}") from missing
            assert held, f"not yet: {json.dumps(status, indent=1)[:3000]}"
            return status

        return await self.eventually(there, timeout=timeout)

    async def rested(self, replicas: int, name: str = "", *, timeout: float = 60.0) -> Object:  # noqa: ASYNC109  # passed on to eventually
        """The status, once exactly ``replicas`` serve under the present spec and nothing is on its way any more."""

        def there() -> Object:
            found = self.get(name)
            status = found.get("status") or {}
            assert status.get("observedGeneration") == found["metadata"]["generation"]
            assert status.get("servingReplicas") == replicas, status.get("summary")
            assert condition_of(status, "Progressing")["status"] == "False", status.get("summary")
            assert len(self.pods(name)) == replicas
            return status

        return await self.eventually(there, timeout=timeout)

    async def eventually(self, condition: Callable[[], T | None], *, timeout: float = 60.0) -> T:  # noqa: ASYNC109  # passed on
        """What ``condition`` returns once it is true; it runs in a thread, so that traffic of the test goes on."""
        return await eventually(lambda: asyncio.to_thread(condition), timeout)

    def remove(self, name: str = "") -> None:
        """Delete it and its pods at once, without a drain, and let its engines show the truth again. Gone is fine."""
        called = name or self.name
        self.kubectl("delete", f"es/{called}", "--ignore-not-found")
        self.kubectl(
            "delete", "pods", "-l", f"{labels.SERVING}={called}", "--force", "--grace-period=0", "--wait=false"
        )
        for replica in range(8):
            self.engines.unpin(self.namespace, self.pod_name(replica, called))

    def close(self) -> None:
        """Close the client's connections."""
        self._api.close()  # type: ignore[no-untyped-call]  # it has no types

    def _list(self, group: str, plural: str, selector: str = "") -> list[Object]:
        path = f"{group}/namespaces/{self.namespace}/{plural}?{urlencode({'labelSelector': selector})}"
        return sorted(self._read(path)["items"], key=lambda item: str(item["metadata"]["name"]))

    def _read(self, path: str) -> Object:
        """What is at ``path``; AssertionError, which is "not yet" to who waits, where there is nothing."""
        answer = self._api.call_api(
            "GET", self._api.configuration.host + path,
            header_params={"Accept": "application/json"}, _request_timeout=REQUEST_TIMEOUT_SECONDS,
        )  # fmt: skip
        body = answer.read()  # type: ignore[no-untyped-call]  # it has no types
        assert answer.status == 200, f"{path}: {answer.status} {body[:300]!r}"
        read: Object = json.loads(body)
        return read

    @cached_property
    def _api(self) -> sync_client.ApiClient:
        path = str(self.cluster.kubeconfig)
        api: sync_client.ApiClient = sync_config.new_client_from_config(config_file=path, persist_config=False)  # type: ignore[no-untyped-call]  # its kubeconfig module has no types
        return api


def condition_of(status: Mapping[str, Any], kind: str) -> Object:
    """One condition of ``status``; AssertionError where it is not there yet."""
    found = [c for c in status.get("conditions", ()) if c["type"] == kind]
    assert found, f"no condition {kind} yet"
    condition: Object = found[0]
    return condition


def _reporter(event: Object) -> str:
    return str(event.get("reportingComponent") or (event.get("source") or {}).get("component") or "")
