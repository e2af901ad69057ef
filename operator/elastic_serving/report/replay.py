"""A record decided again: does the code of today come to the decision that stands there? Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.api.parse import sentence
from elastic_serving.report.lines import decided
from elastic_serving.report.observation import Recorded
from elastic_serving.scaling.decide import decide


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of a decision, by its path (``to``, ``reason``, ``steps[2].reason``), as it was and as it would be."""

    path: str
    then: object
    now: object

    def __str__(self) -> str:
        return f"{self.path}: {json.dumps(self.then)} then, {json.dumps(self.now)} now"


def spec_of(recorded: Recorded) -> ElasticServingSpec:
    """The spec in a record. Raises ValueError with field and reason where there is none, or none of ours."""
    if recorded.spec is None:
        raise ValueError("spec: required, but not there: only a record has one")
    return _spec(json.dumps(recorded.spec))


def differences(recorded: Recorded) -> tuple[Difference, ...]:
    """What is decided otherwise today: the number, its reason, and the first step that differs; empty if nothing is.

    Raises ValueError with field and reason where the line is no record.
    """
    if recorded.decision is None:
        raise ValueError("decision: required, but not there: only a record has one")
    made = decide(spec_of(recorded), recorded.seen, recorded.memory, recorded.seen.at).decision
    then, now = recorded.decision, json.loads(json.dumps(decided(made)))
    found = [Difference(part, then.get(part), now[part]) for part in now if part != "steps"]
    return (*(each for each in found if each.then != each.now), *_first_step(then.get("steps"), now["steps"]))


def _first_step(then: object, now: list[Mapping[str, Any]]) -> tuple[Difference, ...]:
    before = then if isinstance(then, list) else []
    for index in range(max(len(before), len(now))):
        one, two = (steps[index] if index < len(steps) else None for steps in (before, now))
        if one != two:
            return (Difference(f"steps[{index}]", one, two),)
    return ()


@lru_cache(maxsize=1024)
def _spec(text: str) -> ElasticServingSpec:
    try:
        return ElasticServingSpec.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"spec.{sentence(error.errors(include_url=False)[0])}") from error
