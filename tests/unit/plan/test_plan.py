"""plan: rows of an inventory, a desired number, and the actions a careful person would take."""

from dataclasses import replace
from typing import Any

import pytest

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.model import (
    Action,
    CreateReplica,
    DeleteReplica,
    Failure,
    Inventory,
    LiftGates,
    Phase,
    Plan,
    Replica,
    Role,
    SetRole,
)
from elastic_serving.scaling.plan import plan
from elastic_serving.scaling.retries import failures_after
from tests.support.fleet import START, Fleet, decision_of, inventory_of, replica_of, spec_of


def short(action: Action) -> str:
    """``create 2``, ``delete 0 lost``, ``drain 1``, ``serve 1``, ``lift 0``: an action in two or three words."""
    match action:
        case CreateReplica():
            return f"create {action.index}" + (f" {list(action.ranks)}" if len(action.ranks) > 1 else "")
        case LiftGates():
            return f"lift {action.index}"
        case SetRole():
            return f"{'drain' if action.role is Role.DRAINING else 'serve'} {action.index}"
        case DeleteReplica():
            return f"delete {action.index}" + (" lost" if action.lost else "")


def planned(inventory: Inventory, desired: int) -> list[str]:
    return [short(a) for a in plan(spec_of(), decision_of(desired), inventory).actions]


OLD: dict[str, Any] = {"revision": "old"}
STARTING: dict[str, Any] = {"phase": Phase.LOADING, "phase_since": START}


@pytest.mark.parametrize(
    ("replicas", "desired", "expected"),
    [
        pytest.param([], 2, ["create 0", "create 1"], id="nothing there: every replica is created"),
        pytest.param([replica_of(0), replica_of(2)], 3, ["create 1"], id="the lowest free index is taken"),
        pytest.param(
            [replica_of(0, terminating=True)],
            1,
            ["create 1"],
            id="a terminating replica keeps its index and counts not",
        ),
        pytest.param([replica_of(0), replica_of(1)], 2, [], id="as desired: nothing"),
        pytest.param(
            [replica_of(0, in_flight=3.0), replica_of(1, in_flight=1.0), replica_of(2, in_flight=2.0)],
            2,
            ["drain 1"],
            id="the replica with the least in flight goes",
        ),
        pytest.param(
            [replica_of(0, in_flight=0.0), replica_of(1, **STARTING), replica_of(2, in_flight=0.0)],
            2,
            ["delete 1"],
            id="a starting replica goes before an idle one and needs no drain",
        ),
        pytest.param(
            [replica_of(0, in_flight=None), replica_of(1, in_flight=9.0)],
            1,
            ["drain 1"],
            id="unknown in-flight goes last",
        ),
        pytest.param(
            [replica_of(0, in_flight=1.0), replica_of(1, in_flight=1.0)],
            1,
            ["drain 1"],
            id="a tie takes the younger index",
        ),
        pytest.param([replica_of(0), replica_of(1)], 0, ["drain 1", "drain 0"], id="to zero drains all"),
        pytest.param(
            [replica_of(0), replica_of(1, phase=Phase.LOADING, phase_since=START, pulled_at=START - 50)],
            1,
            ["drain 1"],
            id="a replica that was ready and is not any more may hold requests: it drains",
        ),
        pytest.param(
            [replica_of(0, gated=True, phase=Phase.PROVISIONING)], 1, ["lift 0"], id="a whole gated group is let go"
        ),
        pytest.param(
            [replica_of(0, phase=Phase.FAILED, blame="OOM")], 1, ["delete 0 lost", "create 1"], id="failed: goes"
        ),
        pytest.param(
            [replica_of(0, phase=Phase.FINISHED)], 0, ["delete 0"], id="finished by itself: goes, not as lost"
        ),
        pytest.param(
            [replica_of(0), replica_of(1, role=Role.DRAINING, draining_since=START)],
            2,
            ["serve 1"],
            id="a draining replica comes back before anything is created",
        ),
        pytest.param(
            [replica_of(0), replica_of(1, role=Role.DRAINING, draining_since=START, **OLD)],
            2,
            ["create 2"],
            id="a draining replica of another revision does not come back",
        ),
    ],
)
def test_replicas_move_towards_desired(replicas: list[Replica], desired: int, expected: list[str]) -> None:
    assert planned(inventory_of(*replicas), desired) == expected


