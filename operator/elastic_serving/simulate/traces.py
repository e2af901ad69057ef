"""Trace files: requests (TIMESTAMP, ContextTokens, GeneratedTokens) or rates (seconds, requests_per_second).

The totals of the ServeGen traces are rates too. A file that is not such a trace is refused with one sentence: file,
line, field, value, legal range.
"""

import csv
import json
from array import array
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar, Final, Protocol, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from elastic_serving.simulate.arrivals import Segment
from elastic_serving.simulate.result import Requests
from elastic_serving.simulate.workload import Trace, TraceError

_MAX_TOKENS: Final = 10_000_000
_SHOWN: Final = 120
_MAX_RPS: Final = 1_000_000
_TOKENS = Annotated[int, Field(ge=0, le=_MAX_TOKENS, description=f"a whole number from 0 to {_MAX_TOKENS}")]
_SECONDS = Annotated[float, Field(ge=0, allow_inf_nan=False, description="a number of seconds, 0 or more")]
_RATE = Annotated[float, Field(ge=0, le=_MAX_RPS, description=f"a number from 0 to {_MAX_RPS}")]


class RequestRow(BaseModel):
    """One request of a trace in the form of the Azure LLM inference traces; a time without a zone is UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clock: ClassVar[str] = "TIMESTAMP"
    TIMESTAMP: Annotated[datetime, Field(description="a time such as 2023-11-16 18:15:46.680590")]
    ContextTokens: _TOKENS
    GeneratedTokens: _TOKENS

    @property
    def position(self) -> float:
        """Epoch seconds."""
        zoned = self.TIMESTAMP if self.TIMESTAMP.tzinfo else self.TIMESTAMP.replace(tzinfo=UTC)
        return zoned.timestamp()


class RateRow(BaseModel):
    """The rate from ``seconds`` on, until the next row's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clock: ClassVar[str] = "seconds"
    seconds: _SECONDS
    requests_per_second: _RATE

    @property
    def position(self) -> float:
        """Seconds from the start."""
        return self.seconds

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests_per_second


class ServeGenRow(BaseModel):
    """A rate as in the totals of the ServeGen traces; only the time and the rate are used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clock: ClassVar[str] = "t_seconds"
    t_seconds: _SECONDS
    rate_rps: _RATE
    rate_weighted_client_interarrival_cv: Annotated[float, Field(ge=0, description="a number, 0 or more")]
    active_clients: Annotated[int, Field(ge=0, description="a whole number, 0 or more")]

    @property
    def position(self) -> float:
        """Seconds from the start."""
        return self.t_seconds

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.rate_rps


class _Lines(Protocol):
    """A csv reader: rows, and the line of the file that the last one ended on."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


_Row = TypeVar("_Row", RequestRow, RateRow, ServeGenRow)


def read_trace(path: Path) -> Trace:
    """Requests of a request trace (first at 0), or segments of a rate trace; TraceError where it is neither.

    The last rate lasts as long as the one before it; a lone row is refused, for it says nothing about how long.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True)
            header = tuple(next(reader, ()))
            if sorted(header) == sorted(RequestRow.model_fields):
                return _requests(_rows(RequestRow, path, header, reader), path)
            if sorted(header) == sorted(RateRow.model_fields):
                return _rates(list(_rows(RateRow, path, header, reader)), path)
            if sorted(header) == sorted(ServeGenRow.model_fields):
                return _rates(list(_rows(ServeGenRow, path, header, reader)), path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TraceError(f"{path}: cannot be read as CSV: {error}") from error
    requests, rates = (",".join(kind.model_fields) for kind in (RequestRow, RateRow))
    found = _shown(",".join(header))
    raise TraceError(f'{path}:1: the header is {found}; it must be "{requests}" (requests) or "{rates}" (rates)')


def _rows(kind: type[_Row], path: Path, header: Sequence[str], lines: _Lines) -> Iterator[_Row]:
    """Every row checked by itself and against the one before."""
    last: _Row | None = None
    for values in lines:
        number = lines.line_num
        if not values:
            continue
        if len(values) != len(header):
            raise TraceError(f"{path}:{number}: the row has {len(values)} values; it must have {len(header)}")
        try:
            row = kind.model_validate(dict(zip(header, values, strict=True)))
        except ValidationError as error:
            raise TraceError(f"{path}:{number}: {_sentence(kind, error)}") from error
        if last is not None and row.position < last.position:
            field, value = kind.clock, values[header.index(kind.clock)]
            raise TraceError(f"{path}:{number}: {field} is {_shown(value)}; it must not be before the line above")
        yield row
        last = row


def _sentence(kind: type[BaseModel], error: ValidationError) -> str:
    """Field, value and legal range of the first thing that is wrong."""
    first = error.errors()[0]
    field = str(first["loc"][0])
    return f"{field} is {_shown(str(first['input']))}; it must be {kind.model_fields[field].description}"


def _shown(text: str) -> str:
    """In quotes, on one line, and not longer than one can read."""
    return json.dumps(text if len(text) <= _SHOWN else text[:_SHOWN] + "...", ensure_ascii=False)


def _requests(rows: Iterator[RequestRow], path: Path) -> Requests:
    at, prompts, outputs = array("d"), array("q"), array("q")
    for row in rows:
        at.append(row.position)
        prompts.append(row.ContextTokens)
        outputs.append(row.GeneratedTokens)
    if not at:
        raise TraceError(f"{path}: the trace has no rows; it must have at least 1 request")
    arrived = np.array(at)
    return Requests(arrived - arrived[0], np.array(prompts), np.array(outputs))


def _rates(rows: Sequence[RateRow | ServeGenRow], path: Path) -> tuple[Segment, ...]:
    if len(rows) < 2:
        raise TraceError(f"{path}: the trace has {len(rows)} rows; a rate trace must have at least 2")
    seconds = [after.position - before.position for before, after in pairwise(rows)]
    return tuple(
        Segment(length, row.rate, row.rate)
        for row, length in zip(rows, [*seconds, seconds[-1]], strict=True)
        if length > 0
    )
