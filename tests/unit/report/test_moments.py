"""What people read at each moment of a serving's life: summary, why, load, replicas, and the condition that counts."""

from dataclasses import replace

import pytest

from elastic_serving.api.status import DecisionStatus, ElasticServingStatus
from elastic_serving.report.account import Account
from elastic_serving.report.status import status_of
from elastic_serving.scaling.model import Missing, Phase, Plan, Role, ScalingLimit, Step, Trouble, TroubleKind
from tests.support.accounts import (
    account_of,
    at,
    concurrency,
    decided,
    failed,
    serving_since,
    starting_since,
)

THREE = (serving_since(0, "04:12:10"), serving_since(1, "04:40:55"), serving_since(2, "04:41:20"))
TWO = THREE[:2]
REFUSED = Missing("Unreachable", "connection refused", at("04:48:02"))
NOTHING_YET = {"signals": (concurrency(None, None, Missing("NoReplica", "no replica serves")),), "signal": None}
YOUNG = Missing("NotScraped", "no engine was scraped yet since it became ready")
NOT_SCRAPED = {"signals": (concurrency(None, None, YOUNG),), "signal": None}
QUEUE_MISSING = replace(concurrency(None, None, REFUSED), name="QueueDepth")
ALL_MISSING = {"signals": (concurrency(None, None, REFUSED),), "signal": None, "recommendation": None}
NO_NODE = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu"

HELD = decided(
    2,
    2,
    recommendation=6,
    why="Paused",
    limited=ScalingLimit.PAUSED,
    steps=(Step("paused", 6, 2, "scaling up is paused -> 2"), Step("limits", 2, 2, "1 to 8 -> 2")),
)
SCHEDULED = decided(
    2,
    2,
    recommendation=1,
    why="Schedule",
    limited=ScalingLimit.TOO_FEW,
    steps=(Step("schedules", 1, 2, "office keeps at least 2 until 16:00:00 UTC -> 2"),),
)
NEVER = {"name": "night", "start": "0 8 31 2 *", "end": "0 9 * * *", "minReplicas": 1}


def moment(summary: str, account: Account, condition: str, **more: str) -> object:
    return pytest.param(account, summary, condition, more, id=summary[:60])


