"""The same terms for all: limits and target out of the manifest, and the load as each of them may read it."""

import math
from dataclasses import dataclass

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.api.signals import SignalType, default_target
from elastic_serving.scaling.model import Missing, PerReplica, Sample, Seen


@dataclass(frozen=True, slots=True)
class Terms:
    """``target`` is requests, running and waiting, that one replica should have; ``signal`` is where to read them."""

    low: int
    high: int
    target: float
    signal: str = "Concurrency"


@dataclass(frozen=True, slots=True)
class Load:
    """Requests in the replicas that reported; ``silent`` ones are ready and did not."""

    total: float
    reported: int
    silent: int = 0


def terms_of(spec: ElasticServingSpec) -> Terms:
    """The manifest's range and its Concurrency target, or that target's default where it has no such signal.

    {maxConcurrency: 32, maxReplicas: 10} gives 1 to 10 replicas with 22.4 requests each.
    """
    own = next((signal for signal in spec.signals if signal.type is SignalType.CONCURRENCY), None)
    target = default_target(spec.engine.max_concurrency) if own is None else own.target
    name = "Concurrency" if own is None else own.name
    return Terms(spec.scaling.min_replicas, spec.scaling.max_replicas, target, name)


def load_of(seen: Seen, signal: str) -> Load | Missing:
    """What ``signal`` reads; where it is not among the signals, the engines' running and waiting requests.

    A number below 0, NaN or infinite is no report. A fleet total counts as reported by all ready replicas.
    """
    reading = dict(seen.signals).get(signal)
    if reading is None and seen.flow is not None:
        reading = Sample(seen.flow.running + seen.flow.waiting, seen.flow.sampled_at)
    if reading is None:
        return Missing("Empty", f"{signal} was not observed")
    if isinstance(reading, Missing):
        return reading
    if isinstance(reading, Sample):
        usable = 0 <= reading.value < math.inf
        return Load(reading.value, seen.replicas.ready) if usable else Missing("BadAnswer", f"it is {reading.value}")
    return _counted(reading)


def _counted(reading: PerReplica) -> Load | Missing:
    numbers = [number for _, number in reading.values if number is not None and 0 <= number < math.inf]
    if not numbers:
        return Missing("Empty" if reading.values else "NoReplica", f"none of {len(reading.values)} replicas reported")
    return Load(sum(numbers), len(numbers), len(reading.values) - len(numbers))
