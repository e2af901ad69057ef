"""``python -m dev.traffic``: replays a trace or a sample; reports JSON lines, one per interval and a total."""

import asyncio
import contextlib
import json
import signal
from dataclasses import asdict
from ipaddress import IPv4Network
from pathlib import Path
from typing import IO, Final

import click

from dev.engines.addresses import PodRange
from dev.engines.watch import open_client
from dev.traffic.arrivals import Arrival, arrivals
from dev.traffic.measure import Snapshot
from dev.traffic.replay import Replay, ReplaySettings
from elastic_serving.simulate.sample import DEFAULT_CV, SAMPLES
from elastic_serving.simulate.traces import read_trace
from elastic_serving.simulate.workload import POISSON, Shaping, TraceError, shaped

_POSITIVE: Final = click.FloatRange(min=0, min_open=True)
_CV: Final = click.FloatRange(0.01, 100)
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(context_settings={"show_default": True})
@click.option("--kubeconfig", required=True, type=_FILE)
@click.option("--namespace", required=True)
@click.option("--service", required=True, help="Its ready EndpointSlice addresses are dialled.")
@click.option("--trace", type=_FILE, help="CSV of requests or of rates, instead of a sample.")
@click.option("--sample", default="bursty", type=click.Choice(sorted(SAMPLES)))
@click.option(
    "--seed", default=1, type=click.IntRange(min=0), help="Of arrival times, token counts and the choice of endpoints."
)
@click.option(
    "--cv",
    type=click.FloatRange(0.01, 100),
    help=f"Burstiness: of a sample {DEFAULT_CV:g}, of a rate trace 1 (Poisson).",
)
@click.option("--rate-factor", default=1.0, type=_POSITIVE, help="Multiplies the rates.")
@click.option("--max-seconds", type=_POSITIVE, help="Cuts the workload there, before division by the speed.")
@click.option(
    "--speed", default=1.0, type=_POSITIVE, help="Divides all times; what is reported is time of the workload."
)
@click.option("--wait-seconds", default=60.0, type=click.FloatRange(min=0), help="For a first ready endpoint.")
@click.option("--request-seconds", default=600.0, type=_POSITIVE, help="A request's whole time.")
@click.option("--max-in-flight", default=2000, type=click.IntRange(min=1))
@click.option("--model", help="Model name to ask for.")
@click.option("--pod-range", default="10.64", type=PodRange(), help="10.N: a pod at 10.N.y.z is dialled at 127.N.y.z.")
@click.option("--every-seconds", default=5.0, type=_POSITIVE, help="Time of the workload between two lines.")
@click.option("--progress", type=click.File("w", lazy=False), default="-", help="Where the lines go.")
def main(
    kubeconfig: Path,
    namespace: str,
    service: str,
    trace: Path | None,
    sample: str,
    seed: int,
    cv: float | None,
    rate_factor: float,
    max_seconds: float | None,
    speed: float,
    wait_seconds: float,
    request_seconds: float,
    max_in_flight: int,
    model: str | None,
    pod_range: IPv4Network,
    every_seconds: float,
    progress: IO[str],
) -> None:
    """Replay traffic against a Service until it ends or SIGINT.

    Example: python -m dev.traffic --kubeconfig K --namespace demo --service llama-8b --sample bursty --speed 5
    """
    shaping = Shaping(max_seconds, rate_factor, cv=cv or (POISSON if trace else DEFAULT_CV), seed=seed)
    try:
        workload = arrivals(shaped(read_trace(trace) if trace else SAMPLES[sample], shaping))
    except TraceError as error:
        raise click.ClickException(str(error)) from error
    settings = ReplaySettings(
        namespace=namespace,
        service=service,
        pod_range=pod_range,
        speed=speed,
        model=model,
        wait_seconds=wait_seconds,
        request_seconds=request_seconds,
        max_in_flight=max_in_flight,
        seed=seed,
    )
    asyncio.run(_replay(kubeconfig, workload, settings, every_seconds, progress))


async def _replay(
    kubeconfig: Path, workload: tuple[Arrival, ...], settings: ReplaySettings, every_seconds: float, out: IO[str]
) -> None:
    """Run it and write a line at every interval; a signal ends it early, with a total of what was."""
    async with await open_client(kubeconfig) as client:
        replay = Replay(client, workload, settings)
        running = asyncio.create_task(replay.run(), name="replay")
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
        while not running.done():
            await asyncio.wait((running,), timeout=every_seconds / settings.speed)
            _write(out, "interval", replay.take_interval(), replay.ready_endpoints)
        _write(out, "total", replay.snapshot(), replay.ready_endpoints)
        with contextlib.suppress(asyncio.CancelledError):
            await running


def _write(out: IO[str], kind: str, snapshot: Snapshot, ready_endpoints: int) -> None:
    """One JSON line, flushed, so that a reader sees it now."""
    print(json.dumps({"kind": kind, "ready_endpoints": ready_endpoints, **asdict(snapshot)}), file=out, flush=True)


if __name__ == "__main__":
    main()
