"""Doing what the plan says, pod by pod, so that any cut leaves a state the next pass can finish.

Theory of operation. A pod is created by POST under its deterministic name, so two tries make one pod; a name that is
taken is adopted only if our owner reference stands on it. It is changed by JSON patch with a ``test`` on its uid and
deleted with its uid and resourceVersion as preconditions, so nothing is done to a successor of the same name or to a
pod that became something else since it was looked at. Gates are lifted last, after one more look at the whole group.
Kinds of actions run in the plan's order, actions of one kind side by side, at most ``_WRITES_AT_ONCE`` calls at a time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, assert_never

from elastic_serving.act.manifests import BUILT_IN, PODS, EngineDefaults, is_ours, pod_name, pod_of
from elastic_serving.act.revision import revision_of
from elastic_serving.api import labels
from elastic_serving.api.models import ElasticServing
from elastic_serving.api.times import noted
from elastic_serving.errors import (
    AlreadyExists,
    Conflict,
    ElasticServingError,
    Forbidden,
    InvalidSpec,
    NotFound,
    QuotaExceeded,
)
from elastic_serving.kube.api import KubeApi, Object, Preconditions
from elastic_serving.scaling.model import (
    Action,
    CreateReplica,
    DeleteReplica,
    Host,
    LiftGates,
    Outcome,
    Role,
    SetRole,
    Trouble,
    TroubleKind,
)

_WRITES_AT_ONCE: Final = 16
"""A step of 100 hosts takes 7 round trips; the API server's default budget for one client is well above."""


class _Troubled(ElasticServingError):
    """A trouble that was recognised on the way, with its kind."""

    def __init__(self, kind: TroubleKind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class _Job:
    """What every call of one execution shares."""

    api: KubeApi
    serving: ElasticServing
    revision: str
    defaults: EngineDefaults
    clock: Callable[[], float]
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_WRITES_AT_ONCE))

    @property
    def namespace(self) -> str:
        """Namespace of the serving and of everything it owns."""
        return self.serving.metadata.namespace

    @property
    def name(self) -> str:
        """Name of the serving."""
        return self.serving.metadata.name


async def execute(
    api: KubeApi,
    serving: ElasticServing,
    actions: Sequence[Action],
    *,
    clock: Callable[[], float],
    defaults: EngineDefaults = BUILT_IN,
) -> Outcome:
    """Every action that was done whole, and one trouble for each host that was not; never raises for the API's sake.

    ``clock`` gives seconds since the epoch; a drain begins when its patch is sent, not when the pass began.
    """
    job = _Job(api, serving, revision_of(serving.spec), defaults, clock)
    done: list[Action] = []
    troubles: list[Trouble] = []
    for _, same_kind in groupby(actions, key=type):
        batch = list(same_kind)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_perform(job, action)) for action in batch]
        for action, task in zip(batch, tasks, strict=True):
            found = task.result()
            troubles.extend(found)
            if not found:
                done.append(action)
    return Outcome(tuple(done), tuple(troubles))


async def _perform(job: _Job, action: Action) -> list[Trouble]:
    """Troubles of one action: one for each host that failed, none where all is done or was so already."""
    match action:
        case CreateReplica():
            calls = [_create(job, action.index, rank) for rank in action.ranks]
        case LiftGates():
            return await _attempt(action.index, _lift(job, action))
        case SetRole():
            calls = [_set_role(job, action)]
        case DeleteReplica():
            calls = [_delete(job, host) for host in action.hosts]
        case _:
            assert_never(action)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_in_slot(job, action.index, call)) for call in calls]
    return [trouble for task in tasks for trouble in task.result()]


async def _in_slot(job: _Job, index: int, call: Awaitable[None]) -> list[Trouble]:
    async with job.slots:
        return await _attempt(index, call)


async def _attempt(index: int, call: Awaitable[None]) -> list[Trouble]:
    try:
        await call
    except ElasticServingError as error:
        return [Trouble(trouble_kind(error), index, str(error))]
    return []


def trouble_kind(error: ElasticServingError) -> TroubleKind:
    """What an error of the API means for the action that met it; what is not known may work next time."""
    if isinstance(error, _Troubled):
        return error.kind
    kinds: Mapping[type[ElasticServingError], TroubleKind] = {
        InvalidSpec: TroubleKind.REFUSED,
        QuotaExceeded: TroubleKind.QUOTA,
        Forbidden: TroubleKind.FORBIDDEN,
        Conflict: TroubleKind.CHANGED,
        NotFound: TroubleKind.CHANGED,
    }
    return next((kind for cls, kind in kinds.items() if isinstance(error, cls)), TroubleKind.TRANSIENT)


async def _create(job: _Job, index: int, rank: int) -> None:
    name = pod_name(job.name, index, rank)
    try:
        await job.api.create(PODS, job.namespace, pod_of(job.serving, index, rank, job.revision, job.defaults))
    except AlreadyExists:
        try:
            present = await job.api.get(PODS, job.namespace, name)
        except NotFound as gone:
            raise _Troubled(TroubleKind.CHANGED, f"pod {name} has just gone") from gone
        refusal = _adoption_refusal(job, present)
        if refusal is not None:
            raise refusal from None