@pytest.mark.parametrize(
    ("in_flight", "sampled", "at", "expected"),
    [
        pytest.param(0.0, START + 1, START + 2, ["delete 1"], id="0 scraped after the label change"),
        pytest.param(0.0, START - 1, START + 2, [], id="0 scraped before the label change proves nothing"),
        pytest.param(0.0, START, START + 2, [], id="0 scraped at the very time proves nothing"),
        pytest.param(2.0, START + 1, START + 2, [], id="requests in flight"),
        pytest.param(None, None, START + 119, [], id="nothing known, in time"),
        pytest.param(2.0, START + 119, START + 120, ["delete 1"], id="the timeout passed with requests in flight"),
        pytest.param(None, None, START + 120, ["delete 1"], id="the timeout passed with nothing known"),
    ],
)
@pytest.mark.promise("N18")
@pytest.mark.promise("M4")
def test_a_drain_ends_with_a_fresh_zero_or_its_timeout(
    in_flight: float | None, sampled: float | None, at: float, expected: list[str]
) -> None:
    draining = replica_of(1, role=Role.DRAINING, draining_since=START, in_flight=in_flight, in_flight_at=sampled, **OLD)
    assert planned(inventory_of(replica_of(0), draining, at=at), 1) == expected


@pytest.mark.parametrize(
    ("draining", "desired", "expected"),
    [
        pytest.param({}, 1, ["drain 1"], id="its drain begins now, however old the pod is"),
        pytest.param(
            {"in_flight": 0.0, "in_flight_at": START + 299}, 1, ["drain 1"], id="also if nothing is in flight"
        ),
        pytest.param({"phase": Phase.LOADING}, 1, ["drain 1"], id="also if it is not ready"),
        pytest.param({}, 2, ["serve 1"], id="wanted: it serves again, as every draining replica would"),
        pytest.param(OLD, 2, ["drain 1", "create 2"], id="of another revision: it drains and another one is made"),
        pytest.param({"phase": Phase.FAILED}, 1, ["delete 1 lost"], id="failed: goes"),
    ],
)
def test_a_drain_without_a_time_begins_when_it_is_first_seen(
    draining: dict[str, Any], desired: int, expected: list[str]
) -> None:
    by_hand = replica_of(1, role=Role.DRAINING, **draining)
    assert planned(inventory_of(replica_of(0), by_hand, at=START + 300), desired) == expected


def test_an_inventory_that_is_not_complete_removes_nothing_but_still_adds() -> None:
    failed = replica_of(1, phase=Phase.FAILED)
    drained = replica_of(2, role=Role.DRAINING, draining_since=START, in_flight=0.0, in_flight_at=START + 1)
    seen = inventory_of(replica_of(0), failed, drained, at=START + 2, complete=False)
    made = plan(spec_of(), decision_of(3), seen)
    # Two are missing; 3 would take the place of the failed one and waits for its removal.
    assert [short(a) for a in made.actions] == ["create 4"]
    assert made.look_again


def test_advise_touches_nothing() -> None:
    seen = inventory_of(replica_of(0, phase=Phase.FAILED), replica_of(1))
    assert plan(spec_of(mode="Advise"), decision_of(5), seen).actions == ()


