"""The pod status a kubelet would write for what an engine does. Pure: bodies of strategic merge patches.

Conditions merge by type; container statuses are an atomic list, so the seen ones are carried over. The uid and
resourceVersion in the body are preconditions: a pod made anew or changed meanwhile (a container its node ended must not
run again) is not touched, the API server answers 409.
Source: kubernetes pkg/kubelet/status/generate.go and kubelet_pods.go (getPhase), read 2026-11-22.
"""

from collections.abc import Mapping
from typing import Any

from dev.engines.pods import EnginePod
from elastic_serving.api.labels import ENGINE_CONTAINER


def readiness_patch(pod: EnginePod, ready: bool, now: str) -> dict[str, Any]:
    """Ready and ContainersReady, and the engine's container ready or not. ``now`` is RFC 3339."""
    why = (
        {}
        if ready
        else {"reason": "ContainersNotReady", "message": f"containers with unready status: [{ENGINE_CONTAINER}]"}
    )
    statuses = [
        {**status, "ready": ready, "started": True} if status["name"] == ENGINE_CONTAINER else dict(status)
        for status in pod.container_statuses
    ]
    return _patch(pod, {"conditions": _conditions(ready, now, why), "containerStatuses": statuses})


def exit_patch(pod: EnginePod, exit_code: int, now: str) -> dict[str, Any]:
    """The engine's container terminated, and the phase of that: Failed or Succeeded, Running while a sidecar runs."""
    failed = exit_code != 0
    statuses = [
        _terminated(status, exit_code, now) if status["name"] == ENGINE_CONTAINER else dict(status)
        for status in pod.container_statuses
    ]
    if len(pod.container_names) > 1:
        phase: dict[str, Any] = {}
        reason = "ContainersNotReady"
    else:
        phase = {"phase": "Failed" if failed else "Succeeded"}
        reason = "PodFailed" if failed else "PodCompleted"
    return _patch(
        pod, {**phase, "conditions": _conditions(False, now, {"reason": reason}), "containerStatuses": statuses}
    )


def _conditions(ready: bool, now: str, why: Mapping[str, str]) -> list[dict[str, Any]]:
    """Both conditions flip together: the engine's container is the one with a readiness probe."""
    status = "True" if ready else "False"
    # None takes the words of the last unready time out.
    words = {"reason": None, "message": None, **why}
    return [
        {"type": kind, "status": status, "lastTransitionTime": now, **words} for kind in ("ContainersReady", "Ready")
    ]


def _terminated(status: Mapping[str, Any], exit_code: int, now: str) -> dict[str, Any]:
    """The container's status after its process ended."""
    running = (status.get("state") or {}).get("running") or {}
    ended = {
        "exitCode": exit_code,
        "reason": "Error" if exit_code else "Completed",
        "startedAt": running.get("startedAt"),
        "finishedAt": now,
    }
    return {**status, "ready": False, "started": False, "state": {"terminated": ended}}


def _patch(pod: EnginePod, status: Mapping[str, Any]) -> dict[str, Any]:
    return {"metadata": {"uid": pod.uid, "resourceVersion": pod.resource_version}, "status": status}
