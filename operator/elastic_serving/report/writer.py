"""Writing status: once per pass at most, and only when it says something else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from elastic_serving.api.labels import GROUP, PLURAL, VERSION
from elastic_serving.api.models import ElasticServing
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
    """Server-side apply of /status under our field manager; remembers what it wrote of each serving (by uid)."""

    api: KubeApi
    _written: dict[str, _Written] = field(default_factory=dict)

    def written(self, serving: ElasticServing) -> ElasticServingStatus | None:
        """The status as it stands: what was written last, at first what the object itself carries."""
        known = self._written.get(serving.metadata.uid)
        return known.status if known else serving.status

    async def write(self, serving: ElasticServing, status: ElasticServingStatus, now: float) -> bool:
        """Whether it was written: if it is news, and urgent or ``CALM_SECONDS`` after the last write.

        Raises from ``errors`` where the write failed; then nothing is remembered and the next pass tries again. The
        uid is part of the body, so the status of a serving that was deleted meanwhile never lands on its namesake.
        """
        uid = serving.metadata.uid
        known = self._written.get(uid)
        before = self.written(serving)
        if not is_news(status, before):
            return False
        if known is not None and 0 <= now - known.at < CALM_SECONDS and not is_urgent(status, before):
            return False
        await self.api.apply(
            SERVINGS, serving.metadata.namespace, serving.metadata.name, body_of(serving, status), subresource="status"
        )
        self._written[uid] = _Written(status, now)
        return True

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a deleted serving."""
        self._written.pop(uid, None)


def body_of(serving: ElasticServing, status: ElasticServingStatus) -> Mapping[str, Any]:
    """The apply configuration: the object's identity and its whole status, absent fields left out."""
    metadata = {
        "name": serving.metadata.name,
        "namespace": serving.metadata.namespace,
        "uid": serving.metadata.uid,
    }
    return {
        "apiVersion": serving.api_version,
        "kind": serving.kind,
        "metadata": metadata,
        "status": status.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def _without_ages(status: ElasticServingStatus) -> ElasticServingStatus:
    ageless = tuple(signal.model_copy(update={"sampled_at": None}) for signal in status.signals)
    return status.model_copy(update={"signals": ageless})


def _headlines(status: ElasticServingStatus) -> tuple[object, ...]:
    conditions = tuple((c.type, c.status, c.reason) for c in status.conditions)
    return status.decision, conditions, status.observed_generation
