"""What traffic teaches: rates, service times and boots, from counts that were scraped."""

import bisect
import heapq
import json
import math
import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from elastic_serving.queueing.line import Queue
from elastic_serving.scaling.learn import Known, Learned, known, learn
from elastic_serving.scaling.memory import from_dict, resumed, rewound, seeded, to_dict
from elastic_serving.scaling.model import Boot, Flow, Inventory, ReplicaCounts, Seen

EVERY = 5.0


def seen(at: float, flow: Flow | None, *boots: Boot) -> Seen:
    return Seen(at, ReplicaCounts(1, 1, 0), (), Inventory(at), flow=flow, boots=boots)


def taught(flows: Iterable[Flow], *boots: Boot) -> tuple[Learned | None, Known | None]:
    """What is known right after the last sample."""
    learned, last = None, None
    for flow in flows:
        last = seen(flow.sampled_at, flow, *boots)
        learned = learn(learned, last)
    assert last is not None
    return learned, known(learned, last)


def steady(rate: float, service: float, samples: int, *, start: float = 0.0, waiting: float = 0.0) -> list[Flow]:
    """A load without noise: ``rate`` x ``service`` run, and every 5 s ``rate`` x 5 are finished."""
    return [Flow(rate * service, waiting, rate * EVERY * index, start + EVERY * index) for index in range(samples + 1)]


def test_of_a_steady_load_rate_and_service_time_are_exact() -> None:
    _, found = taught(steady(rate=2.0, service=5.0, samples=20), Boot(-10, 130))
    assert found is not None
    # 10 in slots / 2 finishes a second = 5 s. Surely arrive: after 100 s the longest mean has seen 200 s worth, its
    # standard error is sqrt(2 / 200) = 0.1, one and a half of them are 0.15.
    assert found.rate == pytest.approx(2.0)
    assert found.service_seconds == pytest.approx(5.0)
    assert found.rate_low == pytest.approx(1.85)
    assert (found.load_mean, found.load_peak) == pytest.approx((10.0, 10.0))
    assert found.load_deviation == pytest.approx(0.0, abs=1e-6)
    assert found.boot_seconds == 130


def test_a_queue_that_grows_is_part_of_what_arrives() -> None:
    # 2 finish and 1 more waits each second: 3 arrive. One slot of 4 s each is 8 running.
    flows = [Flow(8.0, EVERY * index, 2 * EVERY * index, EVERY * index) for index in range(21)]
    _, found = taught(flows)
    assert found is not None
    assert (found.rate, found.service_seconds, found.waiting) == pytest.approx((3.0, 4.0, 100.0))


@pytest.mark.parametrize(
    ("flows", "why"),
    [
        pytest.param(steady(2.0, 5.0, 0), "one sample has no difference", id="one sample"),
        pytest.param(steady(0.4, 5.0, 9), "18 finished, 20 are needed", id="too few finished"),
        pytest.param(steady(9.0, 5.0, 3), "135 finished, in 15 s of 20", id="not long enough"),
        pytest.param([Flow(9.0, 40.0 * i, 0.0, EVERY * i) for i in range(50)], "nothing is finished", id="hung"),
        pytest.param(
            [Flow(0.0, 0.0, 9.0 * i, EVERY * i) for i in range(50)], "nothing takes any time", id="idle slots"
        ),
    ],
)
def test_what_cannot_be_known_is_not(flows: list[Flow], why: str) -> None:
    assert taught(flows)[1] is None, why


def test_an_old_sample_teaches_no_more() -> None:
    learned, found = taught(steady(2.0, 5.0, 20))
    assert found is not None
    assert known(learned, seen(160.0, steady(2.0, 5.0, 20)[-1])) is not None  # 60 s old
    assert known(learned, seen(160.1, steady(2.0, 5.0, 20)[-1])) is None
    assert known(learned, seen(100.0, None)) is None


