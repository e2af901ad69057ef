"""KPA as a baseline: each row cites the sentence it comes from.

Sentences in quotes are of knative/docs docs/serving/autoscaling/kpa-specific.md; names are of knative/serving
pkg/autoscaler/scaling/autoscaler.go; both read 2026-11-24. Ticks are 2 s apart, the target is 10.
"""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from elastic_serving.scaling.model import Flow
from elastic_serving.simulate.baselines.kpa import Kpa
from elastic_serving.simulate.baselines.terms import Terms
from tests.support.scaling import Short, seen_of


def tick(kpa: Kpa, rows: Iterable[tuple[float, Short, int]], start: int = 1) -> list[int]:
    """The numbers wished for over rows of (time, load, ready replicas)."""
    current, numbers = start, []
    for now, short, ready in rows:
        current = kpa.desired(seen_of({"Concurrency": short}, at=now, current=current, ready=ready), now).replicas
        numbers.append(current)
    return numbers


def steady(load: Short, ready: int, since: float, until: float) -> list[tuple[float, Short, int]]:
    """Rows of one load, every 2 s, ``until`` excluded."""
    return [(since + 2.0 * i, load, ready) for i in range(int((until - since) / 2))]


def test_it_ticks_every_2_seconds() -> None:
    """tick-interval: 2s."""
    assert Kpa(Terms(1, 10, 10)).interval_seconds == 2


@pytest.mark.parametrize(
    ("load", "ready", "expected"),
    [
        # dspc = ceil(observedStableValue / TargetValue)
        pytest.param(10, 1, 1, id="at target"),
        pytest.param(10.1, 1, 2, id="no tolerance: 1.01 -> 2"),
        pytest.param(15, 1, 2, id="1.5 -> 2"),
        # stats_scraper.go, scrapePods: the mean of the pods that answered, times all ready ones: 36 x 4 / 3 = 48
        pytest.param([12, None, 12, 12], 4, 5, id="a silent replica counts as the mean of the others"),
        # maxScaleUp = ceil(1000 x ready): "the maximum ratio of desired to existing pods"
        pytest.param(20_000, 1, 1000, id="at most 1000 times the ready ones"),
        pytest.param(20_000, 0, 1000, id="none ready counts as one"),
        # the range of the manifest (min-scale, max-scale)
        pytest.param(50_000, 3, 1500, id="maxReplicas"),
    ],
)
def test_one_tick(load: Short, ready: int, expected: int) -> None:
    assert tick(Kpa(Terms(1, 1500, 10)), [(0.0, load, ready)]) == [expected]


def test_the_stable_window_is_60_seconds() -> None:
    """ "smooth the data over the specified amount of time": 10 for 60 s on 2 ready, then 18.

    k samples of 18 among 30: (30 x 10 + 8 k) / 30 > 10 from the first on, so 2 at once; the average reaches 18 only
    after 60 s, and 18 / 10 is 2 as well. Down again to 10: 2 until not one 18 is among the 30 samples.
    """
    rows = steady(10, 2, 0, 60) + steady(18, 2, 60, 120) + steady(10, 2, 120, 184)
    numbers = tick(Kpa(Terms(1, 10, 10)), rows, start=2)
    by_time = {at: number for (at, _, _), number in zip(rows, numbers, strict=True)}
    assert (by_time[60], by_time[118], by_time[176], by_time[178], by_time[182]) == (2, 2, 2, 1, 1)


def test_an_average_over_less_than_a_window_is_over_what_there_is() -> None:
    """WindowAverage: "If the first write was less than the window length ago, an average is returned over the partial
    window": 10 and 19 are 14.5 -> 2.
    """
    assert tick(Kpa(Terms(1, 10, 10)), [(0.0, 10, 1), (2.0, 19, 1)]) == [1, 2]


def test_panic_begins_at_twice_what_the_ready_replicas_can_handle() -> None:
    """ "panic mode will be start if traffic is twice as high as the current replica population can handle".

    2 ready, 60 s of 20. Then 31: over 6 s (20 + 20 + 31) / 3 = 23.7 -> 3, (20 + 62) / 3 = 27.3 -> 3, 31 -> 4, and
    4 / 2 >= 2 panics. In stable mode the same third sample is (27 x 20 + 3 x 31) / 30 = 21.1 -> 3.
    """
    kpa = Kpa(Terms(1, 100, 10))
    assert tick(kpa, [*steady(20, 2, 0, 62), *steady(31, 2, 62, 68)], start=2)[-4:] == [2, 3, 3, 4]


def test_panic_follows_the_window_of_6_seconds() -> None:
    """ "a value of 10.0 means that in panic mode the window will be 10% of the stable window size": 6 s, 3 samples.

    60 s of 5 on 1 ready, then 100: over 6 s 110 / 3 = 36.7 -> 4, 205 / 3 = 68.3 -> 7, 100 -> 10. Over 60 s three
    samples are only (27 x 5 + 300) / 30 = 14.5 -> 2.
    """
    rows = [*steady(5, 1, 0, 60), *steady(100, 1, 60, 66)]
    assert tick(Kpa(Terms(1, 100, 10)), rows)[-4:] == [1, 4, 7, 10]


