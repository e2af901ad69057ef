"""What is measured: the signals of a serving, as written and as meant."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from elastic_serving.api.base import Model, Number, Truth, Whole
from elastic_serving.api.rules import Kind, Rule, shaped, value

TARGET_SHARE: Final = 0.7
"""Part of engine.maxConcurrency that Concurrency aims at: the rest takes new requests while a replica starts."""
CACHE_TARGET: Final = 0.8
"""Part of the KV cache that KVCache aims at: the rest is what running answers still grow by before vLLM preempts."""
PERCENTILE: Final = 95.0
QUERY_INTERVAL_SECONDS: Final = 15
WAIT_SECONDS: Final = 5.0
WAIT_PROBABILITY: Final = 0.01
_NAME: Final = "[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?"


class SignalType(StrEnum):
    """What a signal reads."""

    CONCURRENCY = "Concurrency"
    QUEUE_DEPTH = "QueueDepth"
    TOKENS = "Tokens"
    KV_CACHE = "KVCache"
    LATENCY = "Latency"
    ERLANG = "Erlang"
    COMBINED = "Combined"
    PROMETHEUS = "Prometheus"


class TargetType(StrEnum):
    """HPA's words: AverageValue divides the answer by the target, Value multiplies the replicas by answer / target."""

    AVERAGE_VALUE = "AverageValue"
    VALUE = "Value"


class Combine(StrEnum):
    """How the terms of a Combined signal become one."""

    SUM = "Sum"
    MAX = "Max"


class Term(Model):
    """One signal in a Combined one."""

    signal: Annotated[str, Field(min_length=1, max_length=40)]
    """Name of another signal of the list, not a Combined one."""
    weight: Annotated[Number, Field(gt=0, le=1e6)] = 1
    """What the signal's value is multiplied with. Default 1: the units are the same."""
    missing: Annotated[Number, Field(ge=0, le=1e12)] | None = None
    """Total of this signal to go on with where it is missing. Default: none, then the Combined signal is missing, too.
    A signal without a replica to measure counts as 0 and is not missing."""


def _only_for(type_: SignalType, path: str) -> Rule:
    return Rule(
        cel=f"self.type == '{type_}' || !has(self.{path})",
        holds=lambda signal: signal.type is type_ or value(path).read(signal) is None,
        sentence=f"{path} goes with type {type_} only; the type is %s",
        values=(value("type"),),
        path=f".{path}",
        kind=Kind.FORBIDDEN,
    )


_WITHOUT_TARGET: Final = (SignalType.CONCURRENCY, SignalType.KV_CACHE, SignalType.LATENCY, SignalType.ERLANG)


