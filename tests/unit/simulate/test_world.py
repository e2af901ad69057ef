"""The simulated cluster: who waits how long, who is paid how long, and what the policy gets to see."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from elastic_serving.api.models import EffectiveSignal, SignalType
from elastic_serving.scaling.model import Missing, PerReplica, Seen
from elastic_serving.simulate.cluster import Phase, World
from elastic_serving.simulate.policy import Wish
from elastic_serving.simulate.result import Requests, Run
from elastic_serving.simulate.world import run

SIGNALS = (
    EffectiveSignal("Concurrency", SignalType.CONCURRENCY, 1.0),
    EffectiveSignal("q", SignalType.QUEUE_DEPTH, 1.0),
)
TEN = 500
"""Output tokens of a request that takes 10 s: 500 x 20 ms, with no prefill."""


@dataclass(slots=True)
class Script:
    """Wishes by time, each from its time on; keeps what it saw."""

    wishes: Sequence[tuple[float, int]]
    interval_seconds: float = 1.0
    name: str = "script"
    saw: dict[float, Seen] = field(default_factory=dict)

    def desired(self, seen: Seen, now: float) -> Wish:
        self.saw[now] = seen
        return Wish([wish for at, wish in self.wishes if at <= now][-1])


def played(
    arrived: Sequence[float], policy: Script, *, tokens: int = TEN, seconds: float = 100.0, **world: object
) -> Run:
    """A run in which prefill costs nothing, so that a request takes exactly 20 ms a token."""
    count = len(arrived)
    requests = Requests(
        np.array(arrived, dtype=np.float64), np.zeros(count, np.int64), np.full(count, tokens, np.int64)
    )
    lived = World(slots=1, prefill_seconds=0.0, **world)  # type: ignore[arg-type]  # fields of World
    return run(policy, requests, lived, signals=SIGNALS, seconds=seconds)


def test_requests_take_the_slots_in_the_order_of_their_arrival() -> None:
    # One slot, 10 s each: the second starts at 10, the third at 20, the fourth finds it free.
    made = played([0, 1, 2, 50], Script([(0, 1)]))
    assert made.waits.tolist() == [0, 9, 18, 0]
    assert made.service.tolist() == [10, 10, 10, 10]


def test_a_new_replica_takes_from_the_queue_when_its_boot_is_over() -> None:
    # The second replica is created at 1 and ready at 21; the third request starts on the first at 20, the fourth there.
    made = played([0, 0, 0, 0], Script([(0, 1), (1, 2)]), boot=(Phase(15.0), Phase(5.0)))
    assert made.waits.tolist() == [0, 10, 20, 21]
    # An element is what was so at the end of its second: 21 is the end of the one that begins at 20.
    assert made.timeline.ready[[19, 20]].tolist() == [1, 2]
    assert made.timeline.starting[[0, 1, 19, 20]].tolist() == [1, 1, 1, 0]
    # The first for 100 s, the second from 1 on.
    assert made.replica_seconds == 100 + 99


def test_a_replica_that_is_taken_out_finishes_what_it_runs_and_is_paid_until_then() -> None:
    # Both run until 10; at 4 one is taken out, serves on until 10 and takes no more: the third request waits for the
    # one that stays.
    made = played([0, 0, 5], Script([(0, 2), (4, 1)]), start=2)
    assert made.waits.tolist() == [0, 0, 5]
    assert made.replica_seconds == 100 + 10


def test_the_replica_with_the_least_in_flight_goes_first_and_a_cold_start_before_it() -> None:
    made = played([0], Script([(0, 3), (4, 2), (5, 1)]), start=2)
    # The cold start is created at 0 and cancelled at 4; of the two ready ones the idle one goes at 5.
    assert made.replica_seconds == 100 + 5 + 4
    assert made.waits.tolist() == [0]


def test_what_is_not_finished_when_the_drain_ends_is_lost() -> None:
    made = played([0], Script([(0, 1), (1, 0)]), drain_seconds=5.0)
    assert made.waits.tolist() == [math.inf]
    assert made.replica_seconds == 6


def test_what_nobody_serves_waits_for_ever() -> None:
    assert played([3], Script([(0, 0)]), start=0).waits.tolist() == [math.inf]


def test_a_policy_sees_a_scrape_only_after_its_delay_and_then_until_the_next() -> None:
    policy = Script([(0, 1)])
    played([2, 3, 4], policy, scrape_seconds=5.0, scrape_delay_seconds=1.5)
    assert isinstance(policy.saw[1].signals[0][1], Missing)
    # The scrape of 0 saw nothing; the one of 5 (one runs, two wait) shows from 6.5 on.
    assert _read(policy.saw[6]) == (0.0, 0.0)
    assert _read(policy.saw[7]) == (3.0, 2.0)
    flow = policy.saw[7].flow
    assert flow is not None
    assert (flow.running, flow.waiting, flow.finished, flow.sampled_at) == (1, 2, 0, 5)


def test_a_replica_that_was_not_scraped_yet_is_silent_and_its_boot_is_known() -> None:
    policy = Script([(0, 2)])
    played([], policy, boot=(Phase(12.0),), scrape_seconds=10.0)
    (_, reading), _ = policy.saw[13].signals
    assert isinstance(reading, PerReplica)
    assert reading.values == (("1", 0.0), ("2", None))
    assert [(boot.ready_at, boot.seconds) for boot in policy.saw[13].boots] == [(0, 12), (12, 12)]
    assert (policy.saw[5].replicas.starting, policy.saw[5].replicas.ages) == (1, (5,))


def test_of_lost_scrapes_the_sample_grows_old_until_it_is_stale() -> None:
    policy = Script([(0, 1)])
    played([], policy, scrape_seconds=5.0, lost_scrape_every=2, stale_seconds=8.0)
    # Scrapes at 0, 10, 20, ...; those at 5, 15, ... are lost.
    assert isinstance(policy.saw[8].signals[0][1], PerReplica)
    assert policy.saw[9].signals[0][1] == Missing("Stale", "the newest sample is 9 s old")
    assert isinstance(policy.saw[11].signals[0][1], PerReplica)


def test_a_lost_node_takes_its_requests_along_and_is_made_anew() -> None:
    arrived = [float(at) for at in range(0, 10_000, 50)]
    made = played(arrived, Script([(0, 1)]), seconds=10_000.0, nodes_lost_per_day=432.0, boot=(Phase(20.0),))
    # One loss each 200 s or so, 45 of them; a request runs in 10 s of 50, so about every fifth takes one along.
    lost = int(np.isinf(made.waits).sum())
    assert 3 <= lost <= 20
    assert 20 * 20 <= (made.timeline.ready == 0).sum() <= 90 * 21
    assert made.timeline.desired.max() == 1


def test_a_failed_boot_costs_its_time_and_is_tried_again() -> None:
    made = played([], Script([(0, 2)]), boot=(Phase(10.0),), failed_boots=1.0)
    # 1 is there; the other is created at 0, 10, 20, ... and never ready.
    assert made.timeline.ready.max() == 1
    assert made.replica_seconds == pytest.approx(200, abs=1)


def test_the_same_seed_gives_the_same_run_and_another_policy_meets_the_same_requests() -> None:
    arrived = np.cumsum(np.random.default_rng(1).exponential(2.0, 200)).tolist()
    runs = [
        played(arrived, Script([(0, wish)]), seconds=400.0, boot=(Phase(9.0, 0.5),), seed=seed)
        for wish, seed in ((6, 3), (6, 3), (6, 4), (9, 3))
    ]
    assert runs[0].waits.tolist() == runs[1].waits.tolist()
    assert runs[0].waits.tolist() != runs[2].waits.tolist()
    assert runs[3].service.tolist() == runs[0].service.tolist()


def _read(seen: Seen) -> tuple[float | None, float | None]:
    """The one replica's two signals."""
    values = [reading.values[0][1] for _, reading in seen.signals if isinstance(reading, PerReplica)]
    return values[0], values[1]
