"""One engine's life: load, serve, perhaps fail, drain, stop. ``on_change`` tells that its state is another."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

import structlog

from dev.engines.core import EngineCore, Fault, Pin
from dev.engines.openai_server import EngineServer
from dev.engines.pods import EnginePod
from dev.engines.service_model import ServiceTimes

CRASH_CODE: Final = 1
_log = structlog.get_logger("dev.engines")


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """What every engine of the fleet has in common. ``times.speed`` divides load seconds, but not chunk seconds."""

    pod_range: IPv4Network
    times: ServiceTimes
    load_seconds: float = 10.0
    chunk_seconds: float = 0.25


class Engine:
    """The process in a pod's engine container. ``address`` None is a worker (host > 0), which does not listen."""

    def __init__(
        self, pod: EnginePod, address: str | None, settings: FleetSettings, on_change: Callable[[], None]
    ) -> None:
        self.core = EngineCore(pod.args.slots, settings.times, pod.args.model)
        self.exit_code: int | None = None
        self._server = EngineServer(self.core, pod.args.model, settings.chunk_seconds)
        self._address = address
        self._port = pod.port
        self._on_change = on_change
        self._loaded = False
        seconds = settings.load_seconds if pod.load_seconds is None else pod.load_seconds
        # A pod that is Ready when the fleet first sees it was loaded by the fleet's predecessor.
        self._load_seconds = 0.0 if pod.ready else seconds / settings.times.speed
        self._loading = asyncio.create_task(self._load(), name=f"load {pod.key}")

    @property
    def is_ready(self) -> bool:
        """What /health would say to the kubelet: loaded, alive, and not told to be unhealthy."""
        return self._loaded and self.exit_code is None and self.core.fault is not Fault.UNHEALTHY

    @property
    def state(self) -> str:
        """One word for people: loading, serving, draining or exited."""
        if self.exit_code is not None:
            return "exited"
        if self._server.draining:
            return "draining"
        return "serving" if self._loaded else "loading"

    def set_fault(self, fault: Fault, factor: float) -> None:
        """From now on; see ``Fault``."""
        self.core.set_fault(fault, factor)
        self._on_change()

    def set_pin(self, pin: Pin) -> None:
        """Numbers to show from the next scrape on."""
        self.core.pin = pin

    async def exit(self, code: int) -> None:
        """The process ends by itself: 0 is a wish to leave, anything else a crash. Connections are cut."""
        if self.exit_code is None:
            self.exit_code = code
            await self.kill()
            self._on_change()

    async def drain(self, deadline_seconds: float) -> None:
        """SIGTERM: refuse what is new, finish what was accepted, then end; what the deadline finds running is cut.

        An engine that still loads ends at once. Returns when nothing of the engine is left.
        """
        self._server.draining = True
        try:
            async with asyncio.timeout(deadline_seconds):
                await self.core.wait_idle()
        except TimeoutError:
            await self.kill()
        else:
            await self._end(cut=False)

    async def kill(self) -> None:
        """SIGKILL: everything ends at once, open connections with it."""
        await self._end(cut=True)

    async def _load(self) -> None:
        """Takes its time, then listens; until then a connection is refused, as by vLLM."""
        await asyncio.sleep(self._load_seconds)
        try:
            if self._address is not None:
                await self._server.start(self._address, self._port)
        except OSError as error:
            # As a real server would: no address, no process.
            _log.error("engine cannot listen", address=self._address, port=self._port, error=str(error))
            self.exit_code = CRASH_CODE
            self._on_change()
            return
        self._loaded = True
        self._on_change()

    async def _end(self, *, cut: bool) -> None:
        self._loading.cancel()
        await asyncio.gather(self._loading, return_exceptions=True)
        await self._server.stop(cut=cut)
        self._loaded = False
        self.core.close()
