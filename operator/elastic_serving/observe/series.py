"""Prometheus's answers as values: a series is labels, a number and its time. Pure; anything else is refused."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


class NotAVector(ValueError):
    """The answer is valid JSON and yet not an instant vector or scalar."""


@dataclass(frozen=True, slots=True)
class Series:
    """One element of an instant vector. ``at`` is when the query was evaluated, not when the sample was scraped."""

    labels: Mapping[str, str]
    value: float
    at: float

    @property
    def is_number(self) -> bool:
        """Finite: NaN and infinities say that there is nothing to say."""
        return math.isfinite(self.value)


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a range: pairs of time and number in the order of time; where there was none, there is no pair."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


def parse_vector(result: object) -> tuple[Series, ...]:
    """``data.result`` of /api/v1/query as series; a scalar becomes one series without labels.

    Raises NotAVector with the end of a sentence ("a range vector", ...).
    """
    if not isinstance(result, list):
        raise NotAVector(f"{type(result).__name__} where a list of series belongs")
    if len(result) == 2 and not isinstance(result[0], dict):
        return (_series({}, result),)
    return tuple(_element(element) for element in result)


def parse_matrix(result: object) -> tuple[Line, ...]:
    """``data.result`` of /api/v1/query_range; raises NotAVector."""
    if not isinstance(result, list) or not all(isinstance(element, dict) for element in result):
        raise NotAVector("something else than a list of series")
    return tuple(_line(element) for element in result)


def _line(element: Mapping[str, object]) -> Line:
    labels, samples = element.get("metric"), element.get("values")
    if not isinstance(samples, list):
        raise NotAVector("a series without float values (native histograms need histogram_quantile or histogram_sum)")
    found = [_series({}, sample) for sample in samples]
    named = {str(k): str(v) for k, v in labels.items()} if isinstance(labels, dict) else {}
    return Line(named, tuple((point.at, point.value) for point in found))


def _element(element: object) -> Series:
    if not isinstance(element, dict):
        raise NotAVector("a list of something that is not a series")
    if "values" in element:
        raise NotAVector("a range vector: the query must not end in a range like [5m]")
    if "value" not in element:
        raise NotAVector("a series without a float value (native histograms need histogram_quantile or histogram_sum)")
    labels = element.get("metric")
    return _series(labels if isinstance(labels, dict) else {}, element["value"])


def _series(labels: Mapping[object, object], sample: object) -> Series:
    try:
        at, value = sample if isinstance(sample, list) else (None, None)
        return Series({str(k): str(v) for k, v in labels.items()}, float(value), float(at))  # type: ignore[arg-type]  # None and the like are refused below
    except (TypeError, ValueError) as error:
        raise NotAVector("a sample that is not a pair of time and number") from error
