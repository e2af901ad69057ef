"""The laws of the scaling core, over random timelines."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.report.lines import line
from elastic_serving.report.observation import parse
from elastic_serving.scaling.decide import Decided, decide
from elastic_serving.scaling.memory import Memory, from_dict, restored, seeded, to_dict
from elastic_serving.scaling.model import Latency, Missing, PerReplica, Sample, Seen
from elastic_serving.scaling.stabilize import stabilize
from tests.support.scaling import EVERYTHING, seen_of, spec_of

CONCURRENCY = {"type": "Concurrency", "target": 10}
QUEUE = {"type": "QueueDepth", "target": 4}
LEVEL = {"type": "Prometheus", "name": "Level", "query": "q", "target": 0.8, "targetType": "Value"}
TOTAL = {"type": "Prometheus", "name": "Total", "query": "q", "target": 25}
NOISY = TOTAL | {"activation": 20}
BUDGET = {"type": "Latency", "ttftSeconds": 3}
NAMES = ("Concurrency", "QueueDepth", "Level", "Total", "Latency")

laws = settings(deadline=None, max_examples=60)
"""A busy machine is no broken law; 60 timelines a run, others in each."""

numbers = st.one_of(
    st.integers(0, 300).map(float), st.sampled_from([0.0, 0.3, 1e12, 1e300, -1.0, float("nan"), float("inf")])
)
missing = st.sampled_from(["Unreachable", "Timeout", "Empty", "NaN", "Stale"]).map(lambda kind: Missing(kind, "so"))
latencies = st.none() | st.builds(Latency, st.floats(0, 1), st.sampled_from([0.0, 1060.0, 5000.0, 1e9]))
readings = st.one_of(
    st.builds(Sample, numbers, st.just(0.0)),
    st.builds(
        lambda values, latency: PerReplica(tuple((str(i), n) for i, n in enumerate(values)), 0.0, latency),
        st.lists(st.one_of(st.none(), numbers), max_size=4),
        latencies,
    ),
    missing,
    st.just(Missing("NoReplica", "no replica serves")),
)
seconds = st.sampled_from([0.0, 0.5, 1.0, 4.9, 5.0, 15.0, 60.0, 299.0, 300.0, 3600.0])


@st.composite
def policies(draw: st.DrawFn) -> dict[str, object]:
    """One direction of behavior."""
    rule = st.fixed_dictionaries(
        {
            "type": st.sampled_from(["Replicas", "Percent"]),
            "value": st.integers(1, 150),
            "periodSeconds": st.sampled_from([15, 60, 600]),
        }
    )
    return {
        "stabilizationWindowSeconds": draw(st.sampled_from([0, 7, 60, 300])),
        "tolerance": draw(st.sampled_from([0, 0.1, 0.5])),
        "policies": draw(st.lists(rule, max_size=2)),
        "selectPolicy": draw(st.sampled_from(["Max", "Min", "Disabled"])),
    }


idles = st.fixed_dictionaries(
    {"timeoutSeconds": st.sampled_from([1, 60, 600])},
    optional={
        "lastReplicaSeconds": st.sampled_from([30, 900]),
        "initialCooldownSeconds": st.sampled_from([60, 5000]),
    },
)


def _name(signal: dict[str, Any]) -> object:
    return signal.get("name", signal["type"])


@st.composite
def specs(draw: st.DrawFn, *, scheduled: bool = True) -> ElasticServingSpec:
    """Any legal scaling rules over one to four signals; a schedule opens 200 s after the timelines begin."""
    low = draw(st.integers(0, 5))
    high = draw(st.integers(max(low, 1), 30))
    more: dict[str, Any] = {"idle": draw(idles)} if low == 0 else {}
    if draw(st.booleans()):
        behavior = draw(st.sampled_from(["Static", "Current", "IfHigher", "IfLower"]))
        rule = {} if behavior == "Current" else {"replicas": draw(st.integers(low, high))}
        more["fallback"] = {"afterSeconds": draw(st.sampled_from([1, 60])), "behavior": behavior} | rule
    if draw(st.booleans()):
        more["paused"] = draw(st.sampled_from(["Up", "Down", "Both"]))
    if draw(st.booleans()):
        more["burst"] = {"windowSeconds": draw(st.sampled_from([5, 60])), "threshold": draw(st.sampled_from([1.5, 4]))}
    if scheduled and draw(st.booleans()):
        hours = {"name": "some", "start": "20 0 * * *", "end": draw(st.sampled_from(["21 0 * * *", "0 2 * * *"]))}
        ramp = {"minReplicas": draw(st.integers(1, high)), "rampSeconds": draw(st.sampled_from([0, 100, 600]))}
        more["schedules"] = [hours | ramp]
    signals = draw(st.lists(st.sampled_from([CONCURRENCY, QUEUE, LEVEL, TOTAL, NOISY]), max_size=4, unique_by=_name))
    behavior_of = {"scaleUp": draw(policies()), "scaleDown": draw(policies())}
    return spec_of(*signals, minReplicas=low, maxReplicas=high, behavior=behavior_of, **more)


@dataclass(frozen=True)
class Tick:
    """Seconds since the last pass (below 0: the clock went back), and what was seen."""

    elapsed: float
    seen: Seen


@st.composite
def observations(draw: st.DrawFn) -> Seen:
    """Anything that could be seen."""
    return seen_of(
        {name: draw(readings) for name in NAMES},
        current=draw(st.integers(0, 40)),
        ready=draw(st.integers(0, 6)),
        starting=draw(st.integers(0, 6)),
        retired=draw(st.sampled_from([(), (), ("a",), ("a", "b")])),
    )


ticks = st.builds(Tick, seconds, observations())
timelines = st.lists(ticks, min_size=1, max_size=8)


def play(spec: ElasticServingSpec, timeline: Sequence[Tick], memory: Memory | None = None) -> list[Decided]:
    """One decision a tick, from 1000 s on."""
    now, made = 1000.0, []
    for tick in timeline:
        now += tick.elapsed
        decided = decide(spec, replace(tick.seen, at=now), memory, now)
        memory = decided.memory
        made.append(decided)
    return made


@laws
@given(specs(), timelines)
def test_bounds_always_hold_and_every_step_follows_from_the_one_before(
    spec: ElasticServingSpec, timeline: list[Tick]
) -> None:
    for decided in play(spec, timeline):
        decision = decided.decision
        assert spec.scaling.min_replicas <= decision.desired <= spec.scaling.max_replicas
        assert decided.memory.desired == decision.desired
        stages = [step for step in decision.steps if step.stage not in (*NAMES, "retired")]
        assert stages[-1].after == decision.desired
        assert all(one.after == two.before for one, two in itertools.pairwise(stages))


@laws
@given(specs(scheduled=False), timelines, st.integers(0, 300), st.sampled_from([1.0, 5.0, 60.0]))
def test_under_constant_load_the_number_settles_and_stays(
    spec: ElasticServingSpec, before: list[Tick], load: int, interval: float
) -> None:
    """After whatever came before, a constant load moves the number in one direction, and then not at all.

    The load is a fleet total: what one replica reports changes with the number of replicas, and so would the load.
    """
    memory = play(spec, before)[-1].memory
    seen = seen_of(dict.fromkeys(NAMES, float(load)) | {"Level": 0.8}, current=1)
    made = play(spec, [Tick(4000.0, seen), *[Tick(interval, seen)] * 40], memory)[1:]
    numbers = [decided.decision.desired for decided in made]
    assert numbers in (sorted(numbers), sorted(numbers, reverse=True))


@laws
@given(policies(), policies(), st.integers(1, 20), st.integers(0, 300))
def test_a_constant_load_that_the_replicas_share_does_not_make_the_number_swing(
    up: dict[str, object], down: dict[str, object], start: int, load: int
) -> None:
    """What each replica reports falls as their number rises; the number settles in one direction all the same."""
    spec = spec_of(CONCURRENCY, behavior={"scaleUp": up, "scaleDown": down})
    memory, numbers = seeded(start, 0), [start]
    for at in range(0, 3000, 60):
        shares = [load / numbers[-1]] * numbers[-1]
        memory = decide(spec, seen_of({"Concurrency": shares}), memory, float(at)).memory
        numbers.append(memory.desired)
    assert numbers in (sorted(numbers), sorted(numbers, reverse=True))


@laws
@given(
    st.integers(1, 30), st.integers(0, 30), st.lists(st.integers(0, 300), min_size=1, max_size=6), st.integers(0, 50)
)
def test_more_load_never_gives_fewer_replicas(current: int, starting: int, loads: list[int], more: int) -> None:
    """With the same memory and no windows, adding load to any replica never lowers the decision."""
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 0}}
    spec = spec_of(CONCURRENCY, behavior=behavior)
    heavier = [loads[0] + more, *loads[1:]]
    decisions = [
        decide(spec, seen_of({"Concurrency": each}, starting=starting), seeded(current, 0), 1).decision.desired
        for each in (loads, heavier)
    ]
    assert decisions[0] <= decisions[1]


@pytest.mark.promise("U7")
@laws
@given(specs(), timelines)
def test_while_a_burst_lasts_the_number_does_not_fall(spec: ElasticServingSpec, timeline: list[Tick]) -> None:
    """Unless it is above maxReplicas, or a replica leaves by itself."""
    stayed = [replace(tick, seen=replace(tick.seen, retired=())) for tick in timeline]
    for decided in play(spec, stayed):
        if decided.memory.burst_at is not None and decided.decision.current <= spec.scaling.max_replicas:
            assert decided.decision.desired >= decided.decision.current


@laws
@given(st.integers(1, 100), st.integers(1, 100), st.lists(st.integers(1, 100), max_size=5))
def test_windows_of_zero_let_the_proposal_pass(current: int, asked: int, before: list[int]) -> None:
    still = {"tolerance": 0, "stabilizationWindowSeconds": 0}
    spec = spec_of(EVERYTHING, behavior={"scaleUp": still, "scaleDown": still})
    timeline = [Tick(1.0, seen_of({"Concurrency": number})) for number in (*before, asked)]
    assert play(spec, timeline, seeded(current, 0))[-1].decision.desired == asked


@laws
@given(st.integers(), st.integers(), st.integers())
def test_stabilize_is_idempotent_and_stays_within_its_bounds(current: int, one: int, two: int) -> None:
    floor, ceiling = min(one, two), max(one, two)
    once = stabilize(current, floor, ceiling)
    assert stabilize(once, floor, ceiling) == once
    assert floor <= once <= ceiling


@pytest.mark.promise("U3")
@pytest.mark.promise("U13")
@laws
@given(specs(), timelines, st.data())
def test_what_is_missing_never_lowers(spec: ElasticServingSpec, timeline: list[Tick], data: st.DataObject) -> None:
    """Take any pass and lose one of its signals: the number does not fall, unless a fallback or a replica says so."""
    memory = play(spec, timeline)[-1].memory
    seen = data.draw(observations())
    lost = data.draw(st.sampled_from([signal.name for signal in spec.signals]))
    blinded = tuple((name, Missing("Timeout", "so") if name == lost else reading) for name, reading in seen.signals)
    decision = decide(spec, replace(seen, signals=blinded, retired=()), memory, memory.at + 1).decision
    if decision.why != "Fallback" and memory.desired <= spec.scaling.max_replicas:
        assert decision.desired >= memory.desired or any(s.stage == "fallback" for s in decision.steps)


@pytest.mark.promise("F5")
@laws
@given(specs(), timelines, st.integers(0, 7), st.floats(0, 1000))
def test_a_restart_only_delays(spec: ElasticServingSpec, timeline: list[Tick], cut: int, away: float) -> None:
    """What is decided after a restart lies between the saved number and what would have been decided without it."""
    made = play(spec, timeline)
    memory = made[min(cut, len(made) - 1)].memory
    seen, now = timeline[-1].seen, memory.at + away
    plain = decide(spec, seen, memory, now).decision.desired
    after = decide(spec, seen, restored(from_dict(to_dict(memory)), now), now).decision.desired
    assert min(memory.desired, plain) <= after <= max(memory.desired, plain)


@pytest.mark.promise("F5")
@laws
@given(specs(), timelines)
def test_saving_and_loading_the_memory_changes_nothing(spec: ElasticServingSpec, timeline: list[Tick]) -> None:
    memory, saved, now = None, None, 1000.0
    for tick in timeline:
        now += tick.elapsed
        plain = decide(spec, tick.seen, memory, now)
        again = decide(spec, tick.seen, saved, now)
        assert plain == again
        memory, saved = plain.memory, from_dict(json.loads(json.dumps(to_dict(again.memory))))


@laws
@given(specs(), timelines)
def test_a_recorded_pass_decides_the_same_again(spec: ElasticServingSpec, timeline: list[Tick]) -> None:
    memory = None
    for tick, decided in zip(timeline, play(spec, timeline), strict=True):
        seen = replace(tick.seen, at=decided.decision.at)
        found = parse(line(seen, memory, decided.decision))
        assert decide(spec, found.seen, found.memory, decided.decision.at) == decided
        memory = decided.memory


@laws
@given(st.lists(st.tuples(seconds, st.integers(0, 1000)), min_size=1, max_size=150))
def test_with_default_windows_the_memory_stays_below_4_kib(rows: list[tuple[float, int]]) -> None:
    timeline = [Tick(elapsed, seen_of({"Concurrency": float(load)})) for elapsed, load in rows]
    spec = spec_of({"type": "Concurrency", "target": 1}, maxReplicas=1000)
    memory = play(spec, timeline, seeded(1, 1789999999.123456))[-1].memory
    assert len(json.dumps(to_dict(memory))) <= 4096


@laws
@given(specs(), timelines, st.floats(0, 1e5), timelines)
def test_a_clock_that_goes_back_breaks_nothing(
    spec: ElasticServingSpec, before: list[Tick], back: float, after: list[Tick]
) -> None:
    """Bounds hold, nothing recorded lies in the future, and a missing sample lowers nothing."""
    memory: Memory | None = play(spec, before)[-1].memory
    now = 1000.0 - back
    for tick in after:
        now += tick.elapsed
        decided = decide(spec, tick.seen, memory, now)
        memory = decided.memory
        assert spec.scaling.min_replicas <= decided.decision.desired <= spec.scaling.max_replicas
        assert all(at <= now for at, _ in (*memory.lows, *memory.highs, *memory.changes))
        assert (memory.idle_since or now) <= now
        assert (memory.missing_since or now) <= now
        assert (memory.burst_at or now) <= now
        assert (memory.born_at or now) <= now
