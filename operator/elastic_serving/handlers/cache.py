"""What the API server last told us about one kind of object, safe against lost, late and repeated news.

kopf does not report what vanished while a watch was cut, so a full list is laid over the cache from time to time.
Rules: news of a lower resourceVersion is ignored (Kubernetes makes them comparable: KEP-5504); a list removes only what
was not heard of since the list was asked for; what was deleted since then does not come back through the list.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from elastic_serving.api.labels import SERVING
from elastic_serving.kube.api import Object

TOMBSTONE_SECONDS = 120.0
"""Longer than any list takes; after it a deleted object's uid is forgotten."""


def without_managed_fields(obj: Object) -> Object:
    """The object without the API server's account of who owns which field, often half of it."""
    metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    return {**obj, "metadata": metadata}


def node_essence(obj: Object) -> Object:
    """What a blame needs of a node: who it is, and its conditions. Its list of images alone may be 10 KiB."""
    metadata = {name: obj["metadata"].get(name) for name in ("name", "uid", "resourceVersion")}
    return {"metadata": metadata, "status": {"conditions": (obj.get("status") or {}).get("conditions") or []}}


@dataclass(frozen=True, slots=True)
class _Entry:
    obj: Object
    heard_at: float


@dataclass(slots=True)
class Cache:
    """Objects of one kind by (namespace, name), grouped by a label. All times are monotonic seconds of the caller."""

    group_label: str = SERVING
    trim: Callable[[Object], Object] = without_managed_fields
    """What is kept of an object: memory is bounded by the chart."""
    listed_at: float = float("-inf")
    """When the last full list was asked for."""
    _entries: dict[tuple[str, str], _Entry] = field(default_factory=dict)
    _groups: dict[tuple[str, str], dict[str, Object]] = field(default_factory=dict)
    _buried: dict[str, float] = field(default_factory=dict)

    def heard(self, obj: Object, now: float) -> bool:
        """Take news of an object that exists; True if it was newer than what we knew."""
        key, uid = key_of(obj), str(obj["metadata"].get("uid", ""))
        known = self._entries.get(key)
        if uid in self._buried or (known and _uid(known.obj) == uid and _version(obj) < _version(known.obj)):
            return False
        kept = self.trim(obj)
        self._forget(key)
        self._entries[key] = _Entry(kept, now)
        self._groups.setdefault((key[0], self._group(kept)), {})[key[1]] = kept
        return known is None or _version(known.obj) != _version(obj)

    def buried(self, obj: Mapping[str, Any], now: float) -> None:
        """Take news of a deletion. News of the deleted object that arrives later is ignored, its successor's is not."""
        key, uid = key_of(obj), str(obj["metadata"].get("uid", ""))
        self._buried[uid] = now
        known = self._entries.get(key)
        if known and _uid(known.obj) == uid:
            self._forget(key)

    def listed(
        self,
        objects: Iterable[Object],
        asked_at: float,
        *,
        group: tuple[str, str] | None = None,
        unknown: Collection[str] = (),
    ) -> tuple[tuple[str, str], ...]:
        """Lay a list over the cache; returns the keys that were ghosts or changed.

        ``group`` is the (namespace, label value) that the list was narrowed to; without it the list was full, but for
        the namespaces ``unknown``, which could not be listed: of them nothing is removed.
        """
        changed: list[tuple[str, str]] = []
        seen: set[tuple[str, str]] = set()
        for obj in objects:
            key = key_of(obj)
            seen.add(key)
            known = self._entries.get(key)
            if (known is None or known.heard_at <= asked_at) and self.heard(obj, asked_at):
                changed.append(key)
        for key in self._keys(group):
            if key not in seen and key[0] not in unknown and self._entries[key].heard_at <= asked_at:
                self._forget(key)
                changed.append(key)
        if group is None:
            self.listed_at = asked_at
        self._buried = {uid: at for uid, at in self._buried.items() if asked_at - at < TOMBSTONE_SECONDS}
        return tuple(changed)

    def get(self, namespace: str, name: str) -> Object | None:
        """The object, or None if none is known."""
        entry = self._entries.get((namespace, name))
        return entry.obj if entry else None

    def group(self, namespace: str, value: str) -> tuple[Object, ...]:
        """Objects of a namespace whose group label has this value, by name."""
        return tuple(obj for _, obj in sorted(self._groups.get((namespace, value), {}).items()))

    def __iter__(self) -> Iterator[Object]:
        return (entry.obj for entry in list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def _keys(self, group: tuple[str, str] | None) -> list[tuple[str, str]]:
        if group is None:
            return list(self._entries)
        return [(group[0], name) for name in self._groups.get(group, {})]

    def _group(self, obj: Object) -> str:
        return str((obj["metadata"].get("labels") or {}).get(self.group_label, ""))

    def _forget(self, key: tuple[str, str]) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        group = (key[0], self._group(entry.obj))
        self._groups[group].pop(key[1], None)
        if not self._groups[group]:
            del self._groups[group]


def key_of(obj: Mapping[str, Any]) -> tuple[str, str]:
    """(namespace, name); the namespace of a cluster-scoped object is empty."""
    metadata = obj["metadata"]
    return str(metadata.get("namespace") or ""), str(metadata["name"])


def _uid(obj: Object) -> str:
    return str(obj["metadata"].get("uid", ""))


def _version(obj: Object) -> int:
    text = str(obj["metadata"].get("resourceVersion") or "0")
    return int(text) if text.isdecimal() else 0
