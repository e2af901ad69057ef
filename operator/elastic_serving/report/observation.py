"""An observation as a line of JSON: what a decision is made from, written by the operator or by hand.

This is the one parser of the format, and the source of its JSON schema. ``lines`` writes what it reads. Times are
seconds since the epoch (UTC).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from elastic_serving.api.base import Whole
from elastic_serving.api.parse import sentence
from elastic_serving.scaling.memory import Memory, from_dict
from elastic_serving.scaling.model import (
    Boot,
    Flow,
    Inventory,
    Latency,
    Missing,
    PerReplica,
    Reading,
    ReplicaCounts,
    Sample,
    Seen,
)

LATEST: Final = 253_402_300_799.0
"""The last second of the year 9999: whoever writes milliseconds is told so by this limit."""

Count: TypeAlias = Annotated[FiniteFloat, Field(ge=0)]
Replicas: TypeAlias = Annotated[Whole, Field(ge=0, le=1_000_000)]


class _Part(BaseModel):
    """A mistyped field is refused, not passed over."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, extra="forbid", use_attribute_docstrings=True)


class ReplicasSeen(_Part):
    """Replicas, by what they are doing."""

    current: Replicas
    """The number decided last. It begins a memory where there is none, and is otherwise ignored."""
    ready: Replicas
    """In the Service and ready."""
    starting: Replicas
    """Created and not ready yet."""
    standby: Replicas = 0
    """Started and not in the Service."""
    ages: tuple[Count, ...] = ()
    """Seconds since each starting replica was created, oldest first; empty where nobody knows."""


class LatencySeen(_Part):
    """What the requests of the last minute saw, for a signal of type Latency."""

    met: Annotated[FiniteFloat, Field(ge=0, le=1)]
    """Part of the requests, 0 to 1, that kept every budget of the signal."""
    ttft_seconds: Count | None = None
    """Seconds to the first token at the signal's percentile."""
    tpot_seconds: Count | None = None
    """Seconds between tokens at the signal's percentile."""
    sampled_at: FiniteFloat | None = None
    """When it was measured. Absent: as old as the line."""


class SignalSeen(_Part):
    """One of value and perReplica."""

    value: float | None = None
    """The total over the fleet; null where it is missing. A number that is not finite, or below 0, is missing too."""
    per_replica: dict[str, float | None] | None = None
    """The value of each replica that should report, by its index; null for one that did not."""
    sampled_at: FiniteFloat | None = None
    """When it was measured; of several replicas the oldest time. Absent: as old as the line."""
    latency: LatencySeen | None = None
    """Beside perReplica, which then is requests running and waiting: what came of them."""

    @model_validator(mode="after")
    def _says_something(self) -> "SignalSeen":
        if not self.model_fields_set & {"value", "per_replica"}:
            raise ValueError("needs value or perReplica")
        if self.value is not None and self.per_replica is not None:
            raise ValueError("value and perReplica exclude each other")
        return self


class MissingSeen(_Part):
    """Why a signal is missing."""

    kind: str
    """Unreachable, Timeout, Refused, BadAnswer, Empty, NaN, Stale, Unauthorized, NotAsked, or what is no failure:
    NoReplica (none is there to be measured) and NotScraped (those that serve were not scraped yet)."""
    reason: str
    """The end of a sentence."""
    since: FiniteFloat | None = None
    """Since when it is missing."""


class FlowSeen(_Part):
    """Requests in all replicas."""

    running: Count
    """Being answered."""
    waiting: Count
    """In the engines' queues."""
    finished: Count
    """Answered since some moment: a counter, and a smaller number than before means that it began anew."""
    sampled_at: FiniteFloat | None = None
    """When it was measured. Absent: as old as the line."""


class BootSeen(_Part):
    """A cold start that succeeded."""

    ready_at: FiniteFloat
    """When the replica became ready."""
    seconds: Count
    """How long after its creation."""


