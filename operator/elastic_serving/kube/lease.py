"""One leader: the Lease election of kubernetes.aio, with the guards it lacks.

As released in 37.0.2 its calls may take 300 s, one refused connection ends it with the leading task alive, and a
leader on a frozen connection acts on beside its successor. So each call here has a timeout and answers False instead of
raising, and a watchdog thread on the monotonic clock ends the process when the last renewal is older than the deadline:
a thread, because an event loop that hangs is one of the ways to miss it.
"""

import asyncio
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import structlog
from kubernetes.aio.client import ApiClient, CoordinationV1Api
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

from elastic_serving.errors import ElasticServingError

log = structlog.get_logger(__name__)

TRANSPORT_ERRORS = (ApiException, aiohttp.ClientError, OSError, TimeoutError, ValueError)
"""ValueError: an answer that is no Lease (a proxy's page) fails in the client's parsing."""
LOST_EXIT_CODE = 70
"""Exit code of a process whose Lease was lost (EX_SOFTWARE); the kubelet starts it again as a follower."""


class LeaseLost(ElasticServingError):
    """This process is no longer the leader and must end."""


@dataclass(frozen=True, slots=True)
class Term:
    """The Lease and its times in seconds: renew < duration, so that a leader ends before a follower may start."""

    name: str
    namespace: str
    identity: str
    duration_seconds: float
    renew_seconds: float
    retry_seconds: float

    @property
    def call_seconds(self) -> float:
        """Bound of one call: three fit into the time in which a renewal must succeed."""
        return max(0.5, self.renew_seconds / 3)


class Watchdog:
    """Ends the process once ``seconds`` pass without ``fed()``; idle until the first feeding."""

    def __init__(self, seconds: float, end_process: Callable[[int], None] = os._exit) -> None:
        self._seconds = seconds
        self._end_process = end_process
        self._fed_at: float | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start the thread; it does not keep the process alive."""
        threading.Thread(target=self._watch, name="lease-watchdog", daemon=True).start()

    def fed(self, at: float) -> None:
        """The Lease was renewed by a request sent at monotonic time ``at``."""
        self._fed_at = at

    def stop(self) -> None:
        """The process ends in order: no longer watch."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(min(0.2, self._seconds / 10)):
            fed_at = self._fed_at
            if fed_at is not None and time.monotonic() - fed_at > self._seconds:
                log.error("lease lost", reason="not renewed in time", renew_seconds=self._seconds)
                self._end_process(LOST_EXIT_CODE)
                return


class _GuardedLock(LeaseLock):
    """The Lease as a lock: bounded calls, no exception but a clean answer, and the watchdog fed by each renewal."""

    def __init__(self, term: Term, api_client: ApiClient, watchdog: Watchdog) -> None:
        super().__init__(term.name, term.namespace, term.identity, api_client)
        self._timeout = term.call_seconds
        self._watchdog = watchdog
        self._has_led = False

    async def get(
        self, name: str, namespace: str
    ) -> tuple[bool, LeaderElectionRecord] | tuple[bool, Exception] | tuple[bool, None]:
        try:
            lease = await self.api_instance.read_namespaced_lease(name, namespace, _request_timeout=self._timeout)
        except TRANSPORT_ERRORS as error:
            return False, _as_api_exception(error, name, namespace)
        self.lease_reference = lease
        record = self.election_record(lease)
        if self._has_led and record.holder_identity not in (None, self.identity):
            raise LeaseLost(f"Lease {namespace}/{name} is held by {record.holder_identity}")
        return True, record

    async def create(self, name: str, namespace: str, election_record: LeaderElectionRecord) -> bool:
        """Never: the chart renders the Lease, and the operator may not create one."""
        del election_record
        log.error("lease missing", lease=f"{namespace}/{name}", reason="the chart renders it; install the chart")
        return False

    async def update(self, name: str, namespace: str, updated_record: LeaderElectionRecord) -> bool:
        sent_at = time.monotonic()
        lease = self.lease_reference
        if lease is None:
            return False
        lease.spec = self.update_lease(updated_record, lease.spec)
        try:
            await self.api_instance.replace_namespaced_lease(
                name=name, namespace=namespace, body=lease, _request_timeout=self._timeout
            )
        except TRANSPORT_ERRORS as error:
            log.warning("lease not renewed", reason=str(_as_api_exception(error, name, namespace).reason))
            return False
        self._watchdog.fed(sent_at)
        self._has_led = True
        return True


async def lead(term: Term, api_client: ApiClient, leading: asyncio.Event, watchdog: Watchdog) -> None:
    """Take the Lease, set ``leading``, renew until it is lost; then raise LeaseLost. Never returns."""

    async def started() -> None:
        log.info("leading", lease=f"{term.namespace}/{term.name}", identity=term.identity)
        leading.set()

    async def stopped() -> None:
        log.error("lease lost", lease=f"{term.namespace}/{term.name}", identity=term.identity)

    config = Config(
        _GuardedLock(term, api_client, watchdog),
        lease_duration=math.ceil(term.duration_seconds),  # whole: it is stored as an integer
        renew_deadline=term.renew_seconds,
        retry_period=term.retry_seconds,
        onstarted_leading=started,
        onstopped_leading=stopped,
    )
    await LeaderElection(config).run()
    raise LeaseLost(f"Lease {term.namespace}/{term.name} was not renewed within {term.renew_seconds:g} s")


async def release(term: Term, api_client: ApiClient) -> None:
    """Give the Lease up if it is ours, so that a follower need not wait until it runs out. Failing delays, no more.

    For a leader whose work has ended: whoever still writes would act beside its successor.
    """
    api = CoordinationV1Api(api_client)
    try:
        lease = await api.read_namespaced_lease(term.name, term.namespace, _request_timeout=term.call_seconds)
        if lease.spec is None or lease.spec.holder_identity != term.identity:
            return
        lease.spec.holder_identity = None
        await api.replace_namespaced_lease(
            name=term.name, namespace=term.namespace, body=lease, _request_timeout=term.call_seconds
        )
    except TRANSPORT_ERRORS as error:
        log.warning("lease not released", reason=str(_as_api_exception(error, term.name, term.namespace).reason))
    else:
        log.info("lease released", lease=f"{term.namespace}/{term.name}", identity=term.identity)


def _as_api_exception(error: Exception, name: str, namespace: str) -> ApiException:
    """The error in the one form that the election reads: its ``reason`` and, if there is one, its ``body``."""
    if isinstance(error, ApiException):
        return error
    return ApiException(status=0, reason=f"Lease {namespace}/{name}: {type(error).__name__} {error}".strip())
