"""The operator's own metrics: names, labels and how one pass is entered into them.

Names are an interface: the dashboard and the alert rules of the chart read them. A serving is named by the labels
``namespace`` and ``elasticserving``, as on the series of its engines, so that both join in one query.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from elastic_serving.queueing.line import Queue
from elastic_serving.scaling.model import Decision, Role, Seen

SERVING_LABELS: Final = ("namespace", "elasticserving")

_PASS_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""From a pass over a handful of servings (milliseconds) to the request timeout of the API client (30 s)."""
_REACTION_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)
"""Around the target of this project: p50 within 1 s and p99 within 3 s of the sample."""
_COLD_START_SECONDS: Final = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 1800.0, 3600.0)
"""From a cached image on a warm node to hundreds of gigabytes of weights from a far bucket."""


class OperatorMetrics:
    """Every series of the operator, in a registry of its own (tests and replicas of the process share nothing)."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._per_serving: list[MetricWrapperBase] = []
        self._signals_of: dict[tuple[str, str], frozenset[str]] = {}
        self.desired = self._gauge("desired_replicas", "Replicas the last decision asks for.")
        self.ready = self._gauge("serving_replicas", "Replicas that are whole, ready and in the Service.")
        self.starting = self._gauge("starting_replicas", "Replicas that are being provisioned, pulled or loaded.")
        self.draining = self._gauge("draining_replicas", "Replicas out of the Service that finish their requests.")
        self.minimum = self._gauge("min_replicas", "spec.scaling.minReplicas.")
        self.maximum = self._gauge("max_replicas", "spec.scaling.maxReplicas.")
        self.signal_value = self._gauge("signal_value", "Fleet total of the signal, or the value itself.", "signal")
        self.signal_target = self._gauge("signal_target", "Target of the signal, per replica.", "signal")
        self.signal_missing = self._gauge("signal_missing", "1 while the signal has no usable sample.", "signal")
        self.signal_sampled_at = self._gauge("signal_sampled_at_seconds", "Time of the oldest sample used.", "signal")
        self.queue_waiting = self._gauge("queue_waiting", "Requests without a slot.")
        self.queue_eta = self._gauge("queue_eta_seconds", "Until the last of them has a slot.")
        self.queue_arrivals = self._gauge("queue_arrivals_per_second", "Requests that arrive, mean of minutes.")
        self.queue_service = self._gauge("queue_service_seconds", "Time of a request in its slot, mean of minutes.")
        self.queue_utilization = self._gauge("queue_utilization", "Part of the ready slots that the traffic fills.")
        self.queue_wait = self._gauge("queue_wait_seconds", "What requests wait on average, by Erlang's formula.")
        self.decisions = self._counter("decisions", "Decisions that changed the desired replicas.", "why", "direction")
        self.cold_start = self._histogram(
            "cold_start_seconds", "Time a replica spent in a phase before it served.", _COLD_START_SECONDS, "phase"
        )
        self.reaction = self._histogram(
            "reaction_seconds", "From the newest sample of a changed decision to its actions' end.", _REACTION_SECONDS
        )
        self.pass_seconds = Histogram(
            "elastic_serving_pass_duration_seconds",
            "One pass of one serving, from observation to report.",
            buckets=_PASS_SECONDS,
            registry=self.registry,
        )
        self.tick_seconds = Histogram(
            "elastic_serving_tick_duration_seconds",
            "Reading the signals of the whole fleet.",
            buckets=_PASS_SECONDS,
            registry=self.registry,
        )
        self.last_tick = Gauge(
            "elastic_serving_last_tick_timestamp_seconds",
            "When the last tick over the fleet ended; time() minus this is the tick's age.",
            registry=self.registry,
        )
        self.leader = Gauge("elastic_serving_leader", "1 while this process holds the lease.", registry=self.registry)
        self.writes = Counter(
            "elastic_serving_api_writes",
            "Writes to the API server by verb, resource and result.",
            ("verb", "resource", "result"),
            registry=self.registry,
        )

    def record(
        self,
        namespace: str,
        name: str,
        seen: Seen,
        decision: Decision,
        *,
        limits: tuple[int, int],
        queue: Queue | None = None,
    ) -> None:
        """Enter one pass; ``limits`` are minReplicas and maxReplicas. A missing signal keeps no value (never 0)."""
        key = (namespace, name)
        self.desired.labels(*key).set(decision.desired)
        self.ready.labels(*key).set(seen.replicas.ready)
        self.starting.labels(*key).set(seen.replicas.starting)
        draining = sum(r.role is Role.DRAINING and not r.is_terminating for r in seen.inventory.replicas)
        self.draining.labels(*key).set(draining)
        self.minimum.labels(*key).set(limits[0])
        self.maximum.labels(*key).set(limits[1])
        self._record_signals(key, decision)
        self._record_queue(key, queue)
        if decision.changed:
            direction = "up" if decision.desired > decision.current else "down"
            self.decisions.labels(*key, decision.why, direction).inc()

    def record_cold_start(self, namespace: str, name: str, phases: dict[str, float]) -> None:
        """Enter the phases (name -> seconds) of a replica that has just become ready."""
        for phase, seconds in phases.items():
            self.cold_start.labels(namespace, name, phase).observe(seconds)

    def forget(self, namespace: str, name: str) -> None:
        """Drop every series of a deleted serving; an unknown one is fine."""
        for metric in self._per_serving:
            metric.remove_by_labels({"namespace": namespace, "elasticserving": name})
        self._signals_of.pop((namespace, name), None)

    def _record_signals(self, key: tuple[str, str], decision: Decision) -> None:
        names = frozenset(signal.name for signal in decision.signals)
        for gone in self._signals_of.get(key, frozenset()) - names:
            for metric in (self.signal_value, self.signal_target, self.signal_missing, self.signal_sampled_at):
                metric.remove_by_labels(dict(zip((*SERVING_LABELS, "signal"), (*key, gone), strict=True)))
        self._signals_of[key] = names
        for signal in decision.signals:
            at = (*key, signal.name)
            self.signal_target.labels(*at).set(signal.target)
            self.signal_missing.labels(*at).set(signal.missing is not None)
            if signal.value is None or signal.sampled_at is None:
                labels = dict(zip((*SERVING_LABELS, "signal"), at, strict=True))
                self.signal_value.remove_by_labels(labels)
                self.signal_sampled_at.remove_by_labels(labels)
            else:
                self.signal_value.labels(*at).set(signal.value)
                self.signal_sampled_at.labels(*at).set(signal.sampled_at)

    def _record_queue(self, key: tuple[str, str], queue: Queue | None) -> None:
        for metric, number in (
            (self.queue_waiting, None if queue is None else queue.waiting),
            (self.queue_eta, None if queue is None else queue.eta_seconds),
            (self.queue_arrivals, None if queue is None else queue.arrivals_per_second),
            (self.queue_service, None if queue is None else queue.service_seconds),
            (self.queue_utilization, None if queue is None else queue.utilization),
            (self.queue_wait, None if queue is None else queue.wait_seconds),
        ):
            if number is None:
                metric.remove_by_labels(dict(zip(SERVING_LABELS, key, strict=True)))
            else:
                metric.labels(*key).set(number)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        gauge = Gauge(f"elastic_serving_{name}", text, (*SERVING_LABELS, *labels), registry=self.registry)
        self._per_serving.append(gauge)
        return gauge

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        counter = Counter(f"elastic_serving_{name}", text, (*SERVING_LABELS, *labels), registry=self.registry)
        self._per_serving.append(counter)
        return counter

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        histogram = Histogram(
            f"elastic_serving_{name}", text, (*SERVING_LABELS, *labels), buckets=buckets, registry=self.registry
        )
        self._per_serving.append(histogram)
        return histogram