MOMENTS = [
    moment(
        "3 of 3 replicas serve.",
        account_of(*THREE, desired=3),
        "Ready=True AllReplicasServe",
        load="Concurrency 148/84",
    ),
    moment(
        "1 of 1 replica serves.", account_of(THREE[0], desired=1), "Progressing=False AtRest", load="Concurrency 148/28"
    ),
    moment(
        "3 of 5 replicas serve; 2 start.",
        account_of(
            *THREE,
            starting_since(3, "04:51:58", Phase.LOADING),
            starting_since(4, "04:51:31", Phase.PROVISIONING),
            desired=5,
        ),
        "Ready=True SomeReplicasServe",
        why="Concurrency",
    ),
    moment(
        f"3 of 4 replicas serve; 1 waits: {NO_NODE}.",
        account_of(*THREE, starting_since(3, "04:51:31", Phase.PROVISIONING, blame=NO_NODE), desired=4),
        "Progressing=True ReplicasStarting",
    ),
    moment(
        "0 of 1 replica serves; 1 starts.",
        account_of(
            starting_since(0, "04:51:31", Phase.PULLING),
            desired=1,
            decision=decided(1, 1, why="NoReplica", **NOTHING_YET),
        ),
        "Ready=False NoReplicaServes",
        why="Starting",
        load="-",
    ),
    moment(
        "1 of 1 replica serves.",
        account_of(THREE[0], desired=1, decision=decided(1, 1, why="NoReplica", **NOT_SCRAPED)),
        "ScalingActive=Unknown NoReplicaServes",
        why="Starting",
        load="-",
    ),
    moment(
        "2 of 2 replicas serve; 1 drains.",
        account_of(*TWO, replace(THREE[2], role=Role.DRAINING, draining_since=at("04:51:50")), desired=2),
        "Progressing=True ReplicasDraining",
    ),
    moment(
        "3 replicas serve, 2 wanted; 2 of an older revision are being replaced.",
        account_of(replace(THREE[0], revision="old"), replace(THREE[1], revision="old"), THREE[2], desired=2),
        "Progressing=True ReplacingReplicas",
    ),
    moment(
        "Holding 2 replicas: Prometheus has no answer for Concurrency since 04:48:02 (connection refused); "
        "fallback to 4 at 04:58:02.",
        account_of(
            *TWO,
            desired=2,
            spec={"scaling": {"fallback": {"replicas": 4}}},
            decision=decided(2, 2, why="MetricsMissing", fallback_at=at("04:58:02"), **ALL_MISSING),
        ),
        "ScalingActive=False MetricsMissing",
        why="MetricsMissing",
        load="?",
    ),
    moment(
        "Holding 2 replicas: Prometheus has no answer for Concurrency since 04:48:02 (connection refused).",
        account_of(*TWO, desired=2, decision=decided(2, 2, why="MetricsMissing", **ALL_MISSING)),
        "ScalingActive=False MetricsMissing",
    ),
    moment(
        "Fallback to 4 replicas: Prometheus has no answer for Concurrency since 04:48:02 (connection refused); "
        "2 of 4 replicas serve; 1 starts.",
        account_of(
            *TWO,
            starting_since(2, "04:51:31", Phase.PROVISIONING),
            desired=4,
            spec={"scaling": {"fallback": {"replicas": 4}}},
            decision=decided(2, 4, why="Fallback", **ALL_MISSING),
        ),
        "ScalingActive=False Fallback",
        why="Fallback",
    ),
    moment(
        "3 of 3 replicas serve. Prometheus has no answer for QueueDepth since 04:48:02 (connection refused), so "
        "nothing is scaled down.",
        account_of(
            *THREE,
            desired=3,
            decision=decided(3, 3, signals=(concurrency(), QUEUE_MISSING)),
        ),
        "ScalingActive=False FailedGetExternalMetric",
        load="Concurrency 148/84",
    ),
    moment(
        "Replica 2 is being made anew: host 0 of 1 failed: OOMKilled (exit code 137), at 04:51:40; the other 2 serve.",
        account_of(
            *TWO,
            starting_since(2, "04:51:41", Phase.PROVISIONING),
            desired=3,
            inventory={"failures": (failed(2, "04:51:40", "host 0 of 1 failed: OOMKilled (exit code 137)"),)},
        ),
        "Degraded=True StartFailed",
        why="StartFailed",
    ),
    moment(
        "2 of 3 replicas serve. Replica 2 failed 11 times and is given up until spec changes: OOMKilled.",
        account_of(
            *TWO,
            desired=3,
            plan=Plan(waits=("replica 2 failed 11 times and is given up until spec changes: OOMKilled",)),
            inventory={"failures": (failed(2, "04:51:40", "OOMKilled", 11),)},
        ),
        "AbleToScale=False BackoffBoth",
    ),
    moment(
        "2 of 2 replicas serve.",
        account_of(*TWO, desired=2, inventory={"failures": (failed(1, "04:30:00", "exit code 1"),)}),
        "Degraded=False AsExpected",
    ),
    moment(
        "The template is refused by the API server: spec.containers[0].image: Required value. Nothing was changed. "
        "2 of 2 replicas serve.",
        account_of(
            *TWO,
            desired=2,
            refusal=Trouble(
                TroubleKind.REFUSED, 0, 'Pod "llama-8b-0-0" is invalid: spec.containers[0].image: Required value'
            ),
        ),
        "Degraded=True TemplateRefused",
        why="TemplateRefused",
    ),
    moment(
        "The template is refused by the API server: spec.containers[0].image: Required value. Nothing was changed.",
        account_of(
            desired=1,
            refusal=Trouble(TroubleKind.REFUSED, 0, "spec.containers[0].image: Required value"),
        ),
        "Ready=False NoReplicaServes",
    ),
    moment(
        "Desired 6, limited to 3 by ResourceQuota team-a (requests.nvidia.com/gpu 3).",
        account_of(
            *THREE,
            desired=6,
            troubles=[
                Trouble(
                    TroubleKind.QUOTA,
                    3,
                    'create /api/v1/namespaces/a/pods: pods "llama-8b-3-0" is forbidden: exceeded quota: team-a, '
                    "requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=3, "
                    "limited: requests.nvidia.com/gpu=3",
                )
            ],
        ),
        "ScalingLimited=True QuotaLimited",
        why="QuotaLimited",
    ),
    moment(
        '2 of 3 replicas serve. Blocked: pods "llama-8b-2-0" is forbidden: violates PodSecurity "restricted".',
        account_of(
            *TWO,
            desired=3,
            troubles=[
                Trouble(TroubleKind.FORBIDDEN, 2, 'pods "llama-8b-2-0" is forbidden: violates PodSecurity "restricted"')
            ],
        ),
        "Degraded=True CreationForbidden",
        why="CreationForbidden",
    ),
    moment(
        "2 of 2 replicas serve. Pod intruder carries the serving's labels and is not its own: not counted, not "
        "touched.",
        account_of(*TWO, desired=2, inventory={"foreign_pods": ("intruder",)}),
        "Degraded=True ForeignCapacity",
        why="Concurrency",
    ),
    moment(
        "Advises 5 replicas and touches nothing; 3 serve.",
        account_of(*THREE, desired=5, spec={"scaling": {"mode": "Advise"}}),
        "AbleToScale=False Advisory",
    ),
    moment(
        "At zero (spec.replicas 0).",
        account_of(
            desired=0,
            spec={"scaling": {"mode": "Manual"}, "replicas": 0},
            decision=decided(0, 0, why="Manual", signal=None, signals=(), recommendation=None),
        ),
        "ScalingActive=False ScalingDisabled",
        why="Manual",
        load="-",
    ),
    moment(
        "2 of 2 replicas serve.",
        account_of(
            *TWO,
            desired=2,
            decision=decided(
                2,
                2,
                recommendation=6,
                why="MaxReplicas",
                limited=ScalingLimit.TOO_MANY,
                steps=(Step("limits", 6, 2, "1 to 2 -> 2"),),
            ),
        ),
        "ScalingLimited=True TooManyReplicas",
        why="MaxReplicas",
    ),
    moment(
        "2 of 2 replicas serve.",
        account_of(*TWO, desired=2, decision=decided(2, 2, recommendation=1, why="StabilizationWindow")),
        "AbleToScale=True ScaleDownStabilized",
    ),
    moment(
        "2 of 2 replicas serve.",
        account_of(*TWO, desired=2, decision=decided(2, 2, recommendation=4, why="StabilizationWindow")),
        "AbleToScale=True ScaleUpStabilized",
    ),
    moment(
        "2 of 2 replicas serve. Schedule office keeps at least 2 until 16:00:00 UTC.",
        account_of(*TWO, desired=2, decision=SCHEDULED),
        "ScalingLimited=True TooFewReplicas",
        why="Schedule",
    ),
    moment(
        '2 of 2 replicas serve. Schedule night is ignored: start "0 8 31 2 *" cannot be: bad day-of-month.',
        account_of(*TWO, desired=2, spec={"scaling": {"schedules": [NEVER]}}),
        "Degraded=True InvalidSchedule",
        why="Concurrency",
    ),
    moment(
        "2 of 2 replicas serve.",
        account_of(*TWO, desired=2, decision=decided(2, 2, recommendation=1, why="Burst")),
        "AbleToScale=True ScaleDownStabilized",
        why="Burst",
    ),
    moment(
        "2 of 2 replicas serve. Scaling up is paused.",
        account_of(*TWO, desired=2, spec={"scaling": {"paused": "Up"}}),
        "AbleToScale=True Paused",
        why="Concurrency",
    ),
    moment(
        "2 of 2 replicas serve. Scaling up and down is paused.",
        account_of(*TWO, desired=2, spec={"scaling": {"paused": "Both"}}, decision=HELD),
        "AbleToScale=False Paused",
    ),
    moment(
        "2 of 2 replicas serve. Scaling up and down is paused.",
        account_of(*TWO, desired=2, spec={"scaling": {"paused": "Both"}}, decision=HELD),
        "ScalingLimited=True Paused",
        why="Paused",
    ),
    moment(
        "2 of 2 replicas serve.",
        account_of(*TWO, desired=2, spec={"scaling": {"paused": "Both", "mode": "Manual"}, "replicas": 2}),
        "AbleToScale=True ReadyForNewScale",
    ),
]


