"""``ElasticServing`` as users write it, and everything below its spec; the only source of the CRD.

Import the models from here. ``parse`` reads objects and files; ``crdgen`` writes the CRD.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from elastic_serving.api.backlog import BacklogPolicy
from elastic_serving.api.base import MAX_REPLICAS, Exact, Free, Model, Timestamp
from elastic_serving.api.burst import Burst
from elastic_serving.api.idle import Idle
from elastic_serving.api.rules import Kind, Rule, Value, value
from elastic_serving.api.scaling import (
    Behavior,
    Fallback,
    FallbackBehavior,
    Mode,
    Paused,
    Policy,
    PolicyType,
    ScaleDown,
    ScaleUp,
    Scaling,
    ScalingRules,
    SelectPolicy,
    Trigger,
)
from elastic_serving.api.schedules import Schedule
from elastic_serving.api.signals import (
    Combine,
    EffectiveSignal,
    Signal,
    SignalType,
    TargetType,
    Term,
    default_target,
    effective,
)
from elastic_serving.api.status import Condition, DecisionStatus, ElasticServingStatus, SignalStatus
from elastic_serving.api.workload import (
    VLLM_IMAGE,
    Accelerator,
    Drain,
    Engine,
    EngineKind,
    Gpu,
    ModelSource,
    SecretReference,
    Startup,
)

__all__ = [
    "MAX_REPLICAS",
    "VLLM_IMAGE",
    "Accelerator",
    "BacklogPolicy",
    "Behavior",
    "Burst",
    "Combine",
    "Condition",
    "DecisionStatus",
    "Drain",
    "EffectiveSignal",
    "ElasticServing",
    "ElasticServingSpec",
    "ElasticServingStatus",
    "Engine",
    "EngineKind",
    "Fallback",
    "FallbackBehavior",
    "Gpu",
    "Idle",
    "Metadata",
    "Mode",
    "ModelSource",
    "Paused",
    "Policy",
    "PolicyType",
    "ScaleDown",
    "ScaleUp",
    "Scaling",
    "ScalingRules",
    "Schedule",
    "SecretReference",
    "SelectPolicy",
    "ServingMemory",
    "Signal",
    "SignalStatus",
    "SignalType",
    "Startup",
    "TargetType",
    "Term",
    "Trigger",
    "default_target",
]


class Metadata(Model):
    """ObjectMeta. Its contents are the API server's to check; the fields stand here so that files may carry them."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    generate_name: str = ""
    self_link: str = ""
    deletion_grace_period_seconds: int | None = None
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[Free, ...] = ()
    managed_fields: tuple[Free, ...] = ()


UNKNOWN_TO: Final[Mapping[SignalType, tuple[EngineKind, ...]]] = {
    SignalType.KV_CACHE: (EngineKind.TGI, EngineKind.JETSTREAM),
    SignalType.LATENCY: (EngineKind.TGI,),
}
"""Engines without a metric for a signal (observe/catalogue.py has those that have one); Generic has none for any."""


def _unknown_to(type_: SignalType, kinds: tuple[EngineKind, ...]) -> Rule:
    names = ", ".join(f"'{kind}'" for kind in kinds)
    return Rule(
        cel=f"!(self.engine.kind in [{names}]) || !has(self.scaling.signals) || "
        f"!self.scaling.signals.exists(s, s.type == '{type_}')",
        holds=lambda spec: spec.engine.kind not in kinds or all(s.type is not type_ for s in spec.scaling.signals),
        sentence=f"engine.kind %s has no metric for signals of type {type_}",
        values=(value("engine.kind"),),
        path=".scaling.signals",
        kind=Kind.FORBIDDEN,
    )


