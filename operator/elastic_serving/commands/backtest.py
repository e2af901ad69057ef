"""``elastic-serving backtest``: what this manifest would have done on the traffic that Prometheus remembers."""

import asyncio
import contextlib
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from elastic_serving.commands.comparing import (
    CV,
    Wishes,
    chosen,
    compared,
    comparing,
    require_extra,
    serving_of,
    show,
    terms,
)
from elastic_serving.commands.refusal import Refused
from elastic_serving.commands.types import Ago, Length, Moment, length_text

if TYPE_CHECKING:
    from elastic_serving.observe.access import PrometheusAccess
    from elastic_serving.observe.history import History
    from elastic_serving.simulate.past import Past
    from elastic_serving.simulate.played import Played

MANY_GAPS: Final = 0.1
"""Share of the past above which a warning tells that much of it was not recorded."""


@click.command(context_settings={"show_default": True, "max_content_width": 120})
@click.option("--prometheus", "url", help="Its URL.  [default: the operator's setting]")
@click.option("--query", required=True, help="PromQL: requests per second, one series.")
@click.option("--replicas-query", help="PromQL: replicas that served, one series; adds what really was, as `real`.")
@click.option(
    "--record",
    "records",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Decisions that the operator recorded, of Advise for instance: a file, or its directory; adds `recorded`.",
)
@click.option("--from", "begins", type=Moment(), default="1d", help="A time, or how long ago.")
@click.option("--to", "ends", type=Moment(), default="now", help="A time, or how long ago.")
@click.option("--step", type=Length(), default="30s", help="Between two points; the range of the query's rate().")
@click.option("--timeout", type=Length(), default="60s", help="Of one query.")
@click.option("--cv", type=CV, default=1.0, help="Burstiness between two points; 1 is Poisson.")
@comparing
def backtest(
    url: str | None,
    query: str,
    replicas_query: str | None,
    records: tuple[Path, ...],
    begins: float,
    ends: float,
    step: float,
    timeout: float,
    cv: float,
    **shared: Any,
) -> None:
    """Run this manifest's decisions and other autoscalers over your own traffic, as Prometheus remembers it.

    \b
    Examples:
      elastic-serving backtest --prometheus http://127.0.0.1:9090 -f es.yaml --from 7d \\
        --query 'sum(rate(vllm:request_success_total{job="team-a/llama-8b"}[30s]))'
    Credentials are the operator's settings, such as ELASTIC_SERVING_PROMETHEUS_BEARER_TOKEN_FILE.
    """
    require_extra()
    from elastic_serving.commands.shadow import recorded_policy
    from elastic_serving.simulate.compare import POLICIES, Setup
    from elastic_serving.simulate.comparison import Comparison
    from elastic_serving.simulate.past import fleet_of, past_of
    from elastic_serving.simulate.workload import Shaping, TraceError, shaped

    wishes = Wishes(**shared)
    policies = chosen(wishes, POLICIES)
    serving = serving_of(wishes)
    start, end = _range(begins, ends, round(step) or 1)
    access = _access(url, timeout)
    found = _read(access, query, start, end, round(step) or 1)
    past = past_of(found.points, found.step_seconds)
    known: list[Played] = []
    if replicas_query:
        fleet = _read(access, replicas_query, start, end, round(step) or 1)
        known.append(fleet_of(fleet.points, past.begins, sum(wishes.boot)))
    if records:
        name = "/".join(filter(None, (serving.metadata.namespace, serving.metadata.name)))
        known.append(recorded_policy(records, name, begins=past.begins, seconds=past.seconds))
    try:
        requests = shaped(past.segments, Shaping(cv=cv, sizes=wishes.sizes, seed=wishes.seed))
    except TraceError as error:
        raise Refused(f"the history of {query}: {error}") from None
    if sum(past.gaps) > MANY_GAPS * past.seconds:
        click.echo(f"much of the past is not recorded: {_gaps(past)}", err=True)
    world = wishes.world(serving.spec, start=known[0].start if known else None)
    setup = Setup(serving.spec, requests, world, past.seconds, wishes.objective)
    outcomes = compared(setup, policies, known)
    title = f"{serving.metadata.name} on {_text(past.begins)} to {_text(past.begins + past.seconds)} UTC"
    words = f"{terms(wishes, setup)}; {query}; {_gaps(past)}"
    show(Comparison(title, words, setup.world, setup.objective, outcomes, past.begins), wishes)


def _range(begins: float, ends: float, step: int) -> tuple[int, int]:
    """Whole steps of the epoch, so that the same range asks for the same points."""
    now = time.time()
    start, end = (now - moment if isinstance(moment, Ago) else moment for moment in (begins, ends))
    first, last = -int(-start // step) * step, int(min(end, now) // step) * step
    if first >= last:
        raise click.UsageError(f"--from {_text(start)} must be at least {step} s before --to {_text(end)} and now")
    return first, last


def _access(url: str | None, timeout: float) -> "PrometheusAccess":
    """The operator's settings, with another URL where one is given."""
    from pydantic import AnyHttpUrl, ValidationError

    from elastic_serving.settings import Settings

    try:
        settings = Settings() if url is None else Settings(prometheus_url=AnyHttpUrl(url))
    except ValidationError as error:
        first = error.errors()[0]
        field = "_".join(map(str, first["loc"])) or "--prometheus"
        raise click.UsageError(f"{field}: {first['msg'].removeprefix('Value error, ')}") from None
    return replace(settings.prometheus_access, timeout_seconds=timeout)


def _read(access: "PrometheusAccess", query: str, start: int, end: int, step: int) -> "History":
    from elastic_serving.observe.history import history
    from elastic_serving.observe.prometheus import Prometheus, QueryFailed

    async def read() -> "History":
        with contextlib.closing(Prometheus(access)) as prometheus:
            return await history(prometheus, query, start=start, end=end, step_seconds=step)

    try:
        return asyncio.run(read())
    except QueryFailed as failure:
        raise click.ClickException(
            f"no history of {query} from {_text(start)} to {_text(end)} UTC: {failure}"
        ) from None


def _gaps(past: "Past") -> str:
    """``no gaps``, or how many, how long, and how they count."""
    if not past.gaps:
        return "no gaps"
    share = sum(past.gaps) / past.seconds
    many = "1 gap" if len(past.gaps) == 1 else f"{len(past.gaps)} gaps"
    return f"{many}, {length_text(sum(past.gaps))} ({share:.1%}), counted as a line between their neighbours, not as 0"


def _text(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M")
