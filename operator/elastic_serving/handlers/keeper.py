"""When a serving's memory is saved: before the actions of a changed decision, otherwise now and then."""

from dataclasses import dataclass

import structlog

from elastic_serving.act.memory import Remembered, load, save
from elastic_serving.api.models import ElasticServing
from elastic_serving.handlers.shell import Shell
from elastic_serving.scaling.decide import Decided
from elastic_serving.scaling.memory import Memory, restored
from elastic_serving.scaling.model import Decision, Failure

log = structlog.get_logger(__name__)

QUIET_SECONDS = 60.0
"""Interval of saves that would only move times: what is not saved counts as the saved desired after a restart."""


@dataclass(slots=True)
class Keeper:
    """The memory of one serving. It advances only when what must be saved was saved, so a failed save decides anew."""

    memory: Memory | None
    failures: tuple[Failure, ...]
    last_change: Decision | None
    """The last decision that changed desired, also of an earlier process."""
    _saved: Remembered
    _saved_at: float = float("-inf")

    @classmethod
    async def open(cls, shell: Shell, serving: ElasticServing, now: float) -> "Keeper":
        """What an earlier process saved, or nothing. Raises as the API does: not knowing, nothing may be decided."""
        found = await load(shell.api, serving)
        if found.problem:
            log.warning(
                "memory lost",
                namespace=serving.metadata.namespace,
                serving=serving.metadata.name,
                reason=found.problem,
            )
        saved = found.remembered
        memory = None if saved.memory is None else restored(saved.memory, now)
        return cls(memory, saved.failures, saved.last_change, saved)

    async def keep(
        self, shell: Shell, serving: ElasticServing, decided: Decided, failures: tuple[Failure, ...]
    ) -> None:
        """Advance to ``decided`` and ``failures``, saved first where they must not be lost. Raises as the API does."""
        last_change = decided.decision if decided.decision.changed else self.last_change
        remembered = Remembered(decided.memory, failures, last_change)
        age = shell.clock() - self._saved_at
        quiet = _says(remembered) == _says(self._saved)
        if self._must_save(remembered) or age >= (QUIET_SECONDS if quiet else shell.wiring.memory_interval_seconds):
            await save(shell.api, serving, remembered)
            self._saved, self._saved_at = remembered, shell.clock()
        self.memory, self.failures, self.last_change = decided.memory, failures, last_change

    def _must_save(self, remembered: Remembered) -> bool:
        """What a restart must not forget: the desired number, if only as advice, who left by itself, the failures."""
        return _lasting(remembered) != _lasting(self._saved)


def _lasting(remembered: Remembered) -> tuple[object, ...]:
    memory = remembered.memory
    return (remembered.failures, *((memory.desired, memory.advised, memory.retired) if memory else ()))


def _says(remembered: Remembered) -> tuple[object, ...]:
    """The memory without its times."""
    memory = remembered.memory
    if memory is None:
        return ()
    numbers = tuple(tuple(n for _, n in marks) for marks in (memory.lows, memory.highs, memory.changes))
    clocks = (memory.idle_since, memory.missing_since, memory.burst_at)
    return (memory.desired, numbers, *(clock is None for clock in clocks))
