"""KEDA as a baseline: each row cites the sentence it comes from.

Sentences in quotes are of kedacore/keda-docs content/docs/2.15 (reference/scaledobject-spec.md,
concepts/scaling-deployments.md, scalers/prometheus.md), read 2026-11-24.
"""

from collections.abc import Iterable

import pytest

from elastic_serving.simulate.baselines.keda import Keda, replicas_by_total
from elastic_serving.simulate.baselines.terms import Terms
from tests.support.scaling import Short, seen_of


@pytest.mark.parametrize(
    ("total", "current", "expected"),
    [
        # "scaling from 1 to N replicas is handled by the Kubernetes Horizontal Pod Autoscaler" with "a metric of type
        # AverageValue": GetExternalPerPodMetricReplicas, ceil(usage / targetUsagePerPod)
        pytest.param(230, 1, 23, id="230 at 10: 23, however many are ready"),
        pytest.param(230, 23, 23, id="230 at 10 on 23: 23"),
        pytest.param(41, 1, 5, id="rounded up: 4.1"),
        # tolerances.isWithin(usage / (target x statusReplicas))
        pytest.param(110, 10, 10, id="11 each: the upper edge of the tolerance"),
        pytest.param(111, 10, 12, id="11.1 each: 11.1 -> 12"),
        pytest.param(90, 10, 10, id="9 each: the lower edge"),
        pytest.param(89, 10, 9, id="8.9 each: 8.9 -> 9"),
        pytest.param(0, 4, 0, id="nothing: 0, the limits make it 1"),
    ],
)
def test_the_number_for_a_total(total: float, current: int, expected: int) -> None:
    assert replicas_by_total(total, 10, current=current) == expected


def sync(keda: Keda, rows: Iterable[tuple[float, Short]], start: int) -> list[int]:
    """The numbers set over rows of (time, the query's answer)."""
    current, numbers = start, []
    for now, short in rows:
        current = keda.desired(seen_of({"Concurrency": short}, at=now, current=current), now).replicas
        numbers.append(current)
    return numbers


def test_each_sync_reads_the_query_anew() -> None:
    """ "HPA controller asks for a metric [...] usually 15s, [...] KEDA Metrics Server, that by default queries the
    scaler": the 45 of 15 s, between two polls of 30 s, count at 15 s.
    """
    assert sync(Keda(Terms(1, 100, 10)), [(0.0, 10), (15.0, 45), (30.0, 45)], 1) == [1, 5, 5]


def test_the_way_up_is_that_of_the_hpa_behind_it() -> None:
    """ "KEDA would feed values from this section directly to the HPA's behavior field"; none are set: HPA's defaults.

    230 / 10 = 23 from 1: 5, 10, 20, 23.
    """
    rows = [(15.0 * i, 230) for i in range(5)]
    assert sync(Keda(Terms(1, 100, 10)), rows, 1) == [5, 10, 20, 23, 23]


def test_the_way_down_waits_300_seconds() -> None:
    """stabilizationWindowSeconds: 300 of the HPA behind it: 8 until 300 s after they were last asked for."""
    rows = [(0.0, 80), *((15.0 * i, 5) for i in range(1, 22))]
    assert sync(Keda(Terms(1, 100, 10)), rows, 8) == [8] * 20 + [1, 1]


def test_with_minreplicas_above_0_nothing_goes_below_it() -> None:
    """ "Minimum number of replicas KEDA will scale the resource down to." """
    rows = [(15.0 * i, 0) for i in range(60)]
    assert sync(Keda(Terms(2, 100, 10)), rows, 2) == [2] * 60


def test_to_zero_only_after_the_cooldown() -> None:
    """ "The period to wait after the last trigger reported active before scaling the resource back to 0", 300 s.

    Active at the poll of 0 s; LastActiveTime + 300 s must lie before now, so the poll of 330 s does it.
    """
    rows = [(0.0, 5), *((15.0 * i, 0) for i in range(1, 24))]
    assert sync(Keda(Terms(0, 100, 10)), rows, 1) == [1] * 22 + [0, 0]


def test_the_cooldown_counts_from_the_last_poll_that_was_active() -> None:
    """Only polls see activity: requests at 15 s alone, between the polls of 0 s and 30 s, do not lengthen it."""
    rows = [(0.0, 5), (15.0, 5), *((15.0 * i, 0) for i in range(2, 24))]
    assert sync(Keda(Terms(0, 100, 10)), rows, 1) == [1] * 22 + [0, 0]


def test_the_cooldown_is_no_window_for_1_to_n() -> None:
    """ "the KEDA cooldownPeriod only applies when scaling to 0": 4 fall to 1 by the HPA at 300 s and to 0 at 330 s."""
    rows = [(0.0, 40), *((15.0 * i, 0) for i in range(1, 24))]
    assert sync(Keda(Terms(0, 100, 10)), rows, 4) == [4] * 20 + [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        # "in the default case: activationThreshold: 0 will only activate when the metric value is 1 or more"
        pytest.param(0, 0, id="0 is not above 0"),
        pytest.param(1, 1, id="1 is"),
        # scaleFromZero sets 1; then the HPA: 45 / 10 = 5 within max(2, 1 + 4)
        pytest.param(45, 5, id="45: from 0 to 1 by KEDA, to 5 by the HPA of the same second"),
        # ignoreNullValues: "Default is true, which means ignoring the empty value list from Prometheus"
        pytest.param("NoReplica", 0, id="no series: 0"),
        pytest.param("Timeout", 0, id="no answer: not active"),
    ],
)
def test_activation_from_zero(answer: Short, expected: int) -> None:
    assert sync(Keda(Terms(0, 100, 10)), [(0.0, answer)], 0) == [expected]


def test_activation_waits_for_the_poll() -> None:
    """ "By default, KEDA will check each trigger source on every ScaledObject every 30 seconds": not at 15 s."""
    assert sync(Keda(Terms(0, 100, 10)), [(0.0, 0), (15.0, 5), (30.0, 5)], 0) == [0, 0, 1]


def test_without_an_answer_it_holds_and_without_series_it_sees_zero() -> None:
    """Without "fallback" an error reaches the HPA, which then does nothing; an empty answer is 0."""
    assert sync(Keda(Terms(1, 100, 10)), [(0.0, 40), (15.0, "Timeout"), (330.0, "Timeout")], 4) == [4, 4, 4]
    assert sync(Keda(Terms(1, 100, 10)), [(0.0, 40), (15.0, "Empty"), (330.0, "Empty")], 4) == [4, 4, 1]


def test_a_failing_query_never_leads_to_zero() -> None:
    rows: list[tuple[float, Short]] = [(0.0, 5), *((15.0 * i, "Timeout") for i in range(1, 60))]
    assert set(sync(Keda(Terms(0, 100, 10)), rows, 1)) == {1}
