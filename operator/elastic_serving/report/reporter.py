"""The fifth line of a pass: status first, then Events, then metrics."""

from dataclasses import dataclass, field

from elastic_serving.api import conditions
from elastic_serving.kube.api import KubeApi
from elastic_serving.report.account import Account
from elastic_serving.report.coldstart import cold_start_phases
from elastic_serving.report.events import EventWriter, events_of
from elastic_serving.report.metrics import OperatorMetrics
from elastic_serving.report.status import status_of
from elastic_serving.report.writer import StatusWriter


@dataclass(slots=True)
class Reporter:
    """Tells what passes have to tell; one for the process, it remembers what was told of each serving by uid."""

    api: KubeApi
    metrics: OperatorMetrics
    _last: dict[str, Account] = field(default_factory=dict)
    _status: StatusWriter = field(init=False)
    _events: EventWriter = field(init=False)

    def __post_init__(self) -> None:
        self._status = StatusWriter(self.api)
        self._events = EventWriter(self.api)

    async def report(self, account: Account) -> None:
        """Enter metrics, write status if it is due, tell what is new.

        Raises from ``errors`` where the API server failed: what was not told is told by the next pass. Events follow
        only a status write that did not fail, so a conflict never becomes a stream of them.
        """
        serving, scaling = account.serving, account.serving.spec.scaling
        namespace, name, uid = serving.metadata.namespace, serving.metadata.name, serving.metadata.uid
        limits = (scaling.min_replicas, scaling.max_replicas)
        self.metrics.record(namespace, name, account.seen, account.decision, limits=limits)
        status = status_of(account, self._status.written(serving))
        await self._status.write(serving, status, account.now)
        told = await self._events.tell(serving, events_of(account, self._last.get(uid)), account.now)
        self._last[uid] = account
        ready = {event.key for event in told if event.reason == conditions.REPLICA_READY}
        for replica in account.serving_now:
            if replica.hosts[0].uid in ready:
                self.metrics.record_cold_start(namespace, name, cold_start_phases(replica))

    def forget(self, namespace: str, name: str, uid: str) -> None:
        """Drop everything remembered of a deleted serving, its metric series included."""
        self._last.pop(uid, None)
        self._status.forget(uid)
        self.metrics.forget(namespace, name)
