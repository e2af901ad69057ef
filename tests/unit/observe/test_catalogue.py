"""What the catalogue refuses. A real Prometheus proves its queries (tests/cluster/test_prometheus_catalogue.py)."""

import pytest

from elastic_serving.api.signals import SignalType
from elastic_serving.api.workload import EngineKind
from elastic_serving.errors import InvalidSpec
from elastic_serving.observe.catalogue import ENGINES, fleet_query, metric_names


def test_every_engine_but_generic_is_in_the_catalogue() -> None:
    assert set(EngineKind) - set(ENGINES) == {EngineKind.GENERIC}


def test_generic_is_refused_with_a_sentence() -> None:
    with pytest.raises(
        InvalidSpec, match=r"^engine.kind Generic has no known metrics for Concurrency: use a signal of"
    ):
        fleet_query(EngineKind.GENERIC, SignalType.CONCURRENCY)
    assert metric_names(EngineKind.GENERIC, SignalType.CONCURRENCY) == ()


def test_a_signal_with_its_own_query_is_not_looked_up() -> None:
    with pytest.raises(InvalidSpec, match="brings its own query"):
        fleet_query(EngineKind.VLLM, SignalType.PROMETHEUS)


@pytest.mark.parametrize(
    ("engine", "signal", "names"),
    [
        (EngineKind.VLLM, SignalType.CONCURRENCY, ("vllm:num_requests_running", "vllm:num_requests_waiting")),
        (EngineKind.VLLM, SignalType.QUEUE_DEPTH, ("vllm:num_requests_waiting",)),
        (
            EngineKind.JETSTREAM,
            SignalType.CONCURRENCY,
            ("jetstream_slots_used_percentage", "jetstream_prefill_backlog_size"),
        ),
        (EngineKind.JETSTREAM, SignalType.QUEUE_DEPTH, ("jetstream_prefill_backlog_size",)),
    ],
)
def test_the_sentence_about_absent_series_names_them(
    engine: EngineKind, signal: SignalType, names: tuple[str, ...]
) -> None:
    assert metric_names(engine, signal) == names
