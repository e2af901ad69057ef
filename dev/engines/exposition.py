"""The ``/metrics`` page of one engine, with the names, types and labels of vLLM 0.33.

Source: vllm-project/vllm vllm/v1/metrics/loggers.py (names and buckets; read 2026-11-22). Each engine has a registry of
its own, so hundreds fit into one process. A page that nothing changed is served from the last one: an idle engine costs
a scrape next to nothing.
"""

from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from dev.engines.service_model import Run

_LABELS: Final = ("model_name", "engine")
# fmt: off
_LATENCY_BUCKETS: Final = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0,
    120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0,
)
_FIRST_TOKEN_BUCKETS: Final = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5,
    10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0,
)
_TOKEN_BUCKETS: Final = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
)
# fmt: on

FINISHED_REASONS: Final = ("stop", "length", "abort", "error", "repetition")
WAITING_REASONS: Final = ("capacity", "deferred")
SLEEP_STATES: Final = ("awake", "weights_offloaded", "discard_all")
REJECTION_REASONS: Final = ("max_num_queued_reqs", "max_num_queued_tokens")


class Page(StrEnum):
    """What the page says about the load; everything but ``RIGHT`` is a fault."""

    RIGHT = "right"
    RENAMED = "renamed"
    """The load gauges are absent and a name that vLLM gave up stands there instead, as another version would show."""
    NAN = "nan"
    """The load gauges are NaN."""
    HTML = "html"
    """An error page of some proxy, with status 200."""


class VllmMetrics:
    """The registry of one engine. Times are observed in seconds of the model's clock."""

    def __init__(self, model_name: str) -> None:
        self._load = CollectorRegistry()
        self._rest = CollectorRegistry()
        self._names = (model_name, "0")
        self._running = self._gauge("num_requests_running", "Number of requests in model execution batches.")
        self._waiting = self._gauge("num_requests_waiting", "Number of requests waiting to be processed.")
        by_reason = Gauge(
            "vllm:num_requests_waiting_by_reason", "Waiting requests.", (*_LABELS, "reason"), registry=self._load
        )
        self._by_reason = {reason: by_reason.labels(*self._names, reason) for reason in WAITING_REASONS}
        self._kv_cache = self._gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.")
        sleep = Gauge(
            "vllm:engine_sleep_state", "1 at the present state.", (*_LABELS, "sleep_state"), registry=self._rest
        )
        for state in SLEEP_STATES:
            sleep.labels(*self._names, state).set(state == "awake")
        self._finished = self._counters("request_success", "finished_reason", FINISHED_REASONS)
        self._counters("admission_rejections", "reason", REJECTION_REASONS)
        self._prompt_tokens = self._counter("prompt_tokens", "Number of prefill tokens processed.")
        self._output_tokens = self._counter("generation_tokens", "Number of generation tokens processed.")
        self._counter("num_preemptions", "Cumulative number of preemptions from the engine.")
        self._first_token = self._histogram("time_to_first_token_seconds", _FIRST_TOKEN_BUCKETS)
        self._between_tokens = self._histogram("inter_token_latency_seconds", _TOKEN_BUCKETS)
        self._latency = self._histogram("e2e_request_latency_seconds", _LATENCY_BUCKETS)
        self._queue_time = self._histogram("request_queue_time_seconds", _LATENCY_BUCKETS)
        self._shown: tuple[float, float, float] | None = None
        self._load_page = b""
        self._rest_page: bytes | None = None

    def started(self, run: Run) -> None:
        """A request left the queue."""
        self._queue_time.observe(run.started_at - run.job.arrived_at)
        self._rest_page = None

    def finished(self, run: Run) -> None:
        """A request's last token is out. Every request here ends by its length."""
        job = run.job
        self._finished["length"].inc()
        self._prompt_tokens.inc(job.prompt_tokens)
        self._output_tokens.inc(job.output_tokens)
        self._first_token.observe(run.first_token_at - job.arrived_at)
        self._latency.observe(run.ends_at - job.arrived_at)
        if job.output_tokens > 1:
            # vLLM observes every gap; one observation per request keeps the mean and costs a fraction.
            self._between_tokens.observe(run.token_seconds)
        self._rest_page = None

    def ended_early(self, reason: str) -> None:
        """A request ended without its last token: ``abort`` or ``error``."""
        self._finished[reason].inc()
        self._rest_page = None

    def page(self, *, running: float, waiting: float, kv_cache: float, kind: Page = Page.RIGHT) -> bytes:
        """The text for one scrape."""
        if kind is Page.HTML:
            return b"<html><body><h1>502 Bad Gateway</h1></body></html>\n"
        if self._rest_page is None:
            self._rest_page = generate_latest(self._rest)
        if kind is Page.RENAMED:
            return self._rest_page + b"# TYPE vllm:gpu_cache_usage_perc gauge\nvllm:gpu_cache_usage_perc 0.0\n"
        if kind is Page.NAN:
            running = waiting = float("nan")
        if (running, waiting, kv_cache) != self._shown:
            self._running.set(running)
            self._waiting.set(waiting)
            self._by_reason["capacity"].set(waiting)
            self._kv_cache.set(kv_cache)
            self._shown = (running, waiting, kv_cache)
            self._load_page = generate_latest(self._load)
        return self._load_page + self._rest_page

    def _gauge(self, name: str, documentation: str) -> Gauge:
        return Gauge(f"vllm:{name}", documentation, _LABELS, registry=self._load).labels(*self._names)

    def _counter(self, name: str, documentation: str) -> Counter:
        return Counter(f"vllm:{name}", documentation, _LABELS, registry=self._rest).labels(*self._names)

    def _counters(self, name: str, label: str, values: tuple[str, ...]) -> dict[str, Counter]:
        """One counter for each value of a further label, all present from the start."""
        counter = Counter(f"vllm:{name}", f"Requests by {label}.", (*_LABELS, label), registry=self._rest)
        return {value: counter.labels(*self._names, value) for value in values}

    def _histogram(self, name: str, buckets: tuple[float, ...]) -> Histogram:
        documentation = f"Histogram of {name.replace('_', ' ')}."
        histogram = Histogram(f"vllm:{name}", documentation, _LABELS, buckets=buckets, registry=self._rest)
        return histogram.labels(*self._names)
