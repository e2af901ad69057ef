"""Every query of the catalogue on a real Prometheus that scrapes what the engine's documentation shows.

The pages are written by hand after each project's documentation (sources in observe/catalogue.py), with other numbers:
distinct powers of two, so that a metric that is missed or counted twice shows in the sum.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

import pytest

from dev.controlplane.build import find_tools
from elastic_serving.api.signals import SignalType
from elastic_serving.api.workload import EngineKind
from elastic_serving.observe.access import PrometheusAccess
from elastic_serving.observe.catalogue import ENGINES, fleet_query
from elastic_serving.observe.fleet import FleetAnswer, parse_fleet
from elastic_serving.observe.latency import parse_latencies, share_within
from elastic_serving.observe.prometheus import Prometheus
from tests.support.cluster import eventually
from tests.support.prometheus_process import RealPrometheus, Target, exposition, page, real_prometheus
from tests.support.prometheus_server import Reply, StandIn

pytestmark = pytest.mark.cluster

VLLM = """
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="llama"} 1.0
vllm:num_requests_running{engine="1",model_name="llama"} 2.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="llama"} 4.0
vllm:num_requests_waiting{engine="1",model_name="llama"} 8.0
# TYPE vllm:num_requests_waiting_by_reason gauge
vllm:num_requests_waiting_by_reason{engine="0",model_name="llama",reason="capacity"} 4.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="llama"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="llama"} 0.75
# TYPE vllm:request_success_total counter
vllm:request_success_total{engine="0",finished_reason="stop",model_name="llama"} 16.0
vllm:request_success_total{engine="0",finished_reason="abort",model_name="llama"} 32.0
vllm:request_success_total{engine="1",finished_reason="stop",model_name="llama"} 64.0
"""
TGI = """
# TYPE tgi_batch_current_size gauge
tgi_batch_current_size 1
# TYPE tgi_batch_current_max_tokens gauge
tgi_batch_current_max_tokens 4096
# TYPE tgi_queue_size gauge
tgi_queue_size 2
# TYPE tgi_request_count counter
tgi_request_count{method="generate"} 100
# TYPE tgi_request_success counter
tgi_request_success{method="generate",kind="single"} 4
tgi_request_success{method="generate",kind="batch"} 8
"""
SGLANG = """
# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{model_name="llama",tp_rank="0",dp_rank="0"} 1.0
sglang:num_running_reqs{model_name="llama",tp_rank="1",dp_rank="0"} 1.0
sglang:num_running_reqs{model_name="llama",tp_rank="2",dp_rank="1"} 2.0
sglang:num_running_reqs{model_name="llama",tp_rank="3",dp_rank="1"} 2.0
# TYPE sglang:num_queue_reqs gauge
sglang:num_queue_reqs{model_name="llama",tp_rank="0",dp_rank="0"} 4.0
sglang:num_queue_reqs{model_name="llama",tp_rank="1",dp_rank="0"} 4.0
sglang:num_queue_reqs{model_name="llama",tp_rank="2",dp_rank="1"} 8.0
sglang:num_queue_reqs{model_name="llama",tp_rank="3",dp_rank="1"} 8.0
# TYPE sglang:token_usage gauge
sglang:token_usage{model_name="llama",tp_rank="0",dp_rank="0"} 0.125
sglang:token_usage{model_name="llama",tp_rank="2",dp_rank="1"} 0.375
sglang:token_usage{model_name="llama",tp_rank="3",dp_rank="1"} 0.375
# TYPE sglang:num_requests_total counter
sglang:num_requests_total{model_name="llama"} 16.0
"""
SGLANG_PLAIN = """
# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{model_name="llama"} 1.0
# TYPE sglang:num_queue_reqs gauge
sglang:num_queue_reqs{model_name="llama"} 2.0
"""
TRITON_TENSORRT = """
# TYPE nv_inference_request_success counter
nv_inference_request_success{model="preprocessing",version="1"} 301
nv_inference_request_success{model="tensorrt_llm",version="1"} 300
# TYPE nv_inference_pending_request_count gauge
nv_inference_pending_request_count{model="preprocessing",version="1"} 1
nv_inference_pending_request_count{model="tensorrt_llm",version="1"} 2
# TYPE nv_trt_llm_request_metrics gauge
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="waiting",version="1"} 4
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="context",version="1"} 16
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="scheduled",version="1"} 32
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="max",version="1"} 512
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="active",version="1"} 36
# TYPE nv_trt_llm_kv_cache_block_metrics gauge
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="used",model="tensorrt_llm",version="1"} 6239
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="tensorrt_llm",version="1"} 0.75
"""
TRITON_VLLM = """
# TYPE nv_inference_request_success counter
nv_inference_request_success{model="llama",version="1"} 8
# TYPE nv_inference_pending_request_count gauge
nv_inference_pending_request_count{model="llama",version="1"} 1
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model="llama",version="1"} 2
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model="llama",version="1"} 4
"""
JETSTREAM = """
# TYPE jetstream_prefill_backlog_size gauge
jetstream_prefill_backlog_size{id="host-1"} 1.0
# TYPE jetstream_slots_used_percentage gauge
jetstream_slots_used_percentage{id="host-1",idx="0"} 0.25
jetstream_slots_used_percentage{id="host-1",idx="1"} 0.75
# TYPE jetstream_request_success_count_total counter
jetstream_request_success_count_total{id="host-1"} 4.0
"""

TOKENS = {
    EngineKind.VLLM: ("vllm:prompt_tokens_total", "vllm:generation_tokens_total"),
    EngineKind.TGI: ("tgi_request_input_length_sum", "tgi_request_generated_tokens_sum"),
    EngineKind.SGLANG: ("sglang:prompt_tokens_total", "sglang:generation_tokens_total"),
    EngineKind.TRITON: ("vllm:prompt_tokens_total", "vllm:generation_tokens_total"),
    EngineKind.JETSTREAM: ("jetstream_request_input_length_sum", "jetstream_request_output_length_sum"),
}
"""Counters of tokens read and written."""

HISTOGRAMS = {
    EngineKind.VLLM: ("vllm:time_to_first_token_seconds", "vllm:inter_token_latency_seconds"),
    EngineKind.SGLANG: ("sglang:time_to_first_token_seconds", "sglang:inter_token_latency_seconds"),
    EngineKind.TRITON: ("vllm:time_to_first_token_seconds", "vllm:time_per_output_token_seconds"),
    EngineKind.JETSTREAM: ("jetstream_time_to_first_token", "jetstream_time_per_output_token"),
}
"""Histograms of seconds to the first token and between tokens."""

HALVES = {
    0: 'vllm:num_requests_running{engine="0"} 5\n',
    1: 'vllm:num_requests_waiting{engine="0"} 6\n',
    2: 'vllm:num_requests_running{engine="0"} 5\nvllm:num_requests_waiting{engine="0"} 6\n',
    3: 'vllm:num_requests_running{engine="0"} NaN\nvllm:num_requests_waiting{engine="0"} 6\n',
}


@dataclass(frozen=True, slots=True)
class Row:
    """An engine's page and, added up by hand with 100 slots a replica, what it says."""

    serving: str
    engine: EngineKind
    page: str
    concurrency: float
    waiting: float
    finished: float | None
    cache: float | None = None


