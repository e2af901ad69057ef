"""The fair fixed fleet: found by few tries, and the smallest that is enough."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic_serving.simulate.cluster import Phase, World
from elastic_serving.simulate.fixed import fixed_fleet, smallest
from elastic_serving.simulate.result import Run
from tests.support.runs import requests_at


def counted(answer: int) -> tuple[list[int], Callable[[int], bool]]:
    """Meets from ``answer`` on, and notes what it was asked."""
    asked: list[int] = []

    def meets(number: int) -> bool:
        asked.append(number)
        return number >= answer

    return asked, meets


@pytest.mark.parametrize(
    ("answer", "guess", "most", "tries"),
    [
        pytest.param(5, 5, 20, [5, 4], id="a guess that is right"),
        pytest.param(5, 8, 20, [8, 7, 5, 1, 3, 4], id="a guess too high"),
        pytest.param(8, 6, 20, [6, 7, 9, 8], id="a guess too low"),
        pytest.param(1, 1, 20, [1], id="one is enough"),
        pytest.param(20, 18, 20, [18, 19], id="none below the most"),
        pytest.param(1, 1, 1, [], id="nothing to choose"),
    ],
)
def test_steps_double_from_the_guess_and_then_halve(answer: int, guess: int, most: int, tries: list[int]) -> None:
    asked, meets = counted(answer)
    assert smallest(meets, guess=guess, most=most) == answer
    assert asked == tries


@given(st.data())
def test_the_answer_is_the_smallest_and_the_last_that_met(data: st.DataObject) -> None:
    most = data.draw(st.integers(1, 500))
    answer, guess = data.draw(st.integers(1, most)), data.draw(st.integers(1, 600))
    asked, meets = counted(answer)
    assert smallest(meets, guess=guess, most=most) == answer
    assert len(asked) <= 2 * most.bit_length() + 2
    met = [number for number in asked if number >= answer]
    assert not met or met[-1] == answer


def in_time(tried: Run) -> float:
    return float((tried.waits <= 5.0).mean())


def test_the_fleet_is_the_smallest_for_which_99_of_100_are_in_time() -> None:
    # 100 at once of 10 s each (500 tokens at 20 ms, nothing before them): a slot each, or they wait 10 s. 99 slots
    # serve 99 at once: at 9 slots a replica 11 replicas are enough and 10 are not.
    requests = requests_at(*np.zeros(100), output_tokens=500)
    world = World(slots=9, prefill_seconds=0.0, boot=(Phase(130.0),))
    found = fixed_fleet(requests, world, seconds=60.0, attained=in_time)
    assert found.policy == "static"
    assert found.timeline.ready.tolist() == [11] * 60
    assert found.replica_seconds == pytest.approx(660)
    assert in_time(found) == 0.99


def test_a_fleet_that_cannot_be_enough_is_as_large_as_the_load() -> None:
    found = fixed_fleet(requests_at(0, 0, output_tokens=500), World(slots=1), seconds=10.0, attained=lambda _: 0.0)
    assert found.timeline.ready.tolist() == [3] * 10
