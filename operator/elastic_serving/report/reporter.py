"""The fifth line of a pass: status first, then Events, then metrics."""

from dataclasses import dataclass, field

from pydantic import ValidationError

from elastic_serving.api import conditions
from elastic_serving.api.models import Metadata
from elastic_serving.api.status import ElasticServingStatus
from elastic_serving.kube.api import KubeApi, Object
from elastic_serving.report.account import Account
from elastic_serving.report.coldstart import cold_start_phases
from elastic_serving.report.events import EventWriter, events_of
from elastic_serving.report.metrics import OperatorMetrics
from elastic_serving.report.status import invalid_status_of, status_of
from elastic_serving.report.writer import CALM_SECONDS, StatusWriter
from elastic_serving.scaling.model import NOT_ASKED


@dataclass(slots=True)
class Reporter:
    """Tells what passes have to tell; one for the process, it remembers what was told of each serving by uid."""

    api: KubeApi
    metrics: OperatorMetrics
    status_interval_seconds: float = CALM_SECONDS
    _last: dict[str, Account] = field(default_factory=dict)
    _status: StatusWriter = field(init=False)
    _events: EventWriter = field(init=False)

    def __post_init__(self) -> None:
        self._status = StatusWriter(self.api, self.status_interval_seconds)
        self._events = EventWriter(self.api)

    async def report(self, account: Account) -> None:
        """Enter metrics, write status if it is due, tell what is new.

        Raises from ``errors`` where the API server failed: what was not told is told by the next pass. Events follow
        only a status write that did not fail, so a conflict never becomes a stream of them. Nothing is told before
        Prometheus was asked once for every signal: "missing" would be a false alarm at each start.
        """
        if any(s.missing is not None and s.missing.kind == NOT_ASKED for s in account.decision.signals):
            return
        serving, scaling = account.serving, account.serving.spec.scaling
        namespace, name, uid = serving.metadata.namespace, serving.metadata.name, serving.metadata.uid
        limits = (scaling.min_replicas, scaling.max_replicas)
        self.metrics.record(namespace, name, account.seen, account.decision, limits=limits, queue=account.queue)
        before = self._status.written(uid) or serving.status
        await self._status.write(serving.metadata, status_of(account, before), before, account.now)
        told = await self._events.tell(serving, events_of(account, self._last.get(uid)), account.now)
        self._last[uid] = account
        ready = {event.key for event in told if event.reason == conditions.REPLICA_READY}
        for replica in account.serving_now:
            if replica.hosts[0].uid in ready:
                self.metrics.record_cold_start(namespace, name, cold_start_phases(replica))

    async def invalid(self, stored: Object, sentence: str, now: float) -> None:
        """Say in ``sentence`` why the object ``stored`` cannot be understood; what stood in its status stays."""
        metadata = Metadata.model_validate(stored["metadata"])
        before = self._status.written(metadata.uid) or _stored_status(stored)
        await self._status.write(metadata, invalid_status_of(metadata, before, sentence, now), before, now)

    def forget(self, namespace: str, name: str, uid: str) -> None:
        """Drop everything remembered of a deleted serving, its metric series included."""
        self._last.pop(uid, None)
        self._status.forget(uid)
        self.metrics.forget(namespace, name)


def _stored_status(stored: Object) -> ElasticServingStatus | None:
    """The status the object carries; None where there is none that can be read."""
    try:
        return ElasticServingStatus.model_validate(stored["status"])
    except (KeyError, ValidationError):
        return None
