"""From what was seen to a decision: the stages in their order, and what is remembered.

Pure: the same spec, observation, memory and time give the same decision and the same next memory.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from elastic_serving.api.models import ElasticServingSpec, Mode
from elastic_serving.scaling.arbitrate import fallback, fallback_at, is_blind, largest_signal, missing_since, winner
from elastic_serving.scaling.limits import limits, longest_period, override, policies
from elastic_serving.scaling.memory import Memory, rewound, seeded, with_change, with_high, with_low
from elastic_serving.scaling.model import Decision, Missing, Seen, Step
from elastic_serving.scaling.pipeline import Pace, Proposal, Tick
from elastic_serving.scaling.recommend import recommend
from elastic_serving.scaling.stabilize import stabilization
from elastic_serving.scaling.zero import idle_since, lowest, without_retired, zero

STAGES: Final[tuple[Callable[[Proposal, Tick], Proposal | None], ...]] = (
    override,
    largest_signal,
    fallback,
    zero,
    stabilization,
    policies,
    limits,
)
"""Every signal makes its recommendation first; then each stage gets the number of the one before it."""
_UNSEEN: Final = Missing("Empty", "it was not observed")


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision and the memory that the next one needs; it is saved before the decision is acted on."""

    decision: Decision
    memory: Memory


def decide(spec: ElasticServingSpec, seen: Seen, memory: Memory | None, now: float) -> Decided:
    """How many replicas there should be at ``now``, and every step that led there.

    ``memory`` is the last decision's; None makes this the first pass, which starts from ``seen.replicas.current``.
    """
    memory = seeded(seen.replicas.current, now) if memory is None else rewound(memory, now)
    tick, steps = _tick(spec, seen, memory, now)
    proposal = Proposal(Step("", tick.current, tick.current, ""), "")
    for stage in STAGES:
        if proposal.pace is Pace.AT_ONCE and stage is not limits:
            continue
        changed = stage(proposal, tick)
        if changed is not None:
            proposal = changed
            steps.append(changed.step)
    best, due = winner(tick.outcomes), fallback_at(spec.scaling.fallback, tick.missing_since)
    decision = Decision(
        at=now,
        current=memory.desired,
        desired=proposal.replicas,
        recommendation=None if best is None else best.recommendation,
        signal=None if best is None else best.name,
        why=proposal.why,
        steps=tuple(steps),
        signals=tick.outcomes,
        limited=proposal.limited,
        held=proposal.held,
        fallback_at=None if due is None or due <= now else due,
    )
    return Decided(decision, _remember(tick, decision))


def _tick(spec: ElasticServingSpec, seen: Seen, memory: Memory, now: float) -> tuple[Tick, list[Step]]:
    """What the stages read, and the steps of the replicas that left and of the signals."""
    floor = lowest(spec)
    current = without_retired(memory.desired, seen, memory, floor)
    steps = []
    if current != memory.desired:
        said = f"{memory.desired - current} left by exit 0 -> {current}"
        steps.append(Step("retired", memory.desired, current, said))
    readings, outcomes = dict(seen.signals), []
    for signal in spec.signals:
        made = recommend(
            signal,
            readings.get(signal.name, _UNSEEN),
            current=current,
            counts=seen.replicas,
            behavior=spec.scaling.behavior,
        )
        outcomes.append(made.outcome)
        steps.append(made.step)
    found = tuple(outcomes)
    idle, missing = idle_since(found, memory, now), missing_since(found, memory, now)
    return Tick(spec, seen, memory, now, current, floor, found, idle, missing), steps


def _remember(tick: Tick, decision: Decision) -> Memory:
    """The next pass's memory. The windows keep what the signals asked for, before any stage changed it.

    A pass that could not know counts as held on the way down and forbids no rise; one that only came back into the
    range asked for nothing; and a number set by hand starts afresh, as a first pass does.
    """
    memory, now, scaling = tick.memory, tick.now, tick.spec.scaling
    if scaling.mode is Mode.MANUAL:
        return replace(seeded(decision.desired, now), retired=tick.seen.retired)
    lows, highs = memory.lows, memory.highs
    if tick.floor <= tick.current <= scaling.max_replicas:
        blind = is_blind(tick)
        asked = tick.current if blind or decision.recommendation is None else decision.recommendation
        if not blind:
            lows = with_low(lows, now, asked, scaling.behavior.scale_up.stabilization_window_seconds)
        highs = with_high(highs, now, asked, scaling.behavior.scale_down.stabilization_window_seconds)
    return Memory(
        at=now,
        desired=decision.desired,
        lows=lows,
        highs=highs,
        changes=with_change(memory.changes, now, decision.desired - memory.desired, longest_period(tick)),
        idle_since=tick.idle_since,
        missing_since=tick.missing_since,
        retired=tick.seen.retired,
    )
