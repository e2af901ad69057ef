"""How requests flow: counters of replicas that come and go add up to one that never falls."""

import pytest

from elastic_serving.observe.fleet import ReplicaSample
from elastic_serving.observe.flow import Finished, flow_of
from elastic_serving.observe.inventory import inventory_of
from elastic_serving.scaling.model import Flow, Inventory
from tests.unit.observe.pods import READY, SCHEDULED, UID, Pod, at, condition, pod, running, terminated

WATCHED = at("10:00:00")
NOW = at("10:30:00")
OLDEST = NOW - 30
LATE: Pod = {**READY, "containerStatuses": [running("10:29:00")]}
"""Its container started at 10:29:00, under an index another pod had before."""
FRESH: Pod = {
    "phase": "Running",
    "conditions": [SCHEDULED, condition("Ready", "True", "10:29:31")],
    "containerStatuses": [running("10:29:20")],
}


def seen(*pods: Pod) -> Inventory:
    return inventory_of(UID, "llama", pods, at=NOW)


def counted(finished: float | None, when: float = NOW) -> ReplicaSample:
    return ReplicaSample(0.0, when, waiting=0.0, finished=finished)


@pytest.mark.parametrize(
    ("watched_since", "passes", "totals"),
    [
        pytest.param(
            WATCHED,
            [{0: counted(10)}, {0: counted(14)}, {0: counted(14)}],
            [10, 14, 14],
            id="a replica that started under our eyes counts whole, then by what it adds",
        ),
        pytest.param(
            at("10:00:20.900"),
            [{0: counted(10)}, {0: counted(14)}],
            [10, 14],
            id="one that started in the second in which we began counts whole: pods' times are whole seconds",
        ),
        pytest.param(
            at("10:00:21"),
            [{0: counted(1000)}, {0: counted(1004)}],
            [0, 4],
            id="one that ran before counts from its first sample on",
        ),
        pytest.param(
            WATCHED, [{0: counted(10)}, {0: counted(3)}, {0: counted(5)}], [10, 13, 15], id="a counter began anew at 0"
        ),
        pytest.param(
            WATCHED, [{0: counted(10)}, {}, {0: counted(17)}], [10, 10, 17], id="a gap is made good afterwards"
        ),
        pytest.param(
            WATCHED, [{0: counted(10)}, {0: counted(None)}, {0: counted(17)}], [10, 10, 17], id="a counter is absent"
        ),
        pytest.param(
            WATCHED, [{0: counted(10), 1: counted(5)}, {0: counted(11), 1: counted(7)}], [15, 18], id="two replicas"
        ),
        pytest.param(WATCHED, [{9: counted(10)}], [0], id="of nobody we know"),
    ],
)
def test_what_replicas_have_finished_adds_up(
    watched_since: float, passes: list[dict[int, ReplicaSample]], totals: list[float]
) -> None:
    finished, found = Finished(watched_since), []
    for samples in passes:
        finished = finished.after(seen(pod(0), pod(1)), samples)
        found.append(finished.total)
    assert found == totals


def test_a_replaced_replica_takes_nothing_away_and_the_new_ones_count_is_not_the_old_ones() -> None:
    finished = Finished(WATCHED).after(seen(pod(0)), {0: counted(10)})
    gone = finished.after(seen(), {0: counted(10)})
    assert (gone.total, dict(gone.counts)) == (10, {})
    heir = seen(pod(0, uid="another", status=LATE))
    # A sample of 10:29:00 may be of either pod: times are whole seconds.
    old = gone.after(heir, {0: counted(10, at("10:29:00"))})
    assert old.total == 10
    assert old.after(heir, {0: counted(2, at("10:29:01"))}).total == 12


@pytest.mark.parametrize(
    ("pods", "samples", "flow"),
    [
        pytest.param(
            [pod(0), pod(1, role="draining")],
            {0: ReplicaSample(40, NOW - 2, waiting=8, finished=1), 1: ReplicaSample(3, NOW - 5, waiting=0, finished=9)},
            Flow(35, 8, 7, NOW - 5),
            id="32 run and 8 wait in one, 3 run in one that drains",
        ),
        pytest.param(
            [pod(0)],
            {0: ReplicaSample(3, NOW, 0.25, waiting=3, finished=1)},
            Flow(8, 3, 7, NOW),
            id="a quarter of 32 slots",
        ),
        pytest.param([pod(0), pod(1)], {0: counted(1)}, None, id="a ready one is silent"),
        pytest.param(
            [pod(0), pod(1)], {0: counted(1), 1: counted(None)}, None, id="the engine counts nothing finished"
        ),
        pytest.param([pod(0)], {0: counted(1, OLDEST - 1)}, None, id="too old"),
        pytest.param(
            [pod(0), pod(1, status=FRESH)],
            {0: ReplicaSample(5, NOW, waiting=1, finished=1)},
            Flow(4, 1, 7, NOW),
            id="ready for 29 s: its first scrape may still come",
        ),
        pytest.param(
            [
                pod(0),
                pod(1, status={"phase": "Failed", "containerStatuses": [terminated(1, "E", "10:01:00", "10:02:00")]}),
            ],
            {i: ReplicaSample(5, NOW, waiting=1, finished=1) for i in (0, 1)},
            Flow(4, 1, 7, NOW),
            id="what a failed replica had is gone",
        ),
        pytest.param([], {}, None, id="no replica at all"),
    ],
)
def test_flow_is_what_all_replicas_have_or_unknown(
    pods: list[Pod], samples: dict[int, ReplicaSample], flow: Flow | None
) -> None:
    finished = Finished(WATCHED, total=7)
    assert flow_of(seen(*pods), samples, finished, slots=32, oldest=OLDEST) == flow
