"""Trace files: what is read, and the one sentence that refuses a wrong one."""

import random
import re
from pathlib import Path

import numpy as np
import pytest

from elastic_serving.simulate.arrivals import Segment
from elastic_serving.simulate.result import Requests
from elastic_serving.simulate.traces import read_trace
from elastic_serving.simulate.workload import Shaping, Trace, TraceError, shaped

REQUESTS = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
RATES = "seconds,requests_per_second\n"
SERVEGEN = "t_seconds,rate_rps,rate_weighted_client_interarrival_cv,active_clients\n"


def read(tmp_path: Path, text: str) -> Trace:
    """The trace with that content."""
    file = tmp_path / "t.csv"
    file.write_text(text)
    return read_trace(file)


def rows(trace: Trace) -> list[tuple[object, int, int]]:
    """Time, prompt and output tokens of each request."""
    assert isinstance(trace, Requests)
    return list(zip(trace.arrived.tolist(), trace.prompt_tokens.tolist(), trace.output_tokens.tolist(), strict=True))


def test_requests_count_from_the_first_with_all_its_digits(tmp_path: Path) -> None:
    text = REQUESTS + "2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9305900,396,109\n"
    assert rows(read(tmp_path, text)) == [(0.0, 374, 44), (pytest.approx(4.25), 396, 109)]


def test_a_zone_and_blank_lines_and_another_order_of_columns_are_fine(tmp_path: Path) -> None:
    text = "ContextTokens,TIMESTAMP,GeneratedTokens\n1,2024-05-10 00:00:00+00:00,2\n\n3,2024-05-10 02:00:01+02:00,4\n"
    assert rows(read(tmp_path, text)) == [(0.0, 1, 2), (1.0, 3, 4)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(RATES + "0,2\n60,8.5\n120,0\n", id="rates"),
        pytest.param(SERVEGEN + "0,2,1.5,40\n60,8.5,1.2,41\n120,0,1,0\n", id="the totals of ServeGen"),
    ],
)
def test_a_rate_holds_until_the_next_and_the_last_as_long_as_the_one_before(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == (Segment(60, 2, 2), Segment(60, 8.5, 8.5), Segment(60, 0, 0))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            REQUESTS + "2023-11-16 18:15:46,374,x\n",
            't.csv:2: GeneratedTokens is "x"; it must be a whole number from 0 to 10000000',
            id="tokens that are no number",
        ),
        pytest.param(
            REQUESTS + "2023-11-16 18:15:46,374,1\n2023-11-16 18:15:46,-1,1\n",
            't.csv:3: ContextTokens is "-1"; it must be a whole number from 0 to 10000000',
            id="tokens below zero",
        ),
        pytest.param(
            REQUESTS + "yesterday,374,1\n",
            't.csv:2: TIMESTAMP is "yesterday"; it must be a time such as 2023-11-16 18:15:46.680590',
            id="no time",
        ),
        pytest.param(
            REQUESTS + "2023-11-16 18:15:46,374\n",
            "t.csv:2: the row has 2 values; it must have 3",
            id="a value is missing",
        ),
        pytest.param(
            REQUESTS + "2023-11-16 18:15:46,1,1\n2023-11-16 18:15:45,1,1\n",
            't.csv:3: TIMESTAMP is "2023-11-16 18:15:45"; it must not be before the line above',
            id="time goes back",
        ),
        pytest.param(
            "ContextTokens,TIMESTAMP,GeneratedTokens\n1,2023-11-16 18:15:46,1\n1,2023-11-16 18:15:45,1\n",
            't.csv:3: TIMESTAMP is "2023-11-16 18:15:45"; it must not be before the line above',
            id="time goes back in another order of columns",
        ),
        pytest.param(
            "TIMESTAMP,ContextTokens,GeneratedTokens,GeneratedTokens\n2023-11-16 18:15:46,1,1,1\n",
            't.csv:1: the header is "TIMESTAMP,ContextTokens,GeneratedTokens,GeneratedTokens"; it must be',
            id="a column twice",
        ),
        pytest.param(
            RATES + "0,2\n-60,3\n",
            't.csv:3: seconds is "-60"; it must be a number of seconds, 0 or more',
            id="seconds below zero",
        ),
        pytest.param(
            RATES + "0,nan\n60,3\n",
            't.csv:2: requests_per_second is "nan"; it must be a number from 0 to 1000000',
            id="a rate that is no number",
        ),
        pytest.param(REQUESTS, "t.csv: the trace has no rows; it must have at least 1 request", id="no requests"),
        pytest.param(RATES + "0,2\n", "t.csv: the trace has 1 rows; a rate trace must have at least 2", id="one rate"),
        pytest.param(
            RATES + "0,2\n60,inf\n",
            't.csv:3: requests_per_second is "inf"; it must be a number from 0 to 1000000',
            id="an endless rate",
        ),
        pytest.param(
            "time,rps\n0,2\n",
            't.csv:1: the header is "time,rps"; it must be "TIMESTAMP,ContextTokens,GeneratedTokens" (requests) or '
            '"seconds,requests_per_second" (rates)',
            id="another header",
        ),
        pytest.param(
            "TIMESTAMP,ContextTokens,GeneratedTokens,Model\n2023-11-16 18:15:46,1,1,x\n",
            't.csv:1: the header is "TIMESTAMP,ContextTokens,GeneratedTokens,Model"; it must be '
            '"TIMESTAMP,ContextTokens,GeneratedTokens" (requests) or "seconds,requests_per_second" (rates)',
            id="a column too many",
        ),
        pytest.param("", 't.csv:1: the header is ""; it must be', id="an empty file"),
    ],
)
def test_a_wrong_file_is_refused_with_line_field_value_and_range(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(TraceError) as refused:
        read(tmp_path, text)
    assert str(refused.value).startswith(str(tmp_path / sentence))


def test_lines_are_counted_in_the_file_not_in_rows(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r't\.csv:6: requests_per_second is "x"'):
        read(tmp_path, 'seconds,"requests_per_second"\n\n0,"2"\n60,"3\n"\n120,x\n')


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            REQUESTS + "2023-11-16 18:15:46.68,374,44\n2023-11-16 18:15:50,396,109\n2023-11-16 18:16:01,1,1\n",
            id="requests",
        ),
        pytest.param(RATES + "0,2\n60,8.5\n120,0\n180,1e3\n", id="rates"),
        pytest.param(SERVEGEN + "0,2,1.5,40\n60,8.5,1.2,41\n120,0,1,0\n", id="the totals of ServeGen"),
    ],
)
def test_no_corruption_gets_further_than_a_sentence(tmp_path: Path, text: str) -> None:
    """300 of each kind, most of them a few bytes: either it still is a trace that can be run, or it is refused."""
    rng, file = random.Random(text), tmp_path / "t.csv"
    refused = 0
    for _ in range(300):
        file.write_bytes(corrupted(text.encode(), rng))
        outcome = outcome_of(file)
        if isinstance(outcome, str):
            refused += 1
            assert "\n" not in outcome
            assert len(outcome) < 500
        else:
            assert np.isfinite(outcome.arrived).all()
            assert (np.diff(outcome.arrived) >= 0).all()
            assert (outcome.prompt_tokens >= 0).all()
    assert 100 < refused < 300


