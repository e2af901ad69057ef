"""Events: what is told, in which words, and that each thing is told once."""

from dataclasses import replace

import pytest

from elastic_serving.errors import Transient
from elastic_serving.report.account import Account
from elastic_serving.report.events import Event, EventWriter, event_name, events_of
from elastic_serving.scaling.model import (
    DeleteReplica,
    Missing,
    Outcome,
    Phase,
    Role,
    Step,
    Trouble,
    TroubleKind,
)
from tests.support.accounts import NOW, account_of, at, concurrency, decided, failed, serving_since, starting_since
from tests.support.objects import Objects
from tests.support.serving import NAMESPACE, serving_of

GONE = Missing("Unreachable", "connection refused", at("04:48:02"))
BLIND = decided(2, 2, why="MetricsMissing", signal=None, signals=(concurrency(None, None, GONE),))
QUOTA = Trouble(TroubleKind.QUOTA, 2, "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2")


def told(account: Account, previous: Account | None = None) -> list[tuple[str, str, str]]:
    return [(event.type, event.reason, event.message) for event in events_of(account, previous)]


@pytest.mark.promise("U22")
@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param(
            account_of(desired=5, last_change=decided(3, 5)),
            ("Normal", "ScalingUp", "3 -> 5 replicas: Concurrency 148 is above 28 per replica x 3"),
            id="up by a signal",
        ),
        pytest.param(
            account_of(desired=2, last_change=decided(1, 2)),
            ("Normal", "ScalingUp", "1 -> 2 replicas: Concurrency 148 is above 28 per replica"),
            id="up from one",
        ),
        pytest.param(
            account_of(desired=1, last_change=decided(3, 1, signals=(concurrency(20, 1),))),
            ("Normal", "ScalingDown", "3 -> 1 replicas: Concurrency 20 needs no more at 28 per replica"),
            id="down by a signal",
        ),
        pytest.param(
            account_of(
                desired=0,
                last_change=decided(1, 0, why="Idle", steps=(Step("zero", 1, 0, "idle for 600 s of 600 s -> 0"),)),
            ),
            ("Normal", "ScalingDown", "1 -> 0 replicas: Idle: zero, idle for 600 s of 600 s -> 0"),
            id="down by idleness",
        ),
        pytest.param(
            account_of(serving_since(2, "04:51:00"), desired=1),
            ("Normal", "ReplicaReady", "replica 2 serves after 84 s (provision 29, pull 9, load 46)"),
            id="a replica serves",
        ),
        pytest.param(
            account_of(desired=1, inventory={"failures": (failed(1, "04:51:00", "OOMKilled (exit code 137)", 2),)}),
            ("Warning", "ReplicaLost", "replica 1 is made anew: OOMKilled (exit code 137), failure 2 in a row"),
            id="a replica is lost, with blame",
        ),
        pytest.param(
            account_of(
                replace(serving_since(0, "04:12:10"), role=Role.DRAINING, draining_since=at("04:51:50")), desired=0
            ),
            ("Normal", "ReplicasDraining", "replica 0 is out of the Service and answers its last requests"),
            id="a drain begins",
        ),
        pytest.param(
            account_of(
                desired=0,
                outcome=Outcome(
                    (DeleteReplica(0, serving_since(0, "04:12:10").hosts, "drained: no request in flight"),)
                ),
            ),
            ("Normal", "ReplicaRemoved", "replica 0 is removed: drained: no request in flight"),
            id="a replica is removed",
        ),
        pytest.param(
            account_of(desired=2, decision=BLIND),
            ("Warning", "SignalMissing", "Concurrency is missing since 04:48:02: connection refused"),
            id="a signal is missing: which query and why",
        ),
        pytest.param(
            account_of(desired=2, decision=BLIND),
            (
                "Warning",
                "MetricsMissing",
                "Prometheus has no answer for Concurrency since 04:48:02 (connection refused); 2 replicas are held",
            ),
            id="all are missing",
        ),
        pytest.param(
            account_of(desired=4, decision=replace(BLIND, desired=4, why="Fallback")),
            (
                "Warning",
                "Fallback",
                "fallback to 4 replicas: Prometheus has no answer for Concurrency since 04:48:02 (connection refused)",
            ),
            id="the fallback acts",
        ),
        pytest.param(
            account_of(desired=1, refusal=Trouble(TroubleKind.REFUSED, 0, "spec.containers[0].image: Required value")),
            (
                "Warning",
                "TemplateRefused",
                "the API server refuses the template: spec.containers[0].image: Required value. Nothing was changed",
            ),
            id="a template is refused",
        ),
        pytest.param(
            account_of(desired=3, troubles=[QUOTA]),
            ("Warning", "QuotaLimited", "Desired 3, limited to 0 by ResourceQuota q (pods 2)"),
            id="a quota limits",
        ),
        pytest.param(
            account_of(desired=0, inventory={"foreign_pods": ("intruder",)}),
            (
                "Warning",
                "ForeignCapacity",
                "Pod intruder carries the serving's labels and is not its own: not counted, not touched",
            ),
            id="foreign pods",
        ),
    ],
)
def test_what_happened_is_told_in_a_sentence(account: Account, expected: tuple[str, str, str]) -> None:
    assert expected in told(account)


