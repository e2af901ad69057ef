"""The API client with its writes counted by verb, resource and result."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from prometheus_client import Counter

from elastic_serving.errors import ElasticServingError
from elastic_serving.kube.api import KubeApi, Object, Preconditions, Resource

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CountedApi:
    """``KubeApi`` that passes every call on to ``api``; ``writes`` has the labels verb, resource and result.

    The result is ``ok`` or the error's class; dry runs count as writes of verb ``dry-run``.
    """

    api: KubeApi
    writes: Counter

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        return await self.api.get(resource, namespace, name)

    async def list(
        self, resource: Resource, namespace: str | None = None, *, label_selector: str = ""
    ) -> Sequence[Object]:
        return await self.api.list(resource, namespace, label_selector=label_selector)

    async def create(
        self, resource: Resource, namespace: str | None, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> Object:
        verb = "dry-run" if dry_run else "create"
        return await self._counted(verb, resource, self.api.create(resource, namespace, body, dry_run=dry_run))

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
        return await self._counted("patch", resource, call, subresource)

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
        return await self._counted("apply", resource, call, subresource)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        preconditions: Preconditions | None = None,
        grace_period_seconds: int | None = None,
    ) -> None:
        call = self.api.delete(
            resource, namespace, name, preconditions=preconditions, grace_period_seconds=grace_period_seconds
        )
        await self._counted("delete", resource, call)

    async def _counted(self, verb: str, resource: Resource, call: Awaitable[T], subresource: str = "") -> T:
        plural = f"{resource.plural}/{subresource}" if subresource else resource.plural
        try:
            answer = await call
        except ElasticServingError as error:
            self.writes.labels(verb, plural, type(error).__name__).inc()
            raise
        self.writes.labels(verb, plural, "ok").inc()
        return answer
