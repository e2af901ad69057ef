"""A direction on hold: the present number stays, whatever asks for another one; only the range still moves it.

Fallback, idleness, schedules, waking from zero and a leader's exit 0 are held like a signal. minReplicas and
maxReplicas are not: whoever changes them means this number. KEDA's paused-scale-in and paused-scale-out, a Disabled
policy of the HPA behind it, let them through as well (keda.sh, ScaledObject, pausing; read 2026-11-24).
"""

from elastic_serving.api.models import Mode, Paused
from elastic_serving.scaling.model import ScalingLimit, Step
from elastic_serving.scaling.pipeline import Move, Tick


def paused(replicas: int, tick: Tick) -> Move | None:
    """The present number where the way to ``replicas`` is paused; what the limits hold anyway is theirs to say."""
    holds, scaling = tick.spec.scaling.paused, tick.spec.scaling
    if holds is None or scaling.mode is Mode.MANUAL:
        return None
    low, high = tick.floor, scaling.max_replicas
    present, asked = min(max(tick.memory.desired, low), high), min(max(replicas, low), high)
    direction = Paused.UP if asked > present else Paused.DOWN
    if asked == present or holds not in (direction, Paused.BOTH):
        return None
    said = f"scaling {direction.lower()} is paused -> {present}"
    return Move(Step("paused", replicas, present, said), "Paused", limited=ScalingLimit.PAUSED, held=f"paused: {said}")
