"""How far the number may move: by hand or back into the range at once, else by rate policies, and min and max always.

Source: kubernetes pkg/controller/podautoscaler/horizontal.go, reconcileAutoscaler (range) and
convertDesiredReplicasWithBehaviorRate (policies).
"""

import math

from elastic_serving.api.models import Mode, Policy, PolicyType, ScalingRules, SelectPolicy
from elastic_serving.scaling.memory import Marks
from elastic_serving.scaling.model import ScalingLimit
from elastic_serving.scaling.pipeline import Pace, Proposal, Tick


def override(proposal: Proposal, tick: Tick) -> Proposal | None:
    """What needs no signal: the number set by hand, and a present number outside the range."""
    spec, low, high = tick.spec, tick.floor, tick.spec.scaling.max_replicas
    if spec.scaling.mode is Mode.MANUAL:
        replicas = tick.current if spec.replicas is None else spec.replicas
        return proposal.to(replicas, "manual", f"spec.replicas is {replicas}", why="Manual", pace=Pace.AT_ONCE)
    if tick.current > high:
        said = f"{tick.current} is above maxReplicas -> {high}"
        return proposal.to(high, "range", said, why="MaxReplicas", pace=Pace.AT_ONCE, limited=ScalingLimit.TOO_MANY)
    if tick.current < low:
        said = f"{tick.current} is below minReplicas -> {low}"
        return proposal.to(low, "range", said, why="MinReplicas", pace=Pace.AT_ONCE, limited=ScalingLimit.TOO_FEW)
    return None


def policies(proposal: Proposal, tick: Tick) -> Proposal | None:
    """The proposal as far as the rate policies of its direction allow by now."""
    scaling, asked, current, changes = tick.spec.scaling, proposal.replicas, tick.current, tick.memory.changes
    if asked == current:
        return None
    if asked > current:
        limit, said = _up_limit(current, changes, tick.now, scaling.behavior.scale_up)
        replicas, limited = min(asked, limit), ScalingLimit.SCALE_UP_LIMIT
        is_limited = limit < min(asked, scaling.max_replicas)
    else:
        limit, said = _down_limit(current, changes, tick.now, scaling.behavior.scale_down)
        replicas, limited = max(asked, limit), ScalingLimit.SCALE_DOWN_LIMIT
        is_limited = limit > max(asked, tick.floor)
    if not said:
        return None
    if not is_limited:
        return proposal.to(replicas, "policies", f"{said} -> {replicas}")
    said = f"{said}, {asked} asked for -> {replicas}"
    return proposal.to(replicas, "policies", said, why=limited, limited=limited, held=f"policies: {said}")


def limits(proposal: Proposal, tick: Tick) -> Proposal:
    """The proposal within minReplicas and maxReplicas; a number set by hand may be as low as 0."""
    asked, high = proposal.replicas, tick.spec.scaling.max_replicas
    low = 0 if tick.spec.scaling.mode is Mode.MANUAL else tick.floor
    if asked > high:
        said = f"{low} to {high} -> {high}"
        return proposal.to(high, "limits", said, why="MaxReplicas", limited=ScalingLimit.TOO_MANY)
    if asked < low:
        said = f"{low} to {high} -> {low}"
        return proposal.to(low, "limits", said, why="MinReplicas", limited=ScalingLimit.TOO_FEW)
    return proposal.to(asked, "limits", f"{low} to {high} -> {asked}")


def longest_period(tick: Tick) -> int:
    """Seconds for which scale events matter, over the policies of both directions; 0 without policies."""
    behavior = tick.spec.scaling.behavior
    return max((p.period_seconds for p in (*behavior.scale_up.policies, *behavior.scale_down.policies)), default=0)


def _up_limit(current: int, changes: Marks, now: float, rules: ScalingRules) -> tuple[int, str]:
    """Most replicas allowed now, never below ``current``, and why; Percent rounds up, so that 1 can grow."""
    if rules.select_policy is SelectPolicy.DISABLED:
        return current, "scaling up is disabled"
    allowed = []
    for policy in rules.policies:
        start = _at_period_start(current, changes, now, policy)
        percent = policy.type is PolicyType.PERCENT
        grown = math.ceil(start * (1 + policy.value / 100)) if percent else start + policy.value
        allowed.append((grown, _sentence(policy, "+", start)))
    if not allowed:
        return 2**31 - 1, ""
    limit, said = (min if rules.select_policy is SelectPolicy.MIN else max)(allowed, key=lambda pair: pair[0])
    return max(limit, current), said


def _down_limit(current: int, changes: Marks, now: float, rules: ScalingRules) -> tuple[int, str]:
    """Fewest replicas allowed now, never above ``current``, and why; Percent truncates what remains."""
    if rules.select_policy is SelectPolicy.DISABLED:
        return current, "scaling down is disabled"
    allowed = []
    for policy in rules.policies:
        start = _at_period_start(current, changes, now, policy)
        percent = policy.type is PolicyType.PERCENT
        left = int(start * (1 - policy.value / 100)) if percent else start - policy.value
        allowed.append((left, _sentence(policy, "-", start)))
    if not allowed:
        return 0, ""
    limit, said = (max if rules.select_policy is SelectPolicy.MIN else min)(allowed, key=lambda pair: pair[0])
    return min(limit, current), said


def _at_period_start(current: int, changes: Marks, now: float, policy: Policy) -> int:
    """Current less what was added and plus what was removed within the policy's period."""
    return current - sum(change for at, change in changes if now - at < policy.period_seconds)


def _sentence(policy: Policy, sign: str, start: int) -> str:
    unit = " %" if policy.type is PolicyType.PERCENT else ""
    return f"{sign}{policy.value}{unit} in {policy.period_seconds} s from {start}"
