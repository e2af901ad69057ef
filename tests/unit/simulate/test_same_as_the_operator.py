"""The simulator decides what the operator would on the same observations: what it saw, written down, gives the same."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from elastic_serving.commands.decide import decisions
from elastic_serving.report.lines import line
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.model import Seen
from elastic_serving.simulate.cluster import Phase, World
from elastic_serving.simulate.ours import Ours
from elastic_serving.simulate.policy import Wish
from elastic_serving.simulate.result import Requests
from elastic_serving.simulate.world import run
from tests.support.scaling import spec_of

SPEC = spec_of(
    {"type": "Concurrency", "target": 4},
    {"type": "QueueDepth", "target": 4},
    maxReplicas=12,
    behavior={
        "scaleUp": {"policies": [{"type": "Replicas", "value": 3, "periodSeconds": 30}]},
        "scaleDown": {"stabilizationWindowSeconds": 60},
    },
)


@dataclass(slots=True)
class Noting:
    """Ours, with what it saw and what it wished."""

    ours: Ours
    name: str = "ours"
    interval_seconds: float = 1.0
    saw: list[tuple[Seen, int]] = field(default_factory=list)

    def desired(self, seen: Seen, now: float) -> Wish:
        wish = self.ours.desired(seen, now)
        self.saw.append((seen, wish.replicas))
        return wish


@pytest.mark.promise("F10")
def test_what_the_simulator_saw_is_decided_the_same_from_a_file() -> None:
    """20 minutes: a burst, silence, another one; a tenth of the scrapes is lost."""
    rng = np.random.default_rng(7)
    arrived = np.sort(np.concatenate([rng.uniform(60, 300, 500), rng.uniform(700, 800, 300)]))
    requests = Requests(arrived, rng.integers(10, 500, 800), rng.integers(50, 400, 800))
    policy = Noting(Ours(SPEC))
    world = World(slots=4, boot=(Phase(40.0),), lost_scrape_every=10, seed=1)
    run(policy, requests, world, signals=SPEC.signals, seconds=1200.0)
    texts = [line(seen, None, decide(SPEC, seen, None, seen.at).decision).encode() for seen, _ in policy.saw]
    wished = [number for _, number in policy.saw]
    made = decisions("saw", texts, spec=SPEC, stale_seconds=30)
    assert [decided.decision.desired for decided in made] == wished
    assert len(set(wished)) > 3
