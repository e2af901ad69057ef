"""The pods and Services of a serving, whole, as files a person can read; and what a template may never change."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastic_serving.act.manifests import EngineDefaults, pod_of
from elastic_serving.act.services import is_applied, network_policy_of, services_of
from elastic_serving.act.weights import weights_of
from elastic_serving.errors import InvalidSpec
from elastic_serving.kube.api import Object
from tests.support.serving import serving_of

GOLDEN = Path(__file__).parents[2] / "golden" / "act"
REVISION = "abcdef0123"

EVERYTHING: Mapping[str, Any] = {
    "model": {"uri": "pvc://weights/llama/405b", "name": "llama-405b", "secretRef": {"name": "hf-token"}},
    "engine": {
        "image": "registry.example/vllm:v9",
        "args": ["--enable-prefix-caching"],
        "port": 9000,
        "maxConcurrency": 64,
    },
    "accelerator": {"gpu": {"product": "NVIDIA-H100-80GB-HBM3", "perHost": 8}},
    "drain": {"timeoutSeconds": 300},
    "template": {
        "metadata": {"labels": {"team": "a"}, "annotations": {"note": "ours"}},
        "spec": {
            "priorityClassName": "serving-high",
            "serviceAccountName": "weights-reader",
            "nodeSelector": {"zone": "a"},
            "tolerations": [{"key": "spot", "operator": "Exists"}],
            "affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            {"matchExpressions": [{"key": "rack", "operator": "In", "values": ["r1"]}]},
                        ]
                    }
                }
            },
            "containers": [
                {
                    "name": "main",
                    "env": [{"name": "VLLM_LOGGING_LEVEL", "value": "DEBUG"}],
                    "envFrom": [{"secretRef": {"name": "llama-env"}}],
                    "resources": {"requests": {"memory": "400Gi"}},
                },
                {"name": "exporter", "image": "registry.example/exporter:v1"},
            ],
        },
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param("pod-smallest.yaml", {}, id="the smallest manifest"),
        pytest.param("pod-everything.yaml", EVERYTHING, id="everything said"),
    ],
)
def test_a_pod_is_exactly_the_golden_one(name: str, changes: Mapping[str, Any]) -> None:
    assert pod_of(serving_of(changes), 2, 0, REVISION) == yaml.safe_load((GOLDEN / name).read_text())


def test_the_services_are_exactly_the_golden_ones_whatever_the_spec() -> None:
    golden = list(yaml.safe_load_all((GOLDEN / "services.yaml").read_text()))
    assert list(services_of(serving_of())) == golden
    assert list(services_of(serving_of(EVERYTHING))) == golden


@pytest.mark.promise("B8")
def test_the_network_policy_is_exactly_the_golden_one() -> None:
    policy = network_policy_of(serving_of(), ["monitoring", "gateway", "monitoring"])
    assert policy == yaml.safe_load((GOLDEN / "networkpolicy.yaml").read_text())


@pytest.mark.promise("B8")
def test_policies_of_two_servings_never_select_the_same_pod() -> None:
    for one, other in ((serving_of(), serving_of(name="other")), (serving_of(name="other"), serving_of())):
        selector = network_policy_of(one)["spec"]["podSelector"]["matchLabels"]
        labels = pod_of(other, 0, 0, REVISION)["metadata"]["labels"]
        assert not selector.items() <= labels.items()
        assert selector.items() <= pod_of(one, 0, 0, REVISION)["metadata"]["labels"].items()


@pytest.mark.parametrize(
    "template",
    [
        pytest.param({"metadata": {"labels": {"elasticserving.io/role": "draining"}}}, id="our labels"),
        pytest.param({"metadata": {"name": "other", "namespace": "other", "ownerReferences": []}}, id="name and owner"),
        pytest.param({"spec": {"restartPolicy": "Always"}}, id="restartPolicy"),
        pytest.param({"spec": {"hostname": "other", "subdomain": "other"}}, id="the DNS of the host"),
        pytest.param({"spec": {"schedulingGates": []}}, id="the gate: an empty list adds nothing"),
    ],
)
def test_a_template_cannot_take_what_must_be_ours(template: Mapping[str, Any]) -> None:
    plain, changed = pod_of(serving_of(), 0, 0, REVISION), pod_of(serving_of({"template": template}), 0, 0, REVISION)
    assert changed == plain


def test_a_gate_of_the_template_stands_behind_ours() -> None:
    template = {"spec": {"schedulingGates": [{"name": "example.com/mine"}]}}
    pod = pod_of(serving_of({"template": template}), 0, 0, REVISION)
    assert pod["spec"]["schedulingGates"] == [{"name": "elasticserving.io/group"}, {"name": "example.com/mine"}]


def container(*changes: Mapping[str, Any]) -> Object:
    main: Object = pod_of(serving_of(*changes), 0, 0, REVISION)["spec"]["containers"][0]
    return main


@pytest.mark.parametrize(
    ("uri", "model", "extra"),
    [
        pytest.param("hf://org/name", "org/name", [], id="the hub"),
        pytest.param("s3://bucket/a/b", "s3://bucket/a/b", ["--load-format", "runai_streamer"], id="S3 is streamed"),
        pytest.param("gs://bucket/a", "gs://bucket/a", ["--load-format", "runai_streamer"], id="GCS is streamed"),
        pytest.param("pvc://claim/a/b", "/weights/a/b", [], id="a path of a claim"),
        pytest.param("pvc://claim", "/weights", [], id="a whole claim"),
        pytest.param("oci://registry/weights:v1", "/weights", [], id="an image volume"),
    ],
)
def test_vllm_is_told_where_the_weights_are(uri: str, model: str, extra: list[str]) -> None:
    main = container({"model": {"uri": uri}})
    assert main["command"] == ["vllm", "serve"]
    assert main["args"] == [
        *(model, "--served-model-name", "llama-8b", "--port", "8000", "--max-num-seqs", "32"),
        *("--shutdown-timeout", "120"),
        *extra,
    ]


def test_an_artifact_of_a_registry_is_mounted_read_only() -> None:
    spec = pod_of(serving_of({"model": {"uri": "oci://registry/weights:v1"}}), 0, 0, REVISION)["spec"]
    assert {"name": "weights", "image": {"reference": "registry/weights:v1"}} in spec["volumes"]
    assert {"name": "weights", "mountPath": "/weights", "readOnly": True} in spec["containers"][0]["volumeMounts"]


def test_an_unknown_place_of_weights_is_refused_with_the_field() -> None:
    with pytest.raises(InvalidSpec, match=r'^spec.model.uri: scheme "ftp" is not one of hf, s3, gs, pvc and oci$'):
        weights_of("ftp://host/path")


@pytest.mark.parametrize(
    ("kind", "command", "args", "probe"),
    [
        pytest.param(
            "SGLang",
            ["python3", "-m", "sglang.launch_server"],
            "--model-path org/m --served-model-name llama-8b --host 0.0.0.0 --port 8000 --max-running-requests 32 "
            "--enable-metrics --tp-size 4 --mine",
            {"httpGet": {"path": "/health", "port": "http"}},
            id="SGLang",
        ),
        pytest.param(
            "TGI",
            ["text-generation-launcher"],
            "--model-id org/m --hostname 0.0.0.0 --port 8000 --max-concurrent-requests 32 --num-shard 4 --mine",
            {"httpGet": {"path": "/health", "port": "http"}},
            id="TGI",
        ),
        pytest.param(
            "Triton",
            None,
            "--mine",
            {"httpGet": {"path": "/v2/health/ready", "port": "http"}},
            id="Triton: its own arguments only",
        ),
        pytest.param(
            "JetStream", None, "--mine", {"tcpSocket": {"port": "http"}}, id="JetStream: ready when it listens"
        ),
    ],
)
def test_other_engines_are_started_their_own_way(
    kind: str, command: list[str] | None, args: str, probe: Mapping[str, Any]
) -> None:
    engine = {"kind": kind, "image": "registry.example/engine:v1", "args": ["--mine"]}
    main = container({"model": {"uri": "hf://org/m"}, "engine": engine, "accelerator": {"gpu": {"perHost": 4}}})
    assert main.get("command") == command
    assert main["args"] == args.split()
    assert main["readinessProbe"] == {**probe, "periodSeconds": 2, "timeoutSeconds": 5, "failureThreshold": 3}


def test_a_secret_is_never_an_argument() -> None:
    main = container({"model": {"secretRef": {"name": "hf-token"}}})
    assert "hf-token" not in " ".join([*main["command"], *main["args"]])
    assert main["envFrom"] == [{"secretRef": {"name": "hf-token"}}]


def test_the_default_image_and_its_pull_secrets_are_the_operators_and_no_part_of_the_manifest() -> None:
    spec = pod_of(serving_of(), 0, 0, REVISION, EngineDefaults("mirror/vllm:v1", ("mirror-login",)))["spec"]
    assert spec["containers"][0]["image"] == "mirror/vllm:v1"
    assert spec["imagePullSecrets"] == [{"name": "mirror-login"}]


def test_an_image_of_the_users_does_not_get_the_operators_pull_secrets() -> None:
    users = serving_of({"engine": {"image": "registry.example/vllm:v2"}})
    spec = pod_of(users, 0, 0, REVISION, EngineDefaults("mirror/vllm:v1", ("mirror-login",)))["spec"]
    assert spec["containers"][0]["image"] == "registry.example/vllm:v2"
    assert "imagePullSecrets" not in spec


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        pytest.param({"a": {"b": [1, {"c": 2}]}, "d": 3}, True, id="what the API server added does not count"),
        pytest.param({"a": {"b": [1, {"c": 2, "x": 9}]}}, True, id="nor inside a list"),
        pytest.param({"a": {"b": [1, {"c": 9}]}}, False, id="another value"),
        pytest.param({"a": {"b": [1]}}, False, id="an element is gone"),
        pytest.param({"a": {"b": [1, {"c": 2}, 3]}}, False, id="an element too many"),
        pytest.param({"a": {}}, False, id="a field is gone"),
        pytest.param({}, False, id="nothing there"),
    ],
)
def test_an_object_is_applied_when_everything_of_ours_stands_in_it(live: Mapping[str, Any], expected: bool) -> None:
    assert is_applied({"a": {"b": [1, {"c": 2}]}}, live) is expected
