"""The dashboard's form: what it asks for exists, and what it shows can be read."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dev.engines.exposition import VllmMetrics
from elastic_serving.report.metrics import OperatorMetrics
from tests.chart.rendering import CHART, FULLNAME, Chart, Object

FILE = CHART / "files" / "dashboards" / "elastic-serving.json"
DASHBOARD: Object = json.loads(FILE.read_text())
PANELS: list[Object] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
WIDTH = 24
"""Columns of Grafana's grid."""


def metric_names() -> set[str]:
    """Every series name of the operator and of a vLLM engine, from the code that exposes them."""
    page = VllmMetrics("m").page(running=0, waiting=0, kv_cache=0).decode()
    families = [*OperatorMetrics().registry.collect(), *text_string_to_metric_families(page)]
    return {family.name + suffix for family in families for suffix in SUFFIXES.get(family.type, ())}


def expressions() -> list[tuple[str, str]]:
    """Title and PromQL of each query of the dashboard, the annotations' included."""
    return list(_expressions())


def _expressions() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


def metrics_in(expression: str) -> set[str]:
    """The metric names that a PromQL expression asks for."""
    return set(re.findall(r"\b(?:elastic_serving_|vllm:)\w+", expression))


@pytest.mark.promise("B24")
@pytest.mark.parametrize(("title", "expression"), expressions())
def test_every_metric_of_the_dashboard_is_exposed_by_somebody(title: str, expression: str) -> None:
    asked = metrics_in(expression)
    assert asked, f"{title} asks for nothing of ours: {expression}"
    assert asked <= metric_names()


@pytest.mark.promise("B24")
def test_one_panel_shows_requests_against_replicas() -> None:
    (panel,) = [panel for panel in PANELS if panel["title"] == "Requests against replicas"]
    asked = {target["legendFormat"]: metrics_in(target["expr"]) for target in panel["targets"]}
    assert asked["running"] == {"vllm:num_requests_running"}
    assert asked["waiting"] == {"vllm:num_requests_waiting"}
    assert asked["desired"] == {"elastic_serving_desired_replicas"}
    assert asked["serving"] == {"elastic_serving_serving_replicas"}
    right = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"] if _is_right(override)}
    # Requests and replicas have scales of their own, or the replicas would be a line at the bottom.
    assert right == {"desired", "serving", "maximum", "minimum"}


def test_every_replica_count_and_signal_of_the_operator_is_on_the_dashboard() -> None:
    shown = set().union(*(metrics_in(expression) for _, expression in expressions()))
    operators = {name for name in metric_names() if name.startswith("elastic_serving_")}
    unseen = {name for name in operators - shown if not name.endswith(("_sum", "_count"))}
    assert unseen == set()


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= WIDTH
        cells = {(x, y) for x in _span(place["x"], place["w"]) for y in _span(place["y"], place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("panel", [pytest.param(panel, id=panel["title"]) for panel in PANELS])
def test_a_panel_says_what_it_shows_in_which_unit_from_the_chosen_prometheus(panel: Object) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "${datasource}"
    refs = [target["refId"] for target in panel["targets"]]
    assert len(refs) == len(set(refs))


def test_queries_use_no_variable_that_the_dashboard_does_not_have() -> None:
    own = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = {name for _, expression in expressions() for name in re.findall(r"\$(\w+)", expression)}
    assert used - own <= {"__rate_interval", "__interval"}


def test_the_config_map_holds_the_dashboard_where_grafana_looks_for_it(chart: Chart) -> None:
    config_map = chart.one("ConfigMap", f"{FULLNAME}-dashboard")
    assert json.loads(config_map["data"]["elastic-serving.json"]) == DASHBOARD
    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"


def _is_right(override: Any) -> bool:
    return {"id": "custom.axisPlacement", "value": "right"} in override["properties"]


def _span(start: int, length: int) -> range:
    return range(start, start + length)