@pytest.mark.parametrize(
    ("replicas", "desired", "expected"),
    [
        pytest.param([replica_of(0, **OLD), replica_of(1, **OLD)], 2, ["create 2"], id="surge of one first"),
        pytest.param(
            [replica_of(0, **OLD), replica_of(1, **OLD), replica_of(2, **STARTING)],
            2,
            [],
            id="until the surge is ready",
        ),
        pytest.param(
            [replica_of(0, in_flight=5.0, **OLD), replica_of(1, in_flight=1.0, **OLD), replica_of(2, in_flight=0.0)],
            2,
            ["drain 1"],
            id="then one of the old ones drains, though the new one has less in flight",
        ),
        pytest.param(
            [replica_of(0, **OLD), replica_of(1, role=Role.DRAINING, draining_since=START, **OLD), replica_of(2)],
            2,
            [],
            id="no second surge while a victim still drains",
        ),
        pytest.param(
            [replica_of(0, **OLD), replica_of(1), replica_of(2, **STARTING)],
            1,
            ["drain 0"],
            id="scaled down in a rollout: the ready old one is spare, the starting one stays within the surge",
        ),
        pytest.param(
            [replica_of(0, **OLD), replica_of(1, **STARTING), replica_of(2, **STARTING)],
            1,
            ["delete 2"],
            id="scaled down in a rollout: the only ready one stays though it is old",
        ),
        pytest.param([replica_of(0, **OLD)], 0, ["drain 0"], id="at a desired of zero nothing is replaced"),
    ],
)
def test_a_changed_spec_replaces_one_replica_at_a_time(
    replicas: list[Replica], desired: int, expected: list[str]
) -> None:
    assert planned(inventory_of(*replicas), desired) == expected


def failing(count: int, at: float, revision: str = "new") -> Inventory:
    row = Failure(index=0, revision=revision, count=count, at=at, reason="exit code 1")
    return inventory_of(at=START, failures=(row,))


@pytest.mark.parametrize(
    ("inventory", "expected"),
    [
        pytest.param(failing(1, START), ["create 0"], id="the first failure is retried at once"),
        pytest.param(failing(2, START - 9), [], id="the second waits 10 s"),
        pytest.param(failing(2, START - 10), ["create 0"], id="and then goes on"),
        pytest.param(failing(3, START - 19), [], id="the third waits 20 s"),
        pytest.param(failing(10, START - 299), [], id="no wait is longer than 300 s"),
        pytest.param(failing(10, START - 300), ["create 0"], id="300 s after the tenth"),
        pytest.param(failing(11, START - 4000), [], id="more failures than maxRestarts 10: given up"),
        pytest.param(failing(11, START, "old"), ["create 0"], id="an edit of the spec starts over"),
    ],
)
def test_a_failed_replica_is_made_anew_with_growing_waits(inventory: Inventory, expected: list[str]) -> None:
    assert planned(inventory, 1) == expected


def test_the_reason_of_a_wait_is_told() -> None:
    waits = plan(spec_of(), decision_of(1), failing(2, START)).waits
    assert waits == ("replica 0 is made anew after a wait, failure 2 was: exit code 1",)


def test_a_failed_replica_that_still_holds_its_index_is_made_anew_under_another_and_keeps_its_row() -> None:
    fleet = Fleet(spec_of())
    made: list[tuple[float, list[str]]] = []
    for _ in range(40):
        actions = plan(fleet.spec, decision_of(1), fleet.inventory()).actions
        if any(isinstance(a, CreateReplica) for a in actions):
            made.append((fleet.now - START, [short(a) for a in actions]))
        fleet.perform(actions)
        fleet.pass_time(1)
        for index, replica in fleet.replicas.items():
            if replica.phase is Phase.READY:
                fleet.fail(index, 0)
    # A replica that always fails: at once after the first failure, then after 10 s and 20 s, whatever its index is.
    assert made == [
        (0, ["create 0"]),
        (2, ["delete 0 lost", "create 1"]),
        (14, ["create 1"]),
        (36, ["create 1"]),
    ]


def test_a_failed_pod_that_is_seen_again_before_its_deletion_is_known_is_one_failure() -> None:
    failed = replica_of(0, phase=Phase.FAILED, blame="exit code 1")
    first = plan(spec_of(), decision_of(1), inventory_of(failed))
    rows = failures_after(inventory_of(failed), first.actions, spec_of().startup)
    assert [(row.index, row.count, row.heir) for row in rows] == [(0, 1, 1)]
    again = inventory_of(failed, replica_of(1, **STARTING), failures=rows, at=START + 1)
    second = plan(spec_of(), decision_of(1), again)
    assert [short(a) for a in second.actions] == ["delete 0 lost"]
    assert failures_after(again, second.actions, spec_of().startup) == rows


