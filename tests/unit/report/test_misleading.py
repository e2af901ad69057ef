"""MisleadingSignal: which queries are utilization in disguise, which are not, and what is said about them."""

from typing import Any

import pytest

from elastic_serving.api.status import ElasticServingStatus
from elastic_serving.report.account import Account
from elastic_serving.report.events import events_of
from elastic_serving.report.misleading import Utilization, misleading_signals
from elastic_serving.report.status import status_of
from tests.support.accounts import account_of, serving_since
from tests.support.scaling import spec_of


def signal(query: str, **fields: Any) -> dict[str, Any]:
    return {"type": "Prometheus", "name": "busy", "query": query, "target": 0.8, **fields}


def account_with(*signals: dict[str, Any]) -> Account:
    return account_of(serving_since(0, "04:12:10"), desired=1, spec={"scaling": {"signals": list(signals)}})


@pytest.mark.parametrize(
    ("query", "metric", "of"),
    [
        *(
            pytest.param(query, metric, Utilization.CPU, id=query, marks=pytest.mark.promise("B14"))
            for query, metric in (
                ('rate(container_cpu_usage_seconds_total{pod=~"a.*"}[1m])', "container_cpu_usage_seconds_total"),
                ('1 - avg(rate(node_cpu_seconds_total{mode="idle"}[1m]))', "node_cpu_seconds_total"),
                ("avg(rate(process_cpu_seconds_total[1m]))", "process_cpu_seconds_total"),
                ("instance:node_cpu_utilisation:rate5m", "instance:node_cpu_utilisation:rate5m"),
                ('{__name__="process_cpu_seconds_total"}', "process_cpu_seconds_total"),
                ("avg(kubernetes_io:container_cpu_limit_utilization)", "kubernetes_io:container_cpu_limit_utilization"),
                ("max(node_load1)", "node_load1"),
            )
        ),
        *(
            pytest.param(query, metric, Utilization.GPU, id=query, marks=pytest.mark.promise("B15"))
            for query, metric in (
                ("avg(DCGM_FI_DEV_GPU_UTIL)", "DCGM_FI_DEV_GPU_UTIL"),
                ("avg(DCGM_FI_PROF_GR_ENGINE_ACTIVE{a='b'}) * 100", "DCGM_FI_PROF_GR_ENGINE_ACTIVE"),
                ("max(nvidia_gpu_duty_cycle)", "nvidia_gpu_duty_cycle"),
                ("avg(nvidia_smi_utilization_gpu_ratio)", "nvidia_smi_utilization_gpu_ratio"),
                ("avg(nvml_device_utilization)", "nvml_device_utilization"),
                ('avg({__name__=~"DCGM_FI_DEV_GPU_UTIL"})', "DCGM_FI_DEV_GPU_UTIL"),
                ("avg(k8s:accelerator_duty_cycle)", "k8s:accelerator_duty_cycle"),
            )
        ),
    ],
)  # fmt: skip
def test_a_query_of_utilization_is_known_by_its_metric(query: str, metric: str, of: Utilization) -> None:
    (found,) = misleading_signals(spec_of(signal(query)))
    assert (found.signal, found.metric, found.of) == ("busy", metric, of)


@pytest.mark.parametrize(
    "query",
    [
        "sum(vllm:num_requests_running)",
        "avg(vllm:gpu_cache_usage_perc)",
        "avg(vllm:cpu_cache_usage_perc)",
        "avg(vllm:kv_cache_usage_perc)",
        'sum(jobs{queue="gpu_util"})',
        "sum(jobs{queue='process_cpu_seconds_total'})",
        'sum(jobs{a="\\"", queue=`cpu_usage`})',
        "sum(rate(container_cpu_cfs_throttled_periods_total[1m]))",
        "sum(DCGM_FI_DEV_FB_USED)",
    ],
)
def test_what_is_no_utilization_is_left_alone(query: str) -> None:
    assert misleading_signals(spec_of(signal(query))) == ()


@pytest.mark.promise("B15")
def test_the_warning_says_why_and_what_to_use_and_nothing_else_changes() -> None:
    query = "avg(DCGM_FI_DEV_GPU_UTIL)"
    account = account_with(signal(query, target=80, targetType="Value"))
    status = status_of(account, None)
    warning = status.conditions[-1]
    assert (warning.type, warning.status, warning.reason) == ("MisleadingSignal", "True", "GpuUtilization")
    assert warning.message == (
        "busy reads DCGM_FI_DEV_GPU_UTIL: a GPU counts as busy while any kernel runs in the sample period, however "
        "much more it could carry; and it ends at 100, so the number grows at most x 1.25 a step. "
        "Concurrency counts the requests themselves."
    )
    plain = status_of(account_with({"type": "Concurrency", "target": 28}), None)
    assert [c.type for c in plain.conditions] == [c.type for c in status.conditions[:-1]]
    assert (status.why, status.summary) == (plain.why, plain.summary)


@pytest.mark.promise("B14")
def test_a_query_of_the_cpu_has_a_reason_of_its_own() -> None:
    account = account_with(signal("sum(rate(process_cpu_seconds_total[1m]))", target=0.7))
    warning = status_of(account, None).conditions[-1]
    assert (warning.reason, warning.message) == (
        "CpuUtilization",
        "busy reads process_cpu_seconds_total: the CPU of a GPU server does not tell how busy the GPU is: feeding it "
        "takes about one core. Concurrency counts the requests themselves.",
    )


def test_the_warning_goes_with_the_query() -> None:
    warned = status_of(account_with(signal("avg(DCGM_FI_DEV_GPU_UTIL)")), None)
    kept = status_of(account_with(signal("avg(DCGM_FI_DEV_GPU_UTIL)")), warned)
    assert kept.conditions == warned.conditions
    corrected: ElasticServingStatus = status_of(account_with(signal("sum(jobs)")), warned)
    assert "MisleadingSignal" not in [c.type for c in corrected.conditions]


def test_the_event_is_the_same_each_time_so_it_is_told_once() -> None:
    account = account_with(signal("avg(DCGM_FI_DEV_GPU_UTIL)"))
    told = [[e for e in events_of(account, before) if e.reason == "GpuUtilization"] for before in (None, account)]
    assert told[0] == told[1]
    assert [(e.type, e.key) for e in told[0]] == [("Warning", "busy DCGM_FI_DEV_GPU_UTIL")]
