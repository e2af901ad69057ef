"""``KubeApi`` over ``kubernetes.aio``: raw JSON in and out, a timeout on every call, no retry.

Connections, TLS, credentials and their refresh are the library's; typed models are not used (a thousand pods parse in
half the time as plain dictionaries). Callers that want another attempt look again first: that is the reconciler's.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration

from elastic_serving.errors import Transient
from elastic_serving.kube.api import Object, Preconditions, Resource
from elastic_serving.kube.refusals import PageExpired, error_for

PAGE_SIZE: Final = 500
"""Objects a list asks for at once: the API server's own chunk size in kubectl."""
LIST_ATTEMPTS: Final = 3
"""A page token lives about 5 minutes on the server; a list that expires thrice has a server that compacts too fast."""

Objects: TypeAlias = list[Object]

JSON_PATCH: Final = "application/json-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"


class KubeClient:
    """The API server that ``configuration`` names; close it, or use it as an asynchronous context manager.

    ``requests`` counts every HTTP request that left, by verb (get, list, create, patch, apply, delete) and plural.
    """

    def __init__(
        self, configuration: Configuration, *, field_manager: str, timeout_seconds: float = 10.0, user_agent: str = ""
    ) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self._api = ApiClient(configuration)
        self._api.user_agent = user_agent or field_manager
        self._field_manager = field_manager
        self._timeout_seconds = timeout_seconds

    async def __aenter__(self) -> "KubeClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._api.close()  # type: ignore[no-untyped-call]  # generated without annotations

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        return await self._call("GET", "get", resource, _path(resource, namespace, name))

    async def list(
        self, resource: Resource, namespace: str | None = None, *, label_selector: str = ""
    ) -> Sequence[Object]:
        """All objects as one consistent list, without managedFields.

        Every page is served from the revision of the first one; where that revision has gone (410) the list starts
        again. Items carry no kind and apiVersion of their own, as the API server sends them.
        """
        for _ in range(LIST_ATTEMPTS):
            try:
                return await self._pages(resource, namespace, label_selector)
            except PageExpired:
                continue
        raise Transient(f"{resource.plural} changed too fast to be listed: every page token expired before its use")

    async def _pages(self, resource: Resource, namespace: str | None, label_selector: str) -> Objects:
        items: Objects = []
        token = ""
        while True:
            query = {"limit": str(PAGE_SIZE), "labelSelector": label_selector, "continue": token}
            page = await self._call("GET", "list", resource, _path(resource, namespace), query)
            for item in page.get("items") or ():
                item.get("metadata", {}).pop("managedFields", None)
                items.append(item)
            token = page.get("metadata", {}).get("continue") or ""
            if not token:
                return items

    async def create(
        self, resource: Resource, namespace: str | None, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> Object:
        query = {"fieldManager": self._field_manager, "dryRun": "All" if dry_run else ""}
        return await self._call("POST", "create", resource, _path(resource, namespace), query, dict(body))

    async def json_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        subresource: str = "",
    ) -> Object:
        path = _path(resource, namespace, name, subresource)
        query = {"fieldManager": self._field_manager}
        body = [dict(operation) for operation in operations]
        return await self._call("PATCH", "patch", resource, path, query, body, content_type=JSON_PATCH)

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
        path = _path(resource, namespace, name, subresource)
        query = {"fieldManager": self._field_manager, "force": "true" if force else "false"}
        return await self._call("PATCH", "apply", resource, path, query, dict(body), content_type=APPLY_PATCH)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        preconditions: Preconditions | None = None,
        grace_period_seconds: int | None = None,
    ) -> None:
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if preconditions is not None:
            options["preconditions"] = {"uid": preconditions.uid}
            if preconditions.resource_version is not None:
                options["preconditions"]["resourceVersion"] = preconditions.resource_version
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        await self._call("DELETE", "delete", resource, _path(resource, namespace, name), None, options)

    async def _call(
        self,
        method: str,
        verb: str,
        resource: Resource,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Object | Objects | None = None,
        *,
        content_type: str = "application/json",
    ) -> Object:
        """The answer's JSON object, or the error of ``elastic_serving.errors`` it stands for."""
        what = f"{verb} {path}"
        self.requests[verb, resource.plural] += 1
        try:
            async with asyncio.timeout(self._timeout_seconds):
                method, url, headers, sent, _ = await self._api.param_serialize(
                    method,
                    path,
                    query_params=[(key, value) for key, value in (query or {}).items() if value],
                    header_params={"Accept": "application/json", "Content-Type": content_type},
                    body=body,
                    auth_settings=["BearerToken"],
                )
                response = await self._api.call_api(method, url, headers, sent, _request_timeout=self._timeout_seconds)
                status, raw = response.status, await response.read()  # type: ignore[no-untyped-call]  # generated without
        except TimeoutError as error:
            raise Transient(f"{what}: the API server did not answer within {self._timeout_seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Transient(f"{what}: the API server is unreachable: {error}") from error
        try:
            answer = json.loads(raw)
        except ValueError:
            answer = None
        if status >= 400:
            raise error_for(status, answer, what)
        if not isinstance(answer, dict):
            raise Transient(f"{what}: the answer (HTTP {status}) is not a JSON object")
        return answer


def _path(resource: Resource, namespace: str | None, name: str = "", subresource: str = "") -> str:
    """URL path of a collection (no name), an object, or one of its subresources."""
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    scope = f"/namespaces/{quote(namespace, safe='')}" if resource.namespaced and namespace else ""
    tail = "".join(f"/{quote(part, safe='')}" for part in (name, subresource) if part)
    return f"{root}{scope}/{resource.plural}{tail}"
