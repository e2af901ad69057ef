"""kopf's streams into our caches: level-triggered ``on.event`` handlers that keep no state and patch nothing."""

from collections.abc import Callable
from typing import Any

import kopf

from elastic_serving.api import labels
from elastic_serving.kube.api import Object, Resource

Heard = Callable[[Resource, str | None, Object], None]
"""Called with the kind, kopf's event type (None in the first list, else ADDED, MODIFIED or DELETED) and the object."""

SERVINGS = Resource(labels.GROUP, labels.VERSION, labels.PLURAL)
MEMORIES = Resource(labels.GROUP, labels.VERSION, labels.MEMORY_PLURAL)
PODS = Resource("", "v1", "pods")
SERVICES = Resource("", "v1", "services")

OURS = f"{labels.MANAGED_BY}={labels.MANAGED_BY_VALUE}"
"""Label selector of the objects we make: the API server filters, our memory holds only these."""


def settings_of(request_timeout_seconds: float) -> kopf.OperatorSettings:
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
    settings.watching.label_selectors["pods"] = OURS
    settings.watching.label_selectors["services"] = OURS
    settings.persistence.finalizer = f"{labels.GROUP}/kopf"
    settings.process.ultimate_exiting_timeout = None
    return settings


def registry_of(heard: Heard, login: Callable[[], kopf.ConnectionInfo]) -> kopf.OperatorRegistry:
    """A registry that passes every event of servings, pods and Services to ``heard``."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def _login(**_: Any) -> kopf.ConnectionInfo:
        return login()

    for resource in (SERVINGS, PODS, SERVICES):
        _pass_on(registry, resource, heard)
    return registry


def _pass_on(registry: kopf.OperatorRegistry, resource: Resource, heard: Heard) -> None:
    address = (resource.group, resource.version, resource.plural)

    @kopf.on.event(*address, registry=registry, id=f"cache-{resource.plural}")
    async def _event(event: Any, **_: Any) -> None:
        heard(resource, event["type"], dict(event["object"]))
