"""Counts and quantiles of what the clients saw."""

import pytest

from dev.traffic.measure import Measurements, Outcome, Quantiles, quantile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        pytest.param([4, 1, 3, 2], 0.5, 2, id="the second of four"),
        pytest.param([4, 1, 3, 2], 0.99, 4, id="the last of four"),
        pytest.param([7], 0.5, 7, id="the only one"),
        pytest.param(list(range(1, 101)), 0.99, 99, id="the 99th of a hundred"),
        pytest.param([], 0.5, None, id="nothing measured is not zero"),
    ],
)
def test_a_quantile_is_the_nearest_rank(values: list[float], share: float, expected: float | None) -> None:
    assert quantile(values, share) == expected


def test_totals_and_intervals_are_counted_apart() -> None:
    seen = Measurements()
    for _ in range(3):
        seen.sent()
    seen.ended(Outcome(0.1, 1.0))
    seen.ended(Outcome(None, 0.5, "refused"))
    first = seen.take_interval(10.0)
    assert (first.sent, first.completed, first.failed, first.in_flight) == (3, 1, 1, 1)
    assert first.requests_per_second == pytest.approx(0.3)
    seen.ended(Outcome(0.3, 3.0))
    second = seen.take_interval(20.0)
    assert (second.sent, second.completed, second.failed, second.in_flight) == (0, 1, 0, 0)
    total = seen.total(20.0)
    assert (total.sent, total.completed, total.failed, total.errors) == (3, 2, 1, {"refused": 1})
    assert total.latency == Quantiles(1.0, 3.0)
    assert total.first_token == Quantiles(0.1, 0.3)


def test_an_errors_time_is_no_latency() -> None:
    seen = Measurements()
    seen.sent()
    seen.ended(Outcome(None, 0.001, "http 500"))
    assert seen.total(1.0).latency == Quantiles(None, None)


def test_before_the_start_there_is_no_rate() -> None:
    assert Measurements().total(0.0).requests_per_second == 0
