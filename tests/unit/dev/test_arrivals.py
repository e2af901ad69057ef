"""Workloads: exact inversion of ramps, rate and burstiness of what is drawn, the same for the same seed."""

import random
import statistics
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dev.traffic.arrivals import Segment, TokenSizes, arrival_times, arrivals, scaled
from dev.traffic.sample import DEFAULT_CV, SAMPLES


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
    assert segment.seconds_until(requests) == pytest.approx(seconds)


def test_a_constant_rate_has_the_mean_and_the_variation_that_were_asked_for() -> None:
    # 20,000 intervals: the standard error of the mean is cv / sqrt(n) = 1.4 % for cv 2; of the cv, for Gamma with
    # shape 1/4, about 1.6 % (by simulation). Bounds of 5 % and 6 % are more than three of each.
    times = list(arrival_times([Segment(2_000, 10, 10)], 2.0, random.Random(7)))
    gaps = [after - before for before, after in pairwise(times)]
    assert len(times) == pytest.approx(20_000, rel=0.05)
    assert statistics.stdev(gaps) / statistics.fmean(gaps) == pytest.approx(2.0, rel=0.06)


def test_variation_one_is_a_poisson_process() -> None:
    # Counts of a Poisson process per second have a variance equal to their mean (5): n = 4,000, standard error 2.3 %.
    times = list(arrival_times([Segment(4_000, 5, 5)], 1.0, random.Random(3)))
    counts = [0] * 4_000
    for at in times:
        counts[int(at)] += 1
    assert statistics.fmean(counts) == pytest.approx(5.0, rel=0.05)
    assert statistics.variance(counts) == pytest.approx(5.0, rel=0.08)


def test_every_stretch_of_a_script_gets_its_share_and_silence_is_silent() -> None:
    script = (Segment(100, 0, 20), Segment(50, 0, 0), Segment(100, 20, 20))
    times = list(arrival_times(script, 1.0, random.Random(5)))
    assert sum(at < 100 for at in times) == pytest.approx(1_000, rel=0.1)  # area of the ramp; sqrt(1000) is 3 %
    assert not [at for at in times if 100 < at < 150]
    assert sum(at >= 150 for at in times) == pytest.approx(2_000, rel=0.08)


def test_token_counts_are_heavy_tailed_around_their_medians() -> None:
    drawn = [TokenSizes().draw(rng) for rng in [random.Random(11)] for _ in range(10_000)]
    prompts, outputs = [p for p, _ in drawn], [o for _, o in drawn]
    # The median's standard error is 1.25 sigma / sqrt(n) = 1 %; the mean is median x exp(sigma^2 / 2).
    assert statistics.median(prompts) == pytest.approx(512, rel=0.04)
    assert statistics.fmean(prompts) == pytest.approx(705, rel=0.05)
    assert statistics.median(outputs) == pytest.approx(256, rel=0.04)
    assert statistics.fmean(outputs) == pytest.approx(327, rel=0.05)
    assert max(prompts) > 8 * 512
    assert max(prompts) <= 8000


def test_the_same_seed_gives_the_same_workload_and_another_seed_another() -> None:
    def drawn(seed: int) -> object:
        return arrivals(SAMPLES["bursty"], cv=DEFAULT_CV, sizes=TokenSizes(), seed=seed)

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_other_sizes_keep_the_times() -> None:
    def times(sizes: TokenSizes) -> list[float]:
        return [a.at_seconds for a in arrivals(SAMPLES["step"], cv=2.0, sizes=sizes, seed=1)]

    assert times(TokenSizes()) == times(TokenSizes(prompt_median=5, output_median=5))


def test_the_bursty_sample_is_ten_minutes_of_ramps_steps_and_a_silence() -> None:
    script = SAMPLES["bursty"]
    assert sum(s.seconds for s in script) == 600
    # 120 + 300 + 720 + 960 + 600 + 0 + 1440 + 585
    assert sum(s.requests for s in script) == 4725
    assert any(s.requests == 0 for s in script)


segments = st.lists(st.builds(Segment, st.floats(0.1, 50), st.floats(0, 20), st.floats(0, 20)), min_size=1, max_size=6)


@example(script=[Segment(8.0, 2.0, 16.0)], cv=4.0, seed=30)  # two times differ by rounding alone
@given(script=segments, cv=st.floats(0.5, 4), seed=st.integers(0, 99))
def test_times_ascend_within_the_script(script: list[Segment], cv: float, seed: int) -> None:
    times = list(arrival_times(script, cv, random.Random(seed)))
    assert times == sorted(times)
    assert all(0 <= at <= sum(s.seconds for s in script) + 1e-6 for at in times)


@given(script=segments, factor=st.floats(0.1, 10))
def test_scaling_scales_the_expected_requests_and_no_times(script: list[Segment], factor: float) -> None:
    grown = scaled(script, factor)
    assert sum(s.requests for s in grown) == pytest.approx(factor * sum(s.requests for s in script))
    assert [s.seconds for s in grown] == [s.seconds for s in script]
