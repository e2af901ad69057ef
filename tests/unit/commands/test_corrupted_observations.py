"""10,000 corruptions of observations: none crashes, and none lowers the number by itself.

A stream of intact lines is played; one line of it is corrupted; the line after it is intact again. What must hold:

- a line is decided on or refused with its field, and whatever is decided lies within the limits;
- a corrupted line leaves the number as it is, or gives no fewer replicas than the intact one would have given;
- so does the line after it, compared with what it gives had the corrupted line been intact, or been lost.

A replica whose number makes no sense counts as at its target on the way down, as in HPA: its intact line is the one in
which it reported no more than its target. Digits that turn into other digits make another observation, not a corrupted
one: of those, and of damaged text, only the first rule is checked.
"""

import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import pytest

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.commands.decide import decisions
from elastic_serving.commands.refusal import Refused
from elastic_serving.scaling.decide import Decided
from elastic_serving.scaling.memory import Memory
from tests.support.scaling import spec_of

CORRUPTIONS: Final = 10_000
SEED: Final = 20261124
START: Final = 1_790_000_000.0
LINES: Final = 50
TARGET: Final = 10

Line: TypeAlias = dict[str, Any]

AT_ONCE: Final = {"scaleUp": {"tolerance": 0}, "scaleDown": {"tolerance": 0, "stabilizationWindowSeconds": 0}}
RATES: Final = {
    "scaleUp": {"policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}]},
    "scaleDown": {"stabilizationWindowSeconds": 0, "policies": [{"type": "Replicas", "value": 2, "periodSeconds": 60}]},
}
FORMULA_ALONE: Final = {"policy": "Ignore"}
IN_FLIGHT: Final = {"type": "Concurrency", "target": TARGET}
QUEUED: Final = {"type": "QueueDepth", "target": 4}
HELD: Final = {"type": "Prometheus", "name": "Held", "query": "q", "target": TARGET}

SPECS: Final = {
    "default windows": spec_of(IN_FLIGHT, maxReplicas=50),
    "learned at once": spec_of(IN_FLIGHT, maxReplicas=50, behavior=AT_ONCE),
    "at once": spec_of(IN_FLIGHT, maxReplicas=50, behavior=AT_ONCE, backlog=FORMULA_ALONE),
    "two signals at once": spec_of(IN_FLIGHT, QUEUED, maxReplicas=50, behavior=AT_ONCE, backlog=FORMULA_ALONE),
    "to zero at rates": spec_of(
        IN_FLIGHT, HELD, minReplicas=0, maxReplicas=50, idle={"timeoutSeconds": 60}, behavior=RATES
    ),
}


@dataclass(frozen=True)
class Stream:
    """Intact lines, the memory before each, and what each gives from there."""

    spec: ElasticServingSpec
    lines: tuple[Line, ...]
    memories: tuple[Memory | None, ...]
    made: tuple[Decided, ...]


def text_of(line: Line | bytes) -> bytes:
    return line if isinstance(line, bytes) else json.dumps(line).encode()


def played(stream: Stream, index: int, lines: Sequence[Line | bytes]) -> list[Decided]:
    """The decisions on ``lines`` after the line before ``index``, each with the memory of the one before."""
    before = stream.lines[index - 1]
    texts = [text_of(line) for line in (before, *lines)]
    found = decisions("obs", texts, spec=stream.spec, memory=stream.memories[index - 1], stale_seconds=30)
    return [*found][1:]


@cache
def stream_of(name: str) -> Stream:
    """Load comes and goes over ten minutes; replicas follow the decisions with a delay of two lines."""
    rng, spec = random.Random(f"{SEED} {name}"), SPECS[name]
    lines: list[Line] = []
    memories: list[Memory | None] = []
    made: list[Decided] = []
    desired, at, finished, memory = [3, 3, 3], START, 0, None
    for number in range(LINES):
        at, finished = at + rng.choice([5.0, 15.0, 30.0]), finished + rng.randint(0, 200)
        total = max(0.0, 120 * math.sin(number / 6) + rng.randint(-30, 30))
        line = _line(number, at, total, desired, rng) | _learned_from(at, total, desired, finished)
        lines.append(line)
        memories.append(memory)
        [decided] = decisions("obs", [text_of(line)], spec=spec, memory=memory, stale_seconds=30)
        made.append(decided)
        memory = decided.memory
        desired.append(decided.decision.desired)
    return Stream(spec, tuple(lines), tuple(memories), tuple(made))


def _line(number: int, at: float, total: float, desired: list[int], rng: random.Random) -> Line:
    """The load as a total in every third line, else by replica; a queue beyond 8 requests a replica."""
    ready = min(desired[-3:])
    shares = {str(index): round(total / ready * rng.uniform(0.5, 1.5), 1) for index in range(ready)}
    in_flight = {"perReplica": shares} if number % 3 else {"value": total}
    return {
        "at": at,
        "replicas": {"current": desired[-1], "ready": ready, "starting": desired[-1] - ready},
        "signals": {
            "Concurrency": {**in_flight, "sampledAt": at - 5},
            "QueueDepth": {"value": max(0.0, total - 8 * ready), "sampledAt": at - 5},
            "Held": max(0.0, total - 40),
        },
    }


def _learned_from(at: float, total: float, desired: list[int], finished: int) -> Line:
    return {
        "flow": {"running": total, "waiting": 0.0, "finished": finished, "sampledAt": at - 5},
        "boots": [{"readyAt": at - 60, "seconds": 130.0}] * min(*desired[-3:], 3),
    }


@dataclass(frozen=True)
class Corrupted:
    """What comes instead of an intact line, and what the number is held against: this line, or that none came."""

    lines: tuple[Line | bytes, ...]
    intact: Line | None = None
    another: bool = False
    """It is another observation: only that it is refused or decided within the limits is checked."""


Corruption: TypeAlias = Callable[[random.Random, Stream, int], Corrupted]


def copied(line: Line) -> Line:
    copy: Line = json.loads(json.dumps(line))
    return copy


SENSELESS: Final = (math.nan, math.inf, -math.inf, -1.0, -0.001, -1e12, None)
HUGE: Final = (1e12, 1e15, 1e300, 1.7e308)


def a_value(rng: random.Random, stream: Stream, index: int) -> Corrupted:
    """One signal's total, or all that its replicas report."""
    line = copied(stream.lines[index])
    name, number = rng.choice([*line["signals"]]), rng.choice(SENSELESS + HUGE)
    part = line["signals"][name]
    shape = rng.randrange(3)
    if shape == 0:
        line["signals"][name] = number
    elif shape == 1:
        line["signals"][name] = {"value": number, "sampledAt": line["at"]}
    elif isinstance(part, dict) and "perReplica" in part:
        part["perReplica"] = dict.fromkeys(part["perReplica"], number)
    else:
        del line["signals"][name]
    return Corrupted((line,), stream.lines[index])


def a_replica(rng: random.Random, stream: Stream, index: int) -> Corrupted:
    """What one replica reports."""
    line, intact = copied(stream.lines[index]), copied(stream.lines[index])
    part = line["signals"]["Concurrency"]
    if not part.get("perReplica"):
        return a_value(rng, stream, index)
    which, number = rng.choice([*part["perReplica"]]), rng.choice(SENSELESS + HUGE)
    part["perReplica"][which] = number
    if number not in HUGE:
        known = intact["signals"]["Concurrency"]["perReplica"]
        known[which] = min(known[which], TARGET)
    return Corrupted((line,), intact)


def a_sample_time(rng: random.Random, stream: Stream, index: int) -> Corrupted:
    """Ahead, behind, no time at all."""
    line = copied(stream.lines[index])
    part = line["signals"][rng.choice(["Concurrency", "QueueDepth"])]
    part["sampledAt"] = rng.choice([0, -1e12, 1e12, 1e300, math.nan, math.inf, "now", None, part["sampledAt"] - 1e4])
    return Corrupted((line,), stream.lines[index])


def an_old_sample(rng: random.Random, stream: Stream, index: int) -> Corrupted:
    """Samples from before the last one's, with their own times; the last one's once more is nothing uncommon."""
    if index == 1:
        return a_value(rng, stream, index)
    line = copied(stream.lines[index])
    line["signals"] = copied(stream.lines[rng.randrange(index - 1)])["signals"] | {"Held": line["signals"]["Held"]}
    return Corrupted((line,), stream.lines[index])


def the_clock(rng: random.Random, stream: Stream, index: int) -> Corrupted:
    """Back by seconds to years, or ahead by more than an hour; what is shorter is time that passes. Samples come along
    or stay behind."""
    line = copied(stream.lines[index])
    moved = rng.choice([-(10 ** rng.uniform(1.5, 9)), 10 ** rng.uniform(3.6, 10)])
    line["at"] = rng.choice([*[line["at"] + moved] * 5, 0, 1e12, -1, math.nan, None])
    if rng.random() < 0.5:
        for part in (*line["signals"].values(), line["flow"]):
            if isinstance(part, dict):
                part["sampledAt"] += moved
    return Corrupted((line,), stream.lines[index])


def the_order(rng: random.Random, stream: Stream, index: int) -> Corrupted:
    """The line twice, an earlier one again, or earlier ones before it."""
    line, earlier = stream.lines[index], stream.lines[rng.randrange(index)]
    return rng.choice([Corrupted((line, line), line), Corrupted((earlier,)), Corrupted((earlier, line), line)])


def what_is_learned_from(rng: random.Random, stream: Stream, index: int) -> Corrupted:
    """Counters, cold starts and ages that cannot be. What teaches nothing leaves the formula alone: the intact line of
    a senseless count is the one without it."""
    line, intact = copied(stream.lines[index]), copied(stream.lines[index])
    number = rng.choice([*SENSELESS, *HUGE, 0, "x"])
    where = rng.choice(["flow", "boots", "ages"])
    if where == "flow":
        # Nothing running is a count like others; nothing finished is a counter that began anew.
        line["flow"][rng.choice(["running", "waiting", "finished", "sampledAt"] if number != 0 else ["finished"])] = (
            number
        )
        del intact["flow"]
    elif where == "boots":
        line["boots"] = [{"readyAt": line["at"], "seconds": 130.0} | {rng.choice(["readyAt", "seconds"]): number}]
    else:
        line["replicas"]["ages"] = [number] * rng.randint(1, 3)
    return Corrupted((line,), intact)


def the_counts(rng: random.Random, stream: Stream, index: int) -> Corrupted:
    """Other numbers of replicas: they are refused, or are another observation."""
    line = copied(stream.lines[index])
    field = rng.choice(["current", "ready", "starting", "standby"])
    line["replicas"][field] = rng.choice([-1, 0, 1.5, 10**6, 10**12, 1e300, math.nan, "1", True, None, [1]])
    return Corrupted((line,), another=True)


def the_text(rng: random.Random, stream: Stream, index: int) -> Corrupted:
    """Cut off, a byte changed, doubled, empty, something else."""
    text = text_of(stream.lines[index])
    at = rng.randrange(len(text))
    damaged = (
        text[:at],
        text[:at] + bytes([rng.randrange(256)]) + text[at + 1 :],
        text[:at] + text[rng.randrange(len(text)) :],
        text + text,
        b"\n",
        b"[" * 5000,
        rng.choice([b"null", b"[]", b"7", b'"at"', b"{}", b"\xff\xfe", b'{"at": 1e999}', b"NaN"]),
    )
    return Corrupted((rng.choice(damaged),), another=True)


KINDS: Final[tuple[Corruption, ...]] = (
    a_value, a_replica, a_sample_time, an_old_sample, the_clock, the_order, what_is_learned_from, the_counts, the_text,
)  # fmt: skip


def broken_rules(stream: Stream, index: int, corrupted: Corrupted, lost: int) -> Iterator[str]:
    """A sentence for each rule that does not hold. ``lost`` is what the next line gives where this one never came."""
    scaling, after = stream.spec.scaling, stream.lines[index + 1]
    try:
        made = played(stream, index, (*corrupted.lines, after))
    except Refused as refused:
        if ": " not in refused.message.partition("obs:")[2]:
            yield f"refused without a reason: {refused.message}"
        return
    numbers = [decided.decision.desired for decided in made]
    if not all(scaling.min_replicas <= number <= scaling.max_replicas for number in numbers):
        yield f"{numbers} are out of range"
    if corrupted.another:
        return
    present = stream.made[index - 1].decision.desired
    intact = (
        [d.decision.desired for d in played(stream, index, (corrupted.intact, after))]
        if corrupted.intact
        else [present, lost]
    )
    if min(numbers[:-1]) < min(present, intact[0]):
        yield f"{numbers[:-1]} at the corrupted line; {present} before, {intact[0]} had it been intact"
    if numbers[-1] < min(*numbers[-2:-1], intact[1], lost):
        yield f"{numbers} at the corrupted line and the next; {intact[1]} had it been intact, {lost} had it been lost"


@pytest.mark.promise("F10")
@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in SPECS])
def test_no_corrupted_observation_crashes_or_lowers_the_number(name: str) -> None:
    rng, stream = random.Random(f"{SEED} {name} again"), stream_of(name)
    lost = [played(stream, index, (stream.lines[index + 1],))[0].decision.desired for index in range(1, LINES - 1)]
    for number in range(CORRUPTIONS // len(SPECS)):
        kind, index = KINDS[number % len(KINDS)], rng.randrange(1, LINES - 1)
        corrupted = kind(rng, stream, index)
        broken = [*broken_rules(stream, index, corrupted, lost[index - 1])]
        assert broken == [], f"{kind.__name__} at line {index}: {corrupted}"


def test_the_streams_rise_and_fall_so_that_a_wrong_fall_would_be_seen() -> None:
    for name in SPECS:
        changes = [d.decision.desired - d.decision.current for d in stream_of(name).made]
        assert sum(change > 0 for change in changes) >= 3
        assert name in ("default windows", "learned at once") or sum(change < 0 for change in changes) >= 3
