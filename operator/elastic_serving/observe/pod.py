"""One pod as one host of a replica: its phase, since when, and in its own words what is wrong. Pure, total.

A pod is JSON that others may have written: whatever is absent or of the wrong type reads as absent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from elastic_serving.api.labels import ENGINE_CONTAINER
from elastic_serving.scaling.model import Host, Phase

BLAME_CHARACTERS: Final = 256
"""Longer words of a pod are cut: they end in conditions, events and kubectl describe."""

_HARMLESS: Final = frozenset({"ContainerCreating", "PodInitializing", "ContainersNotReady", "SchedulingGated"})
"""Reasons that only say that the pod is on its way."""

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Milestones:
    """When the pod passed each stage of its start, None while it has not."""

    created_at: float
    provisioned_at: float | None
    pulled_at: float | None
    ready_at: float | None
    ended_at: float | None
    unready_since: float | None


def host_of(pod: Json, rank: int, node: Json | None = None) -> Host:
    """The host that ``pod`` is. ``node`` (if known) only adds its own trouble to the blame.

    Phases: provisioning until PodScheduled, pulling until the engine's container started, loading until Ready; failed
    when the pod failed or the engine ended with another code than 0; finished when it ended with 0. A pod that was
    ready and is not any more is loading since then. Image pull errors stay pulling, with blame: credentials and
    registries recover, and the phase has a deadline.
    """
    metadata, status = mapping(pod.get("metadata")), mapping(pod.get("status"))
    main = _container(status, "containerStatuses", ENGINE_CONTAINER)
    times = _milestones(metadata, status, main)
    phase = _phase(status, main, times)
    return Host(
        rank=rank,
        pod=text(metadata.get("name")),
        uid=text(metadata.get("uid")),
        resource_version=text(metadata.get("resourceVersion")),
        phase=phase,
        phase_since=_since(phase, times),
        created_at=times.created_at,
        gated=bool(_list(mapping(pod.get("spec")).get("schedulingGates"))),
        terminating=metadata.get("deletionTimestamp") is not None,
        node=text(mapping(pod.get("spec")).get("nodeName")) or None,
        blame=_blame(phase, status, main, node),
        provisioned_at=times.provisioned_at,
        pulled_at=times.pulled_at,
        ready_at=times.ready_at,
        restarts=_count(main.get("restartCount")),
    )


def mapping(value: object) -> Json:
    """``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def text(value: object) -> str:
    """``value`` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def seconds(value: object) -> float | None:
    """Epoch seconds of an RFC 3339 time such as ``2026-11-22T04:51:30Z``; None for anything else."""
    try:
        parsed = datetime.fromisoformat(text(value))
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _containers(status: Json, field: str) -> Iterator[Json]:
    return (mapping(entry) for entry in _list(status.get(field)))


def _container(status: Json, field: str, name: str) -> Json:
    return next((c for c in _containers(status, field) if c.get("name") == name), {})


def _condition(status: Json, kind: str) -> Json:
    return next((c for c in _containers(status, "conditions") if c.get("type") == kind), {})


def _is_true(condition: Json) -> bool:
    return condition.get("status") == "True"


def _state(container: Json, kind: str) -> Json | None:
    """``state.running``, ``.waiting`` or ``.terminated`` of a container; None unless it is in that state."""
    state = mapping(container.get("state")).get(kind)
    return state if isinstance(state, Mapping) else None


def _milestones(metadata: Json, status: Json, main: Json) -> _Milestones:
    created_at = seconds(metadata.get("creationTimestamp")) or 0.0
    scheduled, ready = _condition(status, "PodScheduled"), _condition(status, "Ready")
    running, ended = _state(main, "running"), _state(main, "terminated")
    started = running if running is not None else ended
    provisioned_at = seconds(scheduled.get("lastTransitionTime")) or created_at
    pulled_at = None if started is None else seconds(started.get("startedAt")) or provisioned_at
    changed_at = seconds(ready.get("lastTransitionTime"))
    return _Milestones(
        created_at=created_at,
        provisioned_at=provisioned_at if _is_true(scheduled) or started is not None else None,
        pulled_at=pulled_at,
        ready_at=(changed_at or pulled_at or created_at) if _is_true(ready) else None,
        ended_at=None if ended is None else seconds(ended.get("finishedAt")),
        unready_since=None if _is_true(ready) else changed_at,
    )


def _phase(status: Json, main: Json, times: _Milestones) -> Phase:
    ended = _state(main, "terminated")
    if ended is not None:
        return Phase.FINISHED if ended.get("exitCode") == 0 and status.get("phase") != "Failed" else Phase.FAILED
    if status.get("phase") in ("Failed", "Succeeded"):
        return Phase.FAILED if status.get("phase") == "Failed" else Phase.FINISHED
    if times.provisioned_at is None:
        return Phase.PROVISIONING
    if times.pulled_at is None:
        return Phase.PULLING
    return Phase.LOADING if times.ready_at is None else Phase.READY


def _since(phase: Phase, times: _Milestones) -> float:
    """When ``phase`` began. Ready is False before the container starts, too, hence the maximum."""
    began = {
        Phase.PROVISIONING: times.created_at,
        Phase.PULLING: times.provisioned_at,
        Phase.LOADING: max((t for t in (times.pulled_at, times.unready_since) if t is not None), default=None),
        Phase.READY: times.ready_at,
        Phase.FAILED: times.ended_at or times.unready_since,
        Phase.FINISHED: times.ended_at or times.unready_since,
    }[phase]
    return times.created_at if began is None else began


def _blame(phase: Phase, status: Json, main: Json, node: Json | None) -> str:
    match phase:
        case Phase.PROVISIONING:
            words = _reason(_condition(status, "PodScheduled"))
        case Phase.PULLING:
            waiting = (_reason(_state(c, "waiting") or {}) for c in _starting_containers(status, main))
            words = next((w for w in waiting if w), "")
        case Phase.LOADING:
            words = _reason(_condition(status, "Ready"))
        case Phase.FAILED:
            words = _reason(status) or _end(main)
        case _:
            words = ""
    words = "; ".join(part for part in (words, _node_trouble(node)) if part)
    return words if len(words) <= BLAME_CHARACTERS else words[: BLAME_CHARACTERS - 1] + "…"


def _starting_containers(status: Json, main: Json) -> Iterator[Json]:
    """The engine's container, then what must end before it starts, then its sidecars."""
    yield main
    yield from _containers(status, "initContainerStatuses")
    yield from (c for c in _containers(status, "containerStatuses") if c is not main)


