"""A decision as a whole: its steps as a user reads them, the modes, and what the next pass gets."""

from dataclasses import replace

import pytest

from elastic_serving.scaling.decide import STAGES, decide
from elastic_serving.scaling.limits import limits
from elastic_serving.scaling.memory import Memory, seeded
from elastic_serving.scaling.model import Decision
from tests.support.scaling import Short, echo_spec, play, seen_of, spec_of

LLAMA = spec_of(
    {"type": "Concurrency", "target": 28}, {"type": "QueueDepth", "target": 4}, minReplicas=1, maxReplicas=8
)


def sentences(decision: Decision) -> list[str]:
    """The steps as kubectl describe prints them."""
    return [f"{step.stage}: {step.reason}" for step in decision.steps]


def test_every_stage_leaves_its_number_and_its_reason() -> None:
    """148 / 28 = 5.29, 20 / 4 = 5; no up window; at most 8."""
    seen = seen_of({"Concurrency": [50, 50, 48], "QueueDepth": [8, 6, 6]}, at=1, current=3)
    decision = decide(LLAMA, seen, seeded(3, 0), 1).decision
    assert sentences(decision) == [
        "Concurrency: 148 in flight / 28 per replica = 5.3 -> 6",
        "QueueDepth: 20 waiting / 4 per replica = 5 -> 5",
        "largest signal: Concurrency asks for 6",
        "stabilization: up window 0 s -> 6",
        "limits: 1 to 8 -> 6",
    ]
    assert [(step.before, step.after) for step in decision.steps] == [(3, 6), (3, 5), (3, 6), (6, 6), (6, 6)]
    assert (decision.current, decision.desired, decision.recommendation) == (3, 6, 6)
    assert (decision.signal, decision.why, decision.held, decision.changed) == ("Concurrency", "Concurrency", "", True)


def test_the_outcome_of_each_signal_is_kept() -> None:
    seen = seen_of({"Concurrency": [50, None, 48], "QueueDepth": None}, at=7, current=3)
    concurrency, queue = decide(LLAMA, seen, None, 9).decision.signals
    assert (concurrency.value, concurrency.target, concurrency.recommendation, concurrency.sampled_at) == (98, 28, 4, 7)
    assert queue.recommendation is None
    assert queue.missing is not None
    assert queue.missing.kind == "Unreachable"


@pytest.mark.promise("N2")
def test_a_spike_of_ten_times_the_load_is_answered_in_one_pass_without_numbers_in_between() -> None:
    """20 in flight on one replica of 28; one second later 200: 200 / 28 = 7.1."""
    rows: list[tuple[float, Short]] = [(0, [20]), (1, [200]), (2, [200])]
    spec = spec_of({"type": "Concurrency", "target": 28}, maxReplicas=50)
    assert [d.decision.desired for d in play(spec, rows, start=1)] == [1, 8, 8]


def test_the_present_number_is_the_last_decision_and_never_a_count_of_pods() -> None:
    spec = echo_spec()
    first = decide(spec, seen_of({"Concurrency": 6}, current=2), None, 0)
    blind = decide(spec, seen_of({"Concurrency": None}, at=1, current=3, ready=1), first.memory, 1)
    assert (blind.decision.current, blind.decision.desired) == (6, 6)


def test_the_first_pass_starts_from_the_replicas_that_are_there_and_lowers_nothing() -> None:
    spec = spec_of({"type": "Concurrency", "target": 28})
    assert decide(spec, seen_of({"Concurrency": [0] * 6}, current=6), None, 0).decision.desired == 6


@pytest.mark.parametrize(
    ("replicas", "current", "expected"),
    [
        pytest.param(5, 2, 5, id="up"),
        pytest.param(2, 5, 2, id="down at once"),
        pytest.param(0, 5, 0, id="a manual zero is respected, whatever minReplicas says"),
        pytest.param(8, 2, 8, id="as far as maxReplicas"),
    ],
)
def test_by_hand_the_number_is_spec_replicas(replicas: int, current: int, expected: int) -> None:
    slow = {"stabilizationWindowSeconds": 300, "policies": [{"type": "Replicas", "value": 1, "periodSeconds": 60}]}
    spec = spec_of(
        mode="Manual", replicas=replicas, minReplicas=2, maxReplicas=8, behavior={"scaleUp": slow, "scaleDown": slow}
    )
    decision = decide(spec, seen_of({"Concurrency": 500}, at=1), seeded(current, 0), 1).decision
    assert (decision.desired, decision.why) == (expected, "Manual")


