"""SIGKILL between named writes: whatever the operator was doing, the next one finishes it, and makes nothing twice."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dev.cluster.handle import Cluster
from dev.engines.launch import EngineFleet
from elastic_serving.act.memory import MEMORIES
from elastic_serving.act.services import SERVICES
from elastic_serving.api import labels
from elastic_serving.handlers.shell import PODS, SERVINGS
from elastic_serving.kube.client import KubeClient
from elastic_serving.kube.config import load_configuration
from tests.support.cluster import eventually, fresh_namespace
from tests.support.lives import Life, Point, replayed_differently
from tests.support.manifests import manifest
from tests.support.operator import Operator, installed
from tests.support.proxy import proxy_of

LIVES = 6
PHASE_SECONDS = 240.0
"""A phase with three kills takes 20 s on two idle cores; starts of the operator share them with all else."""
LOOK_SECONDS = 1.0
"""Between two looks at a cluster in which the operator wrote nothing."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A change of the spec, the replicas it leads to, the pods made on the way, and the writes (see lives.py)."""

    name: str
    spec: Mapping[str, Any]
    replicas: int
    created: int
    writes: tuple[str, ...]


def _asking(load: int, **scaling: Any) -> Mapping[str, Any]:
    """A spec that asks for ``load`` / 10 replicas, by a query of its own."""
    signal = {"type": "Prometheus", "name": "Load", "query": f"vector({load})", "target": 10, "intervalSeconds": 1}
    quick = {"scaleDown": {"stabilizationWindowSeconds": 0}}
    return {"scaling": {"signals": [signal], "behavior": quick, **scaling}, "drain": {"timeoutSeconds": 60}}


EDITED = {"engine": {"args": ["--enforce-eager"]}}
PHASES = (
    Phase(
        "create",
        _asking(10),
        1,
        1,
        (
            "apply servingmemories/m",
            "apply services/m",
            "apply services/m-hosts",
            "try pods",
            "create pod 1",
            "lift pod 1",
            "patch elasticservings/status/m",
            "create events ReplicaReady",
        ),
    ),
    Phase(
        "up",
        _asking(30),
        3,
        2,
        (
            "apply servingmemories/m",
            "create pod 1",
            "create pod 2",
            "lift pod 1",
            "lift pod 2",
            "create events ScalingUp",
        ),
    ),
    Phase(
        "edit",
        {**_asking(30), **EDITED},
        3,
        3,
        (
            "try pods",
            "create pod 1",
            "lift pod 1",
            "drain pod 1",
            "delete pod 1",
            "create pod 2",
            "drain pod 2",
            "create events ReplicasDraining",
        ),
    ),
    Phase(
        "down",
        {**_asking(10), **EDITED},
        1,
        0,
        ("apply servingmemories/m", "drain pod 1", "delete pod 1", "create events ScalingDown"),
    ),
    Phase(
        "zero",
        {**_asking(0, minReplicas=0, idle={"timeoutSeconds": 1}), **EDITED},
        0,
        0,
        ("apply servingmemories/m", "drain pod 1", "delete pod 1"),
    ),
    Phase(
        "back",
        {**_asking(10, minReplicas=0, idle={"timeoutSeconds": 600}), **EDITED},
        1,
        1,
        ("apply servingmemories/m", "create pod 1", "lift pod 1"),
    ),
)
POINTS = tuple(Point(p.name, side, what) for p in PHASES for what in p.writes for side in ("before", "after"))
CREATED = sum(phase.created for phase in PHASES)
"""desired x hosts: 1, 2 more, 3 to replace them one by one, none, none, 1."""


@pytest.fixture
async def admin(cluster: Cluster) -> AsyncIterator[KubeClient]:
    """The administrator, through our own client."""
    async with KubeClient(await load_configuration(cluster.kubeconfig), field_manager="test") as client:
        yield client


