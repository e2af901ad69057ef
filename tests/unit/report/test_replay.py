"""A record decided again: the same, or what differs."""

import json
import re
from typing import Any

import pytest

from elastic_serving.report.lines import line
from elastic_serving.report.observation import Recorded, parse
from elastic_serving.report.replay import Difference, differences
from elastic_serving.scaling.decide import decide
from tests.support.scaling import seen_of, spec_of

SPEC = spec_of({"type": "Concurrency", "target": 10})


def a_record(**parts: Any) -> Recorded:
    """Of 35 in flight in one replica, with ``parts`` of its decision forged."""
    seen = seen_of({"Concurrency": [35]}, at=100)
    about = {"serving": "n/m", "spec": SPEC.model_dump(mode="json", by_alias=True, exclude_unset=True)}
    written = json.loads(line(seen, None, decide(SPEC, seen, None, 100).decision, about))
    written["decision"] |= parts
    return parse(json.dumps(written))


@pytest.mark.promise("F10")
def test_a_record_decides_the_same_again() -> None:
    assert a_record().serving == "n/m"
    assert differences(a_record()) == ()


@pytest.mark.promise("F10")
@pytest.mark.parametrize(
    ("forged", "found"),
    [
        pytest.param({"to": 5}, (Difference("to", 5, 4),), id="number"),
        pytest.param({"reason": "Idle"}, (Difference("reason", "Idle", "Concurrency"),), id="reason"),
        pytest.param(
            {"to": 3, "steps": []},
            (
                Difference("to", 3, 4),
                Difference(
                    "steps[0]",
                    None,
                    {
                        "stage": "Concurrency",
                        "in": 1,
                        "out": 4,
                        "reason": "35 in flight / 10 per replica = 3.5 -> 4",
                    },
                ),
            ),
            id="number and first step",
        ),
        pytest.param({"signal": None}, (Difference("signal", None, "Concurrency"),), id="winning signal"),
    ],
)
def test_what_differs_is_named_then_and_now(forged: dict[str, Any], found: tuple[Difference, ...]) -> None:
    assert differences(a_record(**forged)) == found


def test_a_step_that_is_new_differs() -> None:
    steps = [*(a_record().decision or {})["steps"], {"stage": "more", "in": 4, "out": 4, "reason": "once"}]
    assert differences(a_record(steps=steps)) == (Difference("steps[4]", steps[4], None),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            '{"at": 1, "replicas": {"current": 1, "ready": 1, "starting": 0}, "signals": {}}',
            "decision: required, but not there: only a record has one",
            id="an observation",
        ),
        pytest.param(
            '{"at": 1, "replicas": {"current": 1, "ready": 1, "starting": 0}, "signals": {}, "decision": {}}',
            "spec: required, but not there: only a record has one",
            id="a decision without a spec",
        ),
        pytest.param(
            '{"at": 1, "replicas": {"current": 1, "ready": 1, "starting": 0}, "signals": {}, "decision": {}, '
            '"spec": {"model": {"uri": "hf://a/b"}, "accelerator": {"gpu": {"product": "p"}}, "scaling": {}}}',
            "spec.scaling.maxReplicas: required, but not there",
            id="a spec that is none",
        ),
    ],
)
def test_a_line_that_is_no_record_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        differences(parse(text))
