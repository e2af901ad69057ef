"""A recorded past as a trace: what a gap counts as, and the fleet as it really was."""

import pytest

from elastic_serving.scaling.model import Inventory, ReplicaCounts, Seen
from elastic_serving.simulate.arrivals import Segment
from elastic_serving.simulate.past import Past, fleet_of, past_of

NOTHING_SEEN = Seen(0.0, ReplicaCounts(1, 1, 0), (), Inventory(0.0))


@pytest.mark.promise("U29")
@pytest.mark.parametrize(
    ("points", "past"),
    [
        pytest.param(
            [(60, 2), (120, 3), (180, 0)],
            Past(0, (Segment(60, 2, 2), Segment(60, 3, 3), Segment(60, 0, 0)), ()),
            id="each rate is that of the step before it",
        ),
        pytest.param(
            [(60, 2), (240, 4)],
            Past(0, (Segment(60, 2, 2), Segment(120, 2, 4), Segment(60, 4, 4)), (120,)),
            id="a gap is a line between its neighbours",
        ),
        pytest.param([(60, 2)], Past(0, (Segment(60, 2, 2),), ()), id="one point"),
        pytest.param(
            [(60, 2), (180, 0), (360, 0)],
            Past(0, (Segment(60, 2, 2), Segment(60, 2, 0), Segment(60, 0, 0), Segment(120, 0, 0), Segment(60, 0, 0)),
                 (60, 120)),
            id="two gaps, one of them in silence",
        ),
    ],
)  # fmt: skip
def test_points_become_rates_and_gaps_lines(points: list[tuple[float, float]], past: Past) -> None:
    found = past_of(points, 60)
    assert found == past
    assert found.seconds == points[-1][0]


def test_the_fleet_as_it_was_is_wished_a_boot_before_it_served() -> None:
    # 2 replicas served until 300 s, then 5 until 600 s, then 1: five are wished from 200 s on, one from 600 s on.
    played = fleet_of([(1000, 2), (1300, 5.2), (1400, 5), (1600, 1)], begins=1000, boot_seconds=100)
    assert played.start == 2
    wished = {at: played.desired(NOTHING_SEEN, at).replicas for at in (0, 199, 200, 299, 300, 599, 600, 9999)}
    assert wished == {0: 2, 199: 2, 200: 5, 299: 5, 300: 5, 599: 5, 600: 1, 9999: 1}


def test_before_the_first_point_the_fleet_is_the_first() -> None:
    assert fleet_of([(1060, 3), (1120, 4)], begins=1000, boot_seconds=0).start == 3