def test_panic_never_decreases_and_ends_a_stable_window_after_its_last_reason() -> None:
    """ "the Revision will not scale down", "will leave panic mode if there has been no reason to react quickly during
    the stable window timeframe".

    One sample of 100 at 60 s: over 6 s 110 / 3 -> 4, until 64 s (it leaves the 6 s at 66 s), so the panic's last reason
    is at 64 s. It ends where 64 + 60 lies before now: at 126 s. By then the sample is out of the 60 s, too: 1.
    """
    rows = [*steady(5, 1, 0, 60), (60.0, 100, 1), *steady(5, 1, 62, 130)]
    numbers = tick(Kpa(Terms(1, 100, 10)), rows)
    by_time = {at: number for (at, _, _), number in zip(rows, numbers, strict=True)}
    assert [by_time[at] for at in (58.0, 60.0, 64.0, 124.0, 126.0)] == [1, 4, 4, 4, 1]


def test_a_second_panic_knows_nothing_of_the_first() -> None:
    """maxPanicPods is 0 again after the first one, which wanted 4: (5 + 5 + 60) / 3 = 23.3 -> 3."""
    rows = [*steady(5, 1, 0, 60), (60.0, 100, 1), *steady(5, 1, 62, 130), (130.0, 60, 1)]
    assert tick(Kpa(Terms(1, 100, 10)), rows)[-2:] == [1, 3]


def test_panic_takes_the_stable_number_where_that_is_larger() -> None:
    """ "pick the larger of the two": 100 for 64 s on 10; then 9 crash and 40 are left.

    Over 6 s (100 + 100 + 40) / 3 = 80 -> 8 of 1 ready: panic. Over 60 s (29 x 100 + 40) / 30 = 98 -> 10.
    """
    rows = [*steady(100, 10, 0, 64), (64.0, 40, 1)]
    assert tick(Kpa(Terms(1, 100, 10)), rows, start=10)[-2:] == [10, 10]


def test_it_starts_in_panic_mode_where_more_than_one_replica_is_ready() -> None:
    """newAutoscaler: "We always start in the panic mode, if the deployment is scaled up over 1 pod".

    6 ready without load stay for 60 s; then at most half goes at a time: floor(6 / 2) = 3, floor(3 / 2) = 1.
    """
    rows = [*steady(0, 6, 0, 62), (62.0, 0, 6), (64.0, 0, 3), (66.0, 0, 1)]
    assert tick(Kpa(Terms(1, 100, 10)), rows, start=6)[-5:] == [6, 6, 3, 1, 1]


def test_down_at_most_by_half_of_the_ready_ones() -> None:
    """ "with a value of 2.0, the revision can only scale from N to N/2 pods in one evaluation cycle".

    5 ready and 50 for 60 s; then silence: the average falls by 1/30 of 50 each 2 s, so the number follows it: at 30 s
    25 -> 3, at 60 s 0, floor(5 / 2) = 2 as long as 5 are ready, floor(2 / 2) = 1 when 2 are.
    """
    rows = [*steady(50, 5, 0, 122), *steady(0, 5, 122, 184), (184.0, 0, 2)]
    numbers = tick(Kpa(Terms(1, 100, 10)), rows, start=5)
    by_time = {at: number for (at, _, _), number in zip(rows, numbers, strict=True)}
    assert [by_time[at] for at in (120.0, 150.0, 182.0, 184.0)] == [5, 3, 2, 1]


def test_to_zero_after_a_stable_window_without_traffic_and_the_grace_period() -> None:
    """ "the last Replica will only be removed after there has not been any traffic [...] for the entire duration of the
    stable window", and scale-to-zero-grace-period: 30s.

    Load until 10 s; its last sample leaves the window at 70 s; 30 s later, at 100 s, the last replica goes.
    """
    rows = [*steady(5, 1, 0, 12), *steady(0, 1, 12, 104)]
    numbers = tick(Kpa(Terms(0, 100, 10)), rows)
    by_time = {at: number for (at, _, _), number in zip(rows, numbers, strict=True)}
    assert [by_time[at] for at in (68.0, 70.0, 98.0, 100.0, 102.0)] == [1, 1, 1, 0, 0]


def test_a_request_in_the_grace_period_keeps_the_replica() -> None:
    rows = [*steady(0, 1, 0, 20), (20.0, 5, 1), *steady(0, 1, 22, 100)]
    assert set(tick(Kpa(Terms(0, 100, 10)), rows)) == {1}


def test_from_zero_it_goes_at_once() -> None:
    """A request at zero is buffered and counted; none ready counts as one: ceil(35 / 10), already in panic."""
    assert tick(Kpa(Terms(0, 100, 10)), [(0.0, 0, 0), (2.0, 70, 0)], start=0) == [0, 4]


def test_the_activator_counts_what_waits_while_no_replica_is_ready() -> None:
    """It reports what it holds as the revision's concurrency: pkg/activator/handler/concurrency_reporter.go."""
    held = replace(seen_of({"Concurrency": "NoReplica"}, current=0), flow=Flow(0, 35, 0, 0.0))
    assert Kpa(Terms(0, 100, 10)).desired(held, 0.0).replicas == 4


def test_without_a_sample_in_the_window_it_holds() -> None:
    """ErrNoData gives an invalid scale, which changes nothing. A gap shorter than the window is left out."""
    kpa = Kpa(Terms(1, 100, 10))
    rows: list[tuple[float, Short, int]] = [(0.0, 15, 1), (2.0, "Timeout", 1), (58.0, "Timeout", 1), (60.0, None, 1)]
    assert tick(kpa, rows) == [2, 2, 2, 2]
    assert kpa.desired(seen_of({"Concurrency": None}, current=7, ready=1), 62.0).why == "NoData"
