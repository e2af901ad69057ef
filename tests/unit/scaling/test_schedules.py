"""Schedules: a floor for hours of the calendar, with a ramp before, across the changes of the clocks."""

from datetime import datetime
from typing import Any

import pytest

from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import Memory, seeded
from elastic_serving.scaling.model import ScalingLimit
from tests.support.scaling import echo_spec, seen_of, spec_of

BERLIN = "Europe/Berlin"
OFFICE = {"name": "office", "start": "0 8 * * MON-FRI", "end": "0 18 * * MON-FRI", "minReplicas": 5}
QUEUE = {"type": "Prometheus", "name": "Queue", "query": "sum(waiting)", "target": 4}


def utc(text: str) -> float:
    """Epoch seconds of a time in UTC: ``utc("2026-01-12 07:00:00")``."""
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def desired_at(moment: str, *schedules: dict[str, Any], load: float = 1, current: int = 1, **scaling: Any) -> int:
    """What is decided at ``moment`` (UTC) when ``load`` replicas are asked for."""
    at = utc(moment)
    spec = echo_spec(schedules=list(schedules), **scaling)
    return decide(spec, seen_of({"Concurrency": load}, at=at), seeded(current, at - 1), at).decision.desired


@pytest.mark.promise("U17")
@pytest.mark.parametrize(
    ("schedule", "rows"),
    [
        pytest.param(
            OFFICE,
            [
                ("2026-01-12 07:59:59", 1),
                ("2026-01-12 08:00:00", 5),
                ("2026-01-12 17:59:59", 5),
                ("2026-01-12 18:00:00", 1),
                ("2026-01-17 12:00:00", 1),
            ],
            id="working days in UTC, without the end and without Saturday",
        ),
        pytest.param(
            OFFICE | {"timeZone": BERLIN},
            [
                ("2026-01-12 06:59:59", 1),
                ("2026-01-12 07:00:00", 5),
                ("2026-01-12 17:00:00", 1),
                ("2026-07-13 05:59:59", 1),
                ("2026-07-13 06:00:00", 5),
                ("2026-07-13 16:00:00", 1),
            ],
            id="eight o'clock is 7:00 UTC in winter and 6:00 UTC in summer",
        ),
        pytest.param(
            OFFICE | {"timeZone": BERLIN, "start": "0 22 * * *", "end": "0 6 * * *"},
            [
                ("2026-03-28 20:59:59", 1),
                ("2026-03-28 21:00:00", 5),
                ("2026-03-29 03:59:59", 5),
                ("2026-03-29 04:00:00", 1),
            ],
            id="the night in which an hour is skipped is seven hours long",
        ),
        pytest.param(
            OFFICE | {"timeZone": BERLIN, "start": "0 22 * * *", "end": "0 6 * * *"},
            [
                ("2026-10-24 19:59:59", 1),
                ("2026-10-24 20:00:00", 5),
                ("2026-10-25 04:59:59", 5),
                ("2026-10-25 05:00:00", 1),
            ],
            id="the night in which an hour comes twice is nine hours long",
        ),
        pytest.param(
            OFFICE | {"timeZone": BERLIN, "start": "30 2 * * *", "end": "0 4 * * *"},
            [
                ("2026-03-29 00:59:59", 1),
                ("2026-03-29 01:00:00", 5),
                ("2026-03-29 01:59:59", 5),
                ("2026-03-29 02:00:00", 1),
            ],
            id="half past two does not exist: the window opens at three, 1:00 UTC",
        ),
        pytest.param(
            OFFICE | {"timeZone": BERLIN, "start": "30 2 * * *", "end": "0 4 * * *"},
            [
                ("2026-10-25 00:29:59", 1),
                ("2026-10-25 00:30:00", 5),
                ("2026-10-25 01:10:00", 5),
                ("2026-10-25 01:30:00", 5),
                ("2026-10-25 02:59:59", 5),
                ("2026-10-25 03:00:00", 1),
            ],
            id="half past two comes twice: the window opens the first time, 0:30 UTC, and once",
        ),
        pytest.param(
            OFFICE | {"timeZone": BERLIN, "start": "0 1 * * *", "end": "30 2 * * *"},
            [
                ("2026-10-24 22:59:59", 1),
                ("2026-10-24 23:00:00", 5),
                ("2026-10-25 00:29:59", 5),
                ("2026-10-25 00:30:00", 1),
                ("2026-10-25 01:30:00", 1),
            ],
            id="and it closes the first time",
        ),
        pytest.param(
            OFFICE | {"timeZone": "America/New_York", "start": "0 9 29 2 *", "end": "0 10 29 2 *"},
            [("2027-03-01 14:30:00", 1), ("2028-02-29 13:59:59", 1), ("2028-02-29 14:00:00", 5)],
            id="a day that comes every four years",
        ),
    ],
)
def test_within_its_window_a_schedule_is_the_floor(schedule: dict[str, Any], rows: list[tuple[str, int]]) -> None:
    assert [(moment, desired_at(moment, schedule)) for moment, _ in rows] == rows


