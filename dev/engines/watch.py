"""Lists and watches of the API server as one endless stream that survives cuts, for the fleet and the traffic."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiohttp
import stamina
from aiohttp import ClientResponse
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, ApiException

Object: TypeAlias = dict[str, Any]

REQUEST_SECONDS: Final = 20.0
_WATCH_SECONDS: Final = 60
"""The server ends a watch after this long and a full list follows, so a lost event is repaired within a minute."""
_LOST: Final = (aiohttp.ClientError, TimeoutError, ConnectionError)


@dataclass(frozen=True, slots=True)
class Listed:
    """Everything there is: whoever is not in it is gone."""

    objects: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """One object was added or modified."""

    object: Object


@dataclass(frozen=True, slots=True)
class Gone:
    """One object was deleted; this is its last state."""

    object: Object


Event: TypeAlias = Listed | Changed | Gone


async def open_client(kubeconfig: Path) -> ApiClient:
    """A client of the cluster that the file names; nothing is read from or written to anywhere else."""
    client: ApiClient = await config.new_client_from_config(config_file=str(kubeconfig), persist_config=False)  # type: ignore[no-untyped-call]  # the library has no annotation here
    return client


def is_transient(error: Exception) -> bool:
    """The same call may succeed soon: connection trouble, 429, 5xx."""
    if isinstance(error, ApiException):
        status: int | None = error.status
        return status is None or status == 429 or status >= 500
    return isinstance(error, _LOST)


async def read_json(response: ClientResponse) -> Object:
    """The body of a raw answer; ApiException with the server's words where it is not a success."""
    async with response:
        text = await response.text()
        if response.status >= 400:
            raise ApiException(status=response.status, reason=text[:500])
        body: Object = json.loads(text)
        return body


async def follow(request: Callable[..., Awaitable[ClientResponse]], *args: str, **kwargs: str) -> AsyncIterator[Event]:
    """A full list, then changes, again and again until cancelled. ``request`` is a list_…_without_preload_content."""
    while True:
        version = ""
        async for attempt in stamina.retry_context(on=is_transient, attempts=None, timeout=None):
            with attempt:
                listed = await read_json(await request(*args, **kwargs, _request_timeout=REQUEST_SECONDS))
        version = listed["metadata"]["resourceVersion"]
        yield Listed(tuple(listed["items"]))
        try:
            async for event in _watch(request, *args, **kwargs, resource_version=version):
                yield event
        except Exception as error:
            # A cut or an expired version: list again. The list itself waits with backoff while the server is away.
            if not is_transient(error) and not (isinstance(error, ApiException) and error.status == 410):
                raise


async def _watch(request: Callable[..., Awaitable[ClientResponse]], *args: str, **kwargs: str) -> AsyncIterator[Event]:
    """The changes of one watch request."""
    response = await request(
        *args, **kwargs, watch=True, timeout_seconds=_WATCH_SECONDS, _request_timeout=_WATCH_SECONDS + REQUEST_SECONDS
    )
    async with response:
        if response.status >= 400:
            raise ApiException(status=response.status, reason=(await response.text())[:500])
        while line := await response.content.readline():
            event = json.loads(line)
            match event["type"]:
                case "ADDED" | "MODIFIED":
                    yield Changed(event["object"])
                case "DELETED":
                    yield Gone(event["object"])
                case "ERROR":
                    raise ApiException(status=event["object"].get("code"), reason=event["object"].get("message"))
            # json and dispatch of a burst of events must not starve the engines on the same loop
            await asyncio.sleep(0)