ROWS = (
    Row("vllm-two-ranks", EngineKind.VLLM, VLLM, 1 + 2 + 4 + 8, 4 + 8, 16 + 32 + 64, 0.5),
    Row("tgi", EngineKind.TGI, TGI, 1 + 2, 2, 4 + 8),
    Row("sglang-every-rank-reports", EngineKind.SGLANG, SGLANG, 1 + 2 + 4 + 8, 4 + 8, 16, 0.25),
    Row("sglang-one-rank", EngineKind.SGLANG, SGLANG_PLAIN, 1 + 2, 2, None),
    Row("triton-tensorrt-llm", EngineKind.TRITON, TRITON_TENSORRT, 32 + 1 + 2 + 4, 1 + 2 + 4, 301, 0.75),
    Row("triton-vllm", EngineKind.TRITON, TRITON_VLLM, 2 + 1 + 4, 1 + 4, 8),
    Row("jetstream-half-of-its-slots", EngineKind.JETSTREAM, JETSTREAM, 1 + 50, 1, 4),
)


@pytest.fixture(scope="module")
def growing() -> Iterator[dict[EngineKind, StandIn]]:
    """Pages whose counters grow at each scrape: 6 tokens read, 4 written."""

    def reply_of(page: StandIn, read: str, written: str) -> Reply:
        def reply(handler: BaseHTTPRequestHandler) -> None:
            scrapes = len(page.asked)
            exposition(f"{read} {1000 + 6 * scrapes}\n{written} {1000 + 4 * scrapes}\n")(handler)

        return reply

    with contextlib.ExitStack() as stack:
        pages = {engine: stack.enter_context(page("")) for engine in TOKENS}
        for engine, names in TOKENS.items():
            pages[engine].reply = reply_of(pages[engine], *names)
        yield pages


@pytest.fixture(scope="module")
def observing() -> Iterator[dict[EngineKind, StandIn]]:
    """Pages whose histograms grow at each scrape: of 4 to the first token 1 takes at most 1 s, of 4 between tokens 2
    take at most 0.25 s; before that everything was slow, which must not count."""

    def reply_of(page: StandIn, ttft: str, tpot: str) -> Reply:
        def reply(handler: BaseHTTPRequestHandler) -> None:
            n = len(page.asked)
            rows = [(f'{name}_bucket{{le="+Inf"}}', 1000 + 4 * n) for name in (ttft, tpot)]
            rows += [(f"{name}_count", 1000 + 4 * n) for name in (ttft, tpot)]
            rows += [(f'{ttft}_bucket{{le="1.0"}}', n), (f'{tpot}_bucket{{le="0.25"}}', 2 * n)]
            exposition("".join(f"{series} {value}\n" for series, value in rows))(handler)

        return reply

    with contextlib.ExitStack() as stack:
        pages = {engine: stack.enter_context(page("")) for engine in HISTOGRAMS}
        for engine, names in HISTOGRAMS.items():
            pages[engine].reply = reply_of(pages[engine], *names)
        yield pages


