"""Alerts and dashboard on a real Prometheus that scrapes the operator's and the engines' own metrics pages."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.aiohttp import make_aiohttp_handler

from dev.cluster.layout import PROMETHEUS
from dev.cluster.local import LocalCluster
from dev.cluster.prometheus import StaticJob
from dev.engines.exposition import VllmMetrics
from elastic_serving.queueing.line import Queue
from elastic_serving.report.metrics import OperatorMetrics
from elastic_serving.scaling.model import Decision, Inventory, Missing, ReplicaCounts, Seen, SignalOutcome
from tests.chart.rendering import CHART
from tests.chart.test_dashboard import expressions
from tests.support.cluster import eventually

pytestmark = pytest.mark.cluster

NAMESPACE = "models"
ALERTS = CHART / "files" / "alerts.yaml"
MARGIN_SECONDS = 3
"""Three intervals of evaluation."""
TARGET = 22.4
"""Concurrency's default: 0.7 x 32 slots."""


Series = list[dict[str, Any]]
"""The result of an instant query."""


@dataclass(slots=True)
class Scraped:
    """One Prometheus with the chart's alerts, the operator it scrapes, and a way to ask."""

    operator: OperatorMetrics
    url: str
    session: aiohttp.ClientSession

    async def query(self, expression: str) -> Series:
        """The series of an instant query; an assertion fails if Prometheus refuses it."""
        async with self.session.get(f"{self.url}/api/v1/query", params={"query": expression}) as answer:
            body = await answer.json()
        assert body["status"] == "success", body
        series = body["data"]["result"]
        assert isinstance(series, list)
        return series

    async def eventually(self, expression: str) -> Series:
        """The series of an instant query as soon as there are any."""
        ask: Callable[[], Awaitable[Series | None]] = partial(self.query, expression)
        return await eventually(ask)

    async def active(self) -> dict[str, set[str]]:
        """Servings for which each alert is pending or firing, by the alert's name; "" where it names no serving."""
        async with self.session.get(f"{self.url}/api/v1/rules") as answer:
            groups = (await answer.json())["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert all(rule["health"] == "ok" for rule in rules), [rule["health"] for rule in rules]
        alerts = [alert for rule in rules for alert in rule["alerts"]]
        assert not [alert for alert in alerts if "error" in alert["annotations"]["summary"]]
        found: dict[str, set[str]] = {rule["name"]: set() for rule in rules}
        for alert in alerts:
            found[alert["labels"]["alertname"]].add(alert["labels"].get("elasticserving", ""))
        return found

    async def settles_on(self, expected: dict[str, set[str]]) -> bool:
        """Whether exactly the alerts of ``expected`` are active once all rules saw what the operator says now.

        Prometheus evaluates at ticks of its own, up to an interval before the evaluation's start: hence the margin. A
        scrape that a busy machine delayed looks like an operator that is gone, for a moment: hence the second wait.
        """
        asked_at = time.time()

        async def scraped_at() -> float | None:
            series = await self.query(f"min(timestamp(elastic_serving_leader)) > {asked_at}")
            return float(series[0]["value"][1]) if series else None

        scraped: Callable[[], Awaitable[float | None]] = scraped_at
        seen_at = await eventually(scraped)

        async def is_evaluated() -> bool | None:
            async with self.session.get(f"{self.url}/api/v1/rules") as answer:
                groups = (await answer.json())["data"]["groups"]
            at = [_epoch(rule["lastEvaluation"]) for group in groups for rule in group["rules"]]
            return bool(at) and min(at) > seen_at + MARGIN_SECONDS

        evaluated: Callable[[], Awaitable[bool | None]] = is_evaluated
        await eventually(evaluated)

        async def is_so() -> bool | None:
            found = {name: servings for name, servings in (await self.active()).items() if servings}
            assert found == expected
            return True

        settled: Callable[[], Awaitable[bool | None]] = is_so
        return await eventually(settled, 10)


@pytest.fixture
async def scraped(own_cluster: LocalCluster) -> AsyncIterator[Scraped]:
    """Prometheus scrapes an operator whose metrics a test fills in, and one busy engine of serving ``fine``."""
    operator, engine = OperatorMetrics(), VllmMetrics("m")

    async def engine_page(_: web.Request) -> web.Response:
        page = engine.page(running=12, waiting=3, kv_cache=0.4)
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    operator_page = make_aiohttp_handler(operator.registry)
    application.add_routes([web.get("/operator", operator_page), web.get("/engine", engine_page)])
    async with TestServer(application) as server, aiohttp.ClientSession() as session:
        own_cluster.reload_prometheus(_jobs(f"{server.host}:{server.port}"))
        await _load_alerts(own_cluster, session)
        yield Scraped(operator, own_cluster.layout.prometheus_url, session)
        own_cluster.reload_prometheus()


@pytest.mark.promise("U22")
async def test_each_alert_names_the_servings_in_its_trouble_and_no_other(scraped: Scraped) -> None:
    operator = scraped.operator
    operator.leader.set(1)
    operator.last_tick.set(time.time() + 3600)  # stays fresh for the whole test
    _record(operator, "fine", desired=2, ready=2, value=40.0)
    _record(operator, "at-zero", desired=0, ready=0, value=None)
    _record(operator, "blind", desired=1, ready=1, value=None)
    _record(operator, "dark", desired=1, ready=0, value=None)
    _record(operator, "behind", desired=3, ready=1, value=30.0)
    # 8 replicas x 22.4 = 179.2 is the target; 215.04 is 20 % above it.
    _record(operator, "busy", desired=8, ready=8, value=214.0)
    _record(operator, "swamped", desired=8, ready=8, value=216.0)
    assert await scraped.settles_on(
        {
            "ElasticServingSignalMissing": {"blind"},
            "ElasticServingNothingServes": {"dark"},
            "ElasticServingReplicasBehind": {"behind"},
            "ElasticServingAtMaximum": {"swamped"},
        }
    )


async def test_an_operator_that_does_not_work_is_noticed(scraped: Scraped) -> None:
    rows: list[tuple[int, float, set[str]]] = [
        (1, 5, set()),  # leads and ticks
        (1, 100, {"ElasticServingTickLate"}),  # leads and hangs
        (0, 100, {"ElasticServingNoLeader"}),  # follows, and nobody leads
    ]
    for leader, age_seconds, alerts in rows:
        scraped.operator.leader.set(leader)
        scraped.operator.last_tick.set(time.time() - age_seconds)
        assert await scraped.settles_on({alert: {""} for alert in alerts})


@pytest.mark.promise("B24")
async def test_prometheus_answers_every_query_of_the_dashboard(scraped: Scraped) -> None:
    operator = scraped.operator
    operator.leader.set(1)
    operator.last_tick.set(time.time())
    operator.writes.labels("create", "pods", "ok").inc()
    for histogram in (operator.tick_seconds, operator.pass_seconds, operator.reaction.labels(NAMESPACE, "fine")):
        histogram.observe(0.1)
    operator.record_cold_start(NAMESPACE, "fine", {"load": 40.0})
    _record(operator, "fine", desired=2, ready=1, value=40.0)
    _record(operator, "fine", desired=2, ready=2, value=40.0)
    asked = [(title, _with_variables(expression)) for title, expression in expressions()]
    (marks,) = [expression for title, expression in asked if title == "Decisions"]
    for title, expression in asked:
        if title != "Decisions":
            # A window of an hour is filled by two scrapes as well.
            assert await scraped.eventually(expression), title
    # The annotation is there while desired changes, and not otherwise.
    assert await scraped.query(marks) == []
    _record(operator, "fine", desired=3, ready=2, value=60.0)
    assert await scraped.eventually(marks)


def _record(operator: OperatorMetrics, name: str, *, desired: int, ready: int, value: float | None) -> None:
    """Enter one pass of a serving with limits 0 to 8 and the signal Concurrency, missing where ``value`` is None."""
    missing = Missing("Unreachable", "connection refused") if value is None else None
    sampled_at = None if value is None else time.time()
    outcome = SignalOutcome("Concurrency", value, TARGET, None if missing else desired, sampled_at, missing)
    decision = Decision(time.time(), ready, desired, desired, "Concurrency", "Concurrency", (), (outcome,))
    counts = ReplicaCounts(current=ready, ready=ready, starting=desired - ready)
    seen = Seen(time.time(), counts, (), Inventory(time.time()))
    queue = Queue(waiting=12, slots=32, arrivals_per_second=2.0, service_seconds=6.0)
    operator.record(NAMESPACE, name, seen, decision, limits=(0, 8), queue=queue)


def _jobs(address: str) -> tuple[StaticJob, ...]:
    engine = {"namespace": NAMESPACE, "elasticserving": "fine", "es_replica": "0", "es_engine": "vllm"}
    return (
        StaticJob("operator", (address,), path="/operator"),
        StaticJob("one-engine", (address,), engine, path="/engine"),
    )


async def _load_alerts(cluster: LocalCluster, session: aiohttp.ClientSession) -> None:
    """Add the chart's alerts to the configuration Prometheus has; an assertion fails if it refuses them."""
    file = cluster.layout.directory / f"{PROMETHEUS}.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "rule_files": [str(ALERTS)]}))
    async with session.post(f"{cluster.layout.prometheus_url}/-/reload") as answer:
        assert answer.status == 200, await answer.text()


def _with_variables(expression: str) -> str:
    """The expression as Grafana sends it with everything chosen and a rate interval of 10 s."""
    named = {"$namespace": ".*", "$elasticserving": ".*", "$__rate_interval": "10s", "$__interval": "10s"}
    for variable, value in named.items():
        expression = expression.replace(variable, value)
    return expression


def _epoch(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
