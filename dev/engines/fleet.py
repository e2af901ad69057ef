"""All engines of the cluster: follows the pods of ours and keeps one worker for each."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from kubernetes.aio.client import CoreV1Api

from dev.engines.core import Fault, Pin
from dev.engines.engine import CRASH_CODE, Engine, FleetSettings
from dev.engines.pods import EnginePod, parse_pod
from dev.engines.watch import Changed, Event, Gone, Listed, Object, follow
from dev.engines.worker import PodWorker
from elastic_serving.api import labels

_SELECTOR: Final = f"{labels.MANAGED_BY}={labels.MANAGED_BY_VALUE}"


class NoSuchEngine(LookupError):
    """No engine runs for that pod; the message names what there is."""


@dataclass(frozen=True, slots=True)
class EngineView:
    """One engine as the control endpoint lists it. ``running`` and ``waiting`` are the truth, not what a pin shows."""

    namespace: str
    pod: str
    serving: str
    replica: str
    host: str
    address: str | None
    port: int
    state: str
    ready: bool
    running: int
    waiting: int
    accepted: int
    fault: str
    pin: Pin


class Fleet:
    """The workers by pod uid. ``run`` follows the pods until cancelled; the rest is for the control endpoint.

    ``namespaces`` None follows all of them, else these and what ``follow_namespace`` adds. A pod must not be followed
    by two fleets: both would write its status.
    """

    def __init__(self, api: CoreV1Api, settings: FleetSettings, namespaces: Sequence[str] | None = None) -> None:
        self._api = api
        self._namespaces = namespaces
        self._tasks: asyncio.TaskGroup | None = None
        self._following: dict[str, asyncio.Task[None]] = {}
        self._settings = settings
        self._workers: dict[str, PodWorker] = {}
        self._pins: dict[str, Pin] = {}
        self.listed = asyncio.Event()
        """Set once the first full list is dealt with."""

    async def run(self) -> None:
        """Until cancelled; a defect in one worker ends the whole fleet, loudly, rather than leave a pod unserved."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            if self._namespaces is None:
                await self._start_following(None)
            for namespace in self._namespaces or ():
                await self.follow_namespace(namespace)
            self.listed.set()
            await asyncio.get_running_loop().create_future()

    async def follow_namespace(self, namespace: str) -> None:
        """Serve this namespace's pods too; its first full list is dealt with on return. Once is enough."""
        if self._namespaces is not None and namespace not in self._following:
            self._following[namespace] = await self._start_following(namespace)

    async def leave_namespace(self, namespace: str) -> None:
        """Kill the engines of this namespace and look at it no more; they are gone on return."""
        if (task := self._following.pop(namespace, None)) is not None:
            task.cancel()
            leaving = [worker for worker in self._workers.values() if worker.pod.namespace == namespace]
            self._reconcile((), namespace)
            await asyncio.gather(*(worker.ended.wait() for worker in leaving))

    def views(self) -> tuple[EngineView, ...]:
        """Every engine, by namespace and pod."""
        found = [_view(worker.pod, worker.address, worker.engine) for worker in self._workers.values() if worker.engine]
        return tuple(sorted(found, key=lambda view: (view.namespace, view.pod)))

    async def set_fault(self, namespace: str, pod: str, fault: str, factor: float) -> None:
        """``crash`` and ``exit`` end the engine's process with code 1 and 0; any other name is a ``Fault``."""
        engine = self._engine(namespace, pod)
        match fault:
            case "crash":
                await engine.exit(CRASH_CODE)
            case "exit":
                await engine.exit(0)
            case _:
                engine.set_fault(Fault(fault), factor)

    def set_pin(self, namespace: str, pod: str, pin: Pin) -> None:
        """By name, also for a pod that comes later: names are deterministic, and a replica made anew keeps its pin."""
        key = f"{namespace}/{pod}"
        self._pins.pop(key, None)
        if pin != Pin():
            self._pins[key] = pin
        for worker in self._workers.values():
            if worker.pod.key == key and worker.engine is not None:
                worker.engine.set_pin(pin)

    async def _start_following(self, namespace: str | None) -> asyncio.Task[None]:
        """The task that follows it, once the first full list is dealt with."""
        if self._tasks is None:
            raise RuntimeError("the fleet does not run")
        listed = asyncio.Event()
        task = self._tasks.create_task(self._follow(namespace, listed), name=f"follow {namespace or 'all namespaces'}")
        await listed.wait()
        return task

    async def _follow(self, namespace: str | None, listed: asyncio.Event) -> None:
        """Keep the workers as the API server tells, until cancelled."""
        async for event in self._events(namespace):
            match event:
                case Listed(objects):
                    self._reconcile(objects, namespace)
                    listed.set()
                case Changed(pod):
                    self._see(pod)
                case Gone(pod):
                    self._forget(pod["metadata"]["uid"])

    def _events(self, namespace: str | None) -> AsyncIterator[Event]:
        """Pods of ours that are bound to a node."""
        fields = "spec.nodeName!="
        if namespace is None:
            everywhere = self._api.list_pod_for_all_namespaces_without_preload_content
            return follow(everywhere, label_selector=_SELECTOR, field_selector=fields)
        within = self._api.list_namespaced_pod_without_preload_content
        return follow(within, namespace, label_selector=_SELECTOR, field_selector=fields)

    def _engine(self, namespace: str, pod: str) -> Engine:
        key = f"{namespace}/{pod}"
        for worker in self._workers.values():
            if worker.pod.key == key and worker.engine is not None and worker.engine.exit_code is None:
                return worker.engine
        raise NoSuchEngine(f"no engine runs for pod {key}; {len(self._workers)} pods are known")

    def _reconcile(self, objects: tuple[Object, ...], namespace: str | None) -> None:
        """A full list of ``namespace`` (None: of all): what is not in it has vanished while no watch looked."""
        present = {pod["metadata"]["uid"] for pod in objects}
        known = {uid for uid, worker in self._workers.items() if namespace in (None, worker.pod.namespace)}
        for uid in known - present:
            self._forget(uid)
        for pod in objects:
            self._see(pod)

    def _see(self, obj: Object) -> None:
        pod = parse_pod(obj)
        if pod is None or not self._is_ours(pod) or self._tasks is None:
            return
        worker = self._workers.get(pod.uid)
        if worker is not None:
            worker.update(pod)
            return
        worker = PodWorker(self._api, self._settings, pod, lambda: self._pins.get(pod.key, Pin()))
        self._workers[pod.uid] = worker
        self._tasks.create_task(worker.run(), name=f"pod {pod.key}")

    def _is_ours(self, pod: EnginePod) -> bool:
        """On a fake node: its address is in the range, or it has none yet and needs nobody's address."""
        return not pod.ip or IPv4Address(pod.ip) in self._settings.pod_range

    def _forget(self, uid: str) -> None:
        worker = self._workers.pop(uid, None)
        if worker is not None:
            worker.remove()


def _view(pod: EnginePod, address: str | None, engine: Engine) -> EngineView:
    core = engine.core
    return EngineView(
        pod.namespace, pod.name, pod.serving, pod.replica, pod.host, address, pod.port,
        engine.state, engine.is_ready, core.running, core.waiting, core.accepted, core.fault.value, core.pin,
    )  # fmt: skip
