"""One JSON line for what a pass saw and decided, and back: enough for ``decide`` to give the same decision again.

A line is an observation (at, replicas, signals, and where they matter missing and retired) with the memory it was
decided from and the decision: at, from, to, recommendation, signal, reason, steps. Floats come back to the last bit.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError
from pydantic.alias_generators import to_camel

from elastic_serving.scaling.memory import Memory, to_dict
from elastic_serving.scaling.model import (
    Decision,
    Inventory,
    Missing,
    PerReplica,
    Reading,
    ReplicaCounts,
    Sample,
    Seen,
    Step,
)


class _Line(BaseModel):
    """Fields it does not know (a decision, pods) are left alone: a record is an observation too."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class _Total(_Line):
    value: FiniteFloat
    sampled_at: FiniteFloat | None = None


class _Replicas(_Line):
    per_replica: dict[str, float | None]
    sampled_at: FiniteFloat | None = None


class _Observation(_Line):
    at: FiniteFloat
    replicas: ReplicaCounts
    signals: dict[str, float | _Total | _Replicas | None]
    missing: dict[str, Missing] = {}
    """Why a null is null; without it a null is an empty answer."""
    retired: tuple[str, ...] = ()
    memory: Memory | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a line says was seen, and the memory it was decided from (None: a first pass)."""

    seen: Seen
    memory: Memory | None


def line(
    seen: Seen, memory: Memory | None, decision: Decision, about: Mapping[str, object] = MappingProxyType({})
) -> str:
    """The record of one pass, without a newline. ``about`` goes first: whose it is (a name, the spec)."""
    unusable = {outcome.name: outcome.missing for outcome in decision.signals if outcome.missing is not None}
    unusable |= {name: reading for name, reading in seen.signals if isinstance(reading, Missing)}
    record: dict[str, object] = {
        **about,
        "at": seen.at,
        "replicas": asdict(seen.replicas),
        "signals": {name: None if name in unusable else _plain(reading) for name, reading in seen.signals},
        "missing": {name: asdict(missing) for name, missing in unusable.items()},
        "retired": seen.retired,
        "memory": None if memory is None else to_dict(memory),
        "decision": decided(decision),
    }
    return json.dumps({key: part for key, part in record.items() if part not in ({}, ())}, allow_nan=False)


def decided(decision: Decision) -> dict[str, object]:
    """A decision as plain JSON values."""
    return {
        "at": decision.at,
        "from": decision.current,
        "to": decision.desired,
        "recommendation": decision.recommendation,
        "signal": decision.signal,
        "reason": decision.why,
        "steps": [_step(step) for step in decision.steps],
    }


def parse(text: str) -> Recorded:
    """What ``line`` wrote, or an observation written by hand. Raises ValueError that names the field."""
    try:
        found = _Observation.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'line'}: {first['msg']}") from error
    signals = tuple((name, _reading(part, found.missing.get(name), found.at)) for name, part in found.signals.items())
    seen = Seen(found.at, found.replicas, signals, Inventory(found.at), found.retired)
    return Recorded(seen, found.memory)


def _step(step: Step) -> Mapping[str, object]:
    return {"stage": step.stage, "in": step.before, "out": step.after, "reason": step.reason}


def _plain(reading: Reading) -> Mapping[str, object] | None:
    if isinstance(reading, Sample) and math.isfinite(reading.value):
        return {"value": reading.value, "sampledAt": reading.sampled_at}
    if isinstance(reading, PerReplica):
        values = {name: number if number is None or math.isfinite(number) else None for name, number in reading.values}
        return {"perReplica": values, "sampledAt": reading.sampled_at}
    return None


def _reading(part: float | _Total | _Replicas | None, missing: Missing | None, at: float) -> Reading:
    if part is None:
        return missing or Missing("Empty", "null in the observation")
    if isinstance(part, float):
        return Sample(part, at)
    sampled_at = at if part.sampled_at is None else part.sampled_at
    if isinstance(part, _Total):
        return Sample(part.value, sampled_at)
    return PerReplica(tuple(part.per_replica.items()), sampled_at)
