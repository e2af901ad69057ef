"""The run itself: apply the manifest, wait for the first replica, send the traffic, wait for the way back."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from typing import Any, Final, Protocol

from kubernetes.aio.client import ApiClient

from dev.cluster.errors import ClusterError
from dev.demo.audience import Audience
from dev.demo.cloud import EMPTY_SECONDS, Cloud
from dev.demo.recording import LOOK_SECONDS, Change, Moment, Recording
from dev.demo.scale import ColdStart, scaled
from dev.demo.stage import NAMESPACE, Stage
from dev.engines.watch import open_client
from dev.traffic.arrivals import Arrival
from dev.traffic.measure import Quantiles, Snapshot
from dev.traffic.replay import Replay, ReplaySettings
from elastic_serving.api.parse import read_file
from elastic_serving.api.status import ElasticServingStatus

INTERVAL_SECONDS: Final = 10.0
"""Time of the traffic over which answers are summed up: a percentile needs some."""
PATIENCE_SECONDS: Final = 60.0
"""Real seconds that each wait may take beyond the times that were set."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is performed. ``manifest`` is the user's, undivided; ``workload`` has at least one request."""

    title: str
    manifest: Mapping[str, Any]
    workload: Sequence[Arrival]
    speed: float
    cold_start: ColdStart

    @property
    def duration(self) -> float:
        """Seconds of the traffic until its last request is due."""
        return self.workload[-1].at_seconds


@dataclass(frozen=True, slots=True)
class Look:
    """One look as a screen shows it; ``act`` says in a few words what is going on."""

    act: str
    moment: Moment
    status: ElasticServingStatus
    moments: Sequence[Moment]
    changes: Sequence[Change]


class Screen(Protocol):
    """Who shows it."""

    def show(self, look: Look) -> None:
        """The newest look."""


class Performance:
    """One run on a stage; ``perform`` is called once. Its clock counts seconds of the traffic since the act began."""

    def __init__(self, stage: Stage, program: Program, screen: Screen) -> None:
        self._stage = stage
        self._program = program
        self._screen = screen
        self._manifest = scaled(program.manifest, program.speed, program.cold_start)
        self._serving = read_file(self._manifest)
        self._name = self._serving.metadata.name
        self._act = "the first replica starts"
        self._origin = 0.0
        self._replay: Replay | None = None
        self._interval: Snapshot | None = None
        self._moments: list[Moment] = []
        self._looked = asyncio.Event()

    async def perform(self) -> Recording:
        """Everything that was seen. Raises ClusterError (in a group) where a part ends or a wait takes far too long."""
        async with await open_client(self._stage.cluster.kubeconfig) as client:
            self._origin = asyncio.get_running_loop().time()
            audience = Audience(client, NAMESPACE, self._name, self._now)
            async with asyncio.TaskGroup() as group:
                followers = [
                    group.create_task(audience.run(), name="audience"),
                    group.create_task(self._cloud(client).run(), name="cloud"),
                    group.create_task(self._look(audience), name="look"),
                ]
                total = await self._acts(client, audience)
                for task in followers:
                    task.cancel()
        return Recording(
            serving=self._name,
            title=self._program.title,
            speed=self._program.speed,
            target=self._serving.spec.signals[0].target,
            limit=self._serving.spec.scaling.max_replicas,
            moments=tuple(self._moments),
            changes=tuple(audience.changes),
            total=total,
            description=await self._kubectl("describe", "elasticserving", self._name),
        )

    async def _acts(self, client: ApiClient, audience: Audience) -> Snapshot:
        """The three acts; what the clients saw of the second."""
        boot, spec = self._program.cold_start, self._serving.spec
        await self._kubectl("apply", "--filename=-", stdin=json.dumps(self._manifest))
        boot_seconds = boot.provision_seconds + boot.pull_seconds + boot.load_seconds
        await self._until("no replica serves", boot_seconds, lambda: bool(audience.status.serving_replicas))

        self._act = "traffic"
        self._begin(audience)
        self._replay = Replay(client, self._program.workload, self._traffic())
        total = await self._replay.run()

        self._act = "the traffic is over; replicas leave"
        leave_seconds = spec.scaling.behavior.scale_down.stabilization_window_seconds + spec.drain.timeout_seconds
        least = spec.scaling.min_replicas
        await self._until(
            f"there are more than {least} replicas",
            leave_seconds * self._program.speed,
            lambda: audience.status.desired_replicas == least and len(audience.status.replicas) == least,
        )
        return total

    def _begin(self, audience: Audience) -> None:
        """The traffic's clock starts: what was before is below 0."""
        passed, self._origin = self._now(), asyncio.get_running_loop().time()
        self._moments = [replace(moment, at=moment.at - passed) for moment in self._moments]
        audience.changes = [replace(change, seen_at=change.seen_at - passed) for change in audience.changes]

    def _now(self) -> float:
        return (asyncio.get_running_loop().time() - self._origin) * self._program.speed

    def _cloud(self, client: ApiClient) -> Cloud:
        speed = self._program.speed
        return Cloud(
            client,
            product=self._serving.spec.accelerator.gpu.product,
            boot_seconds=self._program.cold_start.provision_seconds / speed,
            empty_seconds=EMPTY_SECONDS / speed,
        )

    def _traffic(self) -> ReplaySettings:
        pods = self._stage.cluster.layout.addresses.pods
        return ReplaySettings(NAMESPACE, self._name, IPv4Network(pods), speed=self._program.speed)

    async def _look(self, audience: Audience) -> None:
        """Look for ever."""
        while True:
            self._stage.operator.must_live()
            moment = await self._moment(audience.status)
            self._moments.append(moment)
            self._screen.show(Look(self._act, moment, audience.status, self._moments, audience.changes))
            self._looked.set()
            self._looked = asyncio.Event()
            await asyncio.sleep(LOOK_SECONDS)

    async def _moment(self, status: ElasticServingStatus) -> Moment:
        engines = await asyncio.to_thread(self._stage.fleet.engines, NAMESPACE)
        in_flight = self._replay.snapshot().in_flight if self._replay else 0
        began = self._interval.at_seconds if self._interval else 0.0
        if self._replay and self._now() - began >= INTERVAL_SECONDS:
            self._interval = self._replay.take_interval()
        seen = self._interval
        return Moment(
            at=self._now(),
            in_flight=in_flight,
            waiting=sum(engine["waiting"] for engine in engines),
            requests_per_second=seen.requests_per_second if seen else 0.0,
            first_token=seen.first_token if seen else Quantiles(None, None),
            desired=status.desired_replicas,
            serving=status.serving_replicas,
            starting=status.starting_replicas,
        )

    async def _until(self, otherwise: str, seconds: float, holds: Callable[[], bool]) -> None:
        """Returns when it holds. ``seconds`` is time of the traffic; ``otherwise`` is what is the case until then."""
        real_seconds = seconds / self._program.speed + PATIENCE_SECONDS
        try:
            async with asyncio.timeout(real_seconds):
                while not holds():
                    await self._looked.wait()
        except TimeoutError as error:
            raise ClusterError(f"after {real_seconds:.0f} s {otherwise}; {self._stage.operator.tail()}") from error

    async def _kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        arguments = (*arguments, f"--namespace={NAMESPACE}")
        return await asyncio.to_thread(self._stage.cluster.kubectl, *arguments, stdin=stdin)
