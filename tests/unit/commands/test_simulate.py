"""``elastic-serving simulate`` as a user types it: table, JSON, page, and the sentence where it cannot be."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from elastic_serving.cli import main
from elastic_serving.commands.comparing import Wishes
from elastic_serving.commands.simulate import SAMPLES, simulate
from elastic_serving.simulate.arrivals import TokenSizes
from elastic_serving.simulate.cluster import World
from elastic_serving.simulate.compare import POLICIES
from elastic_serving.simulate.sample import SAMPLES as SCRIPTS
from elastic_serving.simulate.score import Objective
from tests.support.scaling import spec_of

ROOT = Path(__file__).parents[3]
MANIFEST = ROOT / "examples" / "quickstart.yaml"
RATES = "seconds,requests_per_second\n0,2\n300,6\n600,6\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["simulate", *map(str, arguments)])


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """15 minutes of rates."""
    file = tmp_path / "rates.csv"
    file.write_text(RATES)
    return file


def test_a_trace_becomes_a_table_with_a_column_for_each_policy(trace: Path) -> None:
    result = run("--trace", trace, "-f", MANIFEST, "--policy", "ours,hpa,static")
    assert result.exit_code == 0, result.stderr
    assert "llama-8b on rates.csv" in result.stdout
    assert "15 min, 4,2" in result.stdout  # 300 x 2 + 600 x 6 = 4,200 expected
    assert ["ours", "hpa", "static"] in [line.split() for line in result.stdout.splitlines()]
    assert result.stderr == ""


def test_json_has_every_policy_and_the_same_seed_gives_the_same(trace: Path) -> None:
    once, again, other = (
        json.loads(run("--trace", trace, "-f", MANIFEST, "-o", "json", "--seed", seed).stdout) for seed in (1, 1, 2)
    )
    assert [policy["policy"] for policy in once["policies"]] == list(POLICIES)
    assert once == again
    assert once["policies"] != other["policies"]


def test_a_page_is_written_where_it_is_wanted(trace: Path, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    result = run("--trace", trace, "-f", MANIFEST, "--policy", "ours", "--plot", page)
    assert result.exit_code == 0
    assert result.stderr == f"the page is {page}\n"
    assert "Plotly.newPlot" in page.read_text()


def test_the_manifest_and_the_options_rule_the_world(trace: Path) -> None:
    options = ("--boot", "30s,1m", "--boot-sigma", "0.5", "--scrape", "15", "--start", "3", "--lost-scrape-every", "12")
    found = json.loads(run("--trace", trace, "-f", MANIFEST, "-o", "json", "--policy", "ours", *options).stdout)
    world = found["world"]
    assert world["slots"] == 32
    assert world["drainSeconds"] == 120
    assert world["boot"] == [{"seconds": 30, "sigma": 0.5}, {"seconds": 60, "sigma": 0.5}]
    assert (world["scrapeSeconds"], world["start"], world["lostScrapeEvery"]) == (15, 3, 12)
    assert found["policies"][0]["peakDesired"] <= 8


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        pytest.param([], 2, "exactly one of --trace and --sample is needed", id="no traffic"),
        pytest.param(
            ["--sample", "step", "--rate", 2, "--mean-rate", 3], 2, "only one of --rate and --mean-rate", id="two rates"
        ),
        pytest.param(
            ["--sample", "step", "--policy", "ours,vpa"],
            2,
            "Invalid value for '--policy': 'vpa' is not one of ours, hpa, keda, kpa, static",
            id="a policy that nobody knows",
        ),
        pytest.param(["--sample", "step", "--boot", "2w"], 2, "'2w' is no length of time above 0", id="no time"),
        pytest.param(["--sample", "step", "--slo-wait", "0"], 2, "'0' is no length of time above 0", id="no wait"),
        pytest.param(["--trace", "nowhere.csv"], 2, "File 'nowhere.csv' does not exist", id="no file"),
        pytest.param(["--sample", "step", "--duration", "1ms"], 2, "step: at ", id="nothing left"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(arguments: list[object], code: int, sentence: str) -> None:
    result = run(*arguments, "-f", MANIFEST)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert result.stdout == ""


def test_a_wrong_trace_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(RATES + "700,fast\n")
    result = run("--trace", tmp_path / "t.csv", "-f", MANIFEST)
    assert result.exit_code == 2
    assert result.stderr == (
        f'Error: {tmp_path}/t.csv:5: requests_per_second is "fast"; it must be a number from 0 to 1000000\n'
    )


def test_signals_without_a_value_in_a_simulated_world_are_named(trace: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "es.yaml"
    query = "{type: Prometheus, name: mine, query: up, target: 1}"
    manifest.write_text(MANIFEST.read_text() + f"    signals: [{{type: Concurrency}}, {query}]\n")
    result = run("--trace", trace, "-f", manifest, "--policy", "ours")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == "left out, because a simulated world has no value for it: mine\n"
    manifest.write_text(MANIFEST.read_text() + f"    signals: [{query}]\n")
    alone = run("--trace", trace, "-f", manifest, "--policy", "ours")
    assert alone.exit_code == 2
    assert "a simulated world has no value for mine" in alone.stderr


def test_help_names_what_there_is_and_its_defaults_are_the_worlds_own() -> None:
    assert sorted(SAMPLES) == sorted(SCRIPTS)
    text = run("--help").stdout
    assert f"Of {', '.join(POLICIES)}." in " ".join(text.split())
    given = simulate.make_context("simulate", ["--sample", "step", "-f", str(MANIFEST)]).params
    shared = {name: value for name, value in given.items() if name in Wishes.__dataclass_fields__}
    wishes = Wishes(**shared)
    world, usual = wishes.world(spec_of({"type": "Concurrency"})), World(slots=32)
    assert (world.boot, world.start, world.scrape_seconds) == (usual.boot, usual.start, usual.scrape_seconds)
    assert (world.prefill_seconds, world.prefill_token_seconds, world.decode_token_seconds) == (
        usual.prefill_seconds,
        usual.prefill_token_seconds,
        usual.decode_token_seconds,
    )
    assert wishes.objective == Objective()
    assert wishes.sizes == TokenSizes()
