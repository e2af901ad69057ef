"""Several policies over the same requests in the same world, scored side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.model import Seen
from elastic_serving.simulate.baselines.hpa import Hpa
from elastic_serving.simulate.baselines.keda import Keda
from elastic_serving.simulate.baselines.kpa import Kpa
from elastic_serving.simulate.baselines.static import Static
from elastic_serving.simulate.baselines.terms import Terms, terms_of
from elastic_serving.simulate.cluster import World
from elastic_serving.simulate.fixed import fixed_fleet
from elastic_serving.simulate.ours import Ours
from elastic_serving.simulate.policy import Policy, Wish
from elastic_serving.simulate.result import Change, Requests, Run, Timeline
from elastic_serving.simulate.score import Objective, Score, related, score
from elastic_serving.simulate.world import run

OTHERS: Final[dict[str, Callable[[Terms], Policy]]] = {"hpa": Hpa, "keda": Keda, "kpa": Kpa}
POLICIES: Final = ("ours", *OTHERS, "static")
"""In the order of every table."""

Watch: TypeAlias = Callable[[str, float], None]
"""Is told the policy and the share of its run that is done (0 to 1); of a search, of each of its runs."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What all policies share."""

    spec: ElasticServingSpec
    requests: Requests
    world: World
    seconds: float
    objective: Objective


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One policy's score, and what a page draws of its run."""

    score: Score
    timeline: Timeline
    changes: tuple[Change, ...]


def compare(setup: Setup, policies: Sequence[str], watch: Watch = lambda _policy, _done: None) -> tuple[Outcome, ...]:
    """One outcome for each policy, in the order of ``policies``; each sees the same requests."""
    outcomes = [_outcome(setup, _played(setup, name, watch)) for name in policies]
    scores = related([outcome.score for outcome in outcomes])
    return tuple(Outcome(s, o.timeline, o.changes) for s, o in zip(scores, outcomes, strict=True))


def _played(setup: Setup, name: str, watch: Watch) -> Run:
    if name == "static":
        return fixed_fleet(
            setup.requests,
            setup.world,
            seconds=setup.seconds,
            attained=lambda tried: _attained(score_of(setup, tried)),
            fleet=lambda replicas: _Watched(Static(replicas), setup.seconds, watch),
        )
    policy = Ours(setup.spec) if name == "ours" else OTHERS[name](terms_of(setup.spec))
    watched = _Watched(policy, setup.seconds, watch)
    return run(watched, setup.requests, setup.world, signals=setup.spec.signals, seconds=setup.seconds)


def score_of(setup: Setup, played: Run) -> Score:
    """The score of one run, without ratios."""
    return score(played, setup.requests, slots=setup.world.slots, objective=setup.objective)


def _attained(score: Score) -> float:
    """Of all that was asked, the least that was met."""
    return min(score.wait_attainment, 1.0 if score.token_attainment is None else score.token_attainment)


def _outcome(setup: Setup, played: Run) -> Outcome:
    """The arrays of the requests are let go: of millions of them one run at a time fits into the memory."""
    return Outcome(score_of(setup, played), played.timeline, played.changes)


@dataclass(slots=True)
class _Watched:
    """A policy whose progress is told, at most once in a hundredth of the run."""

    policy: Policy
    seconds: float
    watch: Watch
    _told: float = -1.0

    @property
    def name(self) -> str:
        """The policy's own."""
        return self.policy.name

    @property
    def interval_seconds(self) -> float:
        """The policy's own."""
        return self.policy.interval_seconds

    def desired(self, seen: Seen, now: float) -> Wish:
        """What the policy wishes."""
        done = now / self.seconds
        if done >= self._told + 0.01:
            self._told = done
            self.watch(self.policy.name, done)
        return self.policy.desired(seen, now)
