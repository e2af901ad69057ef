"""The simulated engine's arithmetic: slots, queue and times, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.engines.service_model import Change, Finished, ServiceModel, ServiceTimes, Started

# 1 s of prefill whatever the prompt, 1 s per output token: every time below can be read off.
ROUND = ServiceTimes(prefill_base_seconds=1.0, prefill_token_seconds=0.0, decode_token_seconds=1.0)


def told(changes: tuple[Change, ...]) -> list[tuple[str, int, float]]:
    """What happened to which job and when."""
    return [
        ("starts", change.run.job.id, change.run.started_at)
        if isinstance(change, Started)
        else ("ends", change.run.job.id, change.run.ends_at)
        for change in changes
    ]


def test_a_request_takes_prefill_plus_one_decode_step_per_token() -> None:
    model = ServiceModel(1, ServiceTimes())
    model.arrive(0.0, prompt_tokens=400, output_tokens=50)
    (start,) = model.advance(0.0)
    # 0.03 + 400 x 0.00025 = 0.13 s of prefill; the first token after one step of 0.02 s; 50 steps are 1.0 s.
    assert start.run.first_token_at == pytest.approx(0.15)
    assert start.run.ends_at == pytest.approx(1.13)


def test_speed_divides_every_time() -> None:
    model = ServiceModel(1, ServiceTimes(speed=10.0))
    model.arrive(0.0, prompt_tokens=400, output_tokens=50)
    (start,) = model.advance(0.0)
    assert start.run.first_token_at == pytest.approx(0.015)
    assert start.run.ends_at == pytest.approx(0.113)


def test_the_third_of_three_requests_starts_in_two_slots_when_the_first_one_ends() -> None:
    model = ServiceModel(2, ROUND)
    for output_tokens in (3, 5, 1):
        model.arrive(0.0, 0, output_tokens)
    assert told(model.advance(0.0)) == [("starts", 0, 0.0), ("starts", 1, 0.0)]
    assert (model.running, model.waiting) == (2, 1)
    # Job 0 takes 1 + 3 = 4 s; job 2 takes its slot and 1 + 1 = 2 s, so it ends with job 1 at 6 s.
    assert told(model.advance(10.0)) == [("ends", 0, 4.0), ("starts", 2, 4.0), ("ends", 1, 6.0), ("ends", 2, 6.0)]
    assert model.in_flight == 0


def test_a_late_look_starts_nobody_late() -> None:
    model = ServiceModel(1, ROUND)
    model.arrive(0.0, 0, 1)
    model.arrive(5.0, 0, 1)
    # Nobody looked for 100 s: the second still starts when it came, at 5 s, for the slot was free since 2 s.
    assert told(model.advance(100.0)) == [("starts", 0, 0.0), ("ends", 0, 2.0), ("starts", 1, 5.0), ("ends", 1, 7.0)]


def test_nothing_starts_before_its_turn() -> None:
    model = ServiceModel(1, ROUND)
    for _ in range(4):
        model.arrive(0.0, 0, 1)
    starts = [change.run.job.id for change in model.advance(50.0) if isinstance(change, Started)]
    assert starts == [0, 1, 2, 3]


def test_an_aborted_request_gives_its_slot_to_the_next_at_once() -> None:
    model = ServiceModel(1, ROUND)
    first = model.arrive(0.0, 0, 100)
    model.arrive(0.0, 0, 1)
    model.advance(0.0)
    assert told(model.abort(first.id, 3.0)) == [("starts", 1, 3.0)]
    assert model.next_change_at == 5.0


def test_aborting_one_that_waits_leaves_the_running_one_alone() -> None:
    model = ServiceModel(1, ROUND)
    model.arrive(0.0, 0, 3)
    second = model.arrive(0.0, 0, 1)
    model.advance(0.0)
    assert model.abort(second.id, 1.0) == ()
    assert (model.running, model.waiting, model.next_change_at) == (1, 0, 4.0)


def test_a_frozen_engine_goes_on_where_it_stood() -> None:
    model = ServiceModel(1, ROUND)
    model.arrive(0.0, 0, 3)
    model.advance(0.0)
    model.freeze(1.0)
    assert model.next_change_at is None
    assert model.advance(60.0) == ()
    # 4 s of work, frozen from 1 to 61: it ends at 64.
    assert told(model.thaw(61.0)) == []
    assert told(model.advance(64.0)) == [("ends", 0, 64.0)]


def test_what_arrived_while_frozen_starts_with_the_thaw() -> None:
    model = ServiceModel(1, ROUND)
    model.freeze(0.0)
    model.arrive(1.0, 0, 1)
    assert (model.advance(5.0), model.running, model.waiting) == ((), 0, 1)
    assert told(model.thaw(9.0)) == [("starts", 0, 9.0)]


def test_a_slow_engine_stretches_what_starts_from_then_on() -> None:
    model = ServiceModel(2, ROUND)
    model.arrive(0.0, 0, 1)
    model.advance(0.0)
    model.slow_down(10.0)
    model.arrive(0.0, 0, 1)
    model.advance(0.0)
    assert told(model.advance(100.0)) == [("ends", 0, 2.0), ("ends", 1, 20.0)]


@pytest.mark.parametrize(
    ("now", "tokens"),
    [
        pytest.param(1.9, 0, id="prefill and the first step take 2 s"),
        pytest.param(2.0, 1, id="the first token is out"),
        pytest.param(3.5, 2, id="half a step counts as none"),
        pytest.param(4.0, 3, id="the last token is out"),
        pytest.param(99.0, 3, id="never more than asked for"),
    ],
)
def test_tokens_come_out_one_per_step(now: float, tokens: int) -> None:
    model = ServiceModel(1, ROUND)
    model.arrive(0.0, 0, 3)
    (start,) = model.advance(0.0)
    assert start.run.tokens_at(now) == tokens


@pytest.mark.parametrize(
    ("slots", "sentence"), [pytest.param(0, "slots is 0; an engine has at least 1", id="no slot at all")]
)
def test_an_impossible_engine_is_refused(slots: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ServiceModel(slots, ROUND)


requests = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 5)), min_size=1, max_size=20)


@given(slots=st.integers(1, 4), wanted=requests, look_every=st.floats(0.3, 7))
def test_however_often_one_looks_the_same_happens_in_order_and_in_the_slots(
    slots: int, wanted: list[tuple[float, int]], look_every: float
) -> None:
    wanted = sorted(wanted)
    often, once = ServiceModel(slots, ROUND), ServiceModel(slots, ROUND)
    seen: list[Change] = []
    looked_at = 0.0
    for at, output_tokens in wanted:
        while looked_at + look_every <= at:
            looked_at += look_every
            seen += often.advance(looked_at)
        seen += often.advance(at)
        often.arrive(at, 0, output_tokens)
        seen += often.advance(at)
        assert often.running <= slots
        assert often.waiting == 0 or often.running == slots
        once.arrive(at, 0, output_tokens)
    seen += often.advance(1000.0)
    at_once = once.advance(1000.0)
    assert sorted(told(tuple(seen))) == sorted(told(at_once))
    assert sum(isinstance(change, Finished) for change in at_once) == len(wanted)
    starts = [change.run.job.id for change in at_once if isinstance(change, Started)]
    assert starts == sorted(starts)
