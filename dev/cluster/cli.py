"""``python -m dev.cluster``: a local control plane for people."""

import shlex
import time

import click

from dev.cluster import saved
from dev.cluster.errors import ClusterError
from dev.cluster.layout import START_ORDER, Tuning
from dev.cluster.local import LocalCluster
from dev.cluster.nodes import gpu_node
from dev.controlplane.build import find_tools
from dev.controlplane.errors import BuildError

GPUS_A_NODE = 8

_name = click.option("--name", default="dev", show_default=True, help="Which cluster; several run side by side.")


@click.group(help="A real Kubernetes control plane on fake nodes, on this machine. Example: python -m dev.cluster up")
def cli() -> None:
    """The group of commands."""


@cli.command(help="Start the cluster and leave it running. The first time it builds the binaries (about 13 minutes).")
@_name
@click.option(
    "--gpu-nodes", type=click.IntRange(0, 500), default=4, show_default=True, help="Fake nodes with 8 GPUs each."
)
@click.option(
    "--scrape-seconds",
    type=click.FloatRange(0.1, 60),
    default=Tuning().scrape_seconds,
    show_default=True,
    help="How often Prometheus scrapes the engines.",
)
def up(name: str, gpu_nodes: int, scrape_seconds: float) -> None:
    """Start the cluster ``name``, unless it is up."""
    tools = find_tools()
    present = saved.load(name, tools)
    if present is not None and all(process.is_alive for process in present.processes.values()):
        click.echo(f"{name} is up already", err=True)
        _tell(present)
        return
    if present is not None:
        present.stop()
    began = time.monotonic()
    cluster = LocalCluster.start(
        tools,
        tuning=Tuning(scrape_seconds=scrape_seconds),
        tethered=False,
        report=lambda step: click.echo(step, err=True),
    )
    try:
        saved.save(name, cluster)
        if gpu_nodes:
            cluster.create(*[gpu_node(f"gpu-{index}", count=GPUS_A_NODE) for index in range(gpu_nodes)])
    except BaseException:
        cluster.stop()
        saved.forget(name)
        raise
    click.echo(
        f"up in {time.monotonic() - began:.1f} s; end it with: python -m dev.cluster down --name {name}", err=True
    )
    _tell(cluster)


@cli.command(help="End the cluster and everything it started.")
@_name
def down(name: str) -> None:
    """Stop the cluster ``name``; one that is not up is fine."""
    cluster = saved.load(name, {})
    if cluster is None:
        click.echo(f"{name} is not up", err=True)
        return
    cluster.stop()
    saved.forget(name)
    click.echo(f"{name} is down; its logs are in {cluster.layout.directory / 'logs'}", err=True)


@cli.command(help="Say for each component whether it is ready; exit code 1 if one is not.")
@_name
def status(name: str) -> None:
    """Print a line for each component."""
    cluster = saved.load(name, {})
    if cluster is None:
        raise ClusterError(f"{name} is not up; start it with: python -m dev.cluster up --name {name}")
    ready = {component: cluster.is_ready(component) for component in START_ORDER}
    for component, is_ready in ready.items():
        click.echo(f"{component:24} {'ready' if is_ready else 'NOT READY':10} {cluster.layout.log(component)}")
    if not all(ready.values()):
        raise click.exceptions.Exit(1)


@cli.command(help='Print shell variables of the cluster. Use: eval "$(python -m dev.cluster env)"')
@_name
def env(name: str) -> None:
    """Print export lines."""
    cluster = saved.load(name, tools := find_tools())
    if cluster is None:
        raise ClusterError(f"{name} is not up; start it with: python -m dev.cluster up --name {name}")
    path = ":".join(sorted({shlex.quote(str(tool.parent)) for tool in tools.values()}))
    click.echo(f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
    click.echo(f"export PROMETHEUS_URL={cluster.prometheus_url}")
    click.echo(f'export PATH={path}:"$PATH"')


def _tell(cluster: LocalCluster) -> None:
    click.echo(f"kubeconfig  {cluster.kubeconfig}")
    click.echo(f"prometheus  {cluster.prometheus_url}")


def main() -> None:
    """Run the command line: exit 0 done, 1 with one sentence on stderr, 2 wrong use."""
    try:
        cli(prog_name="python -m dev.cluster")
    except (ClusterError, BuildError) as error:
        raise SystemExit(f"error: {error}") from error
