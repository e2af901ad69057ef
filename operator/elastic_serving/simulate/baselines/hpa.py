"""HPA v2 on a Pods metric (requests running and waiting per pod, type AverageValue), with everything at its default.

"desiredReplicas = ceil[currentReplicas * ( currentMetricValue / desiredMetricValue )]", over the pods that reported
(kubernetes/website content/en/docs/tasks/run-application/horizontal-pod-autoscale.md, "Algorithm details").
Source: kubernetes/kubernetes pkg/controller/podautoscaler/replica_calculator.go (calcPlainMetricReplicas, groupPods),
read 2026-11-24.

Assumed: a starting replica is a pod that runs and does not report yet, as one that loads its model: missing. (Upstream
sets a Pending pod aside on the way down; on the way up both count as 0. Bursts that let go of what still starts cost
the HPA more requests and more replica-hours, so this is the kinder reading.) Numbers are not cut to thousandths, and
1e-9 is forgiven where floats would round 3 up to 4. minReplicas 0 means 1: on a Pods metric upstream refuses 0.
"""

import math
from dataclasses import dataclass, field
from typing import Final

from elastic_serving.scaling.model import Missing, Seen
from elastic_serving.simulate.baselines.behavior import SYNC_SECONDS, TOLERANCE, Behavior
from elastic_serving.simulate.baselines.terms import Load, Terms, load_of
from elastic_serving.simulate.policy import Wish

_NOISE: Final = 1e-9


@dataclass(slots=True)
class Hpa:
    """One HorizontalPodAutoscaler."""

    terms: Terms
    name: str = "hpa"
    interval_seconds: float = SYNC_SECONDS
    _behavior: Behavior = field(init=False)

    def __post_init__(self) -> None:
        self._behavior = Behavior(max(self.terms.low, 1), self.terms.high)

    def desired(self, seen: Seen, now: float) -> Wish:
        """One sync at ``now``."""
        load, counts = load_of(seen, self.terms.signal), seen.replicas
        if isinstance(load, Missing) or not load.reported:
            reason = load.reason if isinstance(load, Missing) else "no pod reported"
            return self._behavior.wish(now, counts.current, None, f"no metrics: {reason}")
        known = Load(load.total, load.reported, load.silent + counts.starting)
        asked = replicas_by_pod(known, self.terms.target, pending=0, current=counts.current)
        said = f"{load.total:.10g} on {load.reported} pods, target {self.terms.target:.10g} -> {asked}"
        return self._behavior.wish(now, counts.current, asked, said)


def replicas_by_pod(load: Load, target: float, *, pending: int, current: int) -> int:
    """What calcPlainMetricReplicas returns; ``load.reported`` is at least 1.

    Missing pods count as at the target on the way down and as 0 on the way up, where pending ones count as 0 too; if
    that turns the direction round, or ends within the tolerance, nothing changes.
    3 pods with 20 each at target 10 and 2 pending: 60 / (5 x 10) = 1.2, 1.2 x 5 = 6 (test_the_number_per_pod_metric).
    """
    ratio = load.total / load.reported / target
    dampened = pending > 0 and ratio > 1
    if not dampened and not load.silent:
        return current if within_tolerance(ratio) else whole(ratio * load.reported)
    total, pods = load.total, load.reported
    if ratio < 1:
        total, pods = total + load.silent * target, pods + load.silent
    elif ratio > 1:
        pods += load.silent + pending
    again = total / pods / target
    if within_tolerance(again) or (ratio < 1 < again) or (again < 1 < ratio):
        return current
    replicas = whole(again * pods)
    turned = (again < 1 and replicas > current) or (again > 1 and replicas < current)
    return current if turned else replicas


def within_tolerance(ratio: float) -> bool:
    """Both edges included."""
    return 1 - TOLERANCE - _NOISE <= ratio <= 1 + TOLERANCE + _NOISE


def whole(replicas: float) -> int:
    """Rounded up, as all of HPA's numbers are."""
    return math.ceil(replicas - _NOISE)
