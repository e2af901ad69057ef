"""What ``simulate`` and ``backtest`` share: the options of the world and of what is shown, and the showing."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import click

from elastic_serving.commands.manifest import read_manifest
from elastic_serving.commands.refusal import Refused
from elastic_serving.commands.types import Length, Lengths, Names, length_text

if TYPE_CHECKING:
    from elastic_serving.api.models import ElasticServing, ElasticServingSpec
    from elastic_serving.simulate.arrivals import TokenSizes
    from elastic_serving.simulate.cluster import World
    from elastic_serving.simulate.compare import Outcome, Setup, Watch
    from elastic_serving.simulate.comparison import Comparison
    from elastic_serving.simulate.played import Played
    from elastic_serving.simulate.score import Objective

Command = TypeVar("Command", bound=Callable[..., None])

CV: Final = click.FloatRange(0.01, 100)
"""Coefficients of variation: beyond, a trace is one burst or a clock."""
_MANIFEST: Final = click.Path(exists=True, dir_okay=False, allow_dash=True)
_SHARE: Final = click.FloatRange(0, 1)
_ABOVE: Final = click.FloatRange(min=0, min_open=True)
_COLUMNS: Final = 100
"""Of a table that is not for a terminal, or for a narrow one: six policies side by side."""
_DEATHS: Final = click.FloatRange(0, 1000)
_LEAST: Final = click.FloatRange(min=0)
_OPTIONS: Final = (
    click.option("-f", "--manifest", required=True, type=_MANIFEST, help="The ElasticServing: its rules hold."),
    click.option("--policy", "policies", type=Names(), help="Of ours, hpa, keda, kpa, static, oracle.  [default: all]"),
    click.option("--boot", type=Lengths(), default="130s", help="From creation to ready; commas between phases."),
    click.option("--boot-sigma", type=click.FloatRange(0, 3), default=0.0, help="Of a lognormal boot, that as median."),
    click.option("--start", type=click.IntRange(0, 100_000), help="Replicas at first.  [default: minReplicas, or 1]"),
    click.option("--scrape", type=Length(), default="5s", help="Between two scrapes of Prometheus."),
    click.option("--slo-wait", type=Length(), default="5s", help="In time: from arrival to a slot."),
    click.option("--slo-ttft", type=Length(), help="In time: from arrival to the first token."),
    click.option("--slo-tpot", type=Length(), help="In time: each output token, such as 100ms."),
    click.option("--seed", type=click.IntRange(0), default=1, help="The same seed, the same run."),
    click.option("--prompt-tokens", type=_ABOVE, default=512.0, help="Median, where the trace has none."),
    click.option("--output-tokens", type=_ABOVE, default=256.0, help="Median, where the trace has none."),
    click.option("--request-seconds", type=_LEAST, default=0.03, help="Of a request in a slot, before its tokens."),
    click.option("--prompt-token-seconds", type=_LEAST, default=0.00025, help="And for each prompt token."),
    click.option("--output-token-seconds", type=_LEAST, default=0.02, help="And for each output token."),
    click.option("--lost-scrape-every", type=click.IntRange(0), default=0, help="Fault: one of so many scrapes."),
    click.option("--failed-boots", type=_SHARE, default=0.0, help="Fault: part of the boots that fail."),
    click.option("--nodes-lost-per-day", type=_DEATHS, default=0.0, help="Fault: deaths a replica and day."),
    click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table"),
    click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Write a page here."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The shared options, as click hands them over; times are seconds."""

    manifest: str
    policies: tuple[str, ...] | None
    boot: tuple[float, ...]
    boot_sigma: float
    start: int | None
    scrape: float
    slo_wait: float
    slo_ttft: float | None
    slo_tpot: float | None
    seed: int
    prompt_tokens: float
    output_tokens: float
    request_seconds: float
    prompt_token_seconds: float
    output_token_seconds: float
    lost_scrape_every: int
    failed_boots: float
    nodes_lost_per_day: float
    output: Literal["table", "json"]
    plot: Path | None

    @property
    def objective(self) -> "Objective":
        """What is in time."""
        from elastic_serving.simulate.score import Objective

        return Objective(self.slo_wait, self.slo_ttft, self.slo_tpot)

    @property
    def sizes(self) -> "TokenSizes":
        """Token counts where the trace has none; the maxima leave the tail in place."""
        from elastic_serving.simulate.arrivals import TokenSizes

        usual = TokenSizes()
        return TokenSizes(
            prompt_median=self.prompt_tokens,
            prompt_max=round(self.prompt_tokens * usual.prompt_max / usual.prompt_median) or 1,
            output_median=self.output_tokens,
            output_max=round(self.output_tokens * usual.output_max / usual.output_median) or 1,
        )

    def world(self, spec: "ElasticServingSpec", start: int | None = None) -> "World":
        """The world of a manifest; ``start`` is how many replicas there were, where that is known."""
        from elastic_serving.simulate.cluster import Phase, World

        return World(
            slots=spec.engine.slots,
            boot=tuple(Phase(seconds, self.boot_sigma) for seconds in self.boot),
            start=next(n for n in (self.start, start, max(1, spec.scaling.min_replicas)) if n is not None),
            scrape_seconds=self.scrape,
            drain_seconds=float(spec.drain.timeout_seconds),
            lost_scrape_every=self.lost_scrape_every,
            failed_boots=self.failed_boots,
            nodes_lost_per_day=self.nodes_lost_per_day,
            prefill_seconds=self.request_seconds,
            prefill_token_seconds=self.prompt_token_seconds,
            decode_token_seconds=self.output_token_seconds,
            seed=self.seed,
        )


