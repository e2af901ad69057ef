"""Schedules: within their windows the number does not fall below a floor of their own, and rises to it in time.

A schedule raises, like minReplicas: at once, past windows and rate policies, never above maxReplicas, and with no data
as well. It lowers nothing, and mode Manual knows none.
"""

import math

from elastic_serving.api.models import Mode, Schedule
from elastic_serving.api.times import clock
from elastic_serving.scaling.model import ScalingLimit, Step
from elastic_serving.scaling.pipeline import Move, Tick


def schedules(replicas: int, tick: Tick) -> Move | None:
    """The highest floor of all schedules at this moment, where that is above the number."""
    scaling = tick.spec.scaling
    if not scaling.schedules or scaling.mode is Mode.MANUAL:
        return None
    floor, said = max(_floor(schedule, tick.floor, tick.now) for schedule in scaling.schedules)
    floor = min(floor, scaling.max_replicas)
    if floor <= replicas:
        return None
    return Move(Step("schedules", replicas, floor, f"{said} -> {floor}"), "Schedule", limited=ScalingLimit.TOO_FEW)


def _floor(schedule: Schedule, low: int, now: float) -> tuple[int, str]:
    """Fewest replicas ``schedule`` wants now, ``low`` at least, and why.

    On its ramp it is ``low`` + ceil((minReplicas - low) x part of the ramp that is over): from 1 to 5 in 600 s, the
    second replica with the first second, the fifth 150 s before start.
    """
    window, most = schedule.window(now), schedule.min_replicas
    if window is None or now >= window.ends_at or most <= low:
        return low, ""
    if now >= window.starts_at:
        return most, f"{schedule.name} keeps at least {most} until {clock(window.ends_at, now)} UTC"
    over = schedule.ramp_seconds - (window.starts_at - now)
    if over <= 0:
        return low, ""
    rise = math.ceil((most - low) * over / schedule.ramp_seconds)
    return low + rise, f"{schedule.name} rises to {most} by {clock(window.starts_at, now)} UTC"
