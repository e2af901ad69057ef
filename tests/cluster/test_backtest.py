"""``backtest`` against the memory of a real Prometheus: an hour that a target tells with its own timestamps."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dev.controlplane.build import find_tools
from elastic_serving.cli import main
from tests.support.prometheus_process import RealPrometheus, Target, page, real_prometheus

pytestmark = pytest.mark.cluster

MANIFEST = Path(__file__).parents[2] / "examples" / "quickstart.yaml"
STEP = 300
"""Prometheus's lookback: at each step one sample is seen, and where one is left out none is."""
RATES: Mapping[int, float] = {10: 2, 9: 2, 8: 6, 7: 6, 5: 4, 4: 4, 3: 1, 2: 1}
"""Requests per second by steps before the last whole one; step 6 is lost."""


@pytest.fixture
def last_step() -> int:
    """The last whole step before now; an hour back is as far as Prometheus takes samples."""
    return int(time.time()) // STEP * STEP


@pytest.fixture
def prometheus(last_step: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    """Has scraped the whole past at once: one series for each moment, of which a query takes the newest."""
    samples = [f'offered{{moment="{back}"}} {rate} {(last_step - back * STEP) * 1000}' for back, rate in RATES.items()]
    with page("# TYPE offered gauge\n" + "\n".join(samples) + "\n") as target:
        directory = tmp_path_factory.mktemp("prometheus")
        with real_prometheus(find_tools(), directory, Target("llama", "0", target)) as started:
            started.await_series("count(last_over_time(offered[1h])) == 8")
            yield started


@pytest.mark.promise("U29")
def test_the_past_of_a_real_prometheus_is_run_again(prometheus: RealPrometheus, last_step: int) -> None:
    def backtest(*arguments: str) -> dict[str, Any]:
        window = ["--from", str(last_step - 11 * STEP), "--to", str(last_step), "--step", str(STEP)]
        manifest = ["-f", str(MANIFEST), "--prometheus", prometheus.url]
        result = CliRunner().invoke(main, ["backtest", *manifest, *window, "-o", "json", *arguments])
        assert result.exit_code == 0, result.stderr
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    found = backtest("--query", "max(offered)", "--policy", "ours,hpa,static")
    # From the step before the first sample to the last one: 9 steps of 300 s. 300 x (2+2+6+6 + 5 (the gap) +4+4+1+1)
    # = 9,300 requests expected, within 3 standard deviations of 96.
    assert "45 min, " in found["terms"]
    assert "1 gap, 5 min (11.1%), counted as a line between their neighbours, not as 0" in found["terms"]
    assert [policy["policy"] for policy in found["policies"]] == ["ours", "hpa", "static"]
    for policy in found["policies"]:
        assert policy["requests"] == pytest.approx(9_300, abs=300)
    ours, _, static = found["policies"]
    assert ours["scaleEvents"] > 0
    assert static["waitAttainment"] >= 0.99