@pytest.mark.parametrize(
    "account",
    [
        pytest.param(account_of(serving_since(0, "04:12:10"), desired=1), id="a replica that serves for long"),
        pytest.param(account_of(starting_since(0, "04:51:31", Phase.LOADING), desired=1), id="one that starts"),
        pytest.param(account_of(desired=2, last_change=decided(1, 2, at=at("04:30:00"))), id="an old decision"),
        pytest.param(account_of(desired=1, inventory={"failures": (failed(1, "04:30:00", "x"),)}), id="an old failure"),
    ],
)
def test_old_news_and_no_news_are_not_told(account: Account) -> None:
    assert told(account) == []


def test_a_signal_is_told_when_it_goes_and_when_it_comes_back_and_not_in_between() -> None:
    well, ill = account_of(desired=2), account_of(desired=2, decision=BLIND)
    assert [reason for _, reason, _ in told(ill, well)] == ["SignalMissing", "MetricsMissing"]
    assert told(ill, ill) == []
    assert told(well, ill) == [("Normal", "SignalRecovered", "Concurrency is measured again")]
    assert told(well, well) == []


def test_a_quota_is_told_once_for_as_long_as_it_limits() -> None:
    limited = account_of(desired=3, troubles=[QUOTA])
    assert told(limited, limited) == []


async def test_an_event_is_made_once_over_passes_restarts_and_leaders() -> None:
    api, serving = Objects(), serving_of()
    event = Event("Normal", "ScalingUp", "1 -> 2 replicas", "123.000")
    first = EventWriter(api)
    assert await first.tell(serving, [event], NOW) == (event,)
    assert await first.tell(serving, [event], NOW + 1) == ()
    assert len(api.writes) == 1, "told already: not even tried"
    assert await EventWriter(api).tell(serving, [event], NOW + 2) == (), "another process: refused by its name"
    assert len(api.all("events")) == 1


async def test_an_event_that_could_not_be_told_is_told_by_the_next_pass() -> None:
    api, serving = Objects(), serving_of()
    event = Event("Normal", "ScalingUp", "1 -> 2 replicas", "123.000")
    writer = EventWriter(api)
    api.fail_next = Transient("no answer")
    with pytest.raises(Transient):
        await writer.tell(serving, [event], NOW)
    assert await writer.tell(serving, [event], NOW) == (event,)


async def test_a_burst_is_spread_over_passes_and_nothing_of_it_is_lost() -> None:
    api, serving = Objects(), serving_of()
    burst = [Event("Normal", "ReplicaReady", f"replica {n} serves", f"uid-{n}") for n in range(50)]
    writer = EventWriter(api)
    assert [len(await writer.tell(serving, burst, NOW)) for _ in range(4)] == [20, 20, 10, 0]


async def test_the_event_is_one_that_kubectl_describe_shows() -> None:
    api, serving = Objects(), serving_of()
    event = Event("Warning", "ReplicaLost", "replica 1 is made anew", "1")
    await EventWriter(api).tell(serving, [event], NOW)
    made = api.all("events")[0]
    assert made["metadata"] == {"name": event_name(serving, event), "namespace": NAMESPACE}
    assert made["involvedObject"]["uid"] == serving.metadata.uid
    assert (made["type"], made["reason"], made["message"]) == ("Warning", "ReplicaLost", "replica 1 is made anew")
    assert made["firstTimestamp"] == made["lastTimestamp"] == "2026-11-22T04:52:00Z"


def test_names_differ_where_what_is_told_or_of_whom_differs() -> None:
    event = Event("Normal", "ScalingUp", "any words", "1")
    names = {
        event_name(serving_of(), event),
        event_name(serving_of(uid="another"), event),
        event_name(serving_of(), replace(event, key="2")),
        event_name(serving_of(), replace(event, reason="ScalingDown")),
    }
    assert len(names) == 4
    assert event_name(serving_of(), replace(event, message="other words")) in names
