"""Ours beside HPA, KEDA, KPA and a fixed fleet on public traces: ``python -m benchmarks.policies --traces $TRACES``.

One manifest for all, with the slots and the range of each trace and no other value; the same seed for all. Traces are
those of Azure (AzureLLMInferenceTrace, 2023) and of ServeGen (rates every ten minutes). The result is
docs/benchmarks/policies.json, and policies.md beside it is written from that.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import click

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.api.parse import read_file
from elastic_serving.simulate.arrivals import Segment
from elastic_serving.simulate.baselines.static import Static
from elastic_serving.simulate.cluster import World
from elastic_serving.simulate.compare import POLICIES, Setup, compare, score_of
from elastic_serving.simulate.comparison import Comparison, percent
from elastic_serving.simulate.document import document
from elastic_serving.simulate.oracle import fluid_hours
from elastic_serving.simulate.sample import DEFAULT_CV, SAMPLES
from elastic_serving.simulate.score import Objective, related
from elastic_serving.simulate.scorecard import scorecard
from elastic_serving.simulate.traces import read_trace
from elastic_serving.simulate.workload import Shaping, Trace, cut, length_seconds, shaped
from elastic_serving.simulate.world import run as run_policy

HERE: Final = Path("docs/benchmarks")
HEAD: Final = """# Policies on public traces

    python -m benchmarks.policies --traces $TRACES

