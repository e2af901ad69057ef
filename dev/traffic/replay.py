"""Sends a workload to a Service at its own pace, whatever the answers do (open loop), and measures."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import aiohttp
from kubernetes.aio.client import ApiClient, DiscoveryV1Api

from dev.traffic.arrivals import Arrival
from dev.traffic.client import ask, open_session
from dev.traffic.endpoints import Endpoints
from dev.traffic.measure import Measurements, Outcome, Snapshot


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """Times are of the workload: ``speed`` divides them all, and what is measured is multiplied by it again."""

    namespace: str
    service: str
    pod_range: IPv4Network
    speed: float = 1.0
    model: str | None = None
    """Name sent with each request; None lets the engine take its own."""
    wait_seconds: float = 60.0
    """How long a request waits for a first ready endpoint before it counts as ``no endpoint``."""
    request_seconds: float = 600.0
    """A request's whole time, waiting included."""
    max_in_flight: int = 2000
    """A request beyond is not sent and counts as ``client limit``: the client's memory is no part of the experiment."""
    seed: int = 1
    """Of the random choice among the endpoints."""


class Replay:
    """One run of a workload. ``snapshot`` may be called any time, also after the end."""

    def __init__(self, client: ApiClient, workload: Sequence[Arrival], settings: ReplaySettings) -> None:
        self._workload = workload
        self._settings = settings
        self._endpoints = Endpoints(DiscoveryV1Api(client), settings.namespace, settings.service, settings.pod_range)
        self._measurements = Measurements()
        self._rng = random.Random(settings.seed)
        self._began: float | None = None
        self._ended_after: float | None = None

    @property
    def duration_seconds(self) -> float:
        """Of the workload: when its last request is due."""
        return self._workload[-1].at_seconds if self._workload else 0.0

    @property
    def ready_endpoints(self) -> int:
        """How many the Service has at this moment."""
        return len(self._endpoints.ready)

    def snapshot(self) -> Snapshot:
        """Everything since the start."""
        return self._measurements.total(self._elapsed())

    def take_interval(self) -> Snapshot:
        """Everything since the last call of this method."""
        return self._measurements.take_interval(self._elapsed())

    async def run(self) -> Snapshot:
        """Send everything, wait for every answer (each is bounded), and return the totals.

        The bound of the whole: ``duration_seconds`` + ``request_seconds``, divided by the speed. Cancelling ends the
        open requests; they stay in flight in the counts.
        """
        self._began = asyncio.get_running_loop().time()
        async with open_session(self._settings.max_in_flight) as session:
            following = asyncio.create_task(self._endpoints.run(), name="endpoints")
            try:
                sending = asyncio.create_task(self._send_all(session), name="send")
                await asyncio.wait((following, sending), return_when=asyncio.FIRST_COMPLETED)
                if following.done():
                    sending.cancel()
                    following.result()
                await sending
            finally:
                sending.cancel()
                following.cancel()
                await asyncio.gather(following, sending, return_exceptions=True)
        self._ended_after = self._elapsed()
        return self.snapshot()

    async def _send_all(self, session: aiohttp.ClientSession) -> None:
        """Each request at its time; a loop that is late sends at once and catches up."""
        loop = asyncio.get_running_loop()
        began, speed = loop.time(), self._settings.speed
        async with asyncio.TaskGroup() as requests:
            for arrival in self._workload:
                ahead_seconds = began + arrival.at_seconds / speed - loop.time()
                if ahead_seconds > 0:
                    await asyncio.sleep(ahead_seconds)
                self._measurements.sent()
                if self._measurements.in_flight > self._settings.max_in_flight:
                    self._measurements.ended(Outcome(None, 0.0, "client limit"))
                else:
                    requests.create_task(self._send(session, arrival))

    async def _send(self, session: aiohttp.ClientSession, arrival: Arrival) -> None:
        """One request from its wish to its last byte; its latency counts from the wish."""
        loop, settings = asyncio.get_running_loop(), self._settings
        wished_at = loop.time()
        first_token_at: float | None = None
        error: str | None = "no endpoint"
        if await self._some_endpoint():
            url = self._rng.choice(self._endpoints.ready).url
            left_seconds = settings.request_seconds / settings.speed - (loop.time() - wished_at)
            answer = await ask(session, url, arrival, settings.model, max(0.001, left_seconds))
            first_token_at, error = answer.first_token_at, answer.error
        first = None if first_token_at is None else (first_token_at - wished_at) * settings.speed
        self._measurements.ended(Outcome(first, (loop.time() - wished_at) * settings.speed, error))

    async def _some_endpoint(self) -> bool:
        """At least one endpoint is ready, at the latest after ``wait_seconds``."""
        if self._endpoints.ready:
            return True
        try:
            async with asyncio.timeout(self._settings.wait_seconds / self._settings.speed):
                await self._endpoints.wait()
        except TimeoutError:
            return False
        return bool(self._endpoints.ready)

    def _elapsed(self) -> float:
        """Seconds of the workload since ``run`` began; stands still once it ended."""
        if self._began is None:
            return 0.0
        if self._ended_after is not None:
            return self._ended_after
        return (asyncio.get_running_loop().time() - self._began) * self._settings.speed
