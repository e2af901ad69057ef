"""From what HPA computes to what HPA sets: stabilization, rate policies, limits, with its default behavior.

"scaleDown: stabilizationWindowSeconds: 300, policies: Percent 100 per 15 s; scaleUp: stabilizationWindowSeconds: 0,
policies: Percent 100 per 15 s and Pods 4 per 15 s, selectPolicy: Max" (kubernetes/website
content/en/docs/tasks/run-application/horizontal-pod-autoscale.md, "Default Behavior", read 2026-11-24).
Source: kubernetes/kubernetes pkg/controller/podautoscaler/horizontal.go (reconcileAutoscaler,
stabilizeRecommendationWithBehaviors, convertDesiredReplicasWithBehaviorRate; the version with tolerances per direction
and windows in both), read 2026-11-24.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from elastic_serving.simulate.policy import Wish

SYNC_SECONDS: Final = 15.0
"""--horizontal-pod-autoscaler-sync-period: "the default interval is 15 seconds"."""
TOLERANCE: Final = 0.1
"""--horizontal-pod-autoscaler-tolerance: "within a globally-configurable tolerance, 0.1 by default"."""
DOWN_WINDOW_SECONDS: Final = 300.0
PERIOD_SECONDS: Final = 15.0
"""Of all three default policies."""
UP_PODS: Final = 4
"""With +100 %, whichever allows more: from 1 to 5, 10, 20, 40."""


@dataclass(slots=True)
class Behavior:
    """One HPA's memory: recommendations of the last 300 s and its scale events of the last 15 s."""

    low: int
    high: int
    _asked: deque[tuple[float, int]] = field(default_factory=deque)
    _changes: deque[tuple[float, int]] = field(default_factory=deque)

    def wish(self, now: float, current: int, recommendation: int | None, said: str) -> Wish:
        """What the HPA sets at ``now``; ``said`` tells how ``recommendation`` came about (None: it was not possible).

        At 0 the HPA is off, outside the range it only comes back into it, and without metrics it holds.
        """
        if not self._asked:
            self._asked.append((now, current))
        if current == 0:
            return Wish(0, "ScalingDisabled", (said,))
        if current > self.high:
            return self._set(now, current, self.high, "TooManyReplicas", [said])
        if current < self.low:
            return self._set(now, current, self.low, "TooFewReplicas", [said])
        if recommendation is None:
            return Wish(current, "FailedGetMetric", (said,))
        steps, why = [said], ""
        desired = self._stabilized(now, current, recommendation)
        if desired != recommendation:
            steps, why = [*steps, f"down window {DOWN_WINDOW_SECONDS:.0f} s -> {desired}"], "ScaleDownStabilized"
        limit = max(self._up_limit(now, current), current)
        if desired > min(limit, self.high):
            why, desired = ("ScaleUpLimit", limit) if limit < self.high else ("TooManyReplicas", self.high)
            steps.append(f"{why} -> {desired}")
        elif desired < self.low:
            # The default policy lets 100 % go in 15 s, so only minReplicas bounds the way down.
            why, desired = "TooFewReplicas", self.low
            steps.append(f"{why} -> {desired}")
        return self._set(now, current, desired, why or "DesiredWithinRange", steps)

    def _stabilized(self, now: float, current: int, recommendation: int) -> int:
        """Up at once (its window is 0 s), down only to the highest recommendation after ``now - 300 s``."""
        while self._asked and now - self._asked[0][0] >= DOWN_WINDOW_SECONDS:
            self._asked.popleft()
        highest = max([recommendation, *(replicas for _, replicas in self._asked)])
        self._asked.append((now, recommendation))
        return min(max(current, recommendation), highest)

    def _up_limit(self, now: float, current: int) -> int:
        """The larger of +100 % and +4 pods from what there was when the period began; an event 15 s ago is out."""
        while self._changes and now - self._changes[0][0] >= PERIOD_SECONDS:
            self._changes.popleft()
        start = current - sum(change for _, change in self._changes)
        return max(2 * start, start + UP_PODS)

    def _set(self, now: float, current: int, desired: int, why: str, steps: list[str]) -> Wish:
        if desired != current:
            self._changes.append((now, desired - current))
        return Wish(desired, why, tuple(steps))
