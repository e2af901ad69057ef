"""Latencies of all servings out of histograms: who kept a budget, and percentiles. Pure.

A histogram is its buckets' upper bounds and how many observations are at most that, the last bound being infinite.
Within a bucket observations count as spread evenly, the first one beginning at 0, as in PromQL's histogram_quantile
(prometheus docs/querying/functions.md, read 2026-11-24); the infinite bucket has no width, so what is in it keeps no
budget, and a percentile in it is its lower bound.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from elastic_serving.api.signals import EffectiveSignal
from elastic_serving.observe.catalogue import NAMESPACE_LABEL, PART, SAMPLED_AT, SERVING_LABEL, TPOT, TTFT
from elastic_serving.observe.fleet import Key
from elastic_serving.observe.series import Series
from elastic_serving.scaling.model import Latency

Histogram: TypeAlias = Sequence[tuple[float, float]]
"""Upper bound and cumulative count, by bound."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """The histograms of one serving over the last minute, by part, and when its oldest sample was scraped."""

    sampled_at: float
    histograms: Mapping[str, Histogram] = field(default_factory=dict)


def parse_latencies(series: Iterable[Series]) -> dict[Key, Latencies]:
    """By serving; one whose time is unknown, or a bucket that is no number, is left out."""
    times: dict[Key, float] = {}
    buckets: dict[Key, dict[str, list[tuple[float, float]]]] = {}
    for one in series:
        labels, part = one.labels, one.labels.get(PART, "")
        key = labels.get(NAMESPACE_LABEL, ""), labels.get(SERVING_LABEL, "")
        if not one.is_number or not all(key):
            continue
        if part == SAMPLED_AT:
            times[key] = one.value
        elif part in (TTFT, TPOT) and (bound := _number(labels.get("le", ""))) is not None:
            buckets.setdefault(key, {}).setdefault(part, []).append((bound, one.value))
    return {
        key: Latencies(at, {part: sorted(found) for part, found in buckets.get(key, {}).items()})
        for key, at in times.items()
    }


def latency_of(seen: Latencies | None, signal: EffectiveSignal, oldest: float) -> Latency | None:
    """What ``signal`` wants to know; None where a budget's histogram is absent, empty or older than ``oldest``."""
    if seen is None or seen.sampled_at < oldest:
        return None
    missed, percentiles = 0.0, {}
    for part, budget in ((TTFT, signal.ttft_seconds), (TPOT, signal.tpot_seconds)):
        if budget is None:
            continue
        histogram = seen.histograms.get(part, ())
        within = share_within(histogram, budget)
        if within is None:
            return None
        # Whether the same requests missed both is not known: at most so many missed any.
        missed += 1 - within
        percentiles[part] = quantile(histogram, signal.percentile / 100)
    return Latency(max(0.0, 1 - missed), seen.sampled_at, percentiles.get(TTFT), percentiles.get(TPOT))


def share_within(histogram: Histogram, bound: float) -> float | None:
    """Part of the observations, 0 to 1, that are at most ``bound``; None of nothing. (1 s: 2, 3 s: 6, inf: 8) has at
    most 2 s: 2 + half of 4 = 4 of 8, 0.5."""
    total = histogram[-1][1] if histogram and histogram[-1][0] == math.inf else 0.0
    if total <= 0:
        return None
    below, counted = 0.0, 0.0
    for upper, count in histogram:
        if bound < upper:
            inside = 0.0 if upper == math.inf else (count - counted) * (bound - below) / (upper - below)
            return min(1.0, (counted + inside) / total)
        below, counted = upper, count
    return 1.0


def quantile(histogram: Histogram, share: float) -> float | None:
    """The value that ``share`` of the observations are at most; None of nothing."""
    total = histogram[-1][1] if histogram and histogram[-1][0] == math.inf else 0.0
    if total <= 0:
        return None
    below, counted = 0.0, 0.0
    for upper, count in histogram:
        if count >= share * total:
            is_even = upper != math.inf and count > counted
            return below + (upper - below) * (share * total - counted) / (count - counted) if is_even else below
        below, counted = upper, count
    return below


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
