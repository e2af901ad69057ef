"""``elastic-serving backtest`` as a user types it, against a Prometheus that a test makes up."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from click.testing import CliRunner, Result

from elastic_serving.api.parse import read_file
from elastic_serving.cli import main
from elastic_serving.report.lines import line
from elastic_serving.scaling.decide import decide
from tests.support.prometheus_server import StandIn, send, stand_in, success
from tests.support.scaling import seen_of

MANIFEST = Path(__file__).parents[3] / "examples" / "quickstart.yaml"
BEGINS = 1_763_625_600  # 2025-11-20 08:00 UTC
STEP = 60


def history(points: dict[int, float]) -> object:
    """What was, by minutes after the beginning."""
    return [{"metric": {}, "values": [[BEGINS + minute * STEP, str(value)] for minute, value in points.items()]}]


def remembered(requests: dict[int, float], replicas: dict[int, float]) -> Iterator[StandIn]:
    """Answers the query ``requests`` and the query ``replicas``."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)["query"][0]
        success("matrix", history(requests if query == "requests" else replicas))(handler)

    with stand_in(reply) as server:
        yield server


@pytest.fixture
def prometheus() -> Iterator[StandIn]:
    """Half an hour: 2, then 6 requests a second, six minutes of it lost; 2 replicas, then 3."""
    rates = {minute: 2.0 if minute <= 10 else 6.0 for minute in range(1, 31) if not 14 < minute <= 20}
    yield from remembered(rates, {minute: 2.0 if minute <= 12 else 3.0 for minute in range(1, 31)})


def run(server: StandIn, *arguments: str) -> Result:
    usual = ["--prometheus", server.url, "-f", str(MANIFEST), "--query", "requests", "--step", "60"]
    window = ["--from", "2025-11-20T08:00Z", "--to", "2025-11-20T08:30Z"]
    return CliRunner().invoke(main, ["backtest", *usual, *window, *arguments])


@pytest.mark.promise("U29")
def test_the_past_is_run_again_and_its_gap_is_told(prometheus: StandIn) -> None:
    result = run(prometheus, "--policy", "ours,hpa", "-o", "json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["title"] == "llama-8b on 2025-11-20 08:00 to 2025-11-20 08:30 UTC"
    assert "1 gap, 6 min (20.0%), counted as a line between their neighbours, not as 0" in found["terms"]
    assert result.stderr.startswith("much of the past is not recorded: 1 gap")
    # 600 s at 2, 1,200 s at 6 (the gap is a line from 6 to 6): 8,400 expected.
    assert found["policies"][0]["requests"] == pytest.approx(8_400, rel=0.05)
    assert [policy["policy"] for policy in found["policies"]] == ["ours", "hpa"]
    asked = prometheus.asked[0].parameters
    assert (asked["start"], asked["end"], asked["step"]) == (str(BEGINS), str(BEGINS + 1800), "60")


def test_what_really_was_stands_beside_what_would_have_been(prometheus: StandIn, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    result = run(prometheus, "--policy", "ours", "--replicas-query", "replicas", "-o", "json", "--plot", str(page))
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    ours, real = found["policies"]
    assert real["policy"] == "real"
    assert real["peakDesired"] == 3
    assert real["scaleEvents"] == 1
    # 2 replicas for 720 s, 3 for 1,080 s, and the third paid for through its boot of 130 s.
    assert real["replicaHours"] == pytest.approx((2 * 720 + 3 * 1080 + 130) / 3600, rel=0.02)
    assert found["world"]["start"] == 2
    assert ours["requests"] == real["requests"]
    assert "Plotly.newPlot" in page.read_text()


@pytest.mark.promise("U29")
def test_shadow_decisions_are_scored_beside_what_decides_now(prometheus: StandIn, tmp_path: Path) -> None:
    spec = read_file(yaml.safe_load(MANIFEST.read_text())).spec
    lines = []
    # Advised: 2 replicas (40 in flight at 22.4 each) from the first minute on, 3 from the twentieth.
    for minute, in_flight in ((1, 40.0), (20, 60.0)):
        seen = seen_of({"Concurrency": in_flight}, at=BEGINS + minute * STEP)
        lines.append(line(seen, None, decide(spec, seen, None, seen.at).decision, {"serving": "team-a/llama-8b"}))
    (tmp_path / "decisions.jsonl").write_text("\n".join(lines))

    result = run(prometheus, "--policy", "ours", "--record", str(tmp_path), "-o", "json")

    assert result.exit_code == 0, result.stderr
    ours, recorded = json.loads(result.stdout)["policies"]
    assert (recorded["policy"], recorded["peakDesired"], recorded["scaleEvents"]) == ("recorded", 3, 1)
    assert recorded["requests"] == ours["requests"]
    # 2 replicas for half an hour, the third for its last ten minutes.
    assert recorded["replicaHours"] == pytest.approx((2 * 1800 + 600) / 3600, rel=0.01)


def test_credentials_are_the_operators_settings(
    prometheus: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("abc")
    monkeypatch.setenv("ELASTIC_SERVING_PROMETHEUS_BEARER_TOKEN_FILE", str(tmp_path / "token"))
    assert run(prometheus, "--policy", "static").exit_code == 0
    assert prometheus.asked[0].headers["authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        pytest.param(["--from", "now"], 2, "must be at least 60 s before --to", id="no time between"),
        pytest.param(["--from", "soon"], 2, "'soon' is no time such as 2026-11-20T08:00Z", id="no time"),
        pytest.param(["--policy", "vpa"], 2, "'vpa' is not one of", id="a policy that nobody knows"),
        pytest.param(["--prometheus", "nowhere"], 2, "--prometheus: Input should be a valid URL", id="no URL"),
        pytest.param(
            ["--prometheus", "http://127.0.0.1:1"],
            1,
            "no history of requests from 2025-11-20 08:00 to 2025-11-20 08:30 UTC: http://127.0.0.1:1 is unreachable",
            id="nobody there",
        ),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    prometheus: StandIn, arguments: list[str], code: int, sentence: str
) -> None:
    result = run(prometheus, *arguments)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert result.stdout == ""


def test_a_refused_query_is_told_in_prometheus_own_words() -> None:
    body = json.dumps({"status": "error", "errorType": "bad_data", "error": "unclosed left parenthesis"})
    with stand_in(send(400, body)) as server:
        result = run(server)
    assert result.exit_code == 1
    assert "HTTP 400, bad_data: unclosed left parenthesis" in result.stderr


def test_a_past_without_requests_is_refused() -> None:
    for server in remembered({1: 0.0, 2: 0.0}, {}):
        result = run(server)
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: the history of requests: the trace has no request in its 120 s; it must have at least 1\n"
    )
