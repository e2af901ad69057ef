"""One JSON line for what a pass saw and decided: enough for ``decide`` to give the same decision again.

A record is an observation (see ``observation``, which reads it) with the memory it was decided from and the decision:
at, from, to, recommendation, signal, reason, steps. Floats come back to the last bit.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType

from pydantic.alias_generators import to_camel

from elastic_serving.scaling.memory import Memory, to_dict
from elastic_serving.scaling.model import Decision, Missing, PerReplica, Reading, Sample, Seen


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
        "missing": {name: asdict(why) for name, why in missing.items()} or (),
        "retired": seen.retired,
        "flow": () if seen.flow is None else _camel(asdict(seen.flow)),
        "boots": tuple(_camel(asdict(boot)) for boot in seen.boots),
        "memory": None if memory is None else to_dict(memory),
        "decision": decided(decision),
    }
    return json.dumps({key: part for key, part in record.items() if part != ()}, allow_nan=False)


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


def _camel(fields: Mapping[str, object]) -> dict[str, object]:
    return {to_camel(name): value for name, value in fields.items()}


def _plain(reading: Reading) -> dict[str, object] | None:
    if isinstance(reading, Sample) and math.isfinite(reading.value):
        return {"value": reading.value, "sampledAt": reading.sampled_at}
    if isinstance(reading, PerReplica):
        values = {name: number if number is None or math.isfinite(number) else None for name, number in reading.values}
        latency = {} if reading.latency is None else {"latency": _camel(asdict(reading.latency))}
        return {"perReplica": values, "sampledAt": reading.sampled_at, **latency}
    return None
