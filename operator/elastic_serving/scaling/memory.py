"""What one decision leaves for the next: windows, scale events, clocks. Frozen, exact through JSON, small.

A window is a queue of marks (time of the newest sample, its extreme), oldest first. A number that a later one makes
irrelevant is dropped at once (an older 3 below a newer 5 can no longer be the highest), so equal numbers are one mark;
within 5 s the extreme alone stays and leaves with the newest sample: up to 5 s later than in HPA, never earlier.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from pydantic import TypeAdapter, ValidationError

from elastic_serving.scaling.latency import Capacity
from elastic_serving.scaling.learn import Learned, moved

BUCKET_SECONDS: Final = 5.0
"""With default windows at most 61 marks: 300 s in buckets of 5 s, and the one that is being left."""
LEAP_SECONDS: Final = 3600.0
"""Longer than any window: who saw nothing for so long knows of no window and no period that passed."""

_CLOCKS: Final = ("idle_since", "missing_since", "burst_at", "born_at")

Marks: TypeAlias = tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """State after the decision at ``at`` (epoch seconds)."""

    at: float
    desired: int
    lows: Marks = ()
    """Rising minima of the numbers asked for within the up window."""
    highs: Marks = ()
    """Falling maxima of the numbers asked for within the down window; a pass that could not know counts as held."""
    changes: Marks = ()
    """Scale events within the longest policy period: replicas added (above 0) or removed."""
    idle_since: float | None = None
    """Since when every pass knew that there was no load at all; None while there is load or something is missing."""
    missing_since: float | None = None
    """Since when no signal is known; None while one is."""
    retired: tuple[str, ...] = ()
    """Leaders that exited 0, were seen last time, and are already subtracted."""
    ahead: float = 0.0
    """Seconds by which the clock was set back and did not return; 0 where it was not."""
    advised: bool = False
    """The decision was advice: nothing was done for it, so its number is not there."""
    burst_at: float | None = None
    """When the load was last as high as a burst's, while the burst lasts."""
    born_at: float | None = None
    """When the first pass was, while the serving may not go to zero for that."""
    learned: Learned | None = None
    capacities: tuple[Capacity, ...] = ()
    """What signals of type Latency have learned."""


def seeded(replicas: int, now: float) -> Memory:
    """The memory of a first pass: both windows know the present number, so nothing moves down before a whole window."""
    return Memory(at=now, desired=replicas, lows=((now, replicas),), highs=((now, replicas),))


def restored(memory: Memory, now: float) -> Memory:
    """A saved ``memory`` after a restart at ``now``: the unsaved gap counts as the saved desired, clocks stood still.

    So a restart may delay a decision and never lowers one (test_a_restart_only_delays).
    """
    memory = rewound(memory, now)
    gap = now - memory.at
    return replace(
        memory,
        at=now,
        lows=with_low(memory.lows, now, memory.desired, float("inf")),
        highs=with_high(memory.highs, now, memory.desired, float("inf")),
        idle_since=None if memory.idle_since is None else memory.idle_since + gap,
        missing_since=None if memory.missing_since is None else memory.missing_since + gap,
    )


def resumed(memory: Memory, now: float) -> Memory:
    """``memory`` for a pass at ``now``: a leap of the clock, whichever way, is no time that passed.

    Of the scale events before a leap ahead only the removals stay: additions would allow more to be removed. What was
    learned keeps its times, so that the next sample comes after a gap and teaches nothing.
    """
    memory = rewound(memory, now)
    if now - memory.at <= LEAP_SECONDS:
        return memory
    removals = tuple(mark for mark in memory.changes if mark[1] < 0)
    return replace(_moved(replace(memory, changes=removals), now, memory.ahead), learned=memory.learned)


def rewound(memory: Memory, now: float) -> Memory:
    """``memory`` with nothing later than ``now``: after the clock was set back, what was recorded keeps its age.

    So it does when the clock returns to where it was: the way there and back is no time that passed.
    """
    if now < memory.at:
        return _moved(memory, now, memory.ahead + memory.at - now)
    returned = memory.at + memory.ahead
    return _moved(memory, returned, 0.0) if memory.ahead and now >= returned else memory


def with_low(marks: Marks, now: float, replicas: int, window_seconds: float) -> Marks:
    """The window of minima with ``replicas`` asked for now."""
    return _with(marks, now, replicas, window_seconds, operator.ge)


def with_high(marks: Marks, now: float, replicas: int, window_seconds: float) -> Marks:
    """The window of maxima with ``replicas`` asked for now."""
    return _with(marks, now, replicas, window_seconds, operator.le)


def extreme(marks: Marks, now: float, window_seconds: float, otherwise: int) -> int:
    """Minimum (of lows) or maximum (of highs) in the half-open window (now - window, now]; ``otherwise`` if empty."""
    for at, replicas in marks:
        if now - at < window_seconds:
            return replicas
    return otherwise


def with_change(changes: Marks, now: float, change: int, period_seconds: float) -> Marks:
    """Scale events within the longest policy period, this one included; those of one 5 s bucket are one."""
    kept = tuple(mark for mark in changes if now - mark[0] < period_seconds)
    if change and kept and _bucket(kept[-1][0]) == _bucket(now):
        change, kept = change + kept[-1][1], kept[:-1]
    return (*kept, (now, change)) if change and period_seconds else kept


def to_dict(memory: Memory) -> dict[str, object]:
    """Plain JSON values; ``from_dict`` gives the same memory back, to the last bit."""
    plain: dict[str, object] = _ADAPTER.dump_python(memory, mode="json", exclude_defaults=True)
    return plain


def from_dict(plain: Mapping[str, object]) -> Memory:
    """The memory that was saved. Raises ValueError, naming the field, where it is not one of ours."""
    try:
        return _ADAPTER.validate_python(plain)
    except ValidationError as error:
        where = error.errors()[0]
        raise ValueError(f"memory.{'.'.join(map(str, where['loc']))}: {where['msg']}") from error


def _with(marks: Marks, now: float, replicas: int, window_seconds: float, outdone: Callable[[int, int], bool]) -> Marks:
    if window_seconds <= 0:
        return ()
    first, end = 0, len(marks)
    while first < end and now - marks[first][0] >= window_seconds:
        first += 1
    while first < end and outdone(marks[end - 1][1], replicas):
        end -= 1
    if first < end and _bucket(marks[end - 1][0]) == _bucket(now):
        end, replicas = end - 1, marks[end - 1][1]
    return (*marks[first:end], (now, replicas))


def _moved(memory: Memory, at: float, ahead: float) -> Memory:
    """``memory`` as if it had been made at ``at``, everything in it as old as it was."""
    lows, highs, changes = (
        tuple((at - (memory.at - then), n) for then, n in marks)
        for marks in (memory.lows, memory.highs, memory.changes)
    )
    clocks = {name: getattr(memory, name) for name in _CLOCKS}
    clocks = {name: None if then is None else at - (memory.at - then) for name, then in clocks.items()}
    learned = None if memory.learned is None else moved(memory.learned, at - memory.at)
    return replace(memory, at=at, lows=lows, highs=highs, changes=changes, ahead=ahead, learned=learned, **clocks)


def _bucket(at: float) -> float:
    return at // BUCKET_SECONDS


_ADAPTER: Final = TypeAdapter(Memory)
