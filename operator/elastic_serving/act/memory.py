"""What a serving must remember between two decisions, in its ServingMemory object: one JSON text, exact both ways."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from elastic_serving.act.manifests import is_ours, owner_reference
from elastic_serving.api import labels
from elastic_serving.api.models import ElasticServing
from elastic_serving.errors import NotFound
from elastic_serving.kube.api import KubeApi, Object, Resource
from elastic_serving.scaling.memory import Memory, from_dict, to_dict
from elastic_serving.scaling.model import Failure

MEMORIES: Final = Resource(labels.GROUP, labels.VERSION, labels.MEMORY_PLURAL)
STATE_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Remembered:
    """The memory of the last decision (None before the first) and the replicas that failed lately."""

    memory: Memory | None = None
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found. ``problem`` is a sentence where something stood there that cannot be used, else empty."""

    remembered: Remembered
    problem: str = ""


async def load(api: KubeApi, serving: ElasticServing) -> Loaded:
    """What was saved for this very serving; nothing where there is none, or only its namesake's.

    Raises Transient and Forbidden: whoever does not know whether there is a memory must not decide.
    """
    try:
        found = await api.get(MEMORIES, serving.metadata.namespace, serving.metadata.name)
    except NotFound:
        return Loaded(Remembered())
    if not is_ours(found["metadata"], serving.metadata.uid):
        return Loaded(Remembered())
    try:
        return Loaded(_decoded(str(found.get("state") or "")))
    except ValueError as error:
        return Loaded(Remembered(), f"the saved memory cannot be read ({error}); the present replicas seed a new one")


async def save(api: KubeApi, serving: ElasticServing, remembered: Remembered) -> None:
    """Write it under the serving's name, owned by it. Raises what the API raises: then nothing may be acted upon."""
    await api.apply(MEMORIES, serving.metadata.namespace, serving.metadata.name, _object(serving, remembered))


def encoded(remembered: Remembered) -> str:
    """The state as it is stored."""
    memory = None if remembered.memory is None else to_dict(remembered.memory)
    rows = [asdict(failure) for failure in remembered.failures]
    return json.dumps({"version": STATE_VERSION, "memory": memory, "failures": rows}, separators=(",", ":"))


def _decoded(state: str) -> Remembered:
    saved: Any = json.loads(state)
    if not isinstance(saved, dict) or saved.get("version") != STATE_VERSION:
        raise ValueError(f"its version is not {STATE_VERSION}")
    return Remembered(None if saved["memory"] is None else from_dict(saved["memory"]), _failures(saved["failures"]))


def _failures(rows: Sequence[Any]) -> tuple[Failure, ...]:
    try:
        return tuple(Failure(**row) for row in rows)
    except TypeError as error:
        raise ValueError(f"failures: {error}") from error


def _object(serving: ElasticServing, remembered: Remembered) -> Object:
    return {
        "apiVersion": MEMORIES.api_version,
        "kind": labels.MEMORY_KIND,
        "metadata": {
            "name": serving.metadata.name,
            "namespace": serving.metadata.namespace,
            "labels": {labels.MANAGED_BY: labels.MANAGED_BY_VALUE},
            "ownerReferences": [owner_reference(serving)],
        },
        "state": encoded(remembered),
    }
