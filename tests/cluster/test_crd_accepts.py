"""Right manifests on a real API server: what is filled in, what kubectl scale may do, what the columns show."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dev.cluster.errors import ClusterError
from dev.cluster.handle import Cluster
from elastic_serving.api.parse import read, read_file
from tests.support.crds import installed_crds
from tests.support.manifests import SMALLEST, manifest

pytestmark = pytest.mark.cluster

RICH = """
apiVersion: elasticserving.io/v1alpha1
kind: ElasticServing
metadata: {name: everything}
spec:
  model: {uri: s3://weights/llama, name: meta-llama/Llama-3.1-8B, secretRef: {name: s3-credentials}}
  engine:
    {kind: vLLM, image: "registry/vllm@sha256:0123", args: [--enforce-eager], port: 9000, maxConcurrency: 256,
    partitions: 2}
  template:
    metadata: {labels: {team: a}}
    spec:
      tolerations: [{key: nvidia.com/gpu, operator: Exists}]
      containers: [{name: main, env: [{name: A, value: b}]}]
  accelerator: {gpu: {product: NVIDIA-H100-80GB-HBM3, perHost: 8, hosts: 1}}
  scaling:
    mode: Advise
    minReplicas: 0
    maxReplicas: 1000
    trigger: Average
    backlog: {policy: DrainAware, drainHorizonSeconds: 60}
    signals:
      - {type: Concurrency, target: 200.5}
      - {type: Prometheus, name: ttft, query: "max(ttft)", target: 0.5, targetType: Value, intervalSeconds: 60}
      - {type: Prometheus, name: jobs, query: "sum(jobs)", target: 3, emptyIsZero: true, activation: 0.5}
      - {type: Erlang, waitSeconds: 0, probability: 0.5}
      - {type: KVCache}
      - {type: Latency, ttftSeconds: 3, tpotSeconds: 0.1, percentile: 97}
      - {type: Prometheus, name: heavy, query: "sum(heavy)", scales: false}
      - type: Combined
        combine: Max
        target: 40
        terms: [{signal: Concurrency, weight: 1}, {signal: heavy, weight: 4, missing: 0}]
    behavior:
      scaleUp:
        policies: [{type: Pods, value: 4, periodSeconds: 15}, {type: Percent, value: 100, periodSeconds: 15}]
        selectPolicy: Min
        tolerance: 0
        stabilizationWindowSeconds: 3600
      scaleDown: {selectPolicy: Disabled, policies: [{type: Replicas, value: 1, periodSeconds: 1800}]}
    paused: Down
    burst: {windowSeconds: 30, threshold: 1.5}
    schedules:
      - {name: a, start: 0 8 * * MON-FRI, end: 0 18 * * 1-5, timeZone: Europe/Berlin, minReplicas: 8, rampSeconds: 60}
      - {name: b, start: "30 23,0-5/2 */2 JAN-MAR *", end: 59 6 * * *, timeZone: UTC, minReplicas: 2, rampSeconds: 900}
    idle: {timeoutSeconds: 600, lastReplicaSeconds: 60, initialCooldownSeconds: 3600}
    fallback: {afterSeconds: 60, replicas: 2, behavior: IfHigher}
  drain: {timeoutSeconds: 0}
  startup: {provisionSeconds: 60, pullSeconds: 60, loadSeconds: 600, maxRestarts: 0}
"""


@pytest.fixture(scope="module", autouse=True)
def crds(cluster: Cluster) -> Iterator[None]:
    """The kinds are known for as long as this module's tests run."""
    with installed_crds(cluster):
        yield


def create(cluster: Cluster, namespace: str, written: dict[str, Any]) -> dict[str, Any]:
    stored = cluster.kubectl(
        "create", f"--namespace={namespace}", "--output=json", "--filename=-", stdin=yaml.safe_dump(written)
    )
    found: dict[str, Any] = json.loads(stored)
    return found


def patch(cluster: Cluster, namespace: str, spec: dict[str, Any]) -> None:
    change = json.dumps({"spec": spec})
    cluster.kubectl("patch", f"--namespace={namespace}", "es/llama-8b", "--type=merge", f"--patch={change}")


def scale(cluster: Cluster, namespace: str, replicas: int) -> None:
    cluster.kubectl("scale", f"--namespace={namespace}", "es/llama-8b", f"--replicas={replicas}")


def spec_of(cluster: Cluster, namespace: str) -> dict[str, Any]:
    stored = cluster.kubectl("get", f"--namespace={namespace}", "es/llama-8b", "--output=json")
    found: dict[str, Any] = json.loads(stored)["spec"]
    return found


@pytest.mark.parametrize("plural", ["elasticservings", "servingmemories"])
def test_the_api_server_takes_the_definition_without_complaint(cluster: Cluster, plural: str) -> None:
    definition = json.loads(cluster.kubectl("get", f"crd/{plural}.elasticserving.io", "--output=json"))
    conditions = {condition["type"]: condition["status"] for condition in definition["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}  # else NonStructuralSchema would stand here


@pytest.mark.promise("N3")
def test_the_smallest_manifest_is_filled_with_every_default(cluster: Cluster, namespace: str) -> None:
    stored = create(cluster, namespace, SMALLEST)
    assert stored["spec"] == {
        "model": {"uri": "hf://meta-llama/Llama-3.1-8B-Instruct"},
        "engine": {"kind": "vLLM", "port": 8000, "maxConcurrency": 32, "partitions": 1},
        "accelerator": {"gpu": {"product": "nvidia-l4", "perHost": 1, "hosts": 1}},
        "scaling": {
            "mode": "Auto",
            "minReplicas": 1,
            "maxReplicas": 8,
            "trigger": "Average",
            "backlog": {"policy": "DrainAware", "drainHorizonSeconds": 120},
            "behavior": {
                "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "tolerance": 0.1},
                "scaleDown": {"stabilizationWindowSeconds": 300, "selectPolicy": "Max", "tolerance": 0.1},
            },
        },
        "drain": {"timeoutSeconds": 120},
        "startup": {"provisionSeconds": 1800, "pullSeconds": 900, "loadSeconds": 1800, "maxRestarts": 10},
    }


def test_what_the_api_server_fills_in_is_what_the_models_fill_in(cluster: Cluster, namespace: str) -> None:
    assert read(create(cluster, namespace, SMALLEST)).spec == read_file(SMALLEST).spec


def test_a_manifest_with_every_field_is_stored_as_it_was_written(cluster: Cluster, namespace: str) -> None:
    written = yaml.safe_load(RICH)
    stored = create(cluster, namespace, written)
    assert stored["spec"] == {
        **written["spec"],
        "scaling": {
            **written["spec"]["scaling"],
            "behavior": {
                "scaleUp": written["spec"]["scaling"]["behavior"]["scaleUp"],
                # Only these two of the whole manifest were left to their defaults.
                "scaleDown": {
                    **written["spec"]["scaling"]["behavior"]["scaleDown"],
                    "tolerance": 0.1,
                    "stabilizationWindowSeconds": 300,
                },
            },
        },
    }
    assert read(stored).spec == read_file(written).spec


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(manifest(name="a"), id="a name of one letter"),
        pytest.param(manifest(name="a123456789b123456789c123456789d123456789"), id="a name of 40"),
        pytest.param(manifest({"replicas": 0, "scaling": {"mode": "Manual"}}), id="a manual zero"),
        pytest.param(manifest({"scaling": {"fallback": {"behavior": "Current"}}}), id="fallback to what is there"),
        pytest.param(
            manifest(
                {
                    "engine": {"kind": "Generic", "image": "server:1"},
                    "scaling": {"signals": [{"type": "Prometheus", "query": "sum(x)", "target": 1}]},
                }
            ),
            id="any engine with a query",
        ),
        pytest.param(manifest({"engine": {"kind": "TGI", "image": "tgi:3", "args": ["--port", "1"]}}), id="TGI"),
        pytest.param(manifest({"model": {"uri": "pvc://weights/llama-405b"}}), id="weights on a volume"),
    ],
)
def test_a_right_manifest_is_accepted_by_both(cluster: Cluster, namespace: str, written: dict[str, Any]) -> None:
    assert read(create(cluster, namespace, written)).spec == read_file(written).spec


def test_kubectl_scale_is_refused_while_the_operator_decides(cluster: Cluster, namespace: str) -> None:
    create(cluster, namespace, SMALLEST)
    with pytest.raises(ClusterError, match=r"replicas 3: only with scaling\.mode Manual"):
        scale(cluster, namespace, 3)
    assert "replicas" not in spec_of(cluster, namespace)


def test_kubectl_scale_sets_the_number_in_manual_down_to_zero(cluster: Cluster, namespace: str) -> None:
    create(cluster, namespace, manifest({"replicas": 2, "scaling": {"mode": "Manual"}}))
    for wanted in (5, 0, 8):
        scale(cluster, namespace, wanted)
        assert spec_of(cluster, namespace)["replicas"] == wanted
    with pytest.raises(ClusterError, match=r"replicas 9 must not be above scaling\.maxReplicas 8"):
        scale(cluster, namespace, 9)


def test_a_serving_goes_to_manual_with_a_number_and_back_with_a_leftover(cluster: Cluster, namespace: str) -> None:
    create(cluster, namespace, SMALLEST)
    with pytest.raises(ClusterError, match=r"scaling\.mode Manual needs replicas"):
        patch(cluster, namespace, {"scaling": {"mode": "Manual"}})
    patch(cluster, namespace, {"replicas": 2, "scaling": {"mode": "Manual"}})
    scale(cluster, namespace, 4)
    patch(cluster, namespace, {"scaling": {"mode": "Auto"}})
    # The leftover stands, even above a new maximum, but cannot be changed; it can be taken out.
    patch(cluster, namespace, {"scaling": {"maxReplicas": 3}})
    assert spec_of(cluster, namespace)["replicas"] == 4
    with pytest.raises(ClusterError, match=r"replicas 2: only with scaling\.mode Manual"):
        patch(cluster, namespace, {"replicas": 2})
    patch(cluster, namespace, {"replicas": None})
    assert "replicas" not in spec_of(cluster, namespace)


def test_the_scale_subresource_counts_and_selects_what_serves(cluster: Cluster, namespace: str) -> None:
    """The Horizontal Pod Autoscaler reads these three; the selector and the number must speak of the same replicas."""
    create(cluster, namespace, manifest({"replicas": 2, "scaling": {"mode": "Manual"}}))
    status = {"servingReplicas": 1, "desiredReplicas": 2, "selector": "elasticserving.io/serving=llama-8b"}
    change = json.dumps({"status": status})
    where = f"--namespace={namespace}"
    cluster.kubectl("patch", where, "es/llama-8b", "--subresource=status", "--type=merge", f"--patch={change}")
    path = f"/apis/elasticserving.io/v1alpha1/namespaces/{namespace}/elasticservings/llama-8b/scale"
    found = json.loads(cluster.kubectl("get", f"--raw={path}"))
    assert found["spec"] == {"replicas": 2}
    assert found["status"] == {"replicas": 1, "selector": "elasticserving.io/serving=llama-8b"}


@pytest.mark.promise("U22")
def test_kubectl_get_tells_the_story_in_columns(cluster: Cluster, namespace: str) -> None:
    create(cluster, namespace, SMALLEST)
    status = {
        "desiredReplicas": 5,
        "servingReplicas": 3,
        "startingReplicas": 2,
        "load": "Concurrency 148/67.2",
        "why": "Concurrency",
        "target": "Concurrency 22.4",
        "queue": {"waiting": 12, "summary": "12, ~40s"},
    }
    change = json.dumps({"status": status})
    where = f"--namespace={namespace}"
    cluster.kubectl("patch", where, "es/llama-8b", "--subresource=status", "--type=merge", f"--patch={change}")
    narrow = cluster.kubectl("get", where, "es").splitlines()
    assert narrow[0].split() == ["NAME", "DESIRED", "SERVING", "STARTING", "LOAD", "WHY", "AGE"]
    assert narrow[1].split()[:-1] == ["llama-8b", "5", "3", "2", "Concurrency", "148/67.2", "Concurrency"]
    wide = cluster.kubectl("get", where, "es", "--output=wide").splitlines()
    assert wide[0].split()[-4:] == ["ACCELERATOR", "TARGET", "QUEUE", "CHANGED"]
    assert wide[1].split()[-5:] == ["nvidia-l4", "Concurrency", "22.4", "12,", "~40s"]


def test_a_status_cannot_be_written_with_the_spec(cluster: Cluster, namespace: str) -> None:
    """/status is a subresource: whoever may edit the spec cannot forge what is reported, and the other way round."""
    forged = copy.deepcopy(SMALLEST) | {"status": {"desiredReplicas": 7}}
    assert "status" not in create(cluster, namespace, forged)


def test_a_memory_keeps_its_text_exactly(cluster: Cluster, namespace: str) -> None:
    state = '{"at":1795582290.125,"desired":3.0}'
    written = {
        "apiVersion": "elasticserving.io/v1alpha1",
        "kind": "ServingMemory",
        "metadata": {"name": "llama-8b"},
        "state": state,
    }
    assert create(cluster, namespace, written)["state"] == state
