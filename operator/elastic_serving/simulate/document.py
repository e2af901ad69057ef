"""The comparison for programs: one JSON object. Names are those of the resource: camelCase, units in the name."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from elastic_serving.simulate.comparison import Comparison


def document(comparison: Comparison) -> Mapping[str, Any]:
    """Title, terms, world, objective and a score for each policy; null where there is no number."""
    named: dict[str, Any] = _camel(
        {
            "title": comparison.title,
            "terms": comparison.terms,
            "world": asdict(comparison.world),
            "objective": asdict(comparison.objective),
            "policies": [asdict(score) for score in comparison.scores],
        }
    )
    return named


def _camel(value: Any) -> Any:
    """The same with ``wait_p99_seconds`` as ``waitP99Seconds``."""
    if isinstance(value, dict):
        return {re.sub(r"_(\w)", lambda found: found[1].upper(), key): _camel(inner) for key, inner in value.items()}
    return [_camel(inner) for inner in value] if isinstance(value, list | tuple) else value
