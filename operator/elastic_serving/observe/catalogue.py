"""PromQL for what each engine calls running and waiting: one query reads a signal of all servings of an engine. Pure.

Every query answers with several elements per replica, told apart by the label ``es_part``: ``value`` (requests),
``share`` (used part of the slots, 0 to 1, where an engine counts no requests) and ``sampled_at`` (when the oldest
sample behind the others was scraped, epoch seconds; an element's own time is the time of the evaluation). Concurrency
is running + waiting, QueueDepth is waiting, Tokens is prompt and generation tokens a second over the last minute (two
scrapes at least), KVCache the part of the cache in use, 0 to 1, the mean over a replica's ranks. ``+`` drops a replica
that lacks one of its metrics: half a sum would pass for a whole one. Concurrency's answer also has ``waiting`` and
``finished`` (a counter of requests that ended), so that all three are of one scrape. Latency has ``ttft`` and ``tpot``:
what the last minute added to the buckets of two histograms, by ``le`` and serving.

Series must carry ``namespace``, ``elasticserving`` and ``es_replica`` (the chart's PodMonitor sets them). Where the
names come from, all read 2026-11-22, the counters and the caches 2026-11-24:

- vLLM: vllm-project/vllm docs/usage/metrics.md; ``engine`` is the data-parallel rank, so it is summed over.
  ``vllm:request_success_total`` counts by ``finished_reason``, aborted ones included. Between tokens it observes every
  gap, SGLang too; the others observe the mean of each request.
- TGI: huggingface/text-generation-inference docs/source/reference/metrics.md; backends/v3/src/backend.rs sets the
  batch size to 0 when the last request leaves. Before the first request neither series exists: missing, not 0.
  ``tgi_request_success`` exists from the first answer on. It counts tokens in histograms, when an answer ends, and
  says nothing of its cache.
- SGLang: sgl-project/sglang docs/references/production_metrics.md, needs ``--enable-metrics``. Every tensor and
  pipeline rank may report the same requests (``--enable-metrics-for-all-schedulers``), every data-parallel rank its
  own: maximum within a rank, sum over ranks. Its one tokenizer process counts what is finished
  and its tokens (python/sglang/srt/metrics/collector.py, ``num_requests_total``); ``token_usage`` is of the cache.
- Triton: triton-inference-server/server docs/user_guide/metrics.md counts requests no backend has taken yet and none
  that run; LLM backends take requests at once and queue them inside. So their own gauges are added: TensorRT-LLM's
  (triton-inference-server/tensorrtllm_backend README.md; scheduled runs, waiting waits, as in kubernetes-sigs/
  gateway-api-inference-extension docs/proposals/003-model-server-protocol/README.md) or vLLM's
  (triton-inference-server/vllm_backend src/utils/metrics.py). Another backend has no Concurrency. A request of an
  ensemble counts once for each of its models in ``nv_inference_request_success``: the maximum over the models. Only
  vLLM's backend counts tokens, only TensorRT-LLM's tells the used fraction of its cache blocks.
- JetStream: AI-Hypercomputer/JetStream docs/observability-prometheus-metrics-in-jetstream-server.md; it counts waiting
  requests, and of the running ones only the share of decode slots in use, 0 to 1 (jetstream/core/orchestrator.py).
  Python's client library adds ``_total`` to its counter (jetstream/core/metrics/prometheus.py); tokens stand in
  histograms, and there is nothing about a cache.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from elastic_serving.api.signals import SignalType
from elastic_serving.api.workload import EngineKind
from elastic_serving.errors import InvalidSpec

PART: Final = "es_part"
VALUE: Final = "value"
SHARE: Final = "share"
SAMPLED_AT: Final = "sampled_at"
WAITING: Final = "waiting"
FINISHED: Final = "finished"
TTFT: Final = "ttft"
TPOT: Final = "tpot"

RATE_WINDOW: Final = "1m"
"""Four scrapes at the usual 15 s, so that one may fail."""

NAMESPACE_LABEL: Final = "namespace"
SERVING_LABEL: Final = "elasticserving"
REPLICA_LABEL: Final = "es_replica"

_BY: Final = f"by ({NAMESPACE_LABEL}, {SERVING_LABEL}, {REPLICA_LABEL})"
_OURS: Final = f'{SERVING_LABEL}!="",{REPLICA_LABEL}!=""'


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number of requests: the sum of ``selectors`` (alternatives, a replica has one of them) over a replica's series.

    ``within`` names labels whose values each count once: over all other labels the maximum is taken first. ``over``
    may take the mean instead of the sum.
    """

    selectors: tuple[str, ...]
    within: tuple[str, ...] = ()
    over: str = "sum"

    @property
    def promql(self) -> str:
        vector = " or ".join(self.selectors)
        if self.within:
            labels = ", ".join((NAMESPACE_LABEL, SERVING_LABEL, REPLICA_LABEL, *self.within))
            vector = f"max by ({labels}) ({vector})"
        return f"{self.over} {_BY} ({vector})"


