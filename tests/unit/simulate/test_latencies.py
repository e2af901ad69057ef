"""What a latency budget sees in a simulated cluster."""

from array import array

import numpy as np
import pytest

from elastic_serving.api.models import EffectiveSignal, SignalType
from elastic_serving.simulate.latencies import Pace, latency_seen
from elastic_serving.simulate.result import Requests
from elastic_serving.simulate.slots import Slots

PACE = Pace(prefill_seconds=0.5, prefill_token_seconds=0.001, decode_token_seconds=0.02)


def budget(ttft: float | None = None, tpot: float | None = None) -> EffectiveSignal:
    return EffectiveSignal("Latency", SignalType.LATENCY, 1.0, ttft_seconds=ttft, tpot_seconds=tpot, percentile=50.0)


def four() -> Slots:
    """One slot, 10 s each: four that arrive at 0 wait 0, 10, 20 and 30 s; prefill 0.5 s and 0.98 s for 980 tokens."""
    arrived = np.zeros(4)
    slots = Slots(Requests(arrived, np.full(4, 980, np.int64), np.full(4, 1, np.int64)), array("d", [10.0] * 4))
    slots.add(0, 1, 0.0)
    slots.advance(25.0)
    return slots


@pytest.mark.parametrize(
    ("now", "ttft", "met"),
    [
        pytest.param(25.0, 11.5, 2 / 3, id="first tokens after 1.5, 11.5 and 21.5 s; the fourth waits"),
        pytest.param(65.0, 11.5, 0.5, id="a minute ago is 5 s: the second and the third"),
        pytest.param(25.0, 30.0, 1.0, id="all keep it"),
    ],
)
def test_the_requests_that_began_in_the_last_minute_tell_who_kept_the_budget(
    now: float, ttft: float, met: float
) -> None:
    seen = latency_seen(four(), PACE, budget(ttft=ttft), now)
    assert seen is not None
    assert seen.met == pytest.approx(met)


def test_percentiles_and_the_pace_of_tokens() -> None:
    seen = latency_seen(four(), PACE, budget(ttft=30, tpot=0.02), 25.0)
    assert seen is not None
    assert (seen.met, seen.tpot_seconds, seen.sampled_at) == (1.0, 0.02, 25.0)
    assert seen.ttft_seconds == pytest.approx(11.5)
    slow = latency_seen(four(), PACE, budget(ttft=30, tpot=0.01), 25.0)
    assert slow is not None
    assert slow.met == 0


def test_no_request_is_no_latency() -> None:
    assert latency_seen(four(), PACE, budget(ttft=1), 85.0) is None
