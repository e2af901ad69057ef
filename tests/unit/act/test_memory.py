"""The saved memory across releases."""

import json

from elastic_serving.act.memory import Remembered, decoded, encoded
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import Failure

SAVED = Remembered(Memory(at=100.0, desired=4), (Failure(0, "r1", 2, 90.0, "exit code 1"),))


def test_what_is_saved_comes_back() -> None:
    assert decoded(encoded(SAVED)) == SAVED


def test_a_field_of_a_newer_release_loses_nothing() -> None:
    state = json.loads(encoded(SAVED))
    state["failures"][0]["nova"] = 1
    assert decoded(json.dumps(state)) == SAVED


def test_a_failure_that_cannot_be_read_loses_itself_alone() -> None:
    state = json.loads(encoded(SAVED))
    state["failures"].append({"index": "first"})
    assert decoded(json.dumps(state)) == SAVED
