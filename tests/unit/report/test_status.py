"""The status as a whole: its fields, what is kept of the last one, and silence while nothing happens."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastic_serving.api.models import Metadata
from elastic_serving.api.status import DecisionStatus, ElasticServingStatus, SlotsStatus
from elastic_serving.report.status import invalid_status_of, last_change, selector_of, slots_of, status_of
from elastic_serving.report.writer import is_news, is_urgent
from elastic_serving.scaling.model import Missing, Phase, Step, Trouble, TroubleKind
from tests.support.accounts import NOW, account_of, at, concurrency, decided, serving_since, starting_since

TWO = (serving_since(0, "04:12:10"), serving_since(1, "04:40:55"))


def test_a_whole_status() -> None:
    steps = (
        Step("Concurrency", 3, 5, "148 in flight / 28 per replica = 5.3 -> 6"),
        Step("limits", 6, 5, "1 to 5 -> 5"),
    )
    change = decided(3, 5, at=at("04:51:30"), steps=steps)
    account = account_of(*TWO, starting_since(2, "04:51:58", Phase.LOADING), desired=5, last_change=change)
    assert status_of(account, None).model_dump(mode="json", by_alias=True, exclude_none=True) | {"conditions": []} == {
        "observedGeneration": 1,
        "desiredReplicas": 5,
        "servingReplicas": 2,
        "startingReplicas": 1,
        "selector": "elasticserving.io/serving=llama-8b,elasticserving.io/host=0,elasticserving.io/role=serving",
        "summary": "2 of 5 replicas serve; 1 starts.",
        "why": "Concurrency",
        "load": "Concurrency 148/56",
        "target": "Concurrency 28",
        "conditions": [],
        "decision": {
            "from": 3,
            "to": 5,
            "reason": "Concurrency",
            "time": "2026-11-22T04:51:30Z",
            "steps": ["Concurrency: 148 in flight / 28 per replica = 5.3 -> 6", "limits: 1 to 5 -> 5"],
        },
        "signals": [
            {
                "name": "Concurrency",
                "value": 148.0,
                "target": 28.0,
                "recommendation": 6,
                "sampledAt": "2026-11-22T04:51:59Z",
                "health": "Ok",
            }
        ],
        "replicas": [
            "2  starting  gpu-node-c  loading the model since 04:51:58",
            "0  serving   gpu-node-a  since 04:12:10",
            "1  serving   gpu-node-b  since 04:40:55",
        ],
    }


@pytest.mark.promise("U12")
def test_each_signal_tells_its_health_and_a_missing_one_no_value() -> None:
    stale = Missing("Stale", "the newest sample is from 04:48:02")
    outcomes = (concurrency(), replace(concurrency(None, None, stale), name="QueueDepth"))
    status = status_of(account_of(*TWO, desired=2, decision=decided(2, 2, signals=outcomes)), None)
    assert [(s.name, s.value, s.recommendation, s.sampled_at, s.health) for s in status.signals] == [
        ("Concurrency", 148.0, 6, "2026-11-22T04:51:59Z", "Ok"),
        ("QueueDepth", None, None, None, "Stale: the newest sample is from 04:48:02"),
    ]


def test_a_transition_time_is_kept_while_the_status_is_the_same_and_new_when_it_turns() -> None:
    first = status_of(account_of(*TWO, desired=2, now=at("04:00:00")), None)
    same = status_of(account_of(*TWO, desired=2), first)
    assert {c.last_transition_time for c in same.conditions} == {"2026-11-22T04:00:00Z"}
    grown = status_of(account_of(*TWO, desired=3), first)
    times = {c.type: c.last_transition_time for c in grown.conditions}
    assert times["Progressing"] == "2026-11-22T04:52:00Z"
    assert times["Ready"] == "2026-11-22T04:00:00Z", "two still serve, as many as must"


@pytest.mark.parametrize(
    ("written", "made", "expected"),
    [
        pytest.param(None, None, None, id="never changed"),
        pytest.param((2, "04:00:00"), None, (2, "04:00:00"), id="after a restart the written one stands"),
        pytest.param((2, "04:00:00"), (3, "04:10:00"), (3, "04:10:00"), id="a new change replaces it"),
        pytest.param((3, "04:20:00"), (3, "04:10:00"), (3, "04:20:00"), id="another leader's later change stands"),
        pytest.param((2, "04:20:00"), (3, "04:10:00"), (3, "04:10:00"), id="a clock that went back hides no change"),
    ],
)
def test_the_decision_is_the_last_change_frozen(
    written: tuple[int, str] | None, made: tuple[int, str] | None, expected: tuple[int, str] | None
) -> None:
    stood = written and DecisionStatus(from_=1, to=written[0], reason="x", time=f"2026-11-22T{written[1]}Z")
    change = made and decided(1, made[0], at=at(made[1]))
    found = last_change(change or None, stood or None)
    assert (found and (found.to, found.time[11:19])) == expected


@pytest.mark.parametrize(
    ("seconds", "news"),
    [
        pytest.param(1, False, id="a second later"),
        pytest.param(3600, False, id="an hour later: times, not ages"),
    ],
)
def test_while_nothing_happens_the_status_says_the_same(seconds: float, news: bool) -> None:
    account = account_of(*TWO, desired=2, last_change=decided(1, 2, at=at("04:10:00")))
    first = status_of(account, None)
    fresh = concurrency()
    later = replace(
        account,
        now=NOW + seconds,
        decision=replace(account.decision, at=NOW + seconds, signals=(replace(fresh, sampled_at=NOW + seconds - 1),)),
    )
    second = status_of(later, first)
    assert second.signals[0].sampled_at != first.signals[0].sampled_at
    assert is_news(second, first) is news


def test_another_load_is_news_but_not_urgent_and_another_decision_is() -> None:
    first = status_of(account_of(*TWO, desired=2), None)
    busier = status_of(account_of(*TWO, desired=2, decision=decided(2, 2, signals=(concurrency(149),))), first)
    assert (is_news(busier, first), is_urgent(busier, first)) == (True, False)
    changed = status_of(account_of(*TWO, desired=2, last_change=decided(3, 2, at=NOW)), first)
    assert is_urgent(changed, first)
    losing = status_of(account_of(TWO[0], desired=2), first)
    assert is_urgent(losing, first), "conditions changed"


def test_an_object_that_cannot_be_understood_keeps_its_status_and_says_so() -> None:
    before = status_of(account_of(*TWO, desired=2), None)
    status = invalid_status_of(Metadata(name="llama-8b", generation=4), before, "spec.model: required", NOW)
    assert status.summary == "The spec cannot be understood: spec.model: required. Nothing was changed."
    assert (status.why, status.observed_generation, status.desired_replicas) == ("InvalidSpec", 4, 2)
    found = {c.type: (c.status.value, c.reason) for c in status.conditions}
    assert found["Degraded"] == ("True", "InvalidSpec")
    assert found["ScalingActive"] == ("False", "InvalidSpec")
    assert found["Ready"] == ("True", "AllReplicasServe")
    assert len(invalid_status_of(Metadata(), None, "x", NOW).conditions) == 2


def test_every_sentence_fits_the_crd() -> None:
    endless = Missing("BadAnswer", "x" * 5000)
    outcomes = {"signals": (concurrency(None, None, endless),), "signal": None, "why": "MetricsMissing"}
    steps = (Step("Concurrency", 1, 2, "y" * 5000),) * 40
    account = account_of(
        starting_since(0, "04:51:31", Phase.PROVISIONING, blame="z" * 5000),
        desired=2,
        decision=decided(2, 2, **outcomes),
        last_change=decided(1, 2, steps=steps),
        inventory={"foreign_pods": tuple(f"pod-{n}" * 20 for n in range(100))},
    )
    status = status_of(account, None)
    assert ElasticServingStatus.model_validate(status.model_dump(by_alias=True)) == status
    assert status.decision is not None
    assert len(status.decision.steps) == 32


@pytest.mark.parametrize(
    ("indices", "desired", "reason"),
    [
        pytest.param((0, 1), 3, "QuotaLimited", id="still short of one: it stands"),
        pytest.param((0, 1), 2, "AsExpected", id="fewer are wanted by now"),
        pytest.param((0, 1, 2), 4, "AsExpected", id="that replica is there by now"),
    ],
)
def test_a_trouble_of_an_earlier_pass_stands_as_long_as_it_matters(
    indices: tuple[int, ...], desired: int, reason: str
) -> None:
    quota = Trouble(TroubleKind.QUOTA, 2, "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2")
    replicas = [serving_since(index, "04:12:10") for index in indices]
    status = status_of(account_of(*replicas, desired=desired, troubles=[quota]), None)
    assert next(c.reason for c in status.conditions if c.type == "Degraded") == reason


def test_the_selector_of_scale_is_the_services() -> None:
    assert selector_of("m") == "elasticserving.io/serving=m,elasticserving.io/host=0,elasticserving.io/role=serving"


@pytest.mark.promise("N11")
@pytest.mark.parametrize(
    ("loads", "slots"),
    [
        pytest.param([20, 32], SlotsStatus(total=64, used=52, free=12), id="32 slots each"),
        pytest.param([20, 40], SlotsStatus(total=64, used=52, free=12), id="8 of the 40 wait and take none"),
        pytest.param([20, None], None, id="one does not tell"),
        pytest.param([], SlotsStatus(total=0, used=0, free=0), id="nothing serves"),
    ],
)
def test_slots_are_those_of_the_replicas_that_serve(loads: list[float | None], slots: SlotsStatus | None) -> None:
    replicas = [serving_since(index, "04:12:10", in_flight=load) for index, load in enumerate(loads)]
    starting = starting_since(7, "04:51:58", Phase.LOADING)
    assert slots_of(account_of(*replicas, starting, desired=3)) == slots


@pytest.mark.promise("N11")
@pytest.mark.promise("N30")
@given(st.lists(st.floats(0, 300), max_size=8), st.integers(1, 64), st.integers(1, 4))
def test_free_and_used_slots_add_up_to_the_slots_of_all_replicas(
    loads: list[float], max_concurrency: int, partitions: int
) -> None:
    replicas = [serving_since(index, "04:12:10", in_flight=load) for index, load in enumerate(loads)]
    spec = {"engine": {"maxConcurrency": max_concurrency, "partitions": partitions}}
    slots = slots_of(account_of(*replicas, desired=1, spec=spec))
    assert slots is not None
    assert slots.used + slots.free == slots.total == len(loads) * max_concurrency * partitions
    assert 0 <= slots.used <= slots.total
