"""HPA as a baseline: each row cites the sentence it comes from.

Sentences in quotes are of kubernetes/website content/en/docs/tasks/run-application/horizontal-pod-autoscale.md; names
of functions are of kubernetes/kubernetes pkg/controller/podautoscaler; both read 2026-11-24.
"""

from collections.abc import Iterable

import pytest

from elastic_serving.simulate.baselines.hpa import Hpa, replicas_by_pod
from elastic_serving.simulate.baselines.terms import Load, Terms
from elastic_serving.simulate.policy import Policy, Wish
from tests.support.scaling import Short, seen_of


@pytest.mark.parametrize(
    ("load", "pending", "current", "expected"),
    [
        # "if the current metric value is 200m, and the desired value is 100m, the number of replicas will be doubled"
        pytest.param(Load(60, 3), 0, 3, 6, id="20 each at 10: doubled"),
        # "If the current value is instead 50m, you'll halve the number of replicas"
        pytest.param(Load(20, 4), 0, 4, 2, id="5 each at 10: halved"),
        # "desiredReplicas = ceil[...]": 3 x 14 / 10 = 4.2
        pytest.param(Load(42, 3), 0, 3, 5, id="rounded up"),
        # "skips any scaling action if the ratio is sufficiently close to 1.0 ([...] tolerance, 0.1 by default)"
        pytest.param(Load(110, 10), 0, 10, 10, id="11 each: the upper edge of the tolerance"),
        pytest.param(Load(111, 10), 0, 10, 12, id="11.1 each: beyond it, 11.1 -> 12"),
        pytest.param(Load(90, 10), 0, 10, 10, id="9 each: the lower edge"),
        pytest.param(Load(89, 10), 0, 10, 9, id="8.9 each: below it, 8.9 -> 9"),
        # calcPlainMetricReplicas: "ceil(usageRatio * readyPodCount)", so pods that exist and do not count are not kept
        pytest.param(Load(40, 1), 0, 4, 4, id="one of four reported 40: 4 x 1, not 4 x 4"),
        pytest.param(Load(0, 3), 0, 3, 0, id="no load at all: 0, the limits make it 1"),
        # "assuming those pods were consuming 100% of the desired value in case of a scale down"
        pytest.param(Load(5, 1, 1), 0, 2, 2, id="5 and a silent one at 10: 15 / 20 = 0.75, x 2 = 1.5"),
        pytest.param(Load(2, 2, 2), 0, 4, 3, id="1 each and two silent at 10: 22 / 40 = 0.55, x 4 = 2.2"),
        # "and 0% in case of a scale up. This dampens the magnitude of any potential scale."
        pytest.param(Load(50, 2, 2), 0, 4, 5, id="25 each and two silent at 0: 50 / 40 = 1.25, x 4 = 5"),
        pytest.param(Load(43, 2, 2), 0, 4, 4, id="21.5 each and two silent at 0: 43 / 40 = 1.075, tolerated"),
        # "the controller conservatively assumes that the not-yet-ready pods are consuming 0% of the desired metric"
        pytest.param(Load(60, 3), 2, 5, 6, id="20 each and two pending at 0: 60 / 50 = 1.2, x 5 = 6"),
        pytest.param(Load(200, 1), 19, 20, 20, id="200 on one pod, 19 pending: 200 / 200 = 1, tolerated"),
        # groupPods: "Pending pods are ignored" on the way down
        pytest.param(Load(5, 1), 3, 4, 1, id="5 on one pod, 3 pending: 0.5 x 1"),
        # "If the new ratio reverses the scale direction, [...] the controller doesn't take any scaling action"
        pytest.param(Load(20, 1), 4, 5, 5, id="20 on one pod, 4 pending at 0: 20 / 50 turns down"),
        pytest.param(Load(20, 1, 4), 0, 5, 5, id="20 on one pod, 4 silent at 0: 20 / 50 turns down"),
        # "or is within the tolerance"
        pytest.param(Load(53, 3), 2, 5, 5, id="17.7 each, two pending: 53 / 50 = 1.06"),
        # newReplicas < currentReplicas although the ratio asks for more: "a change in scale direction"
        pytest.param(Load(30, 1), 1, 9, 9, id="30 on one pod, one pending: 1.5 x 2 = 3 is below 9"),
        # ratio 1 with a missing pod: neither branch of "missingPods" applies
        pytest.param(Load(20, 2, 1), 0, 3, 3, id="exactly at target, one silent"),
        # the default target of 32 slots: 3 x 22.4 / 22.4 must not become 4
        pytest.param(Load(67.2, 1), 0, 1, 7, id="67.2 at 10: 6.72"),
    ],
)
def test_the_number_per_pod_metric(load: Load, pending: int, current: int, expected: int) -> None:
    assert replicas_by_pod(load, 10, pending=pending, current=current) == expected


