"""Our own workloads: scripts of ramps, steps and silence for when no trace is at hand. Pure."""

from typing import Final

from elastic_serving.simulate.arrivals import Segment

_HOUR: Final = 3600.0

SAMPLES: Final[dict[str, tuple[Segment, ...]]] = {
    # Ten minutes. One replica of 32 slots holds about 3.3 of these requests a second at its target of 22.4 in flight
    # (705 prompt and 327 output tokens are about 6.8 s), so the script asks for 1, 3, 5, 1, 0, 4 and 1 replicas.
    "bursty": (
        Segment(60, 2, 2),
        Segment(60, 2, 8),
        Segment(90, 8, 8),
        Segment(60, 16, 16),
        Segment(60, 16, 4),
        Segment(60, 0, 0),
        Segment(120, 12, 12),
        Segment(90, 12, 1),
    ),
    # A day and night: a slow wave, a dip at noon, and two bursts that nothing announces (15:00 and 20:30).
    "day": (
        Segment(6 * _HOUR, 1, 1),
        Segment(4 * _HOUR, 1, 10),
        Segment(2 * _HOUR, 10, 10),
        Segment(1 * _HOUR, 10, 6),
        Segment(2 * _HOUR, 6, 12),
        Segment(300, 24, 24),
        Segment(3 * _HOUR - 300, 12, 9),
        Segment(2.5 * _HOUR, 9, 4),
        Segment(600, 16, 16),
        Segment(3.5 * _HOUR - 600, 4, 1),
    ),
    # One step from idle to a steady load: the plainest picture of a cold start.
    "step": (Segment(60, 1, 1), Segment(240, 12, 12), Segment(120, 1, 1)),
    # A constant load: what the replicas settle at.
    "steady": (Segment(300, 6, 6),),
}
"""By name; rates are requests per second, times seconds before division by the speed."""

DEFAULT_CV: Final = 2.0
"""Coefficient of variation of the sample's intervals: bursts that a Poisson process (1.0) does not have."""
