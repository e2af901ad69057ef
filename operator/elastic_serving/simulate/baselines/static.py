"""A fixed fleet: what a team without an autoscaler runs. Which number is the fair one is the score's business."""

from dataclasses import dataclass

from elastic_serving.scaling.model import Seen
from elastic_serving.simulate.policy import Wish


@dataclass(frozen=True, slots=True)
class Static:
    """Always ``replicas``, whatever is seen."""

    replicas: int
    name: str = "static"
    interval_seconds: float = 3600.0

    def desired(self, seen: Seen, now: float) -> Wish:  # noqa: ARG002 - it looks at nothing
        """The fixed number."""
        return Wish(self.replicas, "Fixed")
