"""The engines' /metrics against the names, types and labels of vLLM 0.33, written by hand from its documentation."""

import math

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from dev.engines.exposition import Page, VllmMetrics
from dev.engines.service_model import ServiceModel, ServiceTimes

BASE = {"model_name", "engine"}
# name in the text, type, labels beside model_name and engine
VLLM_033 = [
    ("vllm:num_requests_running", "gauge", set()),
    ("vllm:num_requests_waiting", "gauge", set()),
    ("vllm:num_requests_waiting_by_reason", "gauge", {"reason"}),
    ("vllm:kv_cache_usage_perc", "gauge", set()),
    ("vllm:engine_sleep_state", "gauge", {"sleep_state"}),
    ("vllm:request_success_total", "counter", {"finished_reason"}),
    ("vllm:prompt_tokens_total", "counter", set()),
    ("vllm:generation_tokens_total", "counter", set()),
    ("vllm:num_preemptions_total", "counter", set()),
    ("vllm:admission_rejections_total", "counter", {"reason"}),
    ("vllm:time_to_first_token_seconds", "histogram", set()),
    ("vllm:inter_token_latency_seconds", "histogram", set()),
    ("vllm:e2e_request_latency_seconds", "histogram", set()),
    ("vllm:request_queue_time_seconds", "histogram", set()),
]
GONE = ["vllm:gpu_cache_usage_perc", "vllm:time_per_output_token_seconds"]


def families(page: bytes) -> dict[str, Metric]:
    """By the name as documented: counters with their _total."""
    parsed = text_string_to_metric_families(page.decode())
    return {f"{f.name}_total" if f.type == "counter" else f.name: f for f in parsed}


def value(page: bytes, name: str, **labels: str) -> float:
    """The one sample with that name and labels."""
    (found,) = (
        sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
    return found


@pytest.mark.parametrize(("name", "kind", "labels"), [pytest.param(*row, id=row[0]) for row in VLLM_033])
def test_an_idle_engine_already_shows_every_family_with_vllms_type_and_labels(
    name: str, kind: str, labels: set[str]
) -> None:
    family = families(VllmMetrics("llama").page(running=0, waiting=0, kv_cache=0.0))[name]
    assert family.type == kind
    assert family.samples
    own = {label for sample in family.samples for label in sample.labels} - {"le"}
    assert own == BASE | labels
    assert {(s.labels["model_name"], s.labels["engine"]) for s in family.samples} == {("llama", "0")}


def test_nothing_else_is_shown_and_what_vllm_gave_up_is_absent() -> None:
    shown = {
        n for n in families(VllmMetrics("m").page(running=0, waiting=0, kv_cache=0.0)) if not n.endswith("_created")
    }
    assert shown == {name for name, _, _ in VLLM_033}
    assert not shown & set(GONE)


def test_the_load_gauges_show_what_they_are_given() -> None:
    page = VllmMetrics("m").page(running=3, waiting=2, kv_cache=0.25)
    assert value(page, "vllm:num_requests_running") == 3
    assert value(page, "vllm:num_requests_waiting") == 2
    assert value(page, "vllm:num_requests_waiting_by_reason", reason="capacity") == 2
    assert value(page, "vllm:num_requests_waiting_by_reason", reason="deferred") == 0
    assert value(page, "vllm:kv_cache_usage_perc") == 0.25


def test_a_finished_request_is_counted_once_with_its_tokens_and_times() -> None:
    model = ServiceModel(1, ServiceTimes())
    model.arrive(0.0, 400, 50)
    (start,) = model.advance(0.0)
    metrics = VllmMetrics("m")
    before = metrics.page(running=0, waiting=0, kv_cache=0.0)
    metrics.started(start.run)
    metrics.finished(start.run)
    page = metrics.page(running=0, waiting=0, kv_cache=0.0)
    assert value(before, "vllm:request_success_total", finished_reason="length") == 0
    assert value(page, "vllm:request_success_total", finished_reason="length") == 1
    assert value(page, "vllm:prompt_tokens_total") == 400
    assert value(page, "vllm:generation_tokens_total") == 50
    # 0.13 s of prefill and 50 steps of 0.02 s; the first token after one step.
    assert value(page, "vllm:e2e_request_latency_seconds_sum") == pytest.approx(1.13)
    assert value(page, "vllm:time_to_first_token_seconds_sum") == pytest.approx(0.15)
    assert value(page, "vllm:request_queue_time_seconds_sum") == 0
    assert value(page, "vllm:inter_token_latency_seconds_sum") == pytest.approx(0.02)


def test_a_client_that_left_counts_as_an_abort() -> None:
    metrics = VllmMetrics("m")
    metrics.ended_early("abort")
    page = metrics.page(running=0, waiting=0, kv_cache=0.0)
    assert value(page, "vllm:request_success_total", finished_reason="abort") == 1


def test_a_renamed_page_has_no_load_gauges() -> None:
    names = families(VllmMetrics("m").page(running=3, waiting=2, kv_cache=0.1, kind=Page.RENAMED))
    assert "vllm:num_requests_running" not in names
    assert "vllm:num_requests_waiting" not in names
    assert "vllm:gpu_cache_usage_perc" in names


def test_a_nan_page_shows_nan_and_recovers() -> None:
    metrics = VllmMetrics("m")
    assert math.isnan(
        value(metrics.page(running=3, waiting=2, kv_cache=0.1, kind=Page.NAN), "vllm:num_requests_running")
    )
    assert value(metrics.page(running=3, waiting=2, kv_cache=0.1), "vllm:num_requests_running") == 3


def test_an_html_page_is_no_exposition() -> None:
    assert VllmMetrics("m").page(running=0, waiting=0, kv_cache=0.0, kind=Page.HTML).startswith(b"<html>")
