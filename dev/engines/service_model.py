"""What one simulated engine does with its requests: slots, a FIFO queue, times from token counts.

Theory of operation: a request runs in one of ``slots`` places or waits in order of arrival. When it starts, its end is
known (deterministic service times), so the model is a queue of ends: ``advance(now)`` replays every end up to ``now``
in order, and a successor starts exactly when its predecessor ends, however late the caller looks. The caller brings the
clock (seconds, any origin, not going backwards); the model never sleeps.
"""

import heapq
import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ServiceTimes:
    """Seconds a request takes, as on one mid-size GPU; every one is divided by ``speed``.

    Worked example (test ``a request takes prefill plus one decode step per token``): 400 prompt and 50 output tokens
    take 0.03 + 400 x 0.00025 = 0.13 s of prefill and 50 x 0.02 = 1.0 s of decode.
    """

    prefill_base_seconds: float = 0.03
    prefill_token_seconds: float = 0.00025
    decode_token_seconds: float = 0.02
    speed: float = 1.0

    def prefill_seconds(self, prompt_tokens: int) -> float:
        """From start to the beginning of the first decode step."""
        return (self.prefill_base_seconds + prompt_tokens * self.prefill_token_seconds) / self.speed

    def token_seconds(self) -> float:
        """Between two output tokens."""
        return self.decode_token_seconds / self.speed


@dataclass(frozen=True, slots=True)
class Job:
    """One request as the model knows it; ``output_tokens`` is at least 1."""

    id: int
    prompt_tokens: int
    output_tokens: int
    arrived_at: float


@dataclass(frozen=True, slots=True)
class Run:
    """A job in a slot. ``ends_at`` is when its last token is out."""

    job: Job
    started_at: float
    first_token_at: float
    token_seconds: float

    @property
    def ends_at(self) -> float:
        """The first token is out at ``first_token_at``, each further one a token time later."""
        return self.first_token_at + (self.job.output_tokens - 1) * self.token_seconds

    def tokens_at(self, now: float) -> int:
        """Output tokens that are out at ``now``: 0 before the first, never more than asked for."""
        if now < self.first_token_at:
            return 0
        if now >= self.ends_at:
            return self.job.output_tokens
        return min(self.job.output_tokens, 1 + int((now - self.first_token_at) / self.token_seconds))


@dataclass(frozen=True, slots=True)
class Started:
    """A job got its slot."""

    run: Run


@dataclass(frozen=True, slots=True)
class Finished:
    """A job's last token is out; its slot was free from ``run.ends_at`` on."""

    run: Run


Change: TypeAlias = Started | Finished


class ServiceModel:
    """Slots and queue of one engine; it has no clock, each method that depends on time takes ``now``."""

    def __init__(self, slots: int, times: ServiceTimes) -> None:
        if slots < 1:
            raise ValueError(f"slots is {slots}; an engine has at least 1")
        self._slots = slots
        self._times = times
        self._slowdown = 1.0
        self._waiting: OrderedDict[int, Job] = OrderedDict()
        self._runs: dict[int, Run] = {}
        self._ends: list[tuple[float, int]] = []
        self._next_id = 0
        self._frozen_at: float | None = None

    @property
    def running(self) -> int:
        """Jobs in a slot, as of the last ``advance``."""
        return len(self._runs)

    @property
    def waiting(self) -> int:
        """Jobs in the queue, as of the last ``advance``."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """Running and waiting."""
        return self.running + self.waiting

    @property
    def runs(self) -> tuple[Run, ...]:
        """The jobs in their slots, in order of start."""
        return tuple(self._runs.values())

    def run_of(self, job_id: int) -> Run | None:
        """The job in its slot; None while it waits and after its end."""
        return self._runs.get(job_id)

    @property
    def next_change_at(self) -> float | None:
        """When ``advance`` will have something to tell: the earliest end. None while idle or frozen."""
        self._drop_stale_ends()
        return self._ends[0][0] if self._ends and self._frozen_at is None else None

    def arrive(self, now: float, prompt_tokens: int, output_tokens: int) -> Job:
        """The accepted job, at the end of the queue; call ``advance`` to see whether it starts at once."""
        job = Job(self._next_id, prompt_tokens, max(1, output_tokens), now)
        self._next_id += 1
        self._waiting[job.id] = job
        return job

    def advance(self, now: float) -> tuple[Change, ...]:
        """Everything that started and finished up to and including ``now``, in order of time."""
        return tuple(self._changes(now)) if self._frozen_at is None else ()

    def abort(self, job_id: int, now: float) -> tuple[Change, ...]:
        """Take a job out (its client left), and what that let start. An unknown or finished job changes nothing."""
        before = self.advance(now)
        self._waiting.pop(job_id, None)
        self._runs.pop(job_id, None)
        return before if self.is_frozen else (*before, *self._fill(now))

    def slow_down(self, factor: float) -> None:
        """Jobs that start from now on take ``factor`` times as long; 1 is normal."""
        if factor <= 0:
            raise ValueError(f"factor is {factor:g}; it must be above 0")
        self._slowdown = factor

    def freeze(self, now: float) -> tuple[Change, ...]:
        """Nothing starts, ends or produces tokens from ``now`` on; what was due before is returned."""
        due = self.advance(now)
        if self._frozen_at is None:
            self._frozen_at = now
        return due

    def thaw(self, now: float) -> tuple[Change, ...]:
        """Go on where the freeze came: each run ends later by the time it stood still."""
        if self._frozen_at is None:
            return ()
        stood_seconds, self._frozen_at = now - self._frozen_at, None
        self._runs = {
            job_id: replace(run, first_token_at=run.first_token_at + stood_seconds)
            for job_id, run in self._runs.items()
        }
        self._ends = [(run.ends_at, job_id) for job_id, run in self._runs.items()]
        heapq.heapify(self._ends)
        return (*self._fill(now), *self.advance(now))

    @property
    def is_frozen(self) -> bool:
        """Between ``freeze`` and ``thaw``."""
        return self._frozen_at is not None

    def _changes(self, now: float) -> Iterator[Change]:
        """Ends and the starts they allow, earliest first.

        After every call each free slot is used up, so a job that finds one here arrived since and starts on arrival.
        """
        yield from self._fill(-math.inf)
        while (at := self.next_change_at) is not None and at <= now:
            _, job_id = heapq.heappop(self._ends)
            yield Finished(self._runs.pop(job_id))
            yield from self._fill(at)

    def _fill(self, at: float) -> Iterator[Started]:
        """Start waiting jobs while a slot is free; none starts before it arrived."""
        while self._waiting and len(self._runs) < self._slots:
            _, job = self._waiting.popitem(last=False)
            started_at = max(at, job.arrived_at)
            token_seconds = self._times.token_seconds() * self._slowdown
            prefill_seconds = self._times.prefill_seconds(job.prompt_tokens) * self._slowdown
            run = Run(job, started_at, started_at + prefill_seconds + token_seconds, token_seconds)
            self._runs[job.id] = run
            heapq.heappush(self._ends, (run.ends_at, job.id))
            yield Started(run)

    def _drop_stale_ends(self) -> None:
        """Forget the ends of jobs that were aborted."""
        while self._ends and self._ends[0][1] not in self._runs:
            heapq.heappop(self._ends)
