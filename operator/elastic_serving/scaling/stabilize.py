"""Stabilization windows: move only as far as every recent recommendation agrees."""

from elastic_serving.scaling.memory import extreme
from elastic_serving.scaling.model import ScalingLimit, Step
from elastic_serving.scaling.pipeline import Move, Tick


def stabilize(current: int, floor: int, ceiling: int) -> int:
    """``current`` clamped between the lowest number asked for in the up window and the highest in the down window.

    Both include the present proposal, so a window of 0 passes it through. Idempotent.
    Source: kubernetes pkg/controller/podautoscaler/horizontal.go, stabilizeRecommendationWithBehaviors.
    """
    return min(max(current, floor), ceiling)


def stabilization(replicas: int, tick: Tick) -> Move:
    """The number as far as the windows agree; they hold what was asked for before any stage changed it.

    Where the window holds what the limits would hold anyway, the limit is the reason: a serving without load rests at
    minReplicas, and that is what its user set.
    """
    behavior = tick.spec.scaling.behavior
    up_seconds = behavior.scale_up.stabilization_window_seconds
    down_seconds = behavior.scale_down.stabilization_window_seconds
    floor = min(replicas, extreme(tick.memory.lows, tick.now, up_seconds, replicas))
    ceiling = max(replicas, extreme(tick.memory.highs, tick.now, down_seconds, replicas))
    held_to = stabilize(tick.current, floor, ceiling)
    window = f"up window {up_seconds} s" if replicas >= tick.current else f"down window {down_seconds} s"
    if held_to == replicas:
        return Move(Step("stabilization", replicas, replicas, f"{window} -> {replicas}"))
    said = f"{window}, in which {floor if replicas > held_to else ceiling} was asked for -> {held_to}"
    if replicas < held_to == tick.floor == tick.spec.scaling.min_replicas:
        return Move(Step("stabilization", replicas, held_to, said), "MinReplicas", limited=ScalingLimit.TOO_FEW)
    return Move(Step("stabilization", replicas, held_to, said), "StabilizationWindow", held=f"stabilization: {said}")
