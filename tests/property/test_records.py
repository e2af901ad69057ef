"""What the operator records, decided again: record by record, and in one go with the memory carried along."""

import json
from dataclasses import replace

import pytest
from hypothesis import given

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.commands.decide import decisions
from elastic_serving.report.lines import decided, line
from elastic_serving.report.observation import parse
from elastic_serving.report.replay import differences
from tests.property.test_scaling_laws import Tick, laws, play, specs, timelines


def records(spec: ElasticServingSpec, timeline: list[Tick]) -> list[str]:
    """What the operator would have recorded."""
    about = {"serving": "n/m", "spec": spec.model_dump(mode="json", by_alias=True, exclude_unset=True)}
    texts, memory = [], None
    for tick, made in zip(timeline, play(spec, timeline), strict=True):
        texts.append(line(replace(tick.seen, at=made.decision.at), memory, made.decision, about))
        memory = made.memory
    return texts


@pytest.mark.promise("F10")
@laws
@given(specs(), timelines)
def test_every_record_decides_the_same_again(spec: ElasticServingSpec, timeline: list[Tick]) -> None:
    assert [differences(parse(text)) for text in records(spec, timeline)] == [()] * len(timeline)


@pytest.mark.promise("F10")
@laws
@given(specs(), timelines)
def test_a_recorded_run_in_one_go_decides_what_was_recorded(spec: ElasticServingSpec, timeline: list[Tick]) -> None:
    """The records' memories are never looked at, but for the first. No sample of these timelines is called stale."""
    texts = records(spec, timeline)
    made = decisions("records", [text.encode() for text in texts], stale_seconds=1e9)
    assert [json.loads(json.dumps(decided(each.decision))) for each in made] == [
        json.loads(text)["decision"] for text in texts
    ]
