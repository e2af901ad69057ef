"""How many replicas: mode, limits, signals, behavior, idle, fallback. HPA's names where HPA has one."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from elastic_serving.api.backlog import Backlog, BacklogPolicy
from elastic_serving.api.base import MAX_REPLICAS, Exact, Model, Number, Whole
from elastic_serving.api.burst import Burst
from elastic_serving.api.idle import Idle
from elastic_serving.api.rules import Kind, Rule, Value, value
from elastic_serving.api.schedules import SCHEDULE_RULES, Schedules
from elastic_serving.api.signals import Signal, SignalType


class Mode(StrEnum):
    """Who decides."""

    AUTO = "Auto"
    ADVISE = "Advise"
    MANUAL = "Manual"


class Paused(StrEnum):
    """A direction that is on hold."""

    UP = "Up"
    DOWN = "Down"
    BOTH = "Both"


class Trigger(StrEnum):
    """What adds a replica."""

    AVERAGE = "Average"
    ANY_FULL = "AnyFull"
    ALL_FULL = "AllFull"


class PolicyType(StrEnum):
    """Unit of a rate policy. Pods is HPA's word and means Replicas here."""

    REPLICAS = "Replicas"
    PERCENT = "Percent"
    PODS = "Pods"


class SelectPolicy(StrEnum):
    """Which of several rate policies counts."""

    MAX = "Max"
    MIN = "Min"
    DISABLED = "Disabled"


class Policy(Model):
    """At most so much change within a period."""

    type: PolicyType
    """Replicas: a number of replicas. Percent: a part of the replicas at the start of the period. Pods is accepted as
    another word for Replicas, so that HPA's policies can be pasted."""
    value: Annotated[Whole, Field(ge=1, le=10_000)]
    """How many replicas, or how many percent."""
    period_seconds: Annotated[Whole, Field(ge=1, le=1800)]
    """Length of the period in seconds, HPA's range."""


Policies = Annotated[tuple[Policy, ...], Field(max_length=8)]


class ScalingRules(Model):
    """One direction."""

    policies: Policies = ()
    """Limits on the rate. Default: none, the number goes where the signals say at once."""
    select_policy: SelectPolicy = SelectPolicy.MAX
    """Max: the policy that allows the most change counts. Min: the one that allows the least. Disabled: no change in
    this direction. Default Max, as HPA."""
    tolerance: Annotated[Number, Field(ge=0, le=1)] = 0.1
    """No change while load / target is within 1 +- tolerance. Default 0.1, as HPA: less follows the noise of single
    requests."""


class ScaleUp(ScalingRules):
    """Upwards."""

    stabilization_window_seconds: Annotated[Whole, Field(ge=0, le=3600)] = 0
    """Up only to the lowest number asked for during this many seconds. Default 0: a cold start takes minutes, waiting
    before it only makes it longer."""


class ScaleDown(ScalingRules):
    """Downwards."""

    stabilization_window_seconds: Annotated[Whole, Field(ge=0, le=3600)] = 300
    """Down only to the highest number asked for during this many seconds. Default 300, as HPA: bringing back what was
    given up costs minutes."""


class Behavior(Model):
    """How fast the number may move."""

    scale_up: ScaleUp = ScaleUp()
    """Upwards: at once and without limit by default."""
    scale_down: ScaleDown = ScaleDown()
    """Downwards: not before 300 s without need by default."""


class FallbackBehavior(StrEnum):
    """KEDA's four ways. Only Static and IfLower ever lower the number."""

    STATIC = "Static"
    CURRENT = "Current"
    IF_HIGHER = "IfHigher"
    IF_LOWER = "IfLower"