def test_a_sum_in_binary_is_not_rounded_up() -> None:
    """67.2 / 22.4 is 3.0000000000000004 in floats."""
    assert replicas_by_pod(Load(67.2, 1), 22.4, pending=0, current=1) == 3


def sync(hpa: Policy, rows: Iterable[tuple[float, Short, int]], start: int) -> list[int]:
    """The numbers set over rows of (time, loads by pod, starting pods); what was set is what is there."""
    current, numbers = start, []
    for now, short, starting in rows:
        seen = seen_of({"Concurrency": short}, at=now, current=current, starting=starting)
        current = hpa.desired(seen, now).replicas
        numbers.append(current)
    return numbers


def test_it_syncs_every_15_seconds() -> None:
    """ "the default interval is 15 seconds"."""
    assert Hpa(Terms(1, 10, 10)).interval_seconds == 15


def test_the_way_up_doubles_or_adds_four() -> None:
    """ "2 policies where 4 pods or a 100% of the currently running replicas will be added every 15 seconds".

    A total of 1000 at target 10 asks for 100: max(2, 1 + 4) = 5, max(10, 9) = 10, 20, 40, 80, 100. All but one start.
    """
    rows = [(15.0 * i, [1000.0], 0) for i in range(7)]
    assert sync(Hpa(Terms(1, 200, 10)), rows, 1) == [5, 10, 20, 40, 80, 100, 100]


def test_a_period_that_is_not_over_counts_from_its_start() -> None:
    """getReplicasChangePerPeriod: from 1, 5 were reached at 0 s; 10 s later the period still began with 1, so 5 stays.

    At 15 s that event is 15 s old and out ("After(cutoff)"): 10.
    """
    rows = [(0.0, [1000.0], 0), (10.0, [1000.0], 0), (15.0, [1000.0], 0)]
    assert sync(Hpa(Terms(1, 200, 10)), rows, 1) == [5, 5, 10]


def test_the_way_down_waits_for_the_highest_of_300_seconds() -> None:
    """ "all desired states from the past 5 minutes will be considered", "uses the highest value".

    4 asked for at 0 s (40 over 4 pods); then 10 over 4 pods ask for 1, until 300 s later the 4 is out. 285 s are not.
    """
    rows = [(0.0, [10.0] * 4, 0), *((15.0 * i, [2.5] * 4, 0) for i in range(1, 21))]
    assert sync(Hpa(Terms(1, 10, 10)), rows, 4) == [4] * 20 + [1]


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        # "assuming those pods were consuming 100% of the desired value in case of a scale down"
        pytest.param(5.0, 4, id="5 on one pod and 3 that start, at 10: 35 / 40 = 0.875, x 4 = 3.5"),
        # "and 0% in case of a scale up"
        pytest.param(70.0, 7, id="70 on one pod and 3 that start, at 0: 70 / 40 = 1.75, x 4 = 7"),
    ],
)
def test_a_starting_pod_is_missing_until_it_reports(load: float, expected: int) -> None:
    hpa = Hpa(Terms(1, 20, 10))
    seen = seen_of({"Concurrency": [load]}, current=4, starting=3)
    assert [hpa.desired(seen, now).replicas for now in (0.0, 300.0)][-1] == expected


