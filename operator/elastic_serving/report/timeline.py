"""Decisions as a person reads them: a line with the change and its reason, and a line for each step. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from elastic_serving.api.conditions import SCALING_DOWN, SCALING_UP
from elastic_serving.api.status import DecisionStatus
from elastic_serving.api.times import epoch, timestamp
from elastic_serving.report.events import FRESH_SECONDS
from elastic_serving.scaling.model import Decision

_TOLD: Final = re.compile(r"(?P<before>\d+) -> (?P<after>\d+) replicas: (?P<cause>.*)", re.DOTALL)
"""The message of the Event of a decision."""


@dataclass(frozen=True, slots=True)
class Change:
    """One decision, as far as its sources know it. ``at`` is epoch seconds, to the second where no record has it."""

    at: float
    before: int
    after: int
    reason: str = ""
    cause: str = ""
    """The sentence of its Event."""
    steps: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Who told it: record, status, event."""


def change_of(decision: Decision) -> Change:
    """The decision as a change, also where the number stayed."""
    steps = tuple(f"{step.stage}: {step.reason}" for step in decision.steps)
    return Change(decision.at, decision.current, decision.desired, decision.why, steps=steps)


def timeline(
    records: Iterable[Mapping[str, Any]], status: DecisionStatus | None, events: Iterable[Mapping[str, Any]]
) -> tuple[Change, ...]:
    """Every change of the number that any source tells of, each once, newest last.

    ``records`` are decisions as ``lines.decided`` writes them; ``events`` may be about anything. The status knows the
    second of its decision, and an Event comes up to ``FRESH_SECONDS`` after its own.
    """
    made = {(change.at, change.before, change.after): change for change in map(_recorded, records)}
    changes = [change for change in made.values() if change.before != change.after]
    if status is not None:
        _enter(changes, _written(status), within_seconds=1.0)
    for told in sorted(_told(events), key=lambda change: change.at):
        _enter(changes, told, within_seconds=FRESH_SECONDS)
    return tuple(sorted(changes, key=lambda change: change.at))


def _enter(changes: list[Change], new: Change, *, within_seconds: float) -> None:
    """Add ``new``, or what it knows to the change it tells of: the latest that it can be, and once from each source."""
    same = [
        index
        for index, change in enumerate(changes)
        if (change.before, change.after) == (new.before, new.after)
        and _is_told_of(change, new, within_seconds)
        and not set(new.sources) <= set(change.sources)
    ]
    if not same:
        changes.append(new)
        return
    index = max(same, key=lambda index: changes[index].at)
    known = changes[index]
    changes[index] = replace(known, cause=known.cause or new.cause, sources=(*known.sources, *new.sources))


def _is_told_of(change: Change, new: Change, within_seconds: float) -> bool:
    return 0 <= new.at - change.at // 1 < within_seconds


def _recorded(decision: Mapping[str, Any]) -> Change:
    steps = tuple(f"{step['stage']}: {step['reason']}" for step in decision["steps"])
    at, before, after, why = (decision[part] for part in ("at", "from", "to", "reason"))
    return Change(at, before, after, why, steps=steps, sources=("record",))


def _written(status: DecisionStatus) -> Change:
    at = epoch(status.time)
    return Change(at, status.from_, status.to, status.reason, steps=status.steps, sources=("status",))


def _told(events: Iterable[Mapping[str, Any]]) -> Iterable[Change]:
    for event in events:
        words = _TOLD.fullmatch(str(event.get("message")))
        if event.get("reason") in (SCALING_UP, SCALING_DOWN) and words and event.get("firstTimestamp"):
            at, before, after = epoch(event["firstTimestamp"]), int(words["before"]), int(words["after"])
            yield Change(at, before, after, cause=words["cause"], sources=("event",))


def block(change: Change) -> str:
    """``2026-11-22T04:51:30Z  1 -> 3  Concurrency`` and a line for each step, indented."""
    head = f"{timestamp(change.at)}  {change.before} -> {change.after}  {change.reason}".rstrip()
    return "\n  ".join((head, *([change.cause] if change.cause else ()), *change.steps))


def as_json(change: Change) -> str:
    """The change as one line of JSON."""
    return json.dumps(
        {
            "time": timestamp(change.at),
            "from": change.before,
            "to": change.after,
            "reason": change.reason,
            "cause": change.cause,
            "steps": change.steps,
            "sources": change.sources,
        }
    )
