"""ElasticServings as a user handles them: apply, look, wait; and their engines' load."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dev.cluster.handle import Cluster
from dev.engines.launch import EngineFleet
from elastic_serving.api import labels
from elastic_serving.kube.api import Object
from tests.support.cluster import eventually
from tests.support.manifests import manifest


@dataclass(frozen=True, slots=True)
class Servings:
    """kubectl in one namespace, with conditions to await. Names default to ``llama-8b``."""

    cluster: Cluster
    namespace: str
    engines: EngineFleet

    def apply(self, *changes: Mapping[str, Any], name: str = "llama-8b") -> None:
        """Apply the smallest manifest with ``changes`` of its spec."""
        self.kubectl("apply", "-f", "-", stdin=json.dumps(manifest(*changes, name=name)))

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """kubectl in the namespace."""
        return self.cluster.kubectl("-n", self.namespace, *arguments, stdin=stdin)

    def get(self, name: str = "llama-8b") -> Object:
        """The ElasticServing."""
        return self._json("get", f"es/{name}")

    def status(self, name: str = "llama-8b") -> Object:
        """Its status, empty before the first."""
        status: Object = self.get(name).get("status") or {}
        return status

    def pods(self, name: str = "llama-8b") -> list[Object]:
        """Its pods by name, terminating ones too."""
        listed: list[Object] = self._json("get", "pods", "-l", f"{labels.SERVING}={name}")["items"]
        return listed

    def events(self, reason: str = "") -> list[Object]:
        """Events of the namespace that the operator wrote, oldest first, those of one reason if it is given."""
        listed: list[Object] = self._json("get", "events", "--sort-by=.metadata.creationTimestamp")["items"]
        return [e for e in listed if _reporter(e) == labels.FIELD_MANAGER and reason in ("", e["reason"])]

    def condition(self, kind: str, name: str = "llama-8b") -> Object:
        """One condition of the status; AssertionError where it is not there yet."""
        found = [c for c in self.status(name).get("conditions", ()) if c["type"] == kind]
        assert found, f"no condition {kind} yet"
        condition: Object = found[0]
        return condition

    def load(self, running: float, waiting: float = 0, *, name: str = "llama-8b", replica: int = 0) -> None:
        """Let one replica's engine show this load."""
        self.engines.pin(self.namespace, f"{name}-{replica}-0", running=running, waiting=waiting)

    async def serving(self, replicas: int, name: str = "llama-8b", *, timeout: float = 30.0) -> Object:  # noqa: ASYNC109  # passed on to eventually
        """The status, once exactly ``replicas`` are desired and serve."""

        def there() -> Object:
            status = self.status(name)
            numbers = (status.get("desiredReplicas"), status.get("servingReplicas"))
            assert numbers == (replicas, replicas), f"desired, serving: {numbers}; {status.get('summary')}"
            return status

        return await eventually(there, timeout)

    async def until(self, true: Callable[[Object], object], name: str = "llama-8b", *, timeout: float = 30.0) -> Object:  # noqa: ASYNC109  # passed on to eventually
        """The status, once ``true`` holds of it."""

        def there() -> Object:
            status = self.status(name)
            assert true(status), f"not yet: {json.dumps(status, indent=1)[:3000]}"
            return status

        return await eventually(there, timeout)

    def _json(self, *arguments: str) -> Object:
        parsed: Object = json.loads(self.kubectl(*arguments, "-o", "json"))
        return parsed


def _reporter(event: Object) -> str:
    return str(event.get("reportingComponent") or (event.get("source") or {}).get("component") or "")
