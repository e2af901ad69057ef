"""The operator's own metrics: what a pass enters, and what goes with a signal or a serving."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from elastic_serving.errors import Conflict
from elastic_serving.report.account import Account
from elastic_serving.report.coldstart import cold_start_phases
from elastic_serving.report.counted import CountedApi
from elastic_serving.report.metrics import OperatorMetrics
from elastic_serving.report.writer import SERVINGS
from elastic_serving.scaling.model import Missing, Phase, Replica, Role
from tests.support.accounts import NOW, account_of, concurrency, decided, queued, serving_since, starting_since
from tests.support.fleet import host_of
from tests.support.manifests import manifest
from tests.support.objects import Objects


@pytest.fixture
def metrics() -> OperatorMetrics:
    return OperatorMetrics()


def enter(metrics: OperatorMetrics, account: Account, name: str = "m") -> None:
    metrics.record("a", name, account.seen, account.decision, limits=(1, 8), queue=account.queue)


def value(metrics: OperatorMetrics, series: str, name: str = "m", **labels: str) -> float | None:
    found: Mapping[str, str] = {"namespace": "a", "elasticserving": name, **labels}
    return metrics.registry.get_sample_value(f"elastic_serving_{series}", dict(found))


@pytest.mark.promise("U22")
def test_a_pass_enters_replicas_limits_and_signals(metrics: OperatorMetrics) -> None:
    draining = replace(serving_since(2, "04:12:10"), role=Role.DRAINING, draining_since=NOW)
    account = account_of(
        serving_since(0, "04:12:10"), starting_since(1, "04:51:31", Phase.LOADING), draining, desired=2
    )
    seen = replace(account.seen, replicas=replace(account.seen.replicas, ready=1, starting=1))
    enter(metrics, replace(account, seen=seen))
    assert {
        series: value(metrics, series)
        for series in (
            "desired_replicas",
            "serving_replicas",
            "starting_replicas",
            "draining_replicas",
            "min_replicas",
            "max_replicas",
        )
    } == {
        "desired_replicas": 2,
        "serving_replicas": 1,
        "starting_replicas": 1,
        "draining_replicas": 1,
        "min_replicas": 1,
        "max_replicas": 8,
    }
    assert value(metrics, "signal_value", signal="Concurrency") == 148
    assert value(metrics, "signal_target", signal="Concurrency") == 28
    assert value(metrics, "signal_missing", signal="Concurrency") == 0


def test_a_missing_signal_has_no_value_rather_than_zero(metrics: OperatorMetrics) -> None:
    enter(metrics, account_of(desired=2))
    gone = concurrency(None, None, Missing("Timeout", "no answer"))
    enter(metrics, account_of(desired=2, decision=decided(2, 2, signals=(gone,))))
    assert value(metrics, "signal_value", signal="Concurrency") is None
    assert value(metrics, "signal_sampled_at_seconds", signal="Concurrency") is None
    assert value(metrics, "signal_missing", signal="Concurrency") == 1


@pytest.mark.promise("N28")
def test_the_queue_is_entered_and_what_is_not_known_of_it_is_no_number(metrics: OperatorMetrics) -> None:
    numbers = {
        "queue_waiting": 12,
        "queue_eta_seconds": 12 * 6 / 32,
        "queue_arrivals_per_second": 3,
        "queue_service_seconds": 6,
        "queue_utilization": 3 * 6 / 32,
    }
    enter(metrics, queued(account_of(serving_since(0, "04:12:10"), desired=1), 12, rate=3.0, service=6.0))
    assert {series: value(metrics, series) for series in numbers} == numbers
    assert value(metrics, "queue_wait_seconds") == pytest.approx(0.00195 * 6 / (32 - 18), rel=0.01)  # C(32, 18)
    enter(metrics, queued(account_of(serving_since(0, "04:12:10"), desired=1), 12))
    assert {series: value(metrics, series) for series in numbers} == {**dict.fromkeys(numbers), "queue_waiting": 12}
    enter(metrics, account_of(serving_since(0, "04:12:10"), desired=1))
    assert value(metrics, "queue_waiting") is None


def test_a_signal_that_was_taken_out_of_the_spec_loses_its_series(metrics: OperatorMetrics) -> None:
    enter(metrics, account_of(desired=2))
    other = replace(concurrency(), name="QueueDepth")
    enter(metrics, account_of(desired=2, decision=decided(2, 2, signals=(other,))))
    assert value(metrics, "signal_target", signal="Concurrency") is None
    assert value(metrics, "signal_target", signal="QueueDepth") == 28


def test_only_decisions_that_change_something_are_counted(metrics: OperatorMetrics) -> None:
    enter(metrics, account_of(desired=2))
    enter(metrics, account_of(desired=5, decision=decided(2, 5)))
    enter(metrics, account_of(desired=1, decision=decided(5, 1, why="Idle")))
    assert value(metrics, "decisions_total", why="Concurrency", direction="up") == 1
    assert value(metrics, "decisions_total", why="Idle", direction="down") == 1
    assert value(metrics, "decisions_total", why="Concurrency", direction="down") is None


def test_a_deleted_serving_leaves_no_series_and_others_stay(metrics: OperatorMetrics) -> None:
    for name in ("m", "other"):
        enter(metrics, account_of(desired=5, decision=decided(2, 5)), name)
        metrics.record_cold_start("a", name, {"load": 46.0})
    metrics.forget("a", "m")
    names = {
        s.labels["elasticserving"] for m in metrics.registry.collect() for s in m.samples if "namespace" in s.labels
    }
    assert names == {"other"}
    metrics.forget("a", "never seen")


@pytest.mark.parametrize(
    ("replica", "phases"),
    [
        pytest.param(serving_since(0, "04:12:10"), {"provision": 29, "pull": 9, "load": 46}, id="one host"),
        pytest.param(starting_since(0, "04:51:31", Phase.LOADING), {}, id="not ready yet: nothing"),
        pytest.param(
            Replica(
                0,
                Role.SERVING,
                "new",
                (
                    host_of(0, 0, created_at=0.0, provisioned_at=10.0, pulled_at=15.0, ready_at=40.0),
                    host_of(0, 1, created_at=0.0, provisioned_at=30.0, pulled_at=32.0, ready_at=40.0),
                ),
                2,
            ),
            {"provision": 30, "pull": 5, "load": 25},
            id="a group: the slowest host of each phase",
        ),
    ],
)
def test_phases_of_a_cold_start_are_read_from_the_hosts(replica: Replica, phases: dict[str, float]) -> None:
    assert cold_start_phases(replica) == phases


async def test_writes_are_counted_by_verb_resource_and_result(metrics: OperatorMetrics) -> None:
    objects = Objects()
    api = CountedApi(objects, metrics.writes)
    await api.create(SERVINGS, "a", manifest())
    await api.create(SERVINGS, "a", manifest(name="tried"), dry_run=True)
    await api.apply(SERVINGS, "a", "llama-8b", manifest())
    status = [{"op": "add", "path": "/status", "value": {}}]
    await api.json_patch(SERVINGS, "a", "llama-8b", status, subresource="status")
    objects.fail_next = Conflict("changed")
    with pytest.raises(Conflict):
        await api.delete(SERVINGS, "a", "llama-8b")
    assert (await api.get(SERVINGS, "a", "llama-8b"))["status"] == {}
    counted = {
        (s.labels["verb"], s.labels["resource"], s.labels["result"]): s.value
        for s in next(iter(metrics.writes.collect())).samples
        if s.name.endswith("_total")
    }
    assert counted == {
        ("create", "elasticservings", "ok"): 1,
        ("dry-run", "elasticservings", "ok"): 1,
        ("apply", "elasticservings", "ok"): 1,
        ("patch", "elasticservings/status", "ok"): 1,
        ("delete", "elasticservings", "Conflict"): 1,
    }
