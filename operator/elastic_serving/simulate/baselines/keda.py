"""KEDA: a ScaledObject with one Prometheus trigger (the fleet's requests, threshold = the target), all at its default.

KEDA itself only moves between 0 and 1: "pollingInterval: 30" is how often the operator asks whether the trigger is
active (above activationThreshold 0), "cooldownPeriod: 300 [...] only applies when scaling to 0; scaling from 1 to N
replicas is handled by the Kubernetes Horizontal Pod Autoscaler" (kedacore/keda-docs
content/docs/2.15/reference/scaledobject-spec.md, read 2026-11-24). With 1 or more replicas the polling interval does
not matter: "HPA controller asks for a metric every few seconds [...], then this request is routed to KEDA Metrics
Server, that by default queries the scaler"; only useCachedMetrics, default false, would read a poll's cache instead
(content/docs/2.15/concepts/scaling-deployments.md, "Caching Metrics"). That HPA has an External metric of type
AverageValue and minReplicas max(1, minReplicaCount).
Source: kedacore/keda pkg/scaling/executor/scale_scaledobjects.go (RequestScale, scaleFromZero, scaleToZero) and
kubernetes/kubernetes pkg/controller/podautoscaler/replica_calculator.go (GetExternalPerPodMetricReplicas), both read
2026-11-24.

Assumed: a query that finds no series counts as 0 (the Prometheus scaler's ignoreNullValues, default true); any other
failure gives no metric, so the HPA holds (no fallback is configured); a poll comes before the sync of the same second,
so an activation goes on to more than 1 at once.
"""

from dataclasses import dataclass, field
from typing import Final

from elastic_serving.scaling.model import Missing, Seen
from elastic_serving.simulate.baselines.behavior import SYNC_SECONDS, Behavior
from elastic_serving.simulate.baselines.hpa import whole, within_tolerance
from elastic_serving.simulate.baselines.terms import Terms, load_of
from elastic_serving.simulate.policy import Wish

POLLING_SECONDS: Final = 30.0
COOLDOWN_SECONDS: Final = 300.0
_NO_SERIES: Final = frozenset({"Empty", "NoReplica", "NotScraped"})


@dataclass(slots=True)
class Keda:
    """One ScaledObject and the HPA it made."""

    terms: Terms
    name: str = "keda"
    interval_seconds: float = SYNC_SECONDS
    _behavior: Behavior = field(init=False)
    _polled_at: float | None = None
    _active_at: float | None = None

    def __post_init__(self) -> None:
        self._behavior = Behavior(max(self.terms.low, 1), self.terms.high)

    def desired(self, seen: Seen, now: float) -> Wish:
        """The operator's poll where one is due, then the HPA's sync."""
        current, total = seen.replicas.current, self._total(seen)
        if self._polled_at is None or now - self._polled_at >= POLLING_SECONDS:
            self._polled_at = now
            current = self._polled(current, total, now)
            if current < seen.replicas.current:
                return Wish(0, "KEDAScaleTargetDeactivated", (f"nothing for {COOLDOWN_SECONDS:.0f} s -> 0",))
        if total is None:
            return self._behavior.wish(now, current, None, "no metric: the query failed")
        asked = replicas_by_total(total, self.terms.target, current=current)
        return self._behavior.wish(now, current, asked, f"{total:.10g} / {self.terms.target:.10g} -> {asked}")

    def _total(self, seen: Seen) -> float | None:
        load = load_of(seen, self.terms.signal)
        if isinstance(load, Missing):
            return 0.0 if load.kind in _NO_SERIES else None
        return load.total

    def _polled(self, current: int, total: float | None, now: float) -> int:
        """After one poll: from zero where the trigger is active, to zero once it has not been for the cooldown."""
        if total is not None and total > 0:
            self._active_at = now
            return current or max(self.terms.low, 1)
        cooled = self._active_at is None or now - self._active_at > COOLDOWN_SECONDS
        return 0 if self.terms.low == 0 and current > 0 and cooled and total is not None else current


def replicas_by_total(total: float, target: float, *, current: int) -> int:
    """What GetExternalPerPodMetricReplicas returns: ceil(total / target), or ``current`` within the tolerance.

    Neither starting nor silent pods matter: 230 requests at target 10 ask for 23, with 1 ready replica as with 23.
    """
    if current and within_tolerance(total / (target * current)):
        return current
    return whole(total / target)
