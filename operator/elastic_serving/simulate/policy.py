"""What a simulated world asks how many replicas there should be: ours, or one to compare with."""

from dataclasses import dataclass
from typing import Protocol

from elastic_serving.scaling.model import Seen


@dataclass(frozen=True, slots=True)
class Wish:
    """Replicas that a policy wants from now on, within its own limits; ``steps`` are sentences, first cause first.

    ``why`` is one CamelCase reason where the policy has one, else empty.
    """

    replicas: int
    why: str = ""
    steps: tuple[str, ...] = ()


class Policy(Protocol):
    """One autoscaler, with its own memory. It sees what was scraped and nothing of the future."""

    @property
    def name(self) -> str:
        """One word, as in the tables: ours, hpa, keda, kpa, static, oracle."""

    @property
    def interval_seconds(self) -> float:
        """Seconds between two calls of ``desired``; the first is at 0."""

    def desired(self, seen: Seen, now: float) -> Wish:
        """The number from ``now`` on (seconds from the start of the trace); called in the order of time.

        ``seen.replicas.current`` is the number that the policy wished for last (at first the world's start).
        """
