"""Decisions a second on one core: 2 signals, 4 replicas, full default windows, every step's sentence included, and a
new sample to learn from each time.

The figure is CPU time, so a busy machine does not change it much, and stands beside a baseline loop of the same run
(JSON-encoding a small dictionary), so that figures of different machines can be compared.

    python -m benchmarks.decide
"""

import itertools
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.learn import Learned, learn
from elastic_serving.scaling.memory import Memory, to_dict
from elastic_serving.scaling.model import Boot, Flow, Inventory, PerReplica, ReplicaCounts, Seen

RUNS = 7
PER_RUN = 20_000
GOAL_PER_SECOND = 20_000
BASELINE = {"stage": "limits", "in": 6, "out": 6, "reason": "1 to 8 -> 6", "numbers": [1.5, 2.5, 3.5, 4.5]}

SPEC = ElasticServingSpec.model_validate(
    {
        "model": {"uri": "hf://example/model"},
        "accelerator": {"gpu": {"product": "nvidia-l4"}},
        "scaling": {
            "maxReplicas": 1000,
            "signals": [{"type": "Concurrency"}, {"type": "QueueDepth", "target": 4}],
        },
    }
)


BOOTS = (Boot(1789000000.0, 130.0),)


def seen_at(at: float, running: float, waiting: float) -> Seen:
    """Four replicas with so much in flight and waiting on each."""
    flow = Flow(4 * running, 4 * waiting, 6.0 * at, at)
    signals = tuple(
        (name, PerReplica(tuple((str(index), each) for index in range(4)), at))
        for name, each in (("Concurrency", running), ("QueueDepth", waiting))
    )
    return Seen(at, ReplicaCounts(4, 4, 0), signals, Inventory(at), flow=flow, boots=BOOTS)


def full_memory(now: float) -> Memory:
    """The longest memory the default windows allow: a number that fell every second for 300 s, 61 marks."""
    memory: Memory | None = None
    for second in range(301, 0, -1):
        falling = replace(seen_at(now - second, 100.0 + 10 * second, 0.0), flow=None)
        memory = decide(SPEC, falling, memory, now - second).memory
    if memory is None or len(memory.highs) < 60:
        raise SystemExit("the window is not full: the benchmark would measure something else")
    learned: Learned | None = None
    for second in range(1000, 0, -1):
        learned = learn(learned, seen_at(now - second, 12.0 + second % 90 / 30, 3.0))
    # Four replicas, as in what is seen: of a number far from that the pass would throw the whole window away.
    return replace(memory, desired=4, learned=learned)


def per_second(work: Callable[[], object]) -> float:
    """Calls a second of CPU time over one run."""
    began = time.process_time()
    for _ in itertools.repeat(None, PER_RUN):
        work()
    return PER_RUN / (time.process_time() - began)


def main() -> None:
    """Print the medians, the spread and the ratio; leave with 1 below the goal."""
    now = 1790000000.25
    memory, seen = full_memory(now), seen_at(now, 12.0, 3.0)
    decision = decide(SPEC, seen, memory, now).decision
    rates, baselines = [], []
    for _ in range(RUNS):
        rates.append(per_second(lambda: decide(SPEC, seen, memory, now)))
        baselines.append(per_second(lambda: json.dumps(BASELINE)))
    rate, baseline = statistics.median(rates), statistics.median(baselines)
    print(f"memory: {len(memory.highs)} marks, {len(json.dumps(to_dict(memory)))} bytes; steps: {len(decision.steps)}")
    print(f"decide:   {rate:10,.0f} /s  (median of {RUNS} runs of {PER_RUN:,}; {min(rates):,.0f} to {max(rates):,.0f})")
    print(f"baseline: {baseline:10,.0f} /s  (json.dumps of a small dictionary)")
    print(f"ratio:    {rate / baseline:10.3f}      (decide / baseline)")
    if rate < GOAL_PER_SECOND:
        raise SystemExit(f"below the goal of {GOAL_PER_SECOND:,} decisions/s")


if __name__ == "__main__":
    main()
