"""Laws of plan over any history: groups stay whole, nothing is made twice, and it always arrives."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from elastic_serving.scaling.model import Phase, Role
from elastic_serving.scaling.plan import plan
from tests.support.fleet import Fleet, decision_of, spec_of

PASSES_TO_REST = 60
"""A rollout replaces one replica in about four passes; ten replicas at most are alive at once here."""


def settle(fleet: Fleet, desired: int) -> None:
    """Passes, a minute apart, until nothing is left to do; AssertionError if that takes too long."""
    for _ in range(PASSES_TO_REST):
        actions = plan(fleet.spec, decision_of(desired), fleet.inventory()).actions
        fleet.perform(actions)
        terminating = any(r.is_terminating for r in fleet.replicas.values())
        starting = any(not r.is_ready for r in fleet.replicas.values())
        if not actions and not terminating and not starting and _is_quiet(fleet, desired):
            return
        fleet.pass_time(310.0)
    raise AssertionError(f"not at rest after {PASSES_TO_REST} passes: {fleet.replicas}")


def _is_quiet(fleet: Fleet, desired: int) -> bool:
    serving = [r for r in fleet.replicas.values() if r.role is Role.SERVING]
    return len(serving) == desired and len(fleet.replicas) == desired


class PlanMachine(RuleBasedStateMachine):
    """Desired numbers, failures, vanishing hosts, new revisions and cut passes in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.fleet = Fleet(spec_of(maxReplicas=8))
        self.desired = 1
        self.revisions = 0

    @rule(desired=st.integers(0, 6))
    def want(self, desired: int) -> None:
        self.desired = desired

    @rule(done=st.integers(0, 20), seconds=st.sampled_from([0.0, 1.0, 30.0, 200.0]))
    def one_pass_that_may_be_cut_short(self, done: int, seconds: float) -> None:
        actions = plan(self.fleet.spec, decision_of(self.desired), self.fleet.inventory()).actions
        self.fleet.perform(actions[:done])
        self.fleet.pass_time(seconds)

    @precondition(lambda self: bool(self.fleet.replicas))
    @rule(choose=st.randoms(use_true_random=False), phase=st.sampled_from([Phase.FAILED, Phase.FINISHED]))
    def a_replica_ends(self, choose: "Chooser", phase: Phase) -> None:
        self.fleet.fail(choose.choice(sorted(self.fleet.replicas)), 0, phase)

    @precondition(lambda self: bool(self.fleet.replicas))
    @rule(choose=st.randoms(use_true_random=False))
    def a_pod_vanishes(self, choose: "Chooser") -> None:
        index = choose.choice(sorted(self.fleet.replicas))
        self.fleet.vanish(index, choose.choice([h.rank for h in self.fleet.replicas[index].hosts]))

    @rule()
    def the_spec_is_edited(self) -> None:
        self.revisions += 1
        self.fleet.revision = f"edit-{self.revisions}"

    @invariant()
    def no_more_than_desired_and_the_surge_are_meant_to_serve(self) -> None:
        actions = plan(self.fleet.spec, decision_of(self.desired), self.fleet.inventory()).actions
        trial = Fleet(
            self.fleet.spec, revision=self.fleet.revision, now=self.fleet.now, replicas=dict(self.fleet.replicas)
        )
        trial.perform(actions)
        meant = [r for r in trial.replicas.values() if r.role is Role.SERVING and not r.is_terminating]
        assert len(meant) <= self.desired + 1

    def teardown(self) -> None:
        settle(self.fleet, self.desired)


class Chooser:
    """The part of random.Random that the rules use."""

    choice: Callable[..., int]


PlanMachine.TestCase.settings = settings(max_examples=300, stateful_step_count=25, deadline=None)
TestPlan = PlanMachine.TestCase


@given(desired=st.lists(st.integers(0, 6), min_size=1, max_size=6), size=st.sampled_from([1, 2, 4]))
@settings(max_examples=200, deadline=None)
def test_plan_then_execute_converges_for_groups_of_any_size(desired: list[int], size: int) -> None:
    spec = spec_of()
    gpu = spec.accelerator.gpu.model_copy(update={"hosts": size})
    fleet = Fleet(spec.model_copy(update={"accelerator": spec.accelerator.model_copy(update={"gpu": gpu})}), size=size)
    for number in desired:
        settle(fleet, number)
        assert sum(len(r.hosts) for r in fleet.replicas.values()) == number * size