def _reason(part: Json) -> str:
    """``Reason: message`` of a condition, state or status, on one line; empty where it is harmless."""
    reason, message = text(part.get("reason")), " ".join(text(part.get("message")).split())
    if reason in _HARMLESS:
        return ""
    if reason == "Unschedulable" and message:
        # What follows the first sentence is the scheduler's search for pods to evict: "... preemption: 0/3 nodes ...".
        return message.partition(". ")[0].rstrip(".")
    return ": ".join(word for word in (reason, message) if word)


def _end(main: Json) -> str:
    """How the engine ended: ``OOMKilled (exit code 137)``, with its termination message if there is one."""
    ended = _state(main, "terminated") or {}
    code = ended.get("exitCode")
    words = f"{text(ended.get('reason')) or 'Error'} (exit code {code})" if ended else "the pod failed"
    message = " ".join(text(ended.get("message")).split())
    return f"{words}: {message}" if message else words


def _node_trouble(node: Json | None) -> str:
    """What the node says of itself while it is not ready; empty if it is ready or unknown."""
    ready = _condition(mapping((node or {}).get("status")), "Ready")
    if not ready or _is_true(ready):
        return ""
    name = text(mapping((node or {}).get("metadata")).get("name"))
    return f"node {name} is not ready ({_reason(ready) or 'no reason given'})"
