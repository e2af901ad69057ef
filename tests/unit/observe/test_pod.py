"""The phase of a host, since when, and in whose words it is blamed."""

import pytest

from elastic_serving.observe.pod import host_of, seconds
from elastic_serving.scaling.model import Phase
from tests.unit.observe.pods import (
    READY,
    SCHEDULED,
    Pod,
    at,
    condition,
    pod,
    running,
    terminated,
    waiting,
)

UNREADY = condition("Ready", "False", "10:00:05", "ContainersNotReady", "containers with unready status: [main]")
NO_ROOM = "0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) had untolerated taint(s)"
NO_VICTIM = (
    ". no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming "
    "pod, 2 Preemption is not helpful for scheduling."
)


def status(*conditions: Pod, phase: str = "Pending", **containers: list[Pod]) -> Pod:
    return {"phase": phase, "conditions": list(conditions), **containers}


@pytest.mark.parametrize(
    ("given", "phase", "since", "blame"),
    [
        pytest.param(
            {"phase": "Pending"},
            Phase.PROVISIONING,
            "10:00:00",
            "",
            id="just created: provisioning since its creation",
        ),
        pytest.param(
            status(
                condition("PodScheduled", "False", "10:00:01", "SchedulingGated", "Scheduling is blocked due to gates")
            ),
            Phase.PROVISIONING,
            "10:00:00",
            "",
            id="gated: nothing is wrong",
        ),
        pytest.param(
            status(condition("PodScheduled", "False", "10:00:01", "Unschedulable", NO_ROOM + NO_VICTIM)),
            Phase.PROVISIONING,
            "10:00:00",
            NO_ROOM,
            id="unschedulable: the scheduler's own words, without its search for victims",
        ),
        pytest.param(
            status(SCHEDULED, UNREADY, containerStatuses=[waiting("ContainerCreating")]),
            Phase.PULLING,
            "10:00:05",
            "",
            id="on a node, container not started: pulling since it was scheduled",
        ),
        pytest.param(
            status(SCHEDULED, UNREADY, containerStatuses=[waiting("ErrImagePull", "manifest\n unknown")]),
            Phase.PULLING,
            "10:00:05",
            "ErrImagePull: manifest unknown",
            id="an image that cannot be pulled: still pulling, blamed on one line",
        ),
        pytest.param(
            status(
                SCHEDULED,
                UNREADY,
                containerStatuses=[waiting("PodInitializing")],
                initContainerStatuses=[waiting("ImagePullBackOff", "Back-off pulling image", name="fetch")],
            ),
            Phase.PULLING,
            "10:00:05",
            "ImagePullBackOff: Back-off pulling image",
            id="an init container holds it up: its words, not the harmless ones of main",
        ),
        pytest.param(
            status(SCHEDULED, UNREADY, phase="Running", containerStatuses=[running("10:00:20")]),
            Phase.LOADING,
            "10:00:20",
            "",
            id="container runs, not ready: loading since it started, although Ready is False since before",
        ),
        pytest.param(READY, Phase.READY, "10:01:00", "", id="ready"),
        pytest.param(
            status(
                SCHEDULED,
                condition("Ready", "False", "10:30:00", "ContainersNotReady"),
                phase="Running",
                containerStatuses=[running("10:00:20")],
            ),
            Phase.LOADING,
            "10:30:00",
            "",
            id="ready once and not any more: loading since it stopped being ready",
        ),
        pytest.param(
            status(
                SCHEDULED,
                phase="Failed",
                containerStatuses=[terminated(137, "OOMKilled", "10:00:20", "10:02:00")],
            ),
            Phase.FAILED,
            "10:02:00",
            "OOMKilled (exit code 137)",
            id="killed for memory: failed since it ended",
        ),
        pytest.param(
            status(
                SCHEDULED,
                phase="Running",
                containerStatuses=[terminated(1, "Error", "10:00:20", "10:02:00", "CUDA out of memory")],
            ),
            Phase.FAILED,
            "10:02:00",
            "Error (exit code 1): CUDA out of memory",
            id="engine dead while a sidecar lives: failed",
        ),
        pytest.param(
            {
                "phase": "Failed",
                "reason": "Evicted",
                "message": "The node was low on resource: memory.",
                "conditions": [SCHEDULED, condition("Ready", "False", "10:07:00")],
            },
            Phase.FAILED,
            "10:07:00",
            "Evicted: The node was low on resource: memory.",
            id="evicted: the kubelet's words",
        ),
        pytest.param(
            status(
                SCHEDULED,
                phase="Succeeded",
                containerStatuses=[terminated(0, "Completed", "10:00:20", "10:09:00")],
            ),
            Phase.FINISHED,
            "10:09:00",
            "",
            id="exit code 0: finished",
        ),
    ],
)
def test_a_host_tells_its_phase_since_when_and_whom_to_blame(given: Pod, phase: Phase, since: str, blame: str) -> None:
    host = host_of(pod(status=given), 0)
    assert (host.phase, host.phase_since, host.blame) == (phase, at(since), blame)


def test_a_ready_host_knows_when_it_passed_each_stage() -> None:
    host = host_of(pod(), 0)
    assert (host.created_at, host.provisioned_at, host.pulled_at, host.ready_at) == (
        at("10:00:00"),
        at("10:00:05"),
        at("10:00:20"),
        at("10:01:00"),
    )
    assert (host.pod, host.uid, host.resource_version, host.node) == ("llama-0-0", "uid-0-0", "4711", "gpu-node-a")
    assert (host.gated, host.terminating, host.restarts) == (False, False, 0)


def test_a_node_in_trouble_is_blamed_beside_the_pod_and_changes_no_phase() -> None:
    node = {
        "metadata": {"name": "gpu-node-a"},
        "status": {"conditions": [condition("Ready", "Unknown", "10:05:00", "NodeStatusUnknown", "no heartbeat")]},
    }
    host = host_of(pod(), 0, node)
    assert host.phase is Phase.READY
    assert host.blame == "node gpu-node-a is not ready (NodeStatusUnknown: no heartbeat)"


def test_a_pod_being_deleted_and_one_behind_its_gate_say_so() -> None:
    assert host_of(pod(deletionTimestamp="2026-11-22T10:10:00Z"), 0).terminating
    gated = pod(status={"phase": "Pending"})
    gated["spec"] = {"schedulingGates": [{"name": "elasticserving.io/group"}]}
    host = host_of(gated, 0)
    assert host.gated
    assert host.node is None


def test_a_long_blame_is_cut() -> None:
    given = status(condition("PodScheduled", "False", "10:00:01", "Unschedulable", "x" * 1000))
    assert host_of(pod(status=given), 0).blame == "x" * 255 + "…"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("1970-01-01T00:01:00Z", 60.0, id="whole seconds in UTC"),
        pytest.param("1970-01-01T00:00:01.500000Z", 1.5, id="microseconds"),
        pytest.param("1970-01-01T01:00:00+01:00", 0.0, id="another zone"),
        pytest.param("yesterday", None, id="no time"),
        pytest.param(None, None, id="absent"),
        pytest.param(12, None, id="a number is no RFC 3339 time"),
    ],
)
def test_times_of_the_api_are_epoch_seconds(given: object, expected: float | None) -> None:
    assert seconds(given) == expected
