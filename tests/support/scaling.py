"""Specs and observations of the scaling core, as short as a table row, and a loop that plays rows over time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.decide import Decided, decide
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import Inventory, Missing, PerReplica, Reading, ReplicaCounts, Sample, Seen

Short: TypeAlias = float | Sequence[float | None] | str | Reading | None
"""A fleet total, one number a replica, the kind of a Missing, a reading, or None for an unreachable Prometheus."""

EVERYTHING: Mapping[str, Any] = {"type": "Concurrency", "target": 1}
"""With this signal and no tolerance the number asked for is the total itself."""
INTOLERANT: Mapping[str, Any] = {"tolerance": 0, "stabilizationWindowSeconds": 0}


def spec_of(*signals: Mapping[str, Any], replicas: int | None = None, **scaling: Any) -> ElasticServingSpec:
    """A spec with these signals and fields of ``scaling``; 1 to 100 replicas where nothing else is said."""
    manifest: dict[str, Any] = {
        "model": {"uri": "hf://example/model"},
        "accelerator": {"gpu": {"product": "nvidia-l4"}},
        "scaling": {"maxReplicas": 100, "signals": list(signals), **scaling},
    }
    return ElasticServingSpec.model_validate(manifest if replicas is None else manifest | {"replicas": replicas})


def echo_spec(up: Mapping[str, Any] = {}, down: Mapping[str, Any] = {}, **scaling: Any) -> ElasticServingSpec:
    """A spec whose signal asks for exactly the number it reads; windows of 0 s unless given."""
    behavior = {"scaleUp": {**INTOLERANT, **up}, "scaleDown": {**INTOLERANT, **down}}
    return spec_of(EVERYTHING, behavior=behavior, **scaling)


def reading_of(short: Short, at: float) -> Reading:
    """The reading that ``short`` stands for."""
    if isinstance(short, Sample | PerReplica | Missing):
        return short
    if short is None:
        return Missing("Unreachable", "connection refused")
    if isinstance(short, str):
        return Missing(short, "no replica serves" if short == "NoReplica" else "it said so")
    if isinstance(short, int | float):
        return Sample(float(short), at)
    return PerReplica(tuple((str(index), number) for index, number in enumerate(short)), at)


def seen_of(
    signals: Mapping[str, Short],
    *,
    at: float = 0.0,
    current: int = 1,
    ready: int | None = None,
    starting: int = 0,
    retired: tuple[str, ...] = (),
) -> Seen:
    """What was seen at ``at``; ``ready`` is ``current`` where nothing else is said."""
    counts = ReplicaCounts(current, current if ready is None else ready, starting)
    readings = tuple((name, reading_of(short, at)) for name, short in signals.items())
    return Seen(at, counts, readings, Inventory(at), retired)


def play(
    spec: ElasticServingSpec, rows: Iterable[tuple[float, Short]], *, start: int, signal: str = "Concurrency"
) -> list[Decided]:
    """The decisions over rows of (time, reading), each with the memory of the one before."""
    memory: Memory | None = None
    made = []
    for at, short in rows:
        decided = decide(spec, seen_of({signal: short}, at=at, current=start), memory, at)
        memory = decided.memory
        made.append(decided)
    return made
