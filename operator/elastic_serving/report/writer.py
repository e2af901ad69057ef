"""Writing status: once per pass at most, and only when it says something else."""

from dataclasses import dataclass, field
from typing import Any, Final

from elastic_serving.api.labels import GROUP, PLURAL, VERSION
from elastic_serving.api.models import Metadata
from elastic_serving.api.status import ElasticServingStatus
from elastic_serving.kube.api import KubeApi, Resource

SERVINGS: Final = Resource(GROUP, VERSION, PLURAL)

CALM_SECONDS: Final = 10.0
"""Between two writes that only move numbers: 1,000 servings under load make 100 small writes a second."""


@dataclass(frozen=True, slots=True)
class _Written:
    status: ElasticServingStatus
    at: float


def is_news(new: ElasticServingStatus, written: ElasticServingStatus | None) -> bool:
    """Somebody reading it would learn something: anything but a signal's newer ``sampledAt``."""
    return written is None or _without_ages(new) != _without_ages(written)


def is_urgent(new: ElasticServingStatus, written: ElasticServingStatus | None) -> bool:
    """The last change of desired, a condition's status or reason, or the generation it speaks about is another one."""
    return written is None or _headlines(new) != _headlines(written)


@dataclass(slots=True)
class StatusWriter:
    """Writes /status under our field manager; remembers what it wrote of each serving (by uid)."""

    api: KubeApi
    calm_seconds: float = CALM_SECONDS
    _written: dict[str, _Written] = field(default_factory=dict)

    def written(self, uid: str) -> ElasticServingStatus | None:
        """What this process wrote last, None if nothing: then the object's own status stands."""
        known = self._written.get(uid)
        return known.status if known else None

    async def write(
        self, metadata: Metadata, status: ElasticServingStatus, before: ElasticServingStatus | None, now: float
    ) -> bool:
        """Whether it was written: if it is news after ``before``, and urgent or ``calm_seconds`` after the last write.

        Raises from ``errors`` where the write failed; then nothing is remembered and the next pass tries again. The
        whole status is replaced, by a patch that tests the uid: that of a serving that was deleted meanwhile never
        lands on its namesake (server-side apply on /status does not compare uids: tests/cluster/test_report.py).
        """
        if not is_news(status, before):
            return False
        known = self._written.get(metadata.uid)
        if known is not None and 0 <= now - known.at < self.calm_seconds and not is_urgent(status, before):
            return False
        operations: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": metadata.uid},
            {"op": "add", "path": "/status", "value": status.model_dump(mode="json", by_alias=True, exclude_none=True)},
        ]
        await self.api.json_patch(SERVINGS, metadata.namespace, metadata.name, operations, subresource="status")
        self._written[metadata.uid] = _Written(status, now)
        return True

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a deleted serving."""
        self._written.pop(uid, None)


def _without_ages(status: ElasticServingStatus) -> ElasticServingStatus:
    ageless = tuple(signal.model_copy(update={"sampled_at": None}) for signal in status.signals)
    return status.model_copy(update={"signals": ageless})


def _headlines(status: ElasticServingStatus) -> tuple[object, ...]:
    conditions = tuple((c.type, c.status, c.reason) for c in status.conditions)
    return status.decision, conditions, status.observed_generation