@dataclass(frozen=True, slots=True)
class EngineMetrics:
    """What an engine exposes. ``running_share`` replaces ``running`` where only a part of the slots is known.

    ``finished`` is PromQL for the number of requests a replica has finished since it started.
    """

    waiting: tuple[Gauge, ...]
    finished: str
    running: tuple[Gauge, ...] = ()
    running_share: str = ""
    tokens: tuple[str, ...] = ()
    """Selectors of counters that add up to all tokens read and written."""
    cache: Gauge | None = None
    ttft: str = ""
    """Histogram of seconds to the first token."""
    tpot: str = ""
    """Histogram of seconds between tokens."""


def _metric(name: str, matchers: str = "") -> str:
    return f"{name}{{{_OURS}{',' if matchers else ''}{matchers}}}"


def _gauge(*selectors: str, within: tuple[str, ...] = (), over: str = "sum") -> Gauge:
    return Gauge(selectors, within, over)


def _counted(name: str) -> str:
    return f"sum {_BY} ({_metric(name)})"


_VLLM_RUNNING: Final = _metric("vllm:num_requests_running")
_VLLM_WAITING: Final = _metric("vllm:num_requests_waiting")
_VLLM_TOKENS: Final = (_metric("vllm:prompt_tokens_total"), _metric("vllm:generation_tokens_total"))

ENGINES: Final[Mapping[EngineKind, EngineMetrics]] = MappingProxyType(
    {
        EngineKind.VLLM: EngineMetrics(
            running=(_gauge(_VLLM_RUNNING),),
            waiting=(_gauge(_VLLM_WAITING),),
            finished=_counted("vllm:request_success_total"),
            tokens=_VLLM_TOKENS,
            cache=_gauge(_metric("vllm:kv_cache_usage_perc"), over="avg"),
            ttft="vllm:time_to_first_token_seconds",
            tpot="vllm:inter_token_latency_seconds",
        ),
        EngineKind.TGI: EngineMetrics(
            running=(_gauge(_metric("tgi_batch_current_size")),),
            waiting=(_gauge(_metric("tgi_queue_size")),),
            finished=_counted("tgi_request_success"),
            tokens=(_metric("tgi_request_input_length_sum"), _metric("tgi_request_generated_tokens_sum")),
        ),
        EngineKind.SGLANG: EngineMetrics(
            running=(_gauge(_metric("sglang:num_running_reqs"), within=("dp_rank",)),),
            waiting=(_gauge(_metric("sglang:num_queue_reqs"), within=("dp_rank",)),),
            finished=_counted("sglang:num_requests_total"),
            tokens=(_metric("sglang:prompt_tokens_total"), _metric("sglang:generation_tokens_total")),
            cache=_gauge(_metric("sglang:token_usage"), within=("dp_rank",), over="avg"),
            ttft="sglang:time_to_first_token_seconds",
            tpot="sglang:inter_token_latency_seconds",
        ),
        EngineKind.TRITON: EngineMetrics(
            running=(_gauge(_metric("nv_trt_llm_request_metrics", 'request_type="scheduled"'), _VLLM_RUNNING),),
            waiting=(
                _gauge(_metric("nv_inference_pending_request_count")),
                _gauge(_metric("nv_trt_llm_request_metrics", 'request_type="waiting"'), _VLLM_WAITING),
            ),
            finished=f"max {_BY} ({_metric('nv_inference_request_success')})",
            tokens=_VLLM_TOKENS,
            cache=_gauge(_metric("nv_trt_llm_kv_cache_block_metrics", 'kv_cache_block_type="fraction"'), over="avg"),
            ttft="vllm:time_to_first_token_seconds",
            tpot="vllm:time_per_output_token_seconds",
        ),
        EngineKind.JETSTREAM: EngineMetrics(
            running_share=_metric("jetstream_slots_used_percentage"),
            waiting=(_gauge(_metric("jetstream_prefill_backlog_size")),),
            finished=_counted("jetstream_request_success_count_total"),
            tokens=(_metric("jetstream_request_input_length_sum"), _metric("jetstream_request_output_length_sum")),
            ttft="jetstream_time_to_first_token",
            tpot="jetstream_time_per_output_token",
        ),
    }
)


