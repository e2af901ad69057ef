"""What docs/benchmarks.md claims is what the last run measured, and what the project promises."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.policies import CASES, page
from benchmarks.reaction import summary
from elastic_serving.simulate.compare import POLICIES

ROOT = Path(__file__).parents[2]


@pytest.mark.promise("F8")
@pytest.mark.promise("T15")
def test_the_published_reaction_is_the_measured_one_and_within_the_promise() -> None:
    measured = json.loads((ROOT / "docs" / "benchmarks" / "reaction.json").read_text(encoding="utf-8"))
    assert measured["servings"] == 100
    assert len(measured["reactions_seconds"]) == 100
    quantiles = dict(re.findall(r"(\w+) (\d+\.\d\d)", summary(measured["reactions_seconds"])))
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| (p50|p90|p99|max) \| (\d+\.\d\d) \|$", page, flags=re.MULTILINE))
    assert table == quantiles
    assert float(quantiles["p50"]) <= 1.0
    assert float(quantiles["p99"]) <= 3.0


@pytest.mark.promise("B26")
@pytest.mark.promise("F11")
def test_the_published_page_of_policies_is_the_measured_one() -> None:
    folder = ROOT / "docs" / "benchmarks"
    cases = json.loads((folder / "policies.json").read_text(encoding="utf-8"))
    assert [case["title"] for case in cases] == [case.name for case in CASES]
    for case, known in zip(cases, CASES, strict=True):
        variants = [name for name, _ in known.variants]
        assert [policy["policy"] for policy in case["policies"]] == [*POLICIES, *variants]
        for told in ("dropped", "missedMinutes", "replicaHours"):
            assert all(policy[told] >= 0 for policy in case["policies"])
    assert (folder / "policies.md").read_text(encoding="utf-8") == page(cases)
