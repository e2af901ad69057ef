"""The API client whose answers to writes are news for the caches, before the watch brings them.

Without it a pass that follows a write within milliseconds would still see the world before it, and choose again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elastic_serving.kube.api import KubeApi, Object, Preconditions, Resource

Heard = Callable[[Resource, Object], None]


@dataclass(frozen=True, slots=True)
class EchoingApi:
    """``KubeApi`` that passes every call on to ``api`` and what it answers to a write to ``heard``."""

    api: KubeApi
    heard: Heard

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        return await self.api.get(resource, namespace, name)

    async def list(
        self, resource: Resource, namespace: str | None = None, *, label_selector: str = ""
    ) -> Sequence[Object]:
        return await self.api.list(resource, namespace, label_selector=label_selector)

    async def create(
        self, resource: Resource, namespace: str | None, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> Object:
        call = self.api.create(resource, namespace, body, dry_run=dry_run)
        return await call if dry_run else await self._echoed(resource, call)

    async def json_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        subresource: str = "",
    ) -> Object:
        call = self.api.json_patch(resource, namespace, name, operations, subresource=subresource)
        return await self._echoed(resource, call)

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
        call = self.api.apply(resource, namespace, name, body, subresource=subresource, force=force)
        return await self._echoed(resource, call)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        preconditions: Preconditions | None = None,
        grace_period_seconds: int | None = None,
    ) -> None:
        await self.api.delete(
            resource, namespace, name, preconditions=preconditions, grace_period_seconds=grace_period_seconds
        )

    async def _echoed(self, resource: Resource, call: Awaitable[Object]) -> Object:
        answer = await call
        self.heard(resource, answer)
        return answer
