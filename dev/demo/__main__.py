"""``python -m dev.demo``: watch a serving follow its load, on a cluster of this machine that is gone afterwards."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import requests
import yaml
from rich.console import Console
from rich.live import Live

from dev.cluster.errors import ClusterError
from dev.controlplane.errors import BuildError
from dev.demo.page import write_page
from dev.demo.performance import Performance, Program, Screen
from dev.demo.recording import Recording, clock, seconds_text
from dev.demo.scale import ColdStart, explained
from dev.demo.screen import Lines, LiveScreen
from dev.demo.stage import stage
from dev.demo.workload import SAMPLE, read_workload
from dev.engines.launch import FleetFailed
from dev.install import ROOT
from elastic_serving.simulate.workload import TraceError

MANIFEST: Final = ROOT / "examples" / "quickstart.yaml"
_FAILURES: Final = (ClusterError, BuildError, FleetFailed, requests.RequestException, OSError)


@click.command(context_settings={"show_default": True})
@click.option(
    "--trace",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV of requests or rates to replay instead of the bursty sample.",
)
@click.option("--speed", default=5.0, type=click.FloatRange(1, 20), help="How many times as fast as reality.")
@click.option("--minutes", default=10.0, type=click.FloatRange(0, 600, min_open=True), help="How much of the traffic.")
@click.option(
    "--out",
    default=Path("build/demo.html"),
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page of load against replicas.",
)
@click.option("--plain", is_flag=True, help="Lines instead of the live screen, as without a terminal.")
def main(trace: Path | None, speed: float, minutes: float, out: Path, plain: bool) -> None:
    """Start a cluster, install the chart, replay traffic and show what happens; nothing is left running.

    \b
    Example:
      python -m dev.demo --trace $TRACES/azure-llm-2023/AzureLLMInferenceTrace_conv.csv --speed 10 --minutes 20
    """
    console = Console()
    try:
        workload = read_workload(trace, minutes)
    except TraceError as error:
        raise click.BadParameter(str(error), param_hint="--trace") from error
    title = f"{trace.name if trace else f'the {SAMPLE} sample'}, {len(workload)} requests"
    program = Program(title, _manifest(), workload, speed, ColdStart())
    try:
        recording = _performed(program, console, plain=plain or not console.is_terminal)
        out.parent.mkdir(parents=True, exist_ok=True)
        write_page(recording, out)
    except* _FAILURES as group:
        raise click.ClickException("; ".join(str(error) for error in _leaves(group))) from None
    except* KeyboardInterrupt:
        raise click.Abort from None
    _tell(recording, out, console)


def _manifest() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return found


def _performed(program: Program, console: Console, *, plain: bool) -> Recording:
    """The whole run, from an empty machine to an empty machine."""

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    with stage(program.speed, program.cold_start, say) as running:
        say(f"applying {MANIFEST.relative_to(ROOT)}; then {program.title}, {clock(program.duration)} of traffic")
        for line in explained(program.manifest, program.speed, program.cold_start):
            say(line)
        with _screen(program, console, plain=plain) as screen:
            recording = asyncio.run(Performance(running, program, screen).perform())
        say("ending the operator, the engines and the cluster")
    return recording


@contextlib.contextmanager
def _screen(program: Program, console: Console, *, plain: bool) -> Iterator[Screen]:
    name = str(program.manifest["metadata"]["name"])
    if plain:
        yield Lines(console, name)
        return
    with Live(console=console, auto_refresh=False) as live:
        yield LiveScreen(live, name, speed=program.speed, duration=program.duration)


def _tell(recording: Recording, out: Path, console: Console) -> None:
    """What ``kubectl describe`` said, the sum, and where the page is."""
    total = recording.total
    paid, fixed = recording.replica_minutes, recording.limit * recording.minutes
    lines = [
        "",
        f"$ kubectl describe elasticserving {recording.serving}",
        recording.description.rstrip(),
        "",
        f"{total.sent} requests, {total.failed} failed; time to first token p50 {seconds_text(total.first_token.p50)}, "
        f"p99 {seconds_text(total.first_token.p99)}; latency p50 {seconds_text(total.latency.p50)}, "
        f"p99 {seconds_text(total.latency.p99)}",
        f"{len(recording.changes)} decisions; {paid:.0f} GPU minutes, where {recording.limit} replicas all the time "
        f"are {fixed:.0f}",
        *([recording.caveat] if recording.caveat else []),
        f"load against replicas: {out.resolve()}",
    ]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _leaves(group: BaseExceptionGroup[Exception]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return leaves


if __name__ == "__main__":
    main(prog_name="python -m dev.demo")
