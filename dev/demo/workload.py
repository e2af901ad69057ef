"""The requests of a demo: a trace file's, or the bursty sample's."""

from pathlib import Path
from typing import Final

from dev.traffic.arrivals import Arrival, arrivals
from elastic_serving.simulate.sample import DEFAULT_CV, SAMPLES
from elastic_serving.simulate.traces import read_trace
from elastic_serving.simulate.workload import POISSON, Shaping, TraceError, shaped

SAMPLE: Final = "bursty"
SEED: Final = 1


def read_workload(trace: Path | None, minutes: float) -> tuple[Arrival, ...]:
    """The first ``minutes`` of the trace or of the sample, the same every time; TraceError where nothing is left."""
    found = read_trace(trace) if trace else SAMPLES[SAMPLE]
    shaping = Shaping(minutes * 60, cv=POISSON if trace else DEFAULT_CV, seed=SEED)
    try:
        return arrivals(shaped(found, shaping))
    except TraceError as error:
        raise TraceError(f"{trace or SAMPLE}: {error}") from error
