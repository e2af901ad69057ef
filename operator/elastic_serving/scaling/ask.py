"""Which arithmetic each signal uses: the one place that chooses; each kind has a module of its own."""

from collections.abc import Mapping, Sequence
from typing import Final

from elastic_serving.api.models import EffectiveSignal, ElasticServingSpec, SignalType, Trigger
from elastic_serving.scaling.backlog import Backlog, trimmed
from elastic_serving.scaling.combine import recommend_combined
from elastic_serving.scaling.latency import Capacity, budgeted, told
from elastic_serving.scaling.model import Missing, Reading, SignalOutcome, Step
from elastic_serving.scaling.recommend import Basis, recommend
from elastic_serving.scaling.trigger import triggered

_UNSEEN: Final = Missing("Empty", "it was not observed")


def ask(
    spec: ElasticServingSpec,
    signal: EffectiveSignal,
    readings: Mapping[str, Reading],
    on: Basis,
    ahead: Backlog | None,
    capacities: Sequence[Capacity] = (),
) -> tuple[SignalOutcome, Step] | None:
    """What ``signal`` asks for and why; None for one that only feeds others. Unobserved is missing."""
    if signal.terms:
        return recommend_combined(signal, readings, on)
    if not signal.scales:
        return None
    reading = readings.get(signal.name, _UNSEEN)
    if spec.scaling.trigger is not Trigger.AVERAGE and signal.type is not SignalType.ERLANG:
        return triggered(spec.scaling.trigger, spec.engine.slots, signal, reading, on)
    signal = budgeted(signal, capacities) if signal.percentile else signal
    asked = recommend(signal, reading, on)
    asked = asked if ahead is None else trimmed(signal, reading, asked, on, ahead)
    return told(signal, reading, asked) if signal.percentile else asked
