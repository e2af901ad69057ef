"""What the demo divides by its speed, so that ten minutes of traffic, cold starts included, fit into two. Pure.

Requests, machines and engines all go ``speed`` times as fast, so every ratio stays what it is: a cold start takes as
much of the traffic's time as in reality, and the replicas asked for are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dev.cluster.nodes import PULL_SECONDS
from elastic_serving.act.merge import merged
from elastic_serving.api.parse import read_file

SCRAPE_SECONDS: Final = 5.0
"""The chart's PodMonitor has this interval."""
STALE_SECONDS: Final = 30.0
STATUS_SECONDS: Final = 10.0
TICK_SECONDS: Final = 1.0
"""The operator's own defaults."""
_LEAST_SCRAPE_SECONDS: Final = 0.5
_LEAST_TICK_SECONDS: Final = 0.2
_LEAST_STALE_SECONDS: Final = 5.0
"""Below these a machine with two cores is busy with itself, whatever the speed."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Seconds of each phase in the traffic's time: a small machine with one GPU, a cached image, a model of 8B."""

    provision_seconds: float = 30.0
    pull_seconds: float = 12.0
    load_seconds: float = 45.0


def scrape_seconds(speed: float) -> float:
    """How often Prometheus asks the engines."""
    return max(_LEAST_SCRAPE_SECONDS, SCRAPE_SECONDS / speed)


def operator_values(speed: float) -> dict[str, float]:
    """The chart's values below ``operator`` that are times of the load, in seconds."""
    return {
        "tickSeconds": max(_LEAST_TICK_SECONDS, TICK_SECONDS / speed),
        "staleSeconds": max(_LEAST_STALE_SECONDS, STALE_SECONDS / speed),
        "statusIntervalSeconds": STATUS_SECONDS / speed,
    }


def scaled(manifest: Mapping[str, Any], speed: float, cold_start: ColdStart) -> dict[str, Any]:
    """The user's manifest with its windows and its drain divided by ``speed``, and pods that take their pull time.

    The backlog is ignored: the operator learns the traffic over a quarter of an hour, which nothing here divides.
    What is not 0 stays at least 1 s, the smallest the resource knows.
    """
    spec = read_file(manifest).spec
    behavior = spec.scaling.behavior
    windows = {
        direction: {"stabilizationWindowSeconds": _divided(rules.stabilization_window_seconds, speed)}
        for direction, rules in (("scaleUp", behavior.scale_up), ("scaleDown", behavior.scale_down))
    }
    pull = {PULL_SECONDS: f"{cold_start.pull_seconds / speed:.3f}"}
    patch = {
        "scaling": {"behavior": windows, "backlog": {"policy": "Ignore"}},
        "drain": {"timeoutSeconds": _divided(spec.drain.timeout_seconds, speed)},
        "template": {"metadata": {"annotations": pull}},
    }
    return merged(manifest, {"spec": patch})


def explained(manifest: Mapping[str, Any], speed: float, cold_start: ColdStart) -> list[str]:
    """What was divided, one line each, with the value before and after."""
    before = read_file(manifest).spec
    after = read_file(scaled(manifest, speed, cold_start)).spec
    down = before.scaling.behavior.scale_down, after.scaling.behavior.scale_down
    boot = cold_start.provision_seconds, cold_start.pull_seconds, cold_start.load_seconds
    return [
        f"windows, drain and boot are divided by {speed:g}, as the traffic is:",
        f"  window down  {down[0].stabilization_window_seconds} s -> {down[1].stabilization_window_seconds} s",
        f"  backlog      {before.scaling.backlog.policy} -> {after.scaling.backlog.policy}: it remembers 15 min",
        f"  drain        {before.drain.timeout_seconds} s -> {after.drain.timeout_seconds} s at most",
        "  boot         provision {:g}, pull {:g}, load {:g} s".format(*boot)
        + " -> {:.3g}, {:.3g}, {:.3g} s".format(*(seconds / speed for seconds in boot)),
    ]


def _divided(seconds: int, speed: float) -> int:
    return max(1, round(seconds / speed)) if seconds else 0