class Fallback(Model):
    """What to do when all signals are missing for long."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.behavior == 'Current' || has(self.replicas)",
            holds=lambda fallback: fallback.behavior is FallbackBehavior.CURRENT or fallback.replicas is not None,
            sentence="behavior %s needs replicas; only Current goes without",
            values=(value("behavior"),),
            path=".replicas",
            kind=Kind.REQUIRED,
        ),
        Rule(
            cel="self.behavior != 'Current' || !has(self.replicas)",
            holds=lambda fallback: fallback.behavior is not FallbackBehavior.CURRENT or fallback.replicas is None,
            sentence="replicas %s has no meaning with behavior Current, which keeps what is there",
            values=(value("replicas"),),
            path=".replicas",
            kind=Kind.FORBIDDEN,
        ),
    )

    after_seconds: Annotated[Whole, Field(ge=1, le=86_400)] = 600
    """Seconds without any usable signal before the fallback acts; until then the number is held. Default 600: longer
    than a restart of Prometheus."""
    replicas: Annotated[Exact, Field(ge=0, le=MAX_REPLICAS)] | None = None
    """Number of replicas to fall back to, between minReplicas and maxReplicas. Needed unless behavior is Current."""
    behavior: FallbackBehavior = FallbackBehavior.STATIC
    """Static: exactly replicas. Current: what is there. IfHigher: the higher of what is there and replicas. IfLower:
    the lower of the two. Default Static: the number that was written down for this case."""


def _signal_names(scaling: "Scaling") -> list[str]:
    return [signal.name or signal.type.value for signal in scaling.signals]


def _signals_to_combine(scaling: "Scaling") -> set[str]:
    odd = (SignalType.COMBINED, SignalType.LATENCY, SignalType.ERLANG)
    return {s.name or s.type.value for s in scaling.signals if s.type not in odd}


def _terms(scaling: "Scaling") -> set[str]:
    return {term.signal for signal in scaling.signals for term in signal.terms}


def _are_inputs_used(scaling: "Scaling") -> bool:
    return {s.name or s.type.value for s in scaling.signals if s.scales is False} <= _terms(scaling)


def _has_slots_to_fill(scaling: "Scaling") -> bool:
    kinds = [(signal.type, signal.target) for signal in scaling.signals]
    return not kinds or (SignalType.CONCURRENCY, None) in kinds


_NAMES = "self.signals.map(s, has(s.name) ? s.name : s.type)"
_TO_COMBINE = (
    "self.signals.filter(s, !(s.type in ['Combined', 'Latency', 'Erlang'])).map(s, has(s.name) ? s.name : s.type)"
)


class Scaling(Model):
    """How many replicas, and why."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.minReplicas <= self.maxReplicas",
            holds=lambda scaling: scaling.min_replicas <= scaling.max_replicas,
            sentence="minReplicas %s must not be above maxReplicas %s",
            values=(value("minReplicas"), value("maxReplicas")),
        ),
        Rule(
            cel="self.minReplicas == 0 || !has(self.idle)",
            holds=lambda scaling: scaling.min_replicas == 0 or scaling.idle is None,
            sentence="idle goes with minReplicas 0 only (minReplicas is %s): the serving never goes below minReplicas",
            values=(value("minReplicas"),),
            path=".idle",
            kind=Kind.FORBIDDEN,
        ),
        Rule(
            cel="self.minReplicas > 0 || has(self.idle)",
            holds=lambda scaling: scaling.min_replicas > 0 or scaling.idle is not None,
            sentence="minReplicas 0 needs idle.timeoutSeconds: seconds without a request before the last replica goes",
            path=".idle",
            kind=Kind.REQUIRED,
        ),
        Rule(
            cel="!has(self.fallback) || !has(self.fallback.replicas) || "
            "(self.minReplicas <= self.fallback.replicas && self.fallback.replicas <= self.maxReplicas)",
            holds=lambda scaling: (
                scaling.fallback is None
                or scaling.fallback.replicas is None
                or scaling.min_replicas <= scaling.fallback.replicas <= scaling.max_replicas
            ),
            sentence="replicas %s must be between minReplicas %s and maxReplicas %s",
            values=(value("fallback.replicas"), value("minReplicas"), value("maxReplicas")),
            path=".fallback.replicas",
        ),
        Rule(
            cel=f"!has(self.signals) || {_NAMES}.all(a, {_NAMES}.exists_one(b, a == b))",
            holds=lambda scaling: len(set(_signal_names(scaling))) == len(scaling.signals),
            sentence="signals need different names (without a name, a signal is called as its type): %s",
            values=(Value(_NAMES, _signal_names),),
            path=".signals",
        ),
        *SCHEDULE_RULES,
        Rule(
            cel="!has(self.backlog) || self.backlog.policy != 'Ignore' || !has(self.signals) || "
            "self.signals.all(s, s.type != 'Erlang')",
            holds=lambda scaling: (
                scaling.backlog.policy is not BacklogPolicy.IGNORE
                or all(signal.type is not SignalType.ERLANG for signal in scaling.signals)
            ),
            sentence="backlog.policy Ignore leaves a signal of type Erlang without what it learns from the traffic",
            path=".backlog.policy",
        ),
        Rule(
            cel="self.trigger == 'Average' || !has(self.signals) || self.signals.size() == 0 || "
            "self.signals.exists(s, s.type == 'Concurrency' && !has(s.target))",
            holds=lambda scaling: scaling.trigger is Trigger.AVERAGE or _has_slots_to_fill(scaling),
            sentence="trigger %s needs a Concurrency signal without a target: a replica is full at its slots",
            values=(value("trigger"),),
            path=".trigger",
        ),
        Rule(
            cel="!has(self.signals) || self.signals.all(s, !has(s.terms) || "
            f"s.terms.all(t, t.signal in {_TO_COMBINE}))",
            holds=lambda scaling: _terms(scaling) <= _signals_to_combine(scaling),
            sentence="terms must name signals of this list that are not Combined, Latency or Erlang",
            path=".signals",
        ),
        Rule(
            cel="!has(self.signals) || self.signals.all(s, !has(s.scales) || s.scales || "
            "self.signals.exists(c, has(c.terms) && c.terms.exists(t, t.signal == (has(s.name) ? s.name : s.type))))",
            holds=_are_inputs_used,
            sentence="a signal with scales false must be a term of a Combined signal, or it does nothing",
            path=".signals",
        ),
    )

    mode: Mode = Mode.AUTO
    """Auto: the operator decides and acts. Advise: it decides, writes status, and touches nothing. Manual: the number
    is spec.replicas, as kubectl scale sets it. Default Auto."""
    paused: Paused | None = None
    """Up: the number does not rise, whatever asks. Down: it does not fall. Both: neither. Only minReplicas and
    maxReplicas still move it; mode Manual is not paused. Default: nothing is."""
    min_replicas: Annotated[Exact, Field(ge=0, le=MAX_REPLICAS)] = 1
    """Fewest replicas. 0 lets the serving go to zero and needs idle. Default 1: the first request meets a loaded
    model."""
    max_replicas: Annotated[Exact, Field(ge=1, le=MAX_REPLICAS)]
    """Most replicas: the limit of the bill. No default, because only you know it."""
    signals: Annotated[tuple[Signal, ...], Field(max_length=8)] = ()
    """What is measured; the one that asks for the most replicas wins. Default: Concurrency with its default target."""
    trigger: Trigger = Trigger.AVERAGE
    """What adds a replica for Concurrency; a replica is full when it has as many requests, running and waiting, as
    slots (engine.maxConcurrency x engine.partitions). Average: the target and the mean load. AllFull: one at a time,
    when every replica is full and none is on its way: the fewest replicas, and requests wait while the next one boots.
    AnyFull: one for each full replica: even throughput for more replicas. Default Average: it adds as many at once as
    the load needs, and before a replica is full."""
    behavior: Behavior = Behavior()
    """How fast the number may move in each direction, in HPA's words."""
    burst: Burst | None = None
    """What to do when the load leaps. Default: nothing of its own, for without an up window every rise is followed at
    once."""
    backlog: Backlog = Backlog()
    """What a queue asks for while a new replica would still be booting."""
    idle: Idle | None = None
    """Going to zero; with minReplicas 0 and only with it."""
    fallback: Fallback | None = None
    """What to do when all signals are missing for long. Default: hold the number until a signal is back."""
    schedules: Schedules = ()
    """Windows of time with a higher floor. Default: none."""
