"""A quarter of an hour of a serving in 64 observations, and the golden log of what is decided on them.

The trace has a ramp, a step, a scrape that one replica misses, Prometheus away until the fallback acts, silence until
the serving is at zero, a burst that wakes it, and a clock that goes back. ``python -m tests.support.golden_scaling``
writes the log anew; read the difference before committing it.
"""

from collections.abc import Iterator
from pathlib import Path

from elastic_serving.report.lines import line
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import Memory
from tests.support.scaling import Short, seen_of, spec_of

LOG = Path(__file__).parents[1] / "golden" / "scaling" / "quarter_hour.jsonl"
START = 1_790_000_000.0
TICK_SECONDS = 15.0
BOOT_TICKS = 3
"""Ticks from a decision to the replica that serves."""

SPEC = spec_of(
    {"type": "Concurrency", "target": 28},
    {"type": "QueueDepth", "target": 4},
    {"type": "Prometheus", "name": "Held", "query": "sum(held)", "target": 10},
    minReplicas=0,
    maxReplicas=12,
    idle={"timeoutSeconds": 90},
    fallback={"afterSeconds": 60, "replicas": 4},
    behavior={
        "scaleUp": {"policies": [{"type": "Replicas", "value": 4, "periodSeconds": 30}]},
        "scaleDown": {
            "stabilizationWindowSeconds": 60,
            "policies": [{"type": "Percent", "value": 50, "periodSeconds": 15}],
        },
    },
)

TOTALS: tuple[tuple[int, int | None], ...] = (
    *((n, 5 + 12 * n) for n in range(10)),  # a ramp to 113
    *((n, 260) for n in range(10, 16)),  # a step
    *((n, 150) for n in range(16, 24)),  # and what remains of it
    *((n, None) for n in range(24, 31)),  # Prometheus is away
    *((n, 40) for n in range(31, 38)),
    *((n, 0) for n in range(38, 52)),  # silence
    *((n, 90) for n in range(52, 64)),  # a burst meets nobody
)


def readings(tick: int, total: int | None, serving: int) -> dict[str, Short]:
    """The load shared by the replicas that serve; 20 of 28 slots run, the rest waits; with none it is held outside."""
    if total is None:
        return {"Concurrency": None, "QueueDepth": None, "Held": None}
    if serving == 0:
        return {"Concurrency": "NoReplica", "QueueDepth": "NoReplica", "Held": total}
    share = total / serving
    loads: list[float | None] = [share] * serving
    if tick == 18:
        loads[-1] = None
    return {"Concurrency": loads, "QueueDepth": [max(0.0, share - 20)] * serving, "Held": 0}


def records() -> Iterator[str]:
    """The log, line by line. At tick 60 the clock goes back by 40 s."""
    memory: Memory | None = None
    desired = [1] * BOOT_TICKS
    for tick, total in TOTALS:
        at = START + TICK_SECONDS * tick - (40 if tick >= 60 else 0)
        serving = min(desired[-BOOT_TICKS:])
        seen = seen_of(
            readings(tick, total, serving), at=at, current=desired[-1], ready=serving, starting=desired[-1] - serving
        )
        made = decide(SPEC, seen, memory, at)
        yield line(seen, memory, made.decision)
        memory = made.memory
        desired.append(made.decision.desired)


if __name__ == "__main__":
    LOG.parent.mkdir(parents=True, exist_ok=True)
    LOG.write_text("".join(f"{each}\n" for each in records()), encoding="utf-8")
