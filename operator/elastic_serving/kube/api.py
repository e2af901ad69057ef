"""The Kubernetes API as this project uses it: six verbs over plain dictionaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Object: TypeAlias = dict[str, Any]
"""One Kubernetes object as JSON: the edge where Any is legal."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Address of a kind: ``Resource("", "v1", "pods")``, ``Resource("apps", "v1", "deployments")``."""

    group: str
    version: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """``v1`` or ``group/version``."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What must still be true for a delete: the very object, and unchanged."""

    uid: str
    resource_version: str | None = None


class KubeApi(Protocol):
    """Each call has a timeout and raises only from ``elastic_serving.errors``.

    404 is NotFound, 409 on create is AlreadyExists, any other 409 and a failed JSON patch ``test`` is Conflict, 403 is
    Forbidden (QuotaExceeded where a ResourceQuota says so), 422 and 400 are InvalidSpec with the server's own
    sentence, timeouts, cut connections, 429 and 5xx are Transient.
    """

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object: ...

    async def list(
        self, resource: Resource, namespace: str | None = None, *, label_selector: str = ""
    ) -> Sequence[Object]:
        """All objects (every page), without their managedFields; ``namespace`` None lists the whole cluster."""
        ...

    async def create(
        self, resource: Resource, namespace: str | None, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> Object: ...

    async def json_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        subresource: str = "",
    ) -> Object: ...

    async def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        subresource: str = "",
        force: bool = True,
    ) -> Object:
        """Server-side apply under our one field manager."""
        ...

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        preconditions: Preconditions | None = None,
        grace_period_seconds: int | None = None,
    ) -> None:
        """Returns when the API server took the deletion; NotFound is raised, and means success to most callers."""
        ...
