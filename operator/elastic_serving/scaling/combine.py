"""What a Combined signal asks for: other signals, each times its weight, added up or the tightest of them. Pure.

Requests of weight 1 and of weight 4 on one scale: 8 of the first and 2 of the second ask for the same. A term that is
missing makes the whole missing, unless a number is written down for that case; one without a replica to measure is 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from elastic_serving.api.models import Combine, EffectiveSignal, Term
from elastic_serving.scaling.model import NOT_SCRAPED, Missing, PerReplica, Reading, Sample, SignalOutcome, Step
from elastic_serving.scaling.recommend import NO_REPLICA, Basis, recommend


def recommend_combined(
    signal: EffectiveSignal, readings: Mapping[str, Reading], on: Basis
) -> tuple[SignalOutcome, Step]:
    """Replicas that ``signal`` asks for, given the readings of all signals by name, and why."""
    scaled = [(term, _scaled(term, readings.get(term.signal))) for term in signal.terms]
    missing = [part for _, part in scaled if isinstance(part, Missing)]
    lacking = next((part for part in missing if part.kind != NO_REPLICA), None)
    known = [(term, part) for term, part in scaled if not isinstance(part, Missing)]
    at = min((part.sampled_at for _, part in known), default=math.inf)
    if lacking is not None or at == math.inf:
        return recommend(signal, lacking or next(iter(missing), Missing("Empty", "none of its terms is known")), on)
    if signal.combine is Combine.SUM:
        outcome, step = recommend(signal, _sum([part for _, part in known], at), on)
        words = " + ".join(_words(term, part) for term, part in known)
    else:
        asked = [(*recommend(signal, replace(part, sampled_at=at), on), term, part) for term, part in known]
        outcome, step, term, part = max(asked, key=lambda each: each[0].recommendation or 0)
        words = f"{_words(term, part)} is the most of {len(known)}"
    return outcome, replace(step, reason=f"{words}: {step.reason}")


def _scaled(term: Term, reading: Reading | None) -> Reading:
    """The term's reading times its weight; its number for the case where it is missing, at no time."""
    if isinstance(reading, PerReplica) and reading.values:
        return PerReplica(
            tuple((name, _times(term.weight, number)) for name, number in reading.values), reading.sampled_at
        )
    if isinstance(reading, Missing) and reading.kind == NOT_SCRAPED:
        return reading
    if isinstance(reading, PerReplica) or (isinstance(reading, Missing) and reading.kind == NO_REPLICA):
        return Missing(NO_REPLICA, "no replica serves")
    if isinstance(reading, Sample) and (number := _times(term.weight, reading.value)) is not None:
        return Sample(number, reading.sampled_at)
    if term.missing is not None:
        return Sample(term.weight * term.missing, math.inf)
    why = reading.reason if isinstance(reading, Missing) else "it has no usable value"
    return Missing("Term", f"{term.signal}: {why}")


def _times(weight: float, number: float | None) -> float | None:
    return None if number is None or not 0 <= number < math.inf else weight * number


def _sum(parts: Sequence[Sample | PerReplica], sampled_at: float) -> Sample | PerReplica:
    """One value a replica where there is one, the totals spread over the replicas; a replica silent in one part is
    silent in the sum."""
    total = sum(part.value for part in parts if isinstance(part, Sample))
    rows = [dict(part.values) for part in parts if isinstance(part, PerReplica)]
    if not rows:
        return Sample(total, sampled_at)
    names, values = dict.fromkeys(name for row in rows for name in row), []
    for name in names:
        numbers = [number for row in rows if (number := row.get(name)) is not None]
        values.append((name, total / len(names) + sum(numbers) if len(numbers) == len(rows) else None))
    return PerReplica(tuple(values), sampled_at)


def _words(term: Term, part: Sample | PerReplica) -> str:
    """``4 x Heavy 2``: the weight, where it is not 1, and the total before it."""
    total = part.value if isinstance(part, Sample) else sum(number or 0 for _, number in part.values)
    weight = "" if term.weight == 1 else f"{term.weight:.10g} x "
    missing = " (missing)" if part.sampled_at == math.inf else ""
    return f"{weight}{term.signal} {total / term.weight:.10g}{missing}"
