"""What the fleet reads from a pod and what it writes into its status."""

import copy
from ipaddress import IPv4Network
from typing import Any

import pytest

from dev.engines.addresses import loopback_of, parse_pod_range
from dev.engines.kubelet import exit_patch, readiness_patch
from dev.engines.pods import EngineArgs, EnginePod, parse_args, parse_pod

NOW = "2026-11-22T10:00:00Z"
POD: dict[str, Any] = {
    "metadata": {
        "namespace": "demo",
        "name": "llama-3-0",
        "uid": "u1",
        "resourceVersion": "7",
        "labels": {
            "app.kubernetes.io/managed-by": "elastic-serving",
            "elasticserving.io/serving": "llama",
            "elasticserving.io/replica": "3",
            "elasticserving.io/host": "0",
        },
    },
    "spec": {
        "nodeName": "gpu-0",
        "containers": [
            {
                "name": "main",
                "args": ["serve", "--max-num-seqs", "32", "--served-model-name", "llama-8b"],
                "ports": [{"name": "metrics", "containerPort": 9000}, {"name": "http", "containerPort": 8080}],
            }
        ],
    },
    "status": {
        "phase": "Running",
        "podIP": "10.64.0.5",
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [
            {
                "name": "main",
                "image": "vllm",
                "imageID": "",
                "restartCount": 0,
                "ready": False,
                "state": {"running": {"startedAt": NOW}},
            }
        ],
    },
}


def pod_with(**changes: Any) -> EnginePod:
    """POD parsed, with top-level parts replaced key by key."""
    changed = copy.deepcopy(POD)
    for part, values in changes.items():
        changed[part].update(values)
    parsed = parse_pod(changed)
    assert parsed is not None
    return parsed


def test_a_running_leader_is_read_with_its_port_slots_and_model() -> None:
    pod = pod_with()
    assert (pod.key, pod.serving, pod.replica, pod.is_leader) == ("demo/llama-3-0", "llama", "3", True)
    assert (pod.ip, pod.port) == ("10.64.0.5", 8080)
    assert pod.args == EngineArgs(slots=32, model="llama-8b")
    assert (pod.container_runs, pod.ready, pod.finished, pod.delete_deadline) == (True, False, False, None)


def test_a_pod_that_is_not_bound_is_nobodys_yet() -> None:
    unbound = copy.deepcopy(POD)
    del unbound["spec"]["nodeName"]
    assert parse_pod(unbound) is None


def test_a_pod_of_somebody_else_is_left_alone() -> None:
    foreign = copy.deepcopy(POD)
    foreign["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "helm"
    assert parse_pod(foreign) is None


def test_a_deleted_pod_says_by_when_it_must_be_gone() -> None:
    # 2026-11-22T10:00:00Z is 1795341600 s after 1970-01-01.
    deleted = {**POD["metadata"], "deletionTimestamp": NOW}
    assert pod_with(metadata=deleted).delete_deadline == 1795341600.0


@pytest.mark.parametrize(
    ("annotation", "seconds"),
    [
        pytest.param("12.5", 12.5, id="a number"),
        pytest.param("-3", 0.0, id="below zero is zero"),
        pytest.param("soon", None, id="not a number is ignored"),
    ],
)
def test_the_load_time_of_one_pod_comes_from_its_annotation(annotation: str, seconds: float | None) -> None:
    annotated = {**POD["metadata"], "annotations": {"dev.elasticserving.io/load-seconds": annotation}}
    assert pod_with(metadata=annotated).load_seconds == seconds


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        pytest.param(["--max-num-seqs=8"], EngineArgs(8, "m"), id="joined by an equals sign"),
        pytest.param([], EngineArgs(256, "m"), id="nothing said is vLLM's default"),
        pytest.param(["--model", "org/x"], EngineArgs(256, "org/x"), id="the model's own name"),
        pytest.param(
            ["--model", "org/x", "--served-model-name", "a", "b"], EngineArgs(256, "a"), id="served name first"
        ),
        pytest.param(["--max-num-seqs", "many"], EngineArgs(256, "m"), id="nonsense is the default"),
        pytest.param(["--max-num-seqs-per-x", "3"], EngineArgs(256, "m"), id="no abbreviations"),
    ],
)
def test_slots_and_model_are_read_from_a_vllm_command_line(argv: list[str], expected: EngineArgs) -> None:
    assert parse_args(argv, default_model="m") == expected


def test_ready_is_written_as_a_kubelet_would() -> None:
    patch = readiness_patch(pod_with(), True, NOW)
    assert patch["metadata"] == {"uid": "u1", "resourceVersion": "7"}
    assert [(c["type"], c["status"], c["lastTransitionTime"]) for c in patch["status"]["conditions"]] == [
        ("ContainersReady", "True", NOW),
        ("Ready", "True", NOW),
    ]
    (status,) = patch["status"]["containerStatuses"]
    assert (status["ready"], status["started"], status["image"]) == (True, True, "vllm")


def test_unready_names_the_container() -> None:
    (_, ready) = readiness_patch(pod_with(), False, NOW)["status"]["conditions"]
    assert (ready["status"], ready["reason"], ready["message"]) == (
        "False",
        "ContainersNotReady",
        "containers with unready status: [main]",
    )


@pytest.mark.parametrize(
    ("code", "phase", "word", "reason"),
    [
        pytest.param(1, "Failed", "Error", "PodFailed", id="a crash"),
        pytest.param(0, "Succeeded", "Completed", "PodCompleted", id="a wish to leave"),
    ],
)
def test_the_end_of_the_only_container_ends_the_pod(code: int, phase: str, word: str, reason: str) -> None:
    status = exit_patch(pod_with(), code, NOW)["status"]
    assert status["phase"] == phase
    assert {c["reason"] for c in status["conditions"]} == {reason}
    assert status["containerStatuses"][0]["state"] == {
        "terminated": {"exitCode": code, "reason": word, "startedAt": NOW, "finishedAt": NOW}
    }


def test_a_pod_with_a_sidecar_keeps_running_when_its_engine_ends() -> None:
    spec = {**POD["spec"], "containers": [*POD["spec"]["containers"], {"name": "proxy"}]}
    status = exit_patch(pod_with(spec=spec), 1, NOW)["status"]
    assert "phase" not in status
    assert {c["status"] for c in status["conditions"]} == {"False"}


def test_a_pod_address_is_served_on_the_same_octets_of_loopback() -> None:
    pods = parse_pod_range("10.64")
    assert pods == IPv4Network("10.64.0.0/16")
    assert loopback_of("10.64.3.7", pods) == "127.64.3.7"
    assert loopback_of("10.65.3.7", pods) is None


@pytest.mark.parametrize("text", ["11.64", "10.256", "ten", "10.0.0.0/4"])
def test_a_pod_range_outside_ten_is_refused_with_the_legal_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"it must be 10\.N with N from 0 to 255"):
        parse_pod_range(text)
