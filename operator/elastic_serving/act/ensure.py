"""Keeping the objects beside the pods as they should be, with no write while they are."""

from collections.abc import Mapping, Sequence

from elastic_serving.act.manifests import is_ours
from elastic_serving.act.services import NETWORK_POLICIES, SERVICES, is_applied, network_policy_of, services_of
from elastic_serving.api.models import ElasticServing
from elastic_serving.errors import ElasticServingError, NotFound
from elastic_serving.kube.api import KubeApi, Object, Resource

Key = tuple[str, str]
"""Plural and name: ``("services", "llama-8b-hosts")``."""


def wanted_of(serving: ElasticServing, allowed_namespaces: Sequence[str] | None) -> Sequence[tuple[Resource, Object]]:
    """Every object beside the pods; the NetworkPolicy only where ``allowed_namespaces`` is given (empty counts)."""
    objects: list[tuple[Resource, Object]] = [(SERVICES, service) for service in services_of(serving)]
    if allowed_namespaces is not None:
        objects.append((NETWORK_POLICIES, network_policy_of(serving, allowed_namespaces)))
    return objects


async def ensure(
    api: KubeApi,
    serving: ElasticServing,
    present: Mapping[Key, Object],
    *,
    allowed_namespaces: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """Applies what is missing or differs in ``present`` (the cache) and returns what stood in the way, a sentence each.

    An object of that name that is not ours is left alone. Server-side apply under our field manager, so what others
    added stays.
    """
    troubles: list[str] = []
    for resource, wanted in wanted_of(serving, allowed_namespaces):
        name = wanted["metadata"]["name"]
        try:
            live = present.get((resource.plural, name)) or await _present(api, resource, serving, name)
            if live is not None and not is_ours(live["metadata"], serving.metadata.uid):
                owner = serving.metadata.name
                troubles.append(f"{wanted['kind']} {name} exists and is not owned by {owner}: left alone")
            elif live is None or not is_applied(wanted, {**wanted, **live}):
                await api.apply(resource, serving.metadata.namespace, name, wanted)
        except ElasticServingError as error:
            troubles.append(f"{wanted['kind']} {name}: {error}")
    return tuple(troubles)


async def _present(api: KubeApi, resource: Resource, serving: ElasticServing, name: str) -> Object | None:
    """What has that name: the cache knows only objects with our label, and apply would take any over."""
    try:
        return await api.get(resource, serving.metadata.namespace, name)
    except NotFound:
        return None
