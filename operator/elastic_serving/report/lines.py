"""One JSON line for what a pass saw and decided, and back: enough for ``decide`` to give the same decision again.

A line is an observation (at, replicas, signals, and where they matter missing and retired) with the memory it was
decided from and the decision: at, from, to, recommendation, signal, reason, steps. Floats come back to the last bit.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from pydantic.alias_generators import to_camel

from elastic_serving.scaling.memory import Memory, to_dict
from elastic_serving.scaling.model import (
    Boot,
    Decision,
    Flow,
    Inventory,
    Missing,
    PerReplica,
    Reading,
    ReplicaCounts,
    Sample,
    Seen,
)

Count: TypeAlias = Annotated[FiniteFloat, Field(ge=0)]


class _Signal(BaseModel):
    """A fleet total or one number a replica; a bare number in the line is a total as old as the line."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)

    value: FiniteFloat | None = None
    per_replica: dict[str, float | None] | None = None
    sampled_at: FiniteFloat | None = None


class _Flow(BaseModel):
    """Requests running, waiting and finished so far; without a time as old as the line."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)

    running: Count
    waiting: Count
    finished: Count
    sampled_at: FiniteFloat | None = None


class _Boot(BaseModel):
    """A cold start that succeeded."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)

    ready_at: FiniteFloat
    seconds: Count


class _Observation(BaseModel):
    """What it does not know (a decision, pods) is left alone: a record is an observation too."""

    model_config = ConfigDict(strict=True)

    at: FiniteFloat
    replicas: ReplicaCounts
    signals: dict[str, FiniteFloat | _Signal | None]
    missing: dict[str, Missing] = {}
    """Why a null is null; without it a null is an empty answer."""
    retired: tuple[str, ...] = ()
    flow: _Flow | None = None
    boots: tuple[_Boot, ...] = ()
    memory: Memory | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a line says was seen, and the memory it was decided from (None: a first pass)."""

    seen: Seen
    memory: Memory | None


def line(
    seen: Seen, memory: Memory | None, decision: Decision, about: Mapping[str, object] = MappingProxyType({})
) -> str:
    """The record of one pass, without a newline. ``memory`` is the one before the decision.

    ``about`` comes first: whose record it is, and the spec it was decided under.
    """
    missing = {outcome.name: outcome.missing for outcome in decision.signals if outcome.missing is not None}
    missing |= {name: reading for name, reading in seen.signals if isinstance(reading, Missing)}
    record: dict[str, object] = {
        **about,
        "at": seen.at,
        "replicas": {name: part for name, part in asdict(seen.replicas).items() if part != ()},
        "signals": {name: None if name in missing else _plain(reading) for name, reading in seen.signals},
        "missing": {name: asdict(why) for name, why in missing.items()},
        "retired": seen.retired,
        "flow": {} if seen.flow is None else _camel(asdict(seen.flow)),
        "boots": tuple(_camel(asdict(boot)) for boot in seen.boots),
        "memory": None if memory is None else to_dict(memory),
        "decision": decided(decision),
    }
    return json.dumps({key: part for key, part in record.items() if part not in ({}, ())}, allow_nan=False)


def decided(decision: Decision) -> dict[str, object]:
    """A decision as plain JSON values."""
    steps = ({"stage": s.stage, "in": s.before, "out": s.after, "reason": s.reason} for s in decision.steps)
    return {
        "at": decision.at,
        "from": decision.current,
        "to": decision.desired,
        "recommendation": decision.recommendation,
        "signal": decision.signal,
        "reason": decision.why,
        "steps": list(steps),
    }


def parse(text: str) -> Recorded:
    """What ``line`` wrote, or an observation written by hand. Raises ValueError that names the field."""
    try:
        found = _Observation.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'line'}: {first['msg']}") from error
    signals = tuple((name, _reading(part, found.missing.get(name), found.at)) for name, part in found.signals.items())
    flow = None
    if found.flow is not None:
        at = found.at if found.flow.sampled_at is None else found.flow.sampled_at
        flow = Flow(found.flow.running, found.flow.waiting, found.flow.finished, at)
    boots = tuple(Boot(boot.ready_at, boot.seconds) for boot in found.boots)
    seen = Seen(found.at, found.replicas, signals, Inventory(found.at), found.retired, flow, boots)
    return Recorded(seen, found.memory)


def _camel(fields: Mapping[str, object]) -> dict[str, object]:
    return {to_camel(name): value for name, value in fields.items()}


def _plain(reading: Reading) -> dict[str, object] | None:
    if isinstance(reading, Sample) and math.isfinite(reading.value):
        return {"value": reading.value, "sampledAt": reading.sampled_at}
    if isinstance(reading, PerReplica):
        values = {name: number if number is None or math.isfinite(number) else None for name, number in reading.values}
        return {"perReplica": values, "sampledAt": reading.sampled_at}
    return None


def _reading(part: float | _Signal | None, missing: Missing | None, at: float) -> Reading:
    if isinstance(part, float):
        return Sample(part, at)
    sampled_at = at if part is None or part.sampled_at is None else part.sampled_at
    if part is not None and part.per_replica is not None:
        return PerReplica(tuple(part.per_replica.items()), sampled_at)
    if part is not None and part.value is not None:
        return Sample(part.value, sampled_at)
    return missing or Missing("Empty", "null in the observation")
