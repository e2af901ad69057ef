"""kopf's streams into our caches: level-triggered ``on.event`` handlers that keep no state and patch nothing."""

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

import kopf
from kubernetes.aio.client import Configuration

from elastic_serving.api import labels
from elastic_serving.handlers.shell import OURS, UNLABELLED
from elastic_serving.kube.api import Object, Resource

Heard = Callable[[Resource, str | None, Object], None]
"""Called with the kind, kopf's event type (None in the first list, else ADDED, MODIFIED or DELETED) and the object."""

STOP_SECONDS: Final = 2.0
"""What kopf gets to close its connections; it only reads, so nothing is lost where that is too short."""

logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)  # it warns that it leaves our signals alone


async def watch(
    kinds: Sequence[Resource],
    heard: Heard,
    configuration: Configuration,
    *,
    namespaces: Sequence[str],
    request_timeout_seconds: float,
) -> None:
    """kopf's watches of ``kinds`` until cancelled; raises what ended them. ``heard`` is called in our event loop.

    kopf has a thread and an event loop of its own: where it ends, it cancels every task of its loop that is younger
    than itself, ours included, and it takes SIGTERM for itself (kopf _core/reactor/running.py, run_tasks and
    spawn_tasks, 1.45).
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    stops: list[Callable[[], None]] = []

    def pass_on(resource: Resource, kind: str | None, obj: Object) -> None:
        _tell(loop, heard, resource, kind, obj)

    def login() -> Awaitable[kopf.ConnectionInfo]:
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(connection_of(configuration), loop))

    def finish(error: Exception) -> None:
        if not ended.done():
            ended.set_exception(error)

    async def operate() -> None:
        stop = asyncio.Event()
        stops.append(functools.partial(_tell, asyncio.get_running_loop(), stop.set))
        await kopf.operator(
            registry=registry_of(kinds, pass_on, login),
            settings=settings_of(kinds, request_timeout_seconds),
            standalone=True,
            clusterwide=not namespaces,
            namespaces=namespaces,
            stop_flag=stop,
        )
        raise RuntimeError("kopf ended by itself")

    def run() -> None:
        try:
            asyncio.run(operate())
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the watches and is raised in our loop
            _tell(loop, finish, error)

    threading.Thread(target=run, name="watch", daemon=True).start()
    try:
        await asyncio.shield(ended)
    finally:
        for stop in stops:
            stop()
        await asyncio.wait({ended}, timeout=STOP_SECONDS)
        ended.cancel()


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: object) -> None:
    """Call ``callback`` in ``loop``; nobody is told any more once that is closed."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback, *arguments)


def settings_of(kinds: Iterable[Resource], request_timeout_seconds: float) -> kopf.OperatorSettings:
    """kopf's settings: narrow watches, bounded calls, nothing posted, nothing of kopf's own on any object."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.watching.chunk_size = 500
    settings.watching.server_timeout = 600
    settings.watching.connect_timeout = request_timeout_seconds
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = request_timeout_seconds
    for resource in kinds:
        if resource not in UNLABELLED:
            settings.watching.label_selectors[resource.plural] = OURS
    settings.persistence.finalizer = f"{labels.GROUP}/kopf"
    settings.process.ultimate_exiting_timeout = None
    return settings


def registry_of(
    kinds: Iterable[Resource], heard: Heard, login: Callable[[], Awaitable[kopf.ConnectionInfo]]
) -> kopf.OperatorRegistry:
    """A registry that passes every event of ``kinds`` to ``heard``."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def _login(**_: Any) -> kopf.ConnectionInfo:
        return await login()

    for resource in kinds:
        _pass_on(registry, resource, heard)
    return registry


async def connection_of(configuration: Configuration) -> kopf.ConnectionInfo:
    """The API server of ``configuration`` for kopf, with credentials as fresh as the configuration keeps them."""
    header = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    scheme, _, token = (header or "").rpartition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
    )


def _pass_on(registry: kopf.OperatorRegistry, resource: Resource, heard: Heard) -> None:
    address = (resource.group, resource.version, resource.plural)

    @kopf.on.event(*address, registry=registry, id=f"cache-{resource.plural}")
    async def _event(event: Any, **_: Any) -> None:
        heard(resource, event["type"], dict(event["object"]))
