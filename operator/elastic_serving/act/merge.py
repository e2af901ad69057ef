"""Laying the user's pod template over ours, the way ``kubectl apply`` would: by the merge keys of the pod's lists.

The keys are those of Kubernetes' own strategic merge patch (``patchMergeKey`` in k8s.io/api core/v1 types.go, read
November 2026), written as a table. Its directives (``$patch: delete``) are not supported: a template adds and changes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

MERGE_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "ports": ("name", "containerPort"),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
}
"""List field -> the keys that make two elements the same one; the first that both elements have decides."""

APPENDED: Final = frozenset({"tolerations", "envFrom", "readinessGates"})
"""Lists whose elements have no key: the user's follow ours, one equal to ours is dropped."""

UNIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "readinessProbe": ("httpGet", "tcpSocket", "exec", "grpc"),
    "livenessProbe": ("httpGet", "tcpSocket", "exec", "grpc"),
    "startupProbe": ("httpGet", "tcpSocket", "exec", "grpc"),
    "preStop": ("sleep", "exec", "httpGet", "tcpSocket"),
}
"""Object field -> members of which only one may be set: the user's choice removes ours."""


def merged(ours: Mapping[str, Any], users: Mapping[str, Any]) -> Json:
    """``ours`` with everything of ``users`` laid over it; neither argument is changed.

    Objects are merged field by field. Lists with a merge key keep our order, changed elements in place and new ones
    behind; ``APPENDED`` lists grow; any other list (``args``, ``command``) is replaced whole. A user's ``null`` removes
    our field, as in a merge patch. An environment variable with ``value`` replaces our ``valueFrom`` and the other way.
    """
    result: Json = dict(ours)
    for field, theirs in users.items():
        if theirs is None:
            result.pop(field, None)
        else:
            result[field] = _value(field, result.get(field), theirs)
    return result


def _value(field: str, mine: object, theirs: object) -> object:
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        members = UNIONS.get(field, ())
        if any(member in theirs for member in members):
            mine = {name: value for name, value in mine.items() if name not in members or name in theirs}
        return merged(mine, theirs)
    if isinstance(mine, Sequence) and isinstance(theirs, Sequence) and not isinstance(theirs, str):
        if field in APPENDED:
            return [*mine, *(item for item in theirs if item not in mine)]
        if field in MERGE_KEYS:
            return _keyed(field, mine, theirs)
    return theirs


def _keyed(field: str, mine: Sequence[Any], theirs: Sequence[Any]) -> list[Any]:
    result = list(mine)
    for element in theirs:
        place = _place(MERGE_KEYS[field], result, element)
        if place is None:
            result.append(element)
        elif field == "env":
            result[place] = element
        else:
            result[place] = merged(result[place], element)
    return result


def _place(keys: tuple[str, ...], elements: Sequence[Any], wanted: object) -> int | None:
    """Index of the element that is the same one as ``wanted``: equal in the first key that both have."""
    if not isinstance(wanted, Mapping):
        return None
    for place, element in enumerate(elements):
        if not isinstance(element, Mapping):
            continue
        key = next((key for key in keys if key in element and key in wanted), None)
        if key is not None and element[key] == wanted[key]:
            return place
    return None