def read_as(signal: SignalType) -> SignalType:
    """The signal whose query also reads ``signal``: Erlang starts from what Concurrency counts."""
    return SignalType.CONCURRENCY if signal is SignalType.ERLANG else signal


def fleet_query(engine: EngineKind, signal: SignalType) -> str:
    """PromQL that reads ``signal`` of every replica of every serving whose engine is ``engine``.

    Raises InvalidSpec with one sentence where the engine has no equivalent: Generic has no metrics we know.
    """
    if signal is SignalType.PROMETHEUS:
        raise InvalidSpec("a signal of type Prometheus brings its own query")
    selectors = _selectors(engine, signal)
    if not selectors:
        raise InvalidSpec(
            f"engine.kind {engine.value} has no known metrics for {signal.value}: use a signal of type Prometheus"
        )
    metrics, parts = ENGINES[engine], []
    if signal is SignalType.LATENCY:
        return _histograms(metrics)
    if signal is SignalType.TOKENS:
        rates = (f"sum {_BY} (rate({selector}[{RATE_WINDOW}]))" for selector in metrics.tokens)
        parts.append(_part(" + ".join(rates), VALUE))
    elif signal is SignalType.KV_CACHE and metrics.cache is not None:
        parts.append(_part(metrics.cache.promql, VALUE))
    elif signal is SignalType.CONCURRENCY:
        parts.append(_part(_sum((*metrics.running, *metrics.waiting)), VALUE))
        if metrics.running_share:
            parts.append(_part(f"avg {_BY} ({metrics.running_share})", SHARE))
        parts.append(_part(_sum(metrics.waiting), WAITING))
        parts.append(_part(metrics.finished, FINISHED))
    else:
        parts.append(_part(_sum(metrics.waiting), VALUE))
    parts.append(_part(_oldest(selectors), SAMPLED_AT))
    return " or ".join(parts)


def metric_names(engine: EngineKind, signal: SignalType) -> tuple[str, ...]:
    """Names of the metrics behind ``fleet_query``, for the sentence that says they are absent."""
    return tuple(dict.fromkeys(selector.partition("{")[0] for selector in _selectors(engine, signal)))


def _selectors(engine: EngineKind, signal: SignalType) -> tuple[str, ...]:
    """What ``signal`` must be sampled from; empty where the engine has no such metrics."""
    metrics = ENGINES.get(engine)
    if metrics is None or signal in (SignalType.PROMETHEUS, SignalType.COMBINED):
        return ()
    if signal is SignalType.TOKENS:
        return metrics.tokens
    if signal is SignalType.LATENCY:
        return (f"{metrics.ttft}_bucket", f"{metrics.tpot}_bucket") if metrics.ttft else ()
    gauges: tuple[Gauge, ...] = metrics.waiting
    share: tuple[str, ...] = ()
    if signal is SignalType.KV_CACHE:
        gauges = (metrics.cache,) if metrics.cache else ()
    elif signal is SignalType.CONCURRENCY:
        gauges = (*metrics.running, *metrics.waiting)
        share = (metrics.running_share,) if metrics.running_share else ()
    return share + tuple(selector for gauge in gauges for selector in gauge.selectors)


def _histograms(metrics: EngineMetrics) -> str:
    """What went into the buckets of both histograms within RATE_WINDOW, by serving: draining replicas included."""
    by, parts = f"by ({NAMESPACE_LABEL}, {SERVING_LABEL}, le)", []
    for part, name in ((TTFT, metrics.ttft), (TPOT, metrics.tpot)):
        parts.append(_part(f"sum {by} (increase({_metric(f'{name}_bucket')}[{RATE_WINDOW}]))", part))
    oldest = f"min by ({NAMESPACE_LABEL}, {SERVING_LABEL}) (timestamp({_metric(f'{metrics.ttft}_count')}))"
    return " or ".join((*parts, _part(oldest, SAMPLED_AT)))


def _sum(gauges: Sequence[Gauge]) -> str:
    return " + ".join(gauge.promql for gauge in gauges)


def _part(promql: str, part: str) -> str:
    return f'label_replace({promql}, "{PART}", "{part}", "", "")'


def _oldest(selectors: Sequence[str]) -> str:
    """The oldest sample of each replica over all ``selectors``.

    ``timestamp`` drops the metric's name, so series of two metrics could collide: each keeps its number as a label.
    """
    times = (f'label_replace(timestamp({s}), "es_metric", "{i}", "", "")' for i, s in enumerate(selectors))
    return f"min {_BY} ({' or '.join(times)})"
