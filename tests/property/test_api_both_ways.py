"""The CRD and the models draw the same line: what the API server takes, a file may say, and the other way round.

Objects are made from the CRD's own schema (so a new field is covered when it exists), half of them with one thing
wrong, and given to the API server as a dry run under fieldValidation=Strict. Rules between fields are broken by chance.
"""

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from kubernetes import client as sync_client
from kubernetes import config as sync_config

from dev.cluster.handle import Cluster
from elastic_serving.api import labels
from elastic_serving.api.crdgen import serving_crd
from elastic_serving.api.models import ElasticServing
from elastic_serving.api.parse import read, read_file
from elastic_serving.errors import InvalidSpec
from tests.support.crds import installed_crds

pytestmark = pytest.mark.cluster

EXAMPLES = 200
FEWEST_OF_A_KIND = 30
"""Accepted and refused objects a run must have seen, or it has shown nothing."""

REFUSED = {400, 422}

RIGHT: dict[str, list[str]] = {
    "spec.model.uri": ["hf://a/b", "s3://bucket/path", "gs://b/p", "pvc://claim", "oci://r/i:1"],
    "spec.model.name": ["llama", "meta-llama/Llama-3.1-8B"],
    "spec.model.secretRef.name": ["token", "a.b-c", "a"],
    "spec.engine.image": ["vllm:v1", "registry/x@sha256:00"],
    "spec.engine.args[]": ["--eager", "--portal", "", "\u2028"],
    "spec.accelerator.gpu.product": ["nvidia-l4", "NVIDIA-H100-80GB-HBM3", "a"],
    "spec.scaling.signals[].name": ["ttft", "a", "A-1"],
    "spec.scaling.schedules[].name": ["office", "a", "A-1"],
    "spec.scaling.schedules[].start": ["0 8 * * *", "*/5 0-23/2 1,15 JAN-MAR MON,WED"],
    "spec.scaling.schedules[].end": ["59 23 31 12 7", "0 18 * * 1-5"],
    "spec.scaling.schedules[].timeZone": ["UTC", "Europe/Berlin", "Etc/GMT+5", "America/Argentina/Buenos_Aires"],
    "spec.scaling.signals[].terms[].signal": ["ttft", "a", "Concurrency", "Prometheus"],
}
"""Texts that a rule looks at and lets pass."""

WRONG: dict[str, list[str]] = {
    "spec.model.uri": ["hf://", "ftp://x", "hf://\u00e9", "hf://a\n", "xhf://a"],
    "spec.model.name": ["two words", "\u00fc", "\n"],
    "spec.model.secretRef.name": ["-a", "A", "a\n"],
    "spec.engine.image": ["with space", "x\n"],
    "spec.engine.args[]": ["--port", "--port=1\n2", "--max_num_seqs=4", "--served-model-name="],
    "spec.accelerator.gpu.product": ["l4-", "a/b", "l4\n"],
    "spec.scaling.signals[].name": ["Concurrency", "QueueDepth", "a-", "0a", "a b", "a\n"],
    "spec.scaling.schedules[].name": ["a-", "0a", "a b", "a\n"],
    "spec.scaling.schedules[].start": ["60 8 * * *", "0  8 * * *", "0 8 * * *\n", "0 8 * * mon", "@daily_at_8"],
    "spec.scaling.schedules[].end": ["0 24 * * *", "5/10 * * * *", "* * * * * *", "0 8 L * *"],
    "spec.scaling.schedules[].timeZone": ["Mars/Olympus", "+02:00", "Europe/Berlin\n", "02:00", "../UTC"],
    "spec.scaling.signals[].terms[].signal": ["Combined", "b"],
}
"""Texts that break a rule, in the ways two languages of patterns could read apart."""

ODD = st.sampled_from([None, True, -1, 0, 1.5, 3.0, 10**12, "", "text", [], ["text"], {}, {"unknown": 1}])
NAMES = st.sampled_from(["llama-8b"] * 12 + ["a" * 40, "a" * 41, "8b", "a.b", "a-"])


