"""``python -m dev.engines``: the fleet as a process. Its one line on stdout is JSON with the control endpoint's URL."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

import click
import structlog
from aiohttp import web
from kubernetes.aio.client import CoreV1Api

from dev.engines.addresses import PodRange
from dev.engines.control import control_app
from dev.engines.engine import FleetSettings
from dev.engines.fleet import Fleet
from dev.engines.service_model import ServiceTimes
from dev.engines.watch import open_client

_PARENT_CHECK_SECONDS: Final = 0.5
_POSITIVE: Final = click.FloatRange(min=0, min_open=True)
_NOT_NEGATIVE: Final = click.FloatRange(min=0)
_TIMES: Final = ServiceTimes()


@click.command(context_settings={"show_default": True})
@click.option("--kubeconfig", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--pod-range", default="10.64", type=PodRange(), help="10.N: a pod at 10.N.y.z is served at 127.N.y.z.")
@click.option("--namespaces", help="Comma-separated, also empty: only these, and those the control endpoint adds.")
@click.option("--speed", default=1.0, type=_POSITIVE, help="Divides every time below.")
@click.option("--load-seconds", default=10.0, type=_NOT_NEGATIVE, help="From container start to the first /health 200.")
@click.option("--prefill-base-seconds", default=_TIMES.prefill_base_seconds, type=_NOT_NEGATIVE)
@click.option("--prefill-token-seconds", default=_TIMES.prefill_token_seconds, type=_NOT_NEGATIVE)
@click.option("--decode-token-seconds", default=_TIMES.decode_token_seconds, type=_POSITIVE)
@click.option("--chunk-seconds", default=0.25, type=_POSITIVE, help="Real seconds between two pieces of a stream.")
@click.option("--control-port", default=0, type=click.IntRange(0, 65535), help="On 127.0.0.1; 0 takes a free one.")
@click.option("--parent-pid", type=int, help="End when this process is no longer the parent.")
def main(
    kubeconfig: Path,
    pod_range: IPv4Network,
    namespaces: str | None,
    speed: float,
    load_seconds: float,
    prefill_base_seconds: float,
    prefill_token_seconds: float,
    decode_token_seconds: float,
    chunk_seconds: float,
    control_port: int,
    parent_pid: int | None,
) -> None:
    """Serve every elastic-serving pod on fake nodes as a simulated vLLM, until SIGTERM.

    Example: python -m dev.engines --kubeconfig ~/.local/state/elastic-serving/kubeconfig --pod-range 10.64 --speed 5
    """
    times = ServiceTimes(prefill_base_seconds, prefill_token_seconds, decode_token_seconds, speed)
    settings = FleetSettings(pod_range, times, load_seconds, chunk_seconds)
    # stdout is for the one line that says where we are.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    within = None if namespaces is None else [name for name in namespaces.split(",") if name]
    asyncio.run(_serve(kubeconfig, settings, within, control_port, parent_pid))


async def _serve(
    kubeconfig: Path,
    settings: FleetSettings,
    namespaces: Sequence[str] | None,
    control_port: int,
    parent_pid: int | None,
) -> None:
    """Until a signal or the parent's end; engines, sockets and the API client are closed when it returns."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    client = await open_client(kubeconfig)
    async with client, contextlib.AsyncExitStack() as stack:
        fleet = Fleet(CoreV1Api(client), settings, namespaces)
        runner = web.AppRunner(control_app(fleet), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", control_port).start()
        following = asyncio.create_task(fleet.run(), name="fleet")
        waits = [following, asyncio.create_task(stop.wait()), asyncio.create_task(_orphaned(parent_pid))]
        announcing = asyncio.create_task(_announce(fleet, runner))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (announcing, *waits):
                task.cancel()
            await asyncio.gather(announcing, *waits, return_exceptions=True)
    if not following.cancelled():
        following.result()


async def _announce(fleet: Fleet, runner: web.AppRunner) -> None:
    """Tell on stdout where the control endpoint is, once every pod that was there is known."""
    await fleet.listed.wait()
    host, port = runner.addresses[0][:2]
    print(json.dumps({"control": f"http://{host}:{port}"}), flush=True)


async def _orphaned(parent_pid: int | None) -> None:
    """Returns when the parent is gone; never without a parent to watch."""
    while parent_pid is None or os.getppid() == parent_pid:  # noqa: ASYNC110  no event tells of a parent's death
        await asyncio.sleep(_PARENT_CHECK_SECONDS)


if __name__ == "__main__":
    main()
