"""What is measured: the signals of a serving, as written and as meant."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from elastic_serving.api.base import Model, Number, Truth, Whole
from elastic_serving.api.rules import Kind, Rule, shaped, value

TARGET_SHARE: Final = 0.7
"""Part of engine.maxConcurrency that Concurrency aims at: the rest takes new requests while a replica starts."""
QUERY_INTERVAL_SECONDS: Final = 15
_NAME: Final = "[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?"


class SignalType(StrEnum):
    """What a signal reads."""

    CONCURRENCY = "Concurrency"
    QUEUE_DEPTH = "QueueDepth"
    PROMETHEUS = "Prometheus"


class TargetType(StrEnum):
    """HPA's words: AverageValue divides the answer by the target, Value multiplies the replicas by answer / target."""

    AVERAGE_VALUE = "AverageValue"
    VALUE = "Value"


def _only_for_prometheus(path: str) -> Rule:
    return Rule(
        cel=f"self.type == 'Prometheus' || !has(self.{path})",
        holds=lambda signal: signal.type is SignalType.PROMETHEUS or value(path).read(signal) is None,
        sentence=f"{path} goes with type Prometheus only; the type is %s",
        values=(value("type"),),
        path=f".{path}",
        kind=Kind.FORBIDDEN,
    )


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
            cel="self.type == 'Concurrency' || has(self.target)",
            holds=lambda signal: signal.type is SignalType.CONCURRENCY or signal.target is not None,
            sentence="type %s needs a target above 0; only Concurrency has a default",
            values=(value("type"),),
            path=".target",
            kind=Kind.REQUIRED,
        ),
        *(_only_for_prometheus(path) for path in ("query", "targetType", "intervalSeconds", "emptyIsZero")),
    )

    type: SignalType
    """Concurrency: requests running and waiting. QueueDepth: requests waiting. Prometheus: the answer of a query of
    your own."""
    name: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    """Name of the signal in status, events and metrics, unique in the list. Default: the type, so only a second signal
    of a type needs one."""
    target: Annotated[Number, Field(gt=0, le=1e12)] | None = None
    """What one replica should carry, in the signal's unit (with targetType Value: what the answer itself should be).
    Default for Concurrency: 0.7 x engine.maxConcurrency, so that there is room for new requests while another replica
    starts. QueueDepth and Prometheus need one."""
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


@dataclass(frozen=True, slots=True)
class EffectiveSignal:
    """A signal with every default filled in. ``query`` is empty except for type Prometheus."""

    name: str
    type: SignalType
    target: float
    target_type: TargetType = TargetType.AVERAGE_VALUE
    query: str = ""
    interval_seconds: int = QUERY_INTERVAL_SECONDS
    empty_is_zero: bool = False


def effective(signal: Signal, max_concurrency: int) -> EffectiveSignal:
    """``signal`` with its defaults: ``{type: Concurrency}`` at maxConcurrency 32 has the target 22.4."""
    return EffectiveSignal(
        name=signal.name or signal.type.value,
        type=signal.type,
        target=default_target(max_concurrency) if signal.target is None else signal.target,
        target_type=signal.target_type or TargetType.AVERAGE_VALUE,
        query=signal.query or "",
        interval_seconds=signal.interval_seconds or QUERY_INTERVAL_SECONDS,
        empty_is_zero=bool(signal.empty_is_zero),
    )


def default_target(max_concurrency: int) -> float:
    """0.7 x maxConcurrency, to two decimals: 22.4 for 32 (the product in binary is 22.399999999999999)."""
    return round(TARGET_SHARE * max_concurrency, 2)
