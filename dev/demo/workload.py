"""The requests of a demo: a trace file's, or the bursty sample's."""

from pathlib import Path
from typing import Final

from dev.traffic.arrivals import Arrival, Segment, TokenSizes, arrivals
from dev.traffic.sample import DEFAULT_CV, SAMPLES
from dev.traffic.trace import TraceError, read_trace

SAMPLE: Final = "bursty"
SEED: Final = 1
_POISSON: Final = 1.0
"""Coefficient of variation for a trace of rates: it tells nothing of the arrivals between its rows."""


def read_workload(trace: Path | None, minutes: float) -> tuple[Arrival, ...]:
    """The first ``minutes`` of the trace or of the sample, the same every time; TraceError where nothing is left."""
    found = read_trace(trace) if trace else SAMPLES[SAMPLE]
    segments = tuple(part for part in found if isinstance(part, Segment))
    given = tuple(part for part in found if isinstance(part, Arrival))
    cv = _POISSON if trace else DEFAULT_CV
    requests = given or arrivals(segments, cv=cv, sizes=TokenSizes(), seed=SEED)
    kept = tuple(request for request in requests if request.at_seconds < minutes * 60)
    if not kept:
        raise TraceError(f"{trace or SAMPLE}: the first {minutes:g} minutes have no request; at least 1 is needed")
    return kept