def test_a_number_set_by_hand_starts_the_history_afresh() -> None:
    """5 by hand at 100, automatic from 110: the down window of 300 s holds the 5 until 400."""
    window = {"scaleDown": {"stabilizationWindowSeconds": 300}}
    by_hand = spec_of(mode="Manual", replicas=5, behavior=window)
    automatic = spec_of(behavior=window)
    memory = decide(by_hand, seen_of({"Concurrency": [0]}, at=100), Memory(at=0, desired=2), 100).memory
    desired: list[int] = []
    for at in (110.0, 399.0, 400.0):
        decided = decide(automatic, seen_of({"Concurrency": [0] * 5}, at=at), memory, at)
        memory, desired = decided.memory, [*desired, decided.decision.desired]
    assert desired == [5, 5, 1]


def test_a_manual_zero_ends_with_manual_mode() -> None:
    decision = decide(spec_of(), seen_of({"Concurrency": "NoReplica"}, at=1, current=0), seeded(0, 0), 1).decision
    assert (decision.desired, decision.why) == (1, "MinReplicas")


@pytest.mark.promise("U16")
def test_advice_is_the_same_decision() -> None:
    seen = seen_of({"Concurrency": [50, 50, 48], "QueueDepth": [8, 6, 6]}, at=1, current=3)
    signals = ({"type": "Concurrency", "target": 28}, {"type": "QueueDepth", "target": 4})
    advice = spec_of(*signals, mode="Advise", maxReplicas=8)
    assert decide(advice, seen, seeded(3, 0), 1).decision == decide(LLAMA, seen, seeded(3, 0), 1).decision


@pytest.mark.parametrize(
    ("there", "load", "desired", "said"),
    [
        # 8 were advised; 2 replicas in 60 s are allowed. 10 in flight ask for 10.
        pytest.param(1, 10, 3, "advice of 8 was not acted on, 1 is there -> 1", id="up: from what is there"),
        pytest.param(8, 10, 10, "", id="up: as many as advised are there by other hands"),
        pytest.param(12, 10, 10, "advice of 8 was not acted on, 12 are there -> 12", id="down: from what is there"),
        pytest.param(0, 10, 1, "advice of 8 was not acted on, 0 are there -> 0", id="none there: minReplicas first"),
    ],
)
def test_advice_becomes_action_by_the_rate_policies(there: int, load: float, desired: int, said: str) -> None:
    policy = {"policies": [{"type": "Replicas", "value": 2, "periodSeconds": 60}]}
    advice, action = echo_spec(policy, mode="Advise"), echo_spec(policy)
    memory = replace(seeded(6, 0), lows=(), highs=())
    advised = decide(advice, seen_of({"Concurrency": 10}, at=1, current=there), memory, 1)
    assert advised.decision.desired == 8
    acted = decide(action, seen_of({"Concurrency": load}, at=2, current=there), advised.memory, 2)
    assert (acted.decision.current, acted.decision.desired) == (there, desired)
    assert [step.reason for step in acted.decision.steps if step.stage == "advice"] == ([said] if said else [])
    # From here on memory counts again: a lost replica changes nothing.
    later = decide(action, seen_of({"Concurrency": None}, at=3, current=0), acted.memory, 3)
    assert later.decision.desired == desired


def test_min_and_max_have_the_last_word() -> None:
    assert STAGES[-1][0] is limits


def test_two_specs_that_differ_are_told_apart_when_their_signals_are_remembered() -> None:
    seen = seen_of({"Concurrency": [40]}, current=1)
    for target, expected in ((10, 4), (20, 2), (40, 1)):
        assert decide(spec_of({"type": "Concurrency", "target": target}), seen, None, 0).decision.desired == expected