def test_the_same_sample_again_and_an_older_one_change_nothing() -> None:
    flows = steady(2.0, 5.0, 20)
    learned, _ = taught(flows)
    for again in (flows[-1], flows[-2], flows[0]):
        assert learn(learned, seen(101.0, again)) == learned


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(Flow(10.0, 0.0, 3.0, 105.0), id="a counter that began anew"),
        pytest.param(Flow(10.0, 0.0, 5000.0, 700.0), id="a gap of ten minutes"),
        pytest.param(Flow(10.0, 0.0, 1e12, 105.0), id="more than anybody can finish"),
    ],
)
def test_what_tells_nothing_is_only_where_to_go_on_from(odd: Flow) -> None:
    flows = steady(2.0, 5.0, 20)
    before, _ = taught(flows)
    after = [Flow(10.0, 0.0, odd.finished + 2 * EVERY * index, odd.sampled_at + EVERY * index) for index in range(1, 4)]
    learned, found = taught([*flows, odd, *after])
    assert before is not None
    assert learned is not None
    assert found is not None
    assert learned.seconds == before.seconds + 15  # neither the gap nor the new count is time that was watched
    assert (found.rate, found.service_seconds) == pytest.approx((2.0, 5.0))


@pytest.mark.parametrize("idle", [pytest.param(3, id="3 h"), pytest.param(70, id="a weekend")])
def test_after_hours_of_silence_the_first_requests_are_no_leap(idle: int) -> None:
    """10 at once for an hour, nothing for hours, 10 at once again: nothing is remembered that never was."""
    flows, finished, at = [], 0.0, 0.0
    for running, hours in ((10.0, 1), (0.0, idle), (10.0, 1)):
        for _ in range(int(hours * 3600 / EVERY)):
            at += EVERY
            finished += 2 * EVERY * (running > 0)
            flows.append(Flow(running, 0.0, finished, at))
    learned, found = taught(flows)
    assert found is not None
    assert learned is not None
    assert (found.rate, found.service_seconds) == pytest.approx((2.0, 5.0), rel=1e-6)
    assert max(load for _, load in learned.peaks) <= 10 + 20  # the first sample: 10 appear at once beside 10 finished
    assert from_dict(json.loads(json.dumps(to_dict(replace(seeded(1, at), learned=learned))))).learned == learned


def test_a_leap_of_the_clock_teaches_nothing() -> None:
    # Frozen for two hours in which the engines went on: 14,400 finishes stand in the next sample.
    flows = steady(2.0, 5.0, 200)
    learned, _ = taught(flows, Boot(-10, 130))
    assert learned is not None
    memory = resumed(replace(seeded(1, 1000.0), learned=learned), 8200.0)
    after = learn(memory.learned, seen(8200.0, Flow(10.0, 0.0, flows[-1].finished + 14_400, 8200.0), Boot(-10, 130)))
    assert after is not None
    assert (after.arrivals, after.held, after.seconds) == (learned.arrivals, learned.held, learned.seconds)
    # Set back by 500 s it goes along, and with it when it returns; when a pod was ready is of another clock.
    back = rewound(replace(seeded(1, 1000.0), learned=learned), 500.0)
    assert back.learned is not None
    assert (back.learned.sampled_at, back.learned.booted_at) == (learned.sampled_at - 500, learned.booted_at)
    assert rewound(back, 1000.0).learned == learned


def test_requests_that_vanish_with_their_replica_are_no_lack_of_arrivals() -> None:
    flows = [Flow(10.0, 500.0, 2 * EVERY * index, EVERY * index) for index in range(100)]
    before, _ = taught(flows)
    crashed = Flow(5.0, 0.0, flows[-1].finished + 10, flows[-1].sampled_at + EVERY)
    learned, _ = taught([*flows, crashed])
    assert before is not None
    assert learned is not None
    assert (learned.arrivals, learned.in_flight) == (before.arrivals, 5.0)
    # One or two fewer than they were is what scrapes one after another may show.
    slightly = Flow(10.0, 498.0, flows[-1].finished, flows[-1].sampled_at + EVERY)
    learned, _ = taught([*flows, slightly])
    assert learned is not None
    assert learned.arrivals != before.arrivals


def test_one_lost_scrape_is_no_burst() -> None:
    flows = steady(2.0, 5.0, 40)
    _, without = taught(flows)
    _, with_a_loss = taught([*flows[:-3], *flows[-2:]])
    assert without is not None
    assert with_a_loss is not None
    assert with_a_loss.rate == pytest.approx(without.rate)
    assert with_a_loss.rate_low == pytest.approx(without.rate_low, rel=1e-3)