def _adoption_refusal(job: _Job, pod: Object) -> _Troubled | None:
    """Why the pod that has our name is not the one we were about to make, or None if it is."""
    metadata = pod["metadata"]
    name = metadata["name"]
    if not is_ours(metadata, job.serving.metadata.uid):
        return _Troubled(TroubleKind.FOREIGN, f"pod {name} exists and is not owned by {job.name}: left alone")
    if metadata.get("deletionTimestamp"):
        return _Troubled(TroubleKind.CHANGED, f"pod {name} is still being deleted")
    revision = metadata.get("labels", {}).get(labels.REVISION)
    if revision != job.revision:
        return _Troubled(TroubleKind.CHANGED, f"pod {name} is of revision {revision}, not {job.revision}")
    return None


async def _lift(job: _Job, action: LiftGates) -> None:
    """Lift the group's gates after one more look: every host there, none terminating, the ones that were seen."""
    selector = f"{labels.SERVING}={job.name},{labels.REPLICA}={action.index}"
    pods = await job.api.list(PODS, job.namespace, label_selector=selector)
    group = {p["metadata"]["name"]: p for p in pods if is_ours(p["metadata"], job.serving.metadata.uid)}
    reason = _not_whole(group, action.hosts)
    if reason:
        raise _Troubled(TroubleKind.CHANGED, f"the gates of replica {action.index} stay: {reason}")
    gated = [(pod, place) for pod in group.values() if (place := _gate_place(pod)) is not None]
    async with asyncio.TaskGroup() as tasks:
        patches = [tasks.create_task(_try_lift(job, pod, place)) for pod, place in gated]
    failed = [error for patch in patches if (error := patch.result()) is not None]
    if failed:
        raise failed[0]


def _not_whole(group: Mapping[str, Object], seen: Sequence[Host]) -> str:
    """What is missing or different in the group, as the end of a sentence; empty if nothing."""
    for host in seen:
        pod = group.get(host.pod)
        if pod is None:
            return f"pod {host.pod} is gone"
        if pod["metadata"]["uid"] != host.uid:
            return f"pod {host.pod} was made anew"
    for name, pod in group.items():
        if pod["metadata"].get("deletionTimestamp"):
            return f"pod {name} is being deleted"
    size = max((int(pod["metadata"].get("annotations", {}).get(labels.SIZE, "1")) for pod in group.values()), default=1)
    if len(group) != size:
        return f"{len(group)} of {size} hosts exist"
    return ""


def _gate_place(pod: Object) -> int | None:
    gates = pod["spec"].get("schedulingGates") or ()
    return next((place for place, gate in enumerate(gates) if gate["name"] == labels.SCHEDULING_GATE), None)


async def _try_lift(job: _Job, pod: Object, place: int) -> ElasticServingError | None:
    path = f"/spec/schedulingGates/{place}"
    operations = [
        {"op": "test", "path": "/metadata/uid", "value": pod["metadata"]["uid"]},
        {"op": "test", "path": f"{path}/name", "value": labels.SCHEDULING_GATE},
        {"op": "remove", "path": path},
    ]
    try:
        async with job.slots:
            await job.api.json_patch(PODS, job.namespace, pod["metadata"]["name"], operations)
    except ElasticServingError as error:
        return error
    return None


async def _set_role(job: _Job, action: SetRole) -> None:
    """Change the leader's role label; entering a drain also writes down when, if it is not written down yet."""
    leader = action.leader
    pod = await job.api.get(PODS, job.namespace, leader.pod)
    metadata = pod["metadata"]
    if metadata["uid"] != leader.uid or metadata.get("deletionTimestamp"):
        raise _Troubled(TroubleKind.CHANGED, f"pod {leader.pod} is being deleted or was made anew")
    is_dated = noted((metadata.get("annotations") or {}).get(labels.DRAINING_SINCE)) is not None
    if metadata.get("labels", {}).get(labels.ROLE) == action.role and (is_dated or action.role is Role.SERVING):
        return
    await job.api.json_patch(PODS, job.namespace, leader.pod, _role_operations(metadata, action.role, job.clock()))


def _role_operations(metadata: Mapping[str, Any], role: Role, now: float) -> list[dict[str, Any]]:
    since = "/metadata/annotations/" + _pointer(labels.DRAINING_SINCE)
    annotations = metadata.get("annotations") or {}
    operations: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
        {"op": "add", "path": "/metadata/labels/" + _pointer(labels.ROLE), "value": role.value},
    ]
    if role is Role.DRAINING:
        if not annotations:
            operations.append({"op": "add", "path": "/metadata/annotations", "value": {}})
        operations.append({"op": "add", "path": since, "value": f"{now:.3f}"})
    elif labels.DRAINING_SINCE in annotations:
        operations.append({"op": "remove", "path": since})
    return operations


def _pointer(key: str) -> str:
    """``key`` as one token of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


async def _delete(job: _Job, host: Host) -> None:
    """Delete the very pod that was looked at; gone already is fine."""
    if host.terminating:
        return
    try:
        await job.api.delete(
            PODS,
            job.namespace,
            host.pod,
            preconditions=Preconditions(host.uid, host.resource_version),
        )
    except NotFound:
        return