@pytest.mark.promise("F9")
@pytest.mark.promise("U22")
@pytest.mark.parametrize(("account", "summary", "condition", "more"), MOMENTS)
def test_status_reads_as_drawn(account: Account, summary: str, condition: str, more: dict[str, str]) -> None:
    status = status_of(account, None)
    assert status.summary == summary
    assert condition in [f"{c.type}={c.status} {c.reason}" for c in status.conditions]
    assert {name: getattr(status, name) for name in more} == more


def test_what_is_held_back_by_a_pause_is_said_with_its_number() -> None:
    account = account_of(*TWO, desired=2, spec={"scaling": {"paused": "Both"}}, decision=HELD)
    limited = next(c for c in status_of(account, None).conditions if c.type == "ScalingLimited")
    assert limited.message == "6 asked for; paused: scaling up is paused -> 2."


def test_at_zero_tells_since_when_and_why() -> None:
    account = account_of(
        desired=0,
        spec={"scaling": {"minReplicas": 0, "idle": {"timeoutSeconds": 600}}},
        decision=decided(0, 0, why="Idle", signals=(concurrency(0, 0),)),
    )
    before = ElasticServingStatus(decision=DecisionStatus(from_=1, to=0, reason="Idle", time="2026-11-22T02:10:44Z"))
    status = status_of(account, before)
    assert status.summary == "At zero since 02:10:44 (idle 600 s)."
    assert (status.why, status.load) == ("Idle", "Concurrency 0/0")


def test_a_zero_that_was_set_by_hand_is_told_apart_from_idleness() -> None:
    account = account_of(
        desired=0,
        spec={"scaling": {"minReplicas": 0, "idle": {"timeoutSeconds": 600}}},
        decision=decided(0, 0, why="Idle", signals=(concurrency(0, 0),)),
    )
    before = ElasticServingStatus(decision=DecisionStatus(from_=1, to=0, reason="Manual", time="2026-11-22T02:10:44Z"))
    assert status_of(account, before).summary == "At zero since 02:10:44 (set by hand)."


def test_the_time_a_signal_went_missing_is_kept_over_passes_and_restarts() -> None:
    unknown = Missing("Timeout", "no answer within 5 s")
    outcome = {"signals": (concurrency(None, None, unknown),), "signal": None, "why": "MetricsMissing"}
    first = status_of(account_of(*TWO, desired=2, decision=decided(2, 2, **outcome), now=at("04:50:00")), None)
    later = status_of(account_of(*TWO, desired=2, decision=decided(2, 2, **outcome)), first)
    assert later.summary == (
        "Holding 2 replicas: Prometheus has no answer for Concurrency since 04:50:00 (no answer within 5 s)."
    )
