"""HPA's behaviour row by row: our whole decision and the plain reference both give the number worked out by hand.

What each row shows is said in its id, in the words of kubernetes/kubernetes pkg/controller/podautoscaler
(replica_calculator.go, horizontal.go and their tests; the version with a tolerance per direction and windows in both),
read 2026-11-24. The rows are ours. One pod there is one replica here.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest

from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import Memory, seeded
from tests.support import hpa_reference as reference
from tests.support.hpa_reference import Rule, Rules
from tests.support.scaling import INTOLERANT, Short, echo_spec, play, seen_of, spec_of

TENTH = Fraction(1, 10)


def one_sync(
    signal: Mapping[str, Any],
    reading: Short,
    *,
    current: int,
    ready: int = 0,
    starting: int = 0,
    up: Fraction = TENTH,
    down: Fraction = TENTH,
) -> int:
    """What is decided at once: no windows, no policies, 0 or 1 to 1000 replicas."""
    wide: dict[str, Any] = {"minReplicas": 0, "idle": {"timeoutSeconds": 1}} if signal["type"] == "Prometheus" else {}
    behavior = {
        "scaleUp": {"stabilizationWindowSeconds": 0, "tolerance": float(up)},
        "scaleDown": {"stabilizationWindowSeconds": 0, "tolerance": float(down)},
    }
    spec = spec_of(signal, maxReplicas=1000, behavior=behavior, **wide)
    seen = seen_of({str(signal.get("name", signal["type"])): reading}, current=current, ready=ready, starting=starting)
    return decide(spec, seen, None, 0.0).decision.desired


@pytest.mark.promise("F10")
@pytest.mark.parametrize(
    ("loads", "target", "current", "starting", "expected"),
    [
        # The formula: ceil(usageRatio x readyPodCount), which is ceil(sum / target).
        pytest.param([20, 10, 30], 15, 3, 0, 4, id="scale up: 60 / 15 = 4"),
        pytest.param([20, 10, 31], 15, 3, 0, 5, id="scale up rounds up: 61 / 15 = 4.07"),
        pytest.param([12, 12, 12, 12, 12], 20, 5, 0, 3, id="scale down: 60 / 20 = 3"),
        pytest.param([13, 12, 12, 12, 12], 20, 5, 0, 4, id="scale down rounds up, too: 61 / 20 = 3.05"),
        pytest.param([8, 4, 5, 5], 100, 4, 0, 1, id="scale down to one: 22 / 100 = 0.22"),
        pytest.param([300, 300, 300], 300, 3, 0, 3, id="at the target nothing changes"),
        pytest.param([20, 20], 10, 5, 0, 4, id="two of five wanted exist: ratio 2 x 2 pods = 4, not 2 x 5"),
        pytest.param(
            [10, 10], 10, 5, 0, 5, id="more wanted than there are, and at the target: the number wanted stays"
        ),
        # Tolerance: both edges belong to it.
        pytest.param([110, 110, 110], 100, 3, 0, 3, id="ratio 1.1: within the tolerance"),
        pytest.param([111, 110, 110], 100, 3, 0, 4, id="ratio 1.1033: beyond, 331 / 100 = 3.31"),
        pytest.param([90] * 10, 100, 10, 0, 10, id="ratio 0.9: within the tolerance, 9 would do"),
        pytest.param([89] * 10, 100, 10, 0, 9, id="ratio 0.89: beyond, 890 / 100 = 8.9"),
        pytest.param([89, 89, 89], 100, 3, 0, 3, id="ratio 0.89 of three: 2.67 rounds up to what is there"),
        # Unready pods.
        pytest.param([2, 2, 2], 10, 5, 2, 1, id="scale down ignores unready pods: 6 / 10 = 0.6"),
        pytest.param([30, 30, 30], 10, 4, 1, 9, id="scale up with one unready at 0: 90 / 40 = 2.25, x 4 = 9"),
        pytest.param([21, 22], 10, 4, 2, 4, id="unready pods take it into the tolerance: 43 / 40 = 1.075"),
        pytest.param([12, 12], 10, 5, 3, 5, id="unready pods would turn it round: 24 / 50 = 0.48"),
        pytest.param([36], 10, 9, 2, 9, id="ratio above 1, yet fewer than now: 36 / 30 x 3 = 3.6 -> 4 of 9"),
        pytest.param([10, 10], 10, 5, 3, 5, id="at the target unready pods do not matter"),
        # Pods without metrics.
        pytest.param([40, 41, None], 10, 3, 0, 9, id="scale up with a missing one at 0: 81 / 30 = 2.7, x 3 = 8.1"),
        pytest.param([1, 1, None], 10, 3, 0, 2, id="scale down with a missing one at target: 12 / 30 = 0.4, x 3 = 1.2"),
        pytest.param(
            [8, 8, 8, *[None] * 4], 10, 7, 0, 7, id="missing at target: 64 / 70 = 0.914, within the tolerance"
        ),
        pytest.param([13, None], 10, 2, 0, 2, id="missing ones would turn it round: 13 / 20 = 0.65"),
        pytest.param([5, None, None], 10, 1, 0, 1, id="ratio below 1, yet more than now: 25 / 30 x 3 = 2.5 -> 3 of 1"),
        pytest.param([60, None], 10, 4, 2, 6, id="missing and unready, both at 0: 60 / 40 = 1.5, x 4 = 6"),
        pytest.param([4, None], 10, 4, 2, 2, id="missing at target, unready ignored: 14 / 20 = 0.7, x 2 = 1.4"),
        pytest.param([0, 0, None], 10, 3, 0, 1, id="no load and a missing one: 10 / 30 x 3 = 1"),
    ],
)
def test_a_metric_of_pods(loads: Sequence[int | None], target: int, current: int, starting: int, expected: int) -> None:
    reported = [load for load in loads if load is not None]
    assert (
        reference.replicas_by_pod(
            reported,
            target,
            silent=len(loads) - len(reported),
            starting=starting,
            current=current,
            down=TENTH,
            up=TENTH,
        )
        == expected
    )
    signal = {"type": "Concurrency", "target": target}
    assert one_sync(signal, loads, current=current, ready=len(loads), starting=starting) == expected


@pytest.mark.promise("F10")
@pytest.mark.parametrize(
    ("load", "up", "down", "expected"),
    [
        pytest.param([13, 13], Fraction(3, 10), TENTH, 2, id="ratio 1.3 within an up tolerance of 0.3"),
        pytest.param([13, 14], Fraction(3, 10), TENTH, 3, id="ratio 1.35 beyond it: 2.7"),
        pytest.param([13, 13], TENTH, Fraction(3, 10), 3, id="the down tolerance does not hold what goes up: 2.6"),
        pytest.param([7, 7], TENTH, Fraction(3, 10), 2, id="ratio 0.7 within a down tolerance of 0.3"),
        pytest.param([4, 5], Fraction(1, 2), Fraction(3, 10), 1, id="ratio 0.45 beyond it: 0.9"),
        pytest.param([10, 11], Fraction(0), Fraction(0), 3, id="no tolerance: 21 / 10 = 2.1"),
        pytest.param([10, 10], Fraction(0), Fraction(0), 2, id="no tolerance, exactly at the target"),
    ],
)
def test_a_tolerance_for_each_direction(load: list[int], up: Fraction, down: Fraction, expected: int) -> None:
    assert reference.replicas_by_pod(load, 10, silent=0, starting=0, current=2, down=down, up=up) == expected
    signal = {"type": "Concurrency", "target": 10}
    assert one_sync(signal, load, current=2, ready=2, up=up, down=down) == expected


@pytest.mark.promise("F10")
@pytest.mark.parametrize(
    ("total", "current", "expected"),
    [
        # GetExternalPerPodMetricReplicas: ceil(usage / targetUsagePerPod), whatever is ready.
        pytest.param(86, 3, 5, id="86 / 20 = 4.3"),
        pytest.param(66, 3, 3, id="66 / (20 x 3) = 1.1: within the tolerance"),
        pytest.param(67, 3, 4, id="67 / 60 = 1.117: 3.35"),
        pytest.param(54, 3, 3, id="54 / 60 = 0.9: within the tolerance"),
        pytest.param(40, 4, 2, id="40 / 20 = 2"),
        pytest.param(1, 0, 1, id="from zero: 0.05"),
        pytest.param(21, 0, 2, id="from zero without tolerance: 1.05"),
    ],
)
def test_an_external_metric_per_pod(total: int, current: int, expected: int) -> None:
    assert reference.replicas_by_total(total, 20, current=current, down=TENTH, up=TENTH) == expected
    signal = {"type": "Prometheus", "query": "q", "target": 20}
    assert one_sync(signal, total, current=current, ready=1, starting=2) == expected


@pytest.mark.promise("F10")
@pytest.mark.parametrize(
    ("level", "current", "ready", "expected"),
    [
        # getUsageRatioReplicaCount: ceil(usageRatio x ready pods).
        pytest.param(30, 3, 3, 6, id="30 / 15 x 3 = 6"),
        pytest.param(30, 5, 2, 4, id="only the ready ones are multiplied: 30 / 15 x 2 = 4"),
        pytest.param(5, 6, 6, 2, id="5 / 15 x 6 = 2"),
        pytest.param(16, 4, 4, 4, id="16 / 15 = 1.07: within the tolerance"),
        pytest.param(17, 4, 4, 5, id="17 / 15 x 4 = 4.53"),
        pytest.param(16, 0, 0, 2, id="from zero without tolerance: 1.07"),
        pytest.param(3, 0, 0, 1, id="from zero: 0.2"),
    ],
)
def test_an_external_metric_as_a_value(level: int, current: int, ready: int, expected: int) -> None:
    assert reference.replicas_by_value(level, 15, current=current, ready=ready, down=TENTH, up=TENTH) == expected
    signal = {"type": "Prometheus", "query": "q", "target": 15, "targetType": "Value"}
    assert one_sync(signal, level, current=current, ready=ready) == expected


def written(rules: Rules) -> dict[str, Any]:
    """A direction as a manifest has it."""
    return {
        "stabilizationWindowSeconds": rules.window,
        "selectPolicy": rules.select,
        "policies": [{"type": r.type, "value": r.value, "periodSeconds": r.period} for r in rules.rules],
    }


def pods(value: int, period: int = 60) -> Rule:
    return Rule("Replicas", value, period)


def percent(value: int, period: int = 60) -> Rule:
    return Rule("Percent", value, period)


FREE = Rules()


@pytest.mark.promise("F10")
@pytest.mark.parametrize(
    ("up", "down", "start", "rows"),
    [
        # convertDesiredReplicasWithBehaviorRate, calculateScaleUpLimitWithScalingRules: one step.
        pytest.param(FREE, FREE, 100, [(0, 500, 500)], id="no policies: straight there"),
        pytest.param(Rules(0, (pods(4),)), FREE, 100, [(0, 500, 104)], id="up: Pods 4"),
        pytest.param(Rules(0, (percent(50),)), FREE, 100, [(0, 500, 150)], id="up: Percent 50"),
        pytest.param(Rules(0, (percent(1),)), FREE, 33, [(0, 500, 34)], id="up: 1 % of 33, 33.33 rounds up"),
        pytest.param(Rules(0, (percent(100),)), FREE, 1, [(0, 500, 2)], id="up: 100 % of 1"),
        pytest.param(Rules(0, (pods(60), percent(50))), FREE, 100, [(0, 500, 160)], id="up, Max: 160 or 150"),
        pytest.param(Rules(0, (pods(60), percent(50)), "Min"), FREE, 100, [(0, 500, 150)], id="up, Min: 160 or 150"),
        pytest.param(Rules(0, (pods(60),), "Disabled"), FREE, 100, [(0, 500, 100), (1, 40, 40)], id="up disabled"),
        pytest.param(Rules(0, (pods(60),)), FREE, 100, [(0, 130, 130)], id="less than allowed: what is asked for"),
        pytest.param(Rules(0, (pods(2000),)), FREE, 100, [(0, 1500, 1000)], id="more than maxReplicas: those"),
        # calculateScaleDownLimitWithBehaviors.
        pytest.param(FREE, Rules(0, (pods(4),)), 100, [(0, 1, 96)], id="down: Pods 4"),
        pytest.param(FREE, Rules(0, (percent(10),)), 100, [(0, 1, 90)], id="down: Percent 10"),
        pytest.param(FREE, Rules(0, (percent(10),)), 72, [(0, 1, 64)], id="down: 10 % of 72, 64.8 is cut to 64"),
        pytest.param(FREE, Rules(0, (percent(99),)), 9, [(0, 1, 1)], id="down: 99 % of 9, 0.09 is 0, minReplicas is 1"),
        pytest.param(FREE, Rules(0, (pods(4), percent(10))), 30, [(0, 1, 26)], id="down, Max: 26 or 27"),
        pytest.param(FREE, Rules(0, (pods(4), percent(10)), "Min"), 30, [(0, 1, 27)], id="down, Min: 26 or 27"),
        pytest.param(FREE, Rules(0, (pods(4),), "Disabled"), 30, [(0, 1, 30), (1, 40, 40)], id="down disabled"),
        pytest.param(FREE, Rules(0, (pods(50),)), 30, [(0, 1, 1)], id="down: more than there are"),
        # getReplicasChangePerPeriod: scale events.
        pytest.param(
            Rules(0, (pods(5),)),
            FREE,
            10,
            # 10 + 5; until 60 s the period began with 10; from 60 s with 15.
            [(0, 99, 15), (30, 99, 15), (59, 99, 15), (60, 99, 20), (90, 99, 20), (120, 99, 25)],
            id="up: an event counts for its period and not at its end",
        ),
        pytest.param(
            Rules(0, (percent(100, 15), pods(4, 15))),
            FREE,
            1,
            # HPA's defaults: max(2, 5), max(10, 9), 20, 40.
            [(0, 99, 5), (15, 99, 10), (30, 99, 20), (45, 99, 40), (60, 99, 80), (75, 99, 99)],
            id="up: the default policies, 5 10 20 40 80",
        ),
        pytest.param(
            Rules(0, (pods(2, 15), pods(6, 60)), "Min"),
            FREE,
            10,
            # +2 in 15 s and +6 in 60 s: 12 14 16, then the longer one holds 16 until the first event leaves at 60.
            [(0, 99, 12), (15, 99, 14), (30, 99, 16), (45, 99, 16), (60, 99, 18), (75, 99, 20)],
            id="up, Min: each policy has its own period",
        ),
        pytest.param(
            Rules(0, (pods(10),)),
            FREE,
            10,
            # Three smaller steps use the same allowance up: 13, 18, 20 of 20.
            [(0, 13, 13), (10, 18, 18), (20, 25, 20), (59, 25, 20), (60, 25, 23), (70, 25, 25)],
            id="up: several events add up, and leave one by one",
        ),
        pytest.param(
            FREE,
            Rules(0, (percent(50, 60),)),
            16,
            # 16 -> 8; the period began with 16 until 60 s; then 8 -> 4, and 2 at 120 s.
            [(0, 1, 8), (30, 1, 8), (60, 1, 4), (119, 1, 4), (120, 1, 2)],
            id="down: percent of what the period began with",
        ),
        pytest.param(
            Rules(0, (pods(3),)),
            FREE,
            10,
            # 10 -> 4 frees 6; then the period began with 4 + 6 = 10, so 13 is allowed.
            [(0, 4, 4), (10, 99, 13), (20, 99, 13)],
            id="up: what was removed in the period counts as there at its start",
        ),
        pytest.param(
            FREE,
            Rules(0, (pods(3),)),
            10,
            # 10 -> 20 adds 10; the period began with 20 - 10 = 10, so 7 is allowed.
            [(0, 20, 20), (10, 1, 7), (20, 1, 7)],
            id="down: what was added in the period was not there at its start",
        ),
        # stabilizeRecommendationWithBehaviors.
        pytest.param(
            FREE,
            Rules(300),
            9,
            # 9 at 0 s is out at 300 s, 6 at 100 s at 400 s, then 2.
            [(0, 9, 9), (100, 6, 9), (200, 2, 9), (299, 2, 9), (300, 2, 6), (399, 2, 6), (400, 2, 2)],
            id="down window: the highest recommendation in it",
        ),
        pytest.param(
            Rules(60),
            FREE,
            2,
            # 2 at 0 s, 4 at 20 s, 9 at 40 s: the lowest of 60 s is 2, from 60 s 4, from 80 s 9.
            [(0, 2, 2), (20, 4, 2), (40, 9, 2), (60, 9, 4), (80, 9, 9)],
            id="up window: the lowest recommendation in it",
        ),
        pytest.param(
            Rules(60),
            Rules(60),
            5,
            # In both directions within 60 s: 5 stays between the lowest 3 and the highest 8.
            [(0, 8, 5), (15, 3, 5), (30, 8, 5), (45, 3, 5)],
            id="both windows: a number between lowest and highest stays",
        ),
        pytest.param(FREE, Rules(300), 4, [(0, 9, 9), (1, 12, 12)], id="a down window does not delay the way up"),
        pytest.param(Rules(300), FREE, 4, [(0, 2, 2), (1, 1, 1)], id="an up window does not delay the way down"),
        pytest.param(
            FREE, Rules(300), 7, [(0, 2, 7), (299, 2, 7), (300, 2, 2)], id="the initial number is a recommendation, too"
        ),
        pytest.param(
            FREE,
            Rules(120),
            5,
            # 3 and 5 in turns: never 120 s without a 5.
            [(0, 5, 5), (60, 3, 5), (119, 5, 5), (180, 3, 5), (238, 5, 5)],
            id="down window: a load that comes and goes changes nothing",
        ),
        pytest.param(
            Rules(0, (pods(2),)),
            Rules(120),
            4,
            # 20 are asked for and 6 are set: the window remembers 20, so nothing goes down before 120 s.
            [(0, 20, 6), (60, 1, 6), (119, 1, 6), (120, 1, 1)],
            id="windows hold what was asked for, not what was set",
        ),
        pytest.param(
            FREE,
            Rules(60, (pods(3),)),
            10,
            # The window lets 2 through at 60 s, the policy 7, then 4.
            [(0, 10, 10), (30, 2, 10), (60, 2, 7), (90, 2, 7), (120, 2, 4)],
            id="first the window, then the policy",
        ),
        pytest.param(
            FREE,
            Rules(120),
            10,
            # 1500 are asked for at 0 s and cut to 1000; they hold for 120 s although 1500 were never reached.
            [(0, 1500, 1000), (60, 5, 1000), (120, 5, 5)],
            id="windows hold what was asked for before maxReplicas",
        ),
    ],
)
def test_policies_and_windows(up: Rules, down: Rules, start: int, rows: list[tuple[float, int, int]]) -> None:
    """Rows of (seconds, recommendation, number); 1 to 1000 replicas."""
    hpa = reference.Hpa(1, 1000, up, down, start)
    assert [(at, asked, hpa.sync(at, asked)) for at, asked, _ in rows] == rows
    made = play(
        echo_spec(written(up), written(down), maxReplicas=1000), [(at, asked) for at, asked, _ in rows], start=start
    )
    assert [(at, asked, decided.decision.desired) for (at, asked, _), decided in zip(rows, made, strict=True)] == rows


@pytest.mark.promise("F10")
@pytest.mark.parametrize(
    ("up", "down", "change", "asked"),
    [
        pytest.param(Rules(0, (pods(4),)), FREE, 10, 50, id="up: 20 - 10 + 4 = 14 are fewer than 20"),
        pytest.param(Rules(0, (percent(50),)), FREE, 10, 50, id="up: (20 - 10) x 1.5 = 15 are fewer than 20"),
        pytest.param(FREE, Rules(0, (pods(4),)), -10, 1, id="down: 20 + 10 - 4 = 26 are more than 20"),
        pytest.param(FREE, Rules(0, (percent(20),)), -10, 1, id="down: (20 + 10) x 0.8 = 24 are more than 20"),
    ],
)
def test_a_limit_beyond_the_present_number_holds_it(up: Rules, down: Rules, change: int, asked: int) -> None:
    """ "We shouldn't scale up further until the scaleUpEvents will be cleaned up", and the same on the way down.

    20 replicas; ``change`` of them came or went 30 s ago, when other policies stood in the spec.
    """
    hpa = reference.Hpa(1, 1000, up, down, 20)
    (hpa.added if change > 0 else hpa.removed).append((0.0, abs(change)))
    assert hpa.sync(30.0, asked) == 20
    start = seeded(20, 0.0)
    memory = Memory(0.0, 20, start.lows, start.highs, changes=((0.0, change),))
    spec = echo_spec(written(up), written(down), maxReplicas=1000)
    assert decide(spec, seen_of({"Concurrency": asked}, at=30.0), memory, 30.0).decision.desired == 20


CONCURRENCY = {"type": "Concurrency", "target": 10}
QUEUE = {"type": "QueueDepth", "target": 10}


@pytest.mark.promise("F10")
@pytest.mark.parametrize(
    ("readings", "current", "expected"),
    [
        # computeReplicasForMetrics, reconcileAutoscaler; 2 to 20 replicas.
        pytest.param((70, 40), 5, 7, id="two metrics: the larger number, 7 or 4"),
        pytest.param((40, 70), 5, 7, id="two metrics: in whichever order"),
        pytest.param((30, 20), 5, 3, id="two metrics: down to the larger one, 3 or 2"),
        pytest.param((30, None), 5, 5, id="one metric missing, the other asks for less: skipped"),
        pytest.param((90, None), 5, 9, id="one metric missing, the other asks for more: up"),
        pytest.param((None, 51), 5, 5, id="one metric missing, the other within its tolerance: 5.1 on 5"),
        pytest.param((None, None), 5, 5, id="no metric: nothing changes"),
        pytest.param((0, 0), 5, 2, id="nothing asked for: minReplicas"),
        pytest.param((900, 0), 5, 20, id="90 asked for: maxReplicas"),
        pytest.param((10, 10), 30, 20, id="above the range: maxReplicas, whatever the metrics say"),
        pytest.param((190, 190), 1, 2, id="below the range: minReplicas, whatever the metrics say"),
        pytest.param((None, None), 30, 20, id="above the range and no metric: maxReplicas"),
        pytest.param((None, None), 1, 2, id="below the range and no metric: minReplicas"),
    ],
)
def test_several_metrics_and_the_range(readings: tuple[Short, Short], current: int, expected: int) -> None:
    behavior = (
        {"scaleUp": INTOLERANT, "scaleDown": INTOLERANT}
        if 51 not in readings
        else {"scaleDown": {"stabilizationWindowSeconds": 0}}
    )
    spec = spec_of(CONCURRENCY, QUEUE, minReplicas=2, maxReplicas=20, behavior=behavior)
    seen = seen_of(dict(zip(("Concurrency", "QueueDepth"), readings, strict=True)), current=current)
    assert decide(spec, seen, None, 0.0).decision.desired == expected


def test_a_value_without_a_ready_replica_is_held_where_hpa_asks_for_none() -> None:
    """30 / 15 x 0 = 0: after a crash of all pods HPA would go to minReplicas while the load is there."""
    assert reference.replicas_by_value(30, 15, current=4, ready=0, down=TENTH, up=TENTH) == 0
    assert one_sync({"type": "Prometheus", "query": "q", "target": 15, "targetType": "Value"}, 30, current=4) == 4


def test_windows_forget_up_to_one_bucket_later_than_hpa() -> None:
    """5 is asked for at 1 s and at 4 s, in one bucket of 5 s, which leaves with its newest sample.

    A window of 60 s has lost the 9 of 1 s at 61 s in HPA; here the 9 stays as long as the 5 of 4 s, until 64 s.
    """
    down = Rules(60)
    rows = [(1.0, 9), (4.0, 5), (61.0, 5), (64.0, 5)]
    hpa = reference.Hpa(1, 100, FREE, down, 9)
    hpa.asked.append((-100.0, 9))
    assert [hpa.sync(at, asked) for at, asked in rows] == [9, 9, 5, 5]
    assert [d.decision.desired for d in play(echo_spec({}, written(down)), rows, start=9)] == [9, 9, 9, 5]
