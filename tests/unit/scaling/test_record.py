"""Records: one JSON line a pass, in a fixed format, that is enough to decide the same again."""

import json
from dataclasses import replace

import pytest

from elastic_serving.report.lines import line
from elastic_serving.report.observation import parse
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import seeded
from elastic_serving.scaling.model import Boot, Flow, Missing, ReplicaCounts, Sample
from tests.support.scaling import Short, echo_spec, seen_of, spec_of

TWO = spec_of({"type": "Concurrency", "target": 28}, {"type": "QueueDepth", "target": 4}, maxReplicas=8)


def test_a_line_says_what_was_seen_and_what_was_decided() -> None:
    seen = seen_of({"Concurrency": [40.5, None], "QueueDepth": None}, at=10.5, current=2, ready=1, starting=1)
    made = decide(TWO, seen, seeded(2, 4.25), 10.75).decision
    assert json.loads(line(seen, seeded(2, 4.25), made)) == {
        "at": 10.5,
        "replicas": {"current": 2, "ready": 1, "starting": 1, "standby": 0},
        "signals": {"Concurrency": {"perReplica": {"0": 40.5, "1": None}, "sampledAt": 10.5}, "QueueDepth": None},
        "missing": {"QueueDepth": {"kind": "Unreachable", "reason": "connection refused", "since": None}},
        "memory": {"at": 4.25, "desired": 2, "lows": [[4.25, 2]], "highs": [[4.25, 2]]},
        "decision": {
            "at": 10.75,
            "from": 2,
            "to": 2,
            "recommendation": 2,
            "signal": "Concurrency",
            "reason": "Concurrency",
            "steps": [
                {
                    "stage": "Concurrency",
                    "in": 2,
                    "out": 2,
                    "reason": "40.5 in flight / 28 per replica, 1 silent and 1 starting at 0 = 1.5: "
                    "no clear direction -> 2",
                },
                {"stage": "QueueDepth", "in": 2, "out": 2, "reason": "missing: connection refused"},
                {"stage": "largest signal", "in": 2, "out": 2, "reason": "Concurrency asks for 2"},
                {"stage": "stabilization", "in": 2, "out": 2, "reason": "up window 0 s -> 2"},
                {"stage": "limits", "in": 2, "out": 2, "reason": "1 to 8 -> 2"},
            ],
        },
    }


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param([1.5, 0.1 + 0.2], id="per replica"),
        pytest.param([1.5, None, float("nan"), float("inf")], id="some silent or senseless"),
        pytest.param(Sample(1e300, 3.3), id="a total of its own age"),
        pytest.param(Sample(float("nan"), 3.3), id="NaN"),
        pytest.param(Sample(float("inf"), 3.3), id="infinite"),
        pytest.param(Missing("Stale", "its sample is 40 s old", 1.1), id="missing since"),
        pytest.param([], id="nobody to report"),
        pytest.param("NoReplica", id="no replica"),
        pytest.param(None, id="unreachable"),
    ],
)
def test_what_was_recorded_decides_the_same_again(reading: Short) -> None:
    seen = seen_of({"Concurrency": reading, "QueueDepth": 3}, at=0.1, current=4, starting=1, retired=("uid-1",))
    memory = seeded(4, 1 / 3)
    made = decide(TWO, seen, memory, 0.7)
    found = parse(line(seen, memory, made.decision))
    again = decide(TWO, found.seen, found.memory, 0.7)
    assert again == made


def test_what_was_learned_from_is_recorded_to_the_last_bit() -> None:
    seen = replace(
        seen_of({"Concurrency": 3}),
        replicas=ReplicaCounts(4, 2, 2, ages=(61.25, 0.1 + 0.2)),
        flow=Flow(running=2.5, waiting=0.5, finished=1e15 + 1, sampled_at=1 / 3),
        boots=(Boot(ready_at=-3.5, seconds=130.1), Boot(ready_at=1 / 7, seconds=84)),
    )
    found = parse(line(seen, None, decide(echo_spec(), seen, None, 0).decision)).seen
    assert (found.replicas, found.flow, found.boots) == (seen.replicas, seen.flow, seen.boots)


def test_a_first_pass_is_recorded_without_a_memory() -> None:
    seen = seen_of({"Concurrency": 3})
    assert parse(line(seen, None, decide(echo_spec(), seen, None, 0).decision)).memory is None


def test_an_observation_may_be_written_by_hand() -> None:
    text = (
        '{"at": 5, "replicas": {"current": 2, "ready": 2, "starting": 0}, "pods": [], '
        '"signals": {"a": 7, "b": {"value": 8}, "c": {"perReplica": {"0": 1}, "sampledAt": 4}, "d": null}}'
    )
    assert parse(text).seen == seen_of(
        {"a": 7, "b": 8, "c": parse(text).seen.signals[2][1], "d": Missing("Empty", "null in the observation")},
        at=5,
        current=2,
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("{", "the line: not JSON: ", id="no JSON"),
        pytest.param('{"at": 1, "signals": {}}', "replicas: ", id="no replicas"),
        pytest.param(
            '{"at": 1, "replicas": {"current": 1, "ready": 1, "starting": 0}, "signals": {"a": "7"}}',
            r"signals\.a",
            id="text for a number",
        ),
        pytest.param(
            '{"at": "NaN", "replicas": {"current": 1, "ready": 1, "starting": 0}, "signals": {}}', "at: ", id="no time"
        ),
    ],
)
def test_a_line_that_is_none_is_refused_with_the_field(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}"):
        parse(text)
