"""Burst mode: a leap of the load passes the up window, and nothing shrinks before the leap is surely over.

It begins when the signals ask for at least ``threshold`` times the replicas that serve (1 at least), and lasts until
they have asked for less during a whole scale-down window, or burst window where that is longer. While it lasts, the
number is the most that was asked for within ``windowSeconds`` and never below the present one; policies and limits
hold. It is Knative's panic mode without its averages: the windows here keep extremes.
Source: knative/serving pkg/autoscaler/scaling/autoscaler.go, Scale, panicTime and maxPanicPods; read 2026-11-24.
"""

from elastic_serving.api.models import Scaling
from elastic_serving.scaling.memory import extreme
from elastic_serving.scaling.model import Step
from elastic_serving.scaling.pipeline import Move, Pace, Tick


def burst(replicas: int, tick: Tick) -> Move | None:
    """The most that was asked for lately, while a burst lasts; it outlasts an idle time and a fallback."""
    rule = tick.spec.scaling.burst
    if rule is None or (last := burst_at(tick)) is None:
        return None
    most = max(replicas, extreme(tick.memory.highs, tick.now, rule.window_seconds, replicas))
    after = max(most, tick.current)
    said = f"{rule.threshold:g} x the serving replicas asked for {tick.now - last:.0f} s ago"
    said = f"{said}, at most {most} in {rule.window_seconds} s -> {after}"
    return Move(Step("burst", replicas, after, said), "Burst", Pace.WAITED, held=f"burst: {said}" * (after > replicas))


def burst_at(tick: Tick) -> float | None:
    """When the load was last as high as a burst's, while the burst lasts; None without one."""
    rule = tick.spec.scaling.burst
    if rule is None:
        return None
    asked, last = tick.best.recommendation if tick.best else None, tick.memory.burst_at
    if asked is not None and asked >= rule.threshold * max(1, tick.seen.replicas.ready):
        return tick.now
    return None if last is None or tick.now - last >= kept_seconds(tick.spec.scaling) else last


def kept_seconds(scaling: Scaling) -> int:
    """For how long the highest number asked for must be known: the scale-down window, or the burst's if longer."""
    down_seconds = scaling.behavior.scale_down.stabilization_window_seconds
    return down_seconds if scaling.burst is None else max(down_seconds, scaling.burst.window_seconds)
