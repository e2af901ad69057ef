"""Several signals as one: weights, the tightest resource, and what is missing."""

from collections.abc import Sequence
from typing import Any

import pytest

from elastic_serving.scaling.decide import decide
from tests.support.scaling import Short, seen_of, spec_of

LIGHT = {"type": "Prometheus", "name": "Light", "query": "light", "scales": False}
HEAVY = {"type": "Prometheus", "name": "Heavy", "query": "heavy", "scales": False}
CONCURRENCY = {"type": "Concurrency", "scales": False}
CACHE = {"type": "KVCache", "scales": False}
EXACT: dict[str, Any] = {
    "behavior": {"scaleUp": {"tolerance": 0}, "scaleDown": {"tolerance": 0, "stabilizationWindowSeconds": 0}}
}


def asked(
    terms: Sequence[Any],
    readings: dict[str, Short],
    *signals: dict[str, Any],
    current: int = 2,
    combine: str = "Sum",
) -> tuple[int | None, str]:
    """What a Combined signal with target 10 asks for, and its words."""
    combined = {"type": "Combined", "combine": combine, "terms": list(terms), "target": 10}
    spec = spec_of(*signals, combined, **EXACT)
    decision = decide(spec, seen_of(readings, current=current), None, 0.0).decision
    step = next(step for step in decision.steps if step.stage == "Combined")
    return decision.signals[-1].recommendation, step.reason


WEIGHTED = [{"signal": "Light"}, {"signal": "Heavy", "weight": 4}]


@pytest.mark.promise("N19")
@pytest.mark.parametrize(
    ("light", "heavy"),
    [
        pytest.param(80, 0, id="80 of weight 1"),
        pytest.param(0, 20, id="20 of weight 4"),
        pytest.param(40, 10, id="both"),
    ],
)
def test_requests_count_by_their_weight(light: float, heavy: float) -> None:
    replicas, words = asked(WEIGHTED, {"Light": light, "Heavy": heavy}, LIGHT, HEAVY)
    assert replicas == 8
    assert words == f"Light {light} + 4 x Heavy {heavy}: 80 / 10 per replica = 8 -> 8"


@pytest.mark.promise("N20")
@pytest.mark.parametrize(
    ("concurrency", "cache", "replicas", "words"),
    [
        pytest.param(
            [20, 20], [0.1, 0.1], 4, "Concurrency 40 is the most of 2: 40 / 10 per replica = 4 -> 4", id="requests"
        ),
        pytest.param(
            [5, 5], [0.9, 0.9], 3, "12.5 x KVCache 1.8 is the most of 2: 22.5 / 10 per replica = 2.3 -> 3", id="cache"
        ),
        pytest.param(
            [5, 5], "Empty", 1, "Concurrency 10 is the most of 2: 10 / 10 per replica = 1 -> 1", id="cache missing"
        ),
    ],
)
def test_the_tightest_resource_decides_and_a_missing_one_may_be_left_out(
    concurrency: Short, cache: Short, replicas: int, words: str
) -> None:
    # A cache at 0.8 counts as 12.5 x 0.8 = 10 requests.
    terms = [{"signal": "Concurrency"}, {"signal": "KVCache", "weight": 12.5, "missing": 0}]
    readings = {"Concurrency": concurrency, "KVCache": cache}
    assert asked(terms, readings, CONCURRENCY, CACHE, combine="Max") == (replicas, words)


@pytest.mark.promise("U14")
@pytest.mark.parametrize(
    ("term", "heavy", "replicas", "words"),
    [
        pytest.param({"missing": 5}, "Timeout", 6, "Light 40 + 4 x Heavy 5 (missing): 60 / 10", id="its default"),
        pytest.param({"missing": 5}, 10, 8, "Light 40 + 4 x Heavy 10: 80 / 10", id="known: no default"),
        pytest.param({"missing": 0}, float("nan"), 4, "Light 40 + 4 x Heavy 0 (missing): 40 / 10", id="NaN"),
        pytest.param({}, "Timeout", None, "missing: Heavy: it said so", id="no default: all of it is missing"),
        pytest.param({}, -1.0, None, "missing: Heavy: it has no usable value", id="below 0 is no value"),
        pytest.param({}, "NoReplica", 4, "Light 40: 40 / 10", id="nothing to measure is 0"),
    ],
)
def test_a_missing_term_is_its_default_or_makes_the_whole_missing(
    term: dict[str, Any], heavy: Short, replicas: int | None, words: str
) -> None:
    terms = [{"signal": "Light"}, {"signal": "Heavy", "weight": 4, **term}]
    found, reason = asked(terms, {"Light": 40, "Heavy": heavy}, LIGHT, HEAVY)
    assert found == replicas
    assert reason.startswith(words)


