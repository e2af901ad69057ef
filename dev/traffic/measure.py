"""What the clients saw: counts, latency and time to first token, in total and for the interval since the last look."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request's end, times in seconds of the workload; ``error`` is None for an answer that came whole."""

    first_token_seconds: float | None
    latency_seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Median and 99th percentile in seconds; None where nothing was measured, which is not 0."""

    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counts since the start (or of one interval). ``at_seconds`` is time of the workload; ``sent`` = the other three.

    ``requests_per_second`` is the arrival rate over the period, in time of the workload.
    """

    at_seconds: float
    sent: int
    completed: int
    failed: int
    in_flight: int
    requests_per_second: float
    latency: Quantiles
    first_token: Quantiles
    errors: Mapping[str, int] = field(default_factory=dict)


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least ``share`` of the values do not exceed (nearest rank); None without values.

    Example: of 1, 2, 3, 4 the 0.5 quantile is 2, the 0.99 quantile 4.
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


class Measurements:
    """Collects outcomes. A period begins at 0 and at every ``take_interval``."""

    def __init__(self) -> None:
        self._total = _Period(0.0)
        self._interval = _Period(0.0)
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        """Sent and not ended."""
        return self._in_flight

    def sent(self) -> None:
        """A request is under way."""
        self._in_flight += 1
        for period in (self._total, self._interval):
            period.sent += 1

    def ended(self, outcome: Outcome) -> None:
        """A request that was sent is answered or lost."""
        self._in_flight -= 1
        for period in (self._total, self._interval):
            period.add(outcome)

    def total(self, at_seconds: float) -> Snapshot:
        """Everything since the start."""
        return self._total.snapshot(at_seconds, self._in_flight)

    def take_interval(self, at_seconds: float) -> Snapshot:
        """Everything since the last call, and a new period begins."""
        snapshot = self._interval.snapshot(at_seconds, self._in_flight)
        self._interval = _Period(at_seconds)
        return snapshot


class _Period:
    """The counts of one stretch of time."""

    def __init__(self, begins: float) -> None:
        self.sent = 0
        self._begins = begins
        self._latencies: list[float] = []
        self._first_tokens: list[float] = []
        self._errors: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        """Only whole answers count as latencies: a quick error is not a quick answer."""
        if outcome.first_token_seconds is not None:
            self._first_tokens.append(outcome.first_token_seconds)
        if outcome.error is None:
            self._latencies.append(outcome.latency_seconds)
        else:
            self._errors[outcome.error] += 1

    def snapshot(self, at_seconds: float, in_flight: int) -> Snapshot:
        """The counts so far."""
        elapsed = at_seconds - self._begins
        return Snapshot(
            at_seconds=at_seconds,
            sent=self.sent,
            completed=len(self._latencies),
            failed=self._errors.total(),
            in_flight=in_flight,
            requests_per_second=self.sent / elapsed if elapsed > 0 else 0.0,
            latency=_quantiles(self._latencies),
            first_token=_quantiles(self._first_tokens),
            errors=dict(sorted(self._errors.items())),
        )


def _quantiles(values: Sequence[float]) -> Quantiles:
    return Quantiles(quantile(values, 0.5), quantile(values, 0.99))