def values(path: str, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Contents that are right for ``schema`` taken alone."""
    if path in RIGHT:
        return st.sampled_from(RIGHT[path] * 4 + WRONG[path])
    match schema["type"]:
        case "object" if "properties" in schema:
            return objects(path, schema)
        case "object":
            return st.sampled_from([{}, {"spec": {"containers": [{"name": "main", "env": None}]}}])
        case "array":
            return st.lists(values(f"{path}[]", schema["items"]), max_size=min(3, schema["maxItems"]))
        case "string" if "enum" in schema:
            return st.sampled_from(schema["enum"])
        case "string":
            return st.text(min_size=schema.get("minLength", 0), max_size=20)
        case "boolean":
            return st.booleans()
        case "integer":
            low, high = schema["minimum"], schema["maximum"]
            return st.integers(low, min(high, low + 9)) | st.sampled_from([low, high, float(low), float(high)])
    low = schema["minimum"]
    return st.floats(low, schema["maximum"], exclude_min=bool(schema.get("exclusiveMinimum"))) | st.just(
        schema["maximum"]
    )


@st.composite
def objects(draw: st.DrawFn, path: str, schema: dict[str, Any]) -> dict[str, Any]:
    """What is needed and at most two more fields: the more fields, the fewer objects that break no rule."""
    needed = schema.get("required", [])
    others = [name for name in schema["properties"] if name not in needed]
    chosen = draw(st.lists(st.sampled_from(others), max_size=2, unique=True)) if others else []
    return {name: draw(values(f"{path}.{name}", schema["properties"][name])) for name in (*needed, *chosen)}


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    """An ElasticServing whose fields are right one by one, or all but one."""
    schema = serving_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec = draw(values("spec", schema))
    if draw(st.booleans()):
        spec = draw(with_one_thing_wrong(spec))
    return {
        "apiVersion": "elasticserving.io/v1alpha1",
        "kind": "ElasticServing",
        "metadata": {"name": draw(NAMES)},
        "spec": spec,
    }


@st.composite
def with_one_thing_wrong(draw: st.DrawFn, right: dict[str, Any]) -> dict[str, Any]:
    """``right`` with one content made odd, one field taken out or one put in, at any depth."""
    changed = copy.deepcopy(right)
    place: Any = changed
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not place[key] or not isinstance(place[key], dict | list) or draw(st.booleans()):
            break
        place = place[key]
    match draw(st.sampled_from(["odd", "out", "in"])):
        case "out":
            del place[key]
        case "in" if isinstance(place, dict):
            place["unknown"] = draw(ODD)
        case _:
            place[key] = draw(ODD)
    return changed


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[sync_client.CustomObjectsApi]:
    """The API server with our kinds."""
    path = str(cluster.kubeconfig)
    with (
        installed_crds(cluster),
        sync_config.new_client_from_config(config_file=path, persist_config=False) as api,  # type: ignore[no-untyped-call]  # its kubeconfig module has no types
    ):
        yield sync_client.CustomObjectsApi(api)


def accepted_by_server(server: sync_client.CustomObjectsApi, manifest: dict[str, Any]) -> dict[str, Any] | str:
    """The object with its defaults as the API server would store it, or its sentence of refusal."""
    try:
        stored = server.create_namespaced_custom_object(
            labels.GROUP,
            labels.VERSION,
            "default",
            labels.PLURAL,
            manifest,
            dry_run="All",
            field_validation="Strict",
            _request_timeout=30,
        )
    except sync_client.ApiException as refusal:
        if refusal.status not in REFUSED:
            raise
        return str(refusal.body)
    assert isinstance(stored, dict)
    return stored


def accepted_by_models(manifest: dict[str, Any]) -> ElasticServing | str:
    """The serving of the file, or the sentence of refusal."""
    try:
        return read_file(manifest)
    except InvalidSpec as refusal:
        return str(refusal)


@pytest.mark.promise("U23")
def test_the_api_server_and_the_models_accept_the_same_files(server: sync_client.CustomObjectsApi) -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    @given(manifests())
    def agree(manifest: dict[str, Any]) -> None:
        theirs, ours = accepted_by_server(server, manifest), accepted_by_models(manifest)
        outcome = "refused" if isinstance(ours, str) else "accepted"
        seen[outcome] += 1
        event(outcome)
        assert isinstance(theirs, str) == isinstance(ours, str), f"API server: {theirs}\nmodels: {ours}\n{manifest}"
        if not isinstance(theirs, str) and not isinstance(ours, str):
            assert read(theirs).spec == ours.spec, "the defaults differ"

    agree()
    assert min(seen["accepted"], seen["refused"]) >= FEWEST_OF_A_KIND, dict(seen)
