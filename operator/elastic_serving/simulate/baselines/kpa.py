"""Knative's pod autoscaler (KPA) on concurrency, with the defaults of config-autoscaler.

Stable mode follows the average of 60 s; "panic mode will be start[ed] if traffic is twice as high as the current
replica population can handle", follows the average of 6 s, "will not scale down", and ends "if there has been no reason
to react quickly during the stable window timeframe" (knative/docs docs/serving/autoscaling/kpa-specific.md, read
2026-11-24). The target is container-concurrency x 70 %: the same as everybody's here.
Source: knative/serving pkg/autoscaler/scaling/autoscaler.go (Scale), pkg/autoscaler/aggregation/bucketing.go
(WindowAverage), pkg/autoscaler/metrics/stats_scraper.go (scrapePods), pkg/reconciler/autoscaling/kpa/scaler.go
(handleScaleToZero), all read 2026-11-24.

Assumed: every 2 s it gets what was scraped last, and that stands for those 2 s; a missing sample is left out (upstream
counts the gap as 0), and without any in the window it holds, as upstream does; scale-to-zero waits the whole grace
period of 30 s. Where no replica is ready, the activator holds the requests and counts them.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from elastic_serving.scaling.model import Missing, Seen
from elastic_serving.scaling.recommend import NO_REPLICA
from elastic_serving.simulate.baselines.terms import Load, Terms, load_of
from elastic_serving.simulate.policy import Wish

TICK_SECONDS: Final = 2.0
SCRAPE_SECONDS: Final = 1.0
"""It asks the pods itself (pkg/autoscaler/metrics/collector.go, scrapeTickInterval), whatever Prometheus does."""
STABLE_SECONDS: Final = 60.0
PANIC_SECONDS: Final = 6.0
"""panic-window-percentage 10 of the stable window."""
PANIC_THRESHOLD: Final = 2.0
"""panic-threshold-percentage 200."""
MAX_UP_RATE: Final = 1000.0
MAX_DOWN_RATE: Final = 2.0
GRACE_SECONDS: Final = 30.0
"""scale-to-zero-grace-period."""


@dataclass(slots=True)
class Kpa:
    """One PodAutoscaler of class kpa."""

    terms: Terms
    name: str = "kpa"
    interval_seconds: float = TICK_SECONDS
    _samples: deque[tuple[float, float]] = field(default_factory=deque)
    _started: bool = False
    _panic_at: float | None = None
    _panic_pods: int = 0
    _inactive_since: float | None = None

    def desired(self, seen: Seen, now: float) -> Wish:
        """One tick at ``now``."""
        self._start(seen.replicas.ready, now)
        load = load_of(seen, self.terms.signal)
        if isinstance(load, Missing) and load.kind == NO_REPLICA and seen.flow is not None:
            load = Load(seen.flow.waiting, 0)
        if not isinstance(load, Missing):
            # scrapePods: the mean of the pods that answered, times the ready ones.
            silent = load.silent / load.reported if load.reported else 0.0
            self._samples.append((now, load.total * (1 + silent)))
        stable, panic = self._average(now, STABLE_SECONDS), self._average(now, PANIC_SECONDS)
        if stable is None:
            return Wish(seen.replicas.current, "NoData", ("no sample in the stable window",))
        ready = max(1, seen.replicas.ready)
        # Upstream's panic window is empty, and so 0, where the newest sample is older than it.
        wished, why = self._mode(stable, panic or 0.0, ready, now)
        replicas = min(max(wished, self.terms.low), self.terms.high)
        averages = f"60 s: {stable:.4g}, 6 s: {panic or 0.0:.4g}"
        said = f"{averages}, target {self.terms.target:.10g}, {ready} ready -> {wished}"
        return Wish(self._to_zero(replicas, seen.replicas.current, now), why, (said,))

    def _start(self, ready: int, now: float) -> None:
        """It starts in panic mode where more than one pod is ready: nothing is given up before enough is known."""
        if not self._started:
            self._started, self._panic_pods = True, ready
            self._panic_at = now if ready > 1 else None

    def _average(self, now: float, seconds: float) -> float | None:
        """Over the samples after ``now - seconds``, cut to six digits; None where there is none."""
        while self._samples and now - self._samples[0][0] >= STABLE_SECONDS:
            self._samples.popleft()
        values = [value for at, value in self._samples if now - at < seconds]
        return math.floor(sum(values) / len(values) * 1e6) / 1e6 if values else None

    def _mode(self, stable: float, panic: float, ready: int, now: float) -> tuple[int, str]:
        """Pods for the stable window, or, in panic mode, the most that either window has asked for since it began."""
        floor, ceiling = math.floor(ready / MAX_DOWN_RATE), math.ceil(MAX_UP_RATE * ready)
        by_stable, by_panic = (math.ceil(round(value / self.terms.target, 9)) for value in (stable, panic))
        for_stable, for_panic = (min(max(pods, floor), ceiling) for pods in (by_stable, by_panic))
        if by_panic / ready >= PANIC_THRESHOLD:
            self._panic_at = now
        elif self._panic_at is not None and now - self._panic_at > STABLE_SECONDS:
            self._panic_at, self._panic_pods = None, 0
        if self._panic_at is None:
            return for_stable, "Stable"
        self._panic_pods = max(self._panic_pods, for_stable, for_panic)
        return self._panic_pods, "Panic"

    def _to_zero(self, replicas: int, current: int, now: float) -> int:
        """The last replica stays for the grace period after nothing was asked for."""
        if replicas > 0 or current == 0:
            self._inactive_since = None
            return replicas
        self._inactive_since = now if self._inactive_since is None else self._inactive_since
        return 0 if now - self._inactive_since >= GRACE_SECONDS else 1
