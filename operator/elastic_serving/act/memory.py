"""What a serving must remember between two decisions, in its ServingMemory object: one JSON text, exact both ways."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from elastic_serving.act.manifests import is_ours, owner_reference
from elastic_serving.api import labels
from elastic_serving.api.models import ElasticServing
from elastic_serving.errors import NotFound
from elastic_serving.kube.api import KubeApi, Object, Resource
from elastic_serving.scaling.memory import Memory, from_dict, to_dict
from elastic_serving.scaling.model import Decision, Failure

MEMORIES: Final = Resource(labels.GROUP, labels.VERSION, labels.MEMORY_PLURAL)
STATE_VERSION: Final = 1
_FAILURE: Final = TypeAdapter(Failure)
_DECISION: Final[TypeAdapter[Decision | None]] = TypeAdapter(Decision | None)


@dataclass(frozen=True, slots=True)
class Remembered:
    """The memory of the last decision (None before the first) and the replicas that failed lately.

    ``last_change`` is the last decision that changed desired: it is told after it was acted upon, so who dies in
    between leaves it to the next one to tell.
    """

    memory: Memory | None = None
    failures: tuple[Failure, ...] = ()
    last_change: Decision | None = None


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
        return Loaded(decoded(str(found.get("state") or "")))
    except ValueError as error:
        return Loaded(Remembered(), f"the saved memory cannot be read ({error}); the present replicas seed a new one")


async def save(api: KubeApi, serving: ElasticServing, remembered: Remembered) -> None:
    """Write it under the serving's name, owned by it. Raises what the API raises: then nothing may be acted upon."""
    await api.apply(MEMORIES, serving.metadata.namespace, serving.metadata.name, _object(serving, remembered))


def encoded(remembered: Remembered) -> str:
    """The state as it is stored."""
    memory = None if remembered.memory is None else to_dict(remembered.memory)
    rows = [asdict(failure) for failure in remembered.failures]
    change = _DECISION.dump_python(remembered.last_change, mode="json", exclude_defaults=True)
    state = {"version": STATE_VERSION, "memory": memory, "failures": rows, "change": change}
    return json.dumps(state, separators=(",", ":"))


def decoded(state: str) -> Remembered:
    """What ``encoded`` wrote. Raises ValueError where it is of another version or no memory at all."""
    saved: Any = json.loads(state)
    if not isinstance(saved, dict) or saved.get("version") != STATE_VERSION:
        raise ValueError(f"its version is not {STATE_VERSION}")
    memory = None if saved["memory"] is None else from_dict(saved["memory"])
    return Remembered(memory, _failures(saved["failures"]), _change(saved.get("change")))


def _change(plain: Any) -> Decision | None:
    """The decision, or None where it is not one of ours: it only explains, so nothing is lost with it but its words."""
    try:
        return _DECISION.validate_python(plain)
    except ValidationError:
        return None


def _failures(rows: Sequence[Any]) -> tuple[Failure, ...]:
    """The rows that are ours; one of another release loses itself, never the memory beside it."""
    found = []
    for row in rows:
        with contextlib.suppress(ValidationError):
            found.append(_FAILURE.validate_python(row))
    return tuple(found)


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
