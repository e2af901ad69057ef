"""A line of observations: what it may hold, and the field and the reason where it is refused."""

import json
import re
from typing import Any

import jsonschema
import pytest

from elastic_serving.report.observation import Observation, parse
from elastic_serving.scaling.model import Boot, Flow, Missing, PerReplica, Reading, ReplicaCounts, Sample
from tests.support.golden_scaling import LOG

SCHEMA = Observation.model_json_schema()


def a_line(**parts: Any) -> str:
    """The smallest observation with ``parts`` instead of its own."""
    smallest = {"at": 5, "replicas": {"current": 2, "ready": 2, "starting": 0}, "signals": {"a": 7}}
    return json.dumps(smallest | parts)


@pytest.mark.parametrize(
    ("signal", "reading"),
    [
        pytest.param(7, Sample(7, 5), id="a number is a total as old as the line"),
        pytest.param({"value": 8}, Sample(8, 5), id="a value without a time"),
        pytest.param({"value": 8, "sampledAt": 3.5}, Sample(8, 3.5), id="a value with its time"),
        pytest.param(
            {"perReplica": {"0": 1, "2": None}, "sampledAt": 4},
            PerReplica((("0", 1), ("2", None)), 4),
            id="per replica",
        ),
        pytest.param({"perReplica": {}}, PerReplica((), 5), id="nobody reports"),
        pytest.param(None, Missing("Empty", "null in the observation"), id="missing"),
        pytest.param({"value": None, "sampledAt": 3}, Missing("Empty", "null in the observation"), id="a null value"),
        pytest.param(-7, Sample(-7, 5), id="a negative number is for the signal to call missing"),
    ],
)
def test_a_signal_is_a_total_or_one_number_a_replica(signal: object, reading: Reading) -> None:
    line = a_line(signals={"a": signal})
    assert parse(line).seen.signals == (("a", reading),)
    jsonschema.validate(json.loads(line), SCHEMA)


def test_everything_that_decisions_learn_from_is_read() -> None:
    seen = parse(
        a_line(
            replicas={"current": 3.0, "ready": 1, "starting": 2, "standby": 1, "ages": [61.5, 3]},
            flow={"running": 2, "waiting": 1, "finished": 40},
            boots=[{"readyAt": 1, "seconds": 130}],
            retired=["uid-1"],
            missing={"a": {"kind": "Timeout", "reason": "no answer within 5 s"}},
            signals={"a": None},
            pods=[{"phase": "Pending"}],
        )
    ).seen
    assert seen.replicas == ReplicaCounts(3, 1, 2, 1, (61.5, 3))
    assert (seen.flow, seen.boots, seen.retired) == (Flow(2, 1, 40, 5), (Boot(1, 130),), ("uid-1",))
    assert seen.signals == (("a", Missing("Timeout", "no answer within 5 s")),)


COUNTS = {"current": 1, "ready": 1, "starting": 0}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("{", "the line: not JSON: EOF while parsing an object at column 1", id="cut off"),
        pytest.param(b'{"\xff": 1}', "the line: not JSON: ", id="bytes that are no text"),
        pytest.param("[" * 10_000, "the line: not JSON: recursion limit exceeded", id="deeper than anybody writes"),
        pytest.param("[]", "the line: []: input should be an object", id="a list"),
        pytest.param('{"at": 1, "signals": {}}', "replicas: required, but not there", id="no replicas"),
        pytest.param(a_line(at="5"), "at: '5': input should be a valid number", id="text for a time"),
        pytest.param(a_line(at=float("nan")), "at: nan: input should be a finite number", id="NaN for a time"),
        pytest.param(a_line(at=-1), "at: -1: input should be greater than or equal to 0", id="before 1970"),
        pytest.param(
            a_line(at=1_790_000_000_000),
            "at: 1790000000000: input should be less than or equal to 253402300799",
            id="milliseconds",
        ),
        pytest.param(
            a_line(replicas=COUNTS | {"ready": -1}),
            "replicas.ready: -1: input should be greater than or equal to 0",
            id="fewer than no replicas",
        ),
        pytest.param(
            a_line(replicas=COUNTS | {"ready": True}),
            "replicas.ready: True: input should be a valid integer",
            id="no number of replicas",
        ),
        pytest.param(
            a_line(replicas=COUNTS | {"ages": [-1]}),
            "replicas.ages[0]: -1: input should be greater than or equal to 0",
            id="a negative age",
        ),
        pytest.param(
            a_line(signals={"a": {"value": "x"}}),
            "signals.a.value: 'x': input should be a valid number",
            id="text for a value",
        ),
        pytest.param(
            a_line(signals={"a": "7"}),
            "signals.a: '7': must be a number, an object with value or perReplica, or null",
            id="text for a signal",
        ),
        pytest.param(a_line(signals={"a": {"sampledAt": 1}}), "signals.a: needs value or perReplica", id="only a time"),
        pytest.param(
            a_line(signals={"a": {"value": 1, "perReplica": {}}}),
            "signals.a: value and perReplica exclude each other",
            id="both",
        ),
        pytest.param(
            a_line(signals={"a": {"perReplica": {"0": []}}}),
            "signals.a.perReplica.0: []: input should be a valid number",
            id="a list for a replica's number",
        ),
        pytest.param(
            a_line(signals={"a": {"value": 1, "sampledAt": float("inf")}}),
            "signals.a.sampledAt: inf: input should be a finite number",
            id="sampled at the end of time",
        ),
        pytest.param(a_line(signls={}), "signls: there is no such field", id="a field mistyped"),
        pytest.param(
            a_line(flow={"running": 1, "waiting": 0, "finished": -1}),
            "flow.finished: -1: input should be greater than or equal to 0",
            id="a counter below 0",
        ),
        pytest.param(a_line(memory={"at": 1}), "memory.desired: Field required", id="half a memory"),
    ],
)
def test_a_line_that_is_no_observation_is_refused_with_the_field_and_the_reason(line: str | bytes, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        parse(line)


def test_a_long_value_is_not_repeated_in_full() -> None:
    with pytest.raises(ValueError, match=r"^.{1,200}$"):
        parse(a_line(at="9" * 5000))


@pytest.mark.promise("F10")
def test_the_records_of_the_operator_are_observations() -> None:
    for text in LOG.read_text(encoding="utf-8").splitlines():
        jsonschema.validate(json.loads(text), SCHEMA)
        assert parse(text).decision == json.loads(text)["decision"]
