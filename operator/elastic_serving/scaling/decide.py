"""From what was seen to a decision: the stages in their order, and what is remembered.

Pure: the same spec, observation, memory and time give the same decision and the same next memory.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from elastic_serving.api.models import ElasticServingSpec, Mode
from elastic_serving.scaling.arbitrate import fallback, fallback_at, largest, largest_signal, missing_since
from elastic_serving.scaling.ask import ask
from elastic_serving.scaling.backlog import backlog
from elastic_serving.scaling.burst import burst, burst_at, kept_seconds
from elastic_serving.scaling.latency import Capacity, lessons
from elastic_serving.scaling.learn import known, learn
from elastic_serving.scaling.limits import limits, longest_period, override, policies
from elastic_serving.scaling.memory import Memory, resumed, seeded, with_change, with_high, with_low
from elastic_serving.scaling.model import NOT_SCRAPED, Decision, ScalingLimit, Seen, Step
from elastic_serving.scaling.paused import paused
from elastic_serving.scaling.pipeline import Move, Pace, Tick
from elastic_serving.scaling.recommend import NO_REPLICA, basis
from elastic_serving.scaling.schedules import schedules
from elastic_serving.scaling.stabilize import stabilization
from elastic_serving.scaling.worst_case import worst_case
from elastic_serving.scaling.zero import born_at, is_idle, lowest, without_retired, zero

Stage: TypeAlias = Callable[[int, Tick], Move | None]

STAGES: Final[tuple[tuple[Stage, Pace], ...]] = (
    (override, Pace.STEADY),
    (largest_signal, Pace.STEADY),
    (fallback, Pace.STEADY),
    (worst_case, Pace.STEADY),
    (zero, Pace.WAITED),
    (burst, Pace.WAITED),
    (stabilization, Pace.STEADY),
    (policies, Pace.WAITED),
    (schedules, Pace.AT_ONCE),
    (paused, Pace.AT_ONCE),
    (limits, Pace.AT_ONCE),
)
"""Each signal makes its recommendation first; then each stage gets the number of the one before it, unless the pace of
the number is beyond the one beside the stage."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision and the memory that the next one needs; it is saved before the decision is acted on."""

    decision: Decision
    memory: Memory


def decide(spec: ElasticServingSpec, seen: Seen, memory: Memory | None, now: float) -> Decided:
    """How many replicas there should be at ``now``, and every step that led there.

    ``memory`` is the last decision's; None makes this the first pass, which starts from ``seen.replicas.current``. So
    does the first pass after advice, with the windows that the advice left.
    """
    memory = replace(seeded(seen.replicas.current, now), born_at=now) if memory is None else resumed(memory, now)
    advice: tuple[Step, ...] = ()
    if memory.advised and spec.scaling.mode is not Mode.ADVISE:
        advice = _advice(memory.desired, seen.replicas.current)
        memory = replace(memory, desired=seen.replicas.current, changes=())
    tick, steps = _look(spec, seen, memory, now)
    replicas, why, pace, limited, held = tick.current, "", Pace.STEADY, ScalingLimit.NONE, ""
    for stage, last_pace in STAGES:
        move = stage(replicas, tick) if pace <= last_pace else None
        if move is not None:
            steps.append(move.step)
            replicas, why, held = move.step.after, move.why or why, move.held or held
            pace, limited = max(pace, move.pace), move.limited or limited
    decision = Decision(
        at=now,
        current=memory.desired,
        desired=replicas,
        recommendation=tick.best.recommendation if tick.best else None,
        signal=tick.best.name if tick.best else None,
        why=why,
        steps=(*advice, *steps),
        signals=tick.outcomes,
        limited=limited,
        held=held,
        fallback_at=fallback_at(spec, tick),
    )
    return Decided(decision, _remember(tick, decision))


def _advice(advised: int, there: int) -> tuple[Step, ...]:
    """The step from a number that was only advised to the one that is there; none where they are the same."""
    said = f"advice of {advised} was not acted on, {there} {'is' if there == 1 else 'are'} there -> {there}"
    return () if advised == there else (Step("advice", advised, there, said),)


def _look(spec: ElasticServingSpec, seen: Seen, memory: Memory, now: float) -> tuple[Tick, list[Step]]:
    """What the stages read, and the steps of the replicas that left by themselves and of the signals."""
    floor, steps, outcomes = lowest(spec), [], []
    current = without_retired(memory.desired, seen, memory, floor)
    if current != memory.desired:
        said = f"{memory.desired - current} left by exit 0 -> {current}"
        steps.append(Step("retired", memory.desired, current, said))
    readings, on = dict(seen.signals), basis(current, seen.replicas, spec.scaling.behavior)
    learned = learn(memory.learned, seen)
    ahead = backlog(spec, current, seen.replicas, known(learned, seen))
    capacities: tuple[Capacity, ...] = ()
    if spec.budgets:
        capacities = lessons(spec, readings, seen.replicas, memory.capacities, wanted=current, now=now)
    for signal in spec.signals:
        asked = ask(spec, signal, readings, on, ahead, capacities)
        if asked is None:
            continue
        outcome, step = asked
        outcomes.append(outcome)
        steps.append(step)
    kinds = {o.name: o.missing.kind for o in outcomes if o.missing}
    missing = tuple(name for name, kind in kinds.items() if kind not in (NO_REPLICA, NOT_SCRAPED))
    best, unscraped = largest(outcomes), NOT_SCRAPED in kinds.values()
    idle, unknown = memory.idle_since, missing_since(best, missing, memory, now)
    if unscraped or not is_idle(spec, seen, outcomes, missing):
        idle = None
    elif idle is None:
        idle = now
    found = best, missing, idle, unknown, learned, ahead, unscraped, capacities
    return Tick(spec, seen, memory, now, current, floor, tuple(outcomes), *found), steps


def _remember(tick: Tick, decision: Decision) -> Memory:
    """The next pass's memory. The windows keep what the signals asked for, before any stage changed it.

    A pass that could not know counts as held on the way down and forbids no rise; one that only came back into the
    range asked for nothing; and a number set by hand starts afresh, as a first pass does.
    """
    memory, now, scaling = tick.memory, tick.now, tick.spec.scaling
    if scaling.mode is Mode.MANUAL:
        born = now if scaling.idle else None
        fresh, kept = seeded(decision.desired, now), tick.capacities
        return replace(fresh, retired=tick.seen.retired, born_at=born, learned=tick.learned, capacities=kept)
    lows, highs, asked = memory.lows, memory.highs, decision.recommendation
    if tick.floor <= tick.current <= scaling.max_replicas:
        if asked is None or tick.is_blind:
            asked = tick.current
        else:
            lows = with_low(lows, now, asked, scaling.behavior.scale_up.stabilization_window_seconds)
        highs = with_high(highs, now, asked, kept_seconds(scaling))
    changes = with_change(memory.changes, now, decision.desired - memory.desired, longest_period(tick.spec))
    return Memory(
        at=now,
        desired=decision.desired,
        lows=lows,
        highs=highs,
        changes=changes,
        idle_since=tick.idle_since,
        missing_since=tick.missing_since,
        retired=tick.seen.retired,
        ahead=memory.ahead,
        advised=scaling.mode is Mode.ADVISE,
        burst_at=burst_at(tick),
        born_at=born_at(tick),
        learned=tick.learned,
        capacities=tick.capacities,
    )