def outcome_of(file: Path) -> Requests | str:
    """The first minute of the trace, or the sentence that refuses it."""
    try:
        return shaped(read_trace(file), Shaping(seconds=60, seed=1))
    except TraceError as error:
        return str(error)


def corrupted(text: bytes, rng: random.Random) -> bytes:
    """One to three bytes changed, lost or doubled, a line moved or lost, or a number made extreme."""
    changed = bytearray(text)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(changed))
        how = rng.randrange(5)
        if how == 0:
            changed[at] = rng.choice(b'0123456789.,-+eE \n"x\x00\xff')
        elif how == 1:
            del changed[at : at + rng.randint(1, 4)]
        elif how == 2:
            changed[at:at] = changed[at : at + rng.randint(1, 12)]
        elif how == 3:
            lines = changed.split(b"\n")
            rng.shuffle(lines)
            changed = bytearray(b"\n".join(lines))
        else:
            extreme = rng.choice([b"1e12", b"-1", b"nan", b"inf", b"1e400", b"9" * 40, b"-0", b""])
            cells = re.split(rb"([,\n])", bytes(changed))
            cells[rng.randrange(0, len(cells), 2)] = extreme
            changed = bytearray(b"".join(cells))
        if not changed:
            break
    return bytes(changed)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(TraceError, match=r"t\.csv: cannot be read as CSV"):
        read_trace(tmp_path / "t.csv")
