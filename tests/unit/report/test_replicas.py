"""The list of replicas in kubectl describe: one sentence each, what needs a look first."""

from dataclasses import replace

import pytest

from elastic_serving.report.replicas import replica_sentences
from elastic_serving.scaling.model import Phase, Replica, Role
from tests.support.accounts import NOW, at, serving_since, starting_since
from tests.support.fleet import host_of


def lines(*replicas: Replica) -> list[str]:
    return list(replica_sentences(replicas, "new", NOW))


@pytest.mark.promise("F9")
def test_the_list_reads_as_drawn() -> None:
    waiting = starting_since(4, "04:51:31", Phase.PROVISIONING, blame="0/3 nodes are available")
    assert lines(
        serving_since(0, "04:12:10"),
        serving_since(1, "04:40:55"),
        replace(serving_since(2, "04:41:20"), role=Role.DRAINING, draining_since=at("04:51:50")),
        starting_since(3, "04:51:58", Phase.LOADING),
        waiting,
        starting_since(5, "04:51:40", Phase.FAILED, blame="OOMKilled (exit code 137)"),
        serving_since(6, "04:12:11", terminating=True),
    ) == [
        "5  failed    gpu-node-f   host 0 of 1 failed at 04:51:40: OOMKilled (exit code 137)",
        "3  starting  gpu-node-d   loading the model since 04:51:58",
        "4  starting  no node yet  provisioning since 04:51:31: 0/3 nodes are available",
        "2  draining  gpu-node-c   since 04:51:50, in flight not known yet",
        "6  ending    gpu-node-g   its pods are being deleted",
        "0  serving   gpu-node-a   since 04:12:10",
        "1  serving   gpu-node-b   since 04:40:55",
    ]


@pytest.mark.parametrize(
    ("in_flight", "scraped", "text"),
    [
        pytest.param(3.0, "04:51:51", "3 in flight", id="scraped after the label change"),
        pytest.param(
            3.0, "04:51:50", "in flight not known yet", id="scraped at the change: it may lack what came since"
        ),
        pytest.param(None, None, "in flight not known yet", id="never scraped"),
    ],
)
def test_a_drain_tells_only_what_was_scraped_after_it_began(
    in_flight: float | None, scraped: str | None, text: str
) -> None:
    drained = replace(
        serving_since(0, "04:12:10"),
        role=Role.DRAINING,
        draining_since=at("04:51:50"),
        in_flight=in_flight,
        in_flight_at=at(scraped) if scraped else None,
    )
    assert lines(drained) == [f"0  draining  gpu-node-a  since 04:51:50, {text}"]


def test_an_older_revision_is_named() -> None:
    assert lines(replace(serving_since(0, "04:12:10"), revision="old")) == [
        "0  serving  gpu-node-a  since 04:12:10, of an older revision"
    ]


def test_a_group_names_the_host_that_holds_it_up() -> None:
    ready = host_of(0, 0, node="node-a", phase=Phase.READY)
    loading = host_of(0, 1, node="node-b", phase=Phase.PULLING, phase_since=at("04:51:00"), blame="ErrImagePull")
    assert lines(Replica(0, Role.SERVING, "new", (ready, loading), 2)) == [
        "0  starting  node-a +1  host 1 of 2 pulling the image since 04:51:00: ErrImagePull"
    ]


def test_a_leader_that_left_by_itself_is_no_failure_of_words() -> None:
    assert lines(starting_since(0, "04:51:31", Phase.FINISHED)) == [
        "0  failed  gpu-node-a  its leader exited with code 0 at 04:51:31"
    ]


def test_times_of_another_day_carry_their_date() -> None:
    old = serving_since(0, "04:12:10")
    yesterday = replace(old.hosts[0], ready_at=NOW - 86_400)
    assert lines(replace(old, hosts=(yesterday,))) == ["0  serving  gpu-node-a  since 2026-11-21 04:52:00"]


def test_fifty_lines_at_most_and_the_last_counts_the_rest() -> None:
    many = [replace(serving_since(0, "04:12:10"), index=index) for index in range(60)]
    assert len(lines(*many[:50])) == 50
    assert lines(*many[:50])[49].startswith("49  serving")
    shown = lines(*many)
    assert len(shown) == 50
    assert shown[48].startswith("48  serving")
    assert shown[49] == "and 11 more"


def test_nothing_there_is_no_line() -> None:
    assert lines() == []
