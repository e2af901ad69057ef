"""What a signal of type Latency sees in a simulated cluster: the waits of the requests that began in the last minute.

As from histograms without the error of their buckets, and as soon as a request has its slot.
"""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from elastic_serving.api.models import EffectiveSignal
from elastic_serving.scaling.model import Latency
from elastic_serving.simulate.slots import Slots

WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds an engine takes: before the first token, for each token of the prompt, for each token written."""

    prefill_seconds: float
    prefill_token_seconds: float
    decode_token_seconds: float


def latency_seen(slots: Slots, pace: Pace, signal: EffectiveSignal, now: float) -> Latency | None:
    """None where no request began. Requests begin in the order of their arrival."""
    requests, end = slots.requests, slots.begun
    arrived, waits = requests.arrived, slots.waits
    # A search that looks at some twenty requests: of a day of millions this is asked every few seconds.
    first = bisect_right(range(end), now - WINDOW_SECONDS, key=lambda at: arrived[at] + waits[at])
    if first >= end:
        return None
    starts = arrived[first:end] + np.frombuffer(waits, dtype=np.float64)[first:end]
    prefill = pace.prefill_seconds + pace.prefill_token_seconds * requests.prompt_tokens[first:end]
    ttft = starts - requests.arrived[first:end] + prefill + pace.decode_token_seconds
    within = np.ones(end - first, dtype=bool)
    if signal.ttft_seconds is not None:
        within &= ttft <= signal.ttft_seconds
    if signal.tpot_seconds is not None and pace.decode_token_seconds > signal.tpot_seconds:
        within[:] = False
    at_percentile = float(np.percentile(ttft, signal.percentile))
    return Latency(float(within.mean()), now, at_percentile, pace.decode_token_seconds)
