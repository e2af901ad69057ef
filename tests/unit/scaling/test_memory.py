"""The memory: what a window keeps, what a restart and a clock that goes back do, and the form it is saved in."""

import json

import pytest

from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import (
    Memory,
    extreme,
    from_dict,
    restored,
    resumed,
    rewound,
    seeded,
    to_dict,
    with_change,
    with_high,
    with_low,
)
from tests.support.scaling import Short, echo_spec, play, seen_of, spec_of

FULL = Memory(
    at=1790000000.1,
    desired=7,
    lows=((1789999990.3, 2), (1790000000.1, 5)),
    highs=((1789999900.7, 9), (1790000000.1, 7)),
    changes=((1789999990.3, 4), (1790000000.1, -2)),
    idle_since=1789999999.9,
    missing_since=0.1 + 0.2,
    retired=("0c1f2a3e-0000-4000-8000-000000000001",),
    advised=True,
)


@pytest.mark.parametrize(
    ("numbers", "highs", "lows"),
    [
        pytest.param([(0, 5), (5, 5), (10, 5)], ((10, 5),), ((10, 5),), id="equal numbers are one mark"),
        pytest.param([(0, 5), (5, 3)], ((0, 5), (5, 3)), ((5, 3),), id="falling: every high counts, one low"),
        pytest.param([(0, 3), (5, 5)], ((5, 5),), ((0, 3), (5, 5)), id="rising: every low counts, one high"),
        pytest.param([(0, 5), (4.9, 3)], ((4.9, 5),), ((4.9, 3),), id="one bucket keeps its extreme, newest time"),
        pytest.param([(4.9, 5), (5, 3)], ((4.9, 5), (5, 3)), ((5, 3),), id="two buckets, 0.1 s apart"),
        pytest.param([(0, 9), (60, 3)], ((60, 3),), ((60, 3),), id="what is a whole window old is gone"),
    ],
)
def test_a_window_keeps_what_can_still_be_its_extreme(
    numbers: list[tuple[float, int]], highs: tuple[object, ...], lows: tuple[object, ...]
) -> None:
    window: tuple[tuple[float, int], ...] = ()
    other: tuple[tuple[float, int], ...] = ()
    for at, number in numbers:
        window, other = with_high(window, at, number, 60), with_low(other, at, number, 60)
    assert (window, other) == (highs, lows)


def test_a_window_is_open_at_its_far_end() -> None:
    marks = ((0.0, 9), (10.0, 4))
    assert [extreme(marks, now, 60, 1) for now in (0, 59.9, 60, 69.9, 70)] == [9, 9, 4, 4, 1]


def test_a_window_of_zero_keeps_nothing() -> None:
    assert with_high(((0.0, 5),), 1, 3, 0) == ()
    assert extreme(((1.0, 5),), 1, 0, 2) == 2


@pytest.mark.parametrize(
    ("changes", "now", "change", "expected"),
    [
        pytest.param((), 10, 3, ((10, 3),), id="the first"),
        pytest.param(((10, 3),), 20, -1, ((10, 3), (20, -1)), id="another"),
        pytest.param(((10, 3),), 14, 2, ((14, 5),), id="of one bucket: the sum"),
        pytest.param(((10, 3),), 14, -3, (), id="of one bucket, undone"),
        pytest.param(((10, 3),), 70, 0, (), id="older than the longest period"),
        pytest.param(((10, 3),), 69, 0, ((10, 3),), id="just within it"),
    ],
)
def test_scale_events_of_the_longest_period_are_kept(
    changes: tuple[tuple[float, int], ...], now: float, change: int, expected: object
) -> None:
    assert with_change(changes, now, change, 60) == expected


def test_without_policies_no_scale_event_is_kept() -> None:
    assert with_change((), 10, 3, 0) == ()


@pytest.mark.promise("F5")
def test_the_memory_comes_back_from_json_to_the_last_bit() -> None:
    assert from_dict(json.loads(json.dumps(to_dict(FULL)))) == FULL
    assert from_dict(to_dict(seeded(3, 0.1))) == seeded(3, 0.1)


@pytest.mark.parametrize(
    ("plain", "named"),
    [
        pytest.param({}, "memory.at", id="empty"),
        pytest.param({"at": 1, "desired": "many"}, "memory.desired", id="a word for a number"),
        pytest.param({"at": 1, "desired": 1, "highs": [[1]]}, "memory.highs.0", id="half a mark"),
        pytest.param({"at": 1, "desired": 1, "retired": "a"}, "memory.retired", id="text for a list"),
    ],
)
def test_what_is_no_memory_is_refused_with_the_name_of_the_field(plain: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}"):
        from_dict(plain)