class ElasticServingSpec(Model):
    """What the user wishes."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.scaling.mode == 'Manual' || !has(self.replicas) || "
            "(oldSelf.hasValue() && has(oldSelf.value().replicas) && oldSelf.value().replicas == self.replicas)",
            holds=lambda spec: spec.scaling.mode is Mode.MANUAL or spec.replicas is None,
            sentence="replicas %s: only with scaling.mode Manual (otherwise the operator decides); the mode is %s",
            values=(value("replicas"), value("scaling.mode")),
            path=".replicas",
            kind=Kind.FORBIDDEN,
            transition=True,
        ),
        Rule(
            cel="self.scaling.mode != 'Manual' || has(self.replicas)",
            holds=lambda spec: spec.scaling.mode is not Mode.MANUAL or spec.replicas is not None,
            sentence="scaling.mode Manual needs replicas, a number from 0 to maxReplicas %s",
            values=(value("scaling.maxReplicas"),),
            path=".replicas",
            kind=Kind.REQUIRED,
        ),
        Rule(
            cel="self.scaling.mode != 'Manual' || !has(self.replicas) || self.replicas <= self.scaling.maxReplicas",
            holds=lambda spec: (
                spec.scaling.mode is not Mode.MANUAL
                or spec.replicas is None
                or spec.replicas <= spec.scaling.max_replicas
            ),
            sentence="replicas %s must not be above scaling.maxReplicas %s",
            values=(value("replicas"), value("scaling.maxReplicas")),
            path=".replicas",
        ),
        Rule(
            cel="self.engine.kind != 'Generic' || (has(self.scaling.signals) && self.scaling.signals.size() > 0 && "
            "self.scaling.signals.all(s, s.type == 'Prometheus' || s.type == 'Combined'))",
            holds=lambda spec: spec.engine.kind is not EngineKind.GENERIC or _are_all_queries(spec.scaling.signals),
            sentence="engine.kind Generic has no known metrics: it needs scaling.signals, all of type Prometheus",
            path=".scaling.signals",
            kind=Kind.REQUIRED,
        ),
        *(_unknown_to(type_, kinds) for type_, kinds in UNKNOWN_TO.items()),
    )

    model: ModelSource
    """Which model, and where its weights are."""
    engine: Engine = Engine()
    """The program that serves it: vLLM by default."""
    template: Free | None = None
    """A PodTemplateSpec that is merged over the operator's own, containers by name; the engine's container is "main".
    The API server checks it by a trial creation of the pod; its own sentence about what it refuses becomes a condition
    (TemplateRefused), and nothing is changed. Default: nothing to add."""
    accelerator: Accelerator
    """What one replica runs on."""
    replicas: Annotated[Exact, Field(ge=0, le=MAX_REPLICAS)] | None = None
    """The number of replicas in scaling.mode Manual, as kubectl scale sets it. In the other modes it can neither be set
    nor changed; one that is left over from Manual is ignored."""
    scaling: Scaling
    """How many replicas, and why."""
    drain: Drain = Drain()
    """How a replica leaves."""
    startup: Startup = Startup()
    """How long a replica may take to come."""

    @cached_property
    def signals(self) -> tuple[EffectiveSignal, ...]:
        """The signals with every default filled in, never empty, in the order of the manifest."""
        written = self.scaling.signals or (Signal(type=SignalType.CONCURRENCY),)
        return tuple(effective(signal, self.engine.slots) for signal in written)

    @cached_property
    def budgets(self) -> tuple[EffectiveSignal, ...]:
        """The signals of type Latency; few servings have one, and the others must not pay for it."""
        return tuple(signal for signal in self.signals if signal.percentile)


def _are_all_queries(signals: tuple[Signal, ...]) -> bool:
    return bool(signals) and all(s.type in (SignalType.PROMETHEUS, SignalType.COMBINED) for s in signals)


_NAME = "[a-z]([-a-z0-9]{0,38}[a-z0-9])?"


def _is_a_short_dns_label(serving: Any) -> bool:
    return re.fullmatch(_NAME, serving.metadata.name) is not None


class ElasticServing(Model):
    """A model that is served by as many replicas as its load needs."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"self.metadata.name.matches('^{_NAME}$')",
            holds=_is_a_short_dns_label,
            sentence='name "%s" must be at most 40 lower case letters, digits and -, begin with a '
            "letter and not end with - (pods and Services are named after it)",
            values=(Value("self.metadata.name", lambda serving: serving.metadata.name),),
            path=".metadata.name",
        ),
    )

    api_version: Literal["elasticserving.io/v1alpha1"] = "elasticserving.io/v1alpha1"
    kind: Literal["ElasticServing"] = "ElasticServing"
    metadata: Metadata
    spec: ElasticServingSpec
    """What the user wishes."""
    status: ElasticServingStatus | None = None
    """What is, written by the operator."""

    @property
    def served_model_name(self) -> str:
        """What clients put into "model" of a request."""
        return self.spec.model.name or self.metadata.name


class ServingMemory(Model):
    """What the operator must remember about one ElasticServing between two decisions. Written and read by the operator
    only; it has the name of its ElasticServing and goes with it."""

    api_version: Literal["elasticserving.io/v1alpha1"] = "elasticserving.io/v1alpha1"
    kind: Literal["ServingMemory"] = "ServingMemory"
    metadata: Metadata
    state: Annotated[str, Field(max_length=1_000_000)] = ""
    """The memory as JSON text, versioned by the operator. Text, because a number must come back exactly as it went."""
