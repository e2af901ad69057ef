"""``elastic-serving simulate``: what this manifest would do on that traffic, beside other autoscalers."""

from pathlib import Path
from typing import Any, Final

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
from elastic_serving.commands.types import Length

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_ABOVE: Final = click.FloatRange(min=0, min_open=True)
SAMPLES: Final = ("bursty", "day", "steady", "step")


@click.command(context_settings={"show_default": True, "max_content_width": 120})
@click.option(
    "--trace",
    type=_FILE,
    help="CSV of requests (TIMESTAMP,ContextTokens,GeneratedTokens) or of rates (seconds,requests_per_second).",
)
@click.option("--sample", type=click.Choice(SAMPLES), help="One of our own instead: a day, or minutes.")
@click.option("--rate", type=_ABOVE, help="So many times as many requests.")
@click.option("--mean-rate", type=_ABOVE, help="Requests per second on average, instead of --rate.")
@click.option("--duration", type=Length(), help="Cut the trace there.  [default: all of it]")
@click.option("--cv", type=CV, help="Burstiness between rates.  [default: 1, Poisson; samples 2]")
@comparing
def simulate(
    trace: Path | None,
    sample: str | None,
    rate: float | None,
    mean_rate: float | None,
    duration: float | None,
    cv: float | None,
    **shared: Any,
) -> None:
    """Run this manifest's decisions and other autoscalers over the same traffic, and score them.

    \b
    Examples:
      elastic-serving simulate --sample day -f examples/quickstart.yaml
      elastic-serving simulate --trace requests.csv -f es.yaml --policy ours,hpa --plot out.html
    """
    require_extra()
    from elastic_serving.simulate.compare import POLICIES, Setup
    from elastic_serving.simulate.comparison import Comparison
    from elastic_serving.simulate.sample import DEFAULT_CV
    from elastic_serving.simulate.sample import SAMPLES as SCRIPTS
    from elastic_serving.simulate.traces import read_trace
    from elastic_serving.simulate.workload import POISSON, Shaping, TraceError, cut, length_seconds, shaped

    if (trace is None) == (sample is None):
        raise click.UsageError("exactly one of --trace and --sample is needed")
    if rate is not None and mean_rate is not None:
        raise click.UsageError("only one of --rate and --mean-rate can hold")
    wishes = Wishes(**shared)
    policies = chosen(wishes, POLICIES)
    serving = serving_of(wishes)
    try:
        found = read_trace(trace) if trace else SCRIPTS[str(sample)]
    except TraceError as error:
        raise Refused(str(error)) from None
    burstiness = cv or (POISSON if trace else DEFAULT_CV)
    shaping = Shaping(duration, rate or 1.0, mean_rate, cv=burstiness, sizes=wishes.sizes, seed=wishes.seed)
    try:
        requests = shaped(found, shaping)
    except TraceError as error:
        raise Refused(f"{trace or sample}: {error}") from None
    seconds = length_seconds(cut(found, duration))
    setup = Setup(serving.spec, requests, wishes.world(serving.spec), seconds, wishes.objective)
    outcomes = compared(setup, policies)
    title = f"{serving.metadata.name} on {trace.name if trace else f'the {sample} sample'}"
    show(Comparison(title, terms(wishes, setup), setup.world, setup.objective, outcomes), wishes)