class Signal(Model):
    """One signal. The replicas follow the signal that asks for the most."""

    rules: ClassVar[tuple[Rule, ...]] = (
        shaped("name", _NAME, 'name "%s" must be letters, digits and -, and begin with a letter', optional=True),
        Rule(
            cel="self.type != 'Prometheus' || has(self.query)",
            holds=lambda signal: signal.type is not SignalType.PROMETHEUS or signal.query is not None,
            sentence="type Prometheus needs a query in PromQL that answers with one number",
            path=".query",
            kind=Kind.REQUIRED,
        ),
        Rule(
            cel="has(self.target) || (has(self.scales) && !self.scales) || self.type in ['Concurrency', 'KVCache', "
            "'Latency', 'Erlang']",
            holds=lambda signal: signal.target is not None or signal.scales is False or signal.type in _WITHOUT_TARGET,
            sentence="type %s needs a target above 0; only Concurrency and KVCache have a default",
            values=(value("type"),),
            path=".target",
            kind=Kind.REQUIRED,
        ),
        Rule(
            cel="self.type != 'Erlang' || !has(self.target)",
            holds=lambda signal: signal.type is not SignalType.ERLANG or signal.target is None,
            sentence="type Erlang has no target: waitSeconds and probability say what it is for",
            path=".target",
            kind=Kind.FORBIDDEN,
        ),
        Rule(
            cel="self.type != 'KVCache' || !has(self.target) || self.target <= 1.0",
            holds=lambda signal: signal.type is not SignalType.KV_CACHE or (signal.target or 0) <= 1,
            sentence="target %s of type KVCache must be at most 1, which is the whole cache",
            values=(value("target"),),
            path=".target",
        ),
        Rule(
            cel="self.type != 'Latency' || has(self.ttftSeconds) || has(self.tpotSeconds)",
            holds=lambda signal: (
                signal.type is not SignalType.LATENCY
                or signal.ttft_seconds is not None
                or signal.tpot_seconds is not None
            ),
            sentence="type Latency needs a budget: ttftSeconds (to the first token), tpotSeconds (between tokens) or "
            "both",
            kind=Kind.REQUIRED,
        ),
        Rule(
            cel="self.type != 'Latency' || (!has(self.target) && (!has(self.scales) || self.scales))",
            holds=lambda signal: (
                signal.type is not SignalType.LATENCY or (signal.target is None and signal.scales is not False)
            ),
            sentence="type Latency learns its target: it takes neither a target nor scales false",
            kind=Kind.FORBIDDEN,
        ),
        *(_only_for(SignalType.LATENCY, path) for path in ("ttftSeconds", "tpotSeconds", "percentile")),
        Rule(
            cel="self.type != 'Combined' || (has(self.terms) && self.terms.size() > 0)",
            holds=lambda signal: signal.type is not SignalType.COMBINED or bool(signal.terms),
            sentence="type Combined needs terms: names of other signals of the list, each with its weight",
            path=".terms",
            kind=Kind.REQUIRED,
        ),
        Rule(
            cel="self.type == 'Combined' || !has(self.terms) || self.terms.size() == 0",
            holds=lambda signal: signal.type is SignalType.COMBINED or not signal.terms,
            sentence="terms goes with type Combined only; the type is %s",
            values=(value("type"),),
            path=".terms",
            kind=Kind.FORBIDDEN,
        ),
        _only_for(SignalType.COMBINED, "combine"),
        *(_only_for(SignalType.ERLANG, path) for path in ("waitSeconds", "probability")),
        *(_only_for(SignalType.PROMETHEUS, path) for path in ("query", "targetType", "intervalSeconds", "emptyIsZero")),
    )

    type: SignalType
    """Concurrency: requests running and waiting. QueueDepth: requests waiting. Tokens: tokens read and written per
    second. KVCache: part of the KV cache in use, 0 to 1. Latency: requests running and waiting, against as many as
    were seen to keep a latency budget. Erlang: requests running and waiting, sized by queueing theory for few long
    waits. Combined: other signals of this list as one. Prometheus: the answer of a query of your own."""
    name: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    """Name of the signal in status, events and metrics, unique in the list. Default: the type, so only a second signal
    of a type needs one."""
    target: Annotated[Number, Field(gt=0, le=1e12)] | None = None
    """What one replica should carry, in the signal's unit (with targetType Value: what the answer itself should be).
    Default for Concurrency: 0.7 x engine.maxConcurrency x engine.partitions, so that there is room for new requests
    while another replica starts; for KVCache: 0.8, because running answers still grow, and a full cache makes vLLM
    begin some of them anew. Erlang has none; the other types need one, unless scales is false."""
    wait_seconds: Annotated[Number, Field(ge=0, le=3600)] | None = None
    """For type Erlang: a request that waits longer for a slot has waited too long. Default 5: what people who watch for
    the first word of an answer still take for normal."""
    probability: Annotated[Number, Field(gt=0, le=0.5)] | None = None
    """For type Erlang: the part of the requests that may wait longer than waitSeconds. Default 0.01: one in a hundred
    costs little more than one in twenty, because the slots beyond the load grow with its square root only."""
    scales: Truth | None = None
    """false: the signal is only a term of a Combined one and asks for nothing itself. Default true."""
    activation: Annotated[Number, Field(ge=0, le=1e12)] | None = None
    """For minReplicas 0: a value at or below this is no load. At zero it wakes nobody, and idle.timeoutSeconds goes on
    running. Above it the number is value / target, also from zero. Default 0: every request counts."""
    query: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """PromQL that answers with one number, for type Prometheus. It runs as written: give it the labels of this serving
    yourself."""
    target_type: TargetType | None = None
    """AverageValue: the answer is a total, replicas = answer / target. Value: the answer is a level, replicas =
    present replicas x answer / target. Default AverageValue, which does not feed back on the number of replicas."""
    interval_seconds: Annotated[Whole, Field(ge=1, le=3600)] | None = None
    """Seconds between two runs of the query. Default 15: the usual scrape interval, a faster one reads the same sample
    again."""
    empty_is_zero: Truth | None = None
    """true: an empty answer counts as 0. Default false: an empty answer is missing, and missing never scales down. Set
    it only where the series vanish at rest by design."""
    ttft_seconds: Annotated[Number, Field(gt=0, le=3600)] | None = None
    """Budget in seconds from a request's arrival at the engine to its first token, for type Latency. Default: none."""
    tpot_seconds: Annotated[Number, Field(gt=0, le=3600)] | None = None
    """Budget in seconds between two tokens of an answer, for type Latency. Default: none."""
    percentile: Annotated[Number, Field(ge=50, le=99)] | None = None
    """Percent of the requests that should keep the budgets, for type Latency. Default 95: the usual objective; each
    nine more costs replicas that are idle most of the time."""
    combine: Combine | None = None
    """Sum: the weighted values added up, for requests of different weight. Max: the term that asks for the most
    replicas, for resources of which the tightest one decides. For type Combined; default Sum."""
    terms: Annotated[tuple[Term, ...], Field(max_length=8)] = ()
    """The signals that type Combined combines, each one's value over all replicas times its weight."""


