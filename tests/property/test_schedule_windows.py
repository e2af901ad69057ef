"""The windows of schedules: whoever looks, and whenever, finds the same ones, also while the clocks change."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastic_serving.api.cron import window_at

CHANGES = {
    "Europe/Berlin": (1774746000.0, 1792890000.0),
    "America/New_York": (1772953200.0, 1793512800.0),
    "Australia/Lord_Howe": (1775314800.0, 1791043200.0),
    "UTC": (1774746000.0,),
}
"""Moments of 2026 at which the clocks change; Lord Howe's change by half an hour."""

places = st.sampled_from([(zone, at) for zone, moments in CHANGES.items() for at in moments])
times = st.builds("{} {} * * {}".format, st.integers(0, 59), st.integers(0, 5), st.sampled_from(["*", "SUN", "MON"]))


@pytest.mark.promise("U17")
@settings(deadline=None, max_examples=80)
@given(times, times, places, st.integers(-600, 600))
def test_a_window_is_the_same_from_every_minute_of_it(start: str, end: str, place: tuple[str, float], off: int) -> None:
    zone, change = place
    at = change + off * 60.0
    found = window_at(start, end, zone, at)
    assert found is not None
    assert at < found.ends_at
    moments = (found.starts_at, (found.starts_at + found.ends_at) // 120 * 60, found.ends_at - 1)
    inside = [window_at(start, end, zone, moment) for moment in moments]
    assert {None if window is None else window.ends_at for window in inside} == {found.ends_at}