def test_the_first_number_counts_as_asked_for() -> None:
    """recordInitialRecommendation: with no load from the start 3 pods stay for 300 s."""
    rows = [(15.0 * i, [0.0] * 3, 0) for i in range(21)]
    assert sync(Hpa(Terms(1, 10, 10)), rows, 3) == [3] * 20 + [1]


def test_a_silence_ends_at_minreplicas_in_one_step() -> None:
    """ "allows a 100% of the currently running replicas to be removed [...] down to the minimum allowed replicas"."""
    rows = [(0.0, [10.0] * 8, 0), (300.0, [0.0] * 8, 0), (315.0, [0.0] * 8, 0)]
    assert sync(Hpa(Terms(2, 10, 10)), rows, 8) == [8, 2, 2]


def test_a_short_dip_changes_nothing() -> None:
    """ "restrict the flapping of replicas count when the metrics used for scaling keep fluctuating"."""
    rows = [(15.0 * i, [10.0 if i % 8 else 1.0] * 4, 0) for i in range(1, 60)]
    assert set(sync(Hpa(Terms(1, 10, 10)), rows, 4)) == {4}


@pytest.mark.parametrize(
    ("short", "current", "expected"),
    [
        # "sets the workload to that size (provided that this isn't larger than the overall maximum)"
        pytest.param([200.0, 200.0], 5, Wish(6, "TooManyReplicas"), id="maxReplicas"),
        pytest.param([20.0], 2, Wish(2, "DesiredWithinRange"), id="20 at 10 is 2"),
        pytest.param([1.0], 9, Wish(6, "TooManyReplicas"), id="above maxReplicas: back into the range at once"),
        pytest.param([1.0], 1, Wish(2, "TooFewReplicas"), id="below minReplicas: back into the range at once"),
        pytest.param("Timeout", 9, Wish(6, "TooManyReplicas"), id="above it: without metrics, too"),
        pytest.param("Timeout", 1, Wish(2, "TooFewReplicas"), id="below it: without metrics, too"),
        # "If the target's desired replica count is set to 0, [...] the HPA stops adjusting the target"
        pytest.param([50.0], 0, Wish(0, "ScalingDisabled"), id="at zero it is off"),
        # "unable to get metrics": reconcileAutoscaler returns without a change
        pytest.param("Timeout", 4, Wish(4, "FailedGetMetric"), id="no metrics: held"),
        pytest.param("NoReplica", 4, Wish(4, "FailedGetMetric"), id="no pod: held"),
    ],
)
def test_limits_and_what_it_cannot_know(short: Short, current: int, expected: Wish) -> None:
    wish = Hpa(Terms(2, 6, 10)).desired(seen_of({"Concurrency": short}, current=current), 0.0)
    assert (wish.replicas, wish.why) == (expected.replicas, expected.why)


def test_minreplicas_0_means_1_on_a_pods_metric() -> None:
    """Validation upstream: "must specify at least one Object or External metric to support scaling to zero"."""
    rows = [(15.0 * i, [0.0], 0) for i in range(41)]
    assert sync(Hpa(Terms(0, 10, 10)), rows, 1)[-1] == 1


def test_a_boot_of_130_seconds_makes_it_ask_for_far_too_much() -> None:
    """230 requests on the one ready pod, and 23 more each second while the others start.

    Starting pods count as 0, so each sync asks for ceil((230 + 23 t) / 10): 23, 58, 92, 127, 161, 196, 230, 265, 299.
    The way there is 5, 10, 20, 40, 80, 160; then the policies allow what is asked for.
    """
    hpa, current, numbers = Hpa(Terms(1, 1000, 10)), 1, []
    for now in range(0, 135, 15):
        seen = seen_of({"Concurrency": [230.0 + 23 * now]}, at=now, current=current, ready=1, starting=current - 1)
        current = hpa.desired(seen, float(now)).replicas
        numbers.append(current)
    assert numbers == [5, 10, 20, 40, 80, 160, 230, 265, 299]
