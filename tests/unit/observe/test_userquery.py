"""When a user's query is due, and how the age of its samples comes along."""

import pytest

from elastic_serving.observe.userquery import next_due, with_age


@pytest.mark.parametrize(
    ("promql", "selector"),
    [
        pytest.param("queue_depth", "queue_depth", id="a metric"),
        pytest.param('queue:depth{team="a"}', 'queue:depth{team="a"}', id="a selector"),
        pytest.param(' sum( queue_depth{team=~"a|b"} ) ', 'queue_depth{team=~"a|b"}', id="a sum of one"),
        pytest.param("max(queue_depth)", "queue_depth", id="a maximum of one"),
    ],
)
def test_the_age_of_a_plain_selector_comes_along(promql: str, selector: str) -> None:
    assert with_age(promql) == (
        f'label_replace({promql}, "es_part", "value", "", "") '
        f'or label_replace(min(timestamp({selector})), "es_part", "sampled_at", "", "")'
    )


@pytest.mark.parametrize(
    "promql",
    [
        "sum(rate(requests_total[1m]))",
        "sum by (team) (queue_depth)",
        "queue_depth + 1",
        "queue_depth offset 1m",
        "sum(queue_depth",
        "queue_depth)",
        "scalar(queue_depth)",
        "vector(3)",
        "Inf",
        "nan",
        "42",
        'queue_depth{team="}"}',
        "",
    ],
)
def test_any_other_query_runs_as_written(promql: str) -> None:
    assert with_age(promql) == promql


@pytest.mark.parametrize("promql", ["a", "b", "sum(queue_depth)"])
def test_a_query_is_due_once_per_interval_at_its_own_phase(promql: str) -> None:
    first = next_due(promql, 1000.0, 15.0)
    assert 1000.0 < first <= 1015.0
    assert next_due(promql, first, 15.0) == pytest.approx(first + 15.0)
    # A restart two seconds later finds the same times.
    assert next_due(promql, 1002.0, 15.0) in (pytest.approx(first), pytest.approx(first + 15.0))


def test_different_queries_have_different_phases() -> None:
    assert len({next_due(f"metric_{i}", 0.0, 15.0) for i in range(100)}) == 100