@dataclass(frozen=True, slots=True)
class EffectiveSignal:
    """A signal with every default filled in. ``query`` is empty except for type Prometheus, ``terms`` except for
    Combined; the target of type Erlang is the slots of a replica."""

    name: str
    type: SignalType
    target: float
    target_type: TargetType = TargetType.AVERAGE_VALUE
    query: str = ""
    interval_seconds: int = QUERY_INTERVAL_SECONDS
    empty_is_zero: bool = False
    activation: float = 0.0
    scales: bool = True
    combine: Combine = Combine.SUM
    terms: tuple[Term, ...] = ()
    ttft_seconds: float | None = None
    tpot_seconds: float | None = None
    percentile: float = 0.0
    """0 but for type Latency, whose ``target`` is where learning begins."""
    wait_seconds: float = WAIT_SECONDS
    probability: float = WAIT_PROBABILITY


def effective(signal: Signal, slots: int) -> EffectiveSignal:
    """``signal`` with its defaults: ``{type: Concurrency}`` with 32 slots has the target 22.4."""
    default = default_target(slots)
    if signal.type is SignalType.KV_CACHE:
        default = CACHE_TARGET
    elif signal.type is SignalType.ERLANG:
        default = float(slots)
    return EffectiveSignal(
        name=signal.name or signal.type.value,
        type=signal.type,
        target=default if signal.target is None else signal.target,
        target_type=signal.target_type or TargetType.AVERAGE_VALUE,
        query=signal.query or "",
        interval_seconds=signal.interval_seconds or QUERY_INTERVAL_SECONDS,
        empty_is_zero=bool(signal.empty_is_zero),
        activation=signal.activation or 0.0,
        scales=signal.scales is not False,
        combine=signal.combine or Combine.SUM,
        terms=signal.terms,
        ttft_seconds=signal.ttft_seconds,
        tpot_seconds=signal.tpot_seconds,
        percentile=(signal.percentile or PERCENTILE) if signal.type is SignalType.LATENCY else 0.0,
        wait_seconds=WAIT_SECONDS if signal.wait_seconds is None else signal.wait_seconds,
        probability=signal.probability or WAIT_PROBABILITY,
    )


def default_target(slots: int) -> float:
    """0.7 x slots, to two decimals: 22.4 for 32 (the product in binary is 22.399999999999999)."""
    return round(TARGET_SHARE * slots, 2)
