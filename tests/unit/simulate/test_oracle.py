"""The oracle: cheapest over blocks by hand, and a schedule that is ready when the load is."""

import numpy as np
import pytest

from elastic_serving.simulate.cluster import Phase, World
from elastic_serving.simulate.oracle import Block, cheapest, fluid_hours, limits_of, oracle
from elastic_serving.simulate.result import Requests, Run
from elastic_serving.simulate.score import Objective

BOOT = 100.0
ONE_SLOT = World(slots=1, boot=(Phase(BOOT),), prefill_seconds=0.0, prefill_token_seconds=0.0)


def requests_of(arrived: list[float], *, seconds_each: float = 10.0) -> Requests:
    count, tokens = len(arrived), round(seconds_each / 0.02)
    return Requests(np.array(arrived), np.zeros(count, np.int64), np.full(count, tokens, np.int64))


def in_time(run: Run) -> float:
    return float((run.waits <= 5.0).mean())


def schedule(requests: Requests, *, share: float = 1.0, seconds: float = 600.0, most: int = 20) -> Run:
    limits = np.full(len(requests), 5.0)
    return oracle(requests, ONE_SLOT, seconds=seconds, limits=limits, share=share, attained=in_time, least=1, most=most)


# Blocks of 100 s. A replica costs 100 a block and 100 to add.
@pytest.mark.parametrize(
    ("price", "numbers"),
    [
        # The 3 late ones of the second block at 5 each are cheaper than a second replica at 200.
        pytest.param(5.0, [1, 1, 1], id="late is cheap"),
        pytest.param(70.0, [1, 2, 1], id="late is dear"),
    ],
)
def test_a_replica_is_added_where_it_costs_less_than_who_comes_late(price: float, numbers: list[int]) -> None:
    blocks = [Block(1, (0,)), Block(1, (3, 0)), Block(1, (0,))]
    assert cheapest(blocks, price, BOOT, start=1) == numbers


def test_a_replica_is_kept_over_a_gap_that_is_shorter_than_what_a_boot_costs() -> None:
    # Keeping the second replica through one block costs 100, as adding it again does; through two it costs more.
    short = [Block(1, (0,)), Block(2, (0,)), Block(1, (0,)), Block(1, (0,)), Block(2, (0,))]
    assert cheapest(short, 1e6, BOOT, start=1) == [1, 2, 1, 1, 2]


def test_it_is_ready_when_the_load_comes_and_gone_when_it_goes() -> None:
    # One request a second of 10 s from 300 to 400 need ten replicas; before and after there is nothing to do.
    made = schedule(requests_of([float(at) for at in range(300, 400)]))
    assert in_time(made) == 1.0
    assert made.timeline.ready[[250, 350]].tolist() == [1, 10]
    # 9 more replicas from 200 to 400, and what is running then is finished: 9 of the 10 in 9, 8, ... 1 s at most.
    assert 600 + 9 * 200 <= made.replica_seconds <= 600 + 9 * 200 + 45


def test_nothing_can_be_ready_before_the_first_boot_is_over() -> None:
    # Twenty at once at 0 on one replica: those that wait longer than 5 s are late whatever comes after.
    made = schedule(requests_of([0.0] * 20))
    assert in_time(made) == 1 / 20
    assert made.timeline.ready[98] == 1


def test_it_costs_no_more_than_the_share_is_worth() -> None:
    # A load of 1 for 600 s, and a burst of 4 more in one block: 4 of 64 late are 6.25 %.
    arrived = sorted([*(10.0 * at for at in range(60)), 301.0, 301.0, 301.0, 301.0])
    everybody, most_of_them = schedule(requests_of(arrived)), schedule(requests_of(arrived), share=0.85)
    assert in_time(everybody) == 1.0
    assert 0.85 <= in_time(most_of_them) < 1.0
    assert most_of_them.replica_seconds < everybody.replica_seconds
    assert fluid_hours(requests_of(arrived), ONE_SLOT) * 3600 == pytest.approx(640)
    assert everybody.replica_seconds >= 640


def test_a_request_may_wait_as_long_as_its_first_token_may_take() -> None:
    requests = Requests(np.array([0.0, 1.0]), np.array([400, 8000]), np.array([10, 10]))
    # 3 s less 0.03 + 400 x 0.00025 = 0.13 of prefill and 0.02 of a token; 2.03 of prefill for the other.
    found = limits_of(requests, World(slots=1), Objective(ttft_seconds=3.0))
    assert found.tolist() == pytest.approx([2.85, 0.95])
    assert limits_of(requests, World(slots=1), Objective()).tolist() == [5.0, 5.0]
