"""Recorded decisions played again: whose they are, from when on, and the sentence where there are none."""

from pathlib import Path
from typing import Any

import pytest

from elastic_serving.commands.refusal import Refused
from elastic_serving.commands.shadow import recorded_policy
from elastic_serving.report.lines import line
from elastic_serving.scaling.decide import decide
from elastic_serving.simulate.played import Played
from tests.support.scaling import echo_spec, seen_of

SPEC = echo_spec()


def record(at: float, wanted: float, serving: str | None = "team-a/llama") -> str:
    """The line of a pass that decided on ``wanted`` replicas."""
    seen = seen_of({"Concurrency": wanted}, at=at)
    decided = decide(SPEC, seen, None, at)
    about: dict[str, Any] = {} if serving is None else {"serving": serving}
    return line(seen, None, decided.decision, about)


def played(tmp_path: Path, *lines: str, serving: str = "llama") -> Played:
    """What is played of these records in the minute from 1000 s on."""
    (tmp_path / "decisions.jsonl").write_text("".join(f"{text}\n" for text in lines))
    return recorded_policy((tmp_path,), serving, begins=1000.0, seconds=60.0)


def steps_of(policy: Played) -> list[tuple[float, int]]:
    return [(at, wish.replicas) for at, wish in zip(policy.at, policy.wishes, strict=True)]


@pytest.mark.parametrize(
    ("lines", "steps"),
    [
        pytest.param([(990, 2), (1010, 3), (1020, 5)], [(0, 2), (10, 3), (20, 5)], id="what held at the beginning"),
        pytest.param([(1010, 3)], [(10, 3)], id="nothing before"),
        pytest.param([(900, 9), (990, 2)], [(0, 2)], id="only before: the last holds"),
        pytest.param([(1020, 5), (1010, 3)], [(10, 3), (20, 5)], id="out of order"),
        pytest.param([(1010, 3), (1060, 9)], [(10, 3)], id="after the end"),
    ],
)
def test_decisions_hold_from_their_time_on(
    tmp_path: Path, lines: list[tuple[float, float]], steps: list[tuple[float, int]]
) -> None:
    policy = played(tmp_path, *(record(at, wanted) for at, wanted in lines))
    assert policy.name == "recorded"
    assert steps_of(policy) == steps


def test_a_decision_brings_its_reason_and_its_steps(tmp_path: Path) -> None:
    (wish,) = played(tmp_path, record(1010, 3)).wishes
    assert wish.why == "Concurrency"
    assert wish.steps[0].startswith("Concurrency: ")
    assert any(step.startswith("limits: ") for step in wish.steps)


def test_only_the_decisions_of_the_serving_are_played(tmp_path: Path) -> None:
    lines = [record(1010, 3), record(1020, 7, "team-a/other"), record(1030, 4, None)]
    assert steps_of(played(tmp_path, *lines)) == [(10, 3), (30, 4)]
    assert steps_of(played(tmp_path, *lines, serving="team-a/llama")) == [(10, 3), (30, 4)]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        pytest.param([record(1100, 3)], "no decision for llama in the past that is tried", id="later"),
        pytest.param([record(1010, 3, "team-a/other")], "no decision for llama in the past", id="another's"),
        pytest.param([], "no decision for llama in the past", id="none at all"),
        pytest.param(
            [record(1010, 3), record(1010, 3, "team-b/llama")],
            "records of team-a/llama and team-b/llama: the manifest must name its namespace",
            id="of two namespaces",
        ),
        pytest.param(['{"at": 1}'], "decisions.jsonl:1: replicas: required, but not there", id="no record"),
    ],
)
def test_what_cannot_be_played_is_a_sentence(tmp_path: Path, lines: list[str], says: str) -> None:
    with pytest.raises(Refused) as refused:
        played(tmp_path, *lines)
    assert says in str(refused.value)
