"""Observations one after another: which of their samples are counted. Pure."""

from dataclasses import dataclass, field, replace

from elastic_serving.api.models import ElasticServingSpec, SignalType
from elastic_serving.scaling.model import Missing, PerReplica, Reading, Sample, Seen


@dataclass(slots=True)
class Stream:
    """Counts samples as the operator does: what is too old is missing. So is what is older than the sample before it.

    A line whose time is before that of the line before it tells nothing new: its signals are missing, so it lowers
    nothing. The next line is taken by its own time: a clock that was put back is believed then.
    """

    stale_after_seconds: float
    _at: float = float("-inf")
    _newest: dict[str, Sample | PerReplica] = field(default_factory=dict)

    def counted(self, spec: ElasticServingSpec, seen: Seen) -> Seen:
        """``seen`` without what does not count. A user's own query may be older by the interval it is asked at."""
        late, self._at = seen.at < self._at, seen.at
        if late:
            why = Missing("Stale", "the line is from before the one before it")
            return replace(seen, signals=tuple((name, why) for name, _ in seen.signals), flow=None)
        slow = {s.name: s.interval_seconds for s in spec.signals if s.type is SignalType.PROMETHEUS}
        readings = tuple((name, self._counted(name, part, seen.at, slow.get(name, 0))) for name, part in seen.signals)
        is_fresh = seen.flow is not None and seen.at - seen.flow.sampled_at <= self.stale_after_seconds
        return replace(seen, signals=readings, flow=seen.flow if is_fresh else None)

    def _counted(self, name: str, reading: Reading, at: float, interval_seconds: float) -> Reading:
        if isinstance(reading, Missing):
            return reading
        known = self._newest.get(name)
        if known is not None and known.sampled_at <= at and _is_before(reading, known):
            return Missing("Stale", "its sample is from before the one before it")
        age_seconds = at - reading.sampled_at
        if age_seconds > self.stale_after_seconds + interval_seconds:
            return Missing("Stale", f"its newest sample is {age_seconds:.0f} s old")
        self._newest[name] = reading
        return reading


def _is_before(one: Sample | PerReplica, other: Sample | PerReplica) -> bool:
    """Was ``one`` measured before ``other``? A replica that reports for the first time may bring an older time."""
    if isinstance(one, PerReplica) and isinstance(other, PerReplica) and not _reported(one) <= _reported(other):
        return False
    return one.sampled_at < other.sampled_at


def _reported(reading: PerReplica) -> set[str]:
    return {name for name, number in reading.values if number is not None}
