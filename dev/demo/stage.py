"""Everything the demo needs, started in order and ended whatever happens: cluster, chart, operator, engines."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dev.cluster.layout import SCHEDULER, Tuning
from dev.cluster.local import LocalCluster
from dev.cluster.process import Process, Spawner
from dev.controlplane.build import find_tools
from dev.demo.scale import ColdStart, operator_values, scrape_seconds
from dev.engines.launch import EngineFleet
from dev.install import COMMAND, RELEASE, ROOT, install

NAMESPACE: Final = "demo"
"""Where the serving lives; the operator's namespace is called as the release."""
OPERATOR_PATIENCE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs."""

    cluster: LocalCluster
    fleet: EngineFleet
    operator: Process


@contextmanager
def stage(speed: float, cold_start: ColdStart, report: Callable[[str], None]) -> Iterator[Stage]:
    """A cluster with our chart, and the operator running under its rights. Nothing of it is left afterwards.

    ``report`` is told each step in a few words. Raises ClusterError, BuildError or FleetFailed.
    """
    tools = find_tools()
    with ExitStack() as stack:
        tuning = Tuning(
            scrape_seconds=scrape_seconds(speed),
            extra_arguments={SCHEDULER: (f"--config={Path(__file__).with_name('scheduler.yaml')}",)},
        )
        cluster = stack.enter_context(LocalCluster.start(tools, tuning=tuning, report=report))
        logs = cluster.audit_log.parent
        report(f"logs are in {logs}")
        report("installing the chart with Helm, its Deployment at 0 replicas: fake nodes run no containers")
        installed = install(cluster, RELEASE, {"operator": {**operator_values(speed), "log": {"format": "console"}}})
        report("starting the operator with a token of the chart's ServiceAccount, and the simulated engines")
        # The operator lives as long as its spawner, which this frame keeps.
        spawner = Spawner(tethered=True)
        operator = spawner.start(
            "operator", COMMAND, log=cluster.log("operator"), environment=installed.variables("demo"), directory=ROOT
        )
        stack.callback(operator.stop, patience_seconds=OPERATOR_PATIENCE_SECONDS)
        fleet = EngineFleet(
            cluster.kubeconfig,
            pod_range=cluster.layout.addresses.pods,
            log=logs / "engines.log",
            speed=speed,
            load_seconds=cold_start.load_seconds,
        )
        stack.enter_context(fleet)
        cluster.kubectl("create", "namespace", NAMESPACE)
        cluster.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={NAMESPACE}", "--timeout=30s")
        yield Stage(cluster, fleet, operator)
