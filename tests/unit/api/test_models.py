"""The models: defaults, the two ways to read, and one sentence for every mistake."""

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from elastic_serving.api.models import ElasticServing, EngineKind, Mode, SignalType, TargetType
from elastic_serving.api.parse import read, read_file
from elastic_serving.api.signals import EffectiveSignal
from elastic_serving.errors import InvalidSpec

SMALLEST: dict[str, Any] = {
    "apiVersion": "elasticserving.io/v1alpha1",
    "kind": "ElasticServing",
    "metadata": {"name": "llama-8b"},
    "spec": {
        "model": {"uri": "hf://meta-llama/Llama-3.1-8B-Instruct"},
        "accelerator": {"gpu": {"product": "nvidia-l4"}},
        "scaling": {"maxReplicas": 8},
    },
}


def manifest(**spec: Any) -> dict[str, Any]:
    """The smallest manifest with parts of its spec replaced."""
    changed = copy.deepcopy(SMALLEST)
    changed["spec"] |= spec
    return changed


def scaling(**fields: Any) -> dict[str, Any]:
    return manifest(scaling={"maxReplicas": 8} | fields)


@pytest.mark.promise("N3")
def test_three_fields_make_a_serving_that_scales_on_concurrency() -> None:
    serving = read_file(SMALLEST)
    spec = serving.spec
    assert serving.served_model_name == "llama-8b"
    assert (spec.engine.kind, spec.engine.port, spec.engine.max_concurrency) == (EngineKind.VLLM, 8000, 32)
    assert (spec.accelerator.gpu.per_host, spec.accelerator.gpu.hosts) == (1, 1)
    assert (spec.scaling.mode, spec.scaling.min_replicas, spec.scaling.max_replicas) == (Mode.AUTO, 1, 8)
    assert spec.scaling.behavior.scale_up.stabilization_window_seconds == 0
    assert spec.scaling.behavior.scale_down.stabilization_window_seconds == 300
    assert spec.scaling.behavior.scale_up.policies == ()
    assert (spec.scaling.idle, spec.scaling.fallback, spec.replicas) == (None, None, None)
    assert spec.drain.timeout_seconds == 120
    # 0.7 x 32 = 22.4
    assert spec.signals == (EffectiveSignal(name="Concurrency", type=SignalType.CONCURRENCY, target=22.4),)


def test_the_default_target_follows_max_concurrency() -> None:
    # 0.7 x 256 = 179.2
    assert read_file(manifest(engine={"maxConcurrency": 256})).spec.signals[0].target == 179.2


def test_a_signal_keeps_what_is_written_and_fills_the_rest() -> None:
    written = [
        {"type": "QueueDepth", "target": 4},
        {"type": "Prometheus", "name": "ttft", "target": 0.5, "query": "up", "targetType": "Value"},
        {"type": "Prometheus", "target": 3, "query": "up", "intervalSeconds": 60, "emptyIsZero": True},
    ]
    assert read_file(scaling(signals=written)).spec.signals == (
        EffectiveSignal(name="QueueDepth", type=SignalType.QUEUE_DEPTH, target=4.0),
        EffectiveSignal(name="ttft", type=SignalType.PROMETHEUS, target=0.5, target_type=TargetType.VALUE, query="up"),
        EffectiveSignal(
            name="Prometheus",
            type=SignalType.PROMETHEUS,
            target=3.0,
            query="up",
            interval_seconds=60,
            empty_is_zero=True,
        ),
    )


def test_the_served_name_is_what_the_user_says() -> None:
    serving = read_file(manifest(model={"uri": "s3://weights/llama", "name": "meta-llama/Llama-3.1-8B"}))
    assert serving.served_model_name == "meta-llama/Llama-3.1-8B"


def test_nothing_of_a_serving_can_be_changed() -> None:
    serving = read_file(SMALLEST)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(serving.spec.scaling, "max_replicas", 9)  # noqa: B010 - mypy knows that it is frozen, too


