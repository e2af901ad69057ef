"""Stabilization windows: move only as far as every recent recommendation agrees."""

from elastic_serving.scaling.memory import extreme
from elastic_serving.scaling.pipeline import Pace, Proposal, Tick


def stabilize(current: int, floor: int, ceiling: int) -> int:
    """``current`` clamped between the lowest number asked for in the up window and the highest in the down window.

    Both include the present proposal, so a window of 0 passes it through. Idempotent.
    Source: kubernetes pkg/controller/podautoscaler/horizontal.go, stabilizeRecommendationWithBehaviors.
    """
    return min(max(current, floor), ceiling)


def stabilization(proposal: Proposal, tick: Tick) -> Proposal | None:
    """The proposal as far as the windows, which hold what was asked for before any stage changed it, agree."""
    if proposal.pace is Pace.WAITED:
        return None
    behavior, asked, memory = tick.spec.scaling.behavior, proposal.replicas, tick.memory
    up_seconds = behavior.scale_up.stabilization_window_seconds
    down_seconds = behavior.scale_down.stabilization_window_seconds
    floor = min(asked, extreme(memory.lows, tick.now, up_seconds, asked))
    ceiling = max(asked, extreme(memory.highs, tick.now, down_seconds, asked))
    replicas = stabilize(tick.current, floor, ceiling)
    window = f"up window {up_seconds} s" if asked >= tick.current else f"down window {down_seconds} s"
    if replicas == asked:
        return proposal.to(replicas, "stabilization", f"{window} -> {replicas}")
    limit = f"{floor} was the lowest" if asked > replicas else f"{ceiling} was the highest"
    said = f"{window}: {limit} number asked for in it -> {replicas}"
    return proposal.to(replicas, "stabilization", said, why="StabilizationWindow", held=f"stabilization: {said}")