def test_a_failed_replica_is_made_anew_only_with_its_removal() -> None:
    found = inventory_of(replica_of(0, phase=Phase.FAILED), complete=False)
    made = plan(spec_of(), decision_of(2), found)
    assert made.look_again
    assert [short(a) for a in made.actions] == ["create 2"]  # the second one, not the one in the place of 0


def test_what_is_not_tried_again_is_not_tried_under_another_index() -> None:
    spec = ElasticServingSpec.model_validate({**spec_of().model_dump(), "startup": {"max_restarts": 0}})
    made = plan(spec, decision_of(1), inventory_of(replica_of(0, phase=Phase.FAILED, blame="exit code 1")))
    assert [short(a) for a in made.actions] == ["delete 0 lost"]
    assert made.waits == ("replica 0 failed once and is given up until spec changes: host 0 of 1 failed: exit code 1",)


def test_a_replica_that_failed_holds_up_no_other() -> None:
    actions = plan(spec_of(), decision_of(3), failing(11, START)).actions
    assert [short(a) for a in actions] == ["create 1", "create 2"]


@pytest.mark.parametrize(
    ("phase", "age", "expected"),
    [
        pytest.param(
            Phase.PROVISIONING, 1801, "host 0 of 1 has no node after 1800 s: 0/3 nodes are available", id="node"
        ),
        pytest.param(Phase.PROVISIONING, 1800, None, id="in time for a node"),
        pytest.param(
            Phase.PULLING, 901, "host 0 of 1 on n has not started its container after 900 s: ErrImagePull", id="pull"
        ),
        pytest.param(Phase.LOADING, 1801, "host 0 of 1 on n is not ready after 1800 s", id="load"),
    ],
)
def test_a_missed_deadline_takes_the_replica_down_and_names_the_host(
    phase: Phase, age: float, expected: str | None
) -> None:
    blame = {Phase.PROVISIONING: "0/3 nodes are available", Phase.PULLING: "ErrImagePull"}.get(phase, "")
    node = None if phase is Phase.PROVISIONING else "n"
    late = replica_of(0, phase=phase, phase_since=START, blame=blame, node=node)
    actions = plan(spec_of(), decision_of(1), inventory_of(late, at=START + age)).actions
    deleted = [a.reason for a in actions if isinstance(a, DeleteReplica) and a.lost]
    assert deleted == ([] if expected is None else [expected])


def test_a_group_that_lost_a_host_goes_whole_and_one_still_gated_is_completed() -> None:
    broken = replica_of(0, size=2)
    broken = replace(broken, hosts=broken.hosts[:1])
    gated = replica_of(1, size=2, gated=True, phase=Phase.PROVISIONING)
    gated = replace(gated, hosts=gated.hosts[1:])
    other = replica_of(2, size=2)
    actions = plan(spec_of(), decision_of(2), inventory_of(broken, gated, other)).actions
    assert [short(a) for a in actions] == ["delete 0 lost", "create 1"]
    assert isinstance(actions[1], CreateReplica)
    assert actions[1].ranks == (0,)


def test_a_rollout_that_waits_for_a_replica_to_go_says_so() -> None:
    stuck = replica_of(2, terminating=True, **OLD)
    made = plan(spec_of(), decision_of(2), inventory_of(replica_of(0, **OLD), replica_of(1, **OLD), stuck))
    assert made == Plan((), ("the rollout goes on when replica 2 is gone",))


def test_what_is_given_up_is_not_forgotten_with_time() -> None:
    later = failing(11, START - 100_000)
    kept = failures_after(later, (), spec_of().startup)
    assert [failure.count for failure in kept] == [11]


def test_a_clock_that_went_back_does_not_lengthen_a_wait() -> None:
    ahead = failing(2, START + 3600)
    (kept,) = failures_after(ahead, (), spec_of().startup)
    assert kept.at == START