def comparing(command: Command) -> Command:
    """The shared options, above the command's own in its help."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def require_extra() -> None:
    """Refuse where the packages of the extra are not installed, as in the operator's image."""
    missing = [name for name in ("numpy", "plotly", "rich") if find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f"this command needs {', '.join(missing)}: install the extra, as in pip install 'elastic-serving[simulate]'"
        )


def serving_of(wishes: Wishes) -> "ElasticServing":
    """The manifest, with the signals that a simulated world has; the others are named on stderr and left out."""
    from elastic_serving.api.signals import SignalType

    with click.open_file(wishes.manifest, "rb") as file:
        serving = read_manifest(file)
    written = serving.spec.scaling.signals
    simulated = (SignalType.CONCURRENCY, SignalType.QUEUE_DEPTH, SignalType.LATENCY, SignalType.ERLANG)
    kept = tuple(s for s in written if s.type in simulated)
    if len(kept) == len(written):
        return serving
    left = ", ".join(signal.name or signal.type.value for signal in written if signal not in kept)
    if not kept:
        raise Refused(
            f"{wishes.manifest}: a simulated world has no value for {left}; "
            "give the manifest a signal of type Concurrency, QueueDepth, Latency or Erlang"
        )
    click.echo(f"left out, because a simulated world has no value for it: {left}", err=True)
    scaling = serving.spec.scaling.model_copy(update={"signals": kept})
    return serving.model_copy(update={"spec": serving.spec.model_copy(update={"scaling": scaling})})


def chosen(wishes: Wishes, known: Sequence[str]) -> tuple[str, ...]:
    """The policies to run."""
    for name in wishes.policies or ():
        if name not in known:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(known)}", param_hint="'--policy'")
    return wishes.policies or tuple(known)


def compared(setup: "Setup", policies: Sequence[str], known: "Sequence[Played]" = ()) -> "tuple[Outcome, ...]":
    """The outcomes, with a bar on stderr where that is a terminal."""
    from elastic_serving.simulate.compare import compare

    with _progress() as watch:
        return compare(setup, policies, watch, known=known)


def terms(wishes: Wishes, setup: "Setup") -> str:
    """What all policies shared, in a line or two."""
    count, seconds, spec = len(setup.requests), setup.seconds, setup.spec
    parts = [
        f"{length_text(seconds)}, {count:,} requests ({count / seconds:.3g} a second)",
        f"{spec.scaling.min_replicas} to {spec.scaling.max_replicas} replicas of {setup.world.slots} slots",
        f"boot {sum(wishes.boot):g} s" + (f" (sigma {wishes.boot_sigma:g})" if wishes.boot_sigma else ""),
        f"starting at {setup.world.start}",
        f"a scrape each {wishes.scrape:g} s",
        *([f"one of {wishes.lost_scrape_every} scrapes lost"] if wishes.lost_scrape_every else []),
        *([f"{wishes.failed_boots:.1%} of boots fail"] if wishes.failed_boots else []),
        *([f"{wishes.nodes_lost_per_day:g} deaths a replica and day"] if wishes.nodes_lost_per_day else []),
        f"seed {wishes.seed}",
    ]
    return ", ".join(parts)


def show(comparison: "Comparison", wishes: Wishes) -> None:
    """Table or JSON on stdout; the page where one is wanted."""
    from rich.console import Console

    from elastic_serving.simulate.document import document
    from elastic_serving.simulate.table import table

    if wishes.output == "json":
        click.echo(json.dumps(document(comparison), indent=2))
    else:
        console = Console()
        console.width = max(console.width, _COLUMNS)
        console.print(table(comparison))
    if wishes.plot is not None:
        from elastic_serving.simulate.drawing import write_whole
        from elastic_serving.simulate.page import page

        try:
            write_whole(wishes.plot, page(comparison))
        except OSError as error:
            raise click.ClickException(f"{wishes.plot} cannot be written: {error.strerror}") from None
        click.echo(f"the page is {wishes.plot}", err=True)


@contextmanager
def _progress() -> "Iterator[Watch]":
    """What the policies' progress is told to; silent where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _policy, _done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda policy, done: bar.update(task, description=policy, completed=done)
