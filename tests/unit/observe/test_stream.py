"""Observations one after another: what is stale, late or out of order is missing, as it is to the operator."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from elastic_serving.observe.signals import STALE_AFTER_SECONDS
from elastic_serving.observe.stream import Stream
from elastic_serving.scaling.model import Flow, Missing, PerReplica, Reading, Sample
from elastic_serving.settings import Settings
from tests.support.scaling import seen_of, spec_of

SPEC = spec_of(
    {"type": "Concurrency"}, {"type": "Prometheus", "name": "Own", "query": "q", "target": 1, "intervalSeconds": 60}
)


def counted(rows: Sequence[tuple[float, Reading]], name: str = "Concurrency") -> list[float | str]:
    """For each row of (time, reading) the number that counts, or why it is missing."""
    stream, found = Stream(30), []
    for at, reading in rows:
        [(_, part)] = stream.counted(SPEC, seen_of({name: reading}, at=at)).signals
        found.append(part.reason if isinstance(part, Missing) else part.sampled_at)
    return found


BEFORE = "its sample is from before the one before it"


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param([(100, Sample(1, 70)), (100, Sample(1, 69.9))], [70, BEFORE], id="30 s old, and older"),
        pytest.param([(100, Sample(1, 69))], ["its newest sample is 31 s old"], id="too old"),
        pytest.param([(100, Sample(1, 99)), (101, Sample(2, 99))], [99, 99], id="the same sample twice"),
        pytest.param([(100, Sample(1, 99)), (101, Sample(2, 98)), (102, Sample(3, 100))],
                     [99, BEFORE, 100], id="out of order"),
        pytest.param([(100, Sample(1, 99)), (90, Sample(2, 90)), (91, Sample(2, 90))],
                     [99, "the line is from before the one before it", 90], id="a late line, then a new clock"),
        pytest.param([(100, Missing("NaN", "so"))], ["so"], id="missing stays as it is"),
        pytest.param([(100, Sample(1, 5000)), (101, Sample(1, 101))], [5000, 101], id="from the future"),
        pytest.param(
            [(100, PerReplica((("0", 1), ("1", None)), 99)), (101, PerReplica((("0", 1), ("1", 1)), 98)),
             (102, PerReplica((("0", 1),), 97))],
            [99, 98, BEFORE],
            id="a replica that reports for the first time brings an older time",
        ),
    ],
)  # fmt: skip
def test_only_samples_that_are_news_count(rows: Sequence[tuple[float, Reading]], found: list[float | str]) -> None:
    assert counted(rows) == found


def test_a_query_may_be_older_by_the_interval_it_is_asked_at() -> None:
    assert counted([(200, Sample(1, 110)), (201, Sample(1, 110))], "Own") == [110, "its newest sample is 91 s old"]


@pytest.mark.parametrize(
    ("sampled_at", "is_known"), [pytest.param(70, True, id="30 s old"), pytest.param(69, False, id="31 s old")]
)
def test_nothing_is_learned_from_an_old_flow(sampled_at: float, is_known: bool) -> None:
    seen = replace(seen_of({}, at=100), flow=Flow(1, 0, 5, sampled_at))
    assert (Stream(30).counted(SPEC, seen).flow is not None) is is_known


def test_the_command_takes_for_stale_what_the_operator_does() -> None:
    assert Settings.model_fields["stale_seconds"].default == STALE_AFTER_SECONDS
