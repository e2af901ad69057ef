"""What a run is given: traces cut and scaled, and the sentences where nothing sensible is left."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic_serving.simulate.arrivals import Segment
from elastic_serving.simulate.result import Requests
from elastic_serving.simulate.workload import (
    Shaping,
    Trace,
    TraceError,
    cut,
    expected_requests,
    length_seconds,
    replicated,
    scaled,
    shaped,
)


def requests(*times: float) -> Requests:
    """Requests at these times; the n-th has n prompt tokens and 10 n output tokens, from 1."""
    numbers = np.arange(1, len(times) + 1)
    return Requests(np.array(times, dtype=float), numbers, 10 * numbers)


@pytest.mark.parametrize(
    ("times", "factor", "arrived", "prompts"),
    [
        # The gap after the second is 3 s and counts as one; so does the one after the last.
        pytest.param((0.0, 0.5, 3.5), 2, [0, 0.25, 0.5, 1.0, 3.5, 4.0], [1, 1, 2, 2, 3, 3], id="twice"),
        # floor of 0, 2.5, 5: two of the first, three of the second.
        pytest.param((0.0, 0.6), 2.5, [0, 0.3, 0.6, 0.6 + 1 / 3, 0.6 + 2 / 3], [1, 1, 2, 2, 2], id="two and a half"),
        # floor of 0, 0.5, 1, 1.5, 2: the second and the fourth.
        pytest.param((0.0, 1.0, 2.0, 3.0), 0.5, [1, 3], [2, 4], id="half"),
        pytest.param((0.0, 1.0), 1, [0, 1], [1, 2], id="as they are"),
        pytest.param((2.0, 2.0), 2, [2, 2, 2, 2.5], [1, 1, 2, 2], id="two at once"),
    ],
)
def test_each_request_becomes_as_many(
    times: tuple[float, ...], factor: float, arrived: list[float], prompts: list[int]
) -> None:
    made = replicated(requests(*times), factor)
    assert made.arrived.tolist() == pytest.approx(arrived)
    assert made.prompt_tokens.tolist() == prompts
    assert made.output_tokens.tolist() == [10 * prompt for prompt in prompts]


@given(
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=50),
    factor=st.floats(0.1, 20),
)
def test_scaled_requests_ascend_and_every_stretch_has_its_share(gaps: list[float], factor: float) -> None:
    given_times = np.cumsum(gaps)
    made = replicated(requests(*given_times), factor)
    assert (np.diff(made.arrived) >= 0).all()
    # Copies are at most a second late, and rounding down is at most one request behind.
    for at in given_times:
        before = int((given_times <= at).sum())
        assert (made.arrived <= at + 1.0).sum() >= int(before * factor + 1e-9) - 1
        assert (made.arrived < at).sum() <= (given_times < at).sum() * factor + 1


def test_scaled_requests_keep_the_variation_of_their_intervals() -> None:
    times = np.cumsum(np.random.default_rng(1).gamma(1 / 4, 4 / 100, 20_000))  # 100 a second, CV 2
    gaps = np.diff(replicated(requests(*times), 10).arrived[:-10])  # the last ten have a second of their own
    assert 1 / gaps.mean() == pytest.approx(1000, rel=0.05)
    assert gaps.std() / gaps.mean() == pytest.approx(np.diff(times).std() / np.diff(times).mean(), rel=0.001)


RAMP = (Segment(10, 0, 4), Segment(10, 4, 4))


@pytest.mark.parametrize(
    ("seconds", "left"),
    [
        pytest.param(None, RAMP, id="all"),
        pytest.param(15, (Segment(10, 0, 4), Segment(5, 4, 4)), id="within a segment"),
        pytest.param(5, (Segment(5, 0, 2),), id="within the ramp, on its line"),
        pytest.param(10, (Segment(10, 0, 4),), id="between two"),
        pytest.param(99, RAMP, id="more than there is"),
    ],
)
def test_rates_are_cut_on_their_line(seconds: float | None, left: Trace) -> None:
    assert cut(RAMP, seconds) == left


def test_requests_are_cut_before_the_end() -> None:
    left = cut(requests(0, 1, 2, 3), 2)
    assert isinstance(left, Requests)
    assert left.arrived.tolist() == [0, 1]


def test_the_length_of_requests_holds_the_last_one() -> None:
    assert length_seconds(requests(0, 2.5)) == 3
    assert length_seconds(requests(0, 3)) == 4
    assert length_seconds(RAMP) == 20


@given(
    script=st.lists(st.builds(Segment, st.floats(0.1, 50), st.floats(0, 20), st.floats(0, 20)), min_size=1, max_size=6),
    factor=st.floats(0.1, 10),
)
def test_scaling_scales_the_expected_requests_and_no_times(script: list[Segment], factor: float) -> None:
    grown = scaled(script, factor)
    assert expected_requests(grown) == pytest.approx(factor * expected_requests(tuple(script)))
    assert [s.seconds for s in grown] == [s.seconds for s in script]


def test_the_mean_rate_is_that_of_what_is_simulated() -> None:
    # After the cut 10 s at 1 and 10 s at 3 are left, 40 requests; the third segment would make it a mean of 101.
    rates = (Segment(10, 1, 1), Segment(10, 3, 3), Segment(10, 300, 300))
    made = shaped(rates, Shaping(seconds=20, mean_rate=500, seed=3))
    # 10,000 expected; sqrt is 1 %.
    assert len(made) == pytest.approx(10_000, rel=0.04)
    assert (made.arrived < 10).sum() == pytest.approx(2_500, rel=0.08)
    assert len(shaped(requests(0, 1, 2, 3), Shaping(mean_rate=2.5))) == 10  # 4 s


@pytest.mark.parametrize(
    ("trace", "shaping", "sentence"),
    [
        pytest.param(
            (Segment(60, 0, 0), Segment(60, 1, 1)),
            Shaping(seconds=60),
            "the trace has no request in its 60 s; it must have at least 1",
            id="silence",
        ),
        pytest.param(
            (Segment(10, 1e6, 1e6),),
            Shaping(rate=1000),
            "the run would have 1e+10 requests; it may have 1e+08",
            id="far too many",
        ),
        pytest.param(
            (Segment(1e12, 0, 0), Segment(1, 1, 1)),
            Shaping(),
            "the trace is 1e+12 s long; a run may have 31622400 s",
            id="far too long",
        ),
        pytest.param(
            requests(0),
            Shaping(rate=0.1),
            "at 0.1 requests expected none was drawn; at least 1 is needed",
            id="too few",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_its_number(trace: Trace, shaping: Shaping, sentence: str) -> None:
    with pytest.raises(TraceError) as refused:
        shaped(trace, shaping)
    assert str(refused.value) == sentence