def test_unknown_fields_of_a_stored_object_are_ignored_at_every_depth() -> None:
    stored = manifest(scaling={"maxReplicas": 8, "later": 1}, rollout={"maxSurge": 0})
    stored["status"] = {"queue": {"waiting": 3}}
    assert read(stored).spec == read_file(SMALLEST).spec


def test_a_status_of_another_version_does_not_stop_a_stored_object() -> None:
    stored = SMALLEST | {"status": {"desiredReplicas": "three"}}
    assert read(stored).spec.scaling.max_replicas == 8
    assert read(stored).status is None


def test_a_number_left_over_from_manual_is_read_but_not_accepted_in_a_file() -> None:
    left_over = manifest(replicas=3)
    assert read(left_over).spec.replicas == 3
    with pytest.raises(InvalidSpec, match=r"replicas 3: only with scaling\.mode Manual"):
        read_file(left_over)


def test_a_whole_float_is_an_integer_where_no_rule_reads_it() -> None:
    assert read_file(manifest(drain={"timeoutSeconds": 32.0})).spec.drain.timeout_seconds == 32


def test_null_is_absent_as_it_is_for_the_api_server() -> None:
    assert read_file(scaling(minReplicas=None, fallback=None)) == read_file(SMALLEST)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        pytest.param(manifest(rollout={}), "spec.rollout: there is no such field", id="unknown field"),
        pytest.param(
            scaling(minReplicas="1"), "spec.scaling.minReplicas: '1': input should be a valid integer", id="text"
        ),
        pytest.param(
            scaling(minReplicas=True), "spec.scaling.minReplicas: True: input should be a valid integer", id="boolean"
        ),
        pytest.param(
            scaling(maxReplicas=8.0),
            "spec.scaling.maxReplicas: 8.0: input should be a valid integer",
            id="a float where a rule reads it",
        ),
        pytest.param(
            manifest(drain={"timeoutSeconds": -1}),
            "spec.drain.timeoutSeconds: -1: input should be greater than or equal to 0",
            id="below the range",
        ),
        pytest.param(manifest(model={}), "spec.model.uri: required, but not there", id="a needed field is missing"),
        pytest.param(
            scaling(maxReplicas=None), "spec.scaling.maxReplicas: required, but not there", id="null for a needed field"
        ),
        pytest.param(
            scaling(minReplicas=9),
            "spec.scaling: minReplicas 9 must not be above maxReplicas 8",
            id="above maxReplicas",
        ),
        pytest.param(
            scaling(signals=[{"type": "Concurrency"}, {"type": "QueueDepth"}]),
            "spec.scaling.signals[1]: type QueueDepth needs a target above 0; only Concurrency and KVCache have a "
            "default",
            id="a place in a list",
        ),
        pytest.param(
            manifest(model={}, drain={"timeoutSeconds": -1}),
            "spec.model.uri: required, but not there; "
            "spec.drain.timeoutSeconds: -1: input should be greater than or equal to 0",
            id="two mistakes",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_field_the_value_and_the_range(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSpec) as refusal:
        read_file(wrong)
    assert str(refusal.value) == sentence


def test_what_kubectl_prints_can_be_given_back_as_a_file() -> None:
    printed = copy.deepcopy(SMALLEST)
    printed["metadata"] |= {
        "namespace": "models",
        "uid": "5f0c",
        "generation": 2,
        "resourceVersion": "41",
        "creationTimestamp": "2026-11-22T04:51:30Z",
        "labels": {"team": "a"},
        "annotations": {"note": "b"},
        "managedFields": [{"manager": "kubectl"}],
    }
    printed["status"] = {"desiredReplicas": 1, "conditions": []}
    serving = read_file(printed)
    assert serving.metadata.namespace == "models"
    assert serving.status is not None
    assert serving.status.desired_replicas == 1


def test_the_models_write_what_they_read() -> None:
    serving = read_file(manifest(engine={"args": ["--enforce-eager"]}))
    written = serving.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert ElasticServing.model_validate(written, extra="forbid") == serving
    assert written["spec"]["scaling"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300
