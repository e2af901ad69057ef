"""Pods as the API server shows them, for tables of tests: times are hh:mm:ss of one day."""

from datetime import datetime
from typing import Any

UID = "5f3c2a9e-0d1b-4c58-9a55-7f6f1f0a2b11"
Pod = dict[str, Any]


def at(clock: str) -> float:
    """Epoch seconds of ``clock`` on the day of the tests."""
    return datetime.fromisoformat(stamp(clock)).timestamp()


def stamp(clock: str) -> str:
    return f"2026-11-22T{clock}Z"


def condition(kind: str, status: str, since: str, reason: str = "", message: str = "") -> Pod:
    made = {"type": kind, "status": status, "lastTransitionTime": stamp(since)}
    return made | {key: value for key, value in (("reason", reason), ("message", message)) if value}


def running(since: str, name: str = "main") -> Pod:
    return {"name": name, "ready": True, "restartCount": 0, "state": {"running": {"startedAt": stamp(since)}}}


def waiting(reason: str, message: str = "", name: str = "main") -> Pod:
    return {"name": name, "ready": False, "state": {"waiting": {"reason": reason, "message": message}}}


def terminated(code: int, reason: str, started: str, finished: str, message: str = "") -> Pod:
    ended = {"exitCode": code, "reason": reason, "startedAt": stamp(started), "finishedAt": stamp(finished)}
    return {"name": "main", "ready": False, "state": {"terminated": ended | ({"message": message} if message else {})}}


SCHEDULED = condition("PodScheduled", "True", "10:00:05")


def pod(
    replica: int = 0,
    host: int = 0,
    *,
    status: Pod | None = None,
    role: str = "serving",
    revision: str = "r1",
    **metadata: Any,
) -> Pod:
    """A pod of ``llama``, ready since 10:01:00 unless ``status`` says otherwise."""
    made: Pod = {
        "metadata": {
            "name": f"llama-{replica}-{host}",
            "namespace": "team-a",
            "uid": f"uid-{replica}-{host}",
            "resourceVersion": "4711",
            "creationTimestamp": stamp("10:00:00"),
            "labels": {
                "app.kubernetes.io/managed-by": "elastic-serving",
                "elasticserving.io/serving": "llama",
                "elasticserving.io/replica": str(replica),
                "elasticserving.io/host": str(host),
                "elasticserving.io/role": role,
                "elasticserving.io/revision": revision,
            },
            "ownerReferences": [{"kind": "ElasticServing", "name": "llama", "uid": UID, "controller": True}],
        },
        "spec": {"nodeName": "gpu-node-a"},
        "status": READY if status is None else status,
    }
    made["metadata"].update(metadata)
    return made


READY: Pod = {
    "phase": "Running",
    "conditions": [SCHEDULED, condition("Ready", "True", "10:01:00")],
    "containerStatuses": [running("10:00:20")],
}
