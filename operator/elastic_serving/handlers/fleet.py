"""All servings of one process: news in, one task per serving, one tick for the signals of all."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from elastic_serving.api.labels import SERVING
from elastic_serving.errors import ElasticServingError, Forbidden, NotFound
from elastic_serving.handlers.cache import key_of
from elastic_serving.handlers.health import Pulse
from elastic_serving.handlers.reconciler import Reconciler
from elastic_serving.handlers.shell import OURS, SERVINGS, UNLABELLED, Shell
from elastic_serving.kube.api import Object, Resource

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Fleet:
    """Owns the reconcilers. ``heard`` is called by the watches, ``run`` by the app; both in one event loop."""

    shell: Shell
    pulse: Pulse
    namespaces: Sequence[str] = ()
    """Namespaces that are served; empty means all."""
    tick_seconds: float = 1.0
    reconcile_seconds: float = 60.0
    _reconcilers: dict[tuple[str, str], Reconciler] = field(default_factory=dict)
    _tasks: dict[tuple[str, str], "asyncio.Task[None]"] = field(default_factory=dict)
    _group: asyncio.TaskGroup | None = None

    def heard(self, resource: Resource, kind: str | None, obj: Object) -> None:
        """Take one event of a watch; ``kind`` is None for objects of a first list, else ADDED, MODIFIED or DELETED."""
        cache = self.shell.caches[resource]
        if kind == "DELETED":
            cache.buried(obj, self.shell.clock())
        else:
            cache.heard(obj, self.shell.clock())
        self._changed(resource, obj)

    async def run(self) -> None:
        """List everything, then tick and list again until cancelled. Any end of a loop ends the others."""
        await self._list_until_known()
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._follow()
            self.pulse.synced = True
            group.create_task(self._tick_for_ever(), name="tick")
            group.create_task(self._list_for_ever(), name="list")

    async def _list_until_known(self) -> None:
        """The first full list, tried until it succeeds: without it nothing may be decided."""
        while True:
            try:
                await self._list_all()
            except ElasticServingError as error:
                log.warning("first list failed", reason=str(error))
                await asyncio.sleep(self.tick_seconds)
            else:
                return

    async def _list_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.reconcile_seconds)
            try:
                await self._list_all()
            except ElasticServingError as error:
                log.warning("list failed", reason=str(error))

    async def _list_all(self) -> None:
        """Lay a full list of each kind over its cache, and wake whom it concerns.

        Of several namespaces one may be gone or forbidden: it is reported, and the others are served.
        """
        for resource, cache in self.shell.caches.items():
            asked_at = self.shell.clock()
            objects, unknown = await self._list(resource)
            is_first = cache.listed_at == float("-inf")
            ghosts = cache.listed(objects, asked_at, unknown=unknown)
            if ghosts and not is_first:
                log.info("list differed from the watch", resource=resource.plural, objects=len(ghosts))
        self._follow()
        self._wake_all()

    async def _list(self, resource: Resource) -> tuple[list[Object], list[str]]:
        """The objects of a kind, and the namespaces that could not be listed. Raises where nothing could."""
        selector = "" if resource in UNLABELLED else OURS
        objects: list[Object] = []
        unknown: list[str] = []
        for namespace in (resource.namespaced and self.namespaces) or (None,):
            try:
                objects.extend(await self.shell.api.list(resource, namespace, label_selector=selector))
            except (Forbidden, NotFound) as error:
                if namespace is None or len(unknown) + 1 == len(self.namespaces):
                    raise
                unknown.append(namespace)
                log.warning("namespace not listed", namespace=namespace, resource=resource.plural, reason=str(error))
        return objects, unknown

    async def _tick_for_ever(self) -> None:
        """Read all signals each tick, then wake everybody; a slow Prometheus delays readings, not ticks."""
        loop = asyncio.get_running_loop()
        reading: asyncio.Task[None] | None = None
        try:
            while True:
                started = loop.time()
                if reading is None or reading.done():
                    if reading is not None:
                        reading.result()
                    reading = asyncio.create_task(self._read_signals(), name="signals")
                await asyncio.wait({reading}, timeout=self.tick_seconds)
                self._wake_all()
                self.pulse.ticked_at = self.shell.clock()
                self.shell.metrics.last_tick.set(self.shell.now())
                await asyncio.sleep(max(0.0, started + self.tick_seconds - loop.time()))
        finally:
            if reading is not None:
                reading.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reading

    async def _read_signals(self) -> None:
        wanted = [w for r in self._reconcilers.values() if (w := r.wanted()) is not None]
        with self.shell.metrics.tick_seconds.time():
            await self.shell.signals.refresh(wanted, self.shell.now())

    def _changed(self, resource: Resource, obj: Mapping[str, object]) -> None:
        """Start or stop the reconciler of a serving; wake the one an object belongs to."""
        if resource == SERVINGS:
            self._follow_one(key_of(obj))
            return
        metadata = obj["metadata"]
        labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
        name = labels.get(SERVING) if isinstance(labels, Mapping) else None
        reconciler = self._reconcilers.get((key_of(obj)[0], str(name)))
        if reconciler is not None:
            reconciler.wake()

    def _follow(self) -> None:
        """A reconciler for each serving that is known, none for one that is not."""
        for key in {*self._reconcilers, *(key_of(obj) for obj in self.shell.caches[SERVINGS])}:
            self._follow_one(key)

    def _follow_one(self, key: tuple[str, str]) -> None:
        if self._group is None:
            return
        known = self.shell.caches[SERVINGS].get(*key) is not None
        if known and key not in self._reconcilers:
            reconciler = self._reconcilers[key] = Reconciler(*key, self.shell)
            self._tasks[key] = self._group.create_task(reconciler.run(), name=f"serving {key[0]}/{key[1]}")
        if known:
            self._reconcilers[key].wake()
        elif key in self._reconcilers:
            self._tasks.pop(key).cancel()
            self._reconcilers.pop(key).stopped()

    def _wake_all(self) -> None:
        for reconciler in self._reconcilers.values():
            reconciler.wake()