@pytest.mark.promise("U17")
@pytest.mark.parametrize(
    ("schedule", "rows"),
    [
        pytest.param(
            OFFICE | {"rampSeconds": 600},
            # 4 more in 600 s: one with the first second and then one every 150 s.
            [
                ("2026-01-12 07:49:59", 1),
                ("2026-01-12 07:50:00", 1),
                ("2026-01-12 07:50:01", 2),
                ("2026-01-12 07:52:30", 2),
                ("2026-01-12 07:52:31", 3),
                ("2026-01-12 07:55:00", 3),
                ("2026-01-12 07:57:31", 5),
                ("2026-01-12 08:00:00", 5),
            ],
            id="the floor rises by one at equal distances",
        ),
        pytest.param(
            OFFICE | {"rampSeconds": 3600, "timeZone": BERLIN, "start": "30 3 * * *", "end": "0 6 * * *"},
            # 3:30 summer time is 1:30 UTC; an hour of seconds before is 1:30 winter time, whatever the clock shows.
            [("2026-03-29 00:30:00", 1), ("2026-03-29 00:30:01", 2), ("2026-03-29 01:00:00", 3)],
            id="a ramp is an hour long on the day that lacks one",
        ),
    ],
)
def test_before_its_start_the_floor_rises(schedule: dict[str, Any], rows: list[tuple[str, int]]) -> None:
    assert [(moment, desired_at(moment, schedule)) for moment, _ in rows] == rows


@pytest.mark.promise("U17")
@pytest.mark.parametrize(
    ("load", "scaling", "expected"),
    [
        pytest.param(9, {}, 9, id="the signals ask for more"),
        pytest.param(5, {}, 5, id="for as many"),
        pytest.param(0, {}, 5, id="for none"),
        pytest.param(1, {"minReplicas": 7}, 7, id="minReplicas is higher: a schedule never lowers"),
        pytest.param(1, {"maxReplicas": 5}, 5, id="as far as maxReplicas"),
        pytest.param(None, {}, 5, id="nothing is known: up is safe"),
    ],
)
def test_a_schedule_raises_and_never_lowers(load: float | None, scaling: dict[str, Any], expected: int) -> None:
    at = utc("2026-01-12 12:00:00")
    spec = echo_spec(schedules=[OFFICE], **scaling)
    decision = decide(spec, seen_of({"Concurrency": load}, at=at), seeded(3, at - 1), at).decision
    assert decision.desired == expected


@pytest.mark.promise("U17")
def test_a_schedule_passes_windows_and_rate_policies_and_ends_into_them() -> None:
    """Up window 600 s and one replica a minute; at 18:00 the load asks for 1, and one replica a minute leaves."""
    slow = {"policies": [{"type": "Replicas", "value": 1, "periodSeconds": 60}]}
    spec = echo_spec(slow | {"stabilizationWindowSeconds": 600}, slow, schedules=[OFFICE])
    memory: Memory | None = seeded(1, utc("2026-01-12 07:00:00"))
    hours = [(f"{hour:02}:30:00", 5) for hour in range(8, 18)]
    rows = [
        ("07:59:59", 1),
        ("08:00:00", 5),
        *hours,
        ("17:59:59", 5),
        ("18:00:00", 4),
        ("18:00:59", 4),
        ("18:01:00", 3),
    ]
    made: list[tuple[str, int]] = []
    for clock, _ in rows:
        at = utc(f"2026-01-12 {clock}")
        decided = decide(spec, seen_of({"Concurrency": 1}, at=at), memory, at)
        memory, made = decided.memory, [*made, (clock, decided.decision.desired)]
    assert made == rows


