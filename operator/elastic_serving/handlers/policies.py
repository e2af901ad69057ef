"""The NetworkPolicies of an operator that made them, taken back by one that makes none."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

import structlog

from elastic_serving.act.services import NETWORK_POLICIES
from elastic_serving.api import labels
from elastic_serving.errors import ElasticServingError, Forbidden, NotFound
from elastic_serving.handlers.shell import OURS
from elastic_serving.kube.api import KubeApi, Object, Preconditions

log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 60.0
"""Before a namespace whose policies could not be taken back is tried again: as often as everything is listed."""


async def remove_policies(api: KubeApi, namespaces: Sequence[str]) -> None:
    """Delete once every policy that a serving of ours owns in ``namespaces`` (none: all); ends when that is done.

    The switch is a setting, so it only changes with a restart. One without our owner reference is somebody else's.
    A namespace that is refused is left alone: an older chart did not grant the two rights.
    """
    left: list[str | None] = list(namespaces) or [None]
    while left:
        for namespace in tuple(left):
            try:
                await _remove(api, namespace)
            except Forbidden as error:
                log.warning("network policies not taken back", namespace=namespace, reason=str(error))
            except ElasticServingError as error:
                log.info("network policies not taken back yet", namespace=namespace, reason=str(error))
                continue
            left.remove(namespace)
        if left:
            await asyncio.sleep(PAUSE_SECONDS)


async def _remove(api: KubeApi, namespace: str | None) -> None:
    for policy in await api.list(NETWORK_POLICIES, namespace, label_selector=OURS):
        metadata = policy["metadata"]
        if not any(map(_is_a_serving, metadata.get("ownerReferences") or ())):
            continue
        seen = Preconditions(metadata["uid"], metadata["resourceVersion"])
        with contextlib.suppress(NotFound):
            await api.delete(NETWORK_POLICIES, metadata["namespace"], metadata["name"], preconditions=seen)
        log.info("network policy taken back", namespace=metadata["namespace"], name=metadata["name"])


def _is_a_serving(owner: Object) -> bool:
    group, _, _ = str(owner.get("apiVersion")).partition("/")
    return (group, owner.get("kind"), owner.get("controller")) == (labels.GROUP, labels.KIND, True)
