"""Follows one pod: starts its engine, writes what the engine is into the pod's status, ends it as a kubelet does."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import stamina
import structlog
from kubernetes.aio.client import ApiException, CoreV1Api, V1DeleteOptions, V1Preconditions

from dev.engines.addresses import loopback_of
from dev.engines.core import Pin
from dev.engines.engine import CRASH_CODE, Engine, FleetSettings
from dev.engines.kubelet import exit_patch, readiness_patch
from dev.engines.pods import EnginePod, parse_pod
from dev.engines.watch import REQUEST_SECONDS, is_transient, read_json

_STRATEGIC: Final = "application/strategic-merge-patch+json"
_log = structlog.get_logger("dev.engines")


class PodWorker:
    """Level-triggered: each wake compares the newest pod with its engine and takes the steps that are missing."""

    def __init__(self, api: CoreV1Api, settings: FleetSettings, pod: EnginePod, pin: Callable[[], Pin]) -> None:
        self._api = api
        self._settings = settings
        self._pin = pin
        self._wake = asyncio.Event()
        self._wake.set()
        self._gone = asyncio.Event()
        self._exit_written = False
        self.ended = asyncio.Event()
        """Set when ``run`` has ended and nothing of the engine is left."""
        self.pod = pod
        self.engine: Engine | None = None

    @property
    def address(self) -> str | None:
        """Where the leader's engine listens; None for a worker host or before the pod has an address."""
        return loopback_of(self.pod.ip, self._settings.pod_range) if self.pod.ip and self.pod.is_leader else None

    def update(self, pod: EnginePod) -> None:
        """A newer state of the same pod; one that is older than what our own write answered is ignored."""
        if int(pod.resource_version) > int(self.pod.resource_version):
            self.pod = pod
            self._wake.set()

    def remove(self) -> None:
        """The pod is gone from the API: whatever still runs is cut."""
        self._gone.set()
        self._wake.set()

    async def run(self) -> None:
        """Until the pod is gone, or cancelled; nothing of the engine is left then."""
        try:
            while not self._gone.is_set():
                await self._wake.wait()
                self._wake.clear()
                if self.pod.delete_deadline is not None:
                    await self._terminate(self.pod.delete_deadline)
                    break
                if self._gone.is_set():
                    break
                self._start_if_due()
                if self.pod.finished and self.engine is not None:
                    # The node ended the container (a scripted crash of kwok's): its process is gone with it.
                    await self.engine.kill()
                await self._write_status()
        finally:
            if self.engine is not None:
                await self.engine.kill()
            self.ended.set()

    def _start_if_due(self) -> None:
        """The engine starts with its container, once in the pod's life."""
        pod = self.pod
        if self.engine is not None or pod.finished or not pod.container_runs or not pod.ip:
            return
        if loopback_of(pod.ip, self._settings.pod_range) is None:
            return
        self.engine = Engine(pod, self.address, self._settings, self._wake.set)
        self.engine.set_pin(self._pin())
        _log.info("engine starts", pod=pod.key, address=self.address, slots=pod.args.slots)

    async def _write_status(self) -> None:
        """One patch if the pod does not say yet what the engine is."""
        engine, pod = self.engine, self.pod
        if engine is None or pod.finished or self._exit_written:
            return
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if engine.exit_code is not None:
            await self._patch(exit_patch(pod, engine.exit_code, now))
            self._exit_written = True
            _log.info("engine exited", pod=pod.key, code=engine.exit_code, crash=engine.exit_code == CRASH_CODE)
        elif engine.is_ready != pod.ready:
            await self._patch(readiness_patch(pod, engine.is_ready, now))
            _log.info("ready" if engine.is_ready else "not ready", pod=pod.key)

    async def _patch(self, body: dict[str, Any]) -> None:
        """Write the status and go on from the answer, so that our own write is not repeated before its event comes."""
        pod = self.pod
        async for attempt in stamina.retry_context(on=is_transient, attempts=None, timeout=None, wait_max=2.0):
            with attempt:
                try:
                    answer = await read_json(
                        await self._api.patch_namespaced_pod_status_without_preload_content(
                            pod.name, pod.namespace, body, _content_type=_STRATEGIC, _request_timeout=REQUEST_SECONDS
                        )
                    )
                except ApiException as error:
                    if error.status not in (404, 409):
                        raise
                    # Gone, or changed since we looked: the watch brings the news and wakes us again.
                    return
        newer = parse_pod(answer)
        if newer is not None:
            self.update(newer)

    async def _terminate(self, deadline: float) -> None:
        """Drain the engine until the pod's deadline, then take the pod out of the API.

        A pod without an address never started anything: its node removes it.
        """
        if self.engine is not None and self.engine.exit_code is None:
            drain = asyncio.create_task(self.engine.drain(max(0.0, deadline - time.time())))
            gone = asyncio.create_task(self._gone.wait())
            try:
                await asyncio.wait((drain, gone), return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
                drain.cancel()
                await asyncio.gather(drain, gone, return_exceptions=True)
            if not drain.cancelled():
                drain.result()
        if self.pod.ip and not self._gone.is_set():
            await self._delete()

    async def _delete(self) -> None:
        """Force-delete this very pod; gone already is success."""
        pod = self.pod
        body = V1DeleteOptions(grace_period_seconds=0, preconditions=V1Preconditions(uid=pod.uid))
        async for attempt in stamina.retry_context(on=is_transient, attempts=None, timeout=None, wait_max=2.0):
            with attempt:
                try:
                    await read_json(
                        await self._api.delete_namespaced_pod_without_preload_content(
                            pod.name, pod.namespace, body=body, _request_timeout=REQUEST_SECONDS
                        )
                    )
                except ApiException as error:
                    if error.status not in (404, 409):
                        raise
        _log.info("pod ended", pod=pod.key)