@pytest.mark.promise("F5")
def test_a_restart_forgets_neither_window_nor_scale_event_nor_clock() -> None:
    back = restored(FULL, 1790000100.1)
    assert back.desired == 7
    assert back.highs == ((1789999900.7, 9), (1790000100.1, 7))
    assert back.lows == ((1789999990.3, 2), (1790000000.1, 5), (1790000100.1, 7))
    assert back.changes == FULL.changes
    assert back.idle_since == pytest.approx(1790000099.9)
    assert back.missing_since == pytest.approx(100.3)
    assert back.retired == FULL.retired


@pytest.mark.promise("F5")
def test_after_a_restart_the_down_window_begins_anew_with_the_saved_number() -> None:
    """Saved at 290 with 8, ten seconds before the window is over; back at 400: 8 stays until 700."""
    spec = echo_spec({}, {"stabilizationWindowSeconds": 300})
    rows: list[tuple[float, Short]] = [(0, 8), (290, 3)]
    memory = restored(play(spec, rows, start=8)[-1].memory, 400)
    desired: list[int] = []
    for at in (400.0, 699.0, 700.0):
        decided = decide(spec, seen_of({"Concurrency": 3}, at=at), memory, at)
        memory, desired = decided.memory, [*desired, decided.decision.desired]
    assert desired == [8, 8, 3]


@pytest.mark.promise("F5")
def test_a_restart_resumes_the_idle_clock_and_does_not_count_the_time_it_was_away() -> None:
    memory = Memory(at=500, desired=1, idle_since=0)
    assert restored(memory, 5000).idle_since == 4500


def test_after_the_clock_went_back_everything_recorded_is_as_old_as_it_was() -> None:
    back = rewound(Memory(100, 4, ((90.0, 2),), ((95.0, 6), (99.0, 4)), ((98.0, 1),), 97, 96), 50)
    assert back == Memory(50, 4, ((40, 2),), ((45, 6), (49, 4)), ((48, 1),), 47, 46, ahead=50)
    assert rewound(back, 50) is back


def test_a_clock_that_comes_back_to_where_it_was_brings_the_recorded_times_with_it() -> None:
    memory = Memory(100, 4, ((90.0, 2),), ((95.0, 6), (99.0, 4)), ((98.0, 1),), 97, 40)
    assert rewound(rewound(rewound(memory, 50), 30), 101) == memory


@pytest.mark.parametrize(
    ("rows", "desired"),
    [
        pytest.param([(1000, 8), (700, 3), (1015, 3), (1301, 3)], [8, 8, 8, 3], id="one late line of five minutes ago"),
        pytest.param([(1000, 8), (10, 3), (0, 3), (1015, 3)], [8, 8, 8, 8], id="two, later and later"),
        pytest.param([(1000, 8), (9000, 3), (1015, 3), (1314, 3), (1315, 3)], [8, 8, 8, 8, 3], id="ahead and back"),
        pytest.param([(1000, 8), (9000, 3), (9299, 3), (9300, 3)], [8, 8, 8, 3], id="ahead for good"),
    ],
)
def test_no_leap_of_the_clock_ends_a_window(rows: list[tuple[float, Short]], desired: list[int]) -> None:
    """8 is asked for at 1000; the window of 300 s ends at 1300, or 300 s after a leap that nobody saw the time of."""
    spec = echo_spec({}, {"stabilizationWindowSeconds": 300})
    assert [d.decision.desired for d in play(spec, rows, start=8)] == desired


def test_of_hours_that_nobody_saw_removals_count_as_just_made_and_additions_as_forgotten() -> None:
    assert resumed(Memory(100, 4, changes=((90, -1), (95, 3))), 9000).changes == ((8990, -1),)


def test_hours_that_nobody_saw_are_not_idle() -> None:
    query = {"type": "Prometheus", "name": "q", "query": "q", "target": 1}
    spec = spec_of(query, minReplicas=0, idle={"timeoutSeconds": 600})
    rows: list[tuple[float, Short]] = [(0, 0), (7200, 0), (7799, 0), (7800, 0)]
    made = play(spec, rows, start=1, signal="q")
    assert [d.decision.desired for d in made] == [1, 1, 1, 0]


def test_a_clock_that_goes_back_an_hour_delays_and_does_not_block() -> None:
    """8 is asked for at 7200, then the clock says 3600: the window of 300 s counts from there."""
    spec = echo_spec({}, {"stabilizationWindowSeconds": 300})
    rows: list[tuple[float, Short]] = [(7200, 8), (3600, 3), (3899, 3), (3900, 3), (3901, 9)]
    assert [d.decision.desired for d in play(spec, rows, start=8)] == [8, 8, 8, 3, 9]


def test_the_longest_default_memory_is_below_4_kib() -> None:
    """300 s of falling numbers a second apart: 61 marks, the most there can be."""
    spec = echo_spec({}, {"stabilizationWindowSeconds": 300}, maxReplicas=1000)
    rows: list[tuple[float, Short]] = [(1790000000.123456 + at, 1000 - at) for at in range(401)]
    memory = play(spec, rows, start=1000)[-1].memory
    assert len(memory.highs) == 61
    assert len(json.dumps(to_dict(memory))) < 4096
