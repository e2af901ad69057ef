"""The past of a query: read in parts, gaps left as gaps, and the sentence where it is no history."""

import contextlib
import json
from collections.abc import Sequence

import pytest

from elastic_serving.observe.access import PrometheusAccess
from elastic_serving.observe.history import MOST_POINTS, history
from elastic_serving.observe.prometheus import Prometheus, QueryFailed
from elastic_serving.observe.series import Line
from tests.support.prometheus_server import Reply, send, stand_in, success


class Remembering:
    """A Prometheus with one point a second, as its own clock says, and a limit that it keeps."""

    def __init__(self, without: Sequence[int] = ()) -> None:
        self.asked: list[tuple[int, int]] = []
        self._without = without

    async def query_range(self, promql: str, *, start: int, end: int, step_seconds: int) -> Sequence[Line]:
        times = range(start, end + 1, step_seconds)
        assert len(times) <= 11_000, "exceeded maximum resolution of 11,000 points per timeseries"
        self.asked.append((start, end))
        points = tuple((float(at), at / 10) for at in times if at not in self._without)
        return [Line({}, points)] if points else []


@pytest.mark.parametrize(
    ("start", "end", "step", "asked"),
    [
        pytest.param(60, 120, 30, [(60, 120)], id="one part"),
        pytest.param(0, 109_990, 10, [(0, 109_990)], id="just one part: 11,000 points"),
        pytest.param(0, 110_000, 10, [(0, 109_990), (110_000, 110_000)], id="a point more"),
        pytest.param(0, 250_000, 10, [(0, 109_990), (110_000, 219_990), (220_000, 250_000)], id="three parts"),
    ],
)
async def test_a_long_range_is_asked_for_in_parts_that_prometheus_answers(
    start: int, end: int, step: int, asked: list[tuple[int, int]]
) -> None:
    prometheus = Remembering()
    found = await history(prometheus, "x", start=start, end=end, step_seconds=step)
    assert prometheus.asked == asked
    assert [at for at, _ in found.points] == list(range(start, end + 1, step))


async def test_what_is_missing_is_missing_and_a_part_may_have_nothing() -> None:
    found = await history(Remembering([*range(MOST_POINTS)]), "x", start=0, end=MOST_POINTS + 1, step_seconds=1)
    assert found.points == ((11_000, 1_100), (11_001, 1_100.1))


def matrix(*lines: list[list[object]]) -> Reply:
    return success("matrix", [{"metric": {"n": str(n)}, "values": values} for n, values in enumerate(lines)])


async def read(reply: Reply) -> tuple[tuple[float, float], ...]:
    with stand_in(reply) as server, contextlib.closing(Prometheus(PrometheusAccess(server.url))) as prometheus:
        found = await history(prometheus, "rate", start=60, end=180, step_seconds=60)
        asked = server.asked[0]
        assert asked.path == "/api/v1/query_range"
        assert asked.parameters == {"query": "rate", "start": "60", "end": "180", "step": "60", "timeout": "5s"}
        return found.points


async def test_points_come_over_http_and_nan_is_nothing() -> None:
    assert await read(matrix([[60, "2"], [120, "NaN"], [180, "0.5"]])) == ((60, 2), (180, 0.5))


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        pytest.param(matrix(), "Empty", "it has no result in the whole range", id="nothing"),
        pytest.param(matrix([[60, "NaN"]]), "Empty", "it has no result in the whole range", id="only NaN"),
        pytest.param(
            matrix([[60, "1"]], [[60, "1"]]),
            "BadAnswer",
            "it returns more than one series: aggregate it, for instance with sum()",
            id="two series",
        ),
        pytest.param(matrix([[60, "-3"]]), "BadAnswer", "it is -3.0 at 60; it must be a number from 0", id="negative"),
        pytest.param(matrix([[60, "+Inf"]]), "BadAnswer", "it is inf at 60; it must be a number", id="infinite"),
        pytest.param(success("matrix", [{"metric": {}}]), "BadAnswer", "a series without float", id="histograms"),
        pytest.param(success("scalar", [1, "2"]), "BadAnswer", "something else than a list of series", id="a scalar"),
        pytest.param(
            send(400, json.dumps({"status": "error", "errorType": "bad_data", "error": "parse error"})),
            "Refused",
            "answered HTTP 400, bad_data: parse error",
            id="Prometheus's own words",
        ),
    ],
)
async def test_what_is_no_history_is_a_sentence(reply: Reply, kind: str, says: str) -> None:
    with pytest.raises(QueryFailed) as failed:
        await read(reply)
    assert failed.value.kind == kind
    assert says in str(failed.value)
