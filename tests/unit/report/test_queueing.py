"""The queue in numbers: when whoever waits has a slot, how much of the slots is used, and how the status says it."""

import pytest

from elastic_serving.api.status import QueueStatus
from elastic_serving.queueing.line import Queue
from elastic_serving.report.status import queue_of, status_of
from tests.support.accounts import account_of, queued, serving_since

ONE = (serving_since(0, "04:12:10"),)


@pytest.mark.parametrize(
    ("queue", "eta", "utilization", "wait"),
    [
        # c = 2, mu = 1 / 6: a slot is free every 3 s. rho = 0.25 x 6 / 2 = 0.75, C = 9 / 14, W = 9 / 14 x 6 / 0.5.
        pytest.param(Queue(12, 2, 0.25, 6.0), 36.0, 0.75, 54 / 7, id="twelve wait"),
        pytest.param(Queue(0, 2, 0.25, 6.0), 0.0, 0.75, 54 / 7, id="nobody waits"),
        pytest.param(Queue(12, 2, 0.5, 6.0), 36.0, 1.5, None, id="more comes than is served"),
        pytest.param(Queue(12, 2, 1 / 3, 6.0), 36.0, 1.0, None, id="just as much comes as is served"),
        pytest.param(Queue(12, 0, 0.25, 6.0), None, None, None, id="nobody serves"),
        pytest.param(Queue(12, 2), None, None, None, id="nothing is known"),
        pytest.param(Queue(0, 2, 0.0, 6.0), 0.0, 0.0, 0.0, id="nothing comes any more"),
    ],
)
@pytest.mark.promise("N28")
def test_littles_law(queue: Queue, eta: float | None, utilization: float | None, wait: float | None) -> None:
    assert (queue.eta_seconds, queue.utilization) == (eta, utilization)
    assert queue.wait_seconds == (None if wait is None else pytest.approx(wait))


@pytest.mark.parametrize(
    ("waiting", "rate", "service", "summary"),
    [
        pytest.param(12, 3.0, 6.0, "12, ~2s", id="seconds"),  # 12 x 6 / 32 = 2.25
        pytest.param(2000, 3.0, 6.0, "2000, ~6m", id="minutes"),  # 375 s, of two digits 380
        pytest.param(2000, 3.0, 600.0, "2000, ~11h", id="hours"),  # 37,500 s: 38,000
        pytest.param(12, None, 6.0, "12, ?", id="not known"),
        pytest.param(0, 3.0, 6.0, "-", id="nobody waits"),
        pytest.param(0, None, 6.0, "-", id="nobody waits and nothing is known"),
    ],
)
def test_the_column_says_how_many_wait_and_how_long(
    waiting: float, rate: float | None, service: float, summary: str
) -> None:
    found = queue_of(queued(account_of(*ONE, desired=1), waiting, rate=rate, service=service).queue)
    assert found is not None
    assert found.summary == summary


@pytest.mark.promise("N27")
@pytest.mark.promise("N28")
def test_the_status_has_the_queue_in_numbers_of_two_digits() -> None:
    status = status_of(queued(account_of(*ONE, desired=1), 37, rate=4.1234, service=6.1234), None)
    # 37 x 6.1234 / 32 = 7.08; 4.1234 x 6.1234 / 32 = 0.789; C(32, 25.2) = 0.14, W = 0.14 x 6.1234 / 6.75 = 0.127.
    assert status.queue == QueueStatus(
        waiting=37,
        eta_seconds=7.1,
        arrivals_per_second=4.1,
        service_seconds=6.1,
        utilization=0.79,
        wait_seconds=0.13,
        summary="37, ~7s",
    )
    assert status_of(queued(account_of(*ONE, desired=1), 37, rate=4.122, service=6.122), None).queue == status.queue


def test_what_no_engine_tells_is_no_queue() -> None:
    assert status_of(account_of(*ONE, desired=1), None).queue is None