Written by this command from [policies.json](policies.json). One manifest for all: only `engine.maxConcurrency` and
`scaling.maxReplicas` are given. Boot 130 s, a scrape each 5 s, one seed; where nothing else is said everybody starts at
1 replica; in time is a wait of at most 5 s for a slot. A request takes 0.03 s + 0.25 ms for each prompt token, then
20 ms for each output token. What the numbers mean: [simulate](../how-to/simulate.md#what-the-numbers-mean); what the
others assume: [compared with others](../explanation/compared-with-others.md). Above each table stands what the whole
range would serve in time if it were asked for in the first second: from that start nobody serves more.
"""
DAY: Final = 86_400.0
STEP: Final = (Segment(600, 0.9, 0.9), Segment(1800, 23.9, 23.9))
"""A request takes 6.7 s on average: 6 in flight, for one replica at a target of 7; then 161, for 23."""


@dataclass(frozen=True, slots=True)
class Case:
    """One trace with its one value of the manifest (``slots``), its range, and how it is shaped."""

    name: str
    trace: str | tuple[Segment, ...]
    slots: int
    most: int
    shaping: Shaping = field(default_factory=Shaping)
    lost_scrape_every: int = 0
    start: int = 1
    objective: Objective = field(default_factory=Objective)
    variants: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Ours again with other fields of ``scaling``, by name: a frontier beside the default."""

    def spec(self, **scaling: Any) -> ElasticServingSpec:
        """The default manifest, with more fields of ``scaling`` for a variant."""
        written = {
            "model": {"uri": "hf://meta-llama/Llama-3.1-8B-Instruct"},
            "accelerator": {"gpu": {"product": "nvidia-l4"}},
            "engine": {"maxConcurrency": self.slots},
            "scaling": {"maxReplicas": self.most, **scaling},
        }
        head = {"apiVersion": "elasticserving.io/v1alpha1", "kind": "ElasticServing", "metadata": {"name": "bench"}}
        return read_file({**head, "spec": written}).spec

    def read(self, traces: Path) -> Trace:
        """The trace as it is in its file."""
        return read_trace(traces / self.trace) if isinstance(self.trace, str) else self.trace


LARGE: Final = "servegen/m-large-10min.csv"
HORIZONS: Final = tuple(
    (f"ours, drain in {seconds} s", {"backlog": {"drainHorizonSeconds": seconds}}) for seconds in (20, 40, 60)
)
BUDGET: Final = {"type": "Latency", "ttftSeconds": 3, "tpotSeconds": 0.1, "percentile": 97}
CODE: Final = "azure-llm-2023/AzureLLMInferenceTrace_code.csv"
CONV: Final = "azure-llm-2023/AzureLLMInferenceTrace_conv.csv"
WINDOWS: Final = tuple(
    (f"ours, down window {seconds} s", {"behavior": {"scaleDown": {"stabilizationWindowSeconds": seconds}}})
    for seconds in (60, 120, 600)
)
CASES: Final = (
    Case("ServeGen m-large, 2 days", LARGE, 2, 60, Shaping(2 * DAY, mean_rate=2.5), variants=WINDOWS),
    Case("ServeGen m-small, 2 days", "servegen/m-small-10min.csv", 2, 60, Shaping(2 * DAY, mean_rate=2.5)),
    Case("Azure code x 10", CODE, 4, 120, Shaping(rate=10), variants=HORIZONS),
    Case("Azure conv x 10", CONV, 16, 60, Shaping(rate=10), variants=HORIZONS),
    Case(
        "Azure conv x 10, TTFT 3 s and TPOT 100 ms",
        CONV,
        16,
        60,
        Shaping(rate=10),
        objective=Objective(ttft_seconds=3, tpot_seconds=0.1),
        variants=(("ours, Latency", {"signals": [BUDGET]}),),
    ),
    Case(
        "Azure code x 10, 24 replicas at the start",
        CODE,
        4,
        120,
        Shaping(rate=10),
        start=24,
    ),
    Case(
        "Azure conv x 10, 16 replicas at the start",
        CONV,
        16,
        60,
        Shaping(rate=10),
        start=16,
    ),
    Case("A day with two leaps", SAMPLES["day"], 32, 8, Shaping(cv=DEFAULT_CV)),
    Case("Step from 1 to a need of 23", STEP, 10, 1000, variants=HORIZONS),
    Case("ServeGen m-large, 1 day", LARGE, 2, 60, Shaping(DAY, mean_rate=2.5)),
    Case("ServeGen m-large, 1 day, one scrape lost each minute", LARGE, 2, 60, Shaping(DAY, mean_rate=2.5), 12),
)


def run(case: Case, traces: Path, policies: Sequence[str] = POLICIES) -> Comparison:
    """Everybody on one trace."""
    trace = case.read(traces)
    requests, seconds = shaped(trace, case.shaping), length_seconds(cut(trace, case.shaping.seconds))
    world = World(slots=case.slots, start=case.start, lost_scrape_every=case.lost_scrape_every)
    setup = Setup(case.spec(), requests, world, seconds, case.objective)
    outcomes = list(compare(setup, policies))
    for name, scaling in case.variants:
        (outcome,) = compare(replace(setup, spec=case.spec(**scaling)), ("ours",))
        outcomes.append(replace(outcome, score=replace(outcome.score, policy=name)))
    scores = related([outcome.score for outcome in outcomes])
    outcomes = [replace(outcome, score=score) for outcome, score in zip(outcomes, scores, strict=True)]
    at_once = run_policy(Static(case.most), requests, world, signals=(), seconds=seconds)
    ceiling = percent(score_of(setup, at_once).wait_attainment)
    terms = (
        f"{len(requests):,} requests in {seconds / 3600:.3g} h, {fluid_hours(requests, world):.3g} replica-hours of "
        f"work, 1 to {case.most} replicas of {case.slots} slots. All "
        f"{case.most}, asked for in the first second, would serve {ceiling} in time"
    )
    return Comparison(case.name, terms, world, setup.objective, tuple(outcomes))


def page(cases: Sequence[Mapping[str, Any]]) -> str:
    """policies.md from policies.json."""
    parts = [f"\n## {case['title']}\n\n{case['terms']}.\n\n{scorecard(case['policies'])}" for case in cases]
    return HEAD + "".join(parts)


@click.command()
@click.option("--traces", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--only", multiple=True, help="Cases whose name has this; nothing is written then.")
@click.option("--policy", "policies", multiple=True, default=POLICIES, show_default=True)
def main(traces: Path, only: tuple[str, ...], policies: tuple[str, ...]) -> None:
    """Run every case and write the page."""
    found = []
    for case in CASES:
        if only and not any(part in case.name for part in only):
            continue
        began = time.perf_counter()
        made = document(run(case, traces, policies))
        print(f"\n## {case.name} ({time.perf_counter() - began:.0f} s)\n\n{scorecard(made['policies'])}", flush=True)
        found.append(made)
    if not only:
        (HERE / "policies.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        (HERE / "policies.md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
