"""Types and reasons of conditions, events and decisions: one word each, CamelCase, stable because alerts match them.

Where the Horizontal Pod Autoscaler has a word for it, it is that word (kubernetes
pkg/controller/podautoscaler/horizontal.go, read November 2026).
"""

from typing import Final

# Types, in the order kubectl describe shows them.
READY: Final = "Ready"
"""As many replicas serve as must: minReplicas, one at least, never more than desired; or it rests at zero as it should.
Scaling up does not make it False."""
ABLE_TO_SCALE: Final = "AbleToScale"
"""Nothing keeps the operator from changing the number of replicas."""
SCALING_ACTIVE: Final = "ScalingActive"
"""A number can be computed from the signals."""
SCALING_LIMITED: Final = "ScalingLimited"
"""The signals asked for a number that a limit did not allow."""
PROGRESSING: Final = "Progressing"
"""Replicas are on their way to what is desired."""
DEGRADED: Final = "Degraded"
"""Something needs a person: refused template, used-up quota, failed starts, foreign pods."""
MISLEADING_SIGNAL: Final = "MisleadingSignal"
"""A signal measures utilization and not load. Only there while it is True."""
CONDITION_TYPES: Final = (
    READY,
    ABLE_TO_SCALE,
    SCALING_ACTIVE,
    SCALING_LIMITED,
    PROGRESSING,
    DEGRADED,
    MISLEADING_SIGNAL,
)

# MisleadingSignal.
CPU_UTILIZATION: Final = "CpuUtilization"
GPU_UTILIZATION: Final = "GpuUtilization"

# AbleToScale, HPA's words.
READY_FOR_NEW_SCALE: Final = "ReadyForNewScale"
SUCCEEDED_RESCALE: Final = "SucceededRescale"
FAILED_UPDATE_SCALE: Final = "FailedUpdateScale"
SCALE_UP_STABILIZED: Final = "ScaleUpStabilized"
SCALE_DOWN_STABILIZED: Final = "ScaleDownStabilized"
PAUSED: Final = "Paused"
"""spec.scaling.paused: also the reason of a decision, and of ScalingLimited while it holds a number back."""
BACKOFF_BOTH: Final = "BackoffBoth"
"""Replicas fail to start; the next try waits."""

# ScalingActive.
VALID_METRIC_FOUND: Final = "ValidMetricFound"
SCALING_DISABLED: Final = "ScalingDisabled"
"""Mode Manual: the number is spec.replicas."""
FAILED_GET_EXTERNAL_METRIC: Final = "FailedGetExternalMetric"
"""Some signal is missing: up is allowed, down is not."""
METRICS_MISSING: Final = "MetricsMissing"
"""All signals are missing: the number is held."""
FALLBACK: Final = "Fallback"
"""All signals have been missing for fallback.afterSeconds."""
NO_WAKE_SIGNAL: Final = "NoWakeSignal"
"""minReplicas is 0, but no signal exists at zero replicas: the last replica stays."""
ADVISORY: Final = "Advisory"
"""Mode Advise: the number is computed and nobody acts on it."""

# ScalingLimited, HPA's words (scaling.model.ScalingLimit has the ones the core uses).
DESIRED_WITHIN_RANGE: Final = "DesiredWithinRange"
TOO_FEW_REPLICAS: Final = "TooFewReplicas"
TOO_MANY_REPLICAS: Final = "TooManyReplicas"
SCALE_UP_LIMIT: Final = "ScaleUpLimit"
SCALE_DOWN_LIMIT: Final = "ScaleDownLimit"
QUOTA_LIMITED: Final = "QuotaLimited"
"""A ResourceQuota allows fewer replicas than desired."""

# Ready.
ALL_REPLICAS_SERVE: Final = "AllReplicasServe"
SOME_REPLICAS_SERVE: Final = "SomeReplicasServe"
NO_REPLICA_SERVES: Final = "NoReplicaServes"
AT_ZERO: Final = "AtZero"

# Progressing.
AT_REST: Final = "AtRest"
REPLICAS_STARTING: Final = "ReplicasStarting"
REPLICAS_DRAINING: Final = "ReplicasDraining"
REPLACING_REPLICAS: Final = "ReplacingReplicas"
"""The spec changed: replicas of the old revision are replaced one at a time."""

# Degraded.
AS_EXPECTED: Final = "AsExpected"
INVALID_SPEC: Final = "InvalidSpec"
TEMPLATE_REFUSED: Final = "TemplateRefused"
"""The API server refuses the pods that spec.template gives; the message is its own sentence."""
CREATION_FORBIDDEN: Final = "CreationForbidden"
"""Policy of the cluster (RBAC, admission, pod security) refuses the pods or Services."""
INVALID_SCHEDULE: Final = "InvalidSchedule"
"""A schedule has no time at which it opens and closes, or a time zone that is not known: it is ignored."""
START_FAILED: Final = "StartFailed"
"""Replicas missed a deadline of spec.startup or their container ended."""
FOREIGN_CAPACITY: Final = "ForeignCapacity"
"""Pods carry this serving's labels and are not its own: they are not counted and not touched."""
DUPLICATE_SERVING: Final = "DuplicateServing"
"""Another autoscaler writes this serving's /scale, although the operator decides."""
API_UNAVAILABLE: Final = "ApiUnavailable"
"""The API server does not answer; what stands is held."""

# Decisions: why the number is what it is, where no signal won.
IDLE: Final = "Idle"
MANUAL: Final = "Manual"
BURST: Final = "Burst"
"""Burst mode: the number is the most that was asked for within its window, and does not fall."""
SCHEDULE: Final = "Schedule"
"""A schedule holds more replicas than anything else asks for."""
STABILIZATION_WINDOW: Final = "StabilizationWindow"
LIMITS: Final = "Limits"

# Events: what happened, once each.
SCALING_UP: Final = "ScalingUp"
SCALING_DOWN: Final = "ScalingDown"
REPLICA_READY: Final = "ReplicaReady"
REPLICA_LOST: Final = "ReplicaLost"
REPLICA_REMOVED: Final = "ReplicaRemoved"
SIGNAL_MISSING: Final = "SignalMissing"
SIGNAL_RECOVERED: Final = "SignalRecovered"
