"""The fifth line: one status write when it is due, Events only after it, metrics always."""

from dataclasses import replace

import pytest

from elastic_serving.errors import Conflict, Transient
from elastic_serving.report.account import Account
from elastic_serving.report.metrics import OperatorMetrics
from elastic_serving.report.reporter import Reporter
from elastic_serving.report.writer import SERVINGS
from elastic_serving.scaling.model import Missing, Phase
from tests.support.accounts import NOW, account_of, concurrency, decided, serving_since, starting_since
from tests.support.manifests import manifest
from tests.support.objects import Objects
from tests.support.serving import NAMESPACE, UID

ONE = serving_since(0, "04:12:10")


@pytest.fixture
def api() -> Objects:
    made = Objects()
    stored = manifest()
    stored["metadata"] |= {"namespace": NAMESPACE, "uid": UID}
    made.put(SERVINGS, NAMESPACE, stored)
    return made


@pytest.fixture
def reporter(api: Objects) -> Reporter:
    return Reporter(api, OperatorMetrics())


def loaded(value: float, seconds: float) -> Account:
    """One replica, and a load that moves but changes nothing else, ``seconds`` later."""
    now = NOW + seconds
    signal = replace(concurrency(value, 1), sampled_at=now - 1)
    return account_of(ONE, desired=1, decision=decided(1, 1, at=now, signals=(signal,)), now=now)


def status_writes(api: Objects) -> int:
    return sum(kind == "elasticservings" for _, kind, _ in api.writes)


async def test_the_first_pass_writes_and_a_newer_sample_alone_does_not(api: Objects, reporter: Reporter) -> None:
    await reporter.report(loaded(20, 0))
    await reporter.report(loaded(20, 1))
    await reporter.report(loaded(20, 3600))
    assert status_writes(api) == 1
    assert api.all("elasticservings")[0]["status"]["signals"][0]["sampledAt"] == "2026-11-22T04:51:59Z"


async def test_a_load_that_moves_is_written_every_ten_seconds_at_most(api: Objects, reporter: Reporter) -> None:
    for second in range(31):
        await reporter.report(loaded(20 + second, second))
    assert status_writes(api) == 4, "at 0, 10, 20 and 30 s"


async def test_a_decision_and_a_condition_are_written_at_once(api: Objects, reporter: Reporter) -> None:
    await reporter.report(loaded(20, 0))
    changed = replace(loaded(60, 1), last_change=decided(1, 2, at=NOW + 1))
    await reporter.report(changed)
    assert status_writes(api) == 2
    lost = starting_since(0, "04:52:00", Phase.LOADING)
    await reporter.report(account_of(lost, desired=1, now=NOW + 2, last_change=changed.last_change))
    assert status_writes(api) == 3


async def test_the_spec_and_the_metadata_are_never_written(api: Objects, reporter: Reporter) -> None:
    await reporter.report(loaded(20, 0))
    stored = api.all("elasticservings")[0]
    assert {name: stored[name] for name in ("metadata", "spec")} == {
        "metadata": {"name": "llama-8b", "namespace": NAMESPACE, "uid": UID},
        "spec": manifest()["spec"],
    }


async def test_no_event_is_told_while_the_status_cannot_be_written(api: Objects, reporter: Reporter) -> None:
    account = replace(loaded(60, 0), last_change=decided(1, 2))
    api.fail_next = Conflict("somebody else")
    with pytest.raises(Conflict):
        await reporter.report(account)
    assert api.all("events") == []
    await reporter.report(replace(account, now=NOW + 1, last_change=decided(1, 2)))
    assert [event["reason"] for event in api.all("events")] == ["ScalingUp"]
    assert status_writes(api) == 2


async def test_a_change_that_could_not_be_told_when_it_came_is_told_later(api: Objects, reporter: Reporter) -> None:
    await reporter.report(loaded(20, 0))
    api.fail_next = Transient("no answer")
    change = decided(1, 2, at=NOW + 1)
    with pytest.raises(Transient):
        await reporter.report(replace(loaded(60, 1), last_change=change))
    await reporter.report(replace(loaded(60, 2), last_change=change))
    assert api.all("elasticservings")[0]["status"]["decision"]["to"] == 2


async def test_nothing_is_told_before_prometheus_was_asked_for_every_signal(api: Objects, reporter: Reporter) -> None:
    def account(kind: str) -> Account:
        missing = concurrency(None, None, Missing(kind, "Prometheus has not been asked yet", NOW))
        return account_of(serving_since(0, "04:51:30"), desired=1, decision=decided(1, 1, signals=(missing,)))

    await reporter.report(account("NotAsked"))
    assert status_writes(api) == 0
    assert api.all("events") == []
    await reporter.report(account("Timeout"))
    assert status_writes(api) == 1
    assert "MetricsMissing" in [event["reason"] for event in api.all("events")]


async def test_a_cold_start_is_measured_once(api: Objects, reporter: Reporter) -> None:
    account = account_of(serving_since(0, "04:51:30"), desired=1)
    await reporter.report(account)
    await reporter.report(replace(account, now=NOW + 1))
    sample = reporter.metrics.registry.get_sample_value
    labels = {"namespace": NAMESPACE, "elasticserving": "llama-8b"}
    assert sample("elastic_serving_cold_start_seconds_count", {**labels, "phase": "load"}) == 1
    assert sample("elastic_serving_cold_start_seconds_sum", {**labels, "phase": "load"}) == 46


async def test_an_object_that_cannot_be_understood_is_told_once(api: Objects, reporter: Reporter) -> None:
    stored = manifest()
    stored["metadata"] |= {"namespace": NAMESPACE, "uid": UID, "generation": 3}
    await reporter.invalid(stored, "spec.model: required", NOW)
    await reporter.invalid(stored, "spec.model: required", NOW + 60)
    assert status_writes(api) == 1
    assert api.all("elasticservings")[0]["status"]["why"] == "InvalidSpec"


async def test_a_deleted_serving_is_forgotten(api: Objects, reporter: Reporter) -> None:
    account = loaded(20, 0)
    await reporter.report(account)
    metadata = account.serving.metadata
    reporter.forget(metadata.namespace, metadata.name, metadata.uid)
    assert not [m for m in reporter.metrics.registry.collect() for s in m.samples if "elasticserving" in s.labels]
    await reporter.report(account)
    assert status_writes(api) == 2
