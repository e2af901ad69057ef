"""One engine's requests on the event loop: the service model driven by one timer, tickets to await, faults."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from dev.engines.exposition import Page, VllmMetrics
from dev.engines.service_model import Change, Finished, Job, Run, ServiceModel, ServiceTimes, Started

KV_TOKENS_PER_SLOT: Final = 2048
"""The cache holds this many tokens for each slot; a fuller one reads 1.0 and preempts nothing."""


class Fault(StrEnum):
    """What an engine can be told to do wrong while it serves."""

    NONE = "none"
    HANG = "hang"
    """Accepts requests and answers none; the gauges read 0/0 and /health 200, as a hung vLLM's do."""
    SLOW = "slow"
    """Requests that start from now on take ``factor`` times as long."""
    ERROR500 = "error500"
    """Every new completion is answered 500."""
    UNHEALTHY = "unhealthy"
    """/health answers 503, as with a dead engine core."""
    WRONG_METRICS = "wrong_metrics"
    NAN_METRICS = "nan_metrics"
    HTML_METRICS = "html_metrics"


_PAGES: Final = {
    Fault.WRONG_METRICS: Page.RENAMED,
    Fault.NAN_METRICS: Page.NAN,
    Fault.HTML_METRICS: Page.HTML,
}


@dataclass(frozen=True, slots=True)
class Pin:
    """Numbers the load gauges show instead of the truth; None shows the truth. Requests are served as ever."""

    running: float | None = None
    waiting: float | None = None


@dataclass(slots=True, eq=False)
class Ticket:
    """One accepted request. ``finished`` is set when its last token is out; it never carries an exception."""

    job: Job
    started: asyncio.Future[None] = field(repr=False)
    finished: asyncio.Future[None] = field(repr=False)


class EngineCore:
    """Accepts requests, tells when they start and finish, and writes the metrics page. Lives on one event loop."""

    def __init__(self, slots: int, times: ServiceTimes, model_name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._model = ServiceModel(slots, times)
        self._metrics = VllmMetrics(model_name)
        self._kv_tokens = slots * KV_TOKENS_PER_SLOT
        self._tickets: dict[int, Ticket] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.fault = Fault.NONE
        self.pin = Pin()
        self.accepted = 0

    @property
    def running(self) -> int:
        """Requests in a slot: the truth, whatever the gauges are made to show."""
        self._see()
        return self._model.running

    @property
    def waiting(self) -> int:
        """Requests in the queue: the truth."""
        self._see()
        return self._model.waiting

    def submit(self, prompt_tokens: int, output_tokens: int) -> Ticket:
        """A ticket for the request, which starts at once or waits its turn."""
        now = self._loop.time()
        self._dispatch(self._model.advance(now))
        job = self._model.arrive(now, prompt_tokens, output_tokens)
        ticket = Ticket(job, self._loop.create_future(), self._loop.create_future())
        self._tickets[job.id] = ticket
        self._idle.clear()
        self.accepted += 1
        self._dispatch(self._model.advance(now))
        return ticket

    def abandon(self, ticket: Ticket) -> None:
        """The client is gone: its slot is free from now on. A finished ticket is left as it is."""
        if self._tickets.pop(ticket.job.id, None) is None:
            return
        self._metrics.ended_early("abort")
        self._dispatch(self._model.abort(ticket.job.id, self._loop.time()))

    def run_of(self, ticket: Ticket) -> Run | None:
        """The ticket's place in time while it is in a slot; it moves when the engine stood still."""
        return self._model.run_of(ticket.job.id)

    @property
    def is_frozen(self) -> bool:
        """Hung: no token leaves."""
        return self._model.is_frozen

    def set_fault(self, fault: Fault, factor: float) -> None:
        """Replace the present fault; ``NONE`` lets everything go on where it stood."""
        now = self._loop.time()
        self.fault = fault
        self._model.slow_down(factor if fault is Fault.SLOW else 1.0)
        self._dispatch(self._model.freeze(now) if fault is Fault.HANG else self._model.thaw(now))

    async def wait_idle(self) -> None:
        """Returns when nothing runs or waits."""
        await self._idle.wait()

    def page(self) -> bytes:
        """The /metrics page as of now."""
        self._see()
        hung = self._model.is_frozen
        running = 0 if hung else self._model.running
        waiting = 0 if hung else self._model.waiting
        return self._metrics.page(
            running=running if self.pin.running is None else self.pin.running,
            waiting=waiting if self.pin.waiting is None else self.pin.waiting,
            kv_cache=0.0 if hung else self._kv_cache(),
            kind=_PAGES.get(self.fault, Page.RIGHT),
        )

    def close(self) -> None:
        """Stop the timer; tickets that are still out stay unfinished."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _kv_cache(self) -> float:
        """Share of the cache that holds tokens of running requests, 0 to 1, to three digits."""
        now = self._loop.time()
        tokens = sum(run.job.prompt_tokens + run.tokens_at(now) for run in self._model.runs)
        return round(min(1.0, tokens / self._kv_tokens), 3)

    def _see(self) -> None:
        """Bring the model up to now."""
        self._dispatch(self._model.advance(self._loop.time()))

    def _dispatch(self, changes: tuple[Change, ...]) -> None:
        """Tell the tickets what happened and set the timer to the next change."""
        for change in changes:
            match change:
                case Started(run):
                    self._metrics.started(run)
                    _settle(self._tickets[run.job.id].started)
                case Finished(run):
                    self._metrics.finished(run)
                    _settle(self._tickets.pop(run.job.id).finished)
        if not self._model.in_flight:
            self._idle.set()
        at = self._model.next_change_at
        if self._timer is not None and self._timer.when() != at:
            self.close()
        if at is not None and self._timer is None:
            self._timer = self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._see()


def _settle(future: asyncio.Future[None]) -> None:
    """Done, unless whoever waited was cancelled meanwhile."""
    if not future.done():
        future.set_result(None)
