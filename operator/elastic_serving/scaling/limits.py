"""How far the number may move: by hand or back into the range at once, else by rate policies, and min and max always.

Source: kubernetes pkg/controller/podautoscaler/horizontal.go, reconcileAutoscaler (range),
calculateScaleUpLimitWithScalingRules, calculateScaleDownLimitWithBehaviors, convertDesiredReplicasWithBehaviorRate,
read 2026-11-22. No policy in a direction is no limit on its rate.
"""

import math

from elastic_serving.api.models import ElasticServingSpec, Mode, Policy, PolicyType, SelectPolicy
from elastic_serving.scaling.memory import Marks
from elastic_serving.scaling.model import ScalingLimit, Step
from elastic_serving.scaling.pipeline import Move, Pace, Tick
from elastic_serving.scaling.zero import NO_WAKE_SIGNAL


def override(replicas: int, tick: Tick) -> Move | None:
    """What needs no signal: the number set by hand, and a present number outside the range."""
    spec, low, high = tick.spec, tick.floor, tick.spec.scaling.max_replicas
    if spec.scaling.mode is Mode.MANUAL:
        asked = replicas if spec.replicas is None else spec.replicas
        return Move(Step("manual", replicas, asked, f"spec.replicas is {asked}"), "Manual", Pace.AT_ONCE)
    if replicas > high:
        step = Step("range", replicas, high, f"{replicas} is above maxReplicas -> {high}")
        return Move(step, "MaxReplicas", Pace.AT_ONCE, ScalingLimit.TOO_MANY)
    if replicas < low:
        edge, why = ("minReplicas", "MinReplicas") if spec.scaling.min_replicas else ("what can wake", NO_WAKE_SIGNAL)
        step = Step("range", replicas, low, f"{replicas} is below {edge} -> {low}")
        return Move(step, why, Pace.AT_ONCE, ScalingLimit.TOO_FEW)
    return None


def policies(replicas: int, tick: Tick) -> Move | None:
    """The number as far as the rate policies of its direction allow by now; never across the present number."""
    behavior, current, up = tick.spec.scaling.behavior, tick.current, replicas > tick.current
    rules = behavior.scale_up if up else behavior.scale_down
    if replicas == current or not (rules.policies or rules.select_policy is SelectPolicy.DISABLED):
        return None
    if rules.select_policy is SelectPolicy.DISABLED:
        limit, said = current, f"scaling {'up' if up else 'down'} is disabled"
    else:
        # The policy that allows the most change is the highest limit on the way up, the lowest on the way down.
        choose = max if up is (rules.select_policy is SelectPolicy.MAX) else min
        allowed = [_allowed(policy, up, current, tick.memory.changes, tick.now) for policy in rules.policies]
        limit, said = choose(allowed, key=lambda pair: pair[0])
    bound = min(replicas, tick.spec.scaling.max_replicas) if up else max(replicas, tick.floor)
    if limit >= bound if up else limit <= bound:
        return None
    after = max(limit, current) if up else min(limit, current)
    said, limited = f"{said} -> {after}", ScalingLimit.SCALE_UP_LIMIT if up else ScalingLimit.SCALE_DOWN_LIMIT
    return Move(Step("policies", replicas, after, said), limited, limited=limited, held=f"policies: {said}")


def limits(replicas: int, tick: Tick) -> Move:
    """The number within minReplicas and maxReplicas; one set by hand may be as low as 0."""
    high = tick.spec.scaling.max_replicas
    low = 0 if tick.spec.scaling.mode is Mode.MANUAL else tick.floor
    if replicas > high:
        return Move(
            Step("limits", replicas, high, f"{low} to {high} -> {high}"), "MaxReplicas", limited=ScalingLimit.TOO_MANY
        )
    if replicas < low:
        return Move(
            Step("limits", replicas, low, f"{low} to {high} -> {low}"), "MinReplicas", limited=ScalingLimit.TOO_FEW
        )
    return Move(Step("limits", replicas, replicas, f"{low} to {high} -> {replicas}"))


def longest_period(spec: ElasticServingSpec) -> int:
    """Seconds for which scale events matter, over the policies of both directions; 0 without policies."""
    behavior = spec.scaling.behavior
    return max((p.period_seconds for p in behavior.scale_up.policies + behavior.scale_down.policies), default=0)


def _allowed(policy: Policy, up: bool, current: int, changes: Marks, now: float) -> tuple[int, str]:
    """Replicas that ``policy`` allows now, and why. Its period began with current - added + removed.

    Percent rounds up on the way up, so that 1 can grow, and truncates on the way down; both in HPA's own floats.
    """
    start = current - sum(change for at, change in changes if now - at < policy.period_seconds)
    percent, share = policy.type is PolicyType.PERCENT, policy.value / 100
    said = f"{'+' if up else '-'}{policy.value}{' %' if percent else ''} in {policy.period_seconds} s from {start}"
    if up:
        return math.ceil(start * (1 + share)) if percent else start + policy.value, said
    return int(start * (1 - share)) if percent else start - policy.value, said
