"""HPA's semantics once more, plain and slow, to compare with: exact fractions, a full history, nothing bucketed.

Written from the behaviour of kubernetes pkg/controller/podautoscaler/replica_calculator.go and horizontal.go (with
tolerances per direction and windows in both directions), read 2026-11-22. One quirk is left out: HPA overwrites an
outdated scale event with the next one, so it may forget early what a longer period of the other direction still needs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, TypeAlias

Choose: TypeAlias = Callable[[list[int]], int]


def replicas_by_pod(
    loads: Sequence[int], target: int, *, silent: int, starting: int, current: int, down: Fraction, up: Fraction
) -> int:
    """What calcPlainMetricReplicas answers: ``loads`` of the pods that reported, how many did not or are unready."""
    ratio = Fraction(sum(loads), target * len(loads))
    with_unready = starting > 0 and ratio > 1
    if not with_unready and silent == 0:
        return current if 1 - down <= ratio <= 1 + up else math.ceil(ratio * len(loads))
    counted = list(loads)
    if ratio < 1:
        counted += [target] * silent
    elif ratio > 1:
        counted += [0] * silent
    if with_unready:
        counted += [0] * starting
    again = Fraction(sum(counted), target * len(counted))
    if 1 - down <= again <= 1 + up or (ratio < 1 < again) or (again < 1 < ratio):
        return current
    replicas = math.ceil(again * len(counted))
    if (again < 1 and replicas > current) or (again > 1 and replicas < current):
        return current
    return replicas


def replicas_by_total(total: int, target: int, *, current: int, down: Fraction, up: Fraction) -> int:
    """What GetExternalPerPodMetricReplicas answers, where the status shows ``current`` pods."""
    if current and 1 - down <= Fraction(total, target * current) <= 1 + up:
        return current
    return math.ceil(Fraction(total, target))


def replicas_by_value(value: int, target: int, *, current: int, ready: int, down: Fraction, up: Fraction) -> int:
    """What getUsageRatioReplicaCount answers."""
    ratio = Fraction(value, target)
    if current == 0:
        return math.ceil(ratio)
    return current if 1 - down <= ratio <= 1 + up else math.ceil(ratio * ready)


@dataclass(frozen=True)
class Rule:
    """A rate policy."""

    type: Literal["Replicas", "Percent"]
    value: int
    period: int


@dataclass(frozen=True)
class Rules:
    """One direction. ``select`` is what HPA calls selectPolicy; no policies means no limit on the rate."""

    window: int = 0
    rules: tuple[Rule, ...] = ()
    select: Literal["Max", "Min", "Disabled"] = "Max"


@dataclass
class Hpa:
    """The controller's loop for one object: it keeps everything it was ever asked for, and its own scale events."""

    low: int
    high: int
    up: Rules
    down: Rules
    current: int
    asked: list[tuple[float, int]] = field(default_factory=list)
    added: list[tuple[float, int]] = field(default_factory=list)
    removed: list[tuple[float, int]] = field(default_factory=list)

    def sync(self, now: float, recommendation: int) -> int:
        """One reconciliation at ``now``: the new number of replicas."""
        if not self.asked:
            self.asked.append((now, self.current))
        if self.current > self.high:
            desired = self.high
        elif self.current < self.low:
            desired = self.low
        else:
            desired = self._rated(now, self._stabilized(now, recommendation))
        if desired > self.current:
            self.added.append((now, desired - self.current))
        elif desired < self.current:
            self.removed.append((now, self.current - desired))
        self.current = desired
        return desired

    def _stabilized(self, now: float, recommendation: int) -> int:
        lowest = min([recommendation, *(n for at, n in self.asked if at > now - self.up.window)])
        highest = max([recommendation, *(n for at, n in self.asked if at > now - self.down.window)])
        self.asked.append((now, recommendation))
        return min(max(self.current, lowest), highest)

    def _rated(self, now: float, desired: int) -> int:
        if desired > self.current:
            limits = [self._period_start(now, rule) for rule in self.up.rules]
            proposals = [
                start + rule.value if rule.type == "Replicas" else math.ceil(start * (1 + rule.value / 100))
                for start, rule in zip(limits, self.up.rules, strict=True)
            ]
            allowed = self._selected(proposals, self.up, most=max, least=min, otherwise=self.high)
            return min(desired, self.high, max(allowed, self.current))
        if desired < self.current:
            limits = [self._period_start(now, rule) for rule in self.down.rules]
            proposals = [
                start - rule.value if rule.type == "Replicas" else int(start * (1 - rule.value / 100))
                for start, rule in zip(limits, self.down.rules, strict=True)
            ]
            allowed = self._selected(proposals, self.down, most=min, least=max, otherwise=self.low)
            return max(desired, self.low, min(allowed, self.current))
        return desired

    def _selected(self, proposals: list[int], rules: Rules, *, most: Choose, least: Choose, otherwise: int) -> int:
        if rules.select == "Disabled":
            return self.current
        if not proposals:
            return otherwise
        return (least if rules.select == "Min" else most)(proposals)

    def _period_start(self, now: float, rule: Rule) -> int:
        added = sum(n for at, n in self.added if at > now - rule.period)
        removed = sum(n for at, n in self.removed if at > now - rule.period)
        return self.current - added + removed
