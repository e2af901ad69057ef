"""What is shown of a comparison: table, JSON and page tell the same numbers."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from elastic_serving.simulate.cluster import World
from elastic_serving.simulate.compare import Outcome
from elastic_serving.simulate.comparison import Comparison, hours, percent, seconds_text
from elastic_serving.simulate.document import document
from elastic_serving.simulate.drawing import write_whole
from elastic_serving.simulate.page import figure, page, steps, thinned
from elastic_serving.simulate.result import Change
from elastic_serving.simulate.score import Objective, related, score
from elastic_serving.simulate.table import table
from tests.support.runs import requests_at, run_of, timeline_of

OBJECTIVE = Objective(wait_seconds=5, ttft_seconds=3)
CHANGE = Change(2.0, 1, 2, "Concurrency", ("Concurrency: 5 < 9 & rising -> 2", "limits: 1 to 8 -> 2"))


def comparison(begins: float = 0.0) -> Comparison:
    """Ours and static over four requests, a second apart."""
    requests = requests_at(0, 1, 2, 3)
    ours = run_of([0, 6, 2, math.inf], timeline_of([1, 1, 2, 2], waiting=[0, 7, 3, 0]), changes=[CHANGE])
    static = run_of([0, 0, 0, 0], timeline_of([3, 3, 3, 3]), policy="static")
    scores = related([score(run, requests, slots=2, objective=OBJECTIVE) for run in (ours, static)])
    outcomes = tuple(Outcome(s, r.timeline, r.changes) for s, r in zip(scores, (ours, static), strict=True))
    return Comparison("llama on t.csv", "4 requests, <seed> 1", World(slots=2), OBJECTIVE, outcomes, begins)


def printed(width: int = 100) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table(comparison()))
    return captured.get()


def test_the_table_has_a_column_for_each_policy_and_a_line_for_each_number() -> None:
    lines = {name: cells for name, *cells in (re.split(r"\s{2,}", line.strip()) for line in printed().splitlines())}
    assert lines["wait ≤ 5 s"] == ["50.00 %", "100.00 %"]
    # Waits of 0 and 2 s and the service of a second are a first token within 3 s; the bound is in time.
    assert lines["TTFT ≤ 3 s"] == ["50.00 %", "100.00 %"]
    assert lines["wait p99"] == ["never", "0 s"]
    assert lines["dropped"] == ["1", "0"]
    assert lines["of static"] == ["50 %", "100 %"]
    assert lines["peak desired"] == ["2", "3"]
    assert "of oracle" not in lines


def test_six_policies_fit_into_a_table_of_80_characters() -> None:
    one = comparison()
    six = Comparison(one.title, "", one.world, Objective(), one.outcomes * 3)
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table(six))
    rows = captured.get().splitlines()
    assert [row.split()[-2:] for row in rows if row.startswith("wait ≤ 5 s")] == [["100.00", "%"]]
    assert "…" not in captured.get()


def test_json_names_are_camel_case_and_what_there_is_not_is_null() -> None:
    made = document(comparison())
    ours, static = made["policies"]
    assert made["objective"] == {"waitSeconds": 5, "ttftSeconds": 3, "tpotSeconds": None}
    assert made["world"]["boot"] == [{"seconds": 130.0, "sigma": 0.0}]
    assert ours["waitAttainment"] == 0.5
    assert ours["waitP99Seconds"] is None
    assert ours["costToStatic"] == 0.5
    assert static["costToOracle"] is None


def test_the_page_tells_scores_and_reasons_and_needs_no_network() -> None:
    html = page(comparison())
    assert "llama on t.csv" in html
    assert "&lt;seed&gt;" in html
    assert "<td class=best>100.00 %</td>" in html
    assert "Plotly.newPlot" in html
    assert '<script src="http' not in html
    assert "<link" not in html


def test_a_decision_shows_its_reasons_under_the_mouse() -> None:
    (mark,) = [trace for trace in figure(comparison()).data if trace.name == "decision" and len(trace.x)]
    assert mark.text == (
        "<b>1 → 2  Concurrency</b><br>Concurrency: 5 &lt; 9 &amp; rising -&gt; 2<br>limits: 1 to 8 -&gt; 2",
    )
    assert mark.y == (4,)  # two replicas of two slots


def test_history_is_drawn_at_its_time_and_a_trace_at_day_1() -> None:
    def first(begins: float) -> float:
        return float(figure(comparison(begins)).data[0].x[0])

    assert first(1_763_596_800.0) == 1_763_596_800_000.0  # 2025-11-20T00:00Z
    assert first(0.0) == 365 * 86_400_000  # 1971-01-01


def test_a_thinned_area_keeps_its_peaks() -> None:
    at, values = thinned(np.arange(5.0), np.array([3, 1, 4, 1, 5]), points=3)
    assert at.tolist() == [0, 2, 4]
    assert values.tolist() == [3, 4, 5]
    assert thinned(np.arange(5.0), np.array([3, 1, 4, 1, 5]), points=5)[1].tolist() == [3, 1, 4, 1, 5]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        pytest.param([1, 1, 1], [(0, 1), (2, 1)], id="nothing changes"),
        pytest.param([1, 2, 2, 3], [(0, 1), (1, 2), (3, 3)], id="changes"),
        pytest.param([2], [(0, 2)], id="one second"),
        pytest.param([], [], id="no second"),
    ],
)
def test_a_step_line_has_a_point_for_each_change(values: list[int], kept: list[tuple[int, int]]) -> None:
    at, left = steps(np.arange(float(len(values))), np.array(values, dtype=np.int64))
    assert list(zip(at.tolist(), left.tolist(), strict=True)) == kept


def test_a_long_run_is_a_page_of_bearable_size() -> None:
    one = comparison()
    changes = tuple(Change(float(at), 1, 2, "Concurrency", ("a step " * 20,)) for at in range(10_000))
    long = Outcome(one.outcomes[0].score, timeline_of(list(range(100_000))), changes)
    data = figure(Comparison("", "", one.world, OBJECTIVE, (long,))).data
    assert {trace.name: len(trace.x) for trace in data if trace.name not in ("ready", "desired")} == {
        "running": 1493,  # stretches of 67 s
        "waiting": 1493,
        "decision": 589,  # of 17 neighbours one
    }


@pytest.mark.parametrize(
    ("share", "shown"),
    [(None, "-"), (1.0, "100.00 %"), (0.99999, "99.99 %"), (0.9991, "99.91 %"), (0.0, "0.00 %"), (1.0301, "103.01 %")],
)
def test_what_is_not_all_is_never_shown_as_all(share: float | None, shown: str) -> None:
    assert percent(share) == shown


def test_numbers_show_the_digits_that_matter() -> None:
    assert [hours(value) for value in (939.4, 12.34, 0.276)] == ["939", "12.3", "0.28"]
    assert [seconds_text(value) for value in (None, 0.0, 0.178, 3.73, 1234.0)] == [
        "never",
        "0 s",
        "0.18 s",
        "3.7 s",
        "1,234 s",
    ]


def test_a_page_is_written_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "out.html", "new")
    assert (tmp_path / "out.html").read_text() == "new"
    assert list(tmp_path.iterdir()) == [tmp_path / "out.html"]
