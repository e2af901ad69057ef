"""Our own policy in a simulated world: the operator's ``decide`` with its memory, a pass each second."""

from dataclasses import dataclass

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.decide import decide
from elastic_serving.scaling.memory import Memory
from elastic_serving.scaling.model import Seen
from elastic_serving.simulate.policy import Wish


@dataclass(slots=True)
class Ours:
    """A pass as often as the operator ticks; the reasons of a change are the steps of its decision."""

    spec: ElasticServingSpec
    name: str = "ours"
    interval_seconds: float = 1.0
    _memory: Memory | None = None

    def desired(self, seen: Seen, now: float) -> Wish:
        """What the core decides."""
        decided = decide(self.spec, seen, self._memory, now)
        self._memory, decision = decided.memory, decided.decision
        if not decision.changed:
            return Wish(decision.desired)
        steps = tuple(f"{step.stage}: {step.reason}" for step in decision.steps)
        return Wish(decision.desired, decision.why, steps)
