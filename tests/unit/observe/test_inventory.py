"""Which pods make which replicas, and what they count for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic_serving.observe.inventory import InFlight, counts_of, inventory_of, retired_of
from elastic_serving.scaling.model import Inventory, Phase, Role
from tests.unit.observe.pods import READY, SCHEDULED, UID, Pod, at, condition, pod, running, stamp, terminated

NOW = at("10:30:00")
LOADING: Pod = {
    "phase": "Running",
    "conditions": [SCHEDULED, condition("Ready", "False", "10:00:05")],
    "containerStatuses": [running("10:00:20")],
}
PENDING: Pod = {"phase": "Pending"}
CRASHED: Pod = {"phase": "Failed", "containerStatuses": [terminated(1, "Error", "10:00:20", "10:02:00")]}
LEFT: Pod = {"phase": "Succeeded", "containerStatuses": [terminated(0, "Completed", "10:00:20", "10:02:00")]}


def inventory(*pods: object, **arguments: Any) -> Inventory:
    return inventory_of(UID, "llama", pods, at=NOW, **arguments)


def without(given: Pod, *path: str) -> Pod:
    here = given
    for step in path[:-1]:
        here = here[step]
    del here[path[-1]]
    return given


def labelled(given: Pod, **labels: str) -> Pod:
    given["metadata"]["labels"].update({f"elasticserving.io/{key}": value for key, value in labels.items()})
    return given


def test_replicas_come_in_the_order_of_their_index_and_hosts_in_the_order_of_their_rank() -> None:
    seen = inventory(pod(10, 1), pod(10, 0), pod(2, 1), pod(2, 0), size=2, revision="r2")
    assert [(r.index, [h.rank for h in r.hosts]) for r in seen.replicas] == [(2, [0, 1]), (10, [0, 1])]
    assert all(r.is_ready and r.size == 2 and r.revision == "r1" for r in seen.replicas)
    assert (seen.at, seen.revision, seen.complete) == (NOW, "r2", True)


@pytest.mark.promise("N14")
@pytest.mark.parametrize(
    ("stranger", "blocked"),
    [
        pytest.param(pod(3, ownerReferences=[]), (3,), id="no owner"),
        pytest.param(
            pod(3, ownerReferences=[{"uid": "another", "controller": True}]), (3,), id="a namesake deleted before"
        ),
        pytest.param(pod(3, ownerReferences=[{"uid": UID}]), (3,), id="owned, but not controlled by us"),
        pytest.param(labelled(pod(3), replica="three"), (3,), id="index is no number"),
        pytest.param(labelled(pod(3), replica="-3"), (3,), id="index is negative"),
        pytest.param(labelled(pod(3), replica="03"), (3,), id="index with a leading zero"),
        pytest.param(labelled(pod(3), replica="³"), (3,), id="index in superscript"),
        pytest.param(labelled(pod(3), replica="4"), (3,), id="index and name disagree"),
        pytest.param(labelled(pod(3), host="1"), (3,), id="rank beyond the group"),
        pytest.param(labelled(pod(3), serving="qwen"), (3,), id="of another serving"),
        pytest.param(pod(3, name="debug"), (), id="a name that stands in no replica's way"),
        pytest.param(pod(3, name="llama-3"), (), id="a name with too few numbers"),
        pytest.param(without(pod(3), "metadata", "labels"), (3,), id="no labels"),
    ],
)
def test_a_pod_that_is_not_quite_ours_is_foreign_and_never_counts(stranger: Pod, blocked: tuple[int, ...]) -> None:
    seen = inventory(stranger, pod(0))
    assert [r.index for r in seen.replicas] == [0]
    assert seen.foreign_pods == (stranger["metadata"]["name"],)
    assert seen.blocked == blocked


def test_a_draining_replica_keeps_the_time_of_its_label_change() -> None:
    drained = pod(1, role="draining", annotations={"elasticserving.io/draining-since": "1795341000.250"})
    replica = inventory(drained).replicas[0]
    assert (replica.role, replica.draining_since) == (Role.DRAINING, 1795341000.25)


@pytest.mark.parametrize("since", ["soon", "nan", "inf", ""])
def test_a_drain_whose_time_cannot_be_read_has_none_yet(since: str) -> None:
    drained = pod(1, role="draining", annotations={"elasticserving.io/draining-since": since})
    assert inventory(drained).replicas[0].draining_since is None


def test_a_drain_label_set_by_hand_says_nothing_of_when() -> None:
    assert inventory(pod(1, role="draining")).replicas[0].draining_since is None


def test_a_leader_whose_role_is_unknown_has_left_the_service() -> None:
    assert inventory(pod(0, role="Serving")).replicas[0].role is Role.DRAINING


def test_hosts_of_two_revisions_have_none() -> None:
    replica = inventory(pod(0, 0, revision="r1"), pod(0, 1, revision="r2"), size=2).replicas[0]
    assert replica.revision == ""


def test_a_worker_that_ends_before_its_leader_has_failed_its_group() -> None:
    replica = inventory(pod(0, 0), pod(0, 1, status=LEFT), size=2).replicas[0]
    assert replica.phase is Phase.FAILED
    assert replica.hosts[1].blame == "host 1 ended before its leader (exit code 0)"


def test_a_worker_that_ends_with_its_leader_has_not_failed() -> None:
    replica = inventory(pod(0, 0, status=LEFT), pod(0, 1, status=LEFT), size=2).replicas[0]
    assert replica.phase is Phase.FINISHED


def test_in_flight_counts_only_when_it_was_scraped_from_this_very_container() -> None:
    # The container of both runs since 10:00:20; a sample of 10:00:19 is of the pod that had the index before.
    samples = {0: InFlight(7.0, at("10:00:19")), 1: InFlight(5.0, at("10:00:21"))}
    first, second = inventory(pod(0), pod(1), in_flight=samples).replicas
    assert (first.in_flight, first.in_flight_at) == (None, None)
    assert (second.in_flight, second.in_flight_at) == (5.0, at("10:00:21"))


@pytest.mark.promise("B23")
def test_only_ready_replicas_count_as_capacity() -> None:
    seen = inventory(
        pod(0),
        pod(1, status=LOADING),
        pod(2, status=PENDING),
        pod(3, role="draining"),
        pod(4, status=CRASHED),
        pod(5, status=LEFT),
        pod(6, deletionTimestamp=stamp("10:29:00")),
        pod(7),
    )
    counts = counts_of(seen, current=6)
    # Ready: 0 and 7. On their way: 1 and 2. Draining, crashed, finished and terminating ones are neither.
    assert (counts.current, counts.ready, counts.starting, counts.standby) == (6, 2, 2, 0)
    # Created at 10:00:00, seen at 10:30:00.
    assert counts.ages == (1800.0, 1800.0)


def test_ages_of_what_starts_are_the_oldest_first_and_a_group_is_as_old_as_its_first_host() -> None:
    young = pod(1, status=PENDING, creationTimestamp=stamp("10:29:50"))
    later = pod(2, 1, status=PENDING, creationTimestamp=stamp("10:29:00"))
    ahead = pod(3, 0, status=PENDING, creationTimestamp=stamp("10:30:05"))
    counts = counts_of(inventory(young, pod(2, 0), later, ahead, size=2), current=3)
    assert counts.ages == (1800.0, 10.0, 0.0)


def test_half_a_group_is_on_its_way_however_ready_its_hosts_are() -> None:
    counts = counts_of(inventory(pod(0, 0), pod(1, 0), pod(1, 1), size=2), current=2)
    assert (counts.ready, counts.starting) == (1, 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = (
    ("metadata",),
    ("spec",),
    ("status",),
    ("metadata", "name"),
    ("metadata", "uid"),
    ("metadata", "labels"),
    ("metadata", "annotations"),
    ("metadata", "ownerReferences"),
    ("metadata", "creationTimestamp"),
    ("metadata", "deletionTimestamp"),
    ("metadata", "labels", "elasticserving.io/replica"),
    ("metadata", "labels", "elasticserving.io/host"),
    ("metadata", "labels", "elasticserving.io/role"),
    ("metadata", "labels", "elasticserving.io/revision"),
    ("spec", "nodeName"),
    ("spec", "schedulingGates"),
    ("status", "phase"),
    ("status", "reason"),
    ("status", "conditions"),
    ("status", "containerStatuses"),
    ("status", "initContainerStatuses"),
)


def broken(changes: list[tuple[tuple[str, ...], object]]) -> Pod:
    made = pod(0)
    made["status"] = dict(READY)
    for path, value in changes:
        here: Any = made
        for step in path[:-1]:
            here = here[step] if isinstance(here, dict) and step in here else {}
        if isinstance(here, dict):
            here[path[-1]] = value
    return made


@given(st.lists(st.tuples(st.sampled_from(PATHS), JSON), max_size=4).map(broken) | JSON)
def test_no_pod_however_odd_breaks_the_inventory(odd: object) -> None:
    seen = inventory(odd, pod(1))
    counted = [h.pod for r in seen.replicas for h in r.hosts]
    # Every pod is either a host or foreign, and the sound one beside the odd one is untouched.
    assert len(counted) + len(seen.foreign_pods) == 2
    assert "llama-1-0" in counted
    assert counts_of(seen, 1).ready >= 1


@pytest.mark.promise("N22")
@pytest.mark.parametrize(
    ("leaving", "retired"),
    [
        pytest.param(pod(status=LEFT), 1, id="a leader that ended with 0 while it served wished to leave"),
        pytest.param(
            pod(status=LEFT, deletionTimestamp=stamp("10:02:01")), 0, id="one that somebody deletes only obeyed"
        ),
        pytest.param(pod(status=LEFT, role="draining"), 0, id="one that drains only obeyed"),
    ],
)
def test_only_a_serving_leader_that_ends_by_itself_asks_for_one_replica_fewer(leaving: Pod, retired: int) -> None:
    assert len(retired_of(inventory(leaving))) == retired
