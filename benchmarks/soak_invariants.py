"""What must hold: always, at rest, and of the records. Pure: pictures and texts in, sentences out."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from elastic_serving.act.manifests import is_ours
from elastic_serving.api import conditions, labels
from elastic_serving.kube.api import Object
from elastic_serving.report.observation import parse
from elastic_serving.report.replay import differences
from elastic_serving.scaling.memory import from_dict
from elastic_serving.scaling.model import Role, ScalingLimit

REASONS: Final = frozenset(value for value in vars(conditions).values() if isinstance(value, str)) | {*ScalingLimit}
"""Every reason there may be: what is not among them nobody can look up."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One look at the namespace. The kinds are listed one after the other, each list is of one moment."""

    servings: Mapping[str, Object]
    pods: tuple[Object, ...]
    memories: Mapping[str, Object]
    nodes: frozenset[str]
    """Names of the nodes there are."""


def always(picture: Picture) -> list[str]:
    """What is wrong whatever is under way: two live pods of one place, a number out of range, an unknown reason."""
    live = (pod for pod in picture.pods if not pod["metadata"].get("deletionTimestamp"))
    places = Counter(tuple(pod["metadata"]["labels"].get(key) for key in _PLACE) for pod in live)
    twice = [f"{place} has {count} live pods" for place, count in places.items() if count > 1]
    return twice + [words for serving in picture.servings.values() for words in _of_status(serving)]


def at_rest(picture: Picture, wanted: Mapping[str, int]) -> list[str]:
    """What keeps the picture from being at rest with ``wanted`` replicas of each serving; empty when it is."""
    uids = {serving["metadata"]["uid"] for serving in picture.servings.values()}
    lost = [pod for pod in picture.pods if not any(is_ours(pod["metadata"], uid) for uid in uids)]
    return [
        *(f"{pod['metadata']['name']} has no living owner" for pod in lost),
        *(words for name, count in wanted.items() for words in _of_serving(picture, name, count)),
    ]


def unknown_reasons(events: Sequence[Object]) -> list[str]:
    """Events of ours whose reason is none of api/conditions.py."""
    return sorted({f"event reason {e['reason']} is not known" for e in events if e["reason"] not in REASONS})


def replayed(lines: Sequence[str]) -> Iterator[str]:
    """One sentence for each record from which ``decide`` does not come to the decision that stands in it."""
    for number, text in enumerate(lines, start=1):
        try:
            recorded = parse(text)
            found = differences(recorded)
        except ValueError as error:
            yield f"record {number} cannot be read: {error}"
            continue
        if found:
            yield f"record {number} ({recorded.serving}) gives {'; '.join(map(str, found))}"


_PLACE: Final = (labels.SERVING, labels.REPLICA, labels.HOST)


def _of_status(serving: Object) -> Iterator[str]:
    name, status, scaling = serving["metadata"]["name"], serving.get("status") or {}, serving["spec"]["scaling"]
    for condition in status.get("conditions", ()):
        if condition["reason"] not in REASONS:
            yield f"{name}: reason {condition['reason']} of {condition['type']} is not known"
    if status.get("observedGeneration") != serving["metadata"]["generation"]:
        return
    low, desired, high = scaling["minReplicas"], status["desiredReplicas"], scaling["maxReplicas"]
    if not low <= desired <= high:
        yield f"{name}: desired {desired} is not within {low} to {high}"


def _of_serving(picture: Picture, name: str, count: int) -> Iterator[str]:
    serving, memory = picture.servings.get(name), picture.memories.get(name)
    if serving is None or memory is None:
        yield f"{name}: {'its memory' if serving else 'it'} is not there"
        return
    status = serving.get("status") or {}
    pods = [pod for pod in picture.pods if pod["metadata"]["labels"].get(labels.SERVING) == name]
    hosts = serving["spec"]["accelerator"]["gpu"].get("hosts", 1)
    numbers = (status.get("desiredReplicas"), status.get("servingReplicas"), len(pods))
    if numbers != (count, count, count * hosts):
        yield f"{name}: desired, serving, pods are {numbers}; {count} wanted ({status.get('summary')})"
    if status.get("observedGeneration") != serving["metadata"]["generation"]:
        yield f"{name}: the status is not of the present spec"
    if not is_ours(memory["metadata"], serving["metadata"]["uid"]):
        yield f"{name}: its memory is of a namesake"
    yield from (f"{pod['metadata']['name']} {words}" for pod in pods if (words := _unsettled(pod, picture.nodes)))
    try:
        from_dict(json.loads(memory["state"])["memory"])
    except (ValueError, KeyError, TypeError) as error:
        yield f"{name}: its memory cannot be read: {error}"


def _unsettled(pod: Object, nodes: frozenset[str]) -> str:
    """What keeps a pod from simply serving; empty if nothing does."""
    if pod["metadata"].get("deletionTimestamp"):
        return "is being deleted"
    if pod["metadata"]["labels"].get(labels.ROLE) != Role.SERVING:
        return "drains"
    if pod["spec"].get("nodeName") not in nodes:
        return f"is on no node that exists ({pod['spec'].get('nodeName')})"
    found = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions", ())}
    return "" if found.get("Ready") == "True" else "is not ready"
