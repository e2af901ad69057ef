"""Answers one after another: of each replica the newest sample stands."""

import pytest

from elastic_serving.observe.fleet import FleetAnswer, ReplicaSample, merge

KEY = ("n", "m")


@pytest.mark.parametrize(
    ("known", "new", "stands"),
    [
        pytest.param(100, 105, 105, id="newer"),
        pytest.param(100, 100, 100, id="the same again"),
        pytest.param(105, 100, 105, id="of a Prometheus that lags"),
        pytest.param(5000, 105, 105, id="after one from the future"),
        pytest.param(70, 65, 65, id="after one that is too old itself"),
    ],
)
def test_an_older_sample_is_no_news(known: float, new: float, stands: float) -> None:
    old, newer = (FleetAnswer({KEY: {0: ReplicaSample(at, at)}}) for at in (known, new))
    assert merge(old, newer, oldest=80, now=110).samples == {KEY: {0: ReplicaSample(stands, stands)}}
