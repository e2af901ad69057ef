"""Several policies over the same requests in the same world, scored side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from elastic_serving.api.models import ElasticServingSpec
from elastic_serving.scaling.model import Seen
from elastic_serving.simulate.baselines.hpa import Hpa
from elastic_serving.simulate.baselines.keda import Keda
from elastic_serving.simulate.baselines.kpa import SCRAPE_SECONDS, Kpa
from elastic_serving.simulate.baselines.static import Static
from elastic_serving.simulate.baselines.terms import Terms, terms_of
from elastic_serving.simulate.cluster import World
from elastic_serving.simulate.fixed import ENOUGH, fixed_fleet
from elastic_serving.simulate.oracle import limits_of, oracle
from elastic_serving.simulate.ours import Ours
from elastic_serving.simulate.played import Played
from elastic_serving.simulate.policy import Policy, Wish
from elastic_serving.simulate.result import Change, Requests, Run, Timeline
from elastic_serving.simulate.score import Objective, Score, related, score
from elastic_serving.simulate.world import run

OTHERS: Final[dict[str, Callable[[Terms], Policy]]] = {"hpa": Hpa, "keda": Keda, "kpa": Kpa}
POLICIES: Final = ("ours", *OTHERS, "static", "oracle")
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


def compare(
    setup: Setup,
    policies: Sequence[str],
    watch: Watch = lambda _policy, _done: None,
    *,
    known: Sequence[Played] = (),
) -> tuple[Outcome, ...]:
    """One outcome for each policy, in the order of ``policies``, then what is ``known`` already, each of which starts
    at its own number; all see the same requests."""
    outcomes: list[Outcome] = []
    contenders: tuple[str | Played, ...] = (*policies, *known)
    for contender in contenders:
        share = _share_of_ours([outcome.score for outcome in outcomes])
        outcomes.append(_outcome(setup, _run(setup, contender, watch, share)))
    scores = related([outcome.score for outcome in outcomes])
    return tuple(Outcome(s, o.timeline, o.changes) for s, o in zip(scores, outcomes, strict=True))


def _share_of_ours(scores: Sequence[Score]) -> float:
    """What the oracle must meet, so that the costs can be compared: what ours did, or where it was not asked ENOUGH."""
    return next((_attained(score) for score in scores if score.policy == "ours"), ENOUGH)


def _run(setup: Setup, which: str | Played, watch: Watch, share: float) -> Run:
    def watched(policy: Policy) -> Policy:
        return _Watched(policy, setup.seconds, watch)

    requests, signals, seconds = setup.requests, setup.spec.signals, setup.seconds
    if isinstance(which, Played):
        return run(watched(which), requests, replace(setup.world, start=which.start), signals=signals, seconds=seconds)
    if which == "static":
        return fixed_fleet(
            requests,
            setup.world,
            seconds=seconds,
            attained=lambda tried: _attained(score_of(setup, tried)),
            fleet=lambda replicas: watched(Static(replicas)),
        )
    if which == "oracle":
        return oracle(
            requests,
            setup.world,
            seconds=seconds,
            limits=limits_of(requests, setup.world, setup.objective),
            share=share,
            attained=lambda tried: _attained(score_of(setup, tried)),
            least=setup.spec.scaling.min_replicas,
            most=setup.spec.scaling.max_replicas,
            watched=watched,
        )
    policy = Ours(setup.spec) if which == "ours" else OTHERS[which](terms_of(setup.spec))
    return run(watched(policy), requests, _scraped(setup.world, which), signals=signals, seconds=seconds)


def _scraped(world: World, name: str) -> World:
    """KPA asks the pods itself, each second; all others see what Prometheus scraped."""
    own = min(SCRAPE_SECONDS, world.scrape_seconds)
    return replace(world, scrape_seconds=own) if name == "kpa" else world


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