@pytest.mark.parametrize(
    ("light", "heavy", "words"),
    [
        pytest.param("Timeout", "Timeout", "missing: none of its terms is known", id="defaults alone are no knowledge"),
        pytest.param("NoReplica", "NoReplica", "nothing to measure: no replica serves", id="nothing to measure"),
        pytest.param("NotScraped", [5, 5], "nothing to measure: it said so", id="not scraped yet, whatever else is"),
    ],
)
def test_nothing_is_made_of_nothing(light: Short, heavy: Short, words: str) -> None:
    terms = [{"signal": "Light", "missing": 1}, {"signal": "Heavy", "missing": 1}]
    assert asked(terms, {"Light": light, "Heavy": heavy}, LIGHT, HEAVY) == (None, words)


@pytest.mark.parametrize(
    ("loads", "cache", "replicas"),
    [
        pytest.param([30, 30], [0.5, 0.5], 7, id="30 + 10 x 0.5 on each: 70 / 10"),
        pytest.param([30, 30], [0.5, None], 4, id="silent in one is silent in all: 35 over 2 is 1.75 of the target"),
        pytest.param([3, 3, 3], [0.1, 0.1, None], 2, id="down: the silent one at target: (8 + 10) / 10 = 1.8"),
    ],
)
def test_a_sum_of_replicas_is_taken_replica_by_replica(loads: Short, cache: Short, replicas: int) -> None:
    terms = [{"signal": "Concurrency"}, {"signal": "KVCache", "weight": 10}]
    current = len(loads) if isinstance(loads, list) else 0
    found, _ = asked(terms, {"Concurrency": loads, "KVCache": cache}, CONCURRENCY, CACHE, current=current)
    assert found == replicas


def test_a_total_is_spread_over_the_replicas() -> None:
    # 12 + 12 in the engines and 16 x 1 outside: 40 / 10.
    terms = [{"signal": "Concurrency"}, {"signal": "Light"}]
    assert asked(terms, {"Concurrency": [12, 12], "Light": 16}, CONCURRENCY, LIGHT)[0] == 4


def test_a_signal_that_does_not_scale_asks_for_nothing_itself_and_is_not_missed() -> None:
    terms = [{"signal": "Heavy", "missing": 0}, {"signal": "Light"}]
    spec = spec_of(HEAVY, LIGHT, {"type": "Combined", "terms": terms, "target": 10}, **EXACT)
    decision = decide(spec, seen_of({"Heavy": "Timeout", "Light": 15}, current=4), None, 0.0).decision
    assert [signal.name for signal in decision.signals] == ["Combined"]
    assert decision.recommendation == 2


def test_a_combined_signal_with_a_query_of_ones_own_wakes_from_zero() -> None:
    terms = [{"signal": "Concurrency"}, {"signal": "Light"}]
    combined = {"type": "Combined", "terms": terms, "target": 10}
    spec = spec_of(CONCURRENCY, LIGHT, combined, minReplicas=0, idle={"timeoutSeconds": 60})
    seen = seen_of({"Concurrency": "NoReplica", "Light": 25}, current=0)
    assert decide(spec, seen, None, 0.0).decision.desired == 3


@pytest.mark.promise("B18")
@pytest.mark.promise("U19")
@pytest.mark.parametrize(
    ("tokens", "replicas"),
    [pytest.param(200, 2, id="10 requests/s of 40 tokens"), pytest.param(2000, 20, id="10 requests/s of 400 tokens")],
)
def test_ten_times_the_tokens_ask_for_ten_times_the_replicas_at_equal_requests(tokens: float, replicas: int) -> None:
    spec = spec_of({"type": "Tokens", "target": 200}, **EXACT)
    decision = decide(spec, seen_of({"Tokens": [tokens, tokens]}, current=2), None, 0.0).decision
    assert decision.desired == replicas
    assert decision.steps[0].reason.startswith(f"{2 * tokens} tokens/s / 200 per replica = {replicas}")


@pytest.mark.promise("U19")
def test_a_cache_that_fills_asks_for_more() -> None:
    # Target 0.8 by default: (0.95 + 0.97 + 0.9) / 0.8 = 3.525.
    decision = decide(spec_of({"type": "KVCache"}), seen_of({"KVCache": [0.95, 0.97, 0.9]}, current=3), None, 0.0)
    assert decision.decision.desired == 4
    assert decision.decision.steps[0].reason == "2.82 caches in use / 0.8 per replica = 3.6 -> 4"


@pytest.mark.promise("N30")
def test_partitions_multiply_the_slots_of_a_replica() -> None:
    spec = spec_of({"type": "Concurrency"})
    two = spec.model_copy(update={"engine": spec.engine.model_copy(update={"partitions": 2})})
    assert (two.engine.slots, two.signals[0].target) == (64, 44.8)
    # 64 in flight: 64 / 22.4 = 2.9 for one partition of 32, 64 / 44.8 = 1.4 for two.
    found = [decide(s, seen_of({"Concurrency": [64]}, current=1), None, 0.0).decision.desired for s in (spec, two)]
    assert found == [3, 2]