def test_bursts_make_it_less_sure_that_a_rate_is_higher() -> None:
    # 2 a second on average, as 20 in every second interval of 5 s.
    bursts = [Flow(10.0, 0.0, 20.0 * ((index + 1) // 2), EVERY * index) for index in range(201)]
    _, bursty = taught(bursts)
    _, even = taught(steady(2.0, 5.0, 200))
    assert bursty is not None
    assert even is not None
    assert bursty.rate_low < even.rate_low
    # Differences of 4 a second over 5 s each: 16 / (2 / 5) / 2 = 20 is the index of dispersion.
    slow_mean = bursty.rate_low + 1.5 * math.sqrt(20 * bursty.rate_low / 480)
    assert slow_mean == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.promise("N27")
def test_of_a_queue_with_random_arrivals_and_services_the_estimates_are_within_a_tenth(seed: int) -> None:
    """M/M/c: 3 arrive a second, each takes 4 s on average, 16 slots (75 % in use), watched for two hours."""
    rng = random.Random(seed)
    flows = _mmc(rng, rate=3.0, service=4.0, slots=16, seconds=7200.0)
    rates, services = [], []
    for until in range(720, len(flows), 48):
        _, found = taught(flows[until - 720 : until])
        assert found is not None
        rates.append(found.rate_low)
        services.append(found.service_seconds)
    # One estimate of the service time rests on about 900 requests: its standard error is 3.3 %.
    assert sum(services) / len(services) == pytest.approx(4.0, rel=0.1)
    assert all(abs(service / 4.0 - 1) < 0.2 for service in services)
    assert sum(rates) / len(rates) == pytest.approx(3.0, rel=0.1)


@pytest.mark.promise("N27")
def test_of_a_queue_with_random_arrivals_and_services_use_and_wait_are_within_a_tenth() -> None:
    """M/M/c as above, five times two hours: rho = 3 x 4 / 16 = 0.75, and by Erlang C requests wait 0.205 s.

    One estimate of the wait says little: a tenth more load is twice the wait. Their mean does.
    """
    queues = []
    for seed in range(5):
        flows = _mmc(random.Random(seed), rate=3.0, service=4.0, slots=16, seconds=7200.0)
        for until in range(720, len(flows), 48):
            _, found = taught(flows[until - 720 : until])
            assert found is not None
            queues.append(Queue(found.waiting, 16, found.rate_mean, found.service_seconds))
    uses, waits = [queue.utilization or 0.0 for queue in queues], [queue.wait_seconds or 0.0 for queue in queues]
    assert sum(uses) / len(uses) == pytest.approx(0.75, rel=0.1)
    assert all(abs(use / 0.75 - 1) < 0.25 for use in uses)
    assert sum(waits) / len(waits) == pytest.approx(0.2046, rel=0.1)


def test_boots_are_learned_once_each_and_the_median_counts() -> None:
    boots = [Boot(10.0 * index, 100.0 + index) for index in range(1, 11)]
    learned, found = taught(steady(2.0, 5.0, 20), *boots[:3])
    assert learned is not None
    assert found is not None
    assert (learned.boots, found.boot_seconds) == ((101.0, 102.0, 103.0), 102.0)
    later = seen(101.0, steady(2.0, 5.0, 20)[-1], *boots[2:])
    learned = learn(learned, later)
    assert learned is not None
    assert learned.boots == tuple(100.0 + index for index in range(1, 11))
    again = known(learned, later)
    assert again is not None
    assert again.boot_seconds == 106.0  # of 101 to 110 the upper of the two in the middle
    hung = learn(learned, seen(102.0, steady(2.0, 5.0, 20)[-1], Boot(101.5, 90_000.0)))
    assert hung == learned


def _mmc(rng: random.Random, *, rate: float, service: float, slots: int, seconds: float) -> list[Flow]:
    """Samples of a queue with exponential intervals and services, every 5 s."""
    arrivals, at = [], 0.0
    while (at := at + rng.expovariate(rate)) < seconds:
        arrivals.append(at)
    free, spans = [0.0] * slots, []
    for arrived in arrivals:
        start = max(arrived, free[0])
        end = start + rng.expovariate(1 / service)
        heapq.heapreplace(free, end)
        spans.append((start, end))
    starts, ends = (sorted(span[part] for span in spans) for part in (0, 1))
    flows = []
    for index in range(1, int(seconds / EVERY)):
        now = index * EVERY
        come, begun, done = (bisect.bisect_right(times, now) for times in (arrivals, starts, ends))
        flows.append(Flow(begun - done, come - begun, done, now))
    return flows
