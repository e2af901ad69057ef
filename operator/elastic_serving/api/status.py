"""The status of an ElasticServing: sentences for people, the same facts as fields for programs."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from elastic_serving.api.base import Model, Number, Timestamp, Whole

Sentence = Annotated[str, Field(max_length=1024)]
Word = Annotated[str, Field(max_length=128)]
Count = Annotated[Whole, Field(ge=0, le=1_000_000)]

MAX_REPLICA_SENTENCES = 50


class ConditionStatus(StrEnum):
    """Kubernetes' three."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """A condition as every Kubernetes object has them."""

    type: Annotated[str, Field(max_length=64)]
    """Ready, AbleToScale, ScalingActive, ScalingLimited, Progressing, Degraded or MisleadingSignal."""
    status: ConditionStatus
    """True, False or Unknown."""
    reason: Annotated[str, Field(max_length=128)]
    """One word for programs."""
    message: Annotated[str, Field(max_length=4096)]
    """One sentence for people."""
    last_transition_time: Timestamp
    """When status last changed."""
    observed_generation: Annotated[Whole, Field(ge=0)] | None = None
    """metadata.generation the condition speaks about."""


class DecisionStatus(Model):
    """The last change of the number of replicas, as it was decided."""

    from_: Annotated[Count, Field(alias="from")]
    """Replicas before."""
    to: Count
    """Replicas after."""
    reason: Word
    """The signal or the rule that asked for the change."""
    time: Timestamp
    """When it was decided."""
    steps: Annotated[tuple[Sentence, ...], Field(max_length=32)] = ()
    """Each stage of the decision with its number and its reason, in order."""


class SignalStatus(Model):
    """One signal as it was last read."""

    name: Word
    """Name of the signal."""
    value: Number | None = None
    """What was measured; absent where it is missing."""
    target: Number
    """What one replica should carry."""
    recommendation: Count | None = None
    """Replicas the signal asks for; absent where it is missing."""
    sampled_at: Timestamp | None = None
    """When the value was sampled; absent where there never was one."""
    health: Sentence
    """Ok, or what is wrong with it."""


class SlotsStatus(Model):
    """Requests that the replicas that serve can work on at the same time."""

    total: Annotated[Whole, Field(ge=0)]
    """engine.maxConcurrency x engine.partitions of each."""
    used: Annotated[Whole, Field(ge=0)]
    """Taken by requests; what waits beyond them takes none."""
    free: Annotated[Whole, Field(ge=0)]
    """The rest."""


class QueueStatus(Model):
    """What waits, and how long that takes. Numbers but ``waiting`` have two digits, so that they rest while the traffic
    does."""

    waiting: Annotated[Whole, Field(ge=0)]
    """Requests without a slot."""
    eta_seconds: Number | None = None
    """Until the last of them has one, with the replicas that serve now; the tenth of twenty waits half of it. Absent
    while it is not known how long requests take, or while nobody serves."""
    arrivals_per_second: Number | None = None
    """Mean of the last minutes."""
    service_seconds: Number | None = None
    """Time of a request in its slot, the mean of the last minutes."""
    utilization: Number | None = None
    """Part of the slots that this traffic fills; above 1 the queue grows."""
    wait_seconds: Number | None = None
    """What requests wait on average if the traffic stays like this, by Erlang's formula. Absent from a utilization
    of 1."""
    summary: Word
    """Requests that wait, and the time to the last one's slot."""


class ElasticServingStatus(Model):
    """What is. Written only when what it says changes."""

    observed_generation: Annotated[Whole, Field(ge=0)] | None = None
    """metadata.generation this status speaks about."""
    desired_replicas: Count | None = None
    """Replicas there should be."""
    serving_replicas: Count | None = None
    """Replicas that answer requests; status.replicas of /scale."""
    starting_replicas: Count | None = None
    """Replicas on their way to serving."""
    selector: Annotated[str, Field(max_length=512)] | None = None
    """Label selector of the leaders that serve, for /scale."""
    summary: Sentence | None = None
    """The state in one sentence."""
    why: Word | None = None
    """Why the number is what it is, in one or two words."""
    load: Word | None = None
    """The winning signal: its value / (target x serving replicas)."""
    target: Word | None = None
    """The winning signal's target for one replica, with its name."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16)] = ()
    """Ready, AbleToScale, ScalingActive, ScalingLimited, Progressing, Degraded; MisleadingSignal while there is one."""
    decision: DecisionStatus | None = None
    """The last change of the number of replicas."""
    slots: SlotsStatus | None = None
    """Slots of the replicas that serve, taken and free; absent while a replica does not tell."""
    queue: QueueStatus | None = None
    """Requests that wait, and for how long; absent while the engines do not tell."""
    signals: Annotated[tuple[SignalStatus, ...], Field(max_length=8)] = ()
    """Each signal as it was last read, in the order of the manifest."""
    replicas: Annotated[tuple[Sentence, ...], Field(max_length=MAX_REPLICA_SENTENCES)] = ()
    """One sentence for each replica, unhealthy ones first, 50 at most."""
