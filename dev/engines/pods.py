"""What the fleet needs to know of a pod, parsed once from the API's JSON. Pure."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from elastic_serving.api import labels

LOAD_SECONDS: Final = "dev.elasticserving.io/load-seconds"
"""Annotation: load time of this pod's engine in seconds before division by the fleet's speed."""
DEFAULT_PORT: Final = 8000
DEFAULT_SLOTS: Final = 256
"""vLLM's own ``--max-num-seqs`` for an API server on a small GPU."""


@dataclass(frozen=True, slots=True)
class EngineArgs:
    """The arguments of the engine's container that change how it behaves."""

    slots: int
    model: str


@dataclass(frozen=True, slots=True)
class EnginePod:
    """One pod of ours on a fake node; ``container_runs`` is kwok's word, in the place of a kubelet's."""

    namespace: str
    name: str
    uid: str
    serving: str
    replica: str
    host: str
    ip: str
    port: int
    args: EngineArgs
    load_seconds: float | None
    container_runs: bool
    ready: bool
    finished: bool
    """Phase Failed or Succeeded, or the engine's container terminated: it never runs again (restartPolicy Never)."""
    delete_deadline: float | None
    """Epoch seconds at which the kubelet would kill what still runs; None while nobody deleted the pod."""
    container_names: tuple[str, ...]
    container_statuses: tuple[Mapping[str, Any], ...]
    resource_version: str

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    @property
    def is_leader(self) -> bool:
        """Host 0 serves the replica; the others only hold their part of the model."""
        return self.host == labels.LEADER_HOST


def parse_pod(pod: Mapping[str, Any]) -> EnginePod | None:
    """The pod as the fleet sees it; None where it is not an engine of ours or has no node yet."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    own_labels = metadata.get("labels") or {}
    main = next((c for c in spec.get("containers") or () if c["name"] == labels.ENGINE_CONTAINER), None)
    if main is None or not spec.get("nodeName") or own_labels.get(labels.MANAGED_BY) != labels.MANAGED_BY_VALUE:
        return None
    statuses = tuple(status.get("containerStatuses") or ())
    state = next((s.get("state") or {} for s in statuses if s["name"] == labels.ENGINE_CONTAINER), {})
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ())
    serving = own_labels.get(labels.SERVING, "")
    return EnginePod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        serving=serving,
        replica=own_labels.get(labels.REPLICA, ""),
        host=own_labels.get(labels.HOST, labels.LEADER_HOST),
        ip=status.get("podIP") or "",
        port=_port(main),
        args=parse_args([*(main.get("command") or ()), *(main.get("args") or ())], default_model=serving),
        load_seconds=_load_seconds(metadata.get("annotations") or {}),
        container_runs=status.get("phase") == "Running" and "running" in state,
        ready=ready,
        finished=status.get("phase") in ("Failed", "Succeeded") or "terminated" in state,
        delete_deadline=_epoch(metadata.get("deletionTimestamp")),
        container_names=tuple(c["name"] for c in spec.get("containers") or ()),
        container_statuses=statuses,
        resource_version=metadata["resourceVersion"],
    )


def parse_args(argv: Sequence[str], *, default_model: str) -> EngineArgs:
    """Slots and model name out of a vLLM command line; what it does not say keeps vLLM's default.

    The name clients use is the first of ``--served-model-name``, else ``--model``, else ``default_model``.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--max-num-seqs", type=int, default=DEFAULT_SLOTS)
    parser.add_argument("--served-model-name", nargs="+")
    parser.add_argument("--model")
    try:
        known, _ = parser.parse_known_args(list(argv))
    except argparse.ArgumentError:
        # A real vLLM would end with a usage error; the fleet serves on, so that one odd pod does not stop the others.
        return EngineArgs(DEFAULT_SLOTS, default_model)
    names: list[str] = known.served_model_name or ([known.model] if known.model else [])
    return EngineArgs(max(1, known.max_num_seqs), names[0] if names else default_model)


def _port(container: Mapping[str, Any]) -> int:
    """The container's port named http."""
    named = (p["containerPort"] for p in container.get("ports") or () if p.get("name") == labels.ENGINE_PORT_NAME)
    return next(named, DEFAULT_PORT)


def _load_seconds(annotations: Mapping[str, str]) -> float | None:
    """The annotation's number; None where there is none or it is not one."""
    try:
        return max(0.0, float(annotations[LOAD_SECONDS]))
    except (KeyError, ValueError):
        return None


def _epoch(timestamp: str | None) -> float | None:
    """An RFC 3339 time in epoch seconds."""
    return datetime.fromisoformat(timestamp).timestamp() if timestamp else None