@pytest.fixture(scope="module")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory,
    growing: Mapping[EngineKind, StandIn],
    observing: Mapping[EngineKind, StandIn],
) -> Iterator[RealPrometheus]:
    """A Prometheus that has scraped every page once."""
    with contextlib.ExitStack() as stack:
        pages = [Target(row.serving, "0", stack.enter_context(page(row.page))) for row in ROWS]
        pages += [Target("halves", str(index), stack.enter_context(page(text))) for index, text in HALVES.items()]
        pages += [Target(f"growing-{engine.lower()}", "0", page) for engine, page in growing.items()]
        pages += [Target(f"observing-{engine.lower()}", "0", page) for engine, page in observing.items()]
        started = stack.enter_context(real_prometheus(find_tools(), tmp_path_factory.mktemp("prometheus"), *pages))
        started.await_series(f"count(up == 1) == {len(pages)}")
        yield started


async def ask(prometheus: RealPrometheus, engine: EngineKind, signal: SignalType) -> FleetAnswer:
    client = Prometheus(PrometheusAccess(prometheus.url))
    try:
        series = await client.query(fleet_query(engine, signal))
    finally:
        client.close()
    with_share = bool(ENGINES[engine].running_share) and signal is SignalType.CONCURRENCY
    return parse_fleet(series, with_share=with_share)


@pytest.mark.promise("B20")
@pytest.mark.promise("B19")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.serving)
async def test_each_engines_requests_are_counted_once(prometheus: RealPrometheus, row: Row) -> None:
    both = await ask(prometheus, row.engine, SignalType.CONCURRENCY)
    queue = await ask(prometheus, row.engine, SignalType.QUEUE_DEPTH)
    assert both.samples["team-a", row.serving][0].requests(slots=100) == row.concurrency
    assert queue.samples["team-a", row.serving][0].requests(slots=100) == row.waiting
    sample = both.samples["team-a", row.serving][0]
    assert (sample.waiting, sample.finished) == (row.waiting, row.finished)


@pytest.mark.promise("U19")
@pytest.mark.parametrize("row", [row for row in ROWS if row.cache is not None], ids=lambda row: row.serving)
async def test_a_replicas_cache_is_the_mean_of_its_ranks(prometheus: RealPrometheus, row: Row) -> None:
    answer = await ask(prometheus, row.engine, SignalType.KV_CACHE)
    assert answer.samples["team-a", row.serving][0].value == row.cache


@pytest.mark.promise("U19")
@pytest.mark.parametrize("engine", TOKENS, ids=str)
async def test_tokens_are_those_of_prompts_and_answers_a_second_over_a_minute(
    prometheus: RealPrometheus, growing: Mapping[EngineKind, StandIn], engine: EngineKind
) -> None:
    page, name = growing[engine], f"growing-{engine.lower()}"
    await eventually(lambda: len(page.asked) >= 20)
    before = len(page.asked)
    answer = await ask(prometheus, engine, SignalType.TOKENS)
    # 10 tokens more at each scrape but the first; one may be under way, and rate() looks half an interval beyond.
    assert 10 * (before - 3) / 60 <= answer.samples["team-a", name][0].value <= 10 * (len(page.asked) + 1) / 60


@pytest.mark.promise("U18")
@pytest.mark.parametrize("engine", HISTOGRAMS, ids=str)
async def test_latencies_are_those_of_the_last_minute_by_serving(
    prometheus: RealPrometheus, observing: Mapping[EngineKind, StandIn], engine: EngineKind
) -> None:
    await eventually(lambda: len(observing[engine].asked) >= 10)
    client = Prometheus(PrometheusAccess(prometheus.url))
    try:
        found = parse_latencies(await client.query(fleet_query(engine, SignalType.LATENCY)))
    finally:
        client.close()
    seen = found["team-a", f"observing-{engine.lower()}"]
    assert abs(time.time() - seen.sampled_at) < 30
    # As if only what came since counted: a quarter and a half, within a scrape that is under way.
    assert share_within(seen.histograms["ttft"], 1.0) == pytest.approx(0.25, rel=0.05)
    assert share_within(seen.histograms["tpot"], 0.25) == pytest.approx(0.5, rel=0.05)


async def test_a_replica_that_lacks_a_metric_is_absent_rather_than_half_counted(prometheus: RealPrometheus) -> None:
    both = await ask(prometheus, EngineKind.VLLM, SignalType.CONCURRENCY)
    queue = await ask(prometheus, EngineKind.VLLM, SignalType.QUEUE_DEPTH)
    halves = ("team-a", "halves")
    assert {index: sample.value for index, sample in both.samples[halves].items()} == {2: 11.0}
    assert both.unusable == {(halves, 3)}
    assert {index: sample.value for index, sample in queue.samples[halves].items()} == {1: 6.0, 2: 6.0, 3: 6.0}
