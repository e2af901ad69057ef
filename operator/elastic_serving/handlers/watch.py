"""kopf's streams into our caches: level-triggered ``on.event`` handlers that keep no state and patch nothing."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import kopf
from kubernetes.aio.client import Configuration

from elastic_serving.api import labels
from elastic_serving.handlers.shell import OURS, UNLABELLED
from elastic_serving.kube.api import Object, Resource

Heard = Callable[[Resource, str | None, Object], None]
"""Called with the kind, kopf's event type (None in the first list, else ADDED, MODIFIED or DELETED) and the object."""


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
