"""Arrivals: exact inversion of ramps, rate and burstiness of what is drawn, the same for the same seed."""

import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elastic_serving.simulate.arrivals import Segment, TokenSizes, arrival_times, drawn
from elastic_serving.simulate.result import Requests
from elastic_serving.simulate.sample import DEFAULT_CV, SAMPLES


@pytest.mark.parametrize(
    ("segment", "requests", "seconds"),
    [
        # area t^2 x 0.4 / 2 = 5 at t = 5
        pytest.param(Segment(10, 0, 4), 5.0, 5.0, id="a ramp from zero"),
        # 4 t - 0.2 t^2 = 15 at t = 5 (20 - 5)
        pytest.param(Segment(10, 4, 0), 15.0, 5.0, id="a ramp to zero"),
        pytest.param(Segment(10, 4, 0), 20.0, 10.0, id="all of a ramp to zero"),
        pytest.param(Segment(10, 3, 3), 6.0, 2.0, id="a constant rate"),
        pytest.param(Segment(10, 3, 3), 0.0, 0.0, id="nothing yet"),
    ],
)
def test_a_ramp_is_inverted_exactly(segment: Segment, requests: float, seconds: float) -> None:
    assert segment.seconds_until(np.array([requests]))[0] == pytest.approx(seconds)


def generator(seed: int) -> np.random.Generator:
    """The same draws for the same seed."""
    return np.random.default_rng(seed)


def test_a_constant_rate_has_the_mean_and_the_variation_that_were_asked_for() -> None:
    # 20,000 intervals: the standard error of the mean is cv / sqrt(n) = 1.4 % for cv 2; of the cv, for Gamma with
    # shape 1/4, about 1.6 % (by simulation). Bounds of 5 % and 6 % are more than three of each.
    gaps = np.diff(arrival_times([Segment(2_000, 10, 10)], 2.0, generator(7)))
    assert len(gaps) == pytest.approx(20_000, rel=0.05)
    assert gaps.std() / gaps.mean() == pytest.approx(2.0, rel=0.06)


def test_variation_one_is_a_poisson_process() -> None:
    # Counts of a Poisson process per second have a variance equal to their mean (5): n = 4,000, standard error 2.3 %.
    times = arrival_times([Segment(4_000, 5, 5)], 1.0, generator(3))
    counts = np.bincount(times.astype(int), minlength=4_000)
    assert counts.mean() == pytest.approx(5.0, rel=0.05)
    assert counts.var() == pytest.approx(5.0, rel=0.08)


def test_every_stretch_of_a_script_gets_its_share_and_silence_is_silent() -> None:
    script = (Segment(100, 0, 20), Segment(50, 0, 0), Segment(100, 20, 20))
    times = arrival_times(script, 1.0, generator(5))
    assert (times < 100).sum() == pytest.approx(1_000, rel=0.1)  # area of the ramp; sqrt(1000) is 3 %
    assert not ((times > 100) & (times < 150)).any()
    assert (times >= 150).sum() == pytest.approx(2_000, rel=0.08)


def test_token_counts_are_heavy_tailed_around_their_medians() -> None:
    prompts, outputs = TokenSizes().prompts(generator(11), 10_000), TokenSizes().outputs(generator(12), 10_000)
    # The median's standard error is 1.25 sigma / sqrt(n) = 1 %; the mean is median x exp(sigma^2 / 2).
    assert np.median(prompts) == pytest.approx(512, rel=0.04)
    assert prompts.mean() == pytest.approx(705, rel=0.05)
    assert np.median(outputs) == pytest.approx(256, rel=0.04)
    assert outputs.mean() == pytest.approx(327, rel=0.05)
    assert 8 * 512 < prompts.max() <= 8000


def columns(requests: Requests) -> list[list[float]]:
    """Times, prompts, outputs."""
    return [requests.arrived.tolist(), requests.prompt_tokens.tolist(), requests.output_tokens.tolist()]


def test_the_same_seed_gives_the_same_workload_and_another_seed_another() -> None:
    def workload(seed: int) -> list[list[float]]:
        return columns(drawn(SAMPLES["bursty"], cv=DEFAULT_CV, sizes=TokenSizes(), seed=seed))

    assert workload(1) == workload(1)
    assert all(one != other for one, other in zip(workload(1), workload(2), strict=True))


def test_other_sizes_keep_the_times() -> None:
    def times(sizes: TokenSizes) -> list[float]:
        return columns(drawn(SAMPLES["step"], cv=2.0, sizes=sizes, seed=1))[0]

    assert times(TokenSizes()) == times(TokenSizes(prompt_median=5, output_median=5))


def test_the_bursty_sample_is_ten_minutes_of_ramps_steps_and_a_silence() -> None:
    script = SAMPLES["bursty"]
    assert sum(s.seconds for s in script) == 600
    # 120 + 300 + 720 + 960 + 600 + 0 + 1440 + 585
    assert sum(s.requests for s in script) == 4725
    assert any(s.requests == 0 for s in script)


def test_a_million_requests_are_drawn_within_a_second() -> None:
    # 17 million (a day of 200 a second) take 4 s on one core; a loop in Python would need 30 s.
    began = time.process_time()
    requests = drawn([Segment(5_000, 200, 200)], cv=1.0, sizes=TokenSizes(), seed=1)
    assert len(requests) == pytest.approx(1_000_000, rel=0.01)
    assert time.process_time() - began < 1.0


segments = st.lists(st.builds(Segment, st.floats(0.1, 50), st.floats(0, 20), st.floats(0, 20)), min_size=1, max_size=6)


@example(script=[Segment(8.0, 2.0, 16.0)], cv=4.0, seed=30)
@given(script=segments, cv=st.floats(0.5, 4), seed=st.integers(0, 99))
def test_times_ascend_within_the_script(script: list[Segment], cv: float, seed: int) -> None:
    times = arrival_times(script, cv, generator(seed))
    assert (np.diff(times) >= 0).all()
    assert all(0 <= at <= sum(s.seconds for s in script) + 1e-6 for at in times)
