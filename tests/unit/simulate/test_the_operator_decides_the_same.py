"""What our policy decides in a simulated world, the operator's records of the same observations decide, too."""

from dataclasses import dataclass, field

import pytest

from elastic_serving.commands.decide import decisions
from elastic_serving.report.lines import line
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.model import Seen
from elastic_serving.simulate.arrivals import Segment, TokenSizes, drawn
from elastic_serving.simulate.cluster import Phase, World
from elastic_serving.simulate.ours import Ours
from elastic_serving.simulate.policy import Wish
from elastic_serving.simulate.world import run
from tests.support.scaling import spec_of

SPEC = spec_of({"type": "Concurrency"}, {"type": "QueueDepth", "target": 8}, maxReplicas=12)
ABOUT = {"serving": "n/m", "spec": SPEC.model_dump(mode="json", by_alias=True, exclude_unset=True)}
RISE_AND_FALL = drawn((Segment(300, 1, 20), Segment(600, 20, 2)), cv=2.0, sizes=TokenSizes(), seed=5)


@dataclass
class Noted:
    """Our policy, with what it saw and wished."""

    ours: Ours
    name: str = "ours"
    interval_seconds: float = 1.0
    seen: list[Seen] = field(default_factory=list)
    wished: list[int] = field(default_factory=list)

    def desired(self, seen: Seen, now: float) -> Wish:
        wish = self.ours.desired(seen, now)
        self.seen.append(seen)
        self.wished.append(wish.replicas)
        return wish


@pytest.mark.promise("F10")
@pytest.mark.parametrize(
    "world",
    [
        pytest.param(World(slots=32), id="no faults"),
        pytest.param(World(slots=32, lost_scrape_every=3, stale_seconds=9.0), id="samples that grow stale"),
        pytest.param(
            World(slots=32, boot=(Phase(40, 0.4), Phase(60, 0.2)), failed_boots=0.3, nodes_lost_per_day=200),
            id="boots that fail and nodes that are lost",
        ),
    ],
)
def test_the_simulator_and_the_operator_decide_the_same(world: World) -> None:
    """Each observation is written as the operator writes it, read as ``elastic-serving decide`` reads it."""
    noted = Noted(Ours(SPEC))
    run(noted, RISE_AND_FALL, world, signals=SPEC.signals, seconds=900.0)
    texts, memory = [], None
    for seen in noted.seen:
        made = decide(SPEC, seen, memory, seen.at)
        texts.append(line(seen, memory, made.decision, ABOUT).encode())
        memory = made.memory
    assert len({*noted.wished}) > 3
    assert [made.decision.desired for made in decisions("records", texts, stale_seconds=1e9)] == noted.wished