def _total(given: object) -> object:
    """``{"value": 7}`` for a bare 7."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        return {"value": given}
    if given is not None and not isinstance(given, Mapping):
        raise ValueError(f"{given!r:.99}: must be a number, an object with value or perReplica, or null")
    return given


Signal: TypeAlias = Annotated[
    SignalSeen | None, BeforeValidator(_total, json_schema_input_type=SignalSeen | float | None)
]
Record: TypeAlias = Annotated[dict[str, Any] | None, WithJsonSchema({"type": "object"})]


class Observation(_Part):
    """What was seen at one moment. The operator's records are observations with serving, spec, memory and decision."""

    at: Annotated[FiniteFloat, Field(ge=0, le=LATEST)]
    """When it was seen, and the time of the decision: seconds since the epoch."""
    replicas: ReplicasSeen
    """How many replicas there were."""
    signals: dict[str, Signal]
    """By name: the total over the fleet, an object with value or perReplica, or null where it is missing. A signal of
    the manifest that is not here is missing."""
    missing: dict[str, MissingSeen] = {}
    """Why a null is null; without it a null is an empty answer of Prometheus."""
    retired: tuple[str, ...] = ()
    """Leaders (the uids of their pods) that exited with code 0: each one asks for one replica fewer, once."""
    flow: FlowSeen | None = None
    """Requests on their way, from which rates are learned; absent where they are not known."""
    boots: tuple[BootSeen, ...] = ()
    """Cold starts of the replicas that are there, in the order in which they ended."""
    pods: Annotated[Any, WithJsonSchema({})] = None
    """For whoever reads the line; no decision looks at it."""
    serving: str | None = None
    """Namespace and name: whose observation it is."""
    spec: Record = None
    """The spec it was decided under, as the user wrote it."""
    memory: Annotated[dict[str, Any] | None, WithJsonSchema({"type": ["object", "null"]})] = None
    """What was remembered before the decision; null at a first pass."""
    decision: Record = None
    """What was decided, in the form of the output of decide."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a line says was seen, and the memory it was decided from (None: a first pass); of a record also whose it is,
    the spec and the decision."""

    seen: Seen
    memory: Memory | None
    serving: str = ""
    spec: Mapping[str, Any] | None = None
    decision: Mapping[str, Any] | None = None


def parse(text: str | bytes) -> Recorded:
    """What ``lines.line`` wrote, or an observation written by hand.

    Raises ValueError with the field and the reason: ``signals.Concurrency.value: 'x': input should be a valid number``.
    """
    try:
        found = Observation.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(sentence(error.errors(include_url=False)[0], "the line")) from error
    signals = tuple((name, _reading(part, found.missing.get(name), found.at)) for name, part in found.signals.items())
    replicas, flow = found.replicas, found.flow
    seen = Seen(
        found.at,
        ReplicaCounts(replicas.current, replicas.ready, replicas.starting, replicas.standby, replicas.ages),
        signals,
        Inventory(found.at),
        found.retired,
        None if flow is None else Flow(flow.running, flow.waiting, flow.finished, _time(flow.sampled_at, found.at)),
        tuple(Boot(boot.ready_at, boot.seconds) for boot in found.boots),
    )
    memory = None if found.memory is None else from_dict(found.memory)
    return Recorded(seen, memory, found.serving or "", found.spec, found.decision)


def _reading(part: SignalSeen | None, missing: MissingSeen | None, at: float) -> Reading:
    if part is not None and part.per_replica is not None:
        return PerReplica(tuple(part.per_replica.items()), _time(part.sampled_at, at), _latency(part.latency, at))
    if part is not None and part.value is not None:
        return Sample(part.value, _time(part.sampled_at, at))
    return (
        Missing(missing.kind, missing.reason, missing.since) if missing else Missing("Empty", "null in the observation")
    )


def _latency(part: LatencySeen | None, at: float) -> Latency | None:
    if part is None:
        return None
    return Latency(part.met, _time(part.sampled_at, at), part.ttft_seconds, part.tpot_seconds)


def _time(sampled_at: float | None, at: float) -> float:
    return at if sampled_at is None else sampled_at