@pytest.mark.promise("N4")
@pytest.mark.timeout(900)
async def test_killed_at_fifty_points_between_writes_it_finishes_everything_once(
    cluster: Cluster,
    crds: None,
    engine_fleet: EngineFleet,
    admin: KubeClient,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    async with AsyncExitStack() as lives:
        stack = lives.enter_context(ExitStack())
        made = [
            _life(cluster, engine_fleet, stack, tmp_path / str(number), POINTS[number::LIVES])
            for number in range(LIVES)
        ]
        for life in made:
            await lives.enter_async_context(life.lived())
        async with asyncio.TaskGroup() as group:
            for life in made:
                group.create_task(_live(cluster, admin, life))
    reached = [point for life in made for point in life.reached]
    record_property("told", "\n  ".join((f"{len(reached)} points reached:", *sorted(map(str, reached)))))
    assert len(reached) >= 50
    assert sorted(map(str, reached)) == sorted(map(str, POINTS))


def _life(cluster: Cluster, engines: EngineFleet, stack: ExitStack, home: Path, points: Sequence[Point]) -> Life:
    """An operator of a namespace of its own, not started yet."""
    namespace = stack.enter_context(fresh_namespace(cluster, "kill"))
    engines.follow(namespace)
    stack.callback(engines.leave, namespace)
    release = stack.enter_context(installed(cluster, namespace))
    proxy = stack.enter_context(proxy_of(release.kubeconfig))
    operator = Operator(release, home, {"record_directory": str(home / "records")}, server=proxy.url)
    return Life(operator, proxy, points)


async def _live(cluster: Cluster, admin: KubeClient, life: Life) -> None:
    """The scenario from the first replica to the last, with everything that must hold at its rests and at its end."""
    namespace = life.operator.release.namespace
    for phase in PHASES:
        life.enter(phase.name)
        text = json.dumps(manifest(phase.spec, name="m"))
        await asyncio.to_thread(cluster.kubectl, "apply", "-n", namespace, "-f", "-", stdin=text)
        await _rest(admin, life, phase)
    made = [seen.call.what for seen in life.proxy.writes if seen.status == 201]
    assert len([what for what in made if what.startswith("create pods/")]) == CREATED, made
    assert sorted(what for what in made if what.startswith("apply services/")) == [
        "apply services/m",
        "apply services/m-hosts",
    ]
    assert made.count("apply servingmemories/m") == 1
    count, different = replayed_differently(life.operator.home / "records")
    assert count > len(PHASES)
    assert different == []
    await admin.delete(SERVINGS, namespace, "m")
    await eventually(lambda: _nothing_left(admin, namespace), PHASE_SECONDS)


async def _rest(admin: KubeClient, life: Life, phase: Phase) -> None:
    """Wait until the phase's replicas serve, nothing else is there, and the operator died at all its points."""
    looked, writes, reason = float("-inf"), -1, ""

    async def rests() -> bool:
        nonlocal looked, writes, reason
        assert not life.due(), f"not reached: {', '.join(map(str, life.due()))} among {_told(life)}"
        now = asyncio.get_running_loop().time()
        if writes != len(life.proxy.writes) or now - looked > LOOK_SECONDS:
            looked, writes = now, len(life.proxy.writes)
            reason = await _unrest(admin, life.operator.release.namespace, phase)
        assert not reason, f"{phase.name}: {reason}"
        return True

    await eventually(rests, PHASE_SECONDS)


def _told(life: Life) -> list[str]:
    return [f"{seen.status} {seen.call.what}" for seen in life.proxy.writes if seen.call.resource != "leases"]


async def _unrest(admin: KubeClient, namespace: str, phase: Phase) -> str:
    """What is not yet as the phase wants it; empty if nothing."""
    serving = await admin.get(SERVINGS, namespace, "m")
    status = serving.get("status") or {}
    numbers = [status.get(field) for field in ("desiredReplicas", "servingReplicas", "startingReplicas")]
    if numbers != [phase.replicas, phase.replicas, 0]:
        return f"{numbers}, {status.get('summary')}"
    if status["observedGeneration"] != serving["metadata"]["generation"]:
        return "the status is of another generation"
    pods = await admin.list(PODS, namespace, label_selector=f"{labels.SERVING}=m")
    if len(pods) != phase.replicas or len({p["metadata"]["labels"][labels.REVISION] for p in pods}) > 1:
        return f"pods {[pod['metadata']['name'] for pod in pods]}"
    for pod in pods:
        assert [owner["uid"] for owner in pod["metadata"]["ownerReferences"]] == [serving["metadata"]["uid"]]
        if "deletionTimestamp" in pod["metadata"] or pod["metadata"]["labels"][labels.ROLE] != "serving":
            return f"pod {pod['metadata']['name']} is on its way out"
    return ""


async def _nothing_left(admin: KubeClient, namespace: str) -> bool:
    left = [
        obj["metadata"]["name"]
        for kind in (PODS, SERVICES, MEMORIES)
        for obj in await admin.list(kind, namespace)
        if (obj["metadata"].get("labels") or {}).get(labels.SERVING) or kind == MEMORIES
    ]
    assert left == []
    return True
