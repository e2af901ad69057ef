"""An operator that is killed at named points between its writes, and started again at once, as by the kubelet."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from elastic_serving.commands.records import files_of, records_in
from elastic_serving.report.replay import differences
from tests.support.calls import Call
from tests.support.cluster import eventually
from tests.support.operator import Operator
from tests.support.proxy import Proxy

LIFETIME_SECONDS: Final = 3600.0
"""Longer than any test."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place between two writes: right before one was passed on, or right after the API server did it.

    In both cases the operator gets no answer. ``phase`` is the step of the scenario, ``what`` the write: as calls.py
    names it, or ``drain pod 2``, the second pod that is drained in the phase, whichever pod the operator chose.
    """

    phase: str
    side: str
    what: str

    def __str__(self) -> str:
        return f"{self.phase}: {self.side} {self.what}"


@dataclass(slots=True)
class Life:
    """One operator behind one proxy, and the points at which it dies, each once."""

    operator: Operator
    proxy: Proxy
    points: Sequence[Point]
    phase: str = ""
    reached: list[Point] = field(default_factory=list)
    _pods: dict[str, list[str]] = field(default_factory=dict)
    _dead: bool = False

    def enter(self, phase: str) -> None:
        """The next step of the scenario begins; pods are counted afresh."""
        self.phase, self._pods = phase, {}

    def due(self) -> list[Point]:
        """Points of the present phase that were not reached yet."""
        return [point for point in self.points if point.phase == self.phase and point not in self.reached]

    @asynccontextmanager
    async def lived(self) -> AsyncIterator[None]:
        """The operator runs meanwhile, again and again; an end that was not our kill is raised."""
        self.proxy.reached = self._kill
        self.operator.start(wait=False)
        try:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(self._revive(), name="kubelet")
                yield
                task.cancel()
        finally:
            self.operator.kill()

    def _kill(self, call: Call, side: str) -> bool:
        """Called by the proxy's thread. What a dead process sent still arrives, as it would."""
        point = Point(self.phase, side, self._named(call.what))
        process = self.operator.process
        if self._dead or process is None or point not in self.due():
            return False
        self._dead = True
        process.kill()
        self.reached.append(point)
        return True

    def _named(self, what: str) -> str:
        """Name of a write of which it does not matter which pod it is of: ``lift pod 1``."""
        verb, _, pod = what.partition(" pods/")
        if not pod:
            return what
        told = self._pods.setdefault(verb, [])
        if pod not in told:
            told.append(pod)
        return f"{verb} pod {told.index(pod) + 1}"

    async def _revive(self) -> None:
        while True:
            code = await eventually(self._exit_code, LIFETIME_SECONDS)
            assert code == -signal.SIGKILL, f"the operator ended by itself with {code}; see {self.operator.log}"
            self.operator.start(wait=False)
            self._dead = False

    def _exit_code(self) -> int | None:
        assert self.operator.process is not None
        return self.operator.process.poll()


def replayed_differently(directory: Path) -> tuple[int, list[str]]:
    """How many decisions ``directory`` records, and those that another ``decide`` does not give again."""
    records = [found for path in files_of((directory,)) for _, found in records_in(path)]
    return len(records), [f"{found.seen.at}: {each}" for found in records for each in differences(found)]