def test_of_several_schedules_the_highest_counts() -> None:
    noon = OFFICE | {"name": "noon", "start": "0 11 * * *", "end": "0 14 * * *", "minReplicas": 8}
    moments = ("10:59:59", "11:00:00", "14:00:00", "18:00:00")
    assert [desired_at(f"2026-01-12 {clock}", OFFICE, noon) for clock in moments] == [5, 8, 5, 1]


@pytest.mark.promise("U17")
def test_a_schedule_wakes_from_zero_and_sends_nobody_to_sleep_within_its_window() -> None:
    """It is the only thing that can wake this serving: engine signals do not exist at zero. A pass a minute."""
    idle: dict[str, Any] = {"minReplicas": 0, "idle": {"timeoutSeconds": 600}}
    spec = echo_spec(schedules=[OFFICE], **idle)
    begin = utc("2026-01-12 07:00:00")
    memory = seeded(0, begin)
    told: dict[int, tuple[int, str]] = {}
    for minute in range(12 * 60):
        at = begin + minute * 60
        seen = seen_of({"Concurrency": [0] * memory.desired if memory.desired else "NoReplica"}, at=at)
        decided = decide(spec, seen, memory, at)
        memory = decided.memory
        told[minute] = (decided.decision.desired, decided.decision.why)
    assert {minute: told[minute] for minute in (0, 59, 60, 300, 659, 660, 719)} == {
        0: (0, "NoReplica"),
        59: (0, "NoReplica"),
        60: (5, "Schedule"),
        300: (5, "Schedule"),
        659: (5, "Schedule"),
        660: (0, "Idle"),
        719: (0, "NoReplica"),
    }


def test_a_schedule_says_who_it_is_and_until_when() -> None:
    at = utc("2026-01-12 12:00:00")
    decision = decide(echo_spec(schedules=[OFFICE]), seen_of({"Concurrency": 1}, at=at), seeded(1, at - 1), at).decision
    step = next(step for step in decision.steps if step.stage == "schedules")
    assert (step.before, step.after, step.reason) == (1, 5, "office keeps at least 5 until 18:00:00 UTC -> 5")
    assert (decision.why, decision.limited) == ("Schedule", ScalingLimit.TOO_FEW)
    early = utc("2026-01-12 07:55:00")
    ramp = echo_spec(schedules=[OFFICE | {"rampSeconds": 600}])
    steps = decide(ramp, seen_of({"Concurrency": 1}, at=early), seeded(1, early - 1), early).decision.steps
    assert steps[-2].reason == "office rises to 5 by 08:00:00 UTC -> 3"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"start": "0 8 31 2 *"}, 'start "0 8 31 2 *" cannot be: bad day-of-month', id="no such day"),
        pytest.param({"end": "0 8 * * SAT-SUN"}, 'end "0 8 * * SAT-SUN" cannot be: bad day-of-week', id="backwards"),
    ],
)
def test_a_schedule_that_never_opens_is_ignored_and_can_say_why(fields: dict[str, str], said: str) -> None:
    spec = spec_of(QUEUE, schedules=[OFFICE | fields])
    assert spec.scaling.schedules[0].problem == said
    assert desired_at("2026-01-12 12:00:00", OFFICE | fields) == 1
    asleep = spec_of(schedules=[OFFICE | fields], minReplicas=0, idle={"timeoutSeconds": 60})
    assert decide(asleep, seen_of({"Concurrency": "NoReplica"}), seeded(0, 0), 1).decision.why == "NoWakeSignal"


def test_a_number_set_by_hand_knows_no_schedule() -> None:
    assert desired_at("2026-01-12 12:00:00", OFFICE, mode="Manual", replicas=2) == 2


def test_a_schedule_cannot_rise_while_up_is_paused() -> None:
    assert desired_at("2026-01-12 12:00:00", OFFICE, paused="Up") == 1


@pytest.mark.parametrize("at", [1e12, -1e12, 1e18])
def test_a_clock_far_off_opens_nothing_and_breaks_nothing(at: float) -> None:
    spec = echo_spec(schedules=[OFFICE])
    assert decide(spec, seen_of({"Concurrency": 2}, at=at), seeded(2, at), at).decision.desired == 2
